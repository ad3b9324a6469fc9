import numpy as np
import pytest
from scipy.sparse import random_array

from core.parallel import Team
from core.quadtree import attraction, grow
from core.series import Floats


def pushes(xy: Floats, others: Floats) -> tuple[Floats, Floats]:
    """Every pair, one by one."""
    apart = xy[:, None] - others[None]
    q = 1 / (1 + (apart**2).sum(axis=2))
    return (q[:, :, None] ** 2 * apart).sum(axis=1), q.sum(axis=1)


def scattered(n: int, seed: int = 0) -> Floats:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 2)) * rng.exponential(20, size=(n, 1))


@pytest.mark.parametrize("n", [1, 2, 5, 50, 1500])
def test_the_tree_pushes_about_as_all_pairs_do(n):
    xy, asked = scattered(n), scattered(200, seed=1)
    with Team() as team:
        forces, sums = grow(xy).repulsion(asked, team)
    true, true_sums = pushes(asked, xy)
    error = np.linalg.norm(forces - true) / np.linalg.norm(true)
    chance = np.linalg.norm(np.random.default_rng(0).permutation(true) - true) / np.linalg.norm(true)
    assert error < 0.02 < 0.5 < chance
    assert np.linalg.norm(sums - true_sums) < 0.01 * np.linalg.norm(true_sums)


def test_points_on_top_of_each_other_count_each():
    xy = np.repeat([[0.0, 0.0], [3.0, 4.0]], [100, 200], axis=0)
    with Team() as team:
        forces, sums = grow(xy).repulsion(np.array([[0.0, 0.0]]), team)
    np.testing.assert_allclose(forces, [[-200 * 3 / 26**2, -200 * 4 / 26**2]])
    np.testing.assert_allclose(sums, [100 + 200 / 26])


def test_all_points_in_one_place_push_nobody():
    with Team() as team:
        forces, sums = grow(np.full((30, 2), 7.0)).repulsion(np.full((2, 2), 7.0), team)
    assert (forces == 0).all()
    assert (sums == 30).all()


def test_the_points_of_a_tree_are_the_points_in_its_order():
    xy = scattered(300)
    tree = grow(xy)
    assert (tree.points == xy[tree.order]).all()
    assert sorted(tree.order) == list(range(300))


def test_pulls_are_the_weighted_sum_over_the_points_named():
    near = random_array((40, 60), density=0.2, rng=np.random.default_rng(0)).tocsr()
    xy, others = scattered(40), scattered(60, seed=1)
    apart = xy[:, None] - others[None]
    expected = ((near.toarray() / (1 + (apart**2).sum(axis=2)))[:, :, None] * apart).sum(axis=1)
    with Team() as team:
        np.testing.assert_allclose(attraction(xy, others, near, team), expected)
