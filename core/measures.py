"""The numbers on a view, computed once and kept beside it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np

from core import domains, preparation, quality, views
from core.artifacts import Store, fingerprint
from core.domains import WAYS, Apart, apart, of_series
from core.errors import N_
from core.notices import Notice
from core.preparation import PreparationSpec
from core.quality import GroupQuality, Quality
from core.recipes import Windows, cut
from core.recognition import Hits, LabelHits, Score, Where, label_hits, time_hits
from core.separation import separate
from core.series import Floats, Ints
from core.stability import stability
from core.views import Progress, ViewSpec

VERSION = 3  # raise it when the same view would get other numbers
STEPS = 100  # of the progress
MEASURING, REDRAWING = N_("Checking how far the map can be trusted"), N_("Drawing the map again and again")


@dataclass(frozen=True, slots=True)
class MeasureSpec:
    """The numbers of one view."""

    view: ViewSpec

    def to_json(self) -> dict[str, Any]:
        return {"view": self.view.to_json()}

    @classmethod
    def from_json(cls, d: Mapping[str, Any]) -> Self:
        return cls(ViewSpec.from_json(d["view"]))

    def fingerprint(self) -> str:
        return fingerprint("measures", VERSION, self.view.fingerprint())


@dataclass(frozen=True, slots=True)
class StabilitySpec(MeasureSpec):
    """How steady one view is; it has to be drawn seven times for that."""

    def fingerprint(self) -> str:
        return fingerprint("stability", VERSION, self.view.fingerprint())


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Row i of every array is window i."""

    groups: Ints  # (n,) that stand apart for the model, -1: none; see core.separation
    structure: str
    nearest: Floats  # (n,) distance to the nearest other window in the embedding
    kept: Floats  # (n,) share of the neighbours that the picture keeps; NaN where nobody asked
    quality: Quality
    apart: GroupQuality  # of these groups
    recognised: Mapping[str, Score | Notice]  # how well windows are recognised by others, or why nobody can tell
    lines: Apart | Notice  # how well lines or sites can be told apart in the embedding, likewise
    warnings: tuple[Notice, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Steady:
    """How far a view depends on chance."""

    kept: Floats  # (n,) share of its neighbours that a window keeps when it is drawn again; NaN where nobody asked
    overall: float  # their median
    by_chance: float
    moved: float  # median distance from its place, in widths of the picture
    n_drawings: int


def build(spec: MeasureSpec, store: Store, progress: Progress) -> str:
    """Compute what is not yet in the store, the view too, and return the fingerprint."""
    key = spec.fingerprint()
    if store.has(key):
        return key
    views.build(spec.view, store, progress)
    xy = store.array(spec.view.fingerprint(), "xy")
    vectors = store.array(spec.view.embedding_fingerprint(), "vectors")
    progress(MEASURING, 0, STEPS)
    near = views.neighbours(spec.view, store, progress)
    progress(MEASURING, 10, STEPS)
    found = quality.measure(vectors, xy, near)
    kept = quality.kept_per_window(vectors, xy, near)
    apart = separate(vectors, tick=lambda done, total: progress(MEASURING, 20 + 60 * done // total, STEPS))
    progress(MEASURING, 80, STEPS)
    between = quality.measure_groups(vectors, xy, apart.groups)
    told = quality.warnings(found, between)
    progress(MEASURING, 90, STEPS)
    recognised = {name: _kept(hits) for name, hits in hits_of(spec.view, store).items()}
    meta = {
        "made": "measures",
        "view": spec.view.fingerprint(),
        "structure": apart.structure,
        "quality": asdict(found),
        "apart": asdict(between),
        "recognised": recognised,
        "lines": asdict(lines_of(spec.view, store)),
        "warnings": [[one.message, dict(one.facts)] for one in told],
    }
    store.save(key, meta, {"groups": apart.groups, "nearest": near.distances[:, 0], "kept": kept})
    return key


def hits_of(view: ViewSpec, store: Store) -> dict[str, LabelHits | Hits | Notice]:
    """Of a view that is in the store: its windows recognised by label and by time, in the embedding and on the map."""
    windows = windows_of(view, store)
    where = Where(windows.series, windows.start, windows.length)
    points = {
        "model": store.array(view.embedding_fingerprint(), "vectors"),
        "map": store.array(view.fingerprint(), "xy"),
    }
    by_label = {f"label, {name}": label_hits(at, windows.label, where) for name, at in points.items()}
    return by_label | {f"time, {name}": time_hits(at, where) for name, at in points.items()}


def lines_of(view: ViewSpec, store: Store) -> Apart | Notice:
    """Of a view that is in the store: how well its lines or sites can be told apart."""
    windows = windows_of(view, store)
    where = Where(windows.series, windows.start, windows.length)
    before = replace(view, encoder=view.encoder.unadapted)  # what brings them together has to learn it from a part
    vectors = store.array(before.embedding_fingerprint(), "vectors")
    domain = of_series(windows.prepared)[windows.series]
    return apart(vectors, domain, where, adapted=WAYS.get(view.encoder.adapt))


def windows_of(view: ViewSpec, store: Store) -> Windows:
    """Where the windows of a view lie that is in the store."""
    ready = preparation.load(PreparationSpec.of(view.sources, view.recipe), store)
    if ready is None:
        raise FileNotFoundError(f"the series of {view.fingerprint()} are no longer kept")
    return cut(ready.series, view.recipe)


def _kept(hits: LabelHits | Hits | Notice) -> dict[str, Any]:
    if isinstance(hits, Notice):
        return {"why not": [hits.message, dict(hits.facts)]}
    return asdict((hits.nearest_balanced if isinstance(hits, LabelHits) else hits).score)


def load(spec: MeasureSpec, store: Store) -> Measured | None:
    """The numbers, or None while they have yet to be computed."""
    key = spec.fingerprint()
    if not store.has(key):
        return None
    meta = store.meta(key)
    return Measured(
        groups=store.array(key, "groups"),
        structure=meta["structure"],
        nearest=store.array(key, "nearest"),
        kept=store.array(key, "kept"),
        quality=Quality(**meta["quality"]),
        apart=GroupQuality(**meta["apart"]),
        recognised={name: _recalled(one) for name, one in meta["recognised"].items()},
        lines=domains.from_json(meta["lines"]),
        warnings=tuple(Notice(*one) for one in meta["warnings"]),
    )


def _recalled(one: dict[str, Any]) -> Score | Notice:
    return Notice(*one["why not"]) if "why not" in one else Score(**one)


def build_stability(spec: StabilitySpec, store: Store, progress: Progress) -> str:
    """Likewise."""
    key = spec.fingerprint()
    if not store.has(key):
        views.build(spec.view, store, progress)
        vectors = store.array(spec.view.embedding_fingerprint(), "vectors", mapped=True)
        found = stability(vectors, spec.view.projection, lambda done, total, _xy: progress(REDRAWING, done, total))
        kept = np.full(len(vectors), np.nan)
        kept[found.asked] = found.kept
        meta = {
            "made": "stability",
            "view": spec.view.fingerprint(),
            "overall": float(np.median(found.kept)),
            "by_chance": found.by_chance,
            "moved": float(np.median(found.moved)),
            "n_drawings": found.n_drawings,
        }
        store.save(key, meta, {"kept": kept})
    return key


def load_stability(spec: StabilitySpec, store: Store) -> Steady | None:
    key = spec.fingerprint()
    if not store.has(key):
        return None
    meta = store.meta(key)
    return Steady(store.array(key, "kept"), meta["overall"], meta["by_chance"], meta["moved"], meta["n_drawings"])
