import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from core.answers import Answer
from core.opinions import (
    ALL_EQUAL,
    NO_QUIZ,
    NOBODY,
    NOT_BOTH,
    ONE_RATER,
    SCORES,
    SECONDS,
    SHARES,
    checks,
    clustered,
    of_views,
    sign_flip,
    with_and_without,
)


def each(values):
    """One value for each person."""
    return {f"rater {i}": [value] for i, value in enumerate(values)}


def rated(rater, view, score, **more):
    return Answer(rater, f"{rater} {view}", "view", view=view, score=score, **more)


def quiz(rater, kind, right, seconds=10.0, task="odd"):
    return Answer(rater, f"{rater} {kind} {task}", kind, view="a", task=task, right=right, task_seconds=seconds)


# --- ranges


def test_on_a_scale_without_ends_the_range_is_students():
    x = [1.2, 0.4, 2.2, 1.9, 0.1]
    found = clustered(each(x), SECONDS)
    low, high = stats.t.interval(0.95, 4, loc=np.mean(x), scale=stats.sem(x))
    assert (found.value, found.low, found.high, found.n_raters) == pytest.approx((np.mean(x), low, high, 5))


@pytest.mark.parametrize(("n_right", "n"), [(3, 5), (12, 12), (0, 6), (19, 30)])
def test_right_and_wrong_answers_of_as_many_people_have_wilsons_range(n_right, n):
    found = clustered(each([1] * n_right + [0] * (n - n_right)), SHARES)
    assert (found.low, found.high) == pytest.approx(proportion_confint(n_right, n, method="wilson"))


def test_answers_of_the_same_person_count_for_less_than_answers_of_as_many_people():
    torn = {str(i): [i % 2] * 5 for i in range(6)}  # each person is always right or never
    apart = {str(i): [i % 2] for i in range(30)}
    one, other = clustered(torn, SHARES), clustered(apart, SHARES)
    assert one.value == other.value == 0.5
    assert one.high - one.low > 1.5 * (other.high - other.low)
    assert (one.low, one.high) == pytest.approx(proportion_confint(3, 6, method="wilson"))


def test_somebody_who_answers_often_counts_once():
    found = clustered({"a": [1, 1, 1, 1, 1, 1], "b": [5], "c": [3]}, SCORES)
    assert (found.value, found.n_raters) == (3, 3)


def test_ranges_stay_on_the_scale():
    found = clustered({"a": [1], "b": [5]}, SCORES)
    assert 1 <= found.low < 3 < found.high <= 5


@pytest.mark.parametrize(
    ("values", "scale", "why"),
    [
        ([], SCORES, NOBODY),
        ([], SHARES, NO_QUIZ),
        ([4], SCORES, ONE_RATER),
        ([1], SHARES, ONE_RATER),
        ([4, 4, 4], SCORES, ALL_EQUAL),
        ([4, 4, 5], SCORES, None),
        ([1, 1, 1], SHARES, None),
    ],
)
def test_a_range_that_cannot_be_computed_is_absent_and_says_why(values, scale, why):
    found = clustered(each(values), scale)
    assert found.why_no_range == why
    assert (found.low is None) == (found.high is None) == (why is not None)


@pytest.mark.parametrize("n", [5, 8, 20])
@pytest.mark.parametrize("most", [1, 3])
def test_ranges_of_scores_and_shares_cover_the_truth_about_as_often_as_they_say(n, most):
    """Scores 1 … 5 of mean 3.9 and right answers, 1 to `most` from each person, who has a level of their own."""
    draw, edges = np.random.default_rng(n), np.array([-1.5, -0.5, 0.5, 1.5])
    covered = np.zeros((600, 2))
    mean = 1 + (1 - stats.norm.cdf(edges, 1, math.hypot(0.7, 0.8))).sum()
    share = stats.norm.cdf(1 / math.hypot(1, 0.6))
    for study in covered:
        size = draw.integers(1, most + 1, n)
        scores = [1 + np.searchsorted(edges, draw.normal(1 + draw.normal(0, 0.7), 0.8, m)) for m in size]
        right = [draw.normal(1 + draw.normal(0, 0.6), 1, m) > 0 for m in size]
        of_scores = clustered(dict(enumerate(scores)), SCORES)
        of_shares = clustered(dict(enumerate(right)), SHARES)
        study[:] = [one.low <= truth <= one.high if one.low is not None else np.nan
                    for one, truth in ((of_scores, mean), (of_shares, share))]  # fmt: skip
    assert (np.nanmean(covered, axis=0) > 0.92).all()
    assert (np.nanmean(covered, axis=0) < 0.99).all()


