"""PaCMAP: pairs, loss and schedule are the authors', the loop is our own, so that the picture can be watched.

Their library draws from everybody's random numbers and shows nothing until it is done. Here each point sums its own
forces, and lots are drawn before: the picture does not depend on how many threads there are.

Source: Wang, Huang, Rudin & Shaposhnik 2021, "Understanding how dimension reduction tools work" (JMLR 22), and their
library pacmap 0.9.
"""

from collections.abc import Generator
from itertools import count
from typing import Any

import numpy as np

from core.neighbours import Neighbours, distances_to, nearest_of
from core.parallel import Team, compiled
from core.series import Floats, Ints

FIRST, SECOND = 100, 100  # iterations of the phases that lay out the whole
MIDDLE, FAR = 0.5, 2.0  # mid-near and further pairs for each neighbour
PLACING = 50  # iterations for new points
RATE = 1.0  # of Adam
SIZE = 0.01  # of the start
BENDS = (10.0, 10_000.0, 1.0)  # of the loss: near, mid-near, further


def pictures(vectors: Floats, known: Neighbours, k: int, start: Floats, seed: int) -> Generator[Floats]:
    """What the map looks like after each iteration, (n, 2)."""
    n, rng = len(start), np.random.default_rng(seed)
    near, far = chosen(known, k), min(round(FAR * k), n - 1)
    pairs = (near, middle(vectors, min(round(MIDDLE * k), n - 1), rng), further(near, far, rng))
    edges = _both_ways(pairs, n)
    xy = SIZE * start / (start.std() or 1.0) + 1e-4 * SIZE * rng.normal(size=start.shape)
    adam, forces = _Adam(n), np.empty_like(xy)
    with Team() as team:
        for iteration in count():
            team.rows(_sum, n, xy, edges, np.array(weights(iteration)), forces)
            xy = xy - adam.step(forces)
            yield xy


def weights(iteration: int) -> tuple[float, float, float]:
    """Of near, mid-near and further pairs: first the large layout, then the small one."""
    if iteration < FIRST:
        part = iteration / FIRST
        return 2.0, (1 - part) * 1000.0 + part * 3.0, 1.0
    return (3.0, 3.0, 1.0) if iteration < FIRST + SECOND else (1.0, 0.0, 1.0)


def chosen(known: Neighbours, k: int) -> Ints:
    """(n, k) neighbours, nearest by distance² over both windows' own scale, the mean distance to the 4th to 6th."""
    k = min(k, known.ids.shape[1])
    ids, distances = known.ids, known.distances
    some = slice(3, 6) if distances.shape[1] > 3 else slice(None)
    scale = np.maximum(distances[:, some].mean(axis=1), 1e-10)
    order = np.argsort(distances**2 / scale[:, None] / scale[ids], axis=1, kind="stable")[:, :k]
    return np.take_along_axis(ids, order, axis=1)


def middle(vectors: Floats, m: int, rng: np.random.Generator) -> Ints:
    """(n, m) windows that are rather near: each the second nearest of six drawn by lot."""
    n = len(vectors)
    drawn = rng.integers(n - 1, size=(n, m * 6))
    drawn += drawn >= np.arange(n)[:, None]  # never the window itself
    order = np.argsort(distances_to(vectors, drawn).reshape(n, m, 6), axis=2, kind="stable")[:, :, 1:2]
    return np.take_along_axis(drawn.reshape(n, m, 6), order, axis=2)[:, :, 0]


def further(near: Ints, m: int, rng: np.random.Generator) -> Ints:
    """(n, m) windows drawn by lot, neither the window itself nor one of those near to it."""
    n = len(near)
    drawn = np.empty((n, m), np.int64)
    rows = np.arange(n)
    wrong = np.ones((n, m), np.bool_)
    while wrong.any():
        drawn[wrong] = rng.integers(n, size=int(wrong.sum()))
        wrong = (drawn == rows[:, None]) | (drawn[:, :, None] == near[:, None, :]).any(axis=2)
    return drawn


def place(vectors: Floats, xy: Floats, k: int, new: Floats) -> Floats:
    """As pacmap's transform, new points are only drawn to their neighbours, which do not move.

    From the nearest one's place to the nearest minimum of the loss: each step to the mean of the neighbours, weighted
    by their pull (Weiszfeld's method).
    """
    near = xy[nearest_of(vectors, new, min(k, len(vectors))).ids]  # (m, k, 2)
    points = near[:, 0]
    for _ in range(PLACING):
        pull = 1 / (BENDS[0] + 1 + np.square(points[:, None] - near).sum(axis=2)) ** 2
        points = (pull[:, :, None] * near).sum(axis=1) / pull.sum(axis=1, keepdims=True)
    return points


class _Adam:
    """Kingma & Ba 2015, with pacmap's constants."""

    def __init__(self, n: int) -> None:
        self._mean, self._square, self._steps = np.zeros((n, 2)), np.zeros((n, 2)), 0

    def step(self, gradient: Floats) -> Floats:
        self._steps += 1
        self._mean += 0.1 * (gradient - self._mean)
        self._square += 0.001 * (gradient**2 - self._square)
        rate = RATE * np.sqrt(1 - 0.999**self._steps) / (1 - 0.9**self._steps)
        moved: Floats = rate * self._mean / (np.sqrt(self._square) + 1e-7)
        return moved


def _both_ways(pairs: tuple[Ints, Ints, Ints], n: int) -> tuple[Ints, Ints, Ints]:
    """Edges first[i] … first[i + 1] - 1 of each window i: their other ends and kinds. Each pair is there twice."""
    one = np.concatenate([np.repeat(np.arange(n), part.shape[1]) for part in pairs])
    other = np.concatenate([part.ravel() for part in pairs])
    kind = np.repeat(np.arange(3), [part.size for part in pairs])
    begin, end = np.concatenate([one, other]), np.concatenate([other, one])
    order = np.argsort(begin, kind="stable")
    first = np.concatenate([[0], np.cumsum(np.bincount(begin, minlength=n))])
    return first, end[order], np.tile(kind, 2)[order]


@compiled
def _sum(begin: int, end: int, points: Any, edges: Any, weights: Any, forces: Any) -> None:
    """Gradient of the loss: Σ w d / (bend + d) over near and mid-near pairs, w / (1 + d) over further ones, where
    d = 1 + |x - y|²."""
    first, ids, kinds = edges
    for i in range(begin, end):
        x, y = points[i]
        fx = fy = 0.0
        for e in range(first[i], first[i + 1]):
            kind = kinds[e]
            dx, dy = x - points[ids[e], 0], y - points[ids[e], 1]
            bend = BENDS[kind]
            force = weights[kind] * 2.0 * bend / (bend + 1.0 + dx * dx + dy * dy) ** 2
            if kind == 2:
                force = -force
            fx, fy = fx + force * dx, fy + force * dy
        forces[i] = fx, fy
