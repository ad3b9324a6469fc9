"""Several views of the same windows, compared: on what they agree, and what each step of a model adds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from core import ladder, measures
from core.artifacts import Store, fingerprint
from core.crosscheck import agreement, crosscheck
from core.errors import N_
from core.measures import MeasureSpec
from core.notices import Notice
from core.recognition import Score, Where
from core.separation import Separation
from core.series import Floats
from core.stability import posed
from core.views import Progress, ViewSpec

VERSION = 3  # raise it when the same views would be compared otherwise
COMPARING = N_("Comparing the maps")
NOTHING = N_(
    "There is nothing to see: for the model, stretches neither stand apart nor lie near their like more than by chance."
)


@dataclass(frozen=True, slots=True)
class ComparisonSpec:
    """Which views, and what people call them."""

    views: tuple[ViewSpec, ...]
    names: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {"views": [one.to_json() for one in self.views], "names": list(self.names)}

    @classmethod
    def from_json(cls, d: Mapping[str, Any]) -> Self:
        return cls(tuple(ViewSpec.from_json(one) for one in d["views"]), tuple(d["names"]))

    def fingerprint(self) -> str:
        return fingerprint("comparison", VERSION, [one.fingerprint() for one in self.views], list(self.names))


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Entry i is about view i; row j of every array about window j."""

    poses: tuple[Floats, ...]  # (n, 2) each, turned to lie on the first as well as they can, where they share windows
    agreed: Floats | None  # (n,), see core.crosscheck; None: they do not share their windows
    told: tuple[Notice, ...]


@dataclass(frozen=True, slots=True)
class LadderSpec(ComparisonSpec):
    """The same windows drawn the same way, by more and more of a model; `names` are the rungs of core.ladder."""

    def fingerprint(self) -> str:
        return fingerprint("ladder", VERSION, [one.fingerprint() for one in self.views], list(self.names))


def build(spec: ComparisonSpec, store: Store, progress: Progress) -> str:
    """Compute what is not yet in the store, the views and their numbers too, and return the fingerprint."""
    key = spec.fingerprint()
    if not store.has(key):
        _build_views(spec, store, progress)
        shared = share_windows(spec.views, store)
        arrays, told = _poses(spec, shared, store), []
        if len({one.embedding_fingerprint() for one in spec.views}) == 1:
            vectors = store.array(spec.views[0].embedding_fingerprint(), "vectors")
            found = crosscheck(vectors, [arrays[f"pose-{i}"] for i in range(len(spec.views))], spec.names)
            arrays["agreed"], told = found.agreed, [*_nothing(spec.views[0], found.model, store), *found.told]
        elif shared:
            arrays["agreed"] = agreement([arrays[f"pose-{i}"] for i in range(len(spec.views))])[0]
        _keep(spec, told, arrays, store)
    return key


def build_ladder(spec: LadderSpec, store: Store, progress: Progress) -> str:
    """Likewise."""
    key = spec.fingerprint()
    if not store.has(key):
        _build_views(spec, store, progress)
        arrays = _poses(spec, share_windows(spec.views, store), store)
        windows = measures.windows_of(spec.views[0], store)
        where, rungs = Where(windows.series, windows.start, windows.length), []
        for i, (code, view) in enumerate(zip(spec.names, spec.views, strict=True)):
            progress(COMPARING, i, len(spec.views))
            vectors = store.array(view.embedding_fingerprint(), "vectors")
            rungs.append(ladder.measured(code, vectors, arrays[f"pose-{i}"], where, windows.label))
        arrays["agreed"] = agreement([arrays[f"pose-{i}"] for i in range(len(spec.views))])[0]
        _keep(spec, ladder.compare(rungs).notices, arrays, store)
    return key


def _nothing(view: ViewSpec, model: Separation, store: Store) -> list[Notice]:
    """The one sentence that stands before all others where nothing is to be seen."""
    known = measures.load(MeasureSpec(view), store)
    scores = [] if known is None else [known.recognised["label, model"], known.recognised["time, model"]]
    alike = any(isinstance(one, Score) and one.value > one.bar and one.low > one.chance for one in scores)
    return [] if alike or model.structure != "none" else [Notice(NOTHING, {})]


def _build_views(spec: ComparisonSpec, store: Store, progress: Progress) -> None:
    for one in spec.views:
        measures.build(MeasureSpec(one), store, progress)
    progress(COMPARING, 0, 1)


def _poses(spec: ComparisonSpec, shared: bool, store: Store) -> dict[str, Floats]:
    """The pictures, turned to lie on the first one where they show the same windows."""
    pictures = [store.array(one.fingerprint(), "xy") for one in spec.views]
    if shared:
        pictures = [pictures[0], *(posed(pictures[0], xy) for xy in pictures[1:])]
    return {f"pose-{i}": xy for i, xy in enumerate(pictures)}


def _keep(spec: ComparisonSpec, told: Sequence[Notice], arrays: Mapping[str, Floats], store: Store) -> None:
    meta = {"made": "comparison", "spec": spec.to_json(), "told": [[one.message, dict(one.facts)] for one in told]}
    store.save(spec.fingerprint(), meta, arrays)


def share_windows(compared: tuple[ViewSpec, ...], store: Store) -> bool:
    """Whether row i of every view is the same stretch of the same series."""
    if any(one.sources != compared[0].sources for one in compared):
        return False
    if len({one.recipe for one in compared}) == 1:
        return True
    first, *others = (measures.windows_of(one, store) for one in compared)
    return all(
        first.length == other.length
        and np.array_equal(first.series, other.series)
        and np.array_equal(first.start, other.start)
        for other in others
    )


def load(spec: ComparisonSpec, store: Store) -> Comparison | None:
    """The comparison, or None while it has yet to be made."""
    key = spec.fingerprint()
    if not store.has(key):
        return None
    poses = tuple(store.array(key, f"pose-{i}") for i in range(len(spec.views)))
    agreed = store.array(key, "agreed") if store.holds(key, "agreed") else None
    return Comparison(poses, agreed, tuple(Notice(*one) for one in store.meta(key)["told"]))