# --- chance


@pytest.mark.parametrize("n", [5, 9, 12])
def test_sign_flip_equals_scipys_with_ties_counted_half(n):
    x = np.random.default_rng(n).integers(-2, 4, n).astype(float)
    null = stats.permutation_test((x,), np.mean, permutation_type="samples", n_resamples=np.inf).null_distribution
    found, null = abs(x.mean()), np.abs(null)
    p = (null > found + 1e-9).mean() + np.isclose(null, found).mean() / 2
    assert sign_flip(x[None])[0] == pytest.approx(p)


def test_with_many_people_sign_flip_is_near_scipys_students_t():
    x = np.random.default_rng(0).normal(0.35, 1, (40, 25))
    assert np.abs(sign_flip(x) - stats.ttest_1samp(x, 0, axis=1).pvalue).max() < 0.03


@pytest.mark.parametrize(("n", "least"), [(4, 1 / 16), (5, 1 / 32), (6, 1 / 64)])
def test_fewer_than_five_people_can_show_nothing(n, least):
    assert sign_flip(np.ones((1, n)))[0] == least


def test_where_nobody_differs_chance_explains_it():
    assert sign_flip(np.zeros((1, 8)))[0] == 1


# --- maps


def test_an_opinion_counts_first_ratings_alone():
    answers = [rated("a", "v", 5), rated("b", "v", 2), rated("c", "v", None), rated("a", "w", 1)]
    answers += [Answer("a", "again", "repeat", view="v", score=1), Answer("b", "noise", "null", score=1)]
    found = of_views(answers)
    assert list(found) == ["v", "w"]
    assert found["v"].distribution == (0, 1, 0, 0, 1)
    assert found["v"].n_cannot_tell == 1
    assert (found["v"].understandability.value, found["v"].understandability.n_raters) == (3.5, 2)


def test_accuracy_is_compared_with_chance():
    few = [rated(str(i), "v", 3, right=i < 4, chance=0.25) for i in range(8)]
    many = [rated(str(i), "v", 3, right=i < 20, chance=0.25) for i in range(40)]
    all_right = [rated(str(i), "v", 3, right=True, chance=0.25) for i in range(8)]
    found = [of_views(one)["v"] for one in (few, many, all_right)]
    assert [one.accuracy.value for one in found] == [0.5, 0.5, 1.0]
    assert [one.chance for one in found] == [0.25] * 3
    assert [one.beyond_chance for one in found] == [False, True, True]


def test_a_map_without_quizzes_has_no_accuracy_and_is_not_beyond_chance():
    found = of_views([rated("a", "v", 3), rated("b", "v", 4)])["v"]
    assert (found.accuracy.value, found.accuracy.why_no_range, found.chance) == (None, NO_QUIZ, None)
    assert not found.beyond_chance


def test_seconds_are_geometric_means():
    found = of_views([rated("a", "v", 3, seconds=10.0, task_seconds=2.0), rated("b", "v", 3, seconds=40.0)])["v"]
    assert found.rating_seconds.value == pytest.approx(20)
    assert found.rating_seconds.low < 10 < 40 < found.rating_seconds.high
    assert (found.quiz_seconds.value, found.quiz_seconds.why_no_range) == (pytest.approx(2), ONE_RATER)


# --- with a map and without


