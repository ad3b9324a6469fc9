"""Whether closeness means anything: do windows lie near their like, and near what comes just before and after them?

No window is ever recognised by one that it shares samples with. What chance does is measured, not assumed: labels come
in long runs, and slow drift alone makes the windows of one run alike, so labels have to beat themselves moved in time.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.errors import N_
from core.notices import Notice
from core.parallel import one_thread_products
from core.series import Floats, Ints

MOST, PARTS = 2000, 40  # windows that are looked at, and in how many unbroken parts of the recording
FEWEST, FEWEST_APART, FEWEST_ALIKE = 50, 20, 5  # windows; of them without common samples; of a label
N_RESAMPLED, N_MOVED = 2000, 499  # bootstrap samples; draws of what chance does
N_BLOCKS, LENGTHS = 10, 4  # blocks of time at least; window lengths in one
SAME = 0.5  # Rand index from which moved labels make the old groups again, as after a period of a cycle, or half of one
SEED = 0
FAR = 2**32  # samples, more than a series has
AT_ONCE = 256  # rows of distances

NO_LABEL = N_("The stretches have no label that says which of them belong together.")
ONE_LABEL = N_("All stretches have the same label.")
TOO_FEW = N_("There are too few stretches to tell: {n} that share no samples.")
NO_ORDER = N_("Hardly any stretch comes just before or after another one.")


@dataclass(frozen=True, slots=True, eq=False)
class Where:
    """Where windows lie, as in core.recipes.Windows: series by series, and in order of time within each."""

    series: Ints  # (n,)
    start: Ints  # (n,) first sample in its series
    length: int  # samples

    def of(self, ids: Ints) -> Self:
        return type(self)(self.series[ids], self.start[ids], self.length)

    def n_apart(self) -> int:
        """About how many of them share no samples."""
        return len(np.unique(self.start // self.length + self.series * FAR))

    def per_length(self) -> float:
        """How many windows begin within the length of one."""
        steps = np.diff(self.start)[np.diff(self.series) == 0]
        return self.length / max(1.0, float(np.median(steps))) if len(steps) else 1.0


@dataclass(frozen=True, slots=True)
class Score:
    """A share or a probability, 0 to 1."""

    value: float
    low: float  # of its 95 % interval
    high: float
    chance: float  # expected of points that mean nothing
    bar: float  # chance goes beyond it once in 20 times
    n: int  # windows


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """How often closeness is right, pair by pair of windows: one that is asked about, and one that answers for it."""

    ids: Ints  # (n,) rows of the windows that were looked at
    pairs: Ints  # (n_pairs, 2) numbers among those
    right: Floats  # (n_pairs,) 0 to 1
    group: Ints  # (n,) each group of windows counts as much as any other
    blocks: Ints  # (n,) number of the unbroken block of time that a window belongs to
    chance: float
    moved: Floats  # (draws,) what chance makes of the same points

    @property
    def per_window(self) -> Floats:
        """(n,) mean of the pairs that ask about it; NaN where nobody does."""
        n = np.bincount(self.pairs[:, 0], minlength=len(self.group))
        total = np.bincount(self.pairs[:, 0], self.right, len(self.group))
        return np.where(n > 0, total / np.maximum(n, 1), np.nan)

    @property
    def value(self) -> float:
        return _mean(self.per_window, self.group)

    @property
    def score(self) -> Score:
        deviations = resampled(brought(self, self.blocks))
        low, high = np.clip(self.value + np.quantile(deviations, [0.025, 0.975]), 0, 1)
        n = len(np.unique(self.pairs[:, 0]))
        return Score(self.value, float(low), float(high), self.chance, float(np.quantile(self.moved, 0.95)), n)


@dataclass(frozen=True, slots=True, eq=False)
class LabelHits:
    """Of windows with a label. Balanced: every label counts as much as any other, however rare."""

    nearest: Hits  # 1-NN: whether the nearest window has the same label
    nearest_balanced: Hits
    neighbours: Hits  # neighbourhood hit: share of the k nearest that have it (Paulovich et al. 2008)
    neighbours_balanced: Hits
    k: int


# --- labels


@one_thread_products()
def label_hits(
    points: Floats, labels: NDArray[np.str_] | None, where: Where, k: int = 10, gap: float = 1.0
) -> LabelHits | Notice:
    """Whether windows lie near those of the same label; or why nobody can tell.

    Chance is the share of windows with the same label among those that may recognise a window, averaged as the hits
    are: sum of p(c)² over labels c of share p(c), or one over their number where balanced. What chance may reach comes
    from the same labels moved along in time: they have the same runs and, if there is only drift, as many hits.

    Args:
        points: (n, d) embedding or (n, 2) picture; distances are Euclidean.
        labels: (n,), "" where there is none; None: nobody gave any.
        k: less where a label has fewer windows.
        gap: how many window lengths to either side of a window are left out, beside what overlaps it.
    """
    if labels is None or not (labels != "").any():
        return Notice(NO_LABEL, {})
    ids = _looked_at(len(points))
    names, code, count = np.unique(labels[ids], return_inverse=True, return_counts=True)
    ids = ids[((count >= FEWEST_ALIKE) & (names != ""))[code]]
    code = np.unique(labels[ids], return_inverse=True)[1]
    where = where.of(ids)
    if (code == 0).all() and len(ids):
        return Notice(ONE_LABEL, {})
    if (n_apart := where.n_apart()) < FEWEST_APART or len(ids) < FEWEST:
        return Notice(TOO_FEW, {"n": n_apart})
    near, share = _nearest(points[ids], code, where, k, gap)
    others, k = _moved(code), near.shape[1]
    if not k or len(others) < FEWEST:
        return Notice(TOO_FEW, {"n": n_apart})
    moved = _moved_hits(others, near)
    by_shares = (np.bincount(code) ** 2).sum() / len(code) ** 2
    moved[:, [0, 2]] = by_shares + (1 - by_shares) * moved[:, [0, 2]]
    run = len(code) / (1 + int((np.diff(code + where.series * FAR) != 0).sum()))  # windows, on average

    def hits(k: int, group: Ints, column: int) -> Hits:
        pairs = np.column_stack([np.repeat(np.arange(len(near)), k), near[:, :k].ravel()])
        right = (code[pairs[:, 0]] == code[pairs[:, 1]]).astype(float)
        blocks = time_blocks(where, max(run, _memory(right.reshape(-1, k).mean(axis=1))))
        return Hits(ids, pairs, right, group, blocks, _mean(share, group), moved[:, column])

    every = np.zeros_like(code)
    return LabelHits(hits(1, every, 0), hits(1, code, 1), hits(k, every, 2), hits(k, code, 3), k)


def _nearest(points: Floats, code: Ints, where: Where, k: int, gap: float) -> tuple[Ints, Floats]:
    """(n, k) the nearest windows that may recognise each, and the share of its label among all that may."""
    of_label = np.eye(code.max() + 1)[code]
    k = min(k, int(np.bincount(code).min()) - 1)
    near, share = [], []
    for rows, apart in _distances(points, where, (1 + gap) * where.length):
        may = np.isfinite(apart)
        n_may = may.sum(axis=1)
        k = min(k, int(n_may.min()))
        found = np.argpartition(apart, max(k - 1, 0), axis=1)[:, :k]
        near.append(np.take_along_axis(found, np.take_along_axis(apart, found, axis=1).argsort(axis=1), axis=1))
        share.append((may @ of_label)[np.arange(len(rows)), code[rows]] / n_may)
    return np.concatenate([found[:, :k] for found in near]), np.concatenate(share)


def _moved(code: Ints) -> Ints:
    """(draws, n) labels moved along in time, to and fro: what leaves at one end comes back there, the last one first.

    In a circle, the end would meet the start and make a change of labels that is in no recording. Left out are those
    that make the old groups again or lose a label.
    """
    n, n_codes = len(code), int(code.max()) + 1
    by = 1 + np.random.default_rng(SEED).permutation(2 * n - 1)[: 2 * N_MOVED]
    moved = np.concatenate([code, code[::-1]])[(np.arange(n) + by[:, None]) % (2 * n)]
    both = _counted(moved * n_codes + code, n_codes**2).reshape(-1, n_codes, n_codes)
    other = (_rand(both) < SAME) & (both.sum(axis=2).min(axis=1) >= FEWEST_ALIKE)
    return np.asarray(moved[other][:N_MOVED])


def _counted(codes: Ints, n_codes: int, weights: Floats | None = None) -> Floats:
    """(m, n) codes → (m, n_codes) how often each code is in each row, or the sum of its weights there."""
    at = (codes + n_codes * np.arange(len(codes))[:, None]).ravel()
    found = np.bincount(at, None if weights is None else weights.ravel(), len(codes) * n_codes)
    return found.reshape(len(codes), n_codes).astype(np.float64)


def _rand(both: Floats) -> Floats:
    """Adjusted Rand indices of tables (m, c, c): 1 for equal groups, whatever their names (Hubert & Arabie 1985)."""
    every, rows, columns = both.sum(axis=(1, 2)), both.sum(axis=2), both.sum(axis=1)
    together = (both * (both - 1)).sum(axis=(1, 2))
    in_rows, in_columns = ((one * (one - 1)).sum(axis=1) for one in (rows, columns))
    by_chance = in_rows * in_columns / (every * (every - 1))
    return np.asarray((together - by_chance) / ((in_rows + in_columns) / 2 - by_chance))


def _moved_hits(moved: Ints, near: Ints) -> Floats:
    """(draws, 4) 1-NN as Cohen's kappa, as shares of labels change at the ends, and balanced; the k nearest alike."""
    size = _counted(moved, int(moved.max()) + 1)
    by_shares = (size**2).sum(axis=1) / moved.shape[1] ** 2
    right = [moved[:, near[:, 0]] == moved, np.mean([moved[:, one] == moved for one in near.T], axis=0)]
    of_label = [_counted(moved, size.shape[1], one.astype(np.float64)) / size for one in right]
    first, every = ((one.mean(axis=1) - by_shares) / (1 - by_shares) for one in right)
    return np.stack([first, of_label[0].mean(axis=1), every, of_label[1].mean(axis=1)], axis=1)


