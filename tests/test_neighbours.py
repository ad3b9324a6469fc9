import numpy as np
import pytest

from core import neighbours, parallel
from core.neighbours import distances_to, nearest, nearest_of, nearest_to
from core.series import Floats, Ints


def rows(n: int = 300, d: int = 20, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(size=(n, d))


def by_hand(x: Floats, k: int) -> tuple[Ints, Floats]:
    """Every distance, one by one; equal ones in the order of the rows."""
    apart = np.sqrt(((x[:, None] - x[None]) ** 2).sum(axis=2))
    np.fill_diagonal(apart, np.inf)
    ids = np.argsort(apart, axis=1, kind="stable")[:, :k]
    return ids, np.take_along_axis(apart, ids, axis=1)


def recall(found: Ints, true: Ints) -> float:
    return float(np.mean([np.isin(t, f).mean() for t, f in zip(true, found, strict=True)]))


@pytest.mark.parametrize(
    "x",
    [
        pytest.param(rows(), id="plain"),
        pytest.param(rows(d=1), id="one feature"),
        pytest.param(rows(n=6), id="hardly any"),
        pytest.param(1e-12 * rows(), id="a tiny unit"),
        pytest.param(1e12 * rows(), id="a huge unit"),
        pytest.param(rows() + 1e5, id="far from zero"),
        pytest.param(rows().astype(np.float32), id="float32"),
        pytest.param(np.concatenate([rows(150), rows(150) + 1e-4 * rows(150, seed=1)]), id="pairs close together"),
    ],
)
def test_neighbours_are_those_found_one_by_one(x):
    found, (ids, distances) = nearest(x, 5), by_hand(x.astype(np.float64), 5)
    assert (found.ids == ids).all()
    np.testing.assert_allclose(found.distances, distances, atol=1e-6 * x.std())


def test_equal_rows_are_at_no_distance_and_come_in_their_order():
    x = np.repeat(rows(3), [4, 4, 2], axis=0)
    found = nearest(x, 3)
    assert found.ids[0].tolist() == [1, 2, 3]
    assert found.ids[6].tolist() == [4, 5, 7]
    assert (found.distances[:8] == 0).all()
    assert found.ids[9, 0] == 8


def test_more_neighbours_begin_with_the_fewer():
    few, many = nearest(rows(), 5), nearest(rows(), 40)
    assert (many.ids[:, :5] == few.ids).all()
    assert (many.distances[:, :5] == few.distances).all()


def test_distances_survive_being_kept_as_float32():
    distances = nearest(rows(), 5).distances
    assert (distances.astype(np.float32) == distances).all()


@pytest.mark.parametrize("most", [20_000, 500])  # exact, and along principal directions
def test_neighbours_are_the_same_on_any_number_of_threads(most, monkeypatch):
    monkeypatch.setattr(neighbours, "EXACT", most)
    x, found = rows(1100, 40), []
    for n in (1, 2, 5):
        monkeypatch.setattr(parallel, "n_cores", lambda n=n: n)
        found.append(nearest(x, 10))
    assert all((one.ids == found[0].ids).all() for one in found)
    assert all((one.distances == found[0].distances).all() for one in found)


def test_of_many_rows_nearly_all_neighbours_are_found_whether_few_directions_matter_or_all(monkeypatch):
    rng = np.random.default_rng(0)
    few = rng.normal(size=(1200, 5)) @ rng.normal(size=(5, 40)) + 0.05 * rng.normal(size=(1200, 40))
    monkeypatch.setattr(neighbours, "EXACT", 1000)
    for x in (few, rows(1200, 40)):
        true, _ = by_hand(x, 10)
        assert recall(nearest(x, 10).ids, rng.permutation(true)) < 0.05
        assert recall(nearest(x, 10).ids, true) >= 0.99


def test_new_rows_find_the_old_ones_and_an_old_one_finds_itself():
    old, new = rows(200), rows(30, seed=1)
    apart = np.sqrt(((new[:, None] - old[None]) ** 2).sum(axis=2))
    found = nearest_of(old, new, 200)
    assert (found.ids == np.argsort(apart, axis=1)).all()
    np.testing.assert_allclose(found.distances, np.sort(apart, axis=1), rtol=1e-5)
    assert (nearest_of(old, old[5:9], 1).ids[:, 0] == [5, 6, 7, 8]).all()


def test_distances_are_those_asked_for():
    x, ids = rows(40), np.random.default_rng(0).integers(40, size=(40, 3))
    np.testing.assert_allclose(distances_to(x, ids), np.linalg.norm(x[:, None] - x[ids], axis=2), rtol=1e-5)


def test_the_rows_next_to_a_pick_are_none_of_the_pick():
    x = np.array([[0.0], [1.0], [5.0], [5.5], [7.0], [100.0]])
    assert nearest_to(x, np.array([2, 3]), 2).tolist() == [4, 1]
    assert nearest_to(x, np.arange(6), 2).tolist() == []


@pytest.mark.parametrize("k", [0, 10])
def test_neighbours_that_cannot_be_are_a_programming_error(k):
    with pytest.raises(ValueError, match="of 10 points"):
        nearest(rows(10), k)
