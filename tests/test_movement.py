"""What moved is told from what only turned, and from what chance would leave in place."""

import numpy as np
import pytest

from core.movement import kept, likeness, movement, of_windows
from core.neighbours import nearest


def cloud(n: int = 300, d: int = 8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)) * np.geomspace(3, 0.5, d) + 5


def turn(d: int, seed: int = 1) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(d, d)))[0]


def debiased_by_hand(x: np.ndarray, y: np.ndarray) -> float:
    """HSIC_1 as its authors write it, from matrices of kernels without their diagonals."""

    def hsic(k: np.ndarray, l: np.ndarray) -> float:  # noqa: E741
        n, one = len(k), np.ones(len(k))
        k, l = k - np.diag(np.diag(k)), l - np.diag(np.diag(l))  # noqa: E741
        mixed = (one @ k @ one) * (one @ l @ one) / ((n - 1) * (n - 2)) - 2 / (n - 2) * (one @ k @ l @ one)
        return (np.trace(k @ l) + mixed) / (n * (n - 3))

    k, l = x @ x.T, y @ y.T  # noqa: E741
    return hsic(k, l) / np.sqrt(hsic(k, k) * hsic(l, l))


def test_what_did_not_move_is_the_same():
    found = movement(cloud(), cloud())
    assert found.displacement == 0.0
    assert (found.cka, found.cka_debiased, found.kept) == pytest.approx((1, 1, 1))
    assert found.chance == 10 / 299


def test_what_turned_has_moved_but_looks_the_same():
    x = cloud()
    found = movement(x, x @ turn(8) * 7 + 3)
    assert found.displacement > 1
    assert (found.cka, found.cka_debiased, found.kept) == pytest.approx((1, 1, 1))


def test_one_window_that_moves_alone_is_seen_in_units_of_the_spread():
    x = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])  # all at distance 1 from their mean
    y = x.copy()
    y[2] = [3.0, 5.0]
    np.testing.assert_array_equal(of_windows(x, y), [0, 0, 5, 0])
    np.testing.assert_allclose(of_windows(100 * x + 9, 100 * y + 9), [0, 0, 5, 0])
    assert movement(x, y).displacement == 1.25


@pytest.mark.parametrize(("n", "d"), [(300, 8), (60, 200)])
def test_noise_keeps_as_much_as_chance_does(n, d):
    x, y, rng = cloud(n, d, 0), cloud(n, d, 1), np.random.default_rng(2)
    found = movement(x, y)
    shuffled = [likeness(x, y[rng.permutation(n)]) for _ in range(200)]
    by_chance, without_bias = (np.array([getattr(one, name) for one in shuffled]) for name in ("cka", "debiased"))
    assert found.kept == pytest.approx(found.chance, abs=0.03)
    assert found.cka_chance == pytest.approx(by_chance.mean(), rel=0.02)
    assert found.cka == pytest.approx(found.cka_chance, abs=4 * by_chance.std())
    assert abs(without_bias.mean()) < 4 * without_bias.std() / np.sqrt(200)
    assert abs(found.cka_debiased) < 4 * without_bias.std()


def test_many_directions_alone_make_noise_look_alike_unless_the_bias_is_taken_away():
    found = movement(*(np.random.default_rng(seed).normal(size=(60, 200)) for seed in (0, 1)))
    assert found.cka > 0.7
    assert found.cka_chance == pytest.approx(found.cka, abs=0.02)
    assert abs(found.cka_debiased) < 0.1


@pytest.mark.parametrize(("n", "d", "e"), [(40, 5, 5), (12, 30, 7), (4, 3, 3)])
def test_likeness_is_that_of_two_other_ways_to_compute_it(n, d, e):
    x = cloud(n, d)
    y = np.tanh(x @ np.random.default_rng(3).normal(size=(d, e))) + 0.1 * cloud(n, e, 4)
    found = likeness(x, y)
    assert found.debiased == pytest.approx(debiased_by_hand(x, y))
    centring = np.eye(n) - 1 / n
    k, other = centring @ x @ x.T @ centring, centring @ y @ y.T @ centring
    assert found.cka == pytest.approx((k * other).sum() / np.sqrt((k**2).sum() * (other**2).sum()))


def test_likeness_does_not_depend_on_pieces_units_or_precision(monkeypatch):
    x, y = cloud(500, 6, 0), cloud(500, 6, 0) + cloud(500, 6, 1)
    whole = likeness(x, y)
    monkeypatch.setattr("core.principal.PIECE", 37)
    for found in (likeness(x, y), likeness(1e-6 * x, 1e6 * y - 3e6), likeness(x.astype(np.float32), y)):
        assert found.cka == pytest.approx(whole.cka, rel=1e-4)
        assert found.debiased == pytest.approx(whole.debiased, rel=1e-4)


def test_an_embedding_that_is_the_same_everywhere_has_no_likeness_and_no_unit_to_move_in():
    x, flat = cloud(), np.full((300, 8), 0.1)
    assert movement(x, flat).cka is None
    assert movement(x, flat).cka_debiased is None
    collapsed = movement(flat, x)
    assert (collapsed.displacement, collapsed.cka, collapsed.cka_chance) == (None, None, None)
    assert movement(flat, flat).displacement == 0.0


def test_embeddings_of_two_widths_have_likeness_and_neighbours_but_no_distance():
    x = cloud()
    wide = np.hstack([x, np.zeros((300, 3))])
    with pytest.raises(ValueError, match="shapes"):
        movement(x, wide)
    assert likeness(x, wide).cka == pytest.approx(1)
    assert kept(x, wide).min() == 1


def test_neighbours_at_hand_are_used_and_few_windows_are_asked_about_fewer():
    x, y = cloud(), cloud() + 0.3 * cloud(seed=1)
    known = nearest(x, 20), nearest(y, 20)
    assert movement(x, y, 10, known) == movement(x, y, 10)
    assert movement(x[:2], y[:2]).k == 1
    assert movement(x[:12], y[:12]).k == 5
    assert movement(x[:3], y[:3]).cka_debiased is None


def test_kept_falls_step_by_step_with_what_moves():
    x, noise = cloud(), cloud(seed=1)
    shares = [movement(x, x + by * noise).kept for by in (0.01, 0.1, 0.5, 2)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.9 > 0.4 > shares[-1]
