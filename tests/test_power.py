import time

import numpy as np
import pytest

from core.answers import Answer
from core.factors import contrast
from core.power import Spread, smallest_difference, spread_of, why_noise


def study(draw, n_raters, means, spread, again=False):
    """Answers of people as `Spread` describes them."""
    taste = np.asarray(means) + draw.normal(0, spread.rater, (n_raters, 1))
    taste = taste + draw.normal(0, spread.slope, taste.shape)
    first, second = (np.clip(np.rint(draw.normal(taste, spread.residual)), 1, 5) for _ in range(2))
    cells = [(i, j) for i in range(n_raters) for j in range(len(means))]
    answers = [Answer(str(i), str(j), "view", view=str(j), score=int(first[i, j])) for i, j in cells]
    repeats = [Answer(str(i), f"{j} again", "repeat", view=str(j), score=int(second[i, j])) for i, j in cells]
    return answers + (repeats if again else [])


def test_more_people_find_smaller_differences_and_more_maps_hide_them():
    of_people = [smallest_difference(n, 2, Spread()) for n in (8, 12, 20, 40)]
    assert of_people == sorted(of_people, reverse=True)
    assert len(set(of_people)) == 4
    of_maps = [smallest_difference(20, n, Spread()) for n in (2, 4, 8)]
    assert of_maps == sorted(of_maps)
    assert of_maps[0] < of_maps[2]


def test_people_who_agree_find_smaller_differences():
    wide, narrow = Spread(residual=1.0), Spread(residual=0.4)
    assert smallest_difference(12, 2, narrow) < smallest_difference(12, 2, wide) - 0.2


def test_lenience_cancels_out():
    """Almost: very lenient people have less room at the end of the scale."""
    found = [smallest_difference(15, 2, Spread(rater=lenient)) for lenient in (0.0, 0.7)]
    assert abs(found[0] - found[1]) < 0.15


@pytest.mark.parametrize("n_raters", [10, 20])
def test_a_study_with_that_difference_finds_it_as_often_as_promised(n_raters):
    """With the studies' own test, on other draws; the true difference is read off a large crowd."""
    spread, draw = Spread(), np.random.default_rng(7)
    smallest = smallest_difference(n_raters, 2, spread)
    apart = next(
        one
        for one in np.arange(0.5, 3, 0.02)
        if np.diff(crowd(draw, [3 - one / 2, 3 + one / 2], spread))[0] >= smallest
    )
    p = [contrast(study(draw, n_raters, [3 - apart / 2, 3 + apart / 2], spread), "0", "1").p for _ in range(400)]
    assert 0.73 < np.mean(np.array(p) <= 0.05) < 0.87


def crowd(draw, means, spread):
    """Mean scores by 100,000 people."""
    lenient = draw.normal(0, spread.rater, (100_000, 1))
    feelings = means + lenient + draw.normal(0, np.hypot(spread.slope, spread.residual), (100_000, len(means)))
    return np.clip(np.rint(feelings), 1, 5).mean(axis=0)


@pytest.mark.parametrize("n_raters", [1, 2, 4])
def test_fewer_than_five_people_find_nothing(n_raters):
    assert smallest_difference(n_raters, 2, Spread(residual=0.1, slope=0.1)) is None


@pytest.mark.parametrize("n_raters", [12, 60])
def test_the_answer_is_there_at_once(n_raters):
    smallest_difference(n_raters, 3, Spread())  # the ways to turn signs are drawn once
    begun = time.process_time()
    for _ in range(3):
        smallest_difference(n_raters, 3, Spread())
    assert time.process_time() - begun < 3 * 0.3


def test_spread_is_that_of_an_earlier_study():
    planted = Spread(rater=0.6, residual=0.6, slope=0.5)
    found = spread_of(study(np.random.default_rng(0), 300, [2.7, 3.0, 3.3, 3.0], planted, again=True))
    assert (found.rater, found.residual, found.slope) == pytest.approx((0.6, 0.6, 0.5), abs=0.08)


def test_without_repeats_taste_and_moment_are_one():
    planted = Spread(rater=0.6, residual=0.6, slope=0.5)
    found = spread_of(study(np.random.default_rng(0), 300, [2.7, 3.0, 3.3, 3.0], planted))
    assert (found.rater, found.residual, found.slope) == pytest.approx((0.6, np.hypot(0.6, 0.5), 0.0), abs=0.08)


@pytest.mark.parametrize(("n_raters", "n_views"), [(0, 4), (2, 12), (4, 3), (20, 1)])
def test_too_few_answers_tell_no_spread(n_raters, n_views):
    assert spread_of(study(np.random.default_rng(0), n_raters, [3.0] * n_views, Spread())) is None


def test_people_who_agree_fully_have_no_spread_and_find_everything():
    same = [Answer(str(i), v, "view", view=v, score=s) for i in range(8) for v, s in (("a", 2), ("b", 3), ("c", 4))]
    found = spread_of(same)
    assert (found.rater, found.residual, found.slope) == pytest.approx((0, 0, 0), abs=1e-6)
    assert smallest_difference(8, 3, spread_of(same)) <= 1


@pytest.mark.parametrize(
    ("n_raters", "smallest", "words"),
    [(3, None, "ask at least 5"), (4, 0.5, "ask at least 5"), (8, None, "two steps"), (8, 1.34, "1.3 steps")],
)
def test_a_study_of_noise_is_told_of(n_raters, smallest, words):
    notice = why_noise(n_raters, smallest)
    assert words in notice.message.format(**notice.facts)


def test_a_study_that_can_find_a_step_is_not_warned_of():
    assert why_noise(20, 0.9) is None
