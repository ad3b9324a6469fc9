import warnings

import numpy as np
import pytest

from core.neighbours import Neighbours, nearest
from core.series import Floats
from core.umapping import _mixed, curve, graph


@pytest.fixture(scope="module")
def umap_learn():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("umap.umap_")


@pytest.mark.parametrize("least", [0.0, 0.1, 0.5, 1.0])
def test_the_curve_is_umap_learns(umap_learn, least):
    np.testing.assert_allclose(curve(least), umap_learn.find_ab_params(1.0, least), rtol=1e-6)


def test_the_graph_is_umap_learns_also_where_windows_repeat(umap_learn, monkeypatch):
    for name in ("smooth_knn_dist", "compute_membership_strengths"):  # to compile them takes longer than to run them
        monkeypatch.setattr(umap_learn, name, getattr(umap_learn, name).py_func)
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(size=(60, 8)), np.repeat(rng.normal(size=(3, 8)), 25, axis=0)])
    n, k = len(x), 15
    known = nearest(x, k - 1)
    itself = Neighbours(
        np.column_stack([np.arange(n), known.ids]), np.column_stack([np.zeros(n), known.distances]).astype(np.float32)
    )
    theirs, *_ = umap_learn.fuzzy_simplicial_set(
        x,
        k,
        np.random.RandomState(0),
        "euclidean",
        knn_indices=itself.ids,
        knn_dists=itself.distances,
    )
    ours = graph(known, k)
    assert abs(ours - ours.T).max() == 0
    np.testing.assert_allclose(ours.toarray(), theirs.toarray(), atol=1e-4)


def test_every_other_window_is_drawn_about_equally_often():
    """As many lots as five epochs of 2,000 edges; a share of 1/50 has a standard deviation of 0.0006."""
    drawn = np.array(
        [int(_mixed(7, epoch, edge, lot)) >> 32 for epoch in range(5) for edge in range(2000) for lot in range(5)]
    )
    shares = np.bincount(drawn * 50 >> 32, minlength=50) / len(drawn)
    assert np.abs(shares - 1 / 50).max() < 5 * 0.0006
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.02


def test_other_seeds_draw_other_lots():
    def lots(seed: int) -> Floats:
        return np.array([float(int(_mixed(seed, 0, edge, 0))) for edge in range(2000)])

    assert abs(np.corrcoef(lots(0), lots(1))[0, 1]) < 0.1
