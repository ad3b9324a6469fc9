"""What a picture owes to chance."""

import numpy as np
import pytest
from scipy.spatial import procrustes

from core.projection import ProjectionSpec
from core.stability import posed, stability


def nobody(*_: object) -> None:
    """Nobody watches the progress."""


def test_a_picture_is_turned_mirrored_scaled_and_moved_back_onto_itself():
    xy = np.random.default_rng(0).normal(size=(40, 2)) * [3, 1]
    turned = xy @ [[0.6, 0.8], [0.8, -0.6]] * 0.02 + [7, -3]
    np.testing.assert_allclose(posed(xy, turned), xy, atol=1e-9)


def test_what_is_left_after_posing_is_scipys_disparity():
    rng = np.random.default_rng(1)
    one, other = rng.normal(size=(2, 30, 2))
    disparity = procrustes(one, other)[2]
    left = ((one - posed(one, other)) ** 2).sum() / ((one - one.mean(axis=0)) ** 2).sum()
    assert left == pytest.approx(disparity)


def test_a_picture_of_one_place_is_moved_to_the_middle():
    xy = np.random.default_rng(0).normal(size=(9, 2))
    np.testing.assert_allclose(posed(xy, np.ones((9, 2))), np.tile(xy.mean(axis=0), (9, 1)))


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_groups_hold_their_place_and_noise_in_many_directions_does_not(method):
    rng = np.random.default_rng(0)
    curve = np.linspace(0, 4, 120)
    steady = np.column_stack([curve, np.sin(curve), *0.01 * rng.normal(size=(6, 120))])
    noise = rng.normal(size=(120, 60))
    order, chaos = (stability(x, ProjectionSpec(method), nobody) for x in (steady, noise))
    assert order.n_drawings == chaos.n_drawings == 6
    assert np.median(order.kept) > 0.75
    assert np.median(order.kept) > np.median(chaos.kept) + 0.2
    assert np.median(chaos.moved) > 2 * np.median(order.moved)
    assert order.by_chance == 10 / 119


def test_of_many_windows_a_sample_is_drawn_and_progress_runs_to_its_end(monkeypatch):
    monkeypatch.setattr("core.stability.MOST", 60)
    ticks = []
    found = stability(
        np.random.default_rng(0).normal(size=(300, 4)), ProjectionSpec("tsne"), lambda *tick: ticks.append(tick[:2])
    )
    assert len(found.asked) <= 60
    assert found.asked.max() > 60
    assert ticks == sorted(ticks)
    assert ticks[-1] == (7000, 7000)
