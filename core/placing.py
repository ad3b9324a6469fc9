"""New data on a map that stays as it is: prepared, embedded and placed by what was learnt from the map's own data."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core import drift, preparation, views
from core.artifacts import Store, fingerprint
from core.domains import WAYS, Adapted, of_series
from core.drift import Data, Drift
from core.embedding import Encoder, embed
from core.errors import N_, UserError
from core.notices import Notice
from core.preparation import PreparationSpec
from core.projection import place
from core.reader import Source, table_of
from core.recipes import Cutting, Recipe, Windows, check_same_channels
from core.recognition import Where
from core.series import Bools, Floats, Series
from core.steps import Impute, Resample
from core.views import BATCH, EMBEDDING, FETCHING, Progress, ViewSpec

VERSION = 1  # raise it when the same new data would be placed elsewhere or get other numbers
STEPS = 3  # of the progress
PACE = 1.5  # times as long or short a step in time is another one
PREPARING, PLACING = N_("Preparing the new data"), N_("Placing the new stretches on the map")
COMPARING = N_("Comparing the new data with the pilot's")
ALONE = N_(
    "{n} of {total} new series are none of the pilot's series by name, so they were prepared by their own level and "
    "spread: a change in these cannot show on the map."
)
OTHER_PACE = N_(
    "The new data have a sample every {new:g} s, the pilot's every {old:g} s: a stretch now lasts another time, and "
    "that alone may look like a change."
)


@dataclass(frozen=True, slots=True)
class PlacedSpec:
    """New data on the map of a view."""

    view: ViewSpec
    sources: tuple[Source, ...]  # the new data

    def to_json(self) -> dict[str, Any]:
        return {"view": self.view.to_json(), "sources": [one.to_json() for one in self.sources]}

    @classmethod
    def from_json(cls, d: Mapping[str, Any]) -> Self:
        return cls(ViewSpec.from_json(d["view"]), tuple(Source.from_json(one) for one in d["sources"]))

    def fingerprint(self) -> str:
        return fingerprint("placed", VERSION, self.view.fingerprint(), self.to_json()["sources"])

    def embedding_fingerprint(self) -> str:
        """Whatever the map is drawn by."""
        embedding = self.view.embedding_fingerprint()
        return fingerprint("placed embedding", VERSION, embedding, self.to_json()["sources"])


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Row i of every array is new window i."""

    xy: Floats  # (m, 2) on the map
    where: Where  # which of the new series
    outside: Bools  # (m,) looks like nothing in the pilot; nowhere where the pilot is too small to tell
    found: Drift
    notices: tuple[Notice, ...]  # on how the new data were prepared
    n_gappy: int  # windows that are left out because a value is missing in them


def build(spec: PlacedSpec, store: Store, progress: Progress) -> str:
    """Compute what is not yet in the store, the view too, and return the fingerprint."""
    key = spec.fingerprint()
    if store.has(key):
        return key
    progress(PREPARING, 0, STEPS)
    check_same_channels([table_of(one, store).series[0] for one in (*spec.view.sources, *spec.sources)])
    views.build(spec.view, store, progress)
    both = _both(spec, store, progress)
    _embed(spec, both, store, progress)
    progress(PLACING, 1, STEPS)
    old = store.array(spec.view.embedding_fingerprint(), "vectors", mapped=True)
    new = store.array(spec.embedding_fingerprint(), "vectors")
    xy = place(old, store.array(spec.view.fingerprint(), "xy"), spec.view.projection, new, spec.view.head())
    progress(COMPARING, 2, STEPS)
    found, outside = drift.compared(Data(both.old.recorded, old), Data(both.new.recorded, new))
    meta = {
        "made": "placed",
        "spec": spec.to_json(),
        "length": both.new.recorded.length,
        "n_gappy": both.new.batches.places.n_gappy,
        "notices": [[one.message, dict(one.facts)] for one in both.notices],
        "found": found.to_json(),
    }
    where = {"series": both.new.recorded.series, "start": both.new.recorded.start}
    store.save(key, meta, {"xy": xy, "outside": outside} | where)
    return key


def load(spec: PlacedSpec, store: Store) -> Placed | None:
    """As kept, or None while it has yet to be made."""
    key = spec.fingerprint()
    if not store.has(key):
        return None
    meta = store.meta(key)
    return Placed(
        store.array(key, "xy"),
        Where(store.array(key, "series"), store.array(key, "start"), meta["length"]),
        store.array(key, "outside"),
        Drift.from_json(meta["found"]),
        tuple(Notice(*one) for one in meta["notices"]),
        meta["n_gappy"],
    )


# --- windows


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """The windows of the pilot, or the new ones."""

    series: Sequence[Series]  # prepared
    recorded: Windows  # the same windows, in the units of the file
    batches: Cutting


@dataclass(frozen=True, slots=True, eq=False)
class _Both:
    old: _Side
    new: _Side
    notices: tuple[Notice, ...]


