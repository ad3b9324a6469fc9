"""What a model keeps apart by itself, before anything is drawn: groups, an order without gaps, or nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.series import Bools, Floats, Ints

Structure = Literal["groups", "order", "none"]
SAMPLE = 2000  # windows that are looked at; the others follow the nearest of these
N_CHANCE = 39  # random embeddings to beat, all of them: chance alone wins once in 40 times
MOST_DIMS = 10  # in more directions all windows are about equally far from each other
SMALLEST = 0.03  # of the windows that are looked at; fewer are stray ones, not a group
BLOCKS = 8  # stretches of the recording whose means show a drift
TINY = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Separation:
    """Groups of windows with nearly empty space between them."""

    structure: Structure
    nodes: Bools  # (n_nodes, n) members of each group, and of each union of groups that is apart from the rest
    depth: float  # of the deepest valley, see Valley
    needed: float  # the depth that chance reaches, and that the groups' valleys exceed

    @property
    def groups(self) -> Ints:
        """(n,) the group of each window, the largest being 0; -1 none."""
        found = np.full(self.nodes.shape[1], -1)
        for number, group in enumerate(smallest(self.nodes)):
            found[group] = number
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Valley:
    """Thin space between two branches of the tree."""

    depth: float  # log of the density of the thinner branch over that of the valley
    sides: tuple[Bools, Bools]  # (n,) each: the points of either branch


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """A minimum spanning tree of n points, shortest edge first."""

    length: Floats  # (n - 1,)
    ends: Ints  # (n - 1, 2)


def separate(vectors: Floats, seed: int = 0, tick: Callable[[int, int], object] = lambda *_: None) -> Separation:
    """Find the groups that (n, d) embedded windows, in order of time, fall into by themselves.

    A group is a peak of the density with a valley around it: a branch of robust single linkage (Chaudhuri & Dasgupta
    2010), the tree of HDBSCAN, kept by the depth of its valley (Chazal et al. 2013, "Persistence-based clustering").
    Valleys must be deeper than the deepest in random embeddings of the same spread and memory in time, and than the
    gaps which uneven sampling leaves in an evenly filled space, such as a ring.

    Args:
        tick: called with (done, total) now and then; it may raise to stop.
    """
    rng = np.random.default_rng(seed)
    scores = leading_scores(vectors, rng)
    rows = sample(len(scores), rng)
    valleys, needed = gaps(scores[rows])
    depth = max((valley.depth for valley in valleys), default=0.0)
    for done in range(N_CHANCE):
        tick(done, N_CHANCE)
        if depth <= needed:
            break
        needed = max([needed, *(valley.depth for valley in gaps(randomised(scores, rng)[rows])[0])])
    nodes = _sides([valley for valley in valleys if valley.depth > needed], scores, rows)
    if len(nodes):
        return Separation("groups", nodes, depth, needed)
    ordered = follows_time(scores, rng) or is_curve(scores, rows, rng)
    return Separation("order" if ordered else "none", nodes, depth, needed)


def visible_groups(xy: Floats, seed: int = 0) -> Bools:
    """(n_nodes, n) groups, and unions of groups, that a reader sees in a picture (n, 2).

    Whoever looks at a picture sees gaps and does not think of chance: they need not be deeper than those of chance.
    """
    rows = sample(len(xy), np.random.default_rng(seed))
    valleys, needed = gaps(xy[rows])
    return _sides([valley for valley in valleys if valley.depth > needed], xy, rows)


def smallest(nodes: Bools) -> list[Bools]:
    """The nodes that hold no other node, the largest first."""
    holds = [any((other <= node).all() and other.sum() < node.sum() for other in nodes) for node in nodes]
    return sorted((node for node, outer in zip(nodes, holds, strict=True) if not outer), key=np.sum, reverse=True)


def sample(n: int, rng: np.random.Generator) -> Ints:
    return np.arange(n) if n <= SAMPLE else np.sort(rng.choice(n, SAMPLE, replace=False))


def leading_scores(vectors: Floats, rng: np.random.Generator) -> Floats:
    """(n, 2 to 10) the principal components that stand out of noise, found in a sample where there are many windows.

    Source: Gavish & Donoho 2014, "The optimal hard threshold for singular values is 4/sqrt(3)", noise level unknown.
    """
    some = np.asarray(vectors[sample(len(vectors), rng)], np.float64)
    centre = some.mean(axis=0)
    some -= centre
    wide = some.shape[0] < some.shape[1]
    squares, basis = np.linalg.eigh(some @ some.T if wide else some.T @ some)  # ten times as fast as a decomposition
    spread = np.sqrt(np.maximum(squares[::-1], 0))
    ratio = min(some.shape) / max(some.shape)
    noise = (0.56 * ratio**3 - 0.95 * ratio**2 + 1.82 * ratio + 1.43) * np.median(spread)
    n_kept = int(np.clip((spread > noise).sum(), 2, MOST_DIMS))
    kept = basis[:, ::-1][:, :n_kept]
    if wide:
        kept = some.T @ kept / np.maximum(spread[:n_kept], TINY * max(spread[0], TINY))
    return np.asarray(vectors @ kept.astype(vectors.dtype) - centre @ kept, np.float64)  # no second copy of all vectors


# --- gaps


def gaps(points: Floats) -> tuple[list[Valley], float]:
    """Every valley between two branches that are large enough for groups, and the depth that a gap needs to have.

    Two dimensions: nearby, where lengths become densities (Levina & Bickel 2004, averaged as by MacKay & Ghahramani),
    and far around, where a thread of some width is a line, which a gap cuts.
    """
    from scipy.spatial.distance import cdist

    n = len(points)
    k = max(5, round(np.sqrt(n) / 3))
    wide = max(2 * k, n // 10)
    if n <= wide:
        return [], np.inf
    apart = cdist(points, points)
    if not apart.any():
        return [], np.inf
    near = np.sort(np.partition(apart, wide, axis=1)[:, : wide + 1], axis=1)[:, 1:]
    near = np.maximum(near, TINY * apart.max())  # points that coincide are very dense, not infinitely
    logs = np.log(near)
    dims = 1 / max((logs[:, k - 1 : k] - logs[:, : k - 1]).mean(), TINY)
    far = np.log(wide / k) / max((logs[:, -1] - logs[:, k - 1]).mean(), TINY)
    return prune(spanning_tree(apart, near[:, k - 1]), max(k, round(SMALLEST * n)), dims), even_gap(far, k)


def spanning_tree(apart: Floats, core: Floats) -> Tree:
    """Of mutual reachability: two points are as far as the largest of their distance and their two cores.

    Args:
        apart: (n, n) distances.
        core: (n,) distances within which a point has company.

    Of many edges that are as far as a core, the shortest is taken, so that the order of the points does not matter.
    """
    n = len(core)
    length, ends = np.empty(n - 1), np.empty((n - 1, 2), np.int64)
    reach, via = np.full(n, np.inf), np.zeros(n, np.int64)
    outside, last = np.ones(n, bool), 0
    for edge in range(n - 1):  # Prim's algorithm
        outside[last], reach[last] = False, np.inf
        step = np.maximum(np.maximum(apart[last], core), core[last]) + TINY * apart[last]
        nearer = outside & (step < reach)
        reach[nearer], via[nearer] = step[nearer], last
        new = int(reach.argmin())
        length[edge], ends[edge], last = reach[new], (via[new], new), new
    order = np.argsort(length, kind="stable")
    return Tree(length[order], ends[order])


def prune(tree: Tree, least: int, dims: float) -> list[Valley]:
    """The valleys between branches of at least so many points.

    Density is one over length to the power of the dimension; a branch has that of its median edge.
    """
    n = len(tree.length) + 1
    branch = np.arange(n)
    members = {i: [i] for i in range(n)}
    edges: dict[int, list[float]] = {i: [] for i in range(n)}  # shortest first
    valleys = []
    for length, ends in zip(tree.length, tree.ends, strict=True):
        large, small = sorted(branch[ends], key=lambda b: len(members[b]), reverse=True)
        if len(members[small]) >= least:
            usual = max(edges[b][len(edges[b]) // 2] for b in (large, small))
            sides = (np.isin(np.arange(n), members[large]), np.isin(np.arange(n), members[small]))
            valleys.append(Valley(dims * float(np.log(length / usual)), sides))
        branch[members[small]] = large
        members[large] += members.pop(small)
        edges[large] = sorted([*edges[large], *edges.pop(small), length])
    return valleys


def even_gap(dims: float, k: int) -> float:
    """Depth of the valleys that uneven sampling leaves where the density is the same everywhere; at least a half.

    The log of a density from k neighbours errs by about 1/sqrt(k). The deepest of 40 rings of 100 to 1,000 points was
    2.5 times that, of 40 planes, where a gap can be walked around, 1.2 times; rings of some width lie between them.
    """
    return float(max(np.log(2), np.interp(dims, [1, 2], [3.2, 1.9]) / np.sqrt(k)))


def _sides(valleys: Sequence[Valley], points: Floats, rows: Ints) -> Bools:
    """(n_nodes, n) both sides of each valley between some of the points; the others go with the nearest of these."""
    from scipy.spatial import KDTree

    if not valleys:
        return np.zeros((0, len(points)), bool)
    nodes = np.unique([side for valley in valleys for side in valley.sides], axis=0)
    if len(rows) == len(points):
        return nodes
    nearest: Ints = KDTree(points[rows]).query(points)[1]
    return nodes[:, nearest]


# --- chance and order


def randomised(scores: Floats, rng: np.random.Generator) -> Floats:
    """Random windows with the same spectrum, and so the same spread and the same memory in time; one cloud.

    Source: Prichard & Theiler 1994, "Generating surrogate data for time series with several simultaneously measured
    variables": the same random phases in all components.
    """
    spectrum = np.fft.rfft(scores, axis=0)
    turn = np.exp(2j * np.pi * rng.random(len(spectrum)))[:, None]
    turn[0] = 1
    if len(scores) % 2 == 0:
        turn[-1] = 1  # half the sampling rate has no phase
    return np.fft.irfft(spectrum * turn, len(scores), axis=0)


def follows_time(scores: Floats, rng: np.random.Generator) -> bool:
    """Whether windows wander slowly: the means of successive stretches of the recording lie close to each other.

    Steps between successive means over those between any two (von Neumann's ratio): 1 by chance, 0.1 on a straight
    line, 0.26 once around a ring. Windows that overlap, or a memory shorter than a stretch, hardly lower it.
    """
    if len(scores) < 2 * BLOCKS:
        return False
    means = np.array([block.mean(axis=0) for block in np.array_split(scores, BLOCKS)])
    spread = 2 * means.var(axis=0, ddof=1).sum()

    def ratio(order: Ints) -> float:
        return float((np.diff(means[order], axis=0) ** 2).sum() / (BLOCKS - 1) / spread)

    if spread == 0:
        return False
    observed = ratio(np.arange(BLOCKS))
    shuffled = np.array([ratio(rng.permutation(BLOCKS)) for _ in range(999)])
    return observed < 0.35 and bool((shuffled <= observed).mean() < 0.01)


def is_curve(scores: Floats, rows: Ints, rng: np.random.Generator) -> bool:
    """Whether windows lie along a line that bends: a ring, a loop, an arc.

    Compared with every random embedding of the same spread there are (1) fewer directions, by the slope between the
    nearest 5 % and 20 % of all pairs (Grassberger & Procaccia 1983), and (2) fewer windows in the middle and far out,
    by the kurtosis of Mardia 1970. Skewed and heavy-tailed clouds pass the first and fail the second, even ones fail
    the first: rings whose radius is six times their noise have 0.8 of chance's directions, even clouds 0.98 or more.
    """
    from scipy.spatial.distance import pdist

    def directions(points: Floats) -> float:
        close, far = np.quantile(pdist(points), [0.05, 0.2])
        return float(np.log(4) / np.log(far / close)) if 0 < close < far else 0.0

    def kurtosis(points: Floats) -> float:
        centred = points - points.mean(axis=0)
        return float((np.linalg.svd(centred, full_matrices=False)[0] ** 2).sum(axis=1).var())

    if len(rows) < 2 * BLOCKS:
        return False
    fewest, flattest = directions(scores[rows]), kurtosis(scores[rows])
    chance = (randomised(scores, rng)[rows] for _ in range(N_CHANCE))
    return all(fewest < 0.88 * directions(one) and flattest < kurtosis(one) for one in chance)
