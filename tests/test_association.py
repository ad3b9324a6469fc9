"""A lower error is said to go with clearer maps only where other people and so few maps would not turn it."""

import numpy as np
import pytest
from scipy import stats

from core import association as told
from core.answers import Answer
from core.association import Association, association

CLEAR = np.linspace(0.05, 0.95, 8)


def rated(clear: np.ndarray, n_raters: int, seed: int = 0, noise: float = 0.4) -> list[Answer]:
    """Everybody rates each map by how clear (0 to 1) it is, and a little of chance."""
    rng = np.random.default_rng(seed)
    return [
        Answer(
            f"r{r}", f"i{v}", "view", view=f"v{v}", score=int(np.clip(round(1 + 4 * one + rng.normal(0, noise)), 1, 5))
        )
        for r in range(n_raters)
        for v, one in enumerate(clear)
    ]


def errors(values: np.ndarray) -> dict[str, float | None]:
    return {f"v{i}": float(one) for i, one in enumerate(values)}


def test_a_planted_order_is_told_with_its_range_and_how_many_it_rests_on():
    found = association(errors(1 - CLEAR), rated(CLEAR, 8))
    assert found.told.message == told.TOGETHER
    assert found.value > 0.9
    assert 0 < found.low <= found.value <= found.high <= 1
    assert (found.n_errors, found.n_raters) == (8, 8)
    assert found.told.facts | {"maps": 8, "people": 8} == found.told.facts


def test_the_reverse_order_is_told_as_such():
    found = association(errors(CLEAR), rated(CLEAR, 8))
    assert found.told.message == told.AGAINST
    assert found.high < 0


def test_the_value_is_spearmans_of_the_mean_ratings():
    answers, losses = rated(CLEAR, 6, noise=1.5), errors(np.random.default_rng(3).random(8))
    means = [np.mean([one.score for one in answers if one.view == view]) for view in losses]
    expected = -stats.spearmanr(list(losses.values()), means).statistic
    assert association(losses, answers).value == pytest.approx(expected)


@pytest.mark.parametrize("n", [1, 3, 4])
def test_of_so_few_people_it_says_that_it_cannot_tell_however_well_they_fit(n):
    found = association(errors(1 - CLEAR), rated(CLEAR, n, noise=0))
    assert found.told.message == told.TOO_FEW_PEOPLE
    assert found.told.facts == {"n": n, "least": 5}
    assert (found.low, found.high) == (None, None)


@pytest.mark.parametrize("n", [0, 1, 4])
def test_of_so_few_maps_there_is_no_number_however_well_they_fit(n):
    found = association(errors(1 - CLEAR[:n]), rated(CLEAR[:n], 30, noise=0))
    assert found.told.message == told.TOO_FEW_MAPS
    assert (found.value, found.p, found.n_errors) == (None, None, n)


def test_maps_that_differ_only_in_drawing_do_not_confirm_each_other():
    """Two models, each drawn four ways: one difference, which is as well told from two maps."""
    two = errors(np.array([0.2] * 4 + [0.9] * 4))
    found = association(two, rated(np.array([0.9] * 4 + [0.1] * 4), 20))
    assert (found.told.message, found.n_errors) == (told.TOO_FEW_MAPS, 2)


def test_maps_without_an_error_and_i_cannot_tell_do_not_count():
    answers = rated(CLEAR, 8)
    known = association(errors(1 - CLEAR[:6]), [one for one in answers if one.view not in ("v6", "v7")])
    more = [*answers, Answer("r0", "i0", "view", view="v0"), Answer("r9", "i0", "view", view="v0")]
    assert association(errors(1 - CLEAR[:6]) | {"v6": None}, more) == known


def test_an_order_that_all_people_give_may_still_be_chance_of_few_maps():
    """Of five maps the last two have changed places: 10 of their 120 orders are as near, either way."""
    found = association(errors(np.array([0.1, 0.2, 0.3, 0.5, 0.4])), rated(1 - np.linspace(0.1, 0.9, 5), 20))
    assert found.value == pytest.approx(0.9)
    assert found.low > 0
    assert found.p == pytest.approx(10 / 120)
    assert found.told.message == told.MAY_BE_CHANCE


def test_people_who_find_all_maps_alike_tell_nothing():
    found = association(errors(CLEAR), rated(np.full(8, 0.5), 8, noise=0))
    assert found.told.message == told.ALL_ALIKE


def names_a_direction(found: Association) -> bool:
    return found.told.message in (told.TOGETHER, told.AGAINST)


@pytest.mark.parametrize("n_maps", [5, 8])
def test_where_errors_have_nothing_to_do_with_it_a_direction_is_named_once_in_twenty_at_most(n_maps):
    rng = np.random.default_rng(0)
    found = [
        association(errors(rng.random(n_maps)), rated(rng.random(n_maps), 8, seed, noise=1.0)) for seed in range(150)
    ]
    assert np.mean([names_a_direction(one) for one in found]) < 0.08  # 0.05, and twice its standard error
