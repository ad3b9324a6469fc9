"""Quizzes: who reads the map answers them, who does not gets what chance gives, and what is sent does not tell."""

import json
from collections import Counter
from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest

from core.notices import Notice
from core.recognition import NO_LABEL, ONE_LABEL, Where
from core.tasks import (
    BETWEEN,
    FEWEST,
    GROUP,
    KINDS,
    MOST,
    N_ALIKE,
    Ground,
    Intruder,
    Joins,
    Odd,
    Same,
    Task,
    draw,
    for_browser,
    judge,
    possible,
)

LENGTH = 40
CLUMPS = np.array([[0.0, 0], [30, 0], [0, 30], [30, 30]])
LABELS = np.array(["normal", "normal", "jam", "wear"])  # two clumps of one label


def clumps(seed: int = 0, each: int = 80, stride: int = LENGTH // 4) -> tuple[Ground, np.ndarray]:
    """Four clumps on a map, each some runs of a recording whose windows overlap, and the clump of each window.

    Rows are in an order drawn by lot, as core.material.shown has them.
    """
    rng = np.random.default_rng(seed)
    clump = np.repeat(rng.permutation(np.repeat(np.arange(4), each // 10)), 10)
    n = len(clump)
    xy, order = CLUMPS[clump] + rng.normal(size=(n, 2)) * 2, rng.permutation(n)
    where = Where(np.zeros(n, np.int64), np.arange(n) * stride, LENGTH)
    return Ground(xy[order], LABELS[clump][order], where.of(order)), clump[order]


GROUND, CLUMP = clumps()
QUIZZES = {kind: draw(kind, GROUND, 200, 1) for kind in KINDS}


def rows_of(task: Task) -> list[int]:
    return [int(row) for name, rows in for_browser(task).items() if name != "kind" for row in np.ravel(rows)]


def overlap(a: int, b: int) -> bool:
    own = GROUND.where
    return own.series[a] == own.series[b] and abs(own.start[a] - own.start[b]) < own.length


def read(task: Task) -> int | str:
    """What somebody answers who sees on the map which clump a window is in, and knows the label of each clump."""
    label = [str(LABELS[CLUMP[row]]) for row in range(len(CLUMP))]
    match task:
        case Intruder():
            seen = [CLUMP[row] for row in task.options]
            return next(i for i, one in enumerate(seen) if seen.count(one) == 1)
        case Odd():
            place = np.mean(GROUND.xy[CLUMP[task.example] == CLUMP], axis=0)
            return int(np.linalg.norm(GROUND.xy - place, axis=1).argmin())
        case Same():
            one, other = (label[rows[0]] for rows in task.groups)
            return "same" if one == other else "different"
        case Joins():
            return [label[rows[0]] for rows in task.groups].index(label[task.hidden])
    raise AssertionError(task)


# Who answers what


@pytest.mark.parametrize("kind", KINDS)
def test_who_reads_the_map_is_right(kind):
    right = [judge(task, read(task), has_map=True) for task in QUIZZES[kind]]
    assert len(right) >= 40
    assert np.mean(right) >= 0.95


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("has_map", [True, False])
def test_who_clicks_at_random_is_right_as_often_as_chance_says(kind, has_map):
    rng, right = np.random.default_rng(0), []
    for task in QUIZZES[kind]:
        for _ in range(20):
            choices = list(task.choices(has_map))
            right.append(judge(task, choices[rng.integers(len(choices))], has_map))
    chance = np.mean([task.chance(has_map) for task in QUIZZES[kind]])
    assert abs(np.mean(right) - chance) < 4 * np.sqrt(chance * (1 - chance) / len(right))


def test_chance_is_one_over_the_options_and_for_the_odd_stretch_the_share_of_its_label():
    assert {task.chance(True) for task in QUIZZES["intruder"]} == {1 / 5}
    assert {task.chance(True) for task in QUIZZES["same"]} == {1 / 2}
    assert {task.chance(True) for task in QUIZZES["joins"]} == {1 / 3}  # three labels
    assert {task.chance(True) for task in QUIZZES["odd"]} == {1 / 4}  # one clump of four


def test_on_a_line_chance_is_the_share_among_its_own_windows():
    label = np.array(["a"] * 6 + ["b"] * 2 + ["a"] * 10 + ["b"])
    where = Where(np.repeat([0, 1], [8, 11]), np.arange(19) * LENGTH, LENGTH)
    tasks = draw("odd", Ground(np.random.default_rng(0).normal(size=(19, 2)), label, where), 3, 0)
    assert sorted(task.example for task in tasks) == [6, 7, 18]
    for task in tasks:
        assert task.chance(True) == 3 / 19
        assert task.chance(False) == {0: 2 / 8, 1: 1 / 11}[task.line]
        assert set(task.on_line) == set(np.flatnonzero(where.series == task.line))


def test_i_cannot_tell_is_not_right_and_nonsense_is_no_answer():
    for kind, wrong in {
        "intruder": [5, -1, "same", True],
        "same": ["Same", 0],
        "joins": [3, 1.0],
        "odd": [320],
    }.items():
        task = QUIZZES[kind][0]
        assert judge(task, None, has_map=True) is False
        for choice in wrong:
            with pytest.raises(ValueError, match="no answer"):
                judge(task, choice, has_map=True)


def test_on_a_line_nothing_can_be_tapped_that_does_not_lie_there():
    task = Odd((0, 5), example=0, n=6, line=0, on_line=(0, 1, 2))
    assert judge(task, 5, has_map=True)
    with pytest.raises(ValueError, match="no answer"):
        judge(task, 5, has_map=False)


# What a quiz is


def test_an_intruder_comes_from_elsewhere_and_no_two_options_share_samples():
    for task in QUIZZES["intruder"]:
        [answer] = task.right
        intruder, alike = task.options[answer], [row for row in task.options if row != task.options[answer]]
        assert len(alike) == N_ALIKE
        assert not any(overlap(a, b) for a, b in combinations(task.options, 2))
        assert len({CLUMP[row] for row in alike}) == 1
        assert CLUMP[intruder] != CLUMP[alike[0]]


def test_the_odd_stretch_is_of_the_rarest_label_that_is_not_too_rare():
    label = np.array(["a"] * 60 + ["b"] * 30 + ["c"] * 8 + ["d"] * (FEWEST - 1))
    n = len(label)
    ground = Ground(np.zeros((n, 2)), label, Where(np.zeros(n, int), np.arange(n) * LENGTH, LENGTH))
    [task] = draw("odd", ground, 1, 0)
    assert {label[row] for row in task.right} == {"c"}
    assert task.example in task.right
    assert max(task.chance(True) for task in QUIZZES["odd"]) <= MOST


@pytest.mark.parametrize("kind", ["same", "joins"])
def test_marked_groups_are_pure_apart_and_share_no_samples(kind):
    """Outlines that keep a margin of half the space between groups do not touch."""
    for task in QUIZZES[kind]:
        for rows in task.groups:
            assert len(set(rows)) == GROUP
            assert Counter(GROUND.label[list(rows)]).most_common(1)[0][1] >= 6  # of 7
        for one, other in combinations(task.groups, 2):
            assert not any(overlap(a, b) for a in one for b in other)
            gap = np.linalg.norm(GROUND.xy[list(one)][:, None] - GROUND.xy[list(other)], axis=2).min()
            assert gap > BETWEEN * np.ptp(GROUND.xy, axis=0).max()


def test_same_and_different_come_equally_often_and_same_ones_may_lie_in_different_places():
    answers = Counter(task.right[0] for task in QUIZZES["same"])
    assert answers["same"] == answers["different"]
    places = [{CLUMP[rows[0]] for rows in task.groups} for task in QUIZZES["same"] if task.right == ("same",)]
    assert {0, 1} in places


def test_a_new_curve_is_in_none_of_the_groups_and_shares_no_samples_with_any():
    for task in QUIZZES["joins"]:
        assert not any(overlap(task.hidden, row) for rows in task.groups for row in rows)


def test_the_commonest_label_is_not_the_answer_most_of_the_time():
    """Half of the windows are normal: who says so of every new curve must not do better than chance."""
    asked = Counter(GROUND.label[task.hidden] for task in QUIZZES["joins"][:60])
    assert set(asked.values()) == {20}


# Blind

PLAIN: dict[str, Callable[[list[int]], int]] = {
    "the first": lambda rows: 0,
    "the last": lambda rows: len(rows) - 1,
    "the lowest row": lambda rows: int(np.argmin(rows)),
    "the highest row": lambda rows: int(np.argmax(rows)),
    "the row farthest from the others": lambda rows: int(np.abs(np.array(rows) - np.median(rows)).argmax()),
}


@pytest.mark.parametrize("how", PLAIN)
@pytest.mark.parametrize("kind", ["intruder", "joins"])
def test_no_guess_from_what_is_sent_beats_chance(kind, how):
    options = [[int(np.mean(one)) for one in (for_browser(t).get("options") or t.groups)] for t in QUIZZES[kind]]
    right = [judge(task, PLAIN[how](rows), True) for task, rows in zip(QUIZZES[kind], options, strict=True)]
    chance = np.mean([task.chance(True) for task in QUIZZES[kind]])
    assert np.mean(right) < chance + 3.5 * np.sqrt(chance * (1 - chance) / len(right))


def test_the_group_whose_rows_are_nearest_to_the_new_curves_is_the_answer_by_chance_only():
    def nearest(task: Joins) -> int:
        return int(np.argmin([np.abs(np.array(rows) - task.hidden).mean() for rows in task.groups]))

    right = [judge(task, nearest(task), True) for task in QUIZZES["joins"]]
    assert np.mean(right) < 1 / 3 + 3.5 * np.sqrt(2 / 9 / len(right))


def test_rows_do_not_tell_same_from_different():
    """By any threshold on how far apart the rows of two groups are, and by which has the lower ones."""
    far = np.array([abs(np.mean(task.groups[0]) - np.mean(task.groups[1])) for task in QUIZZES["same"]])
    first = np.array([np.mean(task.groups[0]) < np.mean(task.groups[1]) for task in QUIZZES["same"]])
    same = np.array([task.right == ("same",) for task in QUIZZES["same"]])
    bar = 3.5 * 0.5 / np.sqrt(len(same))
    assert abs(np.mean((far > np.median(far)) == same) - 0.5) < bar
    assert abs(np.mean(first == same) - 0.5) < bar


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_sent_has_rows_alone_and_no_label_and_no_answer(kind):
    fields = {"intruder": {"options"}, "odd": {"example"}, "same": {"groups"}, "joins": {"hidden", "groups"}}
    for task in QUIZZES[kind]:
        sent = for_browser(task)
        assert set(sent) == {"kind"} | fields[kind]
        assert all(isinstance(row, int) for row in rows_of(task))
        text = json.dumps(sent)
        assert not any(name in text for name in ("right", "answer", *LABELS))


# Drawing them


@pytest.mark.parametrize("kind", KINDS)
def test_quizzes_are_all_different_and_the_same_again_from_the_same_seed(kind):
    assert len({frozenset(rows_of(task)) for task in QUIZZES[kind]}) == len(QUIZZES[kind])
    assert draw(kind, GROUND, 8, 5) == draw(kind, GROUND, 8, 5) != draw(kind, GROUND, 8, 6)
    assert len(draw(kind, GROUND, 3, 5)) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_quiz_comes_back_from_json(kind):
    for task in QUIZZES[kind][:20]:
        assert Task.from_json(json.loads(json.dumps(task.to_json()))) == task


def test_without_labels_only_the_intruder_can_be_asked_for():
    kinds, why = possible(Ground(GROUND.xy, None, GROUND.where))
    assert kinds == ("intruder",)
    assert {one.message for one in why.values()} == {NO_LABEL}
    blank = np.full(len(GROUND.xy), "")
    assert possible(Ground(GROUND.xy, blank, GROUND.where))[1]["odd"].message == NO_LABEL
    assert possible(Ground(GROUND.xy, np.char.add(blank, "a"), GROUND.where))[1]["same"].message == ONE_LABEL


def test_all_can_be_asked_for_where_there_is_everything():
    assert possible(GROUND) == (KINDS, {})


def test_what_cannot_be_made_says_why():
    """Of windows that all share samples, and of labels that are nowhere by themselves."""
    n = len(GROUND.xy)
    crowded = Ground(GROUND.xy, GROUND.label, Where(np.zeros(n, int), np.arange(n) % LENGTH, LENGTH))
    mixed = Ground(GROUND.xy, np.random.default_rng(0).permutation(np.array(list("abcdefgh") * (n // 8))), GROUND.where)
    halves = Ground(GROUND.xy, np.repeat(["a", "b"], n // 2), GROUND.where)
    assert set(possible(crowded)[1]) == {"intruder", "same", "joins"}
    assert set(possible(mixed)[1]) == {"same", "joins"}
    assert "odd" in possible(halves)[1]
    for why in (possible(ground)[1] for ground in (crowded, mixed, halves)):
        for notice in why.values():
            assert isinstance(notice, Notice)
            assert "{" not in notice.message.format(**notice.facts)


def test_a_label_that_fills_whole_series_is_not_looked_for_on_a_line():
    """Every series has one label: a line of it would be all right or all wrong."""
    n = len(GROUND.xy)
    where = Where(np.unique(GROUND.label, return_inverse=True)[1], np.arange(n) * LENGTH, LENGTH)
    assert draw("odd", Ground(GROUND.xy, GROUND.label, where), 4, 0) == []
