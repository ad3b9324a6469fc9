"""How far people agree is what the literature computes, and is not made up where nobody can say."""

import krippendorff
import numpy as np
import pandas as pd
import pingouin
import pytest

from core.agreement import FEWEST_RATERS, _alphas, agreement, alpha, draws, icc, ratings
from core.answers import Answer

NONE = np.nan
# Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", example C: four observers, twelve units.
OBSERVERS = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NONE, NONE, NONE],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NONE, 3],
        [NONE, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NONE],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NONE],
    ]
)
# Shrout & Fleiss 1979, "Intraclass correlations", table 2: six targets, four judges; here (judges, targets).
JUDGES = np.array([[9, 6, 8, 7, 10, 6], [2, 1, 4, 1, 5, 2], [5, 3, 6, 2, 6, 4], [8, 2, 8, 6, 9, 7]], float)


def answers(scores: np.ndarray) -> list[Answer]:
    """Of raters (rows) and views (columns); NaN: “I can't tell”."""
    return [
        Answer(f"rater{r}", f"item{v}", "view", view=f"view{v}", score=None if np.isnan(score) else int(score))
        for r, row in enumerate(scores)
        for v, score in enumerate(row)
    ]


def rated(n: int, seed: int = 0, noise: float = 0.6) -> np.ndarray:
    """(n, 5) ratings of five views whose clearness is 1 to 5."""
    rng = np.random.default_rng(seed)
    return np.clip(np.round(np.arange(1, 6) + rng.normal(0, noise, (n, 5))), 1, 5)


def test_alpha_is_that_of_krippendorffs_example():
    assert alpha(OBSERVERS) == pytest.approx(0.815, abs=5e-4)
    for level, published in (("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)):  # the data are his
        assert krippendorff.alpha(OBSERVERS, level_of_measurement=level) == pytest.approx(published, abs=5e-4)


@pytest.mark.parametrize("seed", range(20))
def test_alpha_is_that_of_a_second_implementation_on_data_with_holes(seed):
    rng = np.random.default_rng(seed)
    scores = rng.integers(1, 6, (rng.integers(2, 9), rng.integers(2, 12))).astype(float)
    scores[rng.random(scores.shape) < 0.3] = NONE
    scores[:2, :2] = [[1, 2], [2, 4]]
    assert alpha(scores) == pytest.approx(krippendorff.alpha(scores, level_of_measurement="ordinal"))


def test_alpha_of_chance_is_about_0_and_of_one_opinion_is_1():
    noise = np.random.default_rng(0).integers(1, 6, (40, 40)).astype(float)
    assert abs(alpha(noise)) < 0.02
    assert alpha(np.tile([1.0, 3.0, 5.0], (4, 1))) == 1


@pytest.mark.parametrize("scores", [[[1, NONE], [NONE, 2]], [[3, 3], [3, 3]], [[1, 2, 3]], np.empty((0, 0))])
def test_there_is_no_alpha_without_a_pair_or_with_one_value(scores):
    assert alpha(np.array(scores, float)) is None


def test_a_rater_drawn_twice_is_not_taken_to_agree_with_himself():
    """Nobody here agrees more than by chance, and bootstrap samples, where a third are doubles, must not say so."""
    noise = np.random.default_rng(1).integers(1, 6, (6, 30)).astype(float)
    found = _alphas(noise, draws(6))
    assert np.nanmean(found) == pytest.approx(alpha(noise), abs=0.02)
    as_others = [alpha(np.repeat(noise, counts, axis=0)) for counts in draws(6)[:200]]
    assert np.mean(as_others) > 0.1


def test_the_range_holds_what_all_people_would_say():
    """Nominally in 95 % of trials: 57 of 60; fewer than 51 would come about once in 1,000 times."""
    everyone = alpha(rated(3000, seed=99))
    found = [agreement(answers(rated(6, seed))).alpha for seed in range(60)]
    assert sum(one.low <= everyone <= one.high for one in found) >= 51
    assert np.median([one.high - one.low for one in found]) < 0.4


def test_icc_is_that_of_shrout_and_fleiss():
    found = icc(JUDGES)
    assert (found.single.value, found.average.value) == pytest.approx((0.29, 0.62), abs=5e-3)
    assert (found.single.low, found.single.high) == pytest.approx((0.02, 0.76), abs=5e-3)


@pytest.mark.parametrize("seed", range(10))
def test_icc_and_its_ranges_are_those_of_a_second_implementation(seed):
    rng = np.random.default_rng(seed)
    k, n = rng.integers(2, 7), rng.integers(3, 12)
    scores = rng.normal(0, 1, n) + rng.normal(0, 0.7, (k, 1)) + rng.normal(0, 0.8, (k, n))
    table = pd.DataFrame([(r, v, scores[r, v]) for r in range(k) for v in range(n)], columns=["rater", "view", "score"])
    other = pingouin.intraclass_corr(table, "view", "rater", "score").set_index("Type")
    found = icc(scores)
    for one, name in ((found.single, "ICC(A,1)"), (found.average, "ICC(A,k)")):
        assert one.value == pytest.approx(other.loc[name, "ICC"])
        if one.low > -1:  # where ours stops
            assert (one.low, one.high) == pytest.approx(tuple(other.loc[name, "CI95"]), abs=0.00501)


def test_icc_leaves_out_who_has_most_holes_and_says_how_many_are_left():
    torn = np.vstack([JUDGES, [1, NONE, NONE, NONE, NONE, NONE]])
    assert icc(torn) == icc(JUDGES)
    torn = np.column_stack([JUDGES, [1, 2, NONE, NONE]])
    assert icc(torn) == icc(JUDGES)
    assert (icc(torn).n_raters, icc(torn).n_items) == (4, 6)


def test_icc_is_not_made_up():
    assert icc(np.full((3, 3), 4.0)) is None  # nothing varies
    assert icc(np.array([[1.0, 2.0, 3.0]])) is None  # one rater
    assert icc(np.array([[1, NONE], [NONE, 2]], float)) is None
    same = icc(np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]))
    assert (same.single.value, same.single.low) == (1, None)
    opposed = icc(np.array([[1, 2, 3], [2, 3, 1], [3, 1, 2]], float))  # far below 0, where means have no limit
    assert (opposed.average.value, opposed.single.low) == (-1, None)


