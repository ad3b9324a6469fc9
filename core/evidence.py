"""Numbers beside opinions: a model's error and what people say of its maps, and what a change did to either."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.special import stdtr, stdtrit

from core.answers import Answer
from core.encoders import EncoderSpec
from core.errors import N_
from core.factors import STEPS, contrast
from core.notices import Notice
from core.opinions import (
    ALIKE,
    BEYOND_CHANCE,
    LEVEL,
    ONE_RATER,
    SCORES,
    Contrast,
    Range,
    by_rater,
    clustered,
    own_means,
)
from core.rebuilding import MANY_BLOCKS, Interval
from core.recognition import FEWEST_APART, TOO_FEW, Where, resampled, time_blocks
from core.series import Floats
from core.studies import FACTORS, Factor, difference
from core.views import ViewSpec

# --- what people say


@dataclass(frozen=True, slots=True)
class Understandability:
    """The ratings of one view, summed up. `why_no_range` is None exactly where there is a range."""

    mean: float | None  # of the raters' own means, so that nobody counts twice
    low: float | None
    high: float | None
    n_raters: int
    n_cannot_tell: int
    why_no_range: str | None


def understandability(ratings: Iterable[tuple[str, int | None]]) -> Understandability:
    """Mean and 95 % range over raters, see `core.opinions.clustered`.

    Args:
        ratings: (rater, score 1 … 5); None is “I can't tell”, which is counted and never scored.
    """
    given = list(ratings)
    scored = [(rater, float(score)) for rater, score in given if score is not None]
    found = clustered(by_rater(scored), SCORES)
    n_cannot_tell = len(given) - len(scored)
    return Understandability(found.value, found.low, found.high, found.n_raters, n_cannot_tell, found.why_no_range)


def clearer(answers: Sequence[Answer], a: str, b: str) -> Contrast:
    """How many steps clearer map a is than b: within people if some have rated both, else between people."""
    within = contrast(answers, a, b)
    return within if within.size.n_raters > 1 else _between(answers, a, b)


def _between(answers: Sequence[Answer], a: str, b: str) -> Contrast:
    """Likewise of maps that other people have rated, as from one round to the next.

    How people lean does not drop out here, so the range is wider.
    Source: Welch 1947, "The generalization of 'Student's' problem when several different population variances are
    involved".
    """
    own = [
        own_means(by_rater((one.rater, one.score) for one in answers if _rates(one, view) and one.score is not None))
        for view in (a, b)
    ]
    n = sum(map(len, own))
    if not min(map(len, own)):
        return Contrast(Range(None, None, None, n, N_("Nobody has rated one of the two maps.")), None)
    steps = float(own[0].mean() - own[1].mean())
    if min(map(len, own)) < 2:
        return Contrast(Range(steps, None, None, n, ONE_RATER), None)
    each = np.array([one.var(ddof=1) / len(one) for one in own])
    if not each.any():
        return Contrast(Range(steps, None, None, n, ALIKE), None)
    freedom = each.sum() ** 2 / (each**2 / [len(one) - 1 for one in own]).sum()
    half = float(stdtrit(freedom, (1 + LEVEL) / 2) * np.sqrt(each.sum()))
    p = float(2 * stdtr(freedom, -abs(steps) / np.sqrt(each.sum())))
    return Contrast(Range(steps, max(-STEPS, steps - half), min(STEPS, steps + half), n, None), p)


def _rates(one: Answer, view: str) -> bool:
    return one.kind == "view" and one.view == view


# --- what the model gets wrong


@dataclass(frozen=True, slots=True, eq=False)
class Errors:
    """The reconstruction errors of a view's windows."""

    per_window: Floats  # (n,) in variances of each channel
    where: Where


@dataclass(frozen=True, slots=True)
class Loss:
    """The mean of them, which the view goes by. `why_no_range` is None exactly where there is a range."""

    value: float
    low: float | None  # of the 95 % range over stretches of time
    high: float | None
    why_no_range: Notice | None


NOT_KEPT = Notice(N_("The errors of the single stretches are no longer kept."), {})
NO_ERROR = Notice(N_("There is no error at all."), {})


def loss(value: float, errors: Errors | None) -> Loss:
    """With a range from blocks of time: windows overlap, so that a thousand of them do not tell a thousand things.

    As core.rebuilding does for its errors, which has how well that works.
    """
    if errors is None:
        return Loss(value, None, None, NOT_KEPT)
    if not value:
        return Loss(value, None, None, NO_ERROR)
    if (n_apart := errors.where.n_apart()) < FEWEST_APART:
        return Loss(value, None, None, Notice(TOO_FEW, {"n": n_apart}))
    low, high = value * np.exp(_reach(_shares(errors), errors.where))
    return Loss(value, float(low), float(high), None)


