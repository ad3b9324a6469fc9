"""The forces of t-SNE, compiled. Only core/tsne.py calls this.

Repulsion is that of Barnes & Hut: points far away count as one, at the middle of their square. The tree is built from
the points in the order of a Z-shaped curve, so that every square is a run of them. Each point's force is summed by
itself, in an order that does not depend on the number of threads; openTSNE's sums do, and sums are rounded.

Source: van der Maaten 2014, "Accelerating t-SNE using tree-based algorithms".
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.parallel import Team, compiled
from core.series import Floats, Ints

LEVELS = 20  # of squares within squares
LEAF = 4  # points of a square that is not cut up
NEAR = 0.5  # width of a square against its distance, above which it is looked into; the default of every t-SNE


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """Squares, each followed by those within it."""

    order: Ints  # (n,), of the points along the curve
    points: Floats  # (n, 2), in that order
    middles: Floats  # (m, 2)
    widths: Floats  # (m,), squared
    spans: Ints  # (m, 2): first point, and the one after the last
    beyond: Ints  # (m,): the next square that is not within this one
    is_leaf: Any  # (m,)

    def repulsion(self, xy: Floats, team: Team) -> tuple[Floats, Floats]:
        """Σ q² (x - y) over all points y of the tree for each x of xy, and Σ q, where q = 1 / (1 + |x - y|²)."""
        forces, sums = np.empty_like(xy), np.empty(len(xy))
        squares = (self.points, self.middles, self.widths, self.spans, self.beyond, self.is_leaf)
        team.rows(_push, len(xy), xy, *squares, forces, sums)
        return forces, sums


def grow(xy: Floats) -> Tree:
    """A tree over (n, 2) points."""
    low = xy.min(axis=0)
    width = float((xy.max(axis=0) - low).max()) or 1.0
    keys = _along_curve(((xy - low) * ((1 << LEVELS) - 1) / width).astype(np.uint64))
    order = np.argsort(keys, kind="stable")
    points = xy[order]
    return Tree(order, points, *_squares(keys[order], points, width))


def attraction(xy: Floats, others: Floats, near: Any, team: Team) -> Floats:
    """Σ p q (x - y) over the points y of `others` that the sparse matrix `near` (n, m) names for each x."""
    forces = np.empty_like(xy)
    team.rows(_pull, len(xy), xy, others, near.indptr, near.indices, near.data, forces)
    return forces


def _along_curve(cells: Any) -> Any:
    """Bits of both coordinates in turn."""
    for shift, mask in ((16, 0x0000FFFF0000FFFF), (8, 0x00FF00FF00FF00FF), (4, 0x0F0F0F0F0F0F0F0F)):
        cells = (cells | (cells << np.uint64(shift))) & np.uint64(mask)
    for shift, mask in ((2, 0x3333333333333333), (1, 0x5555555555555555)):
        cells = (cells | (cells << np.uint64(shift))) & np.uint64(mask)
    return cells[:, 0] | (cells[:, 1] << np.uint64(1))


@compiled
def _squares(keys: Any, points: Any, width: float) -> Any:
    """Middles, squared widths, spans, beyond and is_leaf of a Tree."""
    n = len(keys)
    most = 2 * n + 1
    middles, widths, spans = np.empty((most, 2)), np.empty(most), np.empty((most, 2), np.int64)
    is_leaf = np.empty(most, np.bool_)
    sums = np.zeros((n + 1, 2))
    for i in range(n):
        sums[i + 1] = sums[i] + points[i]
    waiting = np.empty((3 * LEVELS + 4, 3), np.int64)  # first, after the last, level
    waiting[0] = 0, n, LEVELS
    n_waiting, m = 1, 0
    while n_waiting:
        n_waiting -= 1
        first, last, level = waiting[n_waiting]
        while level and keys[first] >> (2 * level - 2) == keys[last - 1] >> (2 * level - 2):
            level -= 1  # all in one quarter
        middles[m] = (sums[last] - sums[first]) / (last - first)
        widths[m] = (width / (1 << (LEVELS - level))) ** 2
        spans[m] = first, last
        is_leaf[m] = last - first <= LEAF or level == 0
        if not is_leaf[m]:
            end = last
            for quarter in range(3, -1, -1):
                begin = end
                while begin > first and (keys[begin - 1] >> (2 * level - 2)) & 3 == quarter:
                    begin -= 1
                if begin < end:
                    waiting[n_waiting] = begin, end, level - 1
                    n_waiting += 1
                end = begin
        m += 1
    beyond, at = np.empty(m, np.int64), np.full(n + 1, m)
    for i in range(m - 1, -1, -1):
        beyond[i] = at[spans[i, 1]]
        at[spans[i, 0]] = i
    return middles[:m], widths[:m], spans[:m], beyond, is_leaf[:m]


@compiled
def _push(
    begin: int,
    end: int,
    xy: Any,
    points: Any,
    middles: Any,
    widths: Any,
    spans: Any,
    beyond: Any,
    is_leaf: Any,
    forces: Any,
    sums: Any,
) -> None:
    for i in range(begin, end):
        x, y = xy[i]
        fx = fy = total = 0.0
        k = 0
        while k < len(beyond):
            dx, dy = x - middles[k, 0], y - middles[k, 1]
            d2 = dx * dx + dy * dy
            if widths[k] < NEAR * NEAR * d2:
                q = 1.0 / (1.0 + d2)
                weight = (spans[k, 1] - spans[k, 0]) * q
                total += weight
                fx, fy = fx + weight * q * dx, fy + weight * q * dy
                k = beyond[k]
            elif is_leaf[k]:
                for p in range(spans[k, 0], spans[k, 1]):
                    dx, dy = x - points[p, 0], y - points[p, 1]
                    q = 1.0 / (1.0 + dx * dx + dy * dy)
                    total += q
                    fx, fy = fx + q * q * dx, fy + q * q * dy
                k = beyond[k]
            else:
                k += 1
        forces[i] = fx, fy
        sums[i] = total


@compiled
def _pull(begin: int, end: int, xy: Any, others: Any, first: Any, ids: Any, weights: Any, forces: Any) -> None:
    for i in range(begin, end):
        x, y = xy[i]
        fx = fy = 0.0
        for e in range(first[i], first[i + 1]):
            dx, dy = x - others[ids[e], 0], y - others[ids[e], 1]
            force = weights[e] / (1.0 + dx * dx + dy * dy)
            fx, fy = fx + force * dx, fy + force * dy
        forces[i] = fx, fy
