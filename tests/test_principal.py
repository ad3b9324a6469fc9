import numpy as np
import pytest
from sklearn.decomposition import PCA

from core import parallel
from core import principal as module
from core.principal import principal
from core.series import Floats


def stretched(n: int = 400, d: int = 30) -> Floats:
    """Each direction half as long as the one before, turned, and far from zero."""
    rng = np.random.default_rng(0)
    turn, _ = np.linalg.qr(rng.normal(size=(d, d)))
    return rng.normal(size=(n, d)) * 0.5 ** np.arange(d) @ turn + 50


def test_directions_and_shares_are_those_of_scikit_learn_up_to_their_sign():
    x, theirs = stretched(), PCA(5, svd_solver="full").fit(stretched())
    ours = principal(x, 5)
    np.testing.assert_allclose(np.abs(np.sum(ours.axes * theirs.components_, axis=1)), 1, atol=1e-9)
    np.testing.assert_allclose(ours.shares, theirs.explained_variance_ratio_, atol=1e-9)
    np.testing.assert_allclose(np.abs(ours.along(x, 5)), np.abs(theirs.transform(x)), atol=1e-6)


def test_reading_piece_by_piece_from_a_file_changes_nothing(tmp_path, monkeypatch):
    x = stretched().astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    whole = principal(x, 3)
    monkeypatch.setattr(module, "PIECE", 64)
    pieces = principal(np.load(tmp_path / "x.npy", mmap_mode="r"), 3)
    np.testing.assert_allclose(pieces.axes, whole.axes, atol=1e-7)
    np.testing.assert_allclose(pieces.along(x, 2), whole.along(x, 2), atol=1e-5)


def test_of_many_columns_the_directions_are_nearly_the_same(monkeypatch):
    exact = principal(stretched(), 4)
    monkeypatch.setattr(module, "MOST_COLUMNS", 10)
    near = principal(stretched(), 4)
    np.testing.assert_allclose(np.sum(near.axes * exact.axes, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(near.shares, exact.shares, atol=1e-6)


@pytest.mark.parametrize("most", [2048, 10])
def test_directions_are_the_same_on_any_number_of_threads(most, monkeypatch):
    monkeypatch.setattr(module, "MOST_COLUMNS", most)
    monkeypatch.setattr(module, "PIECE", 64)
    found = []
    for n in (1, 3):
        monkeypatch.setattr(parallel, "n_cores", lambda n=n: n)
        found.append(principal(stretched(), 4).axes)
    assert (found[0] == found[1]).all()


def test_the_largest_entry_of_each_axis_is_positive_so_that_a_map_is_never_mirrored_by_chance():
    axes = principal(stretched(), 6).axes
    assert (axes[np.arange(6), np.abs(axes).argmax(axis=1)] > 0).all()


def test_there_are_no_more_directions_than_columns_or_rows_and_the_rest_is_flat():
    line = principal(np.arange(5.0)[:, None], 10)
    assert line.axes.shape == (1, 1)
    assert line.along(np.array([[4.0], [9.0]]), 2).tolist() == [[2.0, 0.0], [7.0, 0.0]]
    assert principal(stretched(3, 8), 10).axes.shape == (3, 8)
