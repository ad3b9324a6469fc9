"""Go on, improve or stop, on planted facts and on the answers of people whose opinion is known."""

import json
from dataclasses import replace

import numpy as np
import pytest

from core import rules
from core.answers import Answer
from core.errors import UserError
from core.opinions import ALL_EQUAL, NOBODY, Contrast, Range, WithAndWithout
from core.rebuilding import Interval
from core.rules import Facts, Thresholds, judge, proposals

USUAL = Thresholds()
CLEAR = Range(4.2, 3.8, 4.5, 10, None)
RIGHT, NO_GAIN = Contrast(Range(0.2, 0.1, 0.3, 10, None), 0.01), Contrast(Range(-0.1, -0.2, -0.02, 10, None), 0.03)
FASTER, SLOWER = Contrast(Range(0.8, 0.7, 0.9, 10, None), 0.01), Contrast(Range(1.2, 1.1, 1.4, 10, None), 0.01)
PERHAPS = WithAndWithout(Contrast(Range(0.1, -0.1, 0.3, 10, None), 0.3), Contrast(Range(0.9, 0.7, 1.2, 10, None), 0.4))
GOOD = Facts(1, 2, CLEAR, WithAndWithout(RIGHT, FASTER), noise=0.1, agreement=0.6)


def verdict(thresholds: Thresholds = USUAL, **changes: object) -> str:
    return judge(replace(GOOD, **changes), thresholds).verdict


# The verdict


def test_it_is_go_where_every_rule_is_met_and_every_rule_is_told():
    assert judge(GOOD, USUAL).verdict == "go"
    assert len(judge(GOOD, USUAL).because) == 6


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"rating": Range(3.6, 2.9, 4.2, 10, None)}, "improve"),  # the mean would do, the lower end does not
        ({"rating": Range(3.4, 3.1, 3.7, 10, None)}, "improve"),  # the other way round
        ({"helped": PERHAPS}, "improve"),
        ({"helped": WithAndWithout(NO_GAIN, FASTER)}, "go"),  # one of the two is enough
        ({"helped": WithAndWithout(RIGHT, SLOWER)}, "go"),
        ({"helped": WithAndWithout(NO_GAIN, PERHAPS.seconds)}, "improve"),
        ({"helped": WithAndWithout(replace(RIGHT, p=0.06), SLOWER)}, "improve"),  # chance alone might do that
        ({"agreement": 0.39}, "improve"),
        ({"noise": 0.21}, "cannot tell"),
        ({"noise": None}, "cannot tell"),
        ({"agreement": None}, "cannot tell"),
        ({"rating": Range(4.0, None, None, 10, ALL_EQUAL)}, "cannot tell"),
        ({"best": None, "rating": Range(None, None, None, 0, NOBODY)}, "cannot tell"),
        ({"helped": WithAndWithout(Contrast(Range(0.2, 0.1, 0.3, 7, None), 0.01), FASTER)}, "cannot tell"),
    ],
)
def test_one_rule_that_is_not_met_is_enough_for_another_verdict(changes, expected):
    assert verdict(**changes) == expected
    assert verdict(**changes, round=9) == expected  # nothing here is surely missed, so nothing is given up


@pytest.mark.parametrize(
    "changes", [{"rating": Range(2.4, 2.0, 3.0, 10, None)}, {"helped": WithAndWithout(NO_GAIN, SLOWER)}]
)
def test_what_is_surely_missed_is_improved_until_the_last_round_and_then_given_up(changes):
    assert [verdict(**changes, round=n) for n in (1, 2, 3, 4)] == ["improve", "improve", "stop", "stop"]
    assert verdict(Thresholds(rounds=1), **changes) == "stop"
    assert verdict(**changes, round=3, noise=0.5) == "cannot tell"  # who reads noise proves nothing against a map


def test_three_people_never_make_more_than_that_it_cannot_be_told():
    draw = np.random.default_rng(0)
    for _ in range(300):
        ends = np.sort(draw.uniform(1, 5, 3))
        facts = Facts(
            int(draw.integers(1, 9)),
            1,
            Range(ends[1], ends[0], ends[2], 3, None),
            GOOD.helped if draw.random() < 0.5 else WithAndWithout(NO_GAIN, SLOWER),
            draw.choice([0.0, 0.5]),
            draw.uniform(-1, 1),
        )
        loosest = Thresholds(mean=1, low=1, people=rules.FEWEST, noise=1, agreement=-1, rounds=1)
        assert judge(facts, loosest).verdict == "cannot tell"


def test_rules_cannot_be_loosened_so_far_that_three_people_count():
    with pytest.raises(UserError):
        Thresholds(people=3)
    with pytest.raises(UserError):
        Thresholds(mean=5.5)


def test_the_verdict_is_what_the_rules_say_in_one_line_of_logic():
    """A second implementation, on facts and thresholds at random."""
    draw, seen = np.random.default_rng(1), set()
    for _ in range(3000):
        low, mean, high = np.sort(draw.uniform(1, 5, 3))
        gain, ratio = np.sort(draw.uniform(-0.3, 0.4, 3)), np.sort(draw.uniform(0.6, 1.3, 3))
        p = draw.choice([0.01, 0.2], 2)
        right = Contrast(Range(gain[1], gain[0], gain[2], 10, None), p[0])
        time = Contrast(Range(ratio[1], ratio[0], ratio[2], 10, None), p[1])
        noise, alpha, turn = draw.choice([0.1, 0.3], p=[0.9, 0.1]), draw.uniform(0.2, 1), int(draw.integers(1, 5))
        facts = Facts(turn, 1, Range(mean, low, high, 10, None), WithAndWithout(right, time), noise, alpha)
        t = Thresholds(mean=2.5, low=1.5, gain=0.05, saved=0.1, people=int(draw.choice([8, 11], p=[0.9, 0.1])))
        is_clear = mean >= t.mean and low >= t.low
        helps = (gain[0] > t.gain and p[0] < 0.05) or (1 - ratio[2] > t.saved and p[1] < 0.05)
        surely_missed = high < t.mean or (gain[2] <= t.gain and 1 - ratio[0] <= t.saved)
        expected = "improve"
        if t.people > 10 or noise > t.noise:
            expected = "cannot tell"
        elif is_clear and helps and alpha >= t.agreement:
            expected = "go"
        elif surely_missed and turn >= t.rounds:
            expected = "stop"
        assert judge(facts, t).verdict == expected
        seen.add(expected)
    assert seen == {"go", "improve", "stop", "cannot tell"}