def test_what_a_map_adds_is_found_within_people_and_kinds_of_quiz():
    """Half the people are slow and have three maps for one quiz without: beside the quick ones, maps look slow."""
    answers = []
    for i in range(12):
        slow = i % 2
        pace = 100.0 if slow else 10.0
        answers += [quiz(str(i), "plain", i < 3, pace), *[quiz(str(i), "view", i < 9, pace / 2)] * (1 + 2 * slow)]
        answers += [quiz(str(i), "view", right=True, seconds=1000.0, task="joins")]  # never without a map
    found = with_and_without(answers)
    assert found.accuracy.size.value == pytest.approx(0.5)
    assert found.seconds.size.value == pytest.approx(0.5)
    assert found.accuracy.size.low > 0
    assert (found.accuracy.p, found.seconds.p) == pytest.approx((1 / 64, 1 / 4096))  # 6 and 12 coins fell alike


def test_people_who_did_only_one_of_both_tell_nothing():
    found = with_and_without([quiz("a", "plain", False), quiz("b", "view", True), quiz("c", "repeat", True)])
    assert (found.accuracy.size.why_no_range, found.accuracy.size.n_raters, found.accuracy.p) == (NOT_BOTH, 0, None)


# --- people


def test_who_fails_the_check_and_who_sees_noise_is_named_once():
    answers = [Answer(rater, f"check {i}", "check", right=ok) for i, (rater, ok) in
               enumerate([("a", True), ("b", False), ("b", False), ("c", True), ("c", False)])]  # fmt: skip
    answers += [Answer(rater, "noise", "null", score=score) for rater, score in
                [("a", 1), ("b", None), ("c", 4), ("d", 5), ("e", 3)]]  # fmt: skip
    found = checks(answers)
    assert (found.n_checked, found.failed) == (3, ("b", "c"))
    assert (found.n_saw_noise, found.noise_seers, found.false_positives) == (5, ("c", "d"), 0.4)


def test_nobody_checked_is_not_nobody_failed():
    found = checks([rated("a", "v", 3)])
    assert (found.n_checked, found.n_saw_noise, found.false_positives, found.consistency) == (0, 0, None, None)


def pairs(*scores):
    made = [(rated(str(i), "v", one), Answer(str(i), "again", "repeat", view="v", score=other))
            for i, (one, other) in enumerate(scores)]  # fmt: skip
    return [answer for both in made for answer in both]


def test_consistency_compares_a_rating_with_the_persons_own_first_one():
    later = rated("0", "v", 5)  # the same map once more, not as a repeat
    found = checks([*pairs((1, 1), (2, 3), (5, 2), (4, None), (None, 4)), later]).consistency
    assert (found.n_pairs, found.mean_difference, found.within_one) == (3, pytest.approx(4 / 3), pytest.approx(2 / 3))


def test_kappa_equals_its_definition():
    """1 - observed / expected squared differences (Cohen 1968)."""
    scores = np.random.default_rng(0).integers(1, 6, (30, 2))
    scores[:15, 1] = scores[:15, 0]
    first, second = scores.T
    expected = 1 - ((first - second) ** 2).mean() / ((first[:, None] - second) ** 2).mean()
    assert checks(pairs(*scores)).consistency.kappa == pytest.approx(expected)


def test_kappa_is_absent_where_only_one_score_was_given():
    found = checks(pairs((3, 3), (3, 3))).consistency
    assert (found.kappa, found.within_one) == (None, 1)


def test_a_quiz_with_a_map_that_is_not_rated_counts_as_a_quiz_and_as_no_rating():
    answers = [rated("r", "a", 4, task="odd", right=True, chance=0.5), quiz("r", "quiz", False)]
    found = of_views(answers)["a"]
    assert (found.understandability.value, found.n_cannot_tell, found.accuracy.value) == (4, 0, 0.5)
    both = with_and_without([quiz("r", "quiz", True), quiz("r", "plain", False)])
    assert both.accuracy.size.value == 1
