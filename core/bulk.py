"""What a model makes of a folder that is larger than memory: a part at a time, on the workers of a Dask cluster.

In the folder of results lie, under the embedding's fingerprint, one Parquet file a part and, last of all, meta.json. A
file is there whole or not at all, and bears in its name what decides what is in it: so work that was stopped goes on,
and when a file of the data has changed, the parts that do not depend on it are copied. How many windows are in a part
is no matter of the result, but parts of another size lie elsewhere.
"""

import io
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from distributed import Client
from numpy.typing import NDArray

from core import parts, surveys
from core.artifacts import fingerprint
from core.embedding import Encoder
from core.encoders import EncoderSpec, nobody
from core.errors import N_, UserError
from core.folders import Contents, FolderSpec
from core.parts import Filled, Part, Piece
from core.projection import ProjectionSpec
from core.recipes import Recipe
from core.remote import Folder, Found, absolute
from core.rolling import Rolling, failure, offering
from core.series import Floats
from core.surveys import Place
from core.views import EMBEDDING, FETCHING, PCA, Progress

VERSION = 1  # raise it when the same folder would give other numbers
VALUES = 8_388_608  # in the windows of a part: 64 MB
MOST, FEWEST = 4096, 64  # windows in a part
PART = re.compile(r"(?P<where>[0-9a-f]{64}/of-\d+)/\d+/part-\d+-(?P<own>[0-9a-f]{16})-(?P<n>\d+)\.parquet")


