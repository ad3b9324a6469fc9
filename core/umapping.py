"""UMAP: the graph and the forces are umap-learn's, the optimiser is our own.

umap-learn's optimiser gives the same picture twice only on one thread. Here each point moves itself alone, between
places where the others were one epoch before, and lots are drawn by number (seed, epoch, edge): the picture does not
depend on how many threads there are, and is as good (`bench projection` compares). The graph is computed here too:
umap-learn compiles for seconds in every process before its first one. A test compares both.

Source: McInnes, Healy & Melville 2018, "UMAP: Uniform Manifold Approximation and Projection".
"""

from collections.abc import Generator
from typing import Any

import numpy as np

from core.neighbours import Neighbours, nearest_of
from core.parallel import Team, compiled
from core.series import Floats

SIZE = 10.0  # of the start, across its longer side
RATE = 0.25  # of learning, at first; umap-learn's 1.0 throws points too far when all of them move at a time
PLACING = 100  # epochs for new points
NEGATIVES = 5  # points that are pushed away for each pull


def pictures(known: Neighbours, k: int, min_distance: float, start: Floats, seed: int, total: int) -> Generator[Any]:
    """What the map looks like after each of `total` epochs, (n, 2); k counts the window itself."""
    n = len(start)
    forces = _Forces(graph(known, k), total, min_distance, seed)
    low, high = start.min(axis=0), start.max(axis=0)
    lots = np.random.default_rng(seed).normal(scale=1e-4, size=(n, 2))
    xy = (SIZE * (start - low) / (high - low).max() + lots).astype(np.float32)
    with Team() as team:
        for epoch in range(total):
            xy = forces.moved(xy, xy, epoch, RATE * (1 - epoch / total), team)
            yield xy


def graph(known: Neighbours, k: int) -> Any:
    """umap-learn's fuzzy_simplicial_set: (n, n) sparse, symmetric, how surely two windows are neighbours."""
    from scipy.sparse import csr_array

    n = len(known.ids)
    ids, distances = known.ids, known.distances
    closest = np.where(distances > 0, distances, np.inf).min(axis=1)
    weights = memberships(distances, np.where(np.isfinite(closest), closest, 0.0), k)
    each = csr_array((weights.ravel(), ids.ravel(), np.arange(0, ids.size + 1, ids.shape[1])), shape=(n, n))
    return (each + each.T - each * each.T).tocsr()


def memberships(distances: Floats, closest: Floats, k: int) -> Floats:
    """exp(-(distance - closest) / σ), where each row's σ is such that they sum to log2 k; section 3.1 of the source.

    Args:
        distances: (m, j), the nearest first.
        closest: (m,), distance up to which a neighbour is one for sure.
    """
    beyond = np.maximum(distances - closest[:, None], 0.0)
    low, high, scale = np.zeros(len(beyond)), np.full(len(beyond), np.inf), np.ones(len(beyond))
    for _ in range(64):
        many = np.exp(-beyond / scale[:, None]).sum(axis=1) > np.log2(k)
        low, high = np.where(many, low, scale), np.where(many, scale, high)
        scale = np.where(np.isinf(high), 2 * scale, (low + high) / 2)
    mean = np.where(closest > 0, distances.sum(axis=1) / k, distances.sum() / (k * len(distances)))
    scale = np.maximum(scale, np.maximum(1e-3 * mean, 1e-300))
    found: Floats = np.exp(-beyond / scale[:, None])
    return found


def curve(min_distance: float) -> tuple[float, float]:
    """a, b for which 1 / (1 + a d^2b) comes closest to 1 up to the least distance and exp(-(d - least)) beyond."""
    from scipy.optimize import curve_fit

    d = np.linspace(0, 3, 300)
    wanted = np.where(d < min_distance, 1.0, np.exp(-(d - min_distance)))
    (a, b), _ = curve_fit(lambda d, a, b: 1 / (1 + a * d ** (2 * b)), d, wanted)
    return float(a), float(b)