def _both(spec: PlacedSpec, store: Store, progress: Progress) -> _Both:
    recipe = spec.view.recipe
    how = PreparationSpec.of(spec.view.sources, recipe)
    old = preparation.made(how, store, progress)
    raw = [one for source in spec.sources for one in _recordings(source, store)]
    fill = preparation.filler(how.steps, lambda done, total: progress(FETCHING, done, total))
    new, alone = preparation.replayed(how, old, raw, fill)
    return _Both(
        _side(old.series, _recorded(how, store, progress), recipe),
        _side(new, _recorded(replace(how, sources=spec.sources), store, progress), recipe),
        tuple(_notices(old.series, new, alone)),
    )


def _recordings(source: Source, store: Store) -> Sequence[Series]:
    """Without names where these are mere numbers: the third row of one file is not the third of another."""
    series = table_of(source, store).series
    numbered = source.reading.layout == "rows" and source.reading.domain is None
    return [replace(one, domain=None) for one in series] if numbered else series


def _recorded(how: PreparationSpec, store: Store, progress: Progress) -> Sequence[Series]:
    """As recorded, but for gaps and the grid, which decide where windows lie: neither learns anything."""
    steps = tuple(one for one in how.steps if isinstance(one, Impute | Resample))
    return preparation.made(replace(how, steps=steps), store, progress).series


def _side(series: Sequence[Series], recorded: Sequence[Series], recipe: Recipe) -> _Side:
    batches = Cutting(series, recipe, BATCH)
    at = batches.places
    return _Side(series, Windows(recorded, at.series, at.start, recipe.window.length, None), batches)


def _notices(old: Sequence[Series], new: Sequence[Series], alone: set[int]) -> list[Notice]:
    found = [Notice(ALONE, {"n": len(alone), "total": len(new)})] if alone else []
    before, now = (_pace(old), _pace(new))
    if before and now and not 1 / PACE < now / before < PACE:
        found.append(Notice(OTHER_PACE, {"old": before, "new": now}))
    return found


def _pace(series: Sequence[Series]) -> float | None:
    """The usual number of seconds from a sample to the next, where anybody knows."""
    steps = [np.diff(one.time) / np.timedelta64(1, "s") for one in series if one.time is not None and len(one.time) > 1]
    known = [float(np.median(one)) for one in steps] + [one.step for one in series if one.time is None and one.step]
    return float(np.median(known)) if known else None


# --- vectors


def _embed(spec: PlacedSpec, both: _Both, store: Store, progress: Progress) -> None:
    """What the model makes of each new window, unless that is in the store."""
    base = replace(spec.view, encoder=spec.view.encoder.unadapted)

    def stage(name: str) -> Callable[[int, int], None]:
        return lambda done, total: progress(name, done, total)

    def fill(folder: Path) -> dict[str, object]:
        file, batches = folder / "vectors.npy", both.new.batches
        encoder = Encoder(base.encoder, batches.channels, stage(FETCHING))
        embed(encoder, batches, batches.n_windows, file, stage(EMBEDDING))
        old = store.array(base.embedding_fingerprint(), "vectors", mapped=True)
        if encoder.n_sides:
            vectors = np.load(file)
            vectors[:, -encoder.n_sides :] = _weighed_as_before(encoder, old[:, -encoder.n_sides :], both)
            np.save(file, vectors, allow_pickle=False)
        if spec.view.encoder.adapt:
            together = _brought_to_the_old(WAYS[spec.view.encoder.adapt], old, np.load(file), both)
            np.save(file, together, allow_pickle=False)
        return {"made": "placed embedding", "spec": spec.to_json()}

    store.make(spec.embedding_fingerprint(), fill)


def _weighed_as_before(encoder: Encoder, told: Floats, both: _Both) -> Floats:
    """(m, n_sides) what the encoder tells beside the embedding, in the units that the map's own data gave it.

    Brought to a scale of their own, new levels would look like the old ones.

    Args:
        told: (n, n_sides) of the map's windows, as embedded.
    """
    then, now = (np.concatenate([encoder.side(values) for values in one.batches]) for one in (both.old, both.new))
    spread = then.std(axis=0)
    return np.asarray((now - then.mean(axis=0)) * told.std(axis=0) / np.where(spread > 0, spread, 1))


def _brought_to_the_old(way: Adapted, old: Floats, new: Floats, both: _Both) -> NDArray[np.float32]:
    """New windows moved as those of their line or site were, by what the old ones show."""
    domain = of_series([*both.old.series, *both.new.series])
    of_old = domain[both.old.recorded.series]
    of_new = domain[len(both.old.series) + both.new.recorded.series]
    unknown = np.flatnonzero(~np.isin(of_new, of_old))
    if len(unknown):
        raise UserError(
            N_("This map brings lines or sites together by what it knows of each, and it knows nothing of “{domain}”."),
            N_("Place data of the pilot's own lines or sites, or use a map that leaves them as they are."),
            domain=both.new.series[both.new.recorded.series[unknown[0]]].domain or "–",
        )
    seen = np.arange(len(old) + len(new)) < len(old)
    return way(np.concatenate([old, new]), np.concatenate([of_old, of_new]), seen)[len(old) :].astype(np.float32)