def change(before: tuple[Loss, Errors | None], after: tuple[Loss, Errors | None]) -> Interval | None:
    """Relative change of the error, -0.22 for a fall by 22 %; None where there was no error before.

    Of the same windows, blocks of time are drawn for both at once: what makes one window harder than another drops out.
    Of other windows the two ranges are put together on the scale of logarithms (Zou & Donner 2008, "Construction of
    confidence limits about effect measures: a general approach").
    """
    (was, old), (now, new) = before, after
    if not was.value:
        return None
    ratio = now.value / was.value
    if old is not None and new is not None and was.low is not None and now.low is not None and _same_windows(old, new):
        low, high = np.log(ratio) + _reach(_shares(new) - _shares(old), new.where)
    elif was.low is None or was.high is None or now.low is None or now.high is None:
        return Interval(ratio - 1, None, None)
    else:
        low = np.log(ratio) - np.hypot(np.log(now.value / now.low), np.log(was.high / was.value))
        high = np.log(ratio) + np.hypot(np.log(now.high / now.value), np.log(was.value / was.low))
    return Interval(ratio - 1, float(np.exp(low)) - 1, float(np.exp(high)) - 1)


def _same_windows(one: Errors, other: Errors) -> bool:
    mine, theirs = one.where, other.where
    return (
        mine.length == theirs.length
        and np.array_equal(mine.series, theirs.series)
        and np.array_equal(mine.start, theirs.start)
    )


def _shares(errors: Errors) -> Floats:
    """(n,) what each window adds to the logarithm of the mean, beyond an equal part of it."""
    return np.asarray(errors.per_window / errors.per_window.sum() - 1 / len(errors.per_window), np.float64)


def _reach(added: Floats, where: Where) -> Floats:
    """(2,) where 95 % of the deviations lie of a sum to which each window adds so much."""
    blocks = time_blocks(where, len(added) / MANY_BLOCKS)
    return np.quantile(resampled(np.bincount(blocks, added).astype(np.float64)), [0.025, 0.975])


# --- both at once

