from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from core.answers import Answer
from core.encoders import EncoderSpec
from core.evidence import (
    Errors,
    Loss,
    Placed,
    came_from,
    came_true,
    change,
    changed,
    clearer,
    direction,
    loss,
    placed,
    tally,
    trained,
    understandability,
)
from core.evidence_charts import Point, Words, beside
from core.opinions import ALIKE, ALL_EQUAL, NOBODY, ONE_RATER, Contrast, Range
from core.projection import ProjectionSpec
from core.reader import Source
from core.readings import Reading
from core.rebuilding import Interval
from core.recipes import Recipe, WindowSpec
from core.recognition import Where
from core.views import ViewSpec
from tests.test_charts import HOSTILE, drawn, rows


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


# --- which of two maps is clearer


def scores(view: str, given: dict[str, int]) -> list[Answer]:
    return [Answer(rater, f"i-{view}", "view", view=view, score=score) for rater, score in given.items()]


def test_people_who_rated_both_maps_are_compared_with_themselves():
    """Everybody finds b one or two steps clearer, though people differ by more."""
    a, b = {"k": 1, "l": 3, "m": 2, "n": 3}, {"k": 2, "l": 5, "m": 4, "n": 4}
    found = clearer(scores("a", a) + scores("b", b), "b", "a")
    assert found.size.value == 1.5
    assert found.size.low > 0
    assert found.size.n_raters == 4


def test_other_people_are_compared_as_welch_does():
    rng = np.random.default_rng(0)
    a, b = rng.integers(1, 6, 12), rng.integers(3, 6, 7)
    answers = scores("a", {f"r{i}": int(one) for i, one in enumerate(a)})
    answers += scores("b", {f"s{i}": int(one) for i, one in enumerate(b)})
    welch = stats.ttest_ind(b, a, equal_var=False)
    found = clearer(answers, "b", "a")
    assert (found.size.low, found.size.high) == pytest.approx(tuple(welch.confidence_interval()))
    assert found.p == pytest.approx(welch.pvalue)
    assert found.size.n_raters == 19


@pytest.mark.parametrize(
    ("a", "b", "why"),
    [
        ({}, {"k": 3}, "Nobody has rated one of the two maps."),
        ({"k": 4}, {"l": 3}, ONE_RATER),
        ({"k": 4, "l": 4}, {"m": 2, "n": 2}, ALIKE),
    ],
)
def test_a_difference_without_a_range_says_why_and_is_no_direction(a, b, why):
    found = clearer(scores("a", a) + scores("b", b), "b", "a")
    assert (found.size.low, found.p, found.size.why_no_range) == (None, None, why)
    assert direction(found) == 0


# --- what the model gets wrong


