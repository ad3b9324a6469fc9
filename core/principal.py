"""Directions of greatest variance (PCA), of any number of rows: they are read piece by piece."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.parallel import Team, one_thread_products
from core.series import Floats

PIECE = 8192  # rows at a time
MOST_COLUMNS = 2048  # of which directions are found exactly, from the covariances
ROUNDS, SPARE = 10, 20  # of more columns: how often directions are improved, and how many more are tried than asked for


@dataclass(frozen=True, slots=True, eq=False)
class Directions:
    """Longest first."""

    centre: Floats  # (d,)
    axes: Floats  # (k, d), unit length, at right angles; the largest entry of each is positive
    shares: Floats  # (k,), of the total variance

    def along(self, vectors: NDArray[Any], k: int) -> Floats:
        """(n, k) coordinates along the first k axes; 0 along those that do not exist."""
        n, axes = len(vectors), self.axes[:k].T
        xy = np.zeros((n, k))
        for at in range(0, n, PIECE):
            with one_thread_products():
                xy[at : at + PIECE, : axes.shape[1]] = _centred(vectors[at : at + PIECE], self.centre) @ axes
        return xy


def principal(vectors: NDArray[Any], k: int) -> Directions:
    """The first k directions of (n, d) vectors, fewer if there are fewer; no lots are drawn up to 2,048 columns."""
    n, d = vectors.shape
    k = min(k, n, d)
    centre = sum(piece.sum(axis=0, dtype=np.float64) for piece in pieces(vectors)) / n
    with Team() as team, one_thread_products():
        squares = team.map(lambda piece: np.square(_centred(piece, centre)).sum(), pieces(vectors))
        total = float(sum(squares))
        if d <= MOST_COLUMNS:
            axes, variances = _of_covariances(vectors, centre, k, team)
        else:
            axes, variances = _by_iteration(vectors, centre, k, team)
    signs = np.where(axes[np.arange(k), np.abs(axes).argmax(axis=1)] < 0, -1.0, 1.0)
    shares = np.clip(variances, 0, None) / (total or 1.0)
    return Directions(centre, axes * signs[:, None], shares)


def _of_covariances(vectors: NDArray[Any], centre: Floats, k: int, team: Team) -> tuple[Floats, Floats]:
    """(k, d) axes, and the sum of squares along each."""
    from scipy.linalg import eigh

    def product(piece: NDArray[Any]) -> Floats:
        centred = _centred(piece, centre)
        return centred.T @ centred

    d = vectors.shape[1]
    covariances = np.zeros((d, d))
    for one in team.map(product, pieces(vectors)):
        covariances += one
    variances, axes = eigh(covariances, subset_by_index=(d - k, d - 1), overwrite_a=True, check_finite=False)
    return axes.T[::-1], variances[::-1]


def _by_iteration(vectors: NDArray[Any], centre: Floats, k: int, team: Team) -> tuple[Floats, Floats]:
    """Nearly the same for so many columns that their covariances would take too long.

    Source: Halko, Martinsson & Tropp 2011, "Finding structure with randomness", algorithm 4.4.
    """
    n, d = vectors.shape
    basis = np.linalg.qr(np.random.default_rng(0).normal(size=(d, min(k + SPARE, n, d))))[0]

    def improve(piece: NDArray[Any]) -> Floats:
        centred = _centred(piece, centre)
        improved: Floats = centred.T @ (centred @ basis)
        return improved

    for _ in range(ROUNDS):
        better = sum(team.map(improve, pieces(vectors)))
        basis = np.linalg.qr(better)[0]
    inner = basis.T @ sum(team.map(improve, pieces(vectors)))
    variances, turn = np.linalg.eigh((inner + inner.T) / 2)
    return (basis @ turn).T[::-1][:k], variances[::-1][:k]


def pieces(vectors: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Some rows at a time, so that vectors may lie in a file."""
    return (vectors[at : at + PIECE] for at in range(0, len(vectors), PIECE))


def _centred(piece: NDArray[Any], centre: Floats) -> Floats:
    centred: Floats = np.asarray(piece, np.float64) - centre
    return centred
