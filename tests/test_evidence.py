import numpy as np
import pytest
from scipy import stats

from core.evidence import understandability
from core.opinions import ALL_EQUAL, NOBODY, ONE_RATER


def test_far_from_the_ends_of_the_scale_the_range_is_about_students():
    scores = [3, 4, 3, 2, 3, 3, 4, 2, 3, 3]
    low, high = stats.t.interval(0.95, 9, loc=np.mean(scores), scale=stats.sem(scores))
    u = understandability((f"rater {i}", s) for i, s in enumerate(scores))
    assert (u.mean, u.n_raters) == (3, 10)
    assert (u.low, u.high) == pytest.approx((low, high), abs=0.05)


def test_somebody_who_answers_twice_counts_once():
    u = understandability([("a", 1), ("a", 3), ("b", 4)])
    assert u.mean == 3
    assert u.n_raters == 2


def test_cannot_tell_is_counted_and_never_scored():
    u = understandability([("a", 5), ("b", None), ("c", None)])
    assert (u.mean, u.n_raters, u.n_cannot_tell) == (5, 1, 2)


@pytest.mark.parametrize(
    ("ratings", "why"),
    [([], NOBODY), ([("a", None)], NOBODY), ([("a", 4)], ONE_RATER), ([("a", 4), ("b", 4), ("c", 4)], ALL_EQUAL)],
)
def test_a_range_that_cannot_be_computed_is_absent_and_says_why(ratings, why):
    u = understandability(ratings)
    assert (u.low, u.high, u.why_no_range) == (None, None, why)


def test_the_range_stays_on_the_scale():
    u = understandability([("a", 1), ("b", 5)])
    assert 1 <= u.low < u.mean < u.high <= 5


def test_the_range_covers_the_truth_about_as_often_as_it_says():
    draw = np.random.default_rng(0)
    scale, p = np.arange(1, 6), [0.1, 0.2, 0.3, 0.25, 0.15]
    truth = float(scale @ p)
    ranges = [
        understandability((str(i), int(s)) for i, s in enumerate(draw.choice(scale, 12, p=p))) for _ in range(600)
    ]
    covered = np.mean([u.low is not None and u.low <= truth <= (u.high or 0) for u in ranges])
    assert 0.92 < covered < 0.98
