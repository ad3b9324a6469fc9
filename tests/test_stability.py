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


def thread_and_noise(n: int = 80) -> tuple[np.ndarray, np.ndarray]:
    """A thin curve, that any drawing shows alike, and noise in so many directions that none can."""
    rng = np.random.default_rng(0)
    along = np.linspace(0, 4, n)
    return np.column_stack([along, np.sin(along), *0.01 * rng.normal(size=(6, n))]), rng.normal(size=(n, 60))


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_a_thread_holds_its_place_and_noise_in_many_directions_does_not(method):
    order, chaos = (stability(x, ProjectionSpec(method), nobody) for x in thread_and_noise())
    assert order.n_drawings == chaos.n_drawings == 6
    assert np.median(order.kept) > 0.75
    assert np.median(order.kept) > np.median(chaos.kept) + 0.2
    assert np.median(chaos.moved) > 2 * np.median(order.moved)
    assert order.by_chance == 10 / 79
    assert order.kept_by_samples > chaos.kept_by_samples + 0.2


def test_chance_of_seeds_and_of_samples_are_told_apart_and_pca_has_no_seed():
    _, chaos = thread_and_noise(60)
    drawn, flat = stability(chaos, ProjectionSpec("tsne"), nobody), stability(chaos, ProjectionSpec("pca"), nobody)
    assert flat.kept_by_seeds is None
    assert flat.kept_by_samples == pytest.approx(flat.kept.mean(), abs=0.02)
    assert drawn.kept_by_samples < drawn.kept_by_seeds < 1  # fewer windows change more than other random numbers


def test_a_window_that_the_whole_picture_turns_on_is_told_by_what_moves():
    """One far window holds the second axis of a PCA map: in samples without it, all others lie otherwise."""
    line = np.column_stack([np.linspace(-3, 3, 60), np.zeros(60), 0.5 * np.random.default_rng(0).normal(size=60)])
    held = np.vstack([line, [0, 30, 0]])
    without, with_it = (stability(x, ProjectionSpec("pca"), nobody) for x in (line, held))
    assert np.median(with_it.moved) > np.median(without.moved)
    assert np.median(with_it.kept) < np.median(without.kept)


def test_the_same_seed_gives_the_same_answer():
    _, chaos = thread_and_noise(60)
    one, same, other = (stability(chaos, ProjectionSpec("pca"), nobody, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.kept, same.kept)
    assert one.kept_by_samples != other.kept_by_samples


def test_of_many_windows_a_sample_is_drawn_and_progress_runs_to_its_end(monkeypatch):
    monkeypatch.setattr("core.stability.MOST", 60)
    ticks = []
    vectors = np.random.default_rng(0).normal(size=(300, 4))
    found = stability(vectors, ProjectionSpec("tsne"), lambda *tick: ticks.append(tick[:2]))
    assert 50 < len(found.asked) <= 60 < found.asked.max()
    assert found.kept.shape == found.moved.shape == found.asked.shape
    assert ((found.kept >= 0) & (found.kept <= 1)).all()
    assert ticks == sorted(ticks)
    assert ticks[-1] == (7000, 7000)