# --- time


@one_thread_products()
def time_hits(points: Floats, where: Where) -> Hits | Notice:
    """Whether windows lie near the ones just before and after them, which needs no labels; or why nobody can tell.

    Of each window, the probability that the next or previous window without common samples is nearer than another one
    (AUC): 0.5 by chance, 1 if nothing is nearer. Chance puts a block of time above 0.5 as often as below, so what it
    may reach comes from the same blocks, each turned to one side at random. (Shuffled times reached too little: pieces
    of time do not share samples as a recording does, and noise passed at 1 % in 4 % of trials.)
    """
    ids = _looked_at(len(points))
    where = where.of(ids)
    beside = _beside(where)
    if (n_apart := where.n_apart()) < FEWEST_APART or len(ids) < FEWEST:
        return Notice(TOO_FEW, {"n": n_apart})
    if (beside >= 0).any(axis=1).mean() < 0.5:
        return Notice(NO_ORDER, {})
    parts = _distances(points[ids], where, where.length)
    right = np.concatenate([_nearer(apart, beside[rows]) for rows, apart in parts])
    asked, which = np.nonzero(~np.isnan(right))
    found, every = right[asked, which], np.zeros(len(ids), np.int64)
    hits = Hits(ids, np.column_stack([asked, beside[asked, which]]), found, every, every, 0.5, np.zeros(0))
    per_window = np.nan_to_num(hits.per_window, nan=0.5)
    above = np.bincount(time_blocks(where, 0), per_window - 0.5) / len(np.unique(asked))
    sides = np.random.default_rng(SEED).choice([-1, 1], (N_MOVED, len(above)))
    return replace(hits, blocks=time_blocks(where, _memory(per_window)), moved=0.5 + sides @ above)