Quadrant = Literal["both", "numbers", "clearer", "neither"]
QUADRANTS: Mapping[Quadrant, str] = {
    "both": N_("better numbers and clearer"),
    "numbers": N_("better numbers, not clearer"),
    "clearer": N_("clearer, not better numbers"),
    "neither": N_("neither better numbers nor clearer"),
}


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a map stands against another one. There is no blend of the two: either can be had without the other."""

    quadrant: Quadrant
    is_sure: bool  # of both directions: other stretches and other people would not turn them


def placed(loss: Interval, clarity: Contrast) -> Placed | None:
    """Against another map; None where not both are known.

    Args:
        loss: relative change of the error.
        clarity: in steps, its p raised for all comparisons that are made.
    """
    steps = clarity.size.value
    if steps is None:
        return None
    better, more = loss.value < 0, steps > 0
    quadrant: Quadrant = ("both" if more else "numbers") if better else ("clearer" if more else "neither")
    return Placed(quadrant, _is_sure_of_numbers(loss) and direction(clarity) != 0)


def _is_sure_of_numbers(loss: Interval) -> bool:
    """That they are better, or that they are not: the same model drawn otherwise has the very same error."""
    return loss.low is not None and loss.high is not None and (loss.high < 0 or loss.low >= 0)


def direction(clarity: Contrast) -> int:
    """1 clearer beyond chance, -1 less clear; 0: it cannot be told."""
    low, high = clarity.size.low, clarity.size.high
    if low is None or high is None or clarity.p is None or clarity.p > BEYOND_CHANCE or low <= 0 <= high:
        return 0
    return 1 if low > 0 else -1


# --- from view to view


def trained(specs: Mapping[str, ViewSpec], parents: Mapping[str, EncoderSpec]) -> dict[str, str]:
    """Which view shows what extra training did to which: the same data, preparation and drawing, by the model before.

    Args:
        specs: of each view.
        parents: of each folder with a trained model, what it was trained from.

    Returns: the view before, by the view after.
    """
    by_spec = {spec: name for name, spec in specs.items()}
    found = {}
    for name, spec in specs.items():
        parent = parents.get(spec.encoder.source)
        if parent is not None:
            as_before = replace(spec.encoder, kind=parent.kind, source=parent.source)
            found[name] = by_spec.get(replace(spec, encoder=as_before))
    return {after: before for after, before in found.items() if before is not None}


def came_from(specs: Mapping[str, ViewSpec], rounds: Mapping[str, int], after: Mapping[str, str]) -> dict[str, str]:
    """The earlier view that each one is best compared with; none for the first.

    That which its model was trained from; else one of an earlier round, the latest first, that differs in one thing
    alone; else such a one of the same round; else the one that differs in fewest things.

    Args:
        specs: of each view, in the order of keeping.
        after: see `trained`.
    """
    found: dict[str, str] = {}
    names = list(specs)
    for i, name in enumerate(names):
        earlier = names[:i]
        if after.get(name) in earlier:
            found[name] = after[name]
        elif earlier:
            fewest = {one: (len(changed(specs[one], specs[name])), rounds[one] == rounds[name]) for one in earlier}
            found[name] = min(reversed(earlier), key=fewest.__getitem__)
    return found


def changed(before: ViewSpec, after: ViewSpec) -> tuple[Factor | Literal["data"], ...]:
    """All in which two views differ; nothing where they are alike."""
    one = difference(before, after)
    if one is not None:
        return (one,)
    of_data: tuple[Literal["data"], ...] = () if before.sources == after.sources else ("data",)
    return (*of_data, *(factor for factor in FACTORS if _part(before, factor) != _part(after, factor)))


def _part(spec: ViewSpec, factor: Factor) -> object:
    return {"preparation": spec.recipe, "model": spec.encoder, "drawing": spec.projection}[factor]


# --- what came of it


@dataclass(frozen=True, slots=True)
class Tally:
    """What the changes of a pilot did to understandability; bad ones and vain ones are counted too."""

    n_clearer: int
    n_less_clear: int
    n_cannot_tell: int
    n_not_asked: int

    @property
    def n(self) -> int:
        return self.n_clearer + self.n_less_clear + self.n_cannot_tell + self.n_not_asked


def tally(changes: Iterable[Contrast]) -> Tally:
    """Args: changes: of each view against the one it came from, their p raised for all of them."""
    given = list(changes)
    asked = [direction(one) for one in given if one.size.value is not None]
    return Tally(asked.count(1), asked.count(-1), asked.count(0), len(given) - len(asked))


# --- what was expected of it

Part = Literal["error", "clarity"]
Outcome = Literal["yes", "no", "cannot be told"]
EXPECTED: Mapping[Part, Mapping[str, str]] = {
    "error": {"falls": N_("falls"), "stays": N_("stays"), "rises": N_("rises")},
    "clarity": {"clearer": N_("clearer"), "same": N_("the same"), "less": N_("less clear")},
}
WAYS = {"falls": -1, "rises": 1, "clearer": 1, "less": -1}
OUTCOMES: Mapping[Outcome, str] = {"yes": N_("yes"), "no": N_("no"), "cannot be told": N_("cannot be told")}
ALIKE_WITHIN: Mapping[Part, float] = {"error": 0.05, "clarity": 0.5}  # of the error before; steps of 1 … 5


def came_true(expects: Mapping[Part, str], change: Interval | None, clarity: Contrast) -> dict[Part, Outcome]:
    """Of each part of which something was expected, whether it came about. More and less are told beyond chance only.

    Alike is more than a difference that may be chance: the whole range lies within ALIKE_WITHIN, and outside of it
    where it is told not to be. A small change beyond chance may be both. Source: Schuirmann 1987, "A comparison of the
    two one-sided tests procedure and the power approach"; ranges of 95 % make each test one at 2.5 %.

    Args: change, clarity: see `placed`.
    """
    found = {"error": (change, _way(change)), "clarity": (clarity.size, direction(clarity))}
    return {part: _outcome(said, *found[part], ALIKE_WITHIN[part]) for part, said in expects.items()}


def _way(change: Interval | None) -> int:
    if change is None or change.low is None or change.high is None:
        return 0
    return -1 if change.high < 0 else int(change.low > 0)


def _outcome(said: str, found: Interval | Range | None, way: int, alike: float) -> Outcome:
    if found is None or found.low is None or found.high is None:
        return "cannot be told"
    if said in WAYS:
        is_none = found.low == found.high == 0  # the same model, drawn otherwise
        return "yes" if way == WAYS[said] else "no" if way or is_none else "cannot be told"
    if -alike <= found.low and found.high <= alike:
        return "yes"
    return "no" if way and (found.low > alike or found.high < -alike) else "cannot be told"
