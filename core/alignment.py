"""Which of the numbers on a map goes along with what people say here. Few maps, many numbers: chance is counted in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import permutations
from math import factorial
from typing import Literal

import numpy as np

from core.agreement import FEWEST_RATERS, NO_RANGE, draws, estimate
from core.answers import Answer
from core.errors import N_
from core.notices import Notice
from core.opinions import BEYOND_CHANCE
from core.series import Floats, Ints

BETTER = {  # 1 where more is better, -1 where less is
    "loss": -1,
    "trustworthiness": 1,
    "continuity": 1,
    "neighbours_kept": 1,
    "silhouette": 1,
    "stability": 1,
}
FEWEST_VIEWS = 4  # three maps have six orders, one of which any number gets right by chance
MOST_EXACT = 8  # views up to which all orders are tried, 40,320 then
N_ORDERS = 9999  # that are tried of more
SEED = 0
Outcome = Literal["understandability", "quiz"]

TOO_FEW = N_("{n} maps are too few to tell whether a number goes along with people: it takes at least {least}.")
SAME_NUMBER = N_("This number is the same for all maps.")
SAME_ANSWERS = N_("People found all maps alike.")
BEST: dict[Outcome, str] = {
    "understandability": N_(
        "“{measure}” goes along best with how understandable people find a map: {value} ({low} to {high}), where 1 is "
        "the same order and 0 is chance."
    ),
    "quiz": N_(
        "“{measure}” goes along best with how often people are right in the quiz: {value} ({low} to {high}), where 1 "
        "is the same order and 0 is chance."
    ),
}
NONE: dict[Outcome, str] = {
    "understandability": N_("No number goes along with how understandable people find a map, beyond chance."),
    "quiz": N_("No number goes along with how often people are right in the quiz, beyond chance."),
}
HOPELESS = N_(
    "With {tests} comparisons on only {views} maps, even a number with the very same order as people could be chance. "
    "Have more maps rated."
)
ALLOWED = N_("{tests} comparisons were made on {views} maps: that one of them fits by chance is allowed for.")


@dataclass(frozen=True, slots=True)
class Correlation:
    """How far a number puts maps in the same order as people do: 1 the same, 0 by chance, -1 the reverse order."""

    value: float | None  # Spearman's, signed so that positive agrees with people; None: `why` has the reason
    low: float | None  # of the 95 % interval over raters, for these views
    high: float | None
    p: float | None  # of as much or more, either way, by chance, allowing for all comparisons made (Holm)
    n_views: int
    why: Notice | None  # why there is no number, or no interval

    @property
    def is_sure(self) -> bool:
        """Whether other people would say so too, and so few maps do not give it by chance."""
        return self.low is not None and self.low > 0 and self.p is not None and self.p <= BEYOND_CHANCE


@dataclass(frozen=True, slots=True)
class Aligned:
    """Of one number on a map."""

    understandability: Correlation  # with the mean rating of each map
    quiz: Correlation  # with the share of right answers in the quiz of each map


def alignment(measures: Mapping[str, Mapping[str, float | None]], answers: Iterable[Answer]) -> dict[str, Aligned]:
    """Compare numbers on maps with people's ratings of these maps (repeats left out) and with their quizzes.

    The interval says how sure the order of these maps is if others had been asked; p whether the same order of so few
    maps may be chance. One that is sure of the first is not yet sure of the second.

    Args:
        measures: of each name in BETTER, view → number, None where there is none.
    """
    asked = [one for one in answers if one.kind == "view"]
    scores = [(one.rater, one.view, float(one.score)) for one in asked if one.score is not None]
    right = [(one.rater, one.view, float(one.right)) for one in asked if one.right is not None]
    found = {
        (name, outcome): _correlation(BETTER[name], of_view, given)
        for outcome, given in (("understandability", scores), ("quiz", right))
        for name, of_view in measures.items()
    }
    known = {key: one.p for key, one in found.items() if one.p is not None}
    found |= {key: replace(found[key], p=p) for key, p in zip(known, holm(list(known.values())), strict=True)}
    return {name: Aligned(found[name, "understandability"], found[name, "quiz"]) for name in measures}


def _correlation(
    better: int, of_view: Mapping[str, float | None], given: Sequence[tuple[str, str, float]]
) -> Correlation:
    numbers = {view: better * number for view, number in of_view.items() if number is not None}
    given = [one for one in given if one[1] in numbers]
    raters, views = list(dict.fromkeys(one[0] for one in given)), list(dict.fromkeys(one[1] for one in given))
    n = len(views)
    if n < FEWEST_VIEWS:
        return Correlation(None, None, None, None, n, Notice(TOO_FEW, {"n": n, "least": FEWEST_VIEWS}))
    answers = np.zeros((2, len(raters), n))  # sums, and how many
    for rater, view, value in given:
        answers[:, raters.index(rater), views.index(view)] += [value, 1]
    total, times = answers.sum(axis=1)
    measure, people = np.array([numbers[view] for view in views]), total / times
    for constant, why in ((measure, SAME_NUMBER), (people, SAME_ANSWERS)):
        if np.ptp(constant) == 0:
            return Correlation(None, None, None, None, n, Notice(why, {}))
    value, p = float(_spearman(measure, people)), permuted(measure, people)
    if len(raters) < FEWEST_RATERS:
        why_not = Notice(NO_RANGE, {"n": len(raters), "least": FEWEST_RATERS})
        return Correlation(value, None, None, p, n, why_not)
    total, times = draws(len(raters)).astype(np.float64) @ answers
    drawn = np.divide(total, times, out=np.full(total.shape, np.nan), where=times > 0)
    one = estimate(value, _spearman(measure, drawn), len(raters))
    if one.low is None or one.high is None:  # whoever of them is asked, the order is the same
        return Correlation(value, value, value, p, n, None)
    return Correlation(value, one.low, one.high, p, n, None)


# --- rank correlation


def _ranks(x: Floats) -> Floats:
    """(…, n) mean ranks within each row, about their mean; 0 in place of NaN, which has no rank."""
    one, other = x[..., :, None], x[..., None, :]
    known = ~np.isnan(x)
    rank = (one > other).sum(axis=-1) + (one == other).sum(axis=-1) / 2
    mean = (rank * known).sum(axis=-1, keepdims=True) / np.maximum(known.sum(axis=-1, keepdims=True), 1)
    return np.asarray(np.where(known, rank - mean, 0.0), np.float64)


def _spearman(x: Floats, y: Floats) -> Floats:
    """(…,) Spearman's correlation of x (n,) with each row of y (…, n), where y has a value; NaN where one is constant.

    Source: Spearman 1904, "The proof and measurement of association between two things".
    """
    x = _ranks(np.where(np.isnan(y), np.nan, x))
    y = _ranks(y)
    size = np.sqrt((x**2).sum(axis=-1) * (y**2).sum(axis=-1))
    return np.asarray(np.divide((x * y).sum(axis=-1), size, out=np.full(size.shape, np.nan), where=size > 0))


def permuted(x: Floats, y: Floats) -> float:
    """How often two numbers of n views are correlated as much or more, either way, if views are dealt at random.

    Exact up to MOST_EXACT views; of more, from N_ORDERS random orders and the true one (Phipson & Smyth 2010,
    "Permutation p-values should never be zero").
    """
    one, other, n = _ranks(x), _ranks(y), len(x)
    orders = _every_order(n) if n <= MOST_EXACT else _some_orders(n)
    as_much = np.abs(other[orders] @ one) >= abs(other @ one) - 1e-9
    return float(as_much.mean() if n <= MOST_EXACT else (1 + as_much.sum()) / (1 + N_ORDERS))


@cache
def _every_order(n: int) -> Ints:
    return np.array(list(permutations(range(n))))


def _some_orders(n: int) -> Ints:
    return np.asarray(np.random.default_rng(SEED).permuted(np.tile(np.arange(n), (N_ORDERS, 1)), axis=1), np.int64)


def holm(p: Sequence[float]) -> list[float]:
    """Adjusted so that the least is at most 0.05 in no more than 5 % of families where all is chance.

    Source: Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    order = np.argsort(p, kind="stable")
    stepped = np.array(p)[order] * (len(p) - np.arange(len(p)))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1)
    return [float(one) for one in adjusted]


