"""Money: sums that anybody can do on paper, distributions against theory, and no total while a number is missing."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import betainc, betaincinv

from core import opinions, roi
from core.answers import Answer
from core.errors import UserError
from core.roi import QUANTITIES, SAVING, Input
from core.roi_charts import Bars, tornado
from tests.test_charts import HOSTILE, drawn, found, rows

# Once: 10 x 5000 + 4 x 3000 + 6 x 4000 + 2 h of the computer x 500 + 20000 = 107000.
# A month it costs 10000 + 2 x 4000 = 18000 and saves 600 decisions x 30 s = 5 h x 3000, and 50000: 65000.
ON_PAPER = {
    "lead_hours": 10.0,
    "lead_rate": 5000.0,
    "rater_hours": 4.0,
    "rater_rate": 3000.0,
    "it_hours": 6.0,
    "it_rate": 4000.0,
    "compute_seconds": 7200.0,
    "machine_rate": 500.0,
    "training": 20_000.0,
    "licences": 10_000.0,
    "upkeep_hours": 2.0,
    "decisions": 1000.0,
    "used": 60.0,
    "seconds_saved": 30.0,
    "avoided": 50_000.0,
    "months": 12.0,
}


def put(name: str, low: float, likely: float, high: float) -> Input:
    return Input(name, low, likely, high, False, "the boss")


def inputs(**ranges: float | tuple[float, float, float]) -> dict[str, Input]:
    """As on paper, but for these."""
    values = {name: ranges.get(name, value) for name, value in ON_PAPER.items()}
    return {name: put(name, *(one if isinstance(one, tuple) else [one] * 3)) for name, one in values.items()}


def test_fixed_numbers_come_to_what_they_come_to_on_paper():
    reckoned = roi.reckon(inputs(), seed=0)
    for outcome, paper in (
        (reckoned.once, 107_000),
        (reckoned.monthly_cost, 18_000),
        (reckoned.monthly_benefit, 65_000),
        (reckoned.net, 12 * 47_000 - 107_000),
    ):
        assert (outcome.median, outcome.low, outcome.high) == (paper, paper, paper)
    assert reckoned.payback.median == reckoned.payback.low == reckoned.payback.high == pytest.approx(107 / 47)
    assert reckoned.pays == 1
    assert roi.likely_net(inputs()) == 457_000


@pytest.mark.parametrize("change", [{"months": 2.0}, {"avoided": 0.0}, {"licences": 57_000.0}])
def test_a_cost_that_does_not_come_back_within_the_period_has_no_payback(change):
    reckoned = roi.reckon(inputs(**change), seed=0)
    assert (reckoned.payback.median, reckoned.payback.low, reckoned.payback.high) == (None, None, None)
    assert reckoned.pays == 0
    assert reckoned.net.high < 0


def test_payback_has_an_open_end_where_only_some_draws_pay():
    """The gain is 97,000 to -3,000 a month; the cost is back within 12 months where it is at least 107,000 / 12."""
    reckoned = roi.reckon(inputs(licences=(0, 90_000, 100_000), avoided=90_000.0), seed=0)
    assert 0.05 < reckoned.pays < 0.95
    assert reckoned.payback.low is not None
    assert reckoned.payback.high is None


LOPSIDED = (0.0, 20_000.0, 100_000.0)
BETA = 1 + 4 * 0.2, 1 + 4 * 0.8  # of it, by hand


def test_draws_have_the_mean_and_the_spread_of_pert_and_stay_within_its_ends():
    values = put("avoided", *LOPSIDED).draws(np.random.default_rng(0), 200_000)
    mean = (0 + 4 * 20_000 + 100_000) / 6
    assert values.mean() == pytest.approx(mean, rel=0.005)
    assert values.var() == pytest.approx(mean * (100_000 - mean) / 7, rel=0.01)
    assert 0 <= values.min() < 1_000
    assert values.max() <= 100_000


def test_the_range_of_the_result_is_the_range_of_the_only_uncertain_number():
    reckoned = roi.reckon(inputs(avoided=LOPSIDED), seed=0)
    at = dict(zip(("median", "low", "high"), 100_000 * betaincinv(*BETA, [0.5, 0.05, 0.95]), strict=True))
    for name, avoided in at.items():
        assert getattr(reckoned.monthly_benefit, name) == pytest.approx(15_000 + avoided, abs=600)
        assert getattr(reckoned.net, name) == pytest.approx(12 * (avoided - 3_000) - 107_000, abs=12 * 600)


def test_the_share_that_pays_is_the_share_of_the_only_uncertain_number_above_break_even():
    least = 107_000 / 12 + 3_000
    assert roi.reckon(inputs(avoided=LOPSIDED), seed=0).pays == pytest.approx(
        1 - betainc(*BETA, least / 100_000), abs=0.015
    )


def test_draws_of_one_number_do_not_change_when_another_is_corrected():
    ranged = inputs(avoided=LOPSIDED, it_hours=(1, 6, 30))
    one, other = roi.reckon(ranged, seed=3), roi.reckon(ranged | {"licences": put("licences", 0, 5, 9_000)}, seed=3)
    assert (one.once, one.monthly_benefit) == (other.once, other.monthly_benefit)
    assert one.monthly_cost != other.monthly_cost
    assert roi.reckon(ranged, seed=3) == one
    assert roi.reckon(ranged, seed=4).once != one.once


def test_two_numbers_of_the_same_range_are_drawn_apart_and_do_not_cancel_out():
    net = roi.reckon(inputs(licences=LOPSIDED, avoided=LOPSIDED), seed=0).net
    alone = 12 * np.sqrt(30_000 * 70_000 / 7)  # standard deviation of one of them
    assert net.high - net.low == pytest.approx(2 * 1.645 * np.sqrt(2) * alone, rel=0.05)


RANGED = inputs(avoided=LOPSIDED, it_hours=(6, 6, 10), months=(6, 12, 24), seconds_saved=(-30, 30, 60))


def test_each_number_swings_the_result_by_what_it_does_alone():
    swings = roi.tornado(RANGED)
    for one in swings:
        at = [
            roi.likely_net(RANGED | {one.name: put(one.name, *[end] * 3)})
            for end in (RANGED[one.name].low, RANGED[one.name].high)
        ]
        assert [one.at_low, one.at_high] == at
    assert len(swings) == len(QUANTITIES)


def test_what_swings_the_result_most_comes_first():
    swings = roi.tornado(RANGED)
    # by hand: 12 x 100,000; 18 months of a gain of 17,000; 12 x 600 x 90 s x 3,000 / 3600; 4 h of 4,000
    assert [(one.name, round(one.width)) for one in swings[:4]] == [
        ("avoided", 1_200_000),
        (SAVING, 540_000),
        ("months", 306_000),
        ("it_hours", 16_000),
    ]
    assert {one.width for one in swings[4:]} == {0}


@pytest.mark.parametrize("change", [{"avoided": 0.0}, {"used": 1.0, "avoided": 20_000.0}, {}])
def test_saving_what_breaks_even_leaves_nothing_over(change):
    seconds = roi.break_even(inputs(**change))
    assert seconds is not None
    at_zero = inputs(**change) | {SAVING: put(SAVING, *[seconds] * 3)}
    assert roi.likely_net(at_zero) == pytest.approx(0, abs=1e-6)
    assert (seconds < 0) == (change == {})  # scrap avoided pays by itself


def test_break_even_on_paper_and_without_knowing_what_is_saved():
    """What it costs a month, and a twelfth of what it costs once, must come from 600 decisions at 3,000 an hour."""
    known = inputs(avoided=0.0)
    del known[SAVING]
    assert roi.break_even(known) == pytest.approx((18_000 + 107_000 / 12) * 3600 / (600 * 3_000))


@pytest.mark.parametrize("nothing", ["decisions", "used", "rater_rate", "months"])
def test_no_saving_of_time_is_enough_where_time_saved_is_worth_nothing(nothing):
    assert roi.break_even(inputs(**{nothing: 0.0})) is None


def test_what_is_missing_is_named_and_nothing_is_put_in_its_place():
    known = inputs()
    assert roi.lacking(known) is None
    for name in ("it_rate", SAVING):
        del known[name]
    lacking = roi.lacking(known)
    assert lacking is not None
    assert lacking.facts["missing"] == (QUANTITIES["it_rate"].label, QUANTITIES[SAVING].label)
    with pytest.raises(KeyError):
        roi.reckon(known, seed=0)
    assert roi.lacking(known, ("it_hours", "training")) is None


@pytest.mark.parametrize(
    ("name", "numbers", "source"),
    [
        ("training", (2, 1, 3), "x"),
        ("training", (1, 4, 3), "x"),
        ("training", (float("nan"),) * 3, "x"),
        ("training", (-1, 0, 1), "x"),
        ("used", (0, 50, 101), "x"),
        ("training", (1, 2, 3), "  "),
    ],
)
def test_an_impossible_number_and_one_from_nowhere_are_refused(name, numbers, source):
    with pytest.raises(UserError):
        Input(name, *numbers, False, source)


def test_a_map_may_cost_time():
    assert put(SAVING, -20, -5, 10).low == -20


# --- what is measured


def quizzes(with_map: list[float], without: list[float]) -> list[Answer]:
    """A person each, one quiz with a map and one without."""
    found = []
    for i, (fast, slow) in enumerate(zip(with_map, without, strict=True)):
        found.append(Answer(f"p{i}", "a", "quiz", "m", task="odd", right=True, chance=0.2, task_seconds=fast))
        found.append(Answer(f"p{i}", "b", "plain", "m", task="odd", right=True, chance=0.2, task_seconds=slow))
    return found


def test_time_saved_is_the_share_that_the_study_found_of_the_time_without_a_map():
    answers = quizzes([8.0, 12.0, 9.0, 11.0, 10.0], [20.0] * 5)
    saved, ratio = roi.seconds_saved(answers), opinions.with_and_without(answers).seconds.size
    assert saved is not None
    assert saved.measured
    assert saved.likely == pytest.approx(20 - (8 * 12 * 9 * 11 * 10) ** (1 / 5))
    assert saved.low < 20 * (1 - ratio.high) < saved.likely < 20 * (1 - ratio.low) < saved.high < 20
    values = saved.draws(np.random.default_rng(0), 50_000)
    inside = (values > 20 * (1 - ratio.high)) & (values < 20 * (1 - ratio.low))
    assert inside.mean() == pytest.approx(0.95, abs=0.01)


def test_a_map_that_takes_longer_saves_less_than_nothing():
    saved = roi.seconds_saved(quizzes([38.0, 42.0, 40.0], [20.0] * 3))
    assert saved is not None
    assert saved.likely == pytest.approx(-20, abs=0.1)


@pytest.mark.parametrize("answers", [[], quizzes([10.0], [20.0]), quizzes([10.0, 10.0], [20.0, 20.0])])
def test_time_saved_is_not_measured_without_a_range(answers):
    assert roi.seconds_saved(answers) is None


def test_rating_takes_the_time_of_all_steps_of_all_answers():
    answers = [
        Answer("a", "1", "view", "m", score=3, seconds=10.5, task_seconds=20.0),
        Answer("b", "1", "view", "m", score=None, seconds=4.0),
        Answer("b", "2", "check"),
    ]
    assert roi.rating_seconds(answers) == 34.5


# --- the chart


def test_a_bar_runs_from_the_middle_to_each_end_in_the_order_given():
    drawn_bars = Bars(["Months", "Licences"], np.array([[-5.0, 9.0], [3.0, 1.0]]), [("6", "24"), ("0", "100")])
    spec = drawn(tornado(drawn_bars, 2.0, ("at its lowest", "at its highest"), "left over"))
    assert [tuple(row.values()) for row in rows(spec, "net")] == [
        ("Months", "at its lowest", -5.0, 2.0, "6", False),
        ("Months", "at its highest", 9.0, 2.0, "24", True),
        ("Licences", "at its lowest", 3.0, 2.0, "0", True),
        ("Licences", "at its highest", 1.0, 2.0, "100", False),
    ]
    assert {tuple(one) for one in found(spec, "sort")} == {("Months", "Licences")}
    assert rows(spec, "pays") == [{"pays": 0.0}]


def test_the_words_of_an_end_stand_outside_the_bar_even_where_that_end_changes_nothing():
    never_less = Bars(["Licences", "Scrap"], np.array([[2.0, -7.0], [2.0, 9.0]]), [("0", "9"), ("0", "9")])
    spec = drawn(tornado(never_less, 2.0, ("at its lowest", "at its highest"), "left over"))
    assert [(row["told"], row["is_right"]) for row in rows(spec, "net")] == [
        ("0", True),
        ("9", False),
        ("0", False),
        ("9", True),
    ]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_of_numbers_are_words_only(name):
    bars = Bars([name, "other"], np.array([[0.0, 1.0], [2.0, 3.0]]), [(name, "1"), ("0", name)])
    spec = drawn(tornado(bars, 0.0, (f"{name} low", f"{name} high"), name))
    assert [(row["name"], row["told"]) for row in rows(spec, "net")] == [
        (name, name),
        (name, "1"),
        ("other", "0"),
        ("other", name),
    ]


def test_a_range_that_grows_swings_more():
    wide = replace(RANGED["it_hours"], high=1000.0)
    assert roi.tornado(RANGED | {"it_hours": wide})[0].name == "it_hours"
