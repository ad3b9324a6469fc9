"""What a study says about its maps and its people. A person's answers belong together: what counts is people."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import ndtri, stdtrit

from core.answers import HIGHEST, LOWEST, Answer
from core.errors import N_
from core.series import Floats

LEVEL = 0.95  # of ranges
BEYOND_CHANCE = 0.05  # a p up to this, after it was raised for the number of comparisons
SEED = 0
ALL_FLIPS = 12  # people up to which every way to turn signs is tried, and as many random ones for more people
SEES_NOISE = 4  # a map of noise is rated as readable from here on
NOBODY = N_("Nobody has rated this map yet.")
ONE_RATER = N_("One person's opinion: a range needs at least two people.")
ALL_EQUAL = N_("Everyone gave the same score: so few answers do not show how far opinions would differ.")
ALIKE = N_("Everyone was the same here: so few answers do not show how far people differ.")
NO_QUIZ = N_("Nobody has done a quick quiz with this map yet.")
NO_TIME = N_("No time has been measured yet.")
NOT_BOTH = N_("Nobody has done the same kind of quick quiz both with a map and without one.")


@dataclass(frozen=True, slots=True)
class Range:
    """A mean over people, each of whom counts once. `why_no_range` is None exactly where there is a range."""

    value: float | None
    low: float | None
    high: float | None
    n_raters: int
    why_no_range: str | None


@dataclass(frozen=True, slots=True)
class Scale:
    """What values can be, and what to say where they give no range."""

    low: float  # -inf and inf: anything
    high: float
    least: float  # variance of a single answer, of the most that its scale allows: 1 where it is right or wrong
    nobody: str
    alike: str  # not needed where `least` is above 0


@dataclass(frozen=True, slots=True)
class Contrast:
    """How two things differ for the people who have met both, and how often chance alone would show as much."""

    size: Range
    p: float | None  # two-sided; None: fewer than two people


@dataclass(frozen=True, slots=True)
class Opinion:
    """What people made of one map when they first saw it; repeats are for `checks`."""

    understandability: Range
    distribution: tuple[int, ...]  # answers of 1, 2, 3, 4, 5
    n_cannot_tell: int
    accuracy: Range  # of quizzes with the map
    chance: float | None  # of these by guessing, mean over people
    rating_seconds: Range  # geometric means: half a minute more is much for a quick person and little for a slow one
    quiz_seconds: Range

    @property
    def beyond_chance(self) -> bool:
        return self.chance is not None and self.accuracy.low is not None and self.accuracy.low > self.chance


@dataclass(frozen=True, slots=True)
class WithAndWithout:
    """Quizzes with a map, against quizzes of the same kind with curves alone."""

    accuracy: Contrast  # difference: above 0, the map helps
    seconds: Contrast  # ratio: below 1, the map is quicker


@dataclass(frozen=True, slots=True)
class Consistency:
    """How a second rating of the same map differs from the first one."""

    n_pairs: int
    mean_difference: float  # in steps, without its sign
    within_one: float  # share of pairs at most one step apart
    kappa: float | None  # quadratic weights; None where only one score was ever given


@dataclass(frozen=True, slots=True)
class Checks:
    """Whom to trust less. Names are in order."""

    n_checked: int  # people who met an attention check
    failed: tuple[str, ...]
    n_saw_noise: int  # people who were asked about a map of noise
    noise_seers: tuple[str, ...]  # who found it readable
    consistency: Consistency | None  # None: nobody rated a map twice

    @property
    def false_positives(self) -> float | None:
        return len(self.noise_seers) / self.n_saw_noise if self.n_saw_noise else None


ANYTHING = (-np.inf, np.inf)
SCORES = Scale(LOWEST, HIGHEST, 0.0, NOBODY, ALL_EQUAL)
SHARES = Scale(0.0, 1.0, 1.0, NO_QUIZ, ALIKE)
SECONDS = Scale(*ANYTHING, 0.0, NO_TIME, ALIKE)  # their logarithms
GAINS = Scale(-1.0, 1.0, 0.0, NOT_BOTH, ALIKE)  # in accuracy
RATIOS = Scale(*ANYTHING, 0.0, NOT_BOTH, ALIKE)  # of seconds, their logarithms


def of_views(answers: Iterable[Answer]) -> dict[str, Opinion]:
    """What people said about each map that was rated, in the order of the first answers."""
    found: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        if answer.kind in ("view", "quiz"):
            found[answer.view].append(answer)
    return {view: _opinion(of_view) for view, of_view in found.items()}


def _opinion(answers: Sequence[Answer]) -> Opinion:
    rated = [a for a in answers if a.kind == "view"]
    scores = [(a.rater, a.score) for a in rated if a.score is not None]
    chances = by_rater((a.rater, a.chance) for a in answers if a.right is not None and a.chance is not None)
    return Opinion(
        clustered(by_rater(scores), SCORES),
        tuple(sum(score == step for _, score in scores) for step in range(LOWEST, HIGHEST + 1)),
        len(rated) - len(scores),
        clustered(by_rater((a.rater, a.right) for a in answers if a.right is not None), SHARES),
        float(own_means(chances).mean()) if chances else None,
        _seconds((a.rater, a.seconds) for a in rated),
        _seconds((a.rater, a.task_seconds) for a in answers),
    )


def with_and_without(answers: Iterable[Answer]) -> WithAndWithout:
    """What a map adds to quizzes.

    Within people and kinds of quiz: that slow people or hard quizzes had no map must not look like the map's doing.
    """
    quizzes = [a for a in answers if a.kind in ("view", "quiz", "plain") and a.right is not None]
    right = _with_less_without((a, float(a.right)) for a in quizzes if a.right is not None)
    timed = _with_less_without((a, float(np.log(a.task_seconds))) for a in quizzes if a.task_seconds)
    ratio = compared(timed, RATIOS)
    return WithAndWithout(compared(right, GAINS), Contrast(_exponential(ratio.size), ratio.p))


def _with_less_without(values: Iterable[tuple[Answer, float]]) -> dict[str, list[float]]:
    """Of each person who did both, a difference for each kind of quiz."""
    cells: dict[tuple[str, str | None], dict[bool, list[float]]] = defaultdict(lambda: {True: [], False: []})
    for answer, value in values:
        cells[answer.rater, answer.task][answer.has_map].append(value)
    both = [(rater, cell) for (rater, _), cell in cells.items() if cell[True] and cell[False]]
    return by_rater((rater, float(np.mean(cell[True]) - np.mean(cell[False]))) for rater, cell in both)


def checks(answers: Iterable[Answer]) -> Checks:
    """Who failed the attention check, who saw something in noise, and how people repeat themselves."""
    of_kind: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        of_kind[answer.kind].append(answer)
    checked = [a for a in of_kind["check"] if a.right is not None]
    seers = {a.rater for a in of_kind["null"] if a.score is not None and a.score >= SEES_NOISE}
    first = {(a.rater, a.view): a.score for a in reversed(of_kind["view"])}
    pairs = [(first.get((a.rater, a.view)), a.score) for a in of_kind["repeat"]]
    return Checks(
        len({a.rater for a in checked}),
        tuple(sorted({a.rater for a in checked if not a.right})),
        len({a.rater for a in of_kind["null"]}),
        tuple(sorted(seers)),
        _consistency([(one, other) for one, other in pairs if one is not None and other is not None]),
    )


def _consistency(pairs: Sequence[tuple[int, int]]) -> Consistency | None:
    """Source of the kappa: Cohen 1968, "Weighted kappa", where a difference of two steps weighs four times one."""
    from sklearn.metrics import cohen_kappa_score

    if not pairs:
        return None
    first, second = np.array(pairs).T
    apart = np.abs(first - second)
    kappa = None
    if len(np.unique(pairs)) > 1:
        steps = list(range(LOWEST, HIGHEST + 1))
        kappa = float(cohen_kappa_score(first, second, labels=steps, weights="quadratic"))
    return Consistency(len(pairs), float(apart.mean()), float((apart <= 1).mean()), kappa)


# --- how sure


def clustered(per_rater: Mapping[str, Sequence[float]], scale: Scale) -> Range:
    """Mean over people of each one's own mean, with a 95 % range over people.

    On a scale with ends, Wilson's interval for as many answers as people's means vary for (Korn & Graubard 1998,
    "Confidence intervals for proportions with small expected number of positive counts estimated from survey data"),
    at Student's t with n - 1 degrees of freedom; it turns at the ends and does not cross them. Without ends, Student's.

    Measured, 8,000 studies each, balanced and not, share of ranges that cover the truth:
        5 to 30 people, scores of mean 3 to 4.6: 94 to 98 %; accuracies of 0.5 to 0.94: 92 to 98 % (one of 120: 99 %);
        5 to 20 people, logarithms of seconds: 95 %, and 94 % where one in twenty takes ten times as long;
        3 people: 96 % and more of scores, 90 % and more of accuracies, but 83 % of 0.94 from one answer each.
    A percentile bootstrap covered 79 to 93 % of scores of 5 to 12 people below 4.6. A bootstrap-t (Efron & Tibshirani
    1993, chapter 12) covered 94 to 99 %, by ranges up to three times as wide near an end. Neither has a range where
    everyone is right, as in every second study of 5 people and an accuracy of 0.86 from one answer each.
    Where everyone gives the same score there is no range here either: 15 % of studies of 5 people at a mean of 4.6.
    """
    own = own_means(per_rater)
    n = len(own)
    if n == 0:
        return Range(None, None, None, 0, scale.nobody)
    mean = float(own.mean())
    if n == 1:
        return Range(mean, None, None, 1, ONE_RATER)
    if np.ptp(own) == 0 and not scale.least:
        return Range(mean, None, None, n, scale.alike)
    t = float(stdtrit(n - 1, (1 + LEVEL) / 2))
    if not np.isfinite(scale.high):
        half = t * float(own.std(ddof=1)) / np.sqrt(n)
        return Range(mean, float(mean - half), float(mean + half), n, None)
    n_answers = sum(map(len, per_rater.values()))
    width = scale.high - scale.low
    low, high = _wilson((own - scale.low) / width, t, scale.least / n_answers)
    return Range(mean, scale.low + width * low, scale.low + width * high, n, None)


def _wilson(own: Floats, t: float, least: float) -> tuple[float, float]:
    """Ends of the range of a mean of values 0 … 1; `least` is its variance at least, of mean (1 - mean).

    Nor can it be above 1 / n, whatever people do: so little is certain that Student's t is not needed there.
    """
    z = float(ndtri((1 + LEVEL) / 2))
    mean, n = float(own.mean()), len(own)
    room = mean * (1 - mean)
    k = min(t**2 * float(own.var(ddof=1)) / (n * room), z**2 / n) if room > 0 else 0.0
    k = max(k, z**2 * least)
    middle, half = (mean + k / 2) / (1 + k), float(np.sqrt(k * room + k**2 / 4)) / (1 + k)
    return max(0.0, middle - half), min(1.0, middle + half)


def compared(differences: Mapping[str, Sequence[float]], scale: Scale) -> Contrast:
    """People's own differences: their mean, its range, and whether chance would show as much."""
    size = clustered(differences, scale)
    return Contrast(size, float(sign_flip(own_means(differences)[None])[0]) if size.n_raters > 1 else None)


