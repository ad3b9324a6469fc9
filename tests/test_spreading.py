"""A map of very many windows: a sample is drawn, and all others are placed on it where they belong."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from distributed import Client

from core import bulk, spreading
from core.bulk import BulkSpec, Written
from core.encoders import EncoderSpec
from core.folders import FolderSpec
from core.projection import ProjectionSpec, project
from core.recipes import Recipe, WindowSpec
from core.series import Floats
from core.spreading import draw, shares
from core.steps import Impute
from core.views import EMBEDDING
from tests.browser import ROOT
from tests.plant import crew, walks, written

SIZE = 40  # windows in a part
SHORT = 160  # samples of the series s3, which has 17 windows; the others 72


def silent(_stage: str, _done: int, _total: int) -> None:
    """Nobody watches the progress."""


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with crew() as client:
        yield client


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three series of 72 windows and one of 17."""
    made = tmp_path_factory.mktemp("plant")
    values = walks(made / "data", 4, 600)
    written(values["s3"][:SHORT], made / "data" / "s3.parquet")
    return made


@pytest.fixture
def spec(folder: Path) -> BulkSpec:
    recipe = Recipe((Impute("linear", 4),), 0.7, WindowSpec(32, 8))
    return BulkSpec(FolderSpec(str(folder / "data"), ("x",)), recipe, EncoderSpec("raw"), sample=80)


@pytest.fixture
def out(folder: Path) -> str:
    return str(folder / "out")


def rows(out: str, result: Written) -> dict[tuple[str, int], dict[str, object]]:
    found = pyarrow.dataset.dataset(f"{out}/{result.where}").to_table().to_pylist()
    made = {(one["series"], one["start"]): one for one in found}
    assert len(made) == len(found)
    return made


def sample(out: str, result: Written) -> pa.Table:
    return pq.read_table(f"{out}/{result.key}/sample.parquet")


def vectors(found: pa.Table) -> Floats:
    return np.array(found["vector"].to_pylist(), np.float32)


def test_each_window_of_the_folder_has_its_place(spec: BulkSpec, client: Client, out: str):
    embedded = bulk.embed(spec, out, client, silent, SIZE)
    drawn = draw(spec, out, client, silent, SIZE)
    assert rows(out, drawn).keys() == rows(out, embedded).keys()
    assert drawn.meta["n_windows"] == 3 * 72 + 17
    assert drawn.missing == ()


@pytest.mark.parametrize("method", ["pca", "pacmap"])
def test_the_sample_lies_where_it_was_drawn(spec: BulkSpec, client: Client, out: str, method: str):
    spec = replace(spec, projection=ProjectionSpec(method))
    drawn = draw(spec, out, client, silent, SIZE)
    placed, some = rows(out, drawn), sample(out, drawn)
    fit = project(vectors(some), spec.projection, lambda *_: None).xy
    for one, xy in zip(some.to_pylist(), fit, strict=True):
        there = placed[one["series"], one["start"]]
        assert (there["x"], there["y"]) == tuple(xy)


def test_others_lie_near_what_they_look_like(spec: BulkSpec, client: Client, out: str):
    spec = replace(spec, projection=ProjectionSpec("pacmap"))
    drawn, embedded = draw(spec, out, client, silent, SIZE), bulk.embed(spec, out, client, silent, SIZE)
    some = sample(out, drawn)
    seen, xy = vectors(some), np.column_stack([some["x"].to_numpy(), some["y"].to_numpy()])
    known = set(zip(some["series"].to_pylist(), some["start"].to_pylist(), strict=True))
    near, all_far = [], []
    for key, one in rows(out, drawn).items():
        if key not in known:
            vector = np.array(rows_of(out, embedded)[key], np.float32)
            nearest = np.abs(seen - vector).sum(axis=1).argmin()
            far = np.hypot(*(xy - [one["x"], one["y"]]).T)
            near.append(far[nearest])
            all_far.append(np.median(far))
    assert np.median(near) < np.median(all_far) / 5


def rows_of(out: str, embedded: Written) -> dict[tuple[str, int], list[float]]:
    return {key: one["vector"] for key, one in rows(out, embedded).items()}


