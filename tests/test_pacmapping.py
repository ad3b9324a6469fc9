import numpy as np
import pytest

from core.neighbours import Neighbours, nearest
from core.pacmapping import _both_ways, _sum, chosen, further, middle, weights
from core.series import Floats


def test_forces_are_the_slope_of_the_published_loss():
    """Each pair counts once; near and mid-near: w d / (bend + d), further: w / (1 + d), where d = 1 + distance²."""
    rng = np.random.default_rng(0)
    n, weight = 12, np.array([3.0, 2.0, 1.5])
    pairs = tuple(np.array([rng.permutation(np.delete(np.arange(n), i))[:m] for i in range(n)]) for m in (3, 2, 4))
    xy, forces = rng.normal(size=(n, 2)), np.empty((n, 2))
    _sum(0, n, xy, _both_ways(pairs, n), weight, forces)

    def loss(xy: Floats) -> float:
        near, mid, far = (1 + ((xy[:, None] - xy[ids]) ** 2).sum(axis=2) for ids in pairs)
        parts = (near / (10 + near)).sum(), (mid / (10_000 + mid)).sum(), (1 / (1 + far)).sum()
        return float(weight @ parts)

    for i, c in ((0, 0), (5, 1), (11, 0)):
        step = np.zeros((n, 2))
        step[i, c] = 1e-5
        assert forces[i, c] == pytest.approx((loss(xy + step) - loss(xy - step)) / 2e-5, rel=1e-4)


def test_the_whole_is_laid_out_before_the_details():
    assert weights(0) == (2.0, 1000.0, 1.0)
    assert weights(50) == pytest.approx((2.0, 501.5, 1.0))
    assert weights(100) == weights(199) == (3.0, 3.0, 1.0)
    assert weights(200) == weights(449) == (1.0, 0.0, 1.0)


def test_neighbours_are_chosen_by_distance_in_each_others_scale():
    """Row 0 has two candidates at equal distance, one in a crowd and one alone, which is nearer by its own scale."""
    ids = np.array([[1, 2], [0, 2], [0, 1]])
    known = Neighbours(ids, np.array([[1.0, 1.0], [0.1, 0.1], [5.0, 5.0]]))
    assert chosen(known, 1)[0].tolist() == [2]


def test_mid_near_windows_are_nearer_than_chance_and_further_ones_are_no_neighbours():
    x, rng = np.random.default_rng(0).normal(size=(200, 3)), np.random.default_rng(1)
    near = nearest(x, 10).ids
    itself = np.arange(200)[:, None]
    mid, far = middle(x, 5, rng), further(near, 20, rng)

    def apart(ids: np.ndarray) -> float:
        return float(np.linalg.norm(x[:, None] - x[ids], axis=2).mean())

    assert (mid != itself).all()
    assert (far != itself).all()
    assert not (far[:, :, None] == near[:, None, :]).any()
    assert apart(near) < apart(mid) < 0.8 * apart(far)
