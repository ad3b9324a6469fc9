import numpy as np
import pytest
from scipy import stats
from statsmodels.regression.mixed_linear_model import MixedLM

from core.answers import Answer
from core.factors import NOT_BOTH_MAPS, Mixed, contrast, mixed
from core.notices import Notice

LEVELS = {f"{p}{m}": {"preparation": p, "model": m} for p in ("plain", "smooth") for m in ("large", "small")}


def rated(scores, views):
    """(n_raters, n_views) scores → answers; 0 where there is none."""
    return [
        Answer(f"rater {i}", view, "view", view=view, score=int(score))
        for i, own in enumerate(scores)
        for view, score in zip(views, own, strict=True)
        if score
    ]


def drawn(draw, n, effects=(0.0, 0.0), taste=0.0):
    """(n, 4) scores of LEVELS' maps by people who are lenient or not and differ in how they take to a change."""
    both = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]) @ (np.array(effects) + draw.normal(0, taste, (n, 2))).T
    return np.clip(np.rint(3 + draw.normal(0, 0.7, (n, 1)) + both.T + draw.normal(0, 0.8, (n, 4))), 1, 5)


# --- two maps


def test_a_contrast_is_that_of_people_who_rated_both():
    found = contrast(rated([[4, 2], [5, 4], [3, 2], [5, 0], [0, 1]], "ab"), "a", "b")
    assert (found.size.value, found.size.n_raters) == (pytest.approx(4 / 3), 3)
    assert found.p == 1 / 8  # three coins fell alike
    back = contrast(rated([[4, 2], [5, 4], [3, 2]], "ab"), "b", "a")
    assert (back.size.value, back.size.low, back.size.high) == pytest.approx(
        (-found.size.value, -found.size.high, -found.size.low)
    )


def test_lenient_people_do_not_make_a_contrast():
    answers = rated([[5, 5], [1, 1], [5, 4], [2, 1], [4, 5], [1, 2]], "ab")
    strict = [Answer(f"strict {i}", "b", "view", view="b", score=1) for i in range(20)]
    assert contrast(answers + strict, "a", "b").size.value == 0


def test_repeats_do_not_count():
    answers = rated([[4, 2], [5, 4]], "ab")
    again = [Answer("rater 0", "again", "repeat", view="a", score=1)]
    assert contrast(answers + again, "a", "b") == contrast(answers, "a", "b")


def test_maps_that_nobody_has_rated_both_have_no_contrast():
    found = contrast(rated([[4, 0], [0, 2]], "ab"), "a", "b")
    assert (found.size.value, found.size.why_no_range, found.p) == (None, NOT_BOTH_MAPS, None)


# --- all factors


def test_with_one_change_that_everybody_rates_it_is_the_paired_t_test():
    scores = np.array([[3, 4], [2, 4], [3, 3], [4, 5], [1, 4], [3, 4]])
    found = mixed(rated(scores, "ab"), {"a": {"model": "a"}, "b": {"model": "b"}})
    (effect,) = found.effects
    paired = stats.ttest_rel(scores[:, 1], scores[:, 0])
    assert (effect.factor, effect.level, effect.against) == ("model", "b", "a")
    assert effect.size.value == pytest.approx(1.3333333)
    assert effect.p == pytest.approx(paired.pvalue)
    assert (effect.size.low, effect.size.high) == pytest.approx(paired.confidence_interval(0.95)[:])


