"""The nearest neighbours of each window: what neighbour maps are drawn from, and what most numbers on a map compare."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.parallel import Team, one_thread_products
from core.principal import pieces, principal
from core.series import Floats, Ints

EXACT = 20_000  # rows up to which every neighbour is found
FOUND = 0.995  # share of the neighbours that are found above that, measured on a sample of the rows
SAMPLE = 256  # rows
SPARE = 32  # candidates more than neighbours, because candidates are compared in float32
ROWS, COLUMNS = 256, 4096  # of distances at a time

Singles = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """Row i is window i; nearest first, of equally near ones the earlier first; the window itself left out."""

    ids: Ints  # (n, k)
    distances: Floats  # (n, k), Euclidean, rounded to float32: what is kept on disk is the same


def nearest(vectors: Floats, k: int) -> Neighbours:
    """The k nearest other rows of each of n rows, k < n. The same on any number of threads.

    Exact up to 20,000 rows. Above, candidates are found along as many principal directions as it takes to find 99.5 %
    of the neighbours of a sample of the rows, and are then put in order by their whole distance. Measured recall of 90:
    0.999 for 22,600 windows of a machine's temperature (NAB) as the compact model sees them, 0.998 for 100,000 points
    between them, 1.000 for 100,000 in planted groups.
    """
    if not 1 <= k < len(vectors):
        raise ValueError(f"{k} neighbours of {len(vectors)} points")
    with Team() as team, one_thread_products():
        whole = _Rows.of(vectors)
        rough = whole.values if len(vectors) <= EXACT else _fewer_columns(whole.values, k, team)
        n_candidates = min(len(vectors) - 1, k + SPARE if rough is whole.values else 2 * k + SPARE)
        candidates = _candidates(rough, rough, np.arange(len(vectors)), n_candidates, team)
        return whole.in_order(whole.values, candidates, k, team)


def nearest_of(vectors: Floats, new: Floats, k: int) -> Neighbours:
    """The k rows of `vectors` (n, d) nearest to each new one (m, d), k ≤ n. Exact."""
    if not 1 <= k <= len(vectors):
        raise ValueError(f"{k} neighbours of {len(vectors)} points")
    with Team() as team, one_thread_products():
        whole = _Rows.of(vectors)
        asked = whole.like(new)
        nobody = np.full(len(new), -1)
        candidates = _candidates(whole.values, asked, nobody, min(len(vectors), k + SPARE), team)
        return whole.in_order(asked, candidates, k, team)


def distances_to(vectors: Floats, ids: Ints) -> Floats:
    """(n, m) Euclidean distances of each row of (n, d) vectors to the rows ids (n, m)."""
    from core.scanning import squared_distances

    rows, squares = _Rows.of(vectors), np.empty(ids.shape)
    with Team() as team:
        team.rows(squared_distances, len(ids), rows.values, rows.values, ids, squares)
    return rows.scale * np.sqrt(squares)


def nearest_to(vectors: Floats, ids: Ints, k: int) -> Ints:
    """The k windows outside the pick that lie nearest to it, that is to one of it; nearest first.

    Args:
        vectors: (n, d) embedding.
        ids: the pick.
    """
    from sklearn.metrics import pairwise_distances_argmin_min

    others = np.setdiff1d(np.arange(len(vectors)), ids)
    if not len(ids) or not len(others):
        return others[:0]
    _which, distance = pairwise_distances_argmin_min(vectors[others], vectors[ids])
    return others[np.argsort(distance, kind="stable")[:k]]


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Vectors as numbers that float32 can compare, whatever their unit and however far from 0 they lie."""

    values: Singles  # (n, d), within -1 … 1
    centre: Floats  # (d,)
    scale: float  # of the vectors

    @classmethod
    def of(cls, vectors: Floats) -> Self:
        centre = sum(piece.sum(axis=0, dtype=np.float64) for piece in pieces(vectors)) / len(vectors)
        scale = max(float(np.abs(piece - centre).max()) for piece in pieces(vectors)) or 1.0
        return cls(_scaled(vectors, centre, scale), centre, scale)

    def like(self, new: Floats) -> Singles:
        return _scaled(new, self.centre, self.scale)

    def in_order(self, asked: Singles, candidates: Ints, k: int, team: Team) -> Neighbours:
        """The k nearest of each row's candidates (m, c), by distances in float64."""
        from core.scanning import squared_distances

        candidates.sort(axis=1)  # of equally near ones the earlier comes first
        squares = np.empty(candidates.shape)
        team.rows(squared_distances, len(asked), asked, self.values, candidates, squares)
        order = np.argsort(squares, axis=1, kind="stable")[:, :k]
        distances = self.scale * np.sqrt(np.take_along_axis(squares, order, axis=1))
        ids = np.take_along_axis(candidates, order, axis=1)
        return Neighbours(ids, distances.astype(np.float32).astype(np.float64))


def _scaled(vectors: Floats, centre: Floats, scale: float) -> Singles:
    values = np.empty(vectors.shape, np.float32)
    at = 0
    for piece in pieces(vectors):
        values[at : at + len(piece)] = (piece - centre) / scale
        at += len(piece)
    return values


def _candidates(known: Singles, asked: Singles, own: Ints, c: int, team: Team) -> Ints:
    """(m, c) rows of `known` that are about the nearest to each row asked, in any order, `own[i]` left out."""
    from core.scanning import keep_least

    # |x - y|² - |x|² as one product: (-2x, 1) · (y, |y|²)
    right = np.column_stack([known, np.einsum("nd,nd->n", known, known)])
    ids = np.empty((len(asked), c), np.int64)

    def scan(at: int) -> None:
        rows = slice(at, at + ROWS)
        left = np.column_stack([-2 * asked[rows], np.ones(len(asked[rows]), np.float32)])
        kept = np.full((len(left), c), np.inf, np.float32)
        for column in range(0, len(right), COLUMNS):
            keep_least(left @ right[column : column + COLUMNS].T, column, own[rows], kept, ids[rows])

    for _ in team.map(scan, range(0, len(asked), ROWS)):  # always the same pieces: products of others round otherwise
        pass
    return ids


def _fewer_columns(values: Singles, k: int, team: Team) -> Singles:
    """Coordinates along as many principal directions as find nearly all neighbours of a sample of the rows."""
    n, d = values.shape
    sample = np.arange(SAMPLE) * n // SAMPLE
    true = _candidates(values, values[sample], sample, k, team)
    directions = principal(values, d // 2)
    for m in (16, 32, 64, 128, 256):
        if m > d // 2:
            break
        rough = directions.along(values, m).astype(np.float32)
        found = _candidates(rough, rough[sample], sample, 2 * k + SPARE, team)
        if np.mean([np.isin(t, f).mean() for t, f in zip(true, found, strict=True)]) >= FOUND:
            return rough
    return values