# --- in words


def best(found: Mapping[str, Correlation]) -> str | None:
    """The name of the number that goes along with people most; None where none does beyond chance."""
    sure = {name: one.value for name, one in found.items() if one.is_sure and one.value is not None}
    return max(sure, key=lambda name: sure[name]) if sure else None


def told(aligned: Mapping[str, Aligned]) -> list[Notice]:
    """Which number goes along with people, if any, and that chance has been allowed for.

    Names of numbers are facts that a screen puts into its own words.
    """
    outcomes: dict[Outcome, dict[str, Correlation]] = {
        "understandability": {name: one.understandability for name, one in aligned.items()},
        "quiz": {name: one.quiz for name, one in aligned.items()},
    }
    tested = [one for found in outcomes.values() for one in found.values() if one.p is not None]
    facts = {"tests": len(tested), "views": max((one.n_views for one in tested), default=0)}
    if not tested:
        reasons = [one.why for found in outcomes.values() for one in found.values() if one.why is not None]
        return reasons[:1]
    # Of n views, only one order and its reverse fit as well as the very same one does.
    if 2 / factorial(facts["views"]) * facts["tests"] > BEYOND_CHANCE:
        return [Notice(HOPELESS, facts)]
    return [*(_on(outcome, found) for outcome, found in outcomes.items()), Notice(ALLOWED, facts)]


def _on(outcome: Outcome, found: Mapping[str, Correlation]) -> Notice:
    name = best(found)
    if name is None:
        return Notice(NONE[outcome], {})
    one = found[name]
    facts = {"value": f"{one.value:.2f}", "low": f"{one.low:.2f}", "high": f"{one.high:.2f}"}
    return Notice(BEST[outcome], facts | {"measure": name})