def test_effects_are_those_of_statsmodels_also_where_scores_are_missing():
    draw = np.random.default_rng(4)
    scores = drawn(draw, 15, (0.8, 0.0)) * (draw.random((15, 4)) < 0.7)
    found = mixed(rated(scores, LEVELS), LEVELS)
    who, what = np.nonzero(scores)
    columns = np.column_stack([np.ones(len(who)), what % 2, what // 2])  # model, preparation
    fitted = MixedLM(scores[who, what], columns, who).fit(reml=True)
    of = {
        effect.factor: effect.size.value * (1 if effect.level in ("small", "smooth") else -1)
        for effect in found.effects
    }
    assert (of["model"], of["preparation"]) == pytest.approx(tuple(fitted.fe_params[1:]), abs=1e-3)


def test_errors_are_those_of_the_definition_of_cr2():
    """As Pustejovsky & Tipton 2018 publish it, with the whole covariance of the model in place of means taken off."""
    draw = np.random.default_rng(8)
    scores = drawn(draw, 9, (0.5, 0.2), 0.5) * (draw.random((9, 4)) < 0.8)
    who, what = np.nonzero(scores)
    x, y = np.column_stack([np.ones(len(who)), what % 2, what // 2]), scores[who, what]  # model, preparation
    fitted = MixedLM(y, x, who).fit(reml=True)
    v = fitted.scale * np.eye(len(y)) + float(np.asarray(fitted.cov_re)[0, 0]) * (who[:, None] == who)
    w = np.linalg.inv(v)
    m = np.linalg.inv(x.T @ w @ x)
    rest = np.eye(len(y)) - x @ m @ x.T @ w
    shares = np.zeros((3, len(y), 9))
    for i, own in enumerate(who == rater for rater in range(9)):
        d = np.linalg.cholesky(v[np.ix_(own, own)]).T
        values, u = np.linalg.eigh(d @ (v[np.ix_(own, own)] - x[own] @ m @ x[own].T) @ d.T)
        kept = values > 1e-9
        mended = d.T @ (u[:, kept] / np.sqrt(values[kept])) @ u[:, kept].T @ d
        shares[:, :, i] = (rest[own].T @ mended @ w[np.ix_(own, own)] @ x[own] @ m).T
    errors = np.linalg.norm(np.einsum("cnr,n->cr", shares, y), axis=1)
    together = np.einsum("cnr,nm,cms->crs", shares, v, shares)
    freedom = np.trace(together, axis1=1, axis2=2) ** 2 / (together**2).sum(axis=(1, 2))
    found = {effect.factor: effect for effect in mixed(rated(scores, LEVELS), LEVELS).effects}
    assert freedom[1:].max() < 8  # as scores are missing
    for i, factor in enumerate(["model", "preparation"], start=1):
        size = found[factor].size
        half = stats.t.ppf(0.975, freedom[i]) * errors[i]
        assert (size.high - size.low) / 2 == pytest.approx(half, abs=1e-3)
        assert found[factor].p == pytest.approx(2 * stats.t.sf(abs(size.value) / errors[i], freedom[i]), abs=1e-3)


def test_the_commonest_level_is_what_others_are_compared_with():
    levels = {"a": {"model": "x"}, "b": {"model": "y"}, "c": {"model": "y"}}
    draw = np.random.default_rng(0)
    found = mixed(rated(draw.integers(1, 6, (6, 3)), "abc"), levels)
    assert [(one.level, one.against) for one in found.effects] == [("x", "y")]


@pytest.mark.parametrize(("missing", "taste"), [(0.3, 0.0), (0.0, 0.5)])
def test_an_effect_that_is_not_there_is_seldom_found(missing, taste):
    """In 5 % of studies of 6 people; a wider band than that, for 120 studies of two effects each."""
    draw = np.random.default_rng(1)
    p = []
    for _ in range(120):
        scores = drawn(draw, 6, taste=taste) * (draw.random((6, 4)) >= missing)
        found = mixed(rated(scores, LEVELS), LEVELS)
        p += [one.p for one in found.effects if one.p is not None] if isinstance(found, Mixed) else []
    assert len(p) > 220
    assert 0.02 < np.mean(np.array(p) <= 0.05) < 0.085


def test_an_effect_that_is_there_is_found_and_the_other_one_is_not():
    found = mixed(rated(drawn(np.random.default_rng(2), 20, (1.2, 0.0)), LEVELS), LEVELS)
    p = {one.factor: one.p for one in found.effects}
    assert p["preparation"] < 0.01 < 0.1 < p["model"]
    assert found.assumptions


def one_change(scores):
    return rated(scores, "ab"), {"a": {"model": "a"}, "b": {"model": "b"}}


@pytest.mark.parametrize(
    ("answers", "levels", "words"),
    [
        (*one_change([[1, 2], [3, 5]]), "too few"),
        (rated([[1, 2], [3, 5], [2, 2]], "ab"), {"a": {"model": "a"}, "b": {"model": "a"}}, "do not differ"),
        (
            rated([[1, 2], [3, 5], [2, 2]], "ab"),
            {"a": {"model": "a", "drawing": "p"}, "b": {"model": "b", "drawing": "q"}},
            "several things at once",
        ),
        (*one_change([[1, 0], [3, 0], [0, 2], [0, 4]]), "several things at once"),
        (*one_change([[1, 2], [3, 4], [2, 3]]), "chance"),
        (*one_change([[4, 4], [4, 4], [4, 4]]), "chance"),
    ],
)
def test_what_cannot_be_told_is_said_in_words(answers, levels, words):
    found = mixed(answers, levels)
    assert isinstance(found, Notice)
    assert words in found.message.format(**found.facts)


def test_people_who_do_not_differ_are_no_obstacle():
    draw = np.random.default_rng(3)
    scores = np.array([draw.permutation([2, 3, 3, 4]) for _ in range(8)])  # each one's mean is 3
    assert isinstance(mixed(rated(scores, LEVELS), LEVELS), Mixed)
