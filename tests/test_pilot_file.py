"""A pilot file gives the same specs, and so the same fingerprints, wherever it is read; what it cannot be is told."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.artifacts import Store
from core.encoders import SHIPPED, EncoderSpec, weights_hash
from core.errors import UserError
from core.lessons import TrainSpec
from core.pilot_file import Plan, Planned, read, written
from core.projection import ProjectionSpec
from core.reader import Reader, Source
from core.recipes import Recipe, WindowSpec, propose
from core.steps import Bend, Deseason, Detrend, Impute, Resample, Scale, Smooth, Winsorise
from core.studies import Design
from core.tables import guess
from core.tuning import TuneSpec
from core.views import ViewSpec

CSV = "\n".join(["t;pump;state", *(f"{i};{np.sin(i / 5):.3f};{'ok' if i < 90 else 'worn'}" for i in range(120))])
JUST_DATA = '[[dataset]]\nfile = "pump.csv"\n'
VIEW = JUST_DATA + '[[view]]\nname = "map"\n'


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    one = Reader()
    yield one
    one.close()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def plan_of(tmp_path: Path, store: Store, reader: Reader) -> Callable[[str], Plan]:
    """Reads a file that lies beside a data file."""
    (tmp_path / "pump.csv").write_text(CSV, encoding="utf-8")

    def plan(text: str) -> Plan:
        (tmp_path / "pilot.toml").write_text(text, encoding="utf-8")
        return read(tmp_path / "pilot.toml", store, reader)

    return plan


def everything(store: Store) -> Plan:
    """A plan with something of every kind, of data that the store has."""
    guessed = guess(CSV.encode(), site="pump")
    pump = Source(store.keep(CSV.encode(), {}), guessed)
    bare = replace(pump, reading=replace(guessed, time=None, label=None, rate=12.5, missing=("-", "なし")))
    steps = (
        *(Resample(0.1, "linear"), Impute("seasonal", 4, 24), Winsorise(0.01), Smooth("median", 3)),
        *(Bend("box-cox"), Detrend("linear"), Deseason("mstl", (24, 48)), Scale("robust", "domain")),
    )
    odd = Recipe(steps, 0.6, WindowSpec(16, 4, "label", "shift", 50))
    plain = Recipe(window=WindowSpec(32, 16))
    sides = EncoderSpec("raw", join="concat", channel="pump", side=("differenced", "level-scale-slope"))
    umap = ProjectionSpec("umap", seed=3, neighbours=9, min_distance=0.25)
    run = TuneSpec((pump,), plain, EncoderSpec(), TrainSpec("lora", contrast=0.5, rate=1e-4, seed=7), 0.5)
    twin = replace(run, chance=True)
    trained = replace(run.encoder_in(store), join="concat")
    return Plan(
        "軸受の試行",
        {"pump.csv": pump, "pump.csv 2": bare},
        {
            "1": ViewSpec((pump,), odd, sides, umap),
            "2": ViewSpec((bare, pump), plain, EncoderSpec(adapt="coral"), ProjectionSpec()),
            "3": ViewSpec((pump,), plain, trained, replace(umap, stopped_after=30)),
        },
        {"Run 1": run, "Run 2": twin},
        {"3": "Run 1"},
        {"Study 1": Planned(Design(n_items=9, tasks=("odd",), pairs=True, previs=20), ("3", "1"))},
    )


# --- what is written is read


def test_what_was_written_is_read_as_the_same_specs(plan_of, store):
    plan = everything(store)
    again = plan_of(written(plan, {plan.sources["pump.csv"].sha256: "pump.csv"}))
    assert again == plan
    assert list(again.views) == ["1", "2", "3"]
    assert [one.fingerprint() for one in again.runs.values()] == [one.fingerprint() for one in plan.runs.values()]
    for name in ("1", "2"):
        assert again.views[name].fingerprint() == plan.views[name].fingerprint()


def test_data_are_found_by_what_is_in_them_where_nobody_has_put_the_file(store, reader, tmp_path):
    plan = everything(store)
    (tmp_path / "pilot.toml").write_text(written(plan, {plan.sources["pump.csv"].sha256: "away.csv"}), "utf-8")
    assert read(tmp_path / "pilot.toml", store, reader) == plan
    with pytest.raises(UserError, match="neither where the pilot file says, nor in the store") as told:
        read(tmp_path / "pilot.toml", Store(tmp_path / "another"), reader)
    assert told.value.facts == {"file": "away.csv"}


def test_what_was_written_names_no_place_of_this_computer(store, tmp_path):
    plan = everything(store)
    text = written(plan, {plan.sources["pump.csv"].sha256: "pump.csv"})
    assert str(tmp_path) not in text
    assert str(SHIPPED.parent) not in text
    assert text.count("[[recipe]]") == 2  # each once, however many views use it


# --- what people write


def test_what_is_left_out_is_as_the_screens_propose_it(plan_of):
    plan = plan_of(VIEW)
    source, view = plan.sources["pump"], plan.views["map"]
    assert source.reading == guess(CSV.encode(), site="pump")
    assert view == ViewSpec((source,), Recipe(window=propose([120])), EncoderSpec(), ProjectionSpec())
    assert plan == Plan("", {"pump": source}, {"map": view})


def test_what_is_said_of_a_file_counts_and_the_rest_is_guessed(plan_of):
    told = 'reading = { label = false, rate = 10.0, dialect = { delimiter = ";" } }'
    reading = plan_of(JUST_DATA + told).sources["pump"].reading
    assert reading == replace(guess(CSV.encode(), site="pump"), label=None, rate=10.0)
    assert reading.channels == ("pump",)
    assert guess(CSV.encode(), site="pump").label == "state"


def test_a_grid_is_every_recipe_with_every_encoder_with_every_projection(plan_of):
    plan = plan_of(
        JUST_DATA
        + '[[recipe]]\nname = "short"\nwindow = { length = 16, stride = 8 }\n'
        + '[[recipe]]\nname = "bare"\nsteps = []\nwindow = { length = 16, stride = 8 }\n'
        + '[[encoder]]\nname = "raw"\nkind = "raw"\n[[encoder]]\nname = "numbers"\nkind = "statistics"\n'
        + '[[projection]]\nname = "flat"\n[[projection]]\nname = "tsne"\nmethod = "tsne"\nseed = 4\n'
        + '[[grid]]\n[[grid]]\nname = "again"\nrecipes = ["bare"]\nprojections = ["tsne"]\n'
    )
    names = [f"{r} · {e} · {p}" for r in ("short", "bare") for e in ("raw", "numbers") for p in ("flat", "tsne")]
    assert list(plan.views) == [*names, "again · bare · raw · tsne", "again · bare · numbers · tsne"]
    drawn = plan.views["bare · numbers · tsne"]
    assert (drawn.recipe.steps, drawn.encoder.kind, drawn.projection) == ((), "statistics", ProjectionSpec("tsne", 4))
    assert drawn.recipe.window == WindowSpec(16, 8)
    assert len({one.fingerprint() for one in plan.views.values()}) == 8  # the second grid has nothing new


def test_a_model_is_looked_for_beside_the_file_and_has_to_be_the_same(plan_of, tmp_path):
    (tmp_path / "ours").symlink_to(SHIPPED)
    text = VIEW + 'encoder = "m"\n[[encoder]]\nname = "m"\nkind = "moment"\nsource = "ours"\n'
    encoder = plan_of(f'{text}weights = "{weights_hash(SHIPPED)}"').views["map"].encoder
    assert encoder == EncoderSpec("moment", str(tmp_path / "ours"))
    with pytest.raises(UserError, match="not the one that this pilot was made with"):
        plan_of(f'{text}weights = "{"0" * 64}"')


def test_a_model_from_the_hub_keeps_its_name(plan_of):
    name = "AutonLab/MOMENT-1-small"
    plan = plan_of(VIEW + f'encoder = "m"\n[[encoder]]\nname = "m"\nkind = "moment"\nsource = "{name}"\n')
    assert plan.views["map"].encoder == EncoderSpec("moment", name)


def test_which_model_follows_from_a_training_that_was_not_made_yet_is_waited_for(plan_of, store):
    text = (
        '[[run]]\nname = "first"\n[[run]]\nname = "second"\nencoder = "after first"\n'
        '[[encoder]]\nname = "after first"\nrun = "first"\n[[encoder]]\nname = "after second"\nrun = "second"\n'
        '[[view]]\nname = "one"\nencoder = "after first"\n[[view]]\nname = "two"\nencoder = "after second"\n'
        '[[study]]\nname = "both"\n'
    )
    plan = plan_of(JUST_DATA + text)
    assert plan.waiting == {"two": "first"}
    assert (plan.learners, set(plan.views)) == ({"second": "first", "one": "first"}, {"one"})
    assert plan.studies["both"].views == ("one", "two")

    def as_if_trained(folder: Path) -> dict[str, object]:
        for file in SHIPPED.iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
        return {}

    store.make(plan.runs["first"].fingerprint(), as_if_trained)
    plan = plan_of(JUST_DATA + text)
    assert plan.waiting == {}
    assert plan.views["two"].encoder.source == str(store.folder(plan.runs["second"].fingerprint()))


# --- what it cannot be


@pytest.mark.parametrize(
    ("text", "problem", "facts"),
    [
        ("[[dataset]", "not written as TOML", {}),
        ("format = 2", "another version", {}),
        ("[[datasets]]", "which is not known there", {"where": "top level", "key": "datasets"}),
        ("[[dataset]]\nname = 'a'", "has no “{key}”", {"where": "[[dataset]] a", "key": "file"}),
        ("[[view]]", "has no name", {"kind": "view"}),
        (JUST_DATA * 2, "Two tables", {"kind": "dataset", "name": "pump"}),
        (VIEW + "recipe = 'x'", "no [[{kind}]] of that name", {"name": "x", "kind": "recipe", "where": "[[view]] map"}),
        (VIEW + "data = ['x']", "no [[{kind}]] of that name", {"name": "x", "kind": "dataset"}),
        (VIEW + "colour = 'x'", "which is not known there", {"where": "[[view]] map", "key": "colour"}),
        (VIEW + "data = 'pump'", "cannot be so", {"where": "[[view]] map: data", "why": "'pump'"}),
        (JUST_DATA + "reading = {layout = 'deep'}", "cannot be so", {"where": "[[dataset]] pump: reading: layout"}),
        (JUST_DATA + "reading = {ordered = 1}", "cannot be so", {"where": "[[dataset]] pump: reading: ordered"}),
        (JUST_DATA + "reading = {rate = true}", "cannot be so", {"where": "[[dataset]] pump: reading: rate"}),
        (JUST_DATA + f"sha256 = '{'0' * 64}'", "not the file that this pilot was made with", {"file": "pump.csv"}),
        (VIEW + "[[run]]\nname = 'map'", "would be called", {"name": "map"}),
        (VIEW + "[[study]]\nname = 's'\nviews = ['x']", "no [[{kind}]] of that name", {"name": "x", "kind": "view"}),
        (VIEW + "[[study]]\nname = 's'\nn_items = 3", "cannot be asked in one sitting", {}),
        (
            VIEW + "projection = 'p'\n[[projection]]\nname = 'p'\nseed = 1.5",
            "cannot be so",
            {"where": "[[projection]] p: seed", "why": "1.5"},
        ),
        (
            VIEW + "recipe = 'r'\n[[recipe]]\nname = 'r'\nwindow = {stride = 4, size = 3}",
            "which is not known there",
            {"where": "[[recipe]] r: window", "key": "size"},
        ),
        (VIEW + "recipe = 'r'\n[[recipe]]\nname = 'r'\nsteps = [{kind = 'magic'}]", "does not know", {}),
        (
            VIEW + "encoder = 'e'\n[[encoder]]\nname = 'e'\nrun = 'x'",
            "no [[{kind}]] of that name",
            {"name": "x", "kind": "run", "where": "[[encoder]] e"},
        ),
        (
            VIEW + "[[run]]\nname = 'r'\ntrain = {steps = 0}",
            "cannot be so",
            {"where": "[[run]] r: train"},
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(plan_of, text, problem, facts):
    with pytest.raises(UserError) as told:
        plan_of(text)
    assert problem in told.value.problem
    assert {name: told.value.facts[name] for name in facts} == facts
    str(told.value.problem.format(**told.value.facts))  # every fact is there


def test_a_file_that_is_none_is_refused(tmp_path, store, reader):
    with pytest.raises(UserError, match="There is no pilot file"):
        read(tmp_path / "none.toml", store, reader)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="cannot be read"):
        read(tmp_path / "binary.toml", store, reader)
