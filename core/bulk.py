"""What a model makes of a folder that is larger than memory: a part at a time, on the workers of a Dask cluster.

In the folder of results lie, under the embedding's fingerprint, one Parquet file a part and, last of all, meta.json. A
file is there whole or not at all, and bears in its name what decides what is in it: so work that was stopped goes on,
and when a file of the data has changed, the parts that do not depend on it are copied. How many windows are in a part
is no matter of the result, but parts of another size lie elsewhere.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, Self

import numpy as np
from distributed import Client

from core import hands, parts, surveys
from core.artifacts import fingerprint
from core.encoders import EncoderSpec
from core.errors import N_, UserError
from core.folders import Contents, FolderSpec
from core.hands import Asked, Way
from core.parts import Part, Piece
from core.projection import ProjectionSpec
from core.recipes import Recipe
from core.remote import Folder, absolute
from core.rolling import Rolling, failure, offering
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
    way, gpus = way_of(spec, place.out), gpus_for(spec.encoder, place.client)
    [(_, facts)] = Rolling(place.client, hands.facts, gpus).over(iter([way]), lambda n: place.progress(FETCHING, n, 1))
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
    work = Rolling(place.client, partial(hands.embedded, way), gpus)
    asked = _asked(spec, inside, parts.parts(inside, spec.recipe, learnt.states, size), where)
    todo = _wanted(asked, place, where, tally)
    for one, outcome in work.over(todo, lambda _: place.progress(EMBEDDING, tally.done, total)):
        tally.ended(one.part, outcome)
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


def way_of(spec: BulkSpec, out: str) -> Way:
    return Way(spec.folder, spec.recipe, spec.encoder, fingerprint(spec.encoder.identity()), out)


def gpus_for(encoder: EncoderSpec, client: Client) -> dict[str, Any] | None:
    """What tasks of a model ask of a worker: a GPU where there are some, however many others there are."""
    return offering(client, "GPU") if encoder.reads_patches else None


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


def _asked(spec: BulkSpec, inside: Contents, all_parts: Iterable[Part], where: str) -> Iterator[Asked]:
    """All parts of a folder, each under what decides its vectors."""
    for part in all_parts:
        pieces = [_identity(inside, spec.recipe, piece) for piece in part.pieces]
        own = fingerprint("part", VERSION, spec.way(), pieces)[:16]
        read = {one.file for piece in part.pieces for one in piece.series.stretches}
        files = tuple(inside.files[file] for file in sorted(read))
        yield Asked(part, f"{where}/{part.number // 1000:05}/part-{part.number:08}-{own}", files)


def _wanted(asked: Iterable[Asked], place: Place, where: str, tally: _Tally) -> Iterator[Asked]:
    """Those that are not there."""
    kept, mine = dict[str, str](), dict[str, int]()
    for told in map(PART.fullmatch, (one.name for one in Folder(place.out).files(".parquet"))):
        if told and told["where"] == where:
            mine[told["own"]] = int(told["n"])
        elif told:
            kept[told["own"]] = told.group()
    for one in asked:
        own = one.name[-16:]
        if own in mine:
            tally.found(one.part, mine[own])
        else:
            yield replace(one, kept=kept.get(own, ""))


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
