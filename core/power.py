"""What a study can find before anybody is asked: the smallest difference between two maps that would not be missed."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from core.answers import HIGHEST, LOWEST, Answer
from core.errors import N_
from core.notices import Notice
from core.opinions import BEYOND_CHANCE, sign_flip
from core.series import Floats

N_STUDIES = 400  # power is known to 0.02, the difference to about 0.04 steps
LARGEST = 2.0  # steps; who needs more need not ask
HALVINGS = 6
SEED = 0
FEWEST = 5  # people: four who all agree still do so by chance in 6 % of studies, see opinions.sign_flip
FEWEST_KNOWN = 3  # people from whom spread is estimated
FEWEST_LEFT = 8  # answers beyond those that means take up: an SD from fewer is off by more than a quarter
ROUNDING = 1 / 12  # variance that whole steps add (Sheppard 1898)
MIDDLE = (LOWEST + HIGHEST) / 2


@dataclass(frozen=True, slots=True)
class Spread:
    """Standard deviations, in steps of the scale, of what is then rounded to whole steps.

    What stands here until there is a study is an assumption. Scores deviate by 1.1 steps, where scores that are thrown
    evenly deviate by 1.4 and those of people who agree by 0. Of their variance half is the moment's, three eighths are
    people's leniency, which cancels out between two maps, and an eighth is their taste.
    """

    rater: float = 0.7  # how lenient people are
    residual: float = 0.8  # the same person and map, at another moment
    slope: float = 0.4  # how differently people take to a map


def smallest_difference(n_raters: int, n_views: int, spread: Spread, power: float = 0.8) -> float | None:
    """Smallest true difference between two maps, in steps, that so many people show with this probability.

    By simulation: each person rates both maps once, and `sign_flip` finds the difference as it will in the study. With
    more maps, one of them is compared with each other one, and p must be as much smaller (Bonferroni).

    Returns:
        None where not even two steps are found. The maps lie about the middle of the scale, where it has most room.
    """
    draw = np.random.default_rng(SEED)
    lenient = spread.rater * draw.standard_normal((N_STUDIES, n_raters, 1))
    moods = np.hypot(spread.slope, spread.residual) * draw.standard_normal((N_STUDIES, n_raters, 2))

    def found(apart: float) -> bool:
        scores = _rounded(MIDDLE + lenient + moods + apart * np.array([-0.5, 0.5]))
        return bool((sign_flip(scores[..., 1] - scores[..., 0]) <= BEYOND_CHANCE / max(1, n_views - 1)).mean() >= power)

    apart = np.linspace(0, 3 * LARGEST, 601)
    steps = _true_steps(apart, spread)
    enough, too_little = LARGEST, 0.0
    if not found(float(np.interp(enough, steps, apart))):
        return None
    for _ in range(HALVINGS):
        middle = (enough + too_little) / 2
        if found(float(np.interp(middle, steps, apart))):
            enough = middle
        else:
            too_little = middle
    return enough


def _rounded(feelings: Floats) -> Floats:
    return np.clip(np.rint(feelings), LOWEST, HIGHEST)


def _true_steps(apart: Floats, spread: Spread) -> Floats:
    """Difference of the mean scores of two maps whose means before rounding differ by `apart`.

    A mean of whole steps is the lowest one, and one more for each further step that is reached.
    """
    total = max(float(np.sqrt(spread.rater**2 + spread.slope**2 + spread.residual**2)), 1e-6)
    edges = np.arange(LOWEST, HIGHEST) + 0.5 - MIDDLE
    reached = [ndtr((side * apart[:, None] / 2 - edges) / total).sum(axis=1) for side in (1, -1)]
    return np.asarray(reached[0] - reached[1], np.float64)


def spread_of(answers: Iterable[Answer]) -> Spread | None:
    """From the scores of an earlier study; None where these are too few.

    Scores are taken as a person's leniency plus the map's mean plus a rest (least squares). Where maps were rated again
    that tells how much of the rest is the moment's, otherwise all of it is taken to be: between maps, it is the same.
    """
    scored = [(a.kind, (a.rater, a.view), float(a.score)) for a in answers if a.score is not None]
    first = {who_what: score for kind, who_what, score in scored if kind == "view"}
    again = [score - first[who_what] for kind, who_what, score in scored if kind == "repeat" and who_what in first]
    raters, views = (sorted(set(names)) for names in zip(*first, strict=True)) if first else ([], [])
    if len(raters) < FEWEST_KNOWN:
        return None
    is_rater = np.array([[rater == one for one in raters] for rater, _ in first], np.float64)
    is_view = np.array([[view == one for one in views] for _, view in first], np.float64)
    columns, scores = np.concatenate([is_rater, is_view], axis=1), np.array(list(first.values()))
    effects, _, rank, _ = np.linalg.lstsq(columns, scores)
    n_left = len(scores) - int(rank)
    if n_left < FEWEST_LEFT:
        return None
    rest = float(((scores - columns @ effects) ** 2).sum()) / n_left
    lenient = float(effects[: len(raters)].var(ddof=1)) - rest * len(raters) / len(scores)
    moment = min(rest, float(np.mean(np.square(again))) / 2) if len(again) >= FEWEST_LEFT else rest
    return Spread(max(0.0, lenient) ** 0.5, max(0.0, moment - ROUNDING) ** 0.5, (rest - moment) ** 0.5)


def why_noise(n_raters: int, smallest: float | None) -> Notice | None:
    """What to tell those who plan a study that will show little but chance; None where it will show more."""
    if n_raters < FEWEST:
        message = N_("{n} people cannot tell a difference between maps from chance: ask at least {needed}.")
        return Notice(message, {"n": n_raters, "needed": FEWEST})
    if smallest is None:
        message = N_("Even a difference of two steps would often be missed: ask more people, or compare fewer maps.")
        return Notice(message, {})
    if smallest > 1:
        message = N_(
            "Differences below {smallest} steps would often be missed: ask more people, or compare fewer maps."
        )
        return Notice(message, {"smallest": f"{smallest:.1f}"})
    return None
