"""Groups that are in the data stand on every map; groups that only a drawing makes are told to be that."""

import numpy as np
import pytest

from core.crosscheck import CrossCheck, agreement, crosscheck, overlap, renumbered
from core.projection import ProjectionSpec, project

METHODS = ("pca", "tsne")


def drawn(vectors: np.ndarray) -> list[np.ndarray]:
    return [project(vectors, ProjectionSpec(method), lambda *_: None).xy for method in METHODS]


def said_of(found: CrossCheck) -> list[str]:
    return [one.message.format(**one.facts) for one in found.told]


def messages(vectors: np.ndarray) -> list[str]:
    return said_of(crosscheck(vectors, drawn(vectors), METHODS))


def test_three_planted_groups_are_told_to_stand_on_every_map():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(240, 32)) + 8 * np.eye(32)[np.repeat([0, 1, 2], 80)]
    assert messages(vectors) == [
        "Groups of stretches that the model itself keeps apart: 3.",
        "All of them can be seen on every map.",
    ]


@pytest.mark.parametrize("seed", range(4))
def test_in_noise_there_is_nothing_to_see_whatever_the_drawing_shows(seed):
    said = messages(np.random.default_rng(seed).normal(size=(240, 32)))
    assert said[0].startswith("No separate groups")
    assert all("the drawing may have made them" in one for one in said[1:])


def test_groups_that_a_map_lays_over_each_other_are_told():
    """Six groups in six directions: two directions cannot hold them, neighbour by neighbour they come apart."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(300, 32)) + 8 * np.eye(32)[np.repeat(np.arange(6), 50)]
    said = messages(vectors)
    assert said[0] == "Groups of stretches that the model itself keeps apart: 6."
    assert any("seen only on tsne" in one for one in said[1:])


def test_groups_that_only_a_drawing_parts_are_told_by_the_map_that_shows_them():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(240, 32))
    true = vectors[:, :2]
    parted = true + 6 * (np.arange(240) % 2)[:, None]
    found = crosscheck(vectors, [true, parted], ["plain", "parted"])
    assert said_of(found) == [
        "No separate groups: for the model, no stretches stand apart more than by chance.",
        "Other groups, seen only on parted: 2. The model does not keep them apart; the drawing may have made them.",
    ]
    assert found.shown.tolist() == [[False, True]] * 2
    assert not found.apart.any()
    assert not found.n_maps.any()
    assert sorted(map(sorted, (np.flatnonzero(one) % 2 for one in found.groups))) == [[0] * 120, [1] * 120]


def test_each_window_knows_how_many_maps_show_its_group():
    """Three groups; the second map lays the last two over each other, and shows them as one."""
    rng = np.random.default_rng(0)
    group = np.repeat([0, 1, 2], 80)
    vectors = rng.normal(size=(240, 32)) + 8 * np.eye(32)[group]
    every = vectors[:, :3] @ [[1, 0], [-0.5, 0.87], [-0.5, -0.87]]
    glued = rng.normal(size=(240, 2)) + 8 * np.minimum(group, 1)[:, None]
    found = crosscheck(vectors, [every, glued], ["every", "glued"])
    assert said_of(found)[:3] == [
        "Groups of stretches that the model itself keeps apart: 3.",
        "Of these, seen on every map: 1.",
        "Of these, seen only on every: 2. The other maps hide them.",
    ]
    inside = found.model.groups >= 0
    assert inside.mean() > 0.95
    assert (found.n_maps[inside] == np.where(group == 0, 2, 1)[inside]).all()
    assert not found.n_maps[~inside].any()


def test_a_ring_is_told_to_be_an_order():
    turns = np.random.default_rng(0).permutation(np.linspace(0, 2 * np.pi, 240))
    circle = 10 * np.column_stack([np.cos(turns), np.sin(turns)])
    vectors = np.random.default_rng(1).normal(size=(240, 32))
    vectors[:, :2] += circle
    assert said_of(crosscheck(vectors, [vectors[:, :2], circle], ["one", "other"])) == [
        "The model sees a gradual order of the stretches, but no separate groups."
    ]


def test_overlap_is_what_two_groups_share_and_what_they_both_leave_out():
    group = np.arange(10) < 4
    assert overlap(group, group) == 1
    assert overlap(group, ~group) == 0
    assert overlap(group, np.arange(10) < 2) == 2 / 4  # the rests share 6 of 8
    nearly_all, others = np.arange(10) < 9, np.arange(10) > 0
    assert overlap(nearly_all, others) == 0  # they share 8 of 10, and leave out different ones


def test_groups_get_the_numbers_of_those_they_overlap():
    reference = np.array([0, 0, 0, 1, 1, 1, 2, 2, -1])
    assert renumbered(reference, np.array([1, 1, 1, 0, 0, -1, -1, -1, -1])).tolist() == [0, 0, 0, 1, 1, -1, -1, -1, -1]
    assert renumbered(reference, np.array([0, 0, 0, 0, 0, 0, 1, 1, 2])).tolist() == [0, 0, 0, 0, 0, 0, 2, 2, 3]
    assert renumbered(np.full(3, -1), np.array([0, 1, -1])).tolist() == [0, 1, -1]
    assert renumbered(reference, np.full(9, -1)).tolist() == [-1] * 9


def test_pictures_agree_with_themselves_and_by_chance_with_others():
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 400, 2))
    agreed, pairs = agreement([one, one @ [[0, 1], [-1, 0]], other])
    assert pairs[0, 1] == pytest.approx(1)
    assert abs(pairs[0, 2]) < 0.02
    assert agreed.mean() == pytest.approx(1 / 3, abs=0.02)


def test_a_window_that_is_elsewhere_on_one_map_agrees_least():
    rng = np.random.default_rng(0)
    one = rng.normal(size=(200, 2))
    other = one.copy()
    other[7] += 3
    agreed, _pairs = agreement([one, other])
    assert agreed.argmin() == 7
