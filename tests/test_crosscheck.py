"""Groups that are in the data stand on every map; groups that only a drawing makes are told to be that."""

import numpy as np
import pytest

from core.crosscheck import agreement, crosscheck
from core.projection import ProjectionSpec, project

METHODS = ("pca", "tsne")


def drawn(vectors: np.ndarray) -> list[np.ndarray]:
    return [project(vectors, ProjectionSpec(method), lambda *_: None).xy for method in METHODS]


def messages(vectors: np.ndarray) -> list[str]:
    return [one.message.format(**one.facts) for one in crosscheck(vectors, drawn(vectors), METHODS).told]


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
