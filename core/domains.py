"""Lines and sites (domains): how well an embedding tells them apart, and two simple ways to bring them together.

To bring domains together costs nothing if meaning goes with them: what differs between domains is lost, whether it is a
sensor's level or what happened at one site alone. So look at labels too (core.recognition) whenever mixing improves.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import N_
from core.notices import Notice
from core.parallel import one_thread_products
from core.quality import distances
from core.rebuilding import Interval
from core.recognition import FAR, FEWEST_APART, TOO_FEW, Hits, Where, label_hits, resampled, time_blocks
from core.selections import thin
from core.series import Bools, Floats, Ints, Series

MOST = 2000  # windows that are looked at
FOLDS, N_BLOCKS, N_SHUFFLED = 5, 8, 199  # parts of a domain's time; blocks in the smallest; draws of what chance does
STRICTNESS = 0.1  # inverse penalty of the classifier, whose directions have variance 1
TINY = 1e-9
SEED = 0
ONE_DOMAIN = N_("There is only one line or site: nothing to tell apart.")


def of_series(series: Sequence[Series]) -> Ints:
    """(n_series,) number of the line or site that each is from; one that names none is a site of its own."""
    names = [one.domain or f"\0{i}" for i, one in enumerate(series)]
    return np.unique(names, return_inverse=True)[1]


Adapted = Callable[[Floats, Ints, Bools], Floats]  # `centred`, `coral`: vectors, domain, rows to learn from → vectors


@dataclass(frozen=True, slots=True)
class Apart:
    """How well windows tell which domain they come from; every domain counts as much as any other."""

    auc: Interval  # of a linear classifier, each domain against the rest: 1 told apart, 0.5 by chance
    mmd: float  # squared distance of distributions, mean over pairs of domains: about 0 for one and the same, 2 at most
    mmd_chance: float  # shuffled domains go beyond it once in 20 times
    mixing: float  # neighbours from other domains, over those that there would be if domains were one: 1 mixed, 0 apart
    mixing_chance: float  # shuffled domains go below it once in 20 times
    k: int  # neighbours
    domains: tuple[int, ...]  # that were compared; others have too few windows
    n: int  # windows that were looked at


def from_json(d: Mapping[str, Any]) -> Apart | Notice:
    """From `asdict` of either, as the store keeps it."""
    if "message" in d:
        return Notice(**d)
    return Apart(**{**d, "auc": Interval(**d["auc"]), "domains": tuple(d["domains"])})


@one_thread_products()
def apart(vectors: Floats, domain: Ints, where: Where, k: int = 10, adapted: Adapted | None = None) -> Apart | Notice:
    """How well domains are told apart in (n, d) vectors; or why nobody can tell.

    A domain is known by its recordings alone: where each was recorded once, what drifts slowly tells them apart too.

    Args:
        domain: (n,) number of each window's domain.
        k: less where there are few windows that share no samples.
        adapted: brings domains together first. It must not see the windows that the classifier is asked about: means
            that are subtracted from all windows leave what is learnt from some the wrong way round for the others,
            and the classifier is then wrong more often than by chance (AUC far below 0.5). For the same reason, do not
            give vectors that have been brought together already. A line sees nothing but means, so where these were
            brought together its AUC is 0.5 by construction, and only `mmd` and `mixing` say what is left.
    """
    if len(np.unique(domain)) < 2:
        return Notice(ONE_DOMAIN, {})
    ids = _looked_at(domain, where)
    names, own = np.unique(domain[ids], return_inverse=True)
    if len(names) < 2:
        n_apart = [where.of(np.flatnonzero(domain == one)).n_apart() for one in np.unique(domain)]
        return Notice(TOO_FEW, {"n": min(n_apart)})
    where, points = where.of(ids), np.asarray(vectors[ids], np.float64)
    blocks = _blocks(own, where)
    together = adapted(points, own, np.ones(len(own), bool)) if adapted else points
    found = label_hits(together, own.astype(str), where, k)
    if isinstance(found, Notice):
        return found
    shuffled = _shuffled(own, blocks)
    mmd, mixing = _mmd(together, blocks, shuffled), _mixing(found.neighbours_balanced, blocks, shuffled)
    return Apart(
        _auc(points, own, where, blocks, adapted),
        float(mmd[0]),
        float(np.quantile(mmd, 0.95, method="higher")),
        float(mixing[0]),
        float(np.quantile(mixing, 0.05, method="lower")),
        found.k,
        tuple(names.tolist()),
        len(ids),
    )


def _looked_at(domain: Ints, where: Where) -> Ints:
    """Rows of all windows, or of MOST evenly spread in each domain, of the domains that have enough of them."""
    rows = [np.flatnonzero(domain == one) for one in np.unique(domain)]
    rows = [one for one in rows if where.of(one).n_apart() >= FEWEST_APART]
    most = MOST // max(len(rows), 1) if sum(map(len, rows)) > MOST else MOST
    return np.sort(np.concatenate([one[thin(len(one), most)] for one in rows] or [np.arange(0)]))


def _blocks(own: Ints, where: Where) -> Ints:
    """(n,) numbers of blocks of time, each in one domain even if a series has several, and all about as long.

    Shuffled domains are as large as the true ones only if blocks are of one size.
    """
    run = np.cumsum(np.diff(own + where.series * FAR, prepend=-1) != 0)
    return time_blocks(Where(run, where.start, where.length), float(np.bincount(own).min()) / N_BLOCKS)


def _shuffled(own: Ints, blocks: Ints) -> Floats:
    """(1 + N_SHUFFLED, n_blocks, n_domains), 1 for the domain of each block: the true ones first, then dealt out anew.

    Blocks stay whole, so that what drifts within a domain drifts within a shuffled one too. The true ones are among the
    draws that chance is taken from (Phipson & Smyth 2010, "Permutation p-values should never be zero"). Where all
    windows came from one process, `mmd` went beyond the chance that is to be exceeded in 5 of 100 cases in 3 to 8.
    """
    of_block = own[np.unique(blocks, return_index=True)[1]]
    rng = np.random.default_rng(SEED)
    dealt = np.stack([of_block, *(rng.permutation(of_block) for _ in range(N_SHUFFLED))])
    shuffled: Floats = np.eye(int(own.max()) + 1)[dealt]
    return shuffled


# --- a classifier


def _auc(points: Floats, own: Ints, where: Where, blocks: Ints, adapted: Adapted | None) -> Interval:
    """Mean over domains of the probability that a window of it gets a higher score than one of the others.

    Only scores of one classifier are compared, so that chance is 0.5 (Parker, Günter & Bedo 2007, "Stratification bias
    in low signal microarray studies"). The interval is that of blocks of time which bring along the placements of their
    windows (Obuchowski 1997, "Nonparametric analysis of clustered ROC curve data"), and wider, because the classifiers
    have most of what they learnt from in common (Nadeau & Bengio 2003, "Inference for the generalization error"). Where
    all windows came from one process, it held 0.5 in 89 to 97 % of trials; not as much wider, in 81 to 87 %.
    """
    n_domains = int(own.max()) + 1
    placed = np.zeros((len(own), n_domains))  # share of the windows on the other side that are beaten, ties by half
    for seen, asked in _folds(own, where):
        x = adapted(points, own, seen) if adapted else points
        for c, score in enumerate(_told(x, own, seen, asked)):
            placed[asked, c] = _placed(score, own[asked] == c)
    values, brought = np.zeros(n_domains), np.zeros(int(blocks.max()) + 1)
    for c in range(n_domains):
        for side in (own == c, own != c):
            mean = placed[side, c].mean()
            values[c] += mean / 2
            brought += np.bincount(blocks[side], placed[side, c] - mean, len(brought)) / (side.sum() * n_domains)
    deviations = np.sqrt(1 + FOLDS / (FOLDS - 1)) * resampled(brought)
    low, high = np.clip(values.mean() + np.quantile(deviations, [0.025, 0.975]), 0, 1)
    return Interval(float(values.mean()), float(low), float(high))


def _folds(own: Ints, where: Where) -> Iterator[tuple[Bools, Bools]]:
    """For each fifth of every domain's time the windows (n,) to learn from and those to ask: they share no samples."""
    part = np.empty(len(own), np.int64)
    for c in np.unique(own):
        rows = np.flatnonzero(own == c)
        part[rows] = np.arange(len(rows)) * FOLDS // len(rows)
    near = np.abs(where.start[:, None] - where.start) < where.length
    near &= where.series[:, None] == where.series
    for i in range(FOLDS):
        yield ~near[part == i].any(axis=0), part == i


def _told(points: Floats, own: Ints, seen: Bools, asked: Bools) -> Iterator[Floats]:
    """Of each domain (n_asked,) how much the windows asked look like it."""
    from sklearn.linear_model import LogisticRegression

    middle, spread = points[seen].mean(axis=0), points[seen].std(axis=0)
    x = (points - middle) / np.where(spread > TINY * np.abs(middle).max(), spread, np.inf)
    n_domains = int(own.max()) + 1
    for c in range(1 if n_domains == 2 else n_domains):
        model = LogisticRegression(C=STRICTNESS, class_weight="balanced", max_iter=1000)
        score = model.fit(x[seen], own[seen] == c).decision_function(x[asked])
        yield score
        if n_domains == 2:
            yield -score


def _placed(score: Floats, own: Bools) -> Floats:
    """(n,) share of the windows on the other side that each is on the right side of, ties by half."""
    above = np.sort(score[~own])
    found = np.empty(len(score))
    found[own] = _below(above, score[own])
    found[~own] = 1 - _below(np.sort(score[own]), score[~own])
    return found


def _below(ordered: Floats, x: Floats) -> Floats:
    below = np.searchsorted(ordered, x) + np.searchsorted(ordered, x, side="right")
    return below / (2 * len(ordered))


# --- distributions and neighbours


def _mmd(points: Floats, blocks: Ints, shuffled: Floats) -> Floats:
    """(draws,) unbiased squared maximum mean discrepancy of domains, mean over pairs of them.

    Gaussian kernel, as wide as the median distance (Gretton et al. 2012, "A kernel two-sample test", equation 3).
    """
    every = np.arange(len(points))
    far = np.concatenate([part for _rows, part in distances(points, every)], axis=1)
    width = float(np.median(far[np.triu_indices(len(far), 1)])) or 1.0
    kernel = np.exp(-np.square(far / width) / 2)
    np.fill_diagonal(kernel, 0)
    of_block = np.eye(int(blocks.max()) + 1)[blocks]
    size = np.bincount(blocks) @ shuffled  # (draws, n_domains)
    n_domains = size.shape[1]
    pairs = size[:, :, None] * (size[:, None] - np.eye(n_domains))
    mean = _summed(of_block.T @ kernel @ of_block, shuffled) / pairs
    within = np.diagonal(mean, axis1=1, axis2=2)
    one, other = np.triu_indices(n_domains, 1)
    return np.asarray((within[:, one] + within[:, other] - 2 * mean[:, one, other]).mean(axis=1))


def _mixing(hits: Hits, blocks: Ints, shuffled: Floats) -> Floats:
    """(draws,) share of other domains among neighbours, over that among all windows that may be one."""
    n_blocks = int(blocks.max()) + 1
    asked, near = blocks[hits.pairs].T
    pairs = np.bincount(asked * n_blocks + near, minlength=n_blocks**2).reshape(n_blocks, n_blocks)
    between = _summed(pairs, shuffled)
    same = np.diagonal(between, axis1=1, axis2=2) / between.sum(axis=2)
    return np.asarray((1 - same.mean(axis=1)) / (1 - hits.chance))


def _summed(of_blocks: Floats | Ints, shuffled: Floats) -> Floats:
    """(draws, n_domains, n_domains) sums of what there is between blocks (n_blocks, n_blocks)."""
    return np.asarray(shuffled.transpose(0, 2, 1) @ of_blocks @ shuffled)


# --- bringing them together


def centred(vectors: Floats, domain: Ints, seen: Bools | None = None) -> Floats:
    """(n, d) vectors with each domain's mean at 0, and along each axis the spread that domains have on average.

    Args:
        seen: (n,) rows that means and spreads are those of, in every domain some; None: all.
    """
    x = np.asarray(vectors, np.float64)
    known = {int(c): x[rows] for c, rows in _learnt(domain, seen)}
    pooled = np.sqrt(np.mean([one.var(axis=0) for one in known.values()], axis=0))
    moved = np.empty(x.shape)
    for c, one in known.items():
        spread = one.std(axis=0)
        still = spread <= TINY * np.abs(one).max()
        moved[domain == c] = (x[domain == c] - one.mean(axis=0)) * np.where(
            still, 1.0, pooled / np.where(still, 1, spread)
        )
    return moved


def coral(vectors: Floats, domain: Ints, seen: Bools | None = None) -> Floats:
    """(n, d) vectors with each domain's mean at 0 and the covariances that domains have on average.

    Whitened with their own covariances and coloured with the pooled ones (Sun, Feng & Saenko 2016, "Return of
    frustratingly easy domain adaptation"), shrunk, since a domain may have fewer windows than there are directions
    (Ledoit & Wolf 2004, "A well-conditioned estimator for large-dimensional covariance matrices").

    Args:
        seen: as above.
    """
    from sklearn.covariance import ledoit_wolf

    x = np.asarray(vectors, np.float64)
    known = {int(c): x[rows] for c, rows in _learnt(domain, seen)}
    own = {c: ledoit_wolf(one)[0] for c, one in known.items()}
    colour = _power(np.mean(list(own.values()), axis=0), 0.5)
    moved = np.empty(x.shape)
    for c, one in known.items():
        moved[domain == c] = (x[domain == c] - one.mean(axis=0)) @ _power(own[c], -0.5) @ colour
    return moved


def _learnt(domain: Ints, seen: Bools | None) -> Iterator[tuple[int, Bools]]:
    for c in np.unique(domain):
        rows = (domain == c) & (True if seen is None else seen)
        if not rows.any():
            raise ValueError(f"nothing to learn domain {c} from")
        yield c, rows


def _power(covariance: Floats, exponent: float) -> Floats:
    """Of a symmetric matrix; directions that hardly vary count as if they did a little."""
    variances, axes = np.linalg.eigh(covariance)
    least = TINY * max(float(variances[-1]), np.finfo(np.float64).tiny)
    power: Floats = (axes * np.maximum(variances, least) ** exponent) @ axes.T
    return power


WAYS: Mapping[str, Adapted] = {"centred": centred, "coral": coral}  # by the names that an encoder's spec has for them
