"""How far new data lies from the pilot's: what was recorded, what the model makes of it, and what nobody has seen.

Windows overlap and recordings wander, so what chance does is not that of single windows: unbroken blocks of time that
share no samples are dealt out anew to the two recordings, and what neighbouring blocks have in common is allowed for.

Measured on AR(1) noise in two channels, windows of 32 samples every 8, 2,000 new samples to 6,000 old or 700 to 4,000,
100 to 150 trials each. Where nothing had changed, p was 0.05 or less for any input in 0 to 9 %, for the model in 3 to
9 %, and for what is outside in 1 to 7 %, whether the noise forgot at once (0) or within 200 samples (0.995); without
allowing for neighbours it was 27 to 45 % for the model at 0.995.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import rankdata

from core.errors import N_
from core.neighbours import nearest_of
from core.notices import Notice
from core.parallel import one_thread_products
from core.recipes import Windows
from core.recognition import Where
from core.series import Bools, Floats, Ints
from core.traits import STATISTICS, measured

What = Literal["level", "spread", "shape", "model"]
TRAITS: tuple[What, ...] = ("level", "spread", "shape")  # of each channel
MOST = 1000  # windows of each recording that are compared
LENGTHS, N_BLOCKS = 4, 8  # window lengths in a block, at least; blocks in the shorter recording, at most
NEEDED = 5 * LENGTHS  # window lengths in a recording: with fewer than 5 blocks, chance alone gives everything
N_DEALT = 999
FOLDS, NEAREST, INSIDE = 10, 5, 0.99  # parts of the pilot's time; see `outside`
ROUNDING = 1e-6  # of distances, which are computed in two ways
MOST_COMMON = 0.9  # correlation of neighbouring blocks that is allowed for
SEED = 0
FEW_OLD = N_("The pilot's data are too short to tell: {n} stretches that share no samples, and {needed} are needed.")
FEW_NEW = N_("The new data are too short to tell: {n} stretches that share no samples, and {needed} are needed.")


@dataclass(frozen=True, slots=True)
class Shift:
    """How one thing differs between the pilot's data and the new."""

    name: str  # channel; "": the whole
    what: What
    value: float | None  # channels: the largest difference of shares, 0 … 1 (Kolmogorov & Smirnov); model: squared MMD
    p: float | None  # of as much by chance; of channels allowing for all of them
    before: float | None = None  # of a channel: the median window's number in the pilot
    after: float | None = None  # and now


# --- blocks of time


@dataclass(frozen=True, slots=True, eq=False)
class _Blocks:
    """Windows picked evenly from blocks of time, in order; no two blocks of a recording share a sample."""

    old: Ints  # (k_old, q) rows of the pilot's windows
    new: Ints  # (k_new, q)

    def dealt(self, seed: int) -> Floats:
        """(1 + N_DEALT, k_old + k_new) 1 where a block counts as new: the true ones first, then dealt out anew.

        The true ones are among the draws (Phipson & Smyth 2010, "Permutation p-values should never be zero").
        """
        true = np.repeat([0.0, 1.0], [len(self.old), len(self.new)])
        rng = np.random.default_rng(seed)
        return np.stack([true, *(rng.permutation(true) for _ in range(N_DEALT))])

    def contrast(self, dealt: Floats) -> Floats:
        """Weights of blocks that give the mean of the new less that of the old."""
        return dealt / len(self.new) - (1 - dealt) / len(self.old)

    def wandering(self, likeness: Floats) -> float:
        """How many times as much the mean of a recording varies as if its blocks had nothing to do with each other.

        Blocks are dealt out one by one, but those of a recording come one after the other. What neighbours have in
        common beyond others is taken to fade from block to block by the same factor.

        Args:
            likeness: (k_old + k_new,) in both directions: products of what is compared, or a kernel.
        """
        k_old, own, beside = len(self.old), 0.0, 0.0
        for part in (likeness[:k_old, :k_old], likeness[k_old:, k_old:]):
            about = part - part.mean(axis=0) - part.mean(axis=1)[:, None] + part.mean()  # its own mean
            above = about - _far(about)
            own += np.trace(above) / len(likeness)
            beside += np.trace(above, 1) / (len(likeness) - 2)
        k = min(k_old, len(self.new))
        lag = np.arange(1, k)
        common = np.clip(beside / own, 0, MOST_COMMON) if own > 0 else 0.0
        return 1 + 2 * float(((1 - lag / k) * common**lag).sum())


def _far(likeness: Floats) -> float:
    """The mean over blocks (k, k) that are no neighbours in time."""
    at = np.arange(len(likeness))
    return float(likeness[np.abs(at[:, None] - at) > 1].mean())


def too_few(old: Where, new: Where) -> Notice | None:
    """Why there is no telling what chance does, if so."""
    for where, message in ((old, FEW_OLD), (new, FEW_NEW)):
        if _lasting(where) < NEEDED:
            return Notice(message, {"n": int(_lasting(where)), "needed": NEEDED})
    return None


