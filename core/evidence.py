"""What the ratings say about a view, and how sure that is."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from scipy import stats

from core.errors import N_

LOWEST, HIGHEST = 1, 5

ONE_RATER = N_("One person's opinion: a range needs at least two people.")
ALL_EQUAL = N_("Everyone gave the same score: so few answers do not show how far opinions would differ.")
NOBODY = N_("Nobody has rated this map yet.")


@dataclass(frozen=True, slots=True)
class Understandability:
    """The ratings of one view, summed up. `why_no_range` is None exactly where there is a range."""

    mean: float | None  # of the raters' own means, so that nobody counts twice
    low: float | None
    high: float | None
    n_raters: int
    n_cannot_tell: int
    why_no_range: str | None


def understandability(ratings: Iterable[tuple[str, int | None]], level: float = 0.95) -> Understandability:
    """Mean and Student-t interval over raters, kept within the scale.

    Args:
        ratings: (rater, score 1 … 5); None is “I can't tell”, which is counted and never scored.
    """
    scores: dict[str, list[int]] = defaultdict(list)
    n_cannot_tell = 0
    for rater, score in ratings:
        if score is None:
            n_cannot_tell += 1
        else:
            scores[rater].append(score)
    means = [math.fsum(s) / len(s) for s in scores.values()]
    n = len(means)
    if n == 0:
        return Understandability(None, None, None, 0, n_cannot_tell, NOBODY)
    mean = math.fsum(means) / n
    if n == 1:
        return Understandability(mean, None, None, 1, n_cannot_tell, ONE_RATER)
    spread = math.sqrt(math.fsum((m - mean) ** 2 for m in means) / (n - 1))
    if spread == 0:
        return Understandability(mean, None, None, n, n_cannot_tell, ALL_EQUAL)
    half = float(stats.t.ppf((1 + level) / 2, n - 1)) * spread / math.sqrt(n)
    return Understandability(mean, max(LOWEST, mean - half), min(HIGHEST, mean + half), n, n_cannot_tell, None)
