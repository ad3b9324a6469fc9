"""A number agrees with people only where chance, with so few maps and so many numbers, would not do as well."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from core.alignment import BETTER, _spearman, alignment, best, holm, permuted, told
from core.answers import Answer


def asked(clear: np.ndarray, n_raters: int = 8, seed: int = 0) -> list[Answer]:
    """Raters rate each view by how clear (0 to 1) it is, and are right in its quizzes as often."""
    rng = np.random.default_rng(seed)
    return [
        Answer(
            f"rater{r}",
            f"item{v}",
            "view",
            view=f"view{v}",
            score=int(np.clip(round(1 + 4 * one + rng.normal(0, 0.4)), 1, 5)),
            task="intruder",
            right=bool(rng.random() < one),
        )
        for r in range(n_raters)
        for v, one in enumerate(clear)
    ]


def of_views(numbers: np.ndarray) -> dict[str, float | None]:
    return {f"view{v}": float(one) for v, one in enumerate(numbers)}


def noise(n_views: int, seed: int = 0) -> dict[str, dict[str, float | None]]:
    rng = np.random.default_rng(seed)
    return {name: of_views(rng.random(n_views)) for name in BETTER}


CLEAR = np.linspace(0.05, 0.95, 8)


def test_a_planted_number_is_found_among_noise_and_told():
    found = alignment(noise(8) | {"stability": of_views(CLEAR)}, asked(CLEAR, 40))
    for outcome in ("understandability", "quiz"):
        each = {name: getattr(one, outcome) for name, one in found.items()}
        assert best(each) == "stability"
        assert each["stability"].value > 0.8
        assert each["stability"].low > 0.4
    notices = told(found)
    assert [one.facts.get("measure") for one in notices] == ["stability", "stability", None]
    assert notices[-1].facts == {"tests": 12, "views": 8}


def test_positive_means_agreeing_also_where_less_is_better():
    numbers = {"loss": of_views(-CLEAR), "silhouette": of_views(-CLEAR)}
    found = alignment(numbers, asked(CLEAR))
    assert found["loss"].understandability.value == -found["silhouette"].understandability.value
    assert found["loss"].understandability.value > 0.9
    assert best({name: one.understandability for name, one in found.items()}) == "loss"


def test_noise_is_not_best():
    found = [alignment(noise(8, seed), asked(CLEAR, seed=seed)) for seed in range(8)]
    bests = [best({name: one.understandability for name, one in each.items()}) for each in found]
    assert bests.count(None) >= 6
    assert sum(told(each)[0].message.startswith("No number") for each in found) >= 6


def test_of_families_of_noise_one_in_twenty_passes_after_holm_and_many_would_before():
    rng = np.random.default_rng(0)
    families = np.array([[permuted(one, x) for one in rng.random((6, 7))] for x in rng.random((600, 7))])
    alone = (families <= 0.05).mean()
    assert 0.04 < alone < 0.06
    assert (families.min(axis=1) <= 0.05).mean() > 0.2
    assert 0.02 < np.mean([min(holm(family)) <= 0.05 for family in families.tolist()]) < 0.075


def test_holm_is_its_worked_steps():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.5]) == [1, 1]
    assert holm([]) == []


@pytest.mark.parametrize("seed", range(4))
def test_the_exact_p_is_that_of_a_second_implementation(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.random(6), rng.integers(0, 4, 6).astype(float)  # with ties

    def size(x: np.ndarray) -> float:
        return abs(stats.spearmanr(x, y).statistic)

    other = stats.permutation_test((x,), size, permutation_type="pairings", n_resamples=np.inf, alternative="greater")
    assert permuted(x, y) == pytest.approx(other.pvalue)


def test_p_of_many_views_is_about_that_of_students_t_and_never_0():
    rng = np.random.default_rng(0)
    x = rng.random(30)
    y = x + rng.normal(0, 0.7, 30)
    assert permuted(x, y) == pytest.approx(stats.spearmanr(x, y).pvalue, abs=0.01)
    assert permuted(x, x) == 1 / 10_000


def test_rank_correlation_is_scipys_also_with_ties_and_holes():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 5, 12).astype(float), rng.integers(0, 5, (20, 12)).astype(float)
    y[rng.random(y.shape) < 0.2] = np.nan
    known = ~np.isnan(y)
    other = [stats.spearmanr(x[there], row[there]).statistic for row, there in zip(y, known, strict=True)]
    np.testing.assert_allclose(_spearman(x, y), other)


def test_too_few_views_are_told_and_have_no_number():
    found = alignment({"loss": of_views(CLEAR[:3])}, asked(CLEAR[:3]))
    one = found["loss"].understandability
    assert (one.value, one.p, one.n_views, one.is_sure) == (None, None, 3, False)
    assert told(found) == [one.why]
    assert one.why.facts == {"n": 3, "least": 4}


def test_a_view_without_the_number_or_without_answers_does_not_count():
    numbers = of_views(CLEAR) | {"view0": None, "elsewhere": 1.0}
    assert alignment({"stability": numbers}, asked(CLEAR))["stability"].understandability.n_views == 7


def test_six_numbers_on_five_views_prove_nothing_even_if_one_is_in_the_same_order():
    clear = np.linspace(0, 1, 5)
    found = alignment(noise(5) | {"stability": of_views(clear)}, asked(clear, 12))
    assert found["stability"].understandability.value == pytest.approx(1)
    assert found["stability"].understandability.p > 0.05
    [notice] = told(found)
    assert notice.message.startswith("With {tests} comparisons on only {views} maps")
    assert notice.facts["views"] == 5


def test_few_people_give_no_range_and_so_nothing_is_best():
    found = alignment({"stability": of_views(CLEAR)}, asked(CLEAR, 3))["stability"].understandability
    assert found.value > 0.8
    assert (found.low, found.is_sure, found.why.facts["n"]) == (None, False, 3)


def test_a_range_is_of_people_and_the_more_there_are_the_narrower_it_is():
    def width(n_raters: int) -> float:
        found = alignment({"stability": of_views(CLEAR)}, asked(CLEAR, n_raters))["stability"].quiz
        return found.high - found.low

    widths = [width(n) for n in (6, 20, 80)]
    assert all(more < fewer for fewer, more in pairwise(widths))


def test_what_does_not_vary_has_no_order():
    same = {"stability": of_views(np.ones(8))}
    assert alignment(same, asked(CLEAR))["stability"].quiz.why.message.startswith("This number is the same")
    alike = alignment({"stability": of_views(CLEAR)}, asked(np.ones(8)))["stability"].quiz
    assert alike.why.message.startswith("People found all maps alike")


def test_repeats_and_quizzes_without_a_map_do_not_count():
    others = [Answer("rater0", "x", kind, view="view0", score=5, right=True) for kind in ("repeat", "plain", "null")]
    numbers = {"stability": of_views(CLEAR)}
    assert alignment(numbers, asked(CLEAR) + others) == alignment(numbers, asked(CLEAR))


def test_a_number_that_nobody_knows_is_a_bug():
    with pytest.raises(KeyError):
        alignment({"beauty": of_views(CLEAR)}, asked(CLEAR))
