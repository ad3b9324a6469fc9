"""Whether opinions last, on answers whose change is known, and on such as chance makes."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from core.answers import Answer
from core.lasting import ALL_LESS, FALL, LESS, ONCE, OPEN, STILL, Lasting, changes, judge
from core.opinions import ALIKE, ONE_RATER


def study(scores: Mapping[str, Sequence[int | None]], who: str = "r", kind: str = "view") -> list[Answer]:
    """Args: scores: of each view, by the people who gave them."""
    each = [(view, i, score) for view, of_view in scores.items() for i, score in enumerate(of_view)]
    return [Answer(f"{who}{i}", f"{who}-{view}", kind, view, score=score) for view, i, score in each]


def lasting(
    first: Sequence[int | None], now: Sequence[int | None], *, others: bool = False, fall: float = FALL
) -> Lasting:
    """Of one view. Args: others: whether other people are asked the second time."""
    studies = [study({"a": first}), study({"a": now}, "s" if others else "r")]
    return judge(changes(studies).get("a"), fall)


HIGH, LOW = (5, 4, 5, 4, 5, 5, 4, 5), (3, 3, 2, 3, 3, 4, 2, 3)


@pytest.mark.parametrize("others", [False, True])
def test_a_fall_of_two_steps_is_told_whether_the_same_or_other_people_are_asked(others: bool) -> None:
    found = lasting(HIGH, LOW, others=others)
    assert (found.state, found.because.message) == ("less clear", LESS)
    assert found.because.facts["steps"] == pytest.approx(np.mean(HIGH) - np.mean(LOW))
    assert 0 < found.because.facts["low"] < found.because.facts["steps"] < found.because.facts["high"]


def test_a_rise_is_no_fall() -> None:
    found = lasting(LOW, HIGH)
    assert (found.state, found.because.message) == ("lasts", STILL)
    assert found.because.facts["steps"] > 0


def test_a_fall_within_the_limit_is_not_called_one() -> None:
    assert lasting(HIGH, LOW, fall=2.5).state != "less clear"
    assert lasting(HIGH, LOW, fall=1.6).state == "less clear"  # it is 1.75


def test_that_opinions_last_takes_enough_people_to_exclude_a_fall() -> None:
    few, many = lasting((4, 5, 3), (5, 4, 3)), lasting((4, 5, 3) * 20, (5, 4, 3) * 20)
    assert (few.state, few.because.message) == ("cannot tell", OPEN)
    assert (many.state, many.because.message) == ("lasts", STILL)


@pytest.mark.parametrize(("first", "now"), [(HIGH, None), (HIGH, (None,) * 8), (None, HIGH)])
def test_a_map_that_one_study_has_scores_of_cannot_be_told(first: Sequence[int], now: Sequence[int]) -> None:
    studies = [study({"a": scores} if scores else {"b": HIGH}) for scores in (first, now)]
    found = judge(changes(studies).get("a"))
    assert (found.state, found.because.message) == ("cannot tell", ONCE)


def test_one_person_is_too_few_and_people_who_all_moved_alike_have_no_range() -> None:
    assert lasting((5,), (1,)).because.message == ONE_RATER
    alike = lasting((4,) * 3, (4,) * 3)
    assert (alike.state, alike.because.message) == ("cannot tell", ALIKE)
    fallen = lasting((5,) * 8, (3,) * 8)
    assert (fallen.state, fallen.because.message, fallen.because.facts) == ("less clear", ALL_LESS, {"steps": 2.0})


def test_the_newest_study_counts_and_the_first_one() -> None:
    studies = [study({"a": scores}) for scores in (HIGH, LOW, HIGH)]
    assert changes(studies)["a"].size.value == 0
    assert list(changes(studies[:2])) == ["a"]


def test_a_second_look_within_one_study_is_not_asking_again() -> None:
    studies = [study({"a": HIGH}) + study({"a": LOW}, kind="repeat"), study({"a": LOW}, kind="repeat")]
    assert changes(studies) == {}


def test_chance_alone_raises_few_alarms() -> None:
    """People who lean to one side, and whose scores otherwise vary by chance alone, both times."""
    rng, n, alarms = np.random.default_rng(0), 300, 0
    for _ in range(n):
        lean = rng.normal(3.5, 0.5, 8)
        twice = [np.clip(np.rint(lean + rng.normal(0, 0.8, 8)), 1, 5).astype(int).tolist() for _ in range(2)]
        alarms += lasting(*twice).state == "less clear"
    assert alarms <= 14  # 2.5 % of them fall beyond chance at most; 15 of 300 would then be once in 100 times
