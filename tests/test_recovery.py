"""The whole analysis on 500 studies whose truth is known: 12 people, 2 x 2 maps, quizzes, noise, checks, repeats.

Of the maps, a smooth preparation is clearer than a plain one, and the model makes no difference. Each person is lenient
or strict, quick or slow, good or bad at quizzes, and has a taste of their own for each map.
"""

from collections import defaultdict

import numpy as np
import pytest
from scipy.special import ndtr

from core.answers import Answer
from core.factors import contrast, mixed
from core.opinions import checks, of_views, with_and_without
from core.power import spread_of

N_STUDIES, N_RATERS = 500, 12
LEVELS = {f"{p}, {m}": {"preparation": p, "model": m} for p in ("plain", "smooth") for m in ("large", "small")}
VIEWS = list(LEVELS)
FEELING = np.array([2.6, 2.6, 3.5, 3.5])  # before it is cut to steps 1 … 5
EDGES = np.array([1.5, 2.5, 3.5, 4.5])
LENIENT, TASTE, MOMENT = 0.6, 0.4, 0.7
SKILL, TASKS = 0.5, ("odd", "joins")
READY = {"view": np.array([0.3, 0.3, 0.9, 0.9]), "plain": 0.1}  # to do a quiz right; a guess is right at 0
FASTER = 0.7  # with a map
INATTENTIVE, CREDULOUS = 2, 1  # of 12 people

TRUE_SCORE = 1 + (1 - ndtr((EDGES - FEELING[:, None]) / np.sqrt(LENIENT**2 + TASTE**2 + MOMENT**2))).sum(axis=1)
TRUE_SHARE = ndtr(READY["view"] / np.hypot(1, SKILL))
TRUE_GAIN = TRUE_SHARE.mean() - ndtr(READY["plain"] / np.hypot(1, SKILL))


def study(draw):
    """One study's answers."""
    lenient, skill, slow = draw.normal(0, (LENIENT, SKILL, 0.5), (N_RATERS, 3)).T
    feeling = FEELING + lenient[:, None] + draw.normal(0, TASTE, (N_RATERS, 4))
    first, second = (1 + np.searchsorted(EDGES, draw.normal(feeling, MOMENT)) for _ in range(2))
    ready = {kind: draw.normal(READY[kind] + skill[:, None], 1, (N_RATERS, 4)) > 0 for kind in READY}
    seconds = {kind: np.exp(draw.normal(3 + slow[:, None], 0.5, (N_RATERS, 4))) for kind in READY}
    answers = []
    for i in range(N_RATERS):
        who = f"rater {i:02}"
        for j, view in enumerate(VIEWS):
            task = TASKS[j % 2]
            with_map = FASTER * float(seconds["view"][i, j])
            quiz = {"task": task, "right": bool(ready["view"][i, j]), "chance": 0.5, "task_seconds": with_map}
            answers.append(Answer(who, view, "view", view=view, score=int(first[i, j]), seconds=20.0, **quiz))
            alone = {"right": bool(ready["plain"][i, j]), "task_seconds": float(seconds["plain"][i, j])}
            answers.append(Answer(who, f"{view} alone", "plain", view=view, task=task, **alone))
        answers.append(Answer(who, "again", "repeat", view=VIEWS[i % 4], score=int(second[i, i % 4])))
        answers.append(Answer(who, "noise", "null", score=5 if i < CREDULOUS else 1 + i % 3))
        answers.append(Answer(who, "check", "check", right=i >= INATTENTIVE))
    return answers


@pytest.fixture(scope="module")
def told():
    """What the analysis said in each study: does a range cover the truth, is p at most 0.05, who was named?"""
    covered, significant, named = defaultdict(list), defaultdict(list), defaultdict(list)

    def note(what, found, truth):
        covered[what].append(found.low is not None and found.low <= truth <= found.high)

    draw = np.random.default_rng(2)
    for _ in range(N_STUDIES):
        answers = study(draw)
        for i, opinion in enumerate(of_views(answers).values()):
            note("scores", opinion.understandability, TRUE_SCORE[i])
            note("accuracy", opinion.accuracy, TRUE_SHARE[i])
        for one, other in ((0, 2), (1, 3), (0, 1), (2, 3)):
            found = contrast(answers, VIEWS[one], VIEWS[other])
            note("contrasts", found.size, TRUE_SCORE[one] - TRUE_SCORE[other])
            significant["contrast" if TRUE_SCORE[one] == TRUE_SCORE[other] else "true contrast"].append(found.p <= 0.05)
        adds = with_and_without(answers)
        note("gain", adds.accuracy.size, TRUE_GAIN)
        note("ratio of seconds", adds.seconds.size, FASTER)
        for effect in mixed(answers, LEVELS).effects:
            note(
                f"effect of {effect.factor}",
                effect.size,
                TRUE_SCORE[2] - TRUE_SCORE[0] if effect.level == "smooth" else 0,
            )
            significant[effect.factor].append(effect.p <= 0.05)
        people = checks(answers)
        named["inattentive"].append(people.failed)
        named["credulous"].append(people.noise_seers)
        named["within one"].append(people.consistency.within_one)
        named["spread"].append(spread_of(answers))
    return covered, significant, named


@pytest.mark.parametrize(
    "what",
    ["scores", "accuracy", "contrasts", "gain", "ratio of seconds", "effect of preparation", "effect of model"],
)
def test_ranges_cover_the_truth_as_often_as_they_say(told, what):
    covered = told[0][what]
    assert len(covered) >= N_STUDIES
    assert 0.92 < np.mean(covered) < 0.98


@pytest.mark.parametrize("what", ["contrast", "model"])
def test_what_is_not_there_is_found_in_one_study_of_twenty(told, what):
    assert 0.03 < np.mean(told[1][what]) < 0.07


@pytest.mark.parametrize("what", ["true contrast", "preparation"])
def test_what_is_there_is_found_far_more_often(told, what):
    assert np.mean(told[1][what]) > 0.5


def test_those_who_fail_checks_and_those_who_see_noise_are_named(told):
    assert set(told[2]["inattentive"]) == {("rater 00", "rater 01")}
    assert set(told[2]["credulous"]) == {("rater 00",)}


def test_people_repeat_themselves_about_as_often_as_they_were_made_to(told):
    """The second rating is as far from the first as two moments of the same person are."""
    draw = np.random.default_rng(0)
    feeling = FEELING + draw.normal(0, np.hypot(LENIENT, TASTE), (100_000, 4))
    first, second = (np.searchsorted(EDGES, draw.normal(feeling, MOMENT)) for _ in range(2))
    assert np.mean(told[2]["within one"]) == pytest.approx((abs(first - second) <= 1).mean(), abs=0.01)


def test_the_spread_of_a_study_is_about_that_of_its_people(told):
    """With one repeat each it is rough; 12 people's answers give it on average."""
    found = np.array([[one.rater, np.hypot(one.residual, one.slope)] for one in told[2]["spread"]])
    assert found.mean(axis=0) == pytest.approx([LENIENT, np.hypot(TASTE, MOMENT)], abs=0.08)