def _beside(where: Where) -> Ints:
    """(n, 2) the last window before and the first one after each, without common samples; -1 where there is none.

    One that is more than twice as far away as usual does not come just before or after.
    """
    n, key = len(where.start), where.start + where.series * FAR
    after = np.searchsorted(key, key + where.length)
    before = np.searchsorted(key, key - where.length, side="right") - 1
    beside = np.column_stack([before, np.where(after < n, after, -1)])
    far = np.abs(where.start[beside] - where.start[:, None])
    there = (beside >= 0) & (where.series[beside] == where.series[:, None])
    if there.any():
        there &= far <= 2 * np.median(far[there])
    return np.where(there, beside, -1)


def _nearer(apart: Floats, beside: Ints) -> Floats:
    """(m, 2) share of all other windows that lie farther than each of the two beside it, ties by half; NaN for none."""
    own = np.where(beside >= 0, np.take_along_axis(apart, beside, axis=1), np.inf)
    there, twin = np.isfinite(own), own[:, ::-1]
    below = [((apart < one).sum(axis=1) + (apart <= one).sum(axis=1)) / 2 for one in own.T[:, :, None]]
    nearer = np.stack(below, axis=1) - 0.5 - (twin < own) - (twin == own) / 2  # how many: the two do not compete
    n_others = np.isfinite(apart).sum(axis=1, keepdims=True) - there.sum(axis=1, keepdims=True)
    return np.where(there, 1 - nearer / n_others, np.nan)