def test_every_sentence_is_whole_with_its_facts():
    told = [GOOD, replace(GOOD, helped=PERHAPS), replace(GOOD, helped=WithAndWithout(NO_GAIN, SLOWER), round=3)]
    told += [replace(GOOD, rating=Range(2.4, 2, 3, 4, None)), replace(GOOD, noise=0.5, agreement=0.1)]
    for facts in told:
        for one in judge(facts, USUAL).because:
            assert "{" not in one.message.format(**one.facts)
    [right] = [one for one in judge(GOOD, USUAL).because if "right more often" in one.message]
    assert "20 percentage points (+10 … +30)" in right.message.format(**right.facts)


# From answers


def people(n: int, clear: bool, draw: np.random.Generator) -> list[Answer]:
    """Of each two maps, a map of noise, and six quizzes with a map and six without."""
    answers = []
    for i in range(n):
        who = f"r{i}"
        means = (4.4, 2.2) if clear else (3.0, 3.0)
        for view, mean in zip("ab", means, strict=True):
            score = int(np.clip(round(mean + draw.normal(0, 0.6 if clear else 1.5)), 1, 5))
            answers.append(Answer(who, f"v-{view}", "view", view=view, score=score, seconds=20.0))
        answers.append(Answer(who, "n", "null", score=1 if clear or draw.random() < 0.8 else 5, seconds=9.0))
        for kind, chance in (("quiz", 0.9 if clear else 0.4), ("plain", 0.4)):
            for j in range(6):
                right, seconds = bool(draw.random() < chance), float(np.exp(draw.normal(2.5, 0.4)))
                view = "a" if kind == "quiz" else ""
                told = {"task": "odd", "right": right, "chance": 0.25, "task_seconds": seconds}
                answers.append(Answer(who, f"{kind}-{j}", kind, view=view, **told))
    return answers


def test_people_who_read_a_map_well_make_it_go_and_the_best_map_goes_by_its_number():
    facts = rules.of_answers(people(12, True, np.random.default_rng(0)), {"a": 7, "b": 9}, 1)
    assert (facts.best, facts.rating.n_raters, facts.noise) == (7, 12, 0.0)
    assert judge(facts, USUAL).verdict == "go"


def test_people_who_answer_by_lot_hardly_ever_make_it_go():
    draw = np.random.default_rng(0)
    found = [judge(rules.of_answers(people(10, False, draw), {"a": 1, "b": 2}, 1), USUAL).verdict for _ in range(40)]
    assert found.count("go") == 0


def test_three_people_who_agree_in_everything_cannot_make_it_go():
    facts = rules.of_answers(people(3, True, np.random.default_rng(0)), {"a": 1, "b": 2}, 3)
    assert judge(facts, USUAL).verdict == "cannot tell"
    assert {"n": 3, "least": 8, "best": 1} in [dict(one.facts) for one in judge(facts, USUAL).because]


def test_without_answers_nothing_is_known_and_the_proposal_is_to_ask():
    facts = rules.of_answers([], {}, 0)
    assert judge(facts, USUAL).verdict == "cannot tell"
    [told] = proposals(facts, USUAL)
    assert "ask people" in told.message


# Proposals


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rating": Range(3.0, 2.5, 3.5, 10, None), "kept": 0.2}, "way of drawing"),
        ({"error": Interval(-0.3, -0.4, -0.2), "moved": 0.0}, "train more"),
        ({"lines": Interval(0.95, 0.9, 0.98)}, "bring them together"),
        ({"helped": WithAndWithout(NO_GAIN, SLOWER)}, "simpler charts"),
        ({"rating": Range(4.2, 3.8, 4.5, 5, None)}, "ask {more} more"),
    ],
)
def test_a_rule_speaks_where_its_case_is_planted(changes, words):
    [told] = proposals(replace(GOOD, **changes), USUAL)
    assert words in told.message
    assert "{" not in told.message.format(**told.facts)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"kept": 0.2},  # people find it clear all the same
        {"rating": Range(3.0, 2.5, 3.5, 10, None), "kept": 0.8},
        {"error": Interval(-0.3, -0.6, 0.1), "moved": 0.0},  # that it fell may be chance
        {"error": Interval(-0.3, None, None), "moved": 0.0},
        {"error": Interval(-0.3, -0.4, -0.2), "moved": 0.2},
        {"lines": Interval(0.8, 0.5, 0.95)},
        {"helped": WithAndWithout(NO_GAIN, FASTER)},
    ],
)
def test_no_rule_speaks_where_its_case_is_not_there(changes):
    assert proposals(replace(GOOD, **changes), USUAL) == []


# For the ledger


def test_rules_come_back_from_json_and_facts_are_plain_json():
    own = Thresholds(mean=4.0, people=12, noise=0.1)
    assert Thresholds.from_json(json.loads(json.dumps(own.to_json()))) == own
    told = json.loads(json.dumps(GOOD.to_json(), allow_nan=False))
    assert told["helped"]["accuracy"]["size"]["value"] == 0.2