def place(vectors: Floats, xy: Floats, k: int, min_distance: float, new: Floats, seed: int) -> Floats:
    """umap-learn's transform: each new point alone among the old ones, which do not move."""
    from scipy.sparse import csr_array

    m, k = len(new), min(k, len(vectors))
    known = nearest_of(vectors, new, k)
    weights = memberships(known.distances, np.zeros(m), k)
    near = csr_array((weights.ravel(), known.ids.ravel(), np.arange(0, m * k + 1, k)), shape=(m, len(xy)))
    forces = _Forces(near, PLACING, min_distance, seed)
    points = ((near @ xy) / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    others = xy.astype(np.float32)
    with Team() as team:
        for epoch in range(PLACING):
            points = forces.moved(points, others, epoch, RATE * (1 - epoch / PLACING), team)
    return np.asarray(points, np.float64)


class _Forces:
    """Edges pull, the surer the more often, and lots decide which points push."""

    def __init__(self, near: Any, total: int, min_distance: float, seed: int) -> None:
        near.data[near.data < near.data.max() / total] = 0  # would not pull even once
        near.eliminate_zeros()
        near.sort_indices()
        share = near.data / near.data.max()  # of the epochs, in which an edge pulls
        self._edges = (near.indptr.astype(np.int64), near.indices.astype(np.int64), share)
        self._curve, self._seed = curve(min_distance), seed % 2**63

    def moved(self, points: Any, others: Any, epoch: int, rate: float, team: Team) -> Any:
        """Points (m, 2) after an epoch among others (n, 2), which may be the same ones; all float32."""
        same = points is others
        # Half of a pull comes before lots push and half after, or others would always see a point just pushed away.
        # Among the same ones each edge is there in both directions and pulls both its ends: a point moves twice as far.
        how = tuple(np.float32(one) for one in (*self._curve, rate, rate * (1.0 if same else 0.5)))
        moved = np.empty_like(points)
        team.rows(_epoch, len(points), points, others, same, self._edges, how, (self._seed, epoch), moved)
        return moved


# --- compiled; in float32, as umap-learn: powers take a third of the time


@compiled
def _epoch(
    begin: int, end: int, points: Any, others: Any, same: bool, edges: Any, how: Any, lots: Any, moved: Any
) -> None:
    first, ids, share = edges
    a, b, push, pull = how
    seed, epoch = lots
    one, two, close = np.float32(1), np.float32(2), np.float32(0.001)
    n = np.uint64(len(others))
    for i in range(begin, end):
        x, y = points[i]
        for e in range(first[i], first[i + 1]):
            if np.floor((epoch + 1) * share[e]) == np.floor(epoch * share[e]):
                continue
            x, y = _pulled(x, y, others[ids[e]], a, b, pull)
            for lot in range(NEGATIVES):
                j = np.int64((_mixed(seed, epoch, e, lot) >> np.uint64(32)) * n >> np.uint64(32))
                dx, dy = x - others[j, 0], y - others[j, 1]
                d2 = dx * dx + dy * dy
                if d2 > 0 and not (same and j == i):
                    force = two * b / ((close + d2) * (a * d2**b + one))
                    x += push * _clipped(force * dx)
                    y += push * _clipped(force * dy)
            x, y = _pulled(x, y, others[ids[e]], a, b, pull)
        moved[i] = x, y


@compiled
def _pulled(x: Any, y: Any, other: Any, a: Any, b: Any, pull: Any) -> Any:
    dx, dy = x - other[0], y - other[1]
    d2 = dx * dx + dy * dy
    if d2 > 0:
        power = d2**b
        force = -np.float32(2) * a * b * power / (d2 * (a * power + np.float32(1)))
        x += pull * _clipped(force * dx)
        y += pull * _clipped(force * dy)
    return x, y


@compiled
def _clipped(value: Any) -> Any:
    return min(np.float32(4), max(np.float32(-4), value))


@compiled
def _mixed(seed: int, epoch: int, edge: int, lot: int) -> Any:
    """A number of 64 bits that looks drawn by lot. Source: Steele, Lea & Flood 2014, "Fast splittable pseudorandom
    number generators", figure 16."""
    z = np.uint64(seed) + np.uint64(epoch) * np.uint64(0x9E3779B97F4A7C15)
    z += np.uint64(NEGATIVES * edge + lot) * np.uint64(0xD6E8FEB86659FD93)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