# --- how sure


def time_blocks(where: Where, memory: float) -> Ints:
    """(n,) numbers of blocks of consecutive windows of one series, at least as long as `memory` windows if possible."""
    n = len(where.start)
    size = max(1, min(round(max(LENGTHS * where.per_length(), memory)), n // N_BLOCKS))
    first = np.flatnonzero(np.diff(where.series, prepend=-1))
    blocks, done = np.empty(n, np.int64), 0
    for begin, end in pairwise([*first, n]):
        n_blocks = max(1, round((end - begin) / size))
        blocks[begin:end] = done + np.arange(end - begin) * n_blocks // (end - begin)
        done += n_blocks
    return blocks


def _memory(x: Floats) -> int:
    """How many values on, x (n,) no longer correlates with itself."""
    centred = x - x.mean()
    power = np.abs(np.fft.rfft(centred, 2 * len(x))) ** 2
    correlation = np.fft.irfft(power)[: len(x)]
    return int(np.argmax(correlation <= 2 / np.sqrt(len(x)) * correlation[0]))


def brought(hits: Hits, blocks: Ints) -> Floats:
    """(n_blocks,) what the pairs of each block of time, asked or answering, add to the value beyond its mean."""
    asked, answering = hits.pairs.T
    per_window = hits.per_window
    counted = ~np.isnan(per_window)
    size = np.bincount(hits.group[counted])
    mean = np.bincount(hits.group[counted], per_window[counted]) / np.maximum(size, 1)
    weight = 1 / (np.bincount(asked)[asked] * size[hits.group[asked]] * (size > 0).sum())
    added, elsewhere = weight * (hits.right - mean[hits.group[asked]]), blocks[asked] != blocks[answering]
    own = np.bincount(blocks[asked], added, int(blocks.max()) + 1)
    return np.asarray(own + np.bincount(blocks[answering], added * elsewhere, len(own)), np.float64)


def resampled(brought: Floats) -> Floats:
    """(N_RESAMPLED,) by how much a value differs when blocks of time are drawn at random; always the same draws.

    A pair depends on the blocks of both its windows, so a block brings along all its pairs: right where some blocks are
    easier than others, too wide by up to the root of two where all are alike. Few blocks vary less than they should, so
    Student's t widens it (Hesterberg 2015, "What teachers should know about the bootstrap", expanded percentiles).
    """
    from scipy.special import ndtri, stdtrit

    n = len(brought)
    drawn = np.random.default_rng(SEED).multinomial(n, np.full(n, 1 / n), N_RESAMPLED)
    wider = stdtrit(n - 1, 0.975) / ndtri(0.975) * np.sqrt(n / (n - 1))
    return np.asarray((drawn - 1) @ brought * wider)


def _mean(right: Floats, group: Ints) -> float:
    """The mean of the groups' means, of what is known."""
    known = ~np.isnan(right)
    n = np.bincount(group[known])
    return float((np.bincount(group[known], right[known]) / np.maximum(n, 1)).sum() / (n > 0).sum())


# --- shared


def _looked_at(n: int) -> Ints:
    """Rows of all windows, or of MOST in PARTS unbroken parts of the recording."""
    if n <= MOST:
        return np.arange(n)
    size = MOST // PARTS
    first = np.linspace(0, n - size, PARTS).round().astype(np.int64)
    return np.unique(first[:, None] + np.arange(size))


def _distances(points: Floats, where: Where, least: float) -> Iterator[tuple[Ints, Floats]]:
    """Some rows at a time, their squared distances to all; infinite where starts are under `least` samples apart."""
    x = np.asarray(points, np.float64)
    x = x - x.mean(axis=0)
    norm = np.einsum("ij,ij->i", x, x)
    for first in range(0, len(x), AT_ONCE):
        rows = np.arange(first, min(first + AT_ONCE, len(x)))
        apart = np.maximum(norm[rows][:, None] + norm - 2 * (x[rows] @ x.T), 0)
        near = np.abs(where.start[rows][:, None] - where.start) < least
        yield rows, np.where(near & (where.series[rows][:, None] == where.series), np.inf, apart)