def _lasting(where: Where) -> float:
    """How long a recording is, in window lengths; pauses between windows do not count."""
    return len(where.start) / max(1.0, where.per_length())


def _blocks(old: Where, new: Where) -> _Blocks | None:
    """All about as long: an eighth of the shorter recording, and four windows at least. None: there are too few."""
    if too_few(old, new):
        return None
    size = max(LENGTHS, min(_lasting(old), _lasting(new)) / N_BLOCKS)
    k_old, k_new = (min(MOST // 2, round(_lasting(one) / size)) for one in (old, new))
    q = min(MOST // max(k_old, k_new), _room(old, k_old), _room(new, k_new))
    return _Blocks(_rows(old, k_old, q), _rows(new, k_new, q))


def _ends(where: Where, k: int) -> tuple[Ints, Ints]:
    """First and last rows of k blocks, without the windows that reach into the next block."""
    edges = np.arange(k + 1) * len(where.start) // k
    return edges[:-1], np.maximum(edges[1:] - int(np.ceil(where.per_length())), edges[:-1])


def _room(where: Where, k: int) -> int:
    first, last = _ends(where, k)
    return int((last - first).min()) + 1


def _rows(where: Where, k: int, q: int) -> Ints:
    """(k, q)"""
    return np.linspace(*_ends(where, k), q, axis=1).round().astype(np.int64)


# --- what was recorded


def inputs(old: Windows, new: Windows, seed: int = SEED) -> tuple[Shift, ...]:
    """Whether level, spread or shape of a channel are distributed otherwise; () where there is too little to tell.

    Step-down maxima over all of them hold the chance of any false alarm (Westfall & Young 1993, "Resampling-based
    multiple testing", algorithm 2.8); Holm's p could not be small where there are few blocks and many channels.

    Args:
        old: in the units of the file, as `new`, with the same channels.
    """
    blocks = _blocks(_where(old), _where(new))
    if blocks is None:
        return ()
    told = [_traits(which.values(rows.ravel())) for which, rows in ((old, blocks.old), (new, blocks.new))]
    apart = _apart(np.concatenate(told), blocks, seed)
    p = _stepped_down(apart)
    before, after = (np.median(one, axis=0) for one in told)
    names = [(channel, what) for channel in old.prepared[0].channels for what in TRAITS]
    return tuple(
        Shift(channel, what, *map(float, (apart[0, i], p[i], before[i], after[i])))
        for i, (channel, what) in enumerate(names)
    )


def _where(windows: Windows) -> Where:
    return Where(windows.series, windows.start, windows.length)


def _traits(values: Floats) -> Floats:
    """(n, n_channels * len(TRAITS)) of windows (n, n_channels, length), channel by channel.

    Shape is the mean step from a sample to the next, in spreads: how rough or fast a window is, whatever its size.
    """
    found = measured(values)
    level, spread, steps = (found[:, :, STATISTICS.index(name)] for name in ("level", "spread", "roughness"))
    shape = np.divide(steps, spread, out=np.zeros(spread.shape), where=spread > 0)
    return np.stack([level, spread, shape], axis=2).reshape(len(values), -1)


def _apart(values: Floats, blocks: _Blocks, seed: int) -> Floats:
    """(draws, j) Kolmogorov & Smirnov's distance of each column of values (n, j), block after block; the true first."""
    dealt = blocks.dealt(seed)
    q = blocks.old.shape[1]
    weights, block = blocks.contrast(dealt) / q, np.repeat(np.arange(dealt.shape[1]), q)
    apart = np.empty((len(dealt), values.shape[1]))
    for j, x in enumerate(values.T):
        order = np.argsort(x, kind="stable")
        last = np.flatnonzero(np.diff(x[order], append=np.inf))  # of equal ones
        apart[:, j] = np.abs(np.cumsum(weights[:, block[order]], axis=1)[:, last]).max(axis=1)
        rank = rankdata(x).reshape(-1, q).mean(axis=1)
        apart[1:, j] *= np.sqrt(blocks.wandering(np.outer(rank, rank)))
    return apart


def _stepped_down(apart: Floats) -> Floats:
    """(j,) p of the first row of (draws, j), whose columns are brought to one scale first."""
    spread = apart.std(axis=0)
    scaled = (apart - apart.mean(axis=0)) / np.where(spread > 0, spread, 1)
    order = np.argsort(-scaled[0], kind="stable")
    most = np.maximum.accumulate(scaled[:, order[::-1]], axis=1)[:, ::-1]  # of what is no farther apart
    p = np.empty(len(order))
    p[order] = np.maximum.accumulate((most >= scaled[0, order] - ROUNDING).mean(axis=0))
    return p


# --- what the model makes of it


@one_thread_products()
def embeddings(old: Floats, new: Floats, where_old: Where, where_new: Where, seed: int = SEED) -> Shift:
    """How far the distributions of (n, d) and (m, d) vectors lie apart: squared maximum mean discrepancy.

    Gaussian kernel, as wide as the median distance (Gretton et al. 2012, "A kernel two-sample test", lemma 6). Windows
    of one block are never compared with each other: they are alike because they are near in time, and the value of two
    recordings of the same process would lie above 0.
    """
    blocks = _blocks(where_old, where_new)
    if blocks is None:
        return Shift("", "model", None, None)
    kernel = _kernel(np.concatenate([old[blocks.old.ravel()], new[blocks.new.ravel()]]), blocks.old.shape[1])
    weights = blocks.contrast(blocks.dealt(seed))
    squares = ((weights @ kernel) * weights).sum(axis=1)
    squares[1:] *= blocks.wandering(kernel)
    return Shift("", "model", _unbiased(kernel, len(blocks.old)), float((squares >= squares[0] - ROUNDING).mean()))


def _unbiased(kernel: Floats, k_old: int) -> float:
    """Of blocks (k, k): those of one recording are compared only where they are no neighbours in time."""
    old, new = kernel[:k_old, :k_old], kernel[k_old:, k_old:]
    within = sum(_far(part) for part in (old, new))
    return float(within - 2 * kernel[:k_old, k_old:].mean())


def _kernel(points: Floats, q: int) -> Floats:
    """(k, k) means between blocks of q points each."""
    squares = _squares(points)
    width = float(np.median(squares[np.triu_indices(len(squares), 1)])) or 1.0
    each = np.exp(-squares / (2 * width)).reshape(len(squares) // q, q, -1, q)
    return np.asarray(each.mean(axis=(1, 3)))


def _squares(points: Floats) -> Floats:
    """(n, n) squared distances."""
    from sklearn.metrics.pairwise import euclidean_distances

    x = np.asarray(points, np.float64)
    return np.asarray(euclidean_distances(x - x.mean(axis=0), squared=True))


# --- where nobody has been


@dataclass(frozen=True, slots=True, eq=False)
class Outside:
    rows: Bools  # (m,) new windows that look like nothing in the pilot
    expected: float  # share of the pilot's own that look like nothing in its other times
    p: float | None  # of so many more by chance; None: there is too little new data to tell


@one_thread_products()
def outside(old: Floats, new: Floats, where_old: Where, where_new: Where, seed: int = SEED) -> Outside | None:
    """Which new windows (m, d) lie beyond the pilot's (n, d); None where that has too few.

    A window is outside if its fifth nearest window of the pilot is farther away than that of 99 % of the pilot's own.
    Each of these is held against the other nine tenths of the recording, as its neighbours in time are alike anyway.
    """
    if _lasting(where_old) < NEEDED:
        return None
    blocks = _blocks(where_old, where_new)
    known = _rows(where_old, FOLDS, min(MOST // FOLDS, _room(where_old, FOLDS))) if blocks is None else blocks.old
    points = np.asarray(old[known.ravel()], np.float64)
    fold = np.repeat(np.arange(len(known)) * FOLDS // len(known), known.shape[1])
    apart = np.sqrt(_squares(points))
    own = _held_out(apart, fold)
    far = nearest_of(points, np.asarray(new, np.float64), NEAREST).distances[:, -1]
    rows = far > _edge(apart, fold)
    p = None
    if blocks is not None:
        shares = np.concatenate([own.reshape(known.shape).mean(axis=1), rows[blocks.new].mean(axis=1)])
        more = blocks.contrast(blocks.dealt(seed)) @ shares
        more[1:] *= np.sqrt(blocks.wandering(np.outer(shares, shares)))
        p = float((more >= more[0] - ROUNDING).mean())
    return Outside(rows, float(own.mean()), p)


def _held_out(apart: Floats, fold: Ints) -> Bools:
    """(n,) whether points of each fold lie beyond the others, as if these were all that is known; apart (n, n)."""
    beyond = np.empty(len(fold), np.bool_)
    for one in np.unique(fold):
        own, rest = fold == one, fold != one
        beyond[own] = _nearest(apart[np.ix_(own, rest)]) > _edge(apart[np.ix_(rest, rest)], fold[rest])
    return beyond


def _edge(apart: Floats, fold: Ints) -> float:
    """How far from its nearest of other folds a point may lie, (n, n) distances."""
    others = np.where(fold[:, None] == fold, np.inf, apart)
    return float(np.quantile(_nearest(others), INSIDE)) + ROUNDING * float(np.median(apart))


def _nearest(apart: Floats) -> Floats:
    """(m,) distance of each row to its NEAREST-th nearest of the columns."""
    return np.asarray(np.partition(apart, NEAREST - 1, axis=1)[:, NEAREST - 1])
