"""Things are made in their order, by this process or by a cluster, and what fails costs only what needs it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dask
import pytest
from distributed import LocalCluster

from core import demo
from core.artifacts import Store
from core.encoders import EncoderSpec
from core.errands import Cluster, Here, carry_out, crew_at, embeddings, failures, maps, measured, trainings
from core.errors import BROKE, UserError
from core.lessons import TrainSpec
from core.pilot_file import Plan
from core.projection import ProjectionSpec
from core.reader import Source
from core.recipes import Recipe, WindowSpec
from core.tables import guess
from core.tuning import TuneSpec
from core.views import ViewSpec

RECIPE = Recipe(window=WindowSpec(16, 8))
DRAWN = {"pca": ProjectionSpec("pca"), "tsne": ProjectionSpec("tsne")}


def quiet(_name: str, _stage: str, _done: int, _total: int) -> None:
    pass


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def plan_in(store: Store) -> Plan:
    """Two pictures of one embedding, and one that no model can make."""
    data = demo.pump("en")
    source = Source(store.keep(data, {}), guess(data))
    views = {name: ViewSpec((source,), RECIPE, EncoderSpec("raw"), drawn) for name, drawn in DRAWN.items()}
    broken = replace(views["pca"], encoder=EncoderSpec("raw", channel="nothing"))
    return Plan("Pump", {"pump": source}, {"broken": broken, **views})


def test_an_embedding_is_made_once_whatever_is_drawn_of_it(store):
    plan = plan_in(store)
    [wave] = embeddings(plan, plan.views)
    assert [one.name for one in wave] == [("embedding", "broken"), ("embedding", "pca")]
    assert [len(wave) for wave in measured(plan, plan.views)] == [2, 3, 3]


def test_a_training_comes_after_the_one_whose_model_it_goes_on_from(store):
    plan = plan_in(store)
    first = TuneSpec(tuple(plan.sources.values()), RECIPE, EncoderSpec(), TrainSpec())
    later = replace(plan, runs={"b": first, "a": first, "c": first}, learners={"a": "b", "c": "a", "pca": "c"})
    assert [[one.name[1] for one in wave] for wave in trainings(later, ["c"])] == [["b"], ["a"], ["c"]]
    assert [[one.name[1] for one in wave] for wave in maps(later, ["pca"])] == [["b"], ["a"], ["c"], ["pca"], ["pca"]]


def everything(store: Store, crew: Here | Cluster) -> None:
    plan, told = plan_in(store), list[str]()
    found = carry_out(measured(plan, plan.views), store, crew, lambda name, *_rest: told.append(name), {})
    assert set(failures(found)) == {"broken"}
    assert {name for (_kind, name), one in found.items() if one.new} == {"pca", "tsne"}
    assert all(store.has(found["measures", name].key) for name in DRAWN)
    assert set(DRAWN) <= set(told)
    again = carry_out(measured(plan, plan.views), store, crew, quiet, {})
    assert {name for name, one in again.items() if one.new} == set()
    assert {name: one.key for name, one in again.items()} == {name: one.key for name, one in found.items()}


def test_this_process_makes_what_it_can_and_nothing_twice(store):
    everything(store, Here(store))


@pytest.fixture
def cluster() -> Iterator[str]:
    with LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None) as running:
        yield running.scheduler_address


def test_a_cluster_makes_the_same(store, cluster):
    with crew_at(cluster, store) as crew:
        everything(store, crew)


def test_who_has_no_cluster_is_told(store):
    nobody = pytest.raises(UserError, match=r"Nobody answers at tcp://127\.0\.0\.1:1\.")
    with dask.config.set({"distributed.comm.timeouts.connect": "0.2s"}), nobody, crew_at("tcp://127.0.0.1:1", store):
        pass


def test_an_error_of_the_program_costs_no_other_map_and_its_log_has_the_rest(store, caplog):
    plan = plan_in(store)
    (store.folder(plan.views["pca"].sources[0].sha256) / "original").unlink()  # no screen and no command does that
    found = carry_out(maps(plan, ["pca"]), store, Here(store), quiet, {})
    assert failures(found) == {"pca": BROKE}
    assert "FileNotFoundError" in caplog.text
