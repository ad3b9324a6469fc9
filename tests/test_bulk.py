"""A folder larger than memory is embedded part by part: each window once, whoever dies meanwhile, and none anew."""

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset
import pytest
from distributed import Client

from core import bulk, hands, surveys, views
from core.artifacts import Store
from core.bulk import BulkSpec, Written
from core.encoders import EncoderSpec
from core.errors import UserError
from core.folders import FolderSpec
from core.hands import Way
from core.preparation import PreparationSpec, load
from core.projection import ProjectionSpec
from core.reader import Source
from core.recipes import Recipe, WindowSpec, places
from core.remote import Folder
from core.steps import Impute, Scale, Smooth
from core.tables import guess
from core.views import EMBEDDING, ViewSpec
from tests.bucket import Server
from tests.plant import crew, walks, written

RECIPE = Recipe((Impute("linear", 4), Scale("z-score", "series")), 0.7, WindowSpec(32, 8))
SIZE = 20  # windows in a part


class Steps(list[tuple[str, int, int]]):
    """What a run has told of itself."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        self.append((stage, done, total))

    def embedded(self) -> bool:
        return any(stage == EMBEDDING for stage, _, _ in self)


def silent(_stage: str, _done: int, _total: int) -> None:
    """Nobody watches the progress."""


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with crew() as client:
        yield client


@pytest.fixture
def spec(tmp_path: Path) -> BulkSpec:
    """Three series of 600 samples: 72 windows each."""
    walks(tmp_path / "data", 3, 600)
    return BulkSpec(FolderSpec(str(tmp_path / "data"), ("x",), "t"), RECIPE, EncoderSpec("raw"))


@pytest.fixture
def out(tmp_path: Path) -> str:
    return str(tmp_path / "out")


def table(out: str, result: Written) -> pa.Table:
    """All that was written, in order of series and time."""
    found = pyarrow.dataset.dataset(f"{out}/{result.where}").to_table()
    return found.set_column(0, "series", found["series"].cast(pa.string())).sort_by(
        [("series", "ascending"), ("start", "ascending")]
    )


def vectors(found: pa.Table) -> Any:
    return np.array(found["vector"].to_pylist(), np.float32)


def files(out: str, result: Written) -> dict[str, int]:
    """When each file was written."""
    return {one.name: one.stat().st_mtime_ns for one in Path(out, result.where).rglob("*.parquet")}


# --- the same as one machine makes of it


@pytest.mark.parametrize(("encoder", "rounding"), [(EncoderSpec("raw"), 0), (EncoderSpec("random-init"), 1e-5)])
def test_vectors_are_those_of_a_view_of_the_same_data(
    tmp_path: Path, client: Client, out: str, encoder: EncoderSpec, rounding: float
):
    """To the last bit where a window is computed alone; a model multiplies matrices of a batch, and adds up their rows
    in another order where the batch has another size."""
    values = np.random.default_rng(0).normal(size=600).cumsum().round(6)
    values[100:103] = np.nan
    written(values, tmp_path / "data" / "a.parquet")
    lines = [f"{i},{x}" if x == x else f"{i}," for i, x in enumerate(values.tolist())]
    store, text = Store(tmp_path / "store"), "\n".join(["n,x", *lines]).encode()
    reading = replace(guess(text), time=None, channels=("x",))
    encoder = replace(encoder, precision="float32")
    view = ViewSpec((Source(store.keep(text, {}), reading),), RECIPE, encoder, ProjectionSpec())
    views.build(view, store, silent)
    wanted = store.array(view.embedding_fingerprint(), "vectors")
    prepared = load(PreparationSpec.of(view.sources, RECIPE), store)
    assert prepared is not None

    made = bulk.embed(
        BulkSpec(FolderSpec(str(tmp_path / "data"), ("x",), "t"), RECIPE, encoder), out, client, silent, SIZE
    )
    found = table(out, made)
    assert found["start"].to_pylist() == places(prepared.series, RECIPE.window).start.tolist()
    if rounding:
        assert np.allclose(vectors(found), wanted, rtol=0, atol=rounding)
    else:
        assert np.array_equal(vectors(found), wanted)
    assert made.meta["n_windows"] == len(wanted)


def test_a_window_says_when_it_was(spec: BulkSpec, client: Client, out: str):
    found = table(out, bulk.embed(spec, out, client, silent, SIZE)).slice(72, 2).to_pylist()
    assert [(one["series"], one["start"], str(one["time"])) for one in found] == [
        ("s1", 0, "2026-01-01 00:00:00"),
        ("s1", 8, "2026-01-01 00:08:00"),
    ]


def test_windows_that_lack_a_value_are_left_out_and_counted(spec: BulkSpec, client: Client, out: str):
    values = np.arange(600.0)
    values[200:400] = np.nan
    written(values, Path(spec.folder.url) / "s1.parquet")
    made = bulk.embed(spec, out, client, silent, 8)  # some parts have no window at all
    assert (made.meta["n_windows"], made.meta["n_gappy"]) == (3 * 72 - 28, 28)
    assert len(table(out, made)) == 3 * 72 - 28


# --- nothing twice


def test_a_second_run_computes_nothing(spec: BulkSpec, client: Client, out: str):
    first = bulk.embed(spec, out, client, silent, SIZE)
    before, steps = files(out, first), Steps()
    again = bulk.embed(spec, out, client, steps, SIZE)
    assert again == first
    assert files(out, again) == before
    assert steps == []


def test_a_run_that_was_stopped_goes_on_where_it_was(spec: BulkSpec, client: Client, out: str):
    def stop(stage: str, done: int, total: int) -> None:
        if stage == EMBEDDING and done > total / 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bulk.embed(spec, out, client, stop, SIZE)
    half = {one: one.stat().st_mtime_ns for one in Path(out).rglob("*.parquet")}
    assert half
    made = bulk.embed(spec, out, client, silent, SIZE)
    assert {one: one.stat().st_mtime_ns for one in half} == half
    assert len(table(out, made)) == made.meta["n_windows"] == 3 * 72


def test_a_changed_file_costs_its_own_parts_alone(
    spec: BulkSpec, client: Client, out: str, monkeypatch: pytest.MonkeyPatch
):
    first = bulk.embed(spec, out, client, silent, SIZE)
    written(np.arange(600.0) % 7, Path(spec.folder.url) / "s1.parquet")
    embedded = Counter[str]()
    filled = hands.parts.filled

    def counting(*asked: Any) -> Any:
        embedded[asked[2].series.name] += 1
        return filled(*asked)

    monkeypatch.setattr(hands.parts, "filled", counting)  # the workers are in this process
    steps = Steps()
    second = bulk.embed(spec, out, client, steps, SIZE)
    assert second.key != first.key
    assert {total for stage, _, total in steps if stage == surveys.LOOKING} == {1}
    assert embedded == {"s1": 4}
    before, after = table(out, first), table(out, second)
    assert vectors(after)[:72].tobytes() == vectors(before)[:72].tobytes()
    assert not np.array_equal(vectors(after)[72:144], vectors(before)[72:144])


def test_parts_of_another_size_lie_apart_under_the_same_fingerprint(spec: BulkSpec, client: Client, out: str):
    one, other = (bulk.embed(spec, out, client, silent, size) for size in (20, 30))
    assert one.key == other.key
    assert one.where != other.where
    assert table(out, one).equals(table(out, other))


@pytest.mark.parametrize(
    "other",
    [
        lambda spec: replace(spec, recipe=replace(RECIPE, training=0.8)),
        lambda spec: replace(spec, encoder=EncoderSpec("raw", side=("differenced",))),
        lambda spec: replace(spec, folder=replace(spec.folder, time="")),
    ],
)
def test_whatever_decides_the_vectors_decides_the_fingerprint(spec: BulkSpec, other: Any):
    assert other(spec).embedding_fingerprint("ab") != spec.embedding_fingerprint("ab")
    assert spec.embedding_fingerprint("cd") != spec.embedding_fingerprint("ab")
    moved = replace(spec, folder=replace(spec.folder, url="s3://elsewhere"), sample=7, seed=7)
    assert moved.embedding_fingerprint("ab") == spec.embedding_fingerprint("ab")


def test_a_spec_survives_json(spec: BulkSpec):
    assert BulkSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


# --- what goes wrong


def test_a_worker_that_is_killed_loses_no_window_and_doubles_none(spec: BulkSpec, out: str):
    killed: list[int] = []
    with crew(n=2, processes=True) as client:
        pids = list(client.run(os.getpid).values())

        def kill(stage: str, done: int, total: int) -> None:
            if stage == EMBEDDING and 0 < done < total and not killed:
                os.kill(pids[0], signal.SIGKILL)
                killed.append(done)

        made = bulk.embed(spec, out, client, kill, 4)
    assert killed
    assert made.missing == ()
    rows = Counter((one["series"], one["start"]) for one in table(out, made).select(["series", "start"]).to_pylist())
    assert rows == {(f"s{i}", 8 * k): 1 for i in range(3) for k in range(72)}


def test_a_part_that_fails_is_told_and_tried_again_by_the_next_run(spec: BulkSpec, client: Client, out: str):
    broken = Path(spec.folder.url) / "s1.parquet"
    whole, state = broken.read_bytes(), broken.stat()

    def spoil(stage: str, done: int, _total: int) -> None:
        if stage == EMBEDDING and not done:  # a disk that fails while they are read
            broken.write_bytes(b"?" * len(whole))

    made = bulk.embed(spec, out, client, spoil, SIZE)
    assert {name for one in made.missing for name in one.names} >= {"s1"}
    assert sum(one.n_windows for one in made.missing) + made.meta["n_windows"] == 3 * 72
    assert all("cannot be read" in str(one.error) for one in made.missing)
    broken.write_bytes(whole)
    os.utime(broken, ns=(state.st_atime_ns, state.st_mtime_ns))
    again = bulk.embed(spec, out, client, silent, SIZE)
    assert again.key == made.key
    assert (again.missing, again.meta["n_windows"]) == ((), 3 * 72)


def test_a_series_that_teaches_nothing_is_left_out_and_told(spec: BulkSpec, client: Client, out: str):
    written(np.full(600, np.nan), Path(spec.folder.url) / "s1.parquet")
    made = bulk.embed(spec, out, client, silent, SIZE)
    assert [one.names for one in made.missing] == [("s1",)]
    assert set(table(out, made)["series"].to_pylist()) == {"s0", "s2"}


def test_a_file_that_cannot_be_read_is_told_before_anything_is_embedded(spec: BulkSpec, client: Client, out: str):
    (Path(spec.folder.url) / "s9.csv").write_text("something,else\n1,2\n")
    steps = Steps()
    with pytest.raises(UserError, match=r"“s9.csv” has no column “x”"):
        bulk.embed(spec, out, client, steps, SIZE)
    assert not steps.embedded()


def test_a_file_that_grows_while_it_is_read_is_not_taken_for_what_it_was(spec: BulkSpec, client: Client, out: str):
    def grow(stage: str, done: int, _total: int) -> None:
        if stage == EMBEDDING and not done:
            written(np.arange(900.0), Path(spec.folder.url) / "s1.parquet")

    made = bulk.embed(spec, out, client, grow, SIZE)
    assert {str(one.error).split(".")[0] for one in made.missing} == {"“s1"}
    assert "s1" not in table(out, made)["series"].to_pylist()


def test_series_that_are_all_too_short_are_told(spec: BulkSpec, client: Client, out: str):
    long = replace(spec, recipe=replace(RECIPE, window=WindowSpec(1024, 8)))
    with pytest.raises(UserError, match="the longest has 600"):
        bulk.embed(long, out, client, silent)


def test_a_bucket_does_as_well(spec: BulkSpec, client: Client, out: str, bucket: Server):
    there = bucket.fresh()
    for file in Path(spec.folder.url).iterdir():
        Folder(f"{there}/data").put(file.name, file.read_bytes())
    remote = replace(spec, folder=replace(spec.folder, url=f"{there}/data"))
    made = bulk.embed(remote, f"{there}/out", client, silent, SIZE)
    assert made.key == bulk.embed(spec, out, client, silent, SIZE).key
    assert made.meta["n_windows"] == 3 * 72
    assert bulk.embed(remote, f"{there}/out", client, silent, SIZE) == made


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"encoder": EncoderSpec("statistics")}, "weighed against all"),
        ({"encoder": EncoderSpec("raw", side=("level-scale-slope",))}, "weighed against all"),
        ({"encoder": EncoderSpec("raw", adapt="coral")}, "over all stretches"),
        ({"recipe": replace(RECIPE, steps=(Smooth("exponential", 5),))}, "back over the whole series"),
        ({"encoder": EncoderSpec("raw", channel="y")}, "no channel “y”"),
    ],
)
def test_what_cannot_be_done_in_parts_is_refused(
    spec: BulkSpec, client: Client, out: str, change: dict[str, Any], words: str
):
    with pytest.raises(UserError, match=words):
        bulk.embed(replace(spec, **change), out, client, silent)


@pytest.mark.parametrize("below", ["", "/out"])
def test_results_do_not_lie_among_the_data(spec: BulkSpec, client: Client, below: str):
    with pytest.raises(UserError, match="among the data"):
        bulk.embed(spec, f"{spec.folder.url}{below}", client, silent)


def test_a_worker_with_other_weights_embeds_nothing(spec: BulkSpec):
    with pytest.raises(UserError, match="other weights"):
        Way(spec.folder, spec.recipe, spec.encoder, "ab" * 32, "out").ready()


@pytest.mark.parametrize(("length", "n_channels", "size"), [(64, 1, 4096), (512, 8, 2048), (512, 1000, 64)])
def test_a_part_is_as_large_as_memory_is_small(spec: BulkSpec, length: int, n_channels: int, size: int):
    channels = tuple(f"c{i}" for i in range(n_channels))
    wide = replace(
        spec, folder=replace(spec.folder, channels=channels), recipe=replace(RECIPE, window=WindowSpec(length, 8))
    )
    assert wide.part_size() == size
