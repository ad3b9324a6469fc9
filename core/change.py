"""One model before and after training, on windows that the training never looked at: what changed, and what did not."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core import domains, probes, rebuilding
from core.domains import Apart
from core.embedding import Encoder, patch_masks
from core.encoders import PATCH, Tick, nobody
from core.ladder import Difference, compared
from core.movement import Movement, movement
from core.notices import Notice
from core.rebuilding import Interval, Rebuilt
from core.recipes import Windows
from core.recognition import LabelHits, Score, Where, label_hits
from core.selections import thin
from core.series import Bools, Floats, Ints

RATIOS = (0.25, 0.5, 0.75)  # of what is hidden
MEASURED = 1000  # windows
KINDS = ("mse", "rmse", "mae", "smape")

Labels = NDArray[np.str_] | None
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Errors:
    """Of one share of hidden patches: the same windows with the same patches hidden, before and after."""

    hidden: float  # the share that really was hidden
    before: Mapping[str, Interval]  # by KINDS; see core.rebuilding.Rebuilt
    after: Mapping[str, Interval]
    change: Interval | Notice  # of mse, as a share of what it was; or why there is none


@dataclass(frozen=True, slots=True)
class Seen:
    """What an embedding shows."""

    recognised: Score | Notice  # 1-NN by label, every label counting as much as any other; or why nobody can tell
    silhouette: float | None  # of the labels; None: there are not two
    probes: float | None  # mean share of planted truths that can be read from it; None: too few windows
    lines: Apart | Notice | None  # how well lines or sites are told apart; None: not measured, in runs of long ago


@dataclass(frozen=True, slots=True)
class Change:
    errors: tuple[Errors, ...]  # one a share in RATIOS; none where windows have a single patch
    movement: Movement  # of the embeddings
    before: Seen
    after: Seen
    labels: Difference | None  # of `recognised`, on the same blocks of time; None where that is a Notice

    def to_json(self) -> Json:
        return asdict(self)

    @classmethod
    def from_json(cls, d: Mapping[str, Any]) -> Self:
        before, after = (_seen_from(d[name]) for name in ("before", "after"))
        errors, labels = tuple(_errors_from(one) for one in d["errors"]), d.get("labels")
        return cls(errors, Movement(**d["movement"]), before, after, labels and Difference(**labels))


def change(before: Encoder, after: Encoder, windows: Windows, ids: Ints, tick: Tick) -> Change:
    """Measure on held-out windows `ids`, or on an even choice of MEASURED of them."""
    ids = ids[thin(len(ids), MEASURED)]
    where = Where(windows.series[ids], windows.start[ids], windows.length)
    labels, values = None if windows.label is None else windows.label[ids], windows.values(ids)
    domain = domains.of_series(windows.prepared)[where.series]
    total, errors = len(RATIOS) + 2, []
    for i, ratio in enumerate(RATIOS if windows.length >= 2 * PATCH else ()):
        tick(i, total)
        errors.append(_errors(before, after, values, ratio, where))
    embedded, hits, seen = [], [], []
    for i, encoder in enumerate((before, after)):
        tick(len(RATIOS) + i, total)
        embedded.append(encoder.embed(values, nobody).astype(np.float64))
        hits.append(label_hits(embedded[-1], labels, where))
        planted, lines = _planted(encoder, values, where), domains.apart(embedded[-1], domain, where)
        seen.append(Seen(_recognised(hits[-1]), _silhouette(embedded[-1], labels), planted, lines))
    return Change(tuple(errors), movement(embedded[0], embedded[1]), seen[0], seen[1], _kept(hits[0], hits[1]))


def _errors(before: Encoder, after: Encoder, values: Floats, ratio: float, where: Where) -> Errors:
    shown = before.shown(values)
    n, n_channels, length = shown.shape
    masks = patch_masks(n * n_channels, length // PATCH, ratio, np.random.default_rng(round(100 * ratio)))
    hidden = masks.reshape(n, n_channels, -1)
    first, second = (_rebuilt(one, shown, hidden, where) for one in (before, after))
    return Errors(first.hidden, _by_kind(first), _by_kind(second), rebuilding.difference(first, second))


def _rebuilt(encoder: Encoder, shown: Floats, hidden: Bools, where: Where) -> Rebuilt:
    return rebuilding.scores(shown, encoder.guesses(shown, hidden, nobody), hidden, shown.std(axis=(0, 2)), where)


def _by_kind(one: Rebuilt) -> dict[str, Interval]:
    return {kind: getattr(one, kind) for kind in KINDS}


def _recognised(hits: LabelHits | Notice) -> Score | Notice:
    return hits.nearest_balanced.score if isinstance(hits, LabelHits) else hits


def _kept(before: LabelHits | Notice, after: LabelHits | Notice) -> Difference | None:
    """By how much more often labels are recognised than before."""
    if isinstance(before, Notice) or isinstance(after, Notice):
        return None
    hits = {"before": before.nearest_balanced, "after": after.nearest_balanced}
    return compared(hits, [("after", "before")])[0]


def _planted(encoder: Encoder, values: Floats, where: Where) -> float | None:
    some = thin(len(values), probes.FEW)
    return probes.read(encoder, values[some], where.of(some)) if len(some) >= probes.FEWEST else None


def _silhouette(vectors: Floats, labels: Labels) -> float | None:
    from sklearn.metrics import silhouette_score

    if labels is None:
        return None
    known = labels != ""
    enough = 1 < len(np.unique(labels[known])) < known.sum()
    return float(silhouette_score(vectors[known], labels[known])) if enough else None


def _errors_from(d: Mapping[str, Any]) -> Errors:
    before, after = ({kind: Interval(**d[name][kind]) for kind in KINDS} for name in ("before", "after"))
    told = d["change"]
    return Errors(d["hidden"], before, after, Notice(**told) if "message" in told else Interval(**told))


def _seen_from(d: Mapping[str, Any]) -> Seen:
    told = d["recognised"]
    recognised, lines = Notice(**told) if "message" in told else Score(**told), d.get("lines")
    return Seen(recognised, d["silhouette"], d["probes"], lines and domains.from_json(lines))