def sign_flip(differences: Floats) -> Floats:
    """(m,) two-sided p of m studies: did n people's differences (m, n) turn out to one side by chance?

    Without a difference each one could as well have had the other sign (Fisher 1935, "The Design of Experiments", §21);
    all ways for up to 12 people, else 2,048 at random with the one that happened. Ways that give just what was found
    count half: mid-p (Lancaster 1961, "Significance tests in discrete distributions"). Counted whole, p is at most
    0.05 by chance in 0 % of studies of 5 people who rate two maps alike, in 1 to 2 % of 12 and in 3 % of 20.

    Measured, 3,000 studies each: mid-p does so for 0 to 1 % of studies of 5 people, 1 to 4 % of 8, 2 to 4 % of 12 and
    4 to 5 % of 20 and more, always the fewer the nearer the scores are to an end. With 4 people it cannot.
    """
    sums = np.abs(differences @ _signs(differences.shape[1]))
    found, tiny = sums[:, :1], 1e-9 * np.abs(differences).sum(axis=1, keepdims=True)
    p = ((sums >= found - tiny).mean(axis=1) + (sums > found + tiny).mean(axis=1)) / 2
    return np.asarray(np.where(tiny[:, 0] > 0, p, 1.0), np.float64)


@cache
def _signs(n: int) -> Floats:
    """(n, ways) of 1 and -1, the first way all 1. Turning all signs changes nothing, so the last stays."""
    ways = 2 ** (min(n, ALL_FLIPS) - 1)
    if n <= ALL_FLIPS:
        return np.asarray(1 - 2 * (np.arange(ways) >> np.arange(n)[:, None] & 1), np.float64)
    signs = np.random.default_rng(SEED).choice([-1.0, 1.0], (n, ways))
    signs[:, 0] = 1
    return signs


def by_rater(values: Iterable[tuple[str, float]]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for rater, value in values:
        found[rater].append(value)
    return found


def own_means(per_rater: Mapping[str, Sequence[float]]) -> Floats:
    """(n_raters,) of those who have values."""
    return np.array([np.mean(values) for values in per_rater.values() if len(values)], np.float64)


def _seconds(values: Iterable[tuple[str, float | None]]) -> Range:
    logs: Iterator[tuple[str, float]] = ((rater, float(np.log(value))) for rater, value in values if value)
    return _exponential(clustered(by_rater(logs), SECONDS))


def _exponential(logs: Range) -> Range:
    value, low, high = (None if one is None else float(np.exp(one)) for one in (logs.value, logs.low, logs.high))
    return Range(value, low, high, logs.n_raters, logs.why_no_range)