@dataclass(frozen=True, slots=True)
class BulkSpec:
    """Everything that decides what is written, but what is in the folder."""

    folder: FolderSpec
    recipe: Recipe
    encoder: EncoderSpec
    projection: ProjectionSpec = PCA
    sample: int = 20_000  # windows that the map is drawn of, before the others are placed on it
    seed: int = 0  # which ones

    def to_json(self) -> dict[str, Any]:
        own = {"encoder": asdict(self.encoder), "projection": asdict(self.projection)}
        return {"folder": self.folder.to_json(), "recipe": self.recipe.to_json(), **own} | {
            "sample": self.sample,
            "seed": self.seed,
        }

    @classmethod
    def from_json(cls, d: Mapping[str, Any]) -> Self:
        return cls(
            FolderSpec.from_json(d["folder"]),
            Recipe.from_json(d["recipe"]),
            EncoderSpec.from_json(d["encoder"]),
            ProjectionSpec(**d["projection"]),
            d["sample"],
            d["seed"],
        )

    def embedding_fingerprint(self, digest: str) -> str:
        """Of the vectors.

        Args:
            digest: of what is in the folder, see core.folders.
        """
        return fingerprint("bulk embedding", VERSION, digest, *self.way())

    def way(self) -> list[object]:
        """What is done to the samples, wherever they are."""
        return [self.folder.columns(), self.recipe.to_json(), self.encoder.identity()]

    def part_size(self) -> int:
        """Windows in a part, so that it fits into a worker's memory many times."""
        return int(np.clip(VALUES // (self.recipe.window.length * len(self.folder.channels)), FEWEST, MOST))


@dataclass(frozen=True, slots=True)
class Missing:
    """What is not in the result, and why."""

    names: tuple[str, ...]  # of the first and the last series in it; of what is missing on a map, the file of vectors
    n_windows: int  # of them in that part
    error: UserError

    def to_json(self) -> dict[str, Any]:
        words = {"problem": self.error.problem, "remedy": self.error.remedy, "facts": self.error.facts}
        return {"names": list(self.names), "n_windows": self.n_windows} | words


@dataclass(frozen=True, slots=True)
class Written:
    """What lies in the folder of results now."""

    key: str  # the fingerprint
    where: str  # folder of the Parquet files, in that of the results
    meta: dict[str, Any]  # n_windows, n_parts, …
    missing: tuple[Missing, ...]


def check(spec: BulkSpec) -> None:
    """Refuse, in a sentence, what cannot be done part by part."""
    parts.check(spec.folder, spec.recipe)
    if "level-scale-slope" in spec.encoder.side or spec.encoder.kind == "statistics":
        raise UserError(
            N_("Level, size and slope are weighed against all stretches, so they cannot be had in parts."),
            N_("Leave them out under “Model”, or choose another model than statistics."),
        )
    if spec.encoder.adapt:
        raise UserError(
            N_("Lines or sites are brought together over all stretches, so that cannot be done in parts."),
            N_("Choose “as they are” under “Lines or sites”."),
        )


def embed(spec: BulkSpec, out: str, client: Client, progress: Progress, size: int = 0) -> Written:
    """Compute what is not yet there.

    Args:
        out: folder or address where the results lie, which the workers see under the same name.
        size: windows in a part, at most; 0: as many as fit.

    Raises:
        UserError: it cannot be done in parts, or the data are not what the spec says. What fails in one part alone is
            missing in the result, and tried again by the next call.
    """
    check(spec)
    spec, place = located(spec), Place(absolute(out), client, progress)
    return embedded(spec, surveys.contents(spec.folder, place), place, size or spec.part_size())


def located(spec: BulkSpec) -> BulkSpec:
    """The same, for workers that were started in another folder."""
    return replace(spec, folder=replace(spec.folder, url=absolute(spec.folder.url)))


def embedded(spec: BulkSpec, inside: Contents, place: Place, size: int) -> Written:
    """The same, of a folder that was looked through."""
    key = spec.embedding_fingerprint(inside.digest)
    where = f"{key}/of-{size}"
    known = whole(place.out, where)
    if known is not None:
        return Written(key, where, known, ())
    way, gpus = Way.of(spec, place.out, where), gpus_for(spec.encoder, place.client)
    [(_, facts)] = Rolling(place.client, _facts, gpus).over(iter([way]), lambda n: place.progress(FETCHING, n, 1))
    if isinstance(facts, Exception):
        raise failure(facts)
    learnt = surveys.learnt(spec.folder, spec.recipe, inside, place)
    total = sum(parts.n_windows(one, spec.recipe) for one in inside.series if one.name in learnt.states)
    if not total and not learnt.refused:
        raise UserError(
            N_("No series is as long as one stretch of {length} samples; the longest has {longest}."),
            N_("Choose a shorter stretch, or upload a longer recording."),
            length=spec.recipe.window.length,
            longest=max(one.n for one in inside.series),
        )
    tally = _Tally(total, [Missing((name,), 0, error) for name, error in learnt.refused.items()])
    work = Rolling(place.client, partial(_embedded, way), gpus)
    wanted = _wanted(way, inside, parts.parts(inside, spec.recipe, learnt.states, size), tally)
    for asked, outcome in work.over(wanted, lambda _: place.progress(EMBEDDING, tally.done, total)):
        tally.ended(asked.part, outcome)
    meta = {"made": "bulk embedding", "spec": spec.to_json(), "n_series": len(inside.series)} | facts
    meta |= {"n_files": len(inside.files), "n_bytes": inside.n_bytes} | tally.to_json()
    return finished(place.out, Written(key, where, meta, tuple(tally.missing)))


def whole(out: str, where: str) -> dict[str, Any] | None:
    """The meta of what lies there, if nothing is missing from it."""
    data = Folder(out).get(f"{where}.json")
    meta: dict[str, Any] | None = None if data is None else json.loads(data)
    return None if meta is None or meta["missing"] else meta


def finished(out: str, result: Written) -> Written:
    """The same, with what is missing in its meta, which is written last of all."""
    meta = result.meta | {"missing": [one.to_json() for one in result.missing]}
    text = json.dumps(meta, ensure_ascii=False, indent=1)
    Folder(out).put(f"{result.where}.json", text.encode())
    return replace(result, meta=json.loads(text))


# --- which parts


@dataclass(frozen=True, slots=True)
class Way:
    """What is the same for all parts."""

    spec: BulkSpec
    model: str  # fingerprint of the encoder's identity: a worker that has other weights must not use them
    out: str
    where: str  # within it

    @classmethod
    def of(cls, spec: BulkSpec, out: str, where: str) -> Self:
        return cls(spec, fingerprint(spec.encoder.identity()), out, where)

    def encoder(self) -> Encoder:
        """On a worker: the same one for all parts."""
        return _encoder(self.spec.encoder, self.model, self.spec.folder.channels)


def gpus_for(encoder: EncoderSpec, client: Client) -> dict[str, Any] | None:
    """What tasks of a model ask of a worker: a GPU where there are some, however many others there are."""
    return offering(client, "GPU") if encoder.reads_patches else None


@dataclass(frozen=True, slots=True)
class Asked:
    part: Part
    name: str  # of the file, but for its end, which says how many windows are in it
    files: tuple[Found, ...]  # that it is read from
    kept: str  # the same part as another state of the folder has left it; "": nowhere


class _Tally:
    """How far it has come."""

    def __init__(self, total: int, missing: list[Missing]) -> None:
        self.done = self.n_windows = self.n_parts = 0
        self.total, self.missing, self.seconds = total, missing, 0.0

    def found(self, part: Part, n: int) -> None:
        """Windows that had been embedded before."""
        self.done, self.n_windows, self.n_parts = self.done + part.n_windows, self.n_windows + n, self.n_parts + 1

    def ended(self, part: Part, outcome: Any) -> None:
        if isinstance(outcome, Exception):
            names = part.pieces[0].series.name, part.pieces[-1].series.name
            self.missing.append(Missing(tuple(dict.fromkeys(names)), part.n_windows, failure(outcome)))
            self.done += part.n_windows
        else:
            n, seconds = outcome
            self.found(part, n)
            self.seconds += seconds

    def to_json(self) -> dict[str, Any]:
        lost = sum(one.n_windows for one in self.missing)
        return {
            "n_windows": self.n_windows,
            "n_gappy": self.total - self.n_windows - lost,
            "n_parts": self.n_parts,
            "seconds_of_workers": self.seconds,
        }


def _wanted(way: Way, inside: Contents, all_parts: Iterator[Part], tally: _Tally) -> Iterator[Asked]:
    """Parts that are not there."""
    kept, mine = dict[str, str](), dict[str, int]()
    for told in map(PART.fullmatch, (one.name for one in Folder(way.out).files(".parquet"))):
        if told and told["where"] == way.where:
            mine[told["own"]] = int(told["n"])
        elif told:
            kept[told["own"]] = told.group()
    recipe, done = way.spec.recipe, way.spec.way()
    for part in all_parts:
        pieces = [_identity(inside, recipe, piece) for piece in part.pieces]
        own = fingerprint("part", VERSION, done, pieces)[:16]
        if own in mine:
            tally.found(part, mine[own])
        else:
            name = f"{way.where}/{part.number // 1000:05}/part-{part.number:08}-{own}"
            read = {one.file for piece in part.pieces for one in piece.series.stretches}
            yield Asked(part, name, tuple(inside.files[file] for file in sorted(read)), kept.get(own, ""))


def _identity(inside: Contents, recipe: Recipe, piece: Piece) -> list[Any]:
    """What decides a piece's vectors, beside what is done to all: the same where other files have changed."""
    read = surveys.identities(inside, piece.series)
    return [
        piece.series.name,
        piece.first,
        *parts.span(piece, recipe),
        piece.start,
        piece.series.begin,
        read,
        piece.states,
    ]


# --- on a worker


def _facts(way: Way) -> dict[str, Any]:
    """About the encoder. Where it cannot do these windows, this says so before a thousand parts do."""
    encoder, nothing = way.encoder(), np.zeros((0, len(way.spec.folder.channels), way.spec.recipe.window.length))
    width = _embedding(encoder, nothing).shape[1]
    known = {"parameters": encoder.parameters, "mode": encoder.mode, "weights": encoder.weights}
    return known | {"revision": encoder.revision, "width": width}


@lru_cache(maxsize=2)
def _encoder(spec: EncoderSpec, model: str, channels: tuple[str, ...]) -> Encoder:
    """Loaded once a worker."""
    if fingerprint(spec.identity()) != model:
        raise UserError(
            N_("A worker has other weights of this model than the computer that asks."),
            N_("Give all of them the same files, under the same path."),
        )
    return Encoder(spec, channels, nobody)


def _embedding(encoder: Encoder, values: Floats) -> NDArray[np.float32]:
    """(n, d), also of no windows."""
    return encoder.embed(values if len(values) else np.zeros((1, *values.shape[1:])), nobody)[: len(values)]


def _embedded(way: Way, asked: Asked) -> tuple[int, float]:
    """Write a part; how many windows are in it, and the seconds that it took."""
    began, out = time.perf_counter(), Folder(way.out)
    if asked.kept:
        n, data = asked.kept.rsplit("-", 1)[1].removesuffix(".parquet"), out.get(asked.kept)
        if data is not None:
            out.put(f"{asked.name}-{n}.parquet", data)
            return int(n), time.perf_counter() - began
    filled = [parts.filled(way.spec.folder, way.spec.recipe, piece) for piece in asked.part.pieces]
    vectors = _embedding(way.encoder(), np.concatenate([one.values for one in filled]))
    _check_unchanged(way.spec.folder, asked.files)
    table = where_table(filled).append_column("vector", fixed(vectors))
    out.put(f"{asked.name}-{len(vectors)}.parquet", written(table))
    return len(vectors), time.perf_counter() - began


def _check_unchanged(spec: FolderSpec, files: Sequence[Found]) -> None:
    """A file that changes while it is read would be kept as what it was before."""
    folder = Folder(spec.url)
    for one in files:
        if folder.found(one.name) != one:
            raise UserError(
                N_("“{file}” has changed while it was read."),
                N_("Start again when nobody writes to the folder: what is done is kept."),
                file=one.name,
            )


def where_table(filled: Sequence[Filled]) -> pa.Table:
    """Columns series and start, and time where there is a clock: a row a window."""
    names = pa.array([name for one in filled for name in one.series], pa.string()).dictionary_encode()
    columns = {"series": names, "start": pa.array(np.concatenate([one.start for one in filled]))}
    times = [one.time for one in filled if one.time is not None]
    if times:
        columns["time"] = pa.array(np.concatenate(times)).cast(pa.timestamp("ns"))
    return pa.table(columns)


def fixed(vectors: NDArray[np.float32]) -> pa.Array:
    """(n, d) as n lists."""
    return pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1])


def written(table: pa.Table) -> bytes:
    """As a Parquet file. Vectors hardly get smaller by compression, and places little."""
    file = io.BytesIO()
    pq.write_table(table, file, compression="none", use_dictionary=["series"])
    return file.getvalue()
