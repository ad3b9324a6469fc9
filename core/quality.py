"""Numbers on a picture: how much of what the model made of the windows it keeps."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from core.errors import N_
from core.neighbours import Neighbours, nearest
from core.notices import Notice
from core.separation import leading_scores, spanning_tree
from core.series import Bools, Floats, Ints

PAIRS = 25_000_000  # of windows that are compared: up to 5,000 windows all of them
FEWEST = 500  # windows that are compared with all others, however many these are
CELLS = 4_000_000  # numbers that are held at a time
PART = 1024  # directions of the largest models, and so of as many numbers for each point
ROUNDING = 1e-9  # of distances that are computed in two ways
MOST_AT_ONCE = 2000  # windows in DBCV, which needs all distances between them
Why = Mapping[str, tuple[str, Mapping[str, object]]]  # name of a number that there is not → message and its facts

MEANING = {
    "trustworthiness": N_(
        "Do stretches that lie close on the map belong together for the model? "
        "1: all of them do. 0.5: no more than by chance."
    ),
    "continuity": N_(
        "Do stretches that belong together for the model lie close on the map? "
        "1: all of them do. 0.5: no more than by chance."
    ),
    "kept": N_(
        "Of the {k} stretches that lie closest on the map, so many are among the {k} closest for the model too. "
        "Chance alone gives {chance}."
    ),
    "stress": N_(
        "How far distances on the map are from those in the model, at the best scale. 0: they are the same. "
        "A map that is made to show neighbours may distort distances and still be good."
    ),
    "silhouette_model": N_(
        "How clearly the model keeps the groups apart. 1: far apart. 0: they touch. "
        "Below 0: stretches lie closer to another group than to their own."
    ),
    "silhouette_picture": N_(
        "How clearly the map shows the groups apart, on the same scale. "
        "Much more than for the model: the drawing has moved them apart."
    ),
    "dbcv_model": N_(
        "Whether the space between the groups is emptier than the groups are, for the model. "
        "1: quite empty. Below 0: there is no gap. Groups may have any shape."
    ),
    "dbcv_picture": N_("Whether the space between the groups is emptier than the groups are, on the map."),
}
CAUTION = N_("These numbers can rule a map out; they cannot show that it is true.")


@dataclass(frozen=True, slots=True)
class Quality:
    """What a picture keeps of its embedding. None: there is no such number, and `why` has the reason."""

    trustworthiness: float | None  # 1 best, about 0.5 by chance
    continuity: float | None  # 1 best, about 0.5 by chance
    kept: float | None  # 1 best, `chance` by chance
    chance: float | None
    stress: float | None  # 0 best, 1 worst
    k: int  # neighbours that the first three look at
    n_windows: int
    n_queries: int  # windows that were compared with all of them; fewer than n_windows: the numbers are estimates
    why: Why


@dataclass(frozen=True, slots=True)
class GroupQuality:
    """How far given groups are apart, for the model and in the picture. A gap between the two is the picture's doing.

    The model is its leading directions: in hundreds of them all distances are about equal, and even groups that do not
    touch have silhouettes near 0 (three groups 8 standard deviations apart in 512 directions: 0.03, against 0.75).
    """

    silhouette_model: float | None  # -1 to 1
    silhouette_picture: float | None
    dbcv_model: float | None  # -1 to 1
    dbcv_picture: float | None
    n_grouped: int  # windows that are in a group
    n_queries: int  # of these, that silhouettes were taken of
    why: Why


def measure(vectors: Floats, xy: Floats, known: Neighbours | None = None, k: int = 10, seed: int = 0) -> Quality:
    """Compare an (n, d) embedding with its (n, 2) picture.

    Args:
        known: neighbours in the embedding, where they are at hand.

    Sources: trustworthiness and continuity, Venna & Kaski 2001, "Neighborhood preservation in nonlinear projection
    methods"; neighbours kept, Lee & Verleysen 2009, "Quality assessment of dimensionality reduction", Q_NX(k); stress,
    Smelser, Miller & Kobourov 2024, "'Normalized Stress' is Not Normalized", at the scale that makes it least.
    """
    n = len(vectors)
    if n < 2 * k + 2:  # the worst picture would no longer be worth 0
        reason = (N_("{n} stretches are too few: this number needs {needed}."), {"n": n, "needed": 2 * k + 2})
        names = ("trustworthiness", "continuity", "kept", "stress")
        return Quality(None, None, None, None, None, k, n, 0, dict.fromkeys(names, reason))
    queries = sample(n, seed)
    near_model = known.ids[queries, :k] if known and known.ids.shape[1] >= k else _nearest(vectors, queries, k)
    near_picture = picture_neighbours(xy, k)[queries]
    of_intruders, of_lost = _between(vectors, queries, near_picture), _between(xy, queries, near_model)
    ranks, products = np.zeros((2, len(queries), k)), np.zeros(3)
    for (_, model), (_, picture) in zip(distances(vectors, queries), distances(xy, queries), strict=True):
        ranks += [_closer(model, of_intruders), _closer(picture, of_lost)]
        products += [np.vdot(model, picture), np.vdot(model, model), np.vdot(picture, picture)]
    too_far = np.maximum(ranks - k, 0).sum(axis=(1, 2)) / (len(queries) * k * (2 * n - 3 * k - 1) / 2)
    kept = float(common(near_model, near_picture).mean() / k)
    stress, why = _stress(*products)
    return Quality(1 - float(too_far[0]), 1 - float(too_far[1]), kept, k / (n - 1), stress, k, n, len(queries), why)


def kept_per_window(vectors: Floats, xy: Floats, known: Neighbours | None = None, k: int = 10) -> Floats:
    """(n,) share of each window's k neighbours in the picture that are its neighbours for the model: 1 all.

    NaN where there are too few windows to tell.
    """
    if len(xy) < 2 * k + 2:
        return np.full(len(xy), np.nan)
    if known is None or known.ids.shape[1] < k:
        known = nearest(vectors, k)
    return common(known.ids[:, :k], picture_neighbours(xy, k)) / k


def measure_groups(vectors: Floats, xy: Floats, groups: Ints, seed: int = 0) -> GroupQuality:
    """How far groups (n,), -1 for none, are apart in an (n, d) embedding and in its (n, 2) picture.

    Sources: Rousseeuw 1987, "Silhouettes"; Moulavi et al. 2014, "Density-based clustering validation".
    """
    inside = np.flatnonzero(groups >= 0)
    queries = sample(len(inside), seed)
    if len(np.unique(groups[inside])) < 2:
        reason: tuple[str, Mapping[str, object]] = (N_("There are no two groups to compare."), {})
        names = ("silhouette_model", "silhouette_picture", "dbcv_model", "dbcv_picture")
        return GroupQuality(None, None, None, None, len(inside), 0, dict.fromkeys(names, reason))
    rng = np.random.default_rng(seed)
    model = leading_scores(vectors, rng)
    some = np.sort(rng.permutation(len(groups))[:MOST_AT_ONCE])
    return GroupQuality(
        float(silhouettes(model[inside], groups[inside], queries).mean()),
        float(silhouettes(xy[inside], groups[inside], queries).mean()),
        dbcv(model[some], groups[some]),
        dbcv(xy[some], groups[some]),
        len(inside),
        len(queries),
        {},
    )


def warnings(quality: Quality, groups: GroupQuality | None = None) -> list[Notice]:
    """What should stop a reader."""
    told = []
    if quality.kept is not None and quality.chance is not None:
        facts = {"kept": f"{quality.kept:.0%}", "chance": f"{quality.chance:.0%}"}
        # Nine in ten of the neighbours on the map, beyond those which chance alone would place there, are false.
        if quality.kept - quality.chance < 0.1 * (1 - quality.chance):
            message = N_(
                "Hardly any stretches that lie close on this map are close for the model: {kept}, and {chance} by "
                "chance. Read nothing from who is next to whom."
            )
            told.append(Notice(message, facts))
    # Chance gives 0.5 and a true picture 1: below 0.75 it is nearer to chance.
    if quality.trustworthiness is not None and quality.trustworthiness < 0.75:
        message = N_("Many stretches that lie close on this map have little to do with each other for the model.")
        told.append(Notice(message, {}))
    if quality.continuity is not None and quality.continuity < 0.75:
        message = N_("This map tears apart many stretches that belong together for the model.")
        told.append(Notice(message, {}))
    # Of true groups, 6 to 8 standard deviations apart, t-SNE and UMAP add at most 0.1 to the silhouette; to that of the
    # clumps which they show in noise, they add 0.2 to 0.4.
    if groups and groups.silhouette_picture is not None and groups.silhouette_model is not None:
        added = groups.silhouette_picture - groups.silhouette_model
        if added > 0.2:
            message = N_("The map shows these groups much further apart than the model does: the drawing did that.")
            told.append(Notice(message, {}))
    return told


# --- what the numbers are made of


def sample(n: int, seed: int) -> Ints:
    """Windows that are compared with all n: each up to 5,000, and beyond that some by lot, 500 of 50,000 and more.

    At 500, the standard error of neighbours kept is 0.01, that of trustworthiness and continuity 0.004 or less.
    """
    most = max(FEWEST, PAIRS // max(n, 1))
    return np.arange(n) if n <= most else np.sort(np.random.default_rng(seed).choice(n, most, replace=False))


def distances(points: Floats, queries: Ints) -> Iterator[tuple[slice, Floats]]:
    """A part of the (n, d) points at a time, with the (n_queries, n_part) Euclidean distances to it."""
    from scipy.spatial.distance import cdist
    from sklearn.metrics import pairwise_distances

    compare = cdist if points.shape[1] <= 10 else pairwise_distances  # the one is more precise, the other faster
    centre = points.mean(axis=0, dtype=np.float64)  # far from which the faster one would be less precise still
    some = points[queries] - centre
    size = max(1, CELLS // max(len(queries), PART))
    for first in range(0, len(points), size):
        part = slice(first, first + size)
        yield part, compare(some, points[part] - centre)


def picture_neighbours(xy: Floats, k: int) -> Ints:
    """(n, k) the nearest other points of each point of a picture, in no order."""
    from scipy.spatial import KDTree

    return _others(KDTree(xy).query(xy, k + 1)[1], np.arange(len(xy)))


def _nearest(vectors: Floats, queries: Ints, k: int) -> Ints:
    """(n_queries, k) likewise, of some of many points in many directions."""
    from sklearn.neighbors import NearestNeighbors

    model = NearestNeighbors(n_neighbors=k + 1, algorithm="brute").fit(vectors)
    return _others(model.kneighbors(vectors[queries], return_distance=False), queries)


def _others(found: Ints, ids: Ints) -> Ints:
    """k + 1 points near each of those with these ids, without itself; among points that coincide, it may be missing."""
    itself = found == ids[:, None]
    itself[~itself.any(axis=1), -1] = True
    return np.asarray(found[~itself].reshape(len(ids), -1), np.int64)


def common(one: Ints, other: Ints) -> Ints:
    """(n,) ids that both rows of two (n, k) arrays have; within a row no id comes twice."""
    both = np.sort(np.concatenate([one, other], axis=1), axis=1)
    return np.asarray((both[:, 1:] == both[:, :-1]).sum(axis=1), np.int64)


def _between(points: Floats, queries: Ints, others: Ints) -> Floats:
    """(n_queries, k) distances of each query to its own k others."""
    apart = np.asarray(points[queries, None], np.float64) - points[others]
    return np.asarray(np.linalg.norm(apart, axis=2), np.float64)


def _closer(apart: Floats, than: Floats) -> Floats:
    """(n_queries, k) how many points of (n_queries, n) are closer than each of k distances; the query itself is one."""
    limit = than * (1 - ROUNDING)
    return np.stack([(apart < limit[:, [i]]).sum(axis=1) for i in range(than.shape[1])], axis=1).astype(np.float64)


def _stress(both: float, model: float, picture: float) -> tuple[float | None, Why]:
    """From the sums of products of distances. The best scale is both / picture."""
    if model == 0:
        return None, {"stress": (N_("Every stretch looks the same to this model."), {})}
    if picture == 0:
        return None, {"stress": (N_("All stretches lie on one point of the map."), {})}
    return float(np.sqrt(max(0.0, 1 - both**2 / (model * picture)))), {}


def silhouettes(points: Floats, groups: Ints, queries: Ints) -> Floats:
    """Of some of the points: how much closer their own group is than the next one, compared with all points.

    Args:
        groups: (n,) of each point.
    """
    names, number, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    members = np.eye(len(names))[number]
    total = np.zeros((len(queries), len(names)))
    for part, apart in distances(points, queries):
        total += apart @ members[part]
    own = np.arange(len(queries)), number[queries]
    within = total[own] / np.maximum(sizes[own[1]] - 1, 1)
    mean = total / sizes
    mean[own] = np.inf
    larger = np.maximum(within, mean.min(axis=1))
    value = np.divide(mean.min(axis=1) - within, larger, out=np.zeros(len(queries)), where=larger > 0)
    return np.where(sizes[own[1]] > 1, value, 0.0)


def dbcv(points: Floats, groups: Ints) -> float | None:
    """Density-based clustering validation of (n, d) points in groups, -1 for none: 1 best, -1 worst.

    None with fewer than two groups of at least two points.
    """
    from scipy.spatial.distance import cdist

    found = [points[groups == name] for name in np.unique(groups[groups >= 0]) if (groups == name).sum() > 1]
    if len(found) < 2:
        return None
    cores, inner, sparseness = zip(*(_inside(group) for group in found), strict=True)
    between = np.full((len(found), len(found)), np.inf)
    for i in range(len(found)):
        for j in range(i):
            one, other = inner[i], inner[j]
            apart = cdist(found[i][one], found[j][other])
            reach = np.maximum(np.maximum(apart, cores[i][one, None]), cores[j][None, other])
            between[i, j] = between[j, i] = reach.min()
    gap, hole = between.min(axis=1), np.array(sparseness)
    larger = np.maximum(gap, hole)
    value = np.divide(gap - hole, larger, out=np.zeros(len(found)), where=larger > 0)
    return float(sum(len(group) * one for group, one in zip(found, value, strict=True)) / len(points))


def _inside(group: Floats) -> tuple[Floats, Bools, float]:
    """Core distance of each point, whether it is inside the group's tree, and the tree's longest edge in there."""
    from scipy.spatial.distance import cdist

    core = core_distances(group)
    tree = spanning_tree(cdist(group, group), core)
    inner = np.bincount(tree.ends.ravel(), minlength=len(group)) > 1
    edges = tree.length[inner[tree.ends].all(axis=1)]
    if not len(edges):  # as the authors' own program does
        edges = tree.length
    return core, inner if inner.any() else np.ones(len(group), bool), float(edges.max())


def core_distances(group: Floats) -> Floats:
    """(n,) at which distance each point of (n, d) has company: the mean over all others of 1 / distance^d, turned back.

    In logarithms, because a distance to the power of hundreds is no floating-point number.
    """
    from scipy.spatial.distance import cdist
    from scipy.special import logsumexp

    n, d = group.shape
    others = cdist(group, group)[~np.eye(n, dtype=bool)].reshape(n, n - 1)
    with np.errstate(divide="ignore"):  # points that coincide are infinitely dense
        density = logsumexp(-d * np.log(others), axis=1) - np.log(n - 1)
    return np.asarray(np.exp(-density / d), np.float64)