def test_every_series_has_its_share_of_the_sample_spread_over_its_time(spec: BulkSpec, client: Client, out: str):
    some = sample(out, draw(spec, out, client, silent, SIZE))
    assert Counter(some["series"].to_pylist()) == {"s0": 21, "s1": 21, "s2": 21, "s3": 17}
    for name in ("s0", "s1", "s2"):
        numbers = np.array([one["start"] // 8 for one in some.to_pylist() if one["series"] == name])
        assert np.histogram(numbers, bins=7, range=(0, 72))[0].min() >= 2


def test_the_sample_is_the_same_in_parts_of_any_size_and_another_by_another_seed(
    spec: BulkSpec, client: Client, out: str
):
    def drawn(seed: int, size: int) -> pa.Table:
        there = f"{out}-{seed}-{size}"
        return sample(there, draw(replace(spec, seed=seed), there, client, silent, size))

    one, other, third = drawn(0, 40), drawn(0, 30), drawn(1, 40)
    assert one.equals(other)
    assert not one.select(["series", "start"]).equals(third.select(["series", "start"]))


def test_a_second_run_draws_and_places_nothing(spec: BulkSpec, client: Client, out: str):
    first, stages = draw(spec, out, client, silent, SIZE), list[str]()
    assert draw(spec, out, client, lambda stage, _done, _total: stages.append(stage), SIZE) == first
    assert not {EMBEDDING, spreading.PLACING, spreading.CHOOSING} & set(stages)


def test_a_run_that_was_stopped_draws_no_second_map(spec: BulkSpec, client: Client, out: str):
    spec = replace(spec, seed=5)

    def stop(stage: str, done: int, _total: int) -> None:
        if stage == spreading.PLACING and done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw(spec, out, client, stop, SIZE)
    stages: list[str] = []
    made = draw(spec, out, client, lambda stage, _done, _total: stages.append(stage), SIZE)
    assert spreading.CHOOSING not in stages
    assert len(rows(out, made)) == 3 * 72 + 17


def test_a_map_of_all_windows_is_that_of_one_machine(spec: BulkSpec, client: Client, out: str):
    spec = replace(spec, sample=1000)
    drawn, embedded = draw(spec, out, client, silent, SIZE), bulk.embed(spec, out, client, silent, SIZE)
    known = dict(sorted(rows_of(out, embedded).items()))
    xy = project(np.array(list(known.values()), np.float32), spec.projection, lambda *_: None).xy
    placed = rows(out, drawn)
    assert [(placed[key]["x"], placed[key]["y"]) for key in known] == [tuple(one) for one in xy.tolist()]


@pytest.mark.parametrize(
    ("available", "total", "given"),
    [
        ([10, 10, 10], 9, [3, 3, 3]),
        ([1, 10, 10], 9, [1, 4, 4]),
        ([2, 3], 100, [2, 3]),
        ([5, 9, 7], 2, [0, 1, 1]),
        ([0, 4], 3, [0, 3]),
    ],
)
def test_shares_are_equal_as_far_as_there_is_enough(available: list[int], total: int, given: list[int]):
    assert shares(np.array(available), total).tolist() == given


def test_the_page_does_what_it_says(tmp_path: Path, client: Client):
    """Its lines, with a folder and a cluster that are here, and a model and a map that take no time."""
    rng, clock = np.random.default_rng(0), pd.date_range("2026-01-01", periods=3000, freq="1s")
    for machine in (1, 2):
        file = tmp_path / "raw" / "line=1" / f"machine={machine}" / "2026-01.parquet"
        file.parent.mkdir(parents=True)
        load, torque = rng.normal(size=(2, 3000)).cumsum(axis=1)
        pd.DataFrame({"t": clock, "load": load, "torque": torque}).to_parquet(file)
    [lines] = re.findall(
        r"^```python\n(.*?)^```", (ROOT / "docs/SCALE.md").read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    for there, here in (
        ("s3://plant", str(tmp_path)),
        ('EncoderSpec("moment", "/srv/models/MOMENT-1-small")', 'EncoderSpec("raw")'),
        ('Client("tls://scheduler.plant.example:8786")', "here"),
        ('ProjectionSpec("umap")', 'ProjectionSpec("pca")'),
    ):
        assert there in lines
        lines = lines.replace(there, here)
    said: dict[str, Any] = {"here": client}
    exec(compile(lines, "SCALE.md", "exec"), said)  # noqa: S102
    assert said["drawn"].meta["n_windows"] == said["embedded"].meta["n_windows"] == 2 * 10
