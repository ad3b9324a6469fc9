"""What the ratings say about a view, and how sure that is."""

from collections.abc import Iterable
from dataclasses import dataclass

from core.opinions import SCORES, by_rater, clustered


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
