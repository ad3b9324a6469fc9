"""A map of millions: drawn of a sample, on which the workers of a Dask cluster then place all others, part by part.

The sample has as many windows of each series, as far as there are so many, spread over its time. In the folder of
results lie, under the map's fingerprint, the sample as it was drawn and one Parquet file for each part of the vectors.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from distributed import Client

from core import bulk, flat, parts, surveys
from core.artifacts import fingerprint
from core.bulk import BulkSpec, Missing, Written
from core.embedding import Loss, reconstruction_loss
from core.encoders import EncoderSpec, nobody
from core.errors import N_, UserError
from core.folders import Contents, Whole
from core.hands import Way, written
from core.parts import Piece
from core.principal import principal
from core.projection import Head, ProjectionSpec, place, project
from core.remote import Folder, absolute
from core.rolling import Rolling, failure
from core.series import Floats, Ints
from core.surveys import Place
from core.views import DRAWING, DRAWN, SCORING, Progress

T = TypeVar("T")

VERSION = 1  # raise it when the same vectors would be drawn otherwise
CHOOSING, PLACING = N_("Choosing the stretches to draw"), N_("Placing all stretches on the map")
PLACE = ("series", "start")  # columns that say which window
SCORED = 2000  # windows that a loss is told of
TOGETHER = 64  # of them that are read in one task


@dataclass(frozen=True, slots=True)
class Map:
    """By what new windows are placed."""

    projection: ProjectionSpec
    encoder: EncoderSpec
    out: str
    key: str  # fingerprint of the map

    @property
    def sample(self) -> str:
        return f"{self.key}/sample.parquet"

    def head(self) -> Head | None:
        """Of a map that was trained along with the encoder."""
        return flat.head_of(self.encoder) if self.projection.method == "trained" else None


def draw(spec: BulkSpec, out: str, client: Client, progress: Progress, size: int = 0) -> Written:
    """Embed what is not yet embedded, draw a sample of it, and place all else on that map; see core.bulk.embed."""
    bulk.check(spec)
    spec, at, size = bulk.located(spec), Place(absolute(out), client, progress), size or spec.part_size()
    inside = surveys.contents(spec.folder, at)
    embedded = bulk.embedded(spec, inside, at, size)
    how = Map(spec.projection, spec.encoder, at.out, _fingerprint(spec, embedded))
    where = f"{how.key}/of-{size}"
    known = bulk.whole(at.out, where)
    if known is not None:
        return Written(how.key, where, known, ())
    files = [one.name for one in Folder(f"{at.out}/{embedded.where}").files(".parquet")]
    if Folder(at.out).get(how.sample) is None:
        left_out = {name for one in embedded.missing if not one.n_windows for name in one.names}
        inside = replace(inside, series=tuple(one for one in inside.series if one.name not in left_out))
        picks = _picks(spec, inside, size, {_number(one): one for one in files})
        _draw(how, embedded.where, picks, _loss(spec, inside, at), at)
    missing = [*embedded.missing, *_place_all(how, embedded.where, where, files, at)]
    meta = {"made": "bulk view", "spec": spec.to_json(), "embedding": embedded.key} | _told(how)
    meta |= {"n_windows": sum(map(_n_in, files)), "n_parts": len(files)}
    return bulk.finished(at.out, Written(how.key, where, meta, tuple(missing)))


def _fingerprint(spec: BulkSpec, embedded: Written) -> str:
    """A map of vectors some of which are missing is another one."""
    lacking = [[list(one.names), one.n_windows] for one in embedded.missing]
    own = [flat.identity(spec.encoder)] if spec.projection.method == "trained" else []
    how = [asdict(spec.projection), spec.sample, spec.seed]
    return fingerprint("bulk view", VERSION, DRAWN, embedded.key, lacking, how, own)


def _number(file: str) -> int:
    return int(file.rsplit("/part-", 1)[1].split("-")[0])


def _xy_file(file: str) -> str:
    """Of a file of vectors: never to be taken for one of these."""
    return file.replace("/part-", "/places-")


def _n_in(file: str) -> int:
    return int(file.rsplit("-", 1)[1].removesuffix(".parquet"))


# --- which windows are drawn


@dataclass(frozen=True, slots=True)
class Pick:
    """Windows of a part."""

    file: str
    starts: Mapping[str, Ints]  # by series


def _picks(spec: BulkSpec, inside: Contents, size: int, files: Mapping[int, str]) -> list[Pick]:
    """The sample, part by part, as far as these are there."""
    chosen = _chosen(inside.series, spec)
    picks: list[Pick] = []
    for part in parts.parts(inside, spec.recipe, dict.fromkeys(chosen, ()), size):
        starts: dict[str, Ints] = {}
        for piece in part.pieces:
            numbers = chosen[piece.series.name]
            mine = numbers[(numbers >= piece.first) & (numbers < piece.end)]
            if len(mine):
                starts[piece.series.name] = parts.starts(piece, spec.recipe, mine)
        if starts and part.number in files:
            picks.append(Pick(files[part.number], starts))
    return picks


def _chosen(series: Sequence[Whole], spec: BulkSpec) -> dict[str, Ints]:
    """Numbers of the windows of each series that are in the sample: one by chance from each stretch of its time."""
    available = np.array([parts.n_windows(one, spec.recipe) for one in series])
    chosen: dict[str, Ints] = {}
    for one, n, wanted in zip(series, available, shares(available, spec.sample), strict=True):
        chance = np.random.default_rng(int(fingerprint(spec.seed, one.name)[:16], 16))
        edges = n * np.arange(wanted + 1) // max(wanted, 1)
        chosen[one.name] = chance.integers(edges[:-1], edges[1:])
    return chosen


def shares(available: Ints, total: int) -> Ints:
    """As many of each as of any other, but where there are fewer; `total` of all, or all there are."""
    given, left = np.zeros(len(available), np.int64), total
    for done, i in enumerate(np.argsort(available, kind="stable")):
        given[i] = min(available[i], left // (len(available) - done))
        left -= given[i]
    return given


def _found(out: str, where: str, pick: Pick) -> pa.Table:
    """On a worker: the rows of these windows; those that lack a value are not there."""
    with Folder(out).open(f"{where}/{pick.file}") as file:
        table = pq.read_table(file)
    name, start = table["series"].to_numpy(), table["start"].to_numpy()
    wanted = np.zeros(len(table), bool)
    for series, starts in pick.starts.items():
        wanted |= (name == series) & np.isin(start, starts)
    return table.filter(pa.array(wanted))


# --- the map of them


def _draw(how: Map, vectors: str, picks: Sequence[Pick], loss: Mapping[str, Any], at: Place) -> None:
    """Draw the sample, and keep it with what is told of it."""
    found = _all(partial(_found, how.out, vectors), picks, CHOOSING, at)
    failed = [one for one in found if isinstance(one, Exception)]
    if failed:
        raise failure(failed[0])
    if not found:
        raise UserError(
            N_("Every stretch has a missing value in it, so there is nothing to draw."),
            N_("Fill longer gaps in the preparation, choose a shorter stretch, or leave a channel out."),
        )
    some = pa.concat_tables(found)
    some = some.set_column(0, "series", some["series"].cast(pa.string())).sort_by(
        [(name, "ascending") for name in PLACE]
    )
    drawn = project(_vectors(some), how.projection, lambda n, of, _: at.progress(DRAWING, n, of), head=how.head())
    told = {"explained": drawn.explained, "shares": list(drawn.shares), "n_drawn": len(some), **loss}
    some = _with(some, drawn.xy).replace_schema_metadata({"pilot": json.dumps(told)})
    Folder(how.out).put(how.sample, written(some))


def _all(work: Callable[[T], Any], things: Sequence[T], stage: str, at: Place) -> list[Any]:
    """What the work returned for each, or the exception that it ended in, in their order."""
    numbered = Rolling(at.client, partial(_numbered, work))
    ended = numbered.over(iter(enumerate(things)), lambda done: at.progress(stage, done, len(things)))
    outcomes = {i: outcome for (i, _), outcome in ended}
    return [outcomes[i] for i in range(len(things))]


def _numbered(work: Callable[[T], Any], thing: tuple[int, T]) -> Any:
    return work(thing[1])


def _told(how: Map) -> dict[str, Any]:
    with Folder(how.out).open(how.sample) as file:
        told: dict[str, Any] = json.loads(pq.read_schema(file).metadata[b"pilot"])
    return told


def _vectors(table: pa.Table) -> Floats:
    """(n, d) in float32"""
    column = table["vector"].combine_chunks()
    vectors: Floats = column.flatten().to_numpy().reshape(len(table), column.type.list_size)
    return vectors


def _with(table: pa.Table, xy: Floats) -> pa.Table:
    return table.append_column("x", pa.array(xy[:, 0])).append_column("y", pa.array(xy[:, 1]))


# --- how well the model fills in what is hidden from it


def _loss(spec: BulkSpec, inside: Contents, at: Place) -> dict[str, Any]:
    """On some windows, chosen as the sample is: to have it guess in all of them would take as long again."""
    if not spec.encoder.reads_patches:
        return {"loss": None}
    numbers = _chosen(inside.series, replace(spec, sample=min(spec.sample, SCORED)))
    states = surveys.learnt(spec.folder, spec.recipe, inside, at).states
    whole = [parts.of_series(one, tuple(states[one.name])) for one in inside.series]
    pieces = [parts.piece_of(one, spec.recipe, n, n + 1) for one in whole for n in numbers[one.series.name].tolist()]
    batches = [pieces[i : i + TOGETHER] for i in range(0, len(pieces), TOGETHER)]
    read = [one for one in _all(partial(_values, spec), batches, CHOOSING, at) if not isinstance(one, Exception)]
    if not read:
        return {"loss": None}
    values = np.concatenate(read)
    scoring = Rolling(at.client, partial(_scored, bulk.way_of(spec, at.out)), bulk.gpus_for(spec.encoder, at.client))
    [(_, found)] = scoring.over(iter([values]), lambda done: at.progress(SCORING, done, 1))
    if isinstance(found, Exception):
        raise failure(found)
    return {"loss": found and found.mean, "mask_ratio": found and found.mask_ratio, "n_scored": len(values)}


def _values(spec: BulkSpec, pieces: Sequence[Piece]) -> Floats:
    """On a worker."""
    return np.concatenate([parts.filled(spec.folder, spec.recipe, one).values for one in pieces])


def _scored(way: Way, values: Floats) -> Loss | None:
    """Likewise."""
    return reconstruction_loss(way.ready(), [values], len(values), nobody) if len(values) else None


# --- all others on it


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """The sample as it was drawn. Row i of every array is window i of it."""

    rows: dict[tuple[str, int], int]  # series, start → i
    xy: Floats  # (n, 2)
    place: Head  # where others belong


@lru_cache(maxsize=2)
def _fit(how: Map) -> _Fit:
    """Read once a worker."""
    with Folder(how.out).open(how.sample) as file:
        some = pq.read_table(file)
    vectors, xy = _vectors(some), np.column_stack([some["x"].to_numpy(), some["y"].to_numpy()])
    rows = {key: i for i, key in enumerate(_keys(some))}
    if how.projection.method == "pca":
        return _Fit(rows, xy, partial(principal(vectors, 2).along, k=2))
    return _Fit(rows, xy, partial(place, vectors, xy, how.projection, head=how.head()))


def _keys(table: pa.Table) -> Iterator[tuple[str, int]]:
    return zip(table["series"].to_pylist(), table["start"].to_pylist(), strict=True)


def _place_all(how: Map, vectors: str, where: str, files: Sequence[str], at: Place) -> list[Missing]:
    """Place the windows of each part that was not yet placed; what failed comes back."""
    there = {one.name for one in Folder(f"{how.out}/{where}").files(".parquet")}
    todo = [one for one in files if _xy_file(one) not in there]
    placing = Rolling(at.client, partial(_placed, how, vectors, where))
    ended = placing.over(iter(todo), lambda done: at.progress(PLACING, done, len(todo)))
    return [Missing((file,), _n_in(file), failure(end)) for file, end in ended if isinstance(end, Exception)]


def _placed(how: Map, vectors: str, where: str, file: str) -> None:
    """On a worker. Windows of the sample are where they were drawn."""
    out, fit = Folder(how.out), _fit(how)
    with out.open(f"{vectors}/{file}") as f:
        table = pq.read_table(f)
    xy = fit.place(_vectors(table))
    for i, key in enumerate(_keys(table)):
        if key in fit.rows:
            xy[i] = fit.xy[fit.rows[key]]
    out.put(f"{where}/{_xy_file(file)}", written(_with(table.drop_columns(["vector"]), xy)))
