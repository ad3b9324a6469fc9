"""Pairs of maps give an order only as far as people have said one."""

from itertools import combinations

import numpy as np
import pytest
import statsmodels.api as sm

from core.answers import Answer
from core.ranking import DRAWN, _first, _on_side, _strengths, _wins, ranking

# Citations between statistics journals, Biometrika, Comm. Statist., JASA, JRSS-B (Stigler 1994): how often the one of
# the row was cited by that of the column. Strengths: Turner & Firth 2012, "Bradley-Terry models in R".
CITED = np.array([[0, 730, 498, 221], [33, 0, 68, 17], [320, 813, 0, 142], [284, 276, 325, 0]], float)
PUBLISHED = [0, -2.94907, -0.47957, 0.26895]


def pair(rater: str, one: str, other: str, preferred: str | None) -> Answer:
    return Answer(rater, f"{one}{other}", "pair", view=one, other=other, preferred=preferred)


def compared(strengths: dict[str, float], n_raters: int, seed: int = 0, side: float = 0.0) -> list[Answer]:
    """Each rater compares all pairs, in random places; `side` makes the first one clearer."""
    rng, found = np.random.default_rng(seed), []
    for r in range(n_raters):
        for two in combinations(strengths, 2):
            one, other = rng.permutation(two).tolist()
            wins = rng.random() < 1 / (1 + np.exp(strengths[other] - strengths[one] - side))
            found.append(pair(f"rater{r}", one, other, one if wins else other))
    return found


def test_strengths_are_those_published_for_journals():
    found = _strengths(CITED)
    np.testing.assert_allclose(found - found[0], PUBLISHED, atol=0.01)  # all but for the one draw


@pytest.mark.parametrize("seed", range(5))
def test_strengths_are_those_of_a_logistic_regression_on_the_same_counts(seed):
    rng = np.random.default_rng(seed)
    games = rng.integers(0, 4, (5, 5)) * (1 - np.eye(5))
    games[0, 1:], games[1:, 0] = 3, 0  # has never lost: infinite but for the draws
    counted = games + DRAWN / 2 / 4 * (1 - np.eye(5))
    pairs = list(combinations(range(5), 2))
    design = np.array([np.eye(5)[i] - np.eye(5)[j] for i, j in pairs])[:, 1:]
    other = sm.GLM([(counted[i, j], counted[j, i]) for i, j in pairs], design, sm.families.Binomial()).fit(tol=1e-12)
    found = _strengths(games)
    np.testing.assert_allclose((found - found[0])[1:], other.params, atol=1e-4)


def test_of_two_maps_the_probability_is_the_share_of_wins_with_half_a_win_more_each():
    asked = [pair(f"rater{i}", "a", "b", "a" if i < 8 else "b") for i in range(10)]
    assert ranking(asked).wins["a"].value == pytest.approx(8.5 / 11, abs=1e-5)


def test_i_cannot_tell_is_half_a_win_each_and_no_choice():
    asked = [pair(f"rater{i}", "a", "b", "a" if i < 2 else None) for i in range(10)]
    found = ranking(asked)
    assert found.wins["a"].value == pytest.approx(6.5 / 11, abs=1e-5)
    assert (found.n_chosen, found.n_undecided, found.first.value) == (2, 8, 1.0)


def test_a_planted_order_is_found_and_its_winner():
    planted = {"best": 3.0, "good": 1.0, "poor": -1.0, "worst": -3.0}
    found = ranking(compared(planted, 20))
    assert list(found.wins) == list(planted)
    assert found.winner == "best"
    truth = dict(zip(planted, _wins(np.array(list(planted.values()))), strict=True))
    assert all(one.low <= truth[view] <= one.high for view, one in found.wins.items())
    assert found.notices[0].facts == {"view": "best"}


def test_of_equal_maps_there_is_hardly_ever_a_winner_and_ranges_hold_one_half():
    found = [ranking(compared(dict.fromkeys("abc", 0.0), 8, seed)) for seed in range(8)]
    assert sum(one.winner is not None for one in found) <= 2
    held = [wins.low <= 0.5 <= wins.high for one in found for wins in one.wins.values()]
    assert np.mean(held) > 0.8
    assert sum(one.notices[0].message.startswith("No map") for one in found) >= 6


def test_a_habit_of_choosing_the_first_is_told_and_a_fair_eye_is_not():
    equal = dict.fromkeys("abc", 0.0)
    habit = ranking(compared(equal, 20, side=1.5))
    assert habit.first.low > 0.5
    assert [one.message[:8] for one in habit.notices[1:]] == ["The side"]
    assert habit.first.value == pytest.approx(1 / (1 + np.exp(-1.5)), abs=0.12)
    fair = [_first(compared(equal, 12, seed), [f"rater{i}" for i in range(12)]) for seed in range(60)]
    assert sum(bool(_on_side(one)) for one in fair) <= 9  # nominally 3


def test_islands_of_maps_have_no_common_order():
    asked = [pair(f"rater{i}", *two, two[0]) for i in range(8) for two in ("ab", "bc", "xy")]
    found = ranking(asked)
    assert (found.wins, found.winner) == ({}, None)
    assert found.notices[0].facts == {"views": ["x", "y"]}
    joined = ranking([*asked, pair("rater0", "c", "x", None)])
    assert set(joined.wins) == set("abcxy")


def test_few_people_have_an_order_and_no_range_and_nobody_has_none():
    few = ranking(compared({"a": 9.0, "b": 0.0}, 5))
    assert list(few.wins) == ["a", "b"]
    assert (few.wins["a"].low, few.winner) == (None, None)
    assert few.notices[0].facts == {"n": 5, "least": 6}
    nobody = ranking([Answer("r", "i", "view", view="a", score=5)])
    assert (nobody.wins, nobody.first, nobody.circular) == ({}, None, None)
    assert nobody.notices[0].message.startswith("Nobody")


def test_where_all_say_the_same_there_is_a_winner_and_no_range():
    found = ranking([pair(f"rater{i}", *("ab" if i % 2 else "ba"), "a") for i in range(8)])
    assert found.winner == "a"
    assert found.wins["a"].low is None
    assert found.wins["a"].value == pytest.approx(8.5 / 9, abs=1e-5)


def test_circles_are_counted_within_a_person():
    circle = [pair("one", "a", "b", "a"), pair("one", "b", "c", "b"), pair("one", "c", "a", "c")]
    line = [pair("two", "a", "b", "a"), pair("two", "b", "c", "b"), pair("two", "c", "a", "a")]
    across = [pair("three", "a", "b", "a"), pair("four", "b", "c", "b"), pair("five", "c", "a", "c")]
    assert ranking(circle + line + across).circular == 0.5
    by_chance = ranking(compared(dict.fromkeys("abcdef", 0.0), 60)).circular
    assert by_chance == pytest.approx(0.25, abs=0.05)