def apart(n: int, each: int = 1) -> Where:
    """n windows, of which so many begin within the length of one."""
    return Where(np.zeros(n, int), np.arange(n) * (8 // each), 8)


def test_the_range_of_independent_errors_is_about_that_of_their_mean():
    x = np.random.default_rng(0).gamma(4, 0.1, 3000)
    found = loss(float(x.mean()), Errors(x, apart(3000)))
    half = 1.96 * x.std() / np.sqrt(len(x))
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.35)  # 15 blocks tell a spread that well
    assert found.low < found.value < found.high


def test_windows_that_overlap_do_not_make_it_surer():
    x = np.random.default_rng(0).gamma(4, 0.1, 400)
    one, eight = Errors(x, apart(400)), Errors(np.repeat(x, 8), apart(3200, 8))
    narrow, same = (loss(float(x.mean()), errors) for errors in (one, eight))
    assert (same.high - same.low) == pytest.approx(narrow.high - narrow.low, rel=0.15)


def test_the_range_of_the_error_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    each = [rng.gamma(4, 0.1, 300) for _ in range(300)]
    ranges = [loss(float(x.mean()), Errors(x, apart(300))) for x in each]
    assert 0.91 < np.mean([one.low <= 0.4 <= one.high for one in ranges]) < 0.99


@pytest.mark.parametrize(
    ("value", "errors", "why"),
    [
        (0.5, None, "no longer kept"),
        (0.5, Errors(np.full(19, 0.5), apart(19)), "too few stretches"),
        (0.0, Errors(np.zeros(99), apart(99)), "no error at all"),
    ],
)
def test_an_error_without_a_range_says_why(value, errors, why):
    found = loss(value, errors)
    assert (found.value, found.low, found.high) == (value, None, None)
    assert why in found.why_no_range.message


def with_errors(x: np.ndarray, where: Where) -> tuple[Loss, Errors]:
    errors = Errors(x, where)
    return loss(float(x.mean()), errors), errors


def test_of_the_same_windows_what_makes_one_harder_than_another_drops_out():
    rng = np.random.default_rng(0)
    hard = rng.gamma(1, 0.5, 600)
    before, after = with_errors(hard, apart(600)), with_errors(0.9 * hard * rng.normal(1, 0.02, 600), apart(600))
    elsewhere = with_errors(after[1].per_window, Where(np.ones(600, int), apart(600).start, 8))
    found, other = change(before, after), change(before, elsewhere)
    assert found.value == other.value == pytest.approx(-0.1, abs=0.01)
    assert found.low < found.value < found.high < -0.08
    assert other.high - other.low > 10 * (found.high - found.low)


def test_a_change_by_the_same_factor_everywhere_is_certain_and_none_is_none():
    x = np.random.default_rng(0).gamma(4, 0.1, 300)
    before = with_errors(x, apart(300))
    by_a_fifth, not_at_all = change(before, with_errors(0.8 * x, apart(300))), change(before, before)
    assert [by_a_fifth.value, by_a_fifth.low, by_a_fifth.high] == pytest.approx([-0.2] * 3)
    assert [not_at_all.value, not_at_all.low, not_at_all.high] == pytest.approx([0] * 3)


def test_the_range_of_a_change_on_other_windows_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    pairs = [[with_errors(rng.gamma(4, mean / 4, 200), apart(200)) for mean in (0.5, 0.4)] for _ in range(200)]
    ranges = []
    for before, (now, errors) in pairs:
        moved = Errors(errors.per_window, Where(np.ones(200, int), apart(200).start, 8))
        ranges.append(change(before, (now, moved)))
    assert 0.9 < np.mean([one.low <= -0.2 <= one.high for one in ranges]) < 0.99


def test_a_change_has_no_range_where_an_error_has_none_and_is_none_after_no_error():
    known = with_errors(np.linspace(0.1, 1, 99), apart(99))
    bare = loss(0.5, None), None
    assert change(bare, known) == Interval(pytest.approx(0.1), None, None)
    assert change((loss(0.0, None), None), known) is None


# --- both at once


def contrast_of(low: float, high: float, p: float = 0.01) -> Contrast:
    return Contrast(Range((low + high) / 2, low, high, 9, None), p)


BETTER, WORSE, UNSURE = Interval(-0.2, -0.3, -0.1), Interval(0.2, 0.1, 0.3), Interval(-0.2, -0.5, 0.1)


@pytest.mark.parametrize(
    ("numbers", "clarity", "quadrant", "is_sure"),
    [
        (BETTER, contrast_of(0.5, 1.5), "both", True),
        (BETTER, contrast_of(-1.5, -0.5), "numbers", True),
        (WORSE, contrast_of(0.5, 1.5), "clearer", True),
        (WORSE, contrast_of(-1.5, -0.5), "neither", True),
        (Interval(0.0, 0.0, 0.0), contrast_of(0.5, 1.5), "clearer", True),  # one model, drawn another way
        (UNSURE, contrast_of(0.5, 1.5), "both", False),
        (Interval(-0.2, None, None), contrast_of(0.5, 1.5), "both", False),
        (BETTER, contrast_of(-0.5, 1.5), "both", False),
        (BETTER, contrast_of(0.5, 1.5, p=0.06), "both", False),  # after it was raised for several comparisons
        (BETTER, contrast_of(-0.5, 0.5), "numbers", False),
        (BETTER, Contrast(Range(1.0, None, None, 1, ONE_RATER), None), "both", False),
    ],
)
def test_a_map_lies_in_one_of_four_quarters_and_is_there_for_sure_only_if_neither_may_be_chance(
    numbers, clarity, quadrant, is_sure
):
    assert placed(numbers, clarity) == Placed(quadrant, is_sure)


def test_a_map_that_nobody_rated_lies_nowhere():
    assert placed(BETTER, Contrast(Range(None, None, None, 0, NOBODY), None)) is None


def test_bad_and_vain_changes_are_counted_too():
    nobody = Contrast(Range(None, None, None, 0, NOBODY), None)
    up, down, flat = contrast_of(0.5, 1.5), contrast_of(-1.5, -0.5), contrast_of(-1, 1, p=0.9)
    found = tally([up, down, down, flat, flat, flat, nobody])
    assert (found.n_clearer, found.n_less_clear, found.n_cannot_tell, found.n_not_asked, found.n) == (1, 2, 3, 1, 7)


# --- what was expected of it

NO_CHANGE = Interval(0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("found", "falls", "stays", "rises"),
    [
        (BETTER, "yes", "no", "no"),
        (WORSE, "no", "no", "yes"),
        (UNSURE, "cannot be told", "cannot be told", "cannot be told"),
        (NO_CHANGE, "no", "yes", "no"),
        (Interval(0.0, -0.04, 0.05), "cannot be told", "yes", "cannot be told"),
        (Interval(0.0, -0.04, 0.06), "cannot be told", "cannot be told", "cannot be told"),
        (Interval(-0.03, -0.04, -0.02), "yes", "yes", "no"),  # it fell, by next to nothing
        (Interval(-0.05, -0.08, -0.02), "yes", "cannot be told", "no"),
        (Interval(-0.2, None, None), "cannot be told", "cannot be told", "cannot be told"),
        (None, "cannot be told", "cannot be told", "cannot be told"),
    ],
)
def test_what_was_expected_of_the_error_came_true_only_beyond_chance(found, falls, stays, rises):
    said = {"falls": falls, "stays": stays, "rises": rises}
    unrated = Contrast(Range(None, None, None, 0, NOBODY), None)
    assert {one: came_true({"error": one}, found, unrated)["error"] for one in said} == said


@pytest.mark.parametrize(
    ("found", "clearer", "same", "less"),
    [
        (contrast_of(0.6, 1.5), "yes", "no", "no"),
        (contrast_of(-1.5, -0.6), "no", "no", "yes"),
        (contrast_of(0.6, 1.5, p=0.06), "cannot be told", "cannot be told", "cannot be told"),
        (contrast_of(-0.4, 0.5, p=0.9), "cannot be told", "yes", "cannot be told"),
        (contrast_of(-0.4, 0.6, p=0.9), "cannot be told", "cannot be told", "cannot be told"),
        (contrast_of(0.1, 0.4), "yes", "yes", "no"),
        (Contrast(Range(1.0, None, None, 1, ONE_RATER), None), *["cannot be told"] * 3),
    ],
)
def test_what_was_expected_of_people_came_true_only_beyond_chance(found, clearer, same, less):
    said = {"clearer": clearer, "same": same, "less": less}
    assert {one: came_true({"clarity": one}, None, found)["clarity"] for one in said} == said


def test_only_what_was_expected_can_come_true():
    assert came_true({}, BETTER, contrast_of(0.6, 1.5)) == {}
    both = came_true({"error": "falls", "clarity": "less"}, BETTER, contrast_of(0.6, 1.5))
    assert both == {"error": "yes", "clarity": "no"}


@pytest.mark.parametrize("shift", [0.0, -0.5, 0.5])
def test_whoever_expects_anything_of_chance_is_seldom_told_to_be_right_or_wrong(shift):
    """Two maps that differ by nothing, or by just so much that they are no longer alike: 12 people, 400 times."""
    rng = np.random.default_rng(3)
    told = {"clearer": [], "same": [], "less": []}
    for _ in range(400):
        steps = rng.normal(shift, 1.0, 12)
        half = stats.t.ppf(0.975, 11) * stats.sem(steps)
        size = Range(steps.mean(), steps.mean() - half, steps.mean() + half, 12, None)
        found = Contrast(size, float(stats.ttest_1samp(steps, 0).pvalue))
        for one in told:
            told[one].append(came_true({"clarity": one}, None, found)["clarity"])
    wrong = {
        0.0: [("clearer", "yes"), ("clearer", "no"), ("less", "yes"), ("less", "no"), ("same", "no")],
        -0.5: [("clearer", "yes"), ("less", "no"), ("same", "yes")],
        0.5: [("less", "yes"), ("clearer", "no"), ("same", "yes")],
    }
    assert all(told[said].count(outcome) / 400 < 0.05 for said, outcome in wrong[shift])


# --- from view to view

DATA = (Source("a" * 64, Reading(channels=("x",))),)
FIRST = ViewSpec(DATA, Recipe(), EncoderSpec(), ProjectionSpec("pca"))
DRAWN = FIRST.drawn_by(ProjectionSpec("tsne"))
TUNED = replace(FIRST, encoder=EncoderSpec("moment", "/store/run"))
SHORTER = replace(FIRST, recipe=Recipe(window=WindowSpec(64, 32)))
PARENTS = {"/store/run": EncoderSpec()}


def test_extra_training_leads_from_the_map_of_the_model_before_and_from_no_other():
    specs = {"tsne": DRAWN, "shorter": SHORTER, "first": FIRST, "tuned": TUNED}
    assert trained(specs, PARENTS) == {"tuned": "first"}
    assert trained({"tsne": DRAWN, "tuned": TUNED}, PARENTS) == {}
    assert trained(specs, {"/elsewhere": EncoderSpec()}) == {}


def test_training_of_a_trained_model_goes_on_from_that_one():
    again = replace(FIRST, encoder=EncoderSpec("moment", "/store/second"))
    parents = PARENTS | {"/store/second": TUNED.encoder}
    found = trained({"first": FIRST, "tuned": TUNED, "again": again}, parents)
    assert found == {"tuned": "first", "again": "tuned"}


def test_a_map_is_set_against_the_latest_one_that_differs_in_one_thing_and_earlier_rounds_come_first():
    specs = {"first": FIRST, "tsne": DRAWN, "tuned": TUNED, "tuned, tsne": TUNED.drawn_by(DRAWN.projection)}
    rounds = dict(zip(specs, (1, 1, 2, 2), strict=True))
    assert came_from(specs, rounds, {}) == {"tsne": "first", "tuned": "first", "tuned, tsne": "tsne"}
    one_round = dict.fromkeys(specs, 1)
    assert came_from(specs, one_round, {})["tuned, tsne"] == "tuned"
    assert came_from(specs, one_round, {"tuned, tsne": "tsne"})["tuned, tsne"] == "tsne"


@pytest.mark.parametrize(
    ("after", "parts"),
    [
        (FIRST, ()),
        (DRAWN, ("drawing",)),
        (TUNED, ("model",)),
        (replace(TUNED, recipe=SHORTER.recipe), ("preparation", "model")),
        (replace(DRAWN, sources=(Source("b" * 64, Reading(channels=("x",))),)), ("data", "drawing")),
    ],
)
def test_all_that_was_changed_is_named(after, parts):
    assert changed(FIRST, after) == parts


# --- the picture

A, B = Point("A", 0.4, (0.3, 0.5), 2.0, (1.5, 2.6)), Point("B", 0.2, None, 4.0, None)
SAID = Words("error", "clear", {"both": "b", "numbers": "n", "clearer": "c", "neither": "x"})


def layers(spec: dict[str, Any], mark: str) -> list[dict[str, Any]]:
    return [one for one in spec["layer"] if one["mark"]["type"] == mark]


def test_each_map_has_a_point_and_a_range_either_way_where_there_is_one():
    spec = drawn(beside([A, B], A, [], SAID))
    assert [tuple(row.values()) for row in rows(spec, "name")] == [
        ("A", 0.4, 0.3, 0.5, 2.0, 1.5, 2.6),
        ("B", 0.2, None, None, 4.0, None, None),
    ]
    ranges = [one["transform"] for one in layers(spec, "rule") if "transform" in one]
    assert ranges == [[{"filter": "isValid(datum.low)"}], [{"filter": "isValid(datum.left)"}]]


def test_ratings_run_from_1_to_5_and_the_base_is_in_the_middle_of_the_errors():
    spec = drawn(beside([A, B], A, [], SAID))
    [points] = layers(spec, "point")
    assert points["encoding"]["y"]["scale"]["domain"] == [1, 5]
    low, high = points["encoding"]["x"]["scale"]["domain"]
    assert (low + high) / 2 == pytest.approx(A.loss)
    assert low < B.loss


def test_errors_never_run_below_zero_and_equal_ones_have_room():
    spec = drawn(beside([A, Point("C", 2.0, None, 3.0, None)], A, [], SAID))
    assert layers(spec, "point")[0]["encoding"]["x"]["scale"]["domain"][0] == 0
    spec = drawn(beside([B, Point("D", B.loss, None, 3.0, None)], B, [], SAID))
    low, high = layers(spec, "point")[0]["encoding"]["x"]["scale"]["domain"]
    assert low < B.loss < high


def test_every_quarter_is_named_in_its_corner():
    spec = drawn(beside([A], A, [], SAID))
    corners = {}
    for one in layers(spec, "text"):
        if one["encoding"]["text"]["field"] == "words":
            place = one["encoding"]["x"]["value"], one["encoding"]["y"]["value"]
            corners[place[0] == "width", place[1] == "height"] = one["data"]["name"]
    words = {key: spec["datasets"][name][0]["words"] for key, name in corners.items()}
    assert words == {(False, False): "b", (False, True): "n", (True, False): "c", (True, True): "x"}


def test_an_arrow_leads_from_before_to_after_with_its_head_on_the_way():
    spec = drawn(beside([A, B], A, [(A, B)], SAID))
    [line] = [one for one in layers(spec, "rule") if "to_loss" in str(one["encoding"])]
    assert line["encoding"]["x2"]["field"] == "to_loss"
    [row] = rows(spec, "above")
    assert (row["to_loss"], row["to_mean"]) == (B.loss, B.mean)
    assert B.loss < row["loss"] < A.loss
    assert (row["right"] < 0, row["above"]) == (True, 0.5)  # to the left, and up by two of four steps


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_in_the_picture_is_words_only(name):
    spec = drawn(beside([replace(A, name=name)], A, [], SAID))
    assert [row["name"] for row in rows(spec, "name")] == [name]
