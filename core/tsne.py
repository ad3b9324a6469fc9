"""t-SNE: affinities by openTSNE, its schedule and its constants; the forces are those of core/quadtree.py.

openTSNE's own are rounded otherwise on two threads than on one; on one, a map of 5,000 windows took it 18 s against 7 s
with these, of 20,000 windows 64 s against 42 s.
"""

from collections.abc import Generator
from itertools import count

import numpy as np

from core.neighbours import Neighbours, nearest_of
from core.parallel import Team
from core.quadtree import attraction, grow
from core.series import Floats

EARLY, EXAGGERATION = 250, 12.0  # iterations with so much more attraction, openTSNE's defaults
SPREAD = 1e-4  # of the start; wider ones are slow to come apart
PLACING = 250  # iterations for new points
PLACING_PERPLEXITY = 5


def pictures(known: Neighbours, perplexity: int, start: Floats, seed: int) -> Generator[Floats]:
    """What the map looks like after each iteration, (n, 2).

    Sources: van der Maaten & Hinton 2008; the learning rate n / exaggeration is Belkina et al. 2019, the start from PCA
    Kobak & Berens 2019.
    """
    from openTSNE.affinity import joint_probabilities_nn

    n = len(start)
    xy, descent = _first(start, seed), _Descent(n)
    with Team() as team:
        near = joint_probabilities_nn(known.ids, known.distances, [perplexity], n_jobs=team.size).tocsr()
        for iteration in count():
            exaggeration, momentum = (EXAGGERATION, 0.5) if iteration < EARLY else (1.0, 0.8)
            tree = grow(xy)
            pushed, sums = tree.repulsion(tree.points, team)
            gradient = exaggeration * attraction(xy, xy, near, team)
            gradient[tree.order] -= pushed / (sums.sum() - n)  # each point stands in its own sum as 1
            xy = xy + descent.step(gradient, n / exaggeration, momentum, longest=5.0)
            xy -= xy.mean(axis=0)
            yield xy


def place(vectors: Floats, xy: Floats, perplexity: int, new: Floats) -> Floats:
    """openTSNE's transform: each new point alone among the old ones, which do not move.

    Source: Poličar, Stražar & Zupan 2021, "Embedding to reference t-SNE space addresses batch effects".
    """
    from openTSNE.affinity import joint_probabilities_nn

    perplexity = min(perplexity, PLACING_PERPLEXITY)
    known = nearest_of(vectors, new, min(len(vectors), 3 * perplexity))
    descent, tree = _Descent(len(new)), grow(xy)
    with Team() as team:
        how = {"symmetrize": False, "normalization": "point-wise", "n_reference_samples": len(xy), "n_jobs": team.size}
        near = joint_probabilities_nn(known.ids, known.distances, [perplexity], **how).tocsr()
        points = np.asarray(near @ xy)
        for _ in range(PLACING):
            pushed, sums = tree.repulsion(points, team)
            gradient = 1.5 * attraction(points, xy, near, team) - pushed / sums[:, None]
            gradient /= np.maximum(1.0, np.linalg.norm(gradient, axis=1, keepdims=True) / 0.25)
            points = points + descent.step(gradient, 0.1, 0.8, longest=np.inf)
    return points


class _Descent:
    """Gradient descent with momentum, and for each coordinate a gain that grows while its sign stays the same."""

    def __init__(self, n: int) -> None:
        self._gains, self._update = np.ones((n, 2)), np.zeros((n, 2))

    def step(self, gradient: Floats, rate: float, momentum: float, longest: float) -> Floats:
        onwards = np.sign(self._update) != np.sign(gradient)
        self._gains = np.where(onwards, self._gains + 0.2, self._gains * 0.8 + 0.01)
        self._update = momentum * self._update - rate * self._gains * gradient
        self._update /= np.maximum(1.0, np.linalg.norm(self._update, axis=1, keepdims=True) / longest)
        return self._update


def _first(start: Floats, seed: int) -> Floats:
    """The start on a small scale, each place moved a little by lots, so that seeds differ; equal windows stay equal."""
    start = start / (start[:, 0].std() or 1.0)
    _, which = np.unique(start.round(6), axis=0, return_inverse=True)
    lots = np.random.default_rng(seed).normal(size=(which.max() + 1, 2))
    return SPREAD * (start + 0.01 * lots[which.ravel()])