def test_only_first_ratings_of_maps_count():
    first = answers(np.array([[1, NONE], [2, 3]]))
    later = [Answer("rater0", "other", kind, view="view1", score=5) for kind in ("repeat", "null", "check")]
    later.append(Answer("rater1", "again", "view", view="view1", score=5))
    np.testing.assert_array_equal(ratings(first + later), [[1, NONE], [2, 3]])


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        (np.empty((0, 0)), "Nobody has rated"),
        (np.full((2, 2), NONE), "Nobody has rated"),
        (np.array([[1.0, 2.0]]), "Only one person"),
        (np.array([[1, NONE], [NONE, 2]]), "No map has been rated by two"),
        (np.array([[1, 2], [3, NONE]]), "Only one map"),
        (np.full((3, 3), 2.0), "All ratings are the same"),
    ],
)
def test_where_nobody_can_tell_the_reason_is_told(scores, words):
    found = agreement(answers(scores))
    assert (found.alpha, found.icc) == (None, None)
    assert found.meaning[0].message.startswith(words)


def test_what_it_means_follows_krippendorffs_thresholds():
    def words(scores: np.ndarray) -> str:
        return " ".join(one.message.format(**one.facts) for one in agreement(answers(scores)).meaning)

    assert words(rated(10, noise=0.4)).startswith("People agree well")
    assert words(rated(10, noise=0.9)).startswith("People agree fairly well")
    assert words(rated(10, noise=1.3)).startswith("People do not agree well")
    assert words(np.random.default_rng(0).integers(1, 6, (10, 5)).astype(float)).startswith("The ratings do not show")
    assert "from 10 people" in words(rated(10))


def test_too_few_people_and_people_who_are_all_alike_have_a_number_and_no_range():
    few = agreement(answers(rated(FEWEST_RATERS - 1)))
    assert few.alpha.value > 0
    assert (few.alpha.low, few.meaning[1].facts["n"]) == (None, FEWEST_RATERS - 1)
    alike = agreement(answers(np.tile([1.0, 3.0, 5.0], (8, 1))))
    assert (alike.alpha.value, alike.alpha.low) == (1, None)
    assert alike.meaning[1].message.startswith("Everyone agrees")
    assert (alike.n_raters, alike.n_items) == (8, 3)
