"""What makes picked windows different from the rest, in words; and what windows look like together."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import special

from core.errors import N_
from core.notices import Notice
from core.recipes import Windows
from core.series import Bools, Floats, Ints
from core.traits import SENTENCES, SHARES, STATISTICS, measured

VALUES = 2**18  # at a time, so that they stay in a processor's cache
NEGLIGIBLE, SMALL, MEDIUM = 0.147, 0.33, 0.474  # |effect| up to which it is called so: Romano et al. 2006
LEAST = 3  # windows in the pick and outside
# That anything is told about a blind pick. Measured on AR(1) noise in 2 to 8 channels, 160 to 500 windows, at most: 4 %
# of scattered picks; of windows in a row 5 % where the noise forgets (0, 0.9) and 9 % at 0.99. Noise that drifts all
# along (0.999) looks like ways of running that differ: 31 % of rows of a third of the recording.
CHANCE = 0.05
CONFIDENCE = 0.95  # of intervals
ALIKE = 0.9  # correlation from which on two statistics say the same
USUAL = 3.0  # robust standard deviations: farther ones count less and less
N_LAGS = 32


# --- all windows


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Statistics that have a value in the same windows, ready to be compared for any pick."""

    rows: Ints  # (n,) those windows
    columns: Ints  # (k,) of Statistics.values
    series: Ints  # (n,)
    scores: Floats  # (n, k) the statistics in robust standard deviations, far ones drawn in; mean 0
    lags: Ints  # (n_lags,) distances between windows of one series, counted in windows
    shared: Floats  # (n_lags,) share of its samples that two such windows have in common
    products: Floats  # (n_lags, k) mean product of their scores


@dataclass(frozen=True, slots=True, eq=False)
class Statistics:
    """What `differences` needs to know of all windows. It does not depend on the pick: keep it."""

    channels: tuple[str, ...]
    values: Floats  # (n_windows, n_channels * len(STATISTICS)), channel by channel; NaN where there is none
    panels: tuple[Panel, ...]
    likeness: Floats  # (columns, columns), correlation of scores without its sign


def statistics_of(windows: Windows) -> Statistics:
    """Of windows in the units of the file; they may have gaps."""
    values = np.vstack([measured(some).reshape(len(some), -1) for some in _batches(windows)])
    known = np.isfinite(values)
    scores = np.zeros(values.shape)
    together: dict[bytes, list[int]] = {}  # columns that have a value in the same rows
    for column in range(known.shape[1]):
        together.setdefault(known[:, column].tobytes(), []).append(column)
    panels = []
    for columns in map(np.array, together.values()):
        rows = np.flatnonzero(known[:, columns[0]])
        if len(rows) >= 2 * LEAST:
            own = scores[np.ix_(rows, columns)] = _scores(values[np.ix_(rows, columns)])
            panels.append(_panel(windows, rows, columns, own))
    squares = (scores**2).T @ known.astype(np.float64)  # [i, j] of i, where j is known too
    common = np.sqrt(squares * squares.T)
    likeness = np.abs(scores.T @ scores) / np.where(common > 0, common, 1.0)
    return Statistics(windows.prepared[0].channels, values, tuple(panels), likeness)


def _batches(windows: Windows) -> Iterator[Floats]:
    size = max(1, VALUES // (windows.length * len(windows.prepared[0].channels)))
    for first in range(0, len(windows), size):
        yield windows.values(np.arange(first, min(first + size, len(windows))))


def _scores(values: Floats) -> Floats:
    """(n, k) in robust standard deviations from the median; beyond USUAL they grow like a logarithm."""
    about = values - np.median(values, axis=0)
    spread = 1.4826 * np.median(np.abs(about), axis=0)  # as the standard deviation of a normal distribution
    mostly_one = spread <= 1e-9 * np.abs(values).max(axis=0)
    spread = np.where(mostly_one, about.std(axis=0), spread)
    scores = USUAL * np.arcsinh(about / np.where(spread > 0, spread, 1.0) / USUAL)
    centred: Floats = scores - scores.mean(axis=0)
    return centred


def _panel(windows: Windows, rows: Ints, columns: Ints, scores: Floats) -> Panel:
    series, start = windows.series[rows], windows.start[rows]
    lags = _lags(series, start, windows.length)
    shared, products = np.zeros(len(lags)), np.zeros((len(lags), len(columns)))
    for i, lag in enumerate(lags):
        both = _both(series, lag)
        shared[i] = both @ np.clip(1 - (start[lag:] - start[:-lag]) / windows.length, 0, None) / both.sum()
        products[i] = np.einsum("i,ij,ij->j", both / both.sum(), scores[lag:], scores[:-lag])
    return Panel(rows, columns, series, scores, lags, shared, products)


def _lags(series: Ints, start: Ints, length: int) -> Ints:
    """All near distances and some far ones, up to four times the farthest at which windows overlap."""
    longest = int(np.unique(series, return_counts=True)[1].max()) - 1
    if not longest:
        return np.arange(0)
    step = np.median(np.diff(start)[np.diff(series) == 0])
    most = min(longest, 4 * math.ceil(length / step))
    return np.unique(np.geomspace(1, most, N_LAGS).round().astype(np.int64))


def _both(series: Ints, lag: int) -> Floats:
    """(n - lag,) 1 where a window and the one `lag` windows on are of one series, else 0."""
    return np.asarray(series[lag:] == series[:-lag], dtype=np.float64)


# --- a pick


@dataclass(frozen=True, slots=True)
class Difference:
    """How a statistic of the picked windows differs from that of the rest."""

    statistic: str
    channel: str
    effect: float  # Cliff's delta: 1 all picked ones are higher, -1 all are lower, 0 neither
    low: float  # of its confidence interval
    high: float
    of_pick: float  # median
    of_rest: float
    n: int  # picked windows that have a value


def differences(statistics: Statistics, ids: Ints) -> list[Difference]:
    """What clearly sets the picked windows apart; an empty list is an answer.

    Clear is a difference that a blind pick of so many windows, scattered or in a row, would hardly show in any of the
    statistics, and whose confidence interval leaves out all that is negligible. Of statistics that say the same, the
    one that lies farthest apart is told. Strong effects come first, and the plainer statistic of effects as strong.
    """
    picked = np.zeros(len(statistics.values), dtype=bool)
    picked[ids] = True
    found: list[tuple[float, int, Difference]] = []  # distance, column
    for panel in statistics.panels:
        gap, error, df = contrast(panel, picked[panel.rows])
        by_chance = 2 * special.stdtr(df, -np.abs(gap) / error)
        margin = special.stdtrit(df, (1 + CONFIDENCE) / 2) * error
        for i in np.flatnonzero(by_chance <= CHANCE / statistics.values.shape[1]):
            one = _difference(statistics, panel, picked, int(i), float(margin[i]))
            if max(one.low, -one.high) > NEGLIGIBLE:
                found.append((abs(float(gap[i])), int(panel.columns[i]), one))
    found.sort(key=lambda each: (-each[0], each[1]))
    told: dict[int, Difference] = {}
    for _distance, column, one in found:
        if not (statistics.likeness[column, list(told)] > ALIKE).any():
            told[column] = one
    return sorted(told.values(), key=lambda one: (-round(abs(one.effect), 1), STATISTICS.index(one.statistic)))


def contrast(panel: Panel, picked: Bools) -> tuple[Floats, Floats, Floats]:
    """Mean score of the pick less that of the rest (k,), its standard error, and the degrees of freedom of that.

    Windows near each other are alike, so the error is that of a contrast of dependent values, the root of the sum of
    c_i c_j cov(i, j): as Clifford, Richardson & Hémon 1989 have it, "Assessing the significance of the correlation
    between two spatial processes". It is never less than if all windows were independent.
    """
    n, n_picked = len(picked), int(picked.sum())
    k = len(panel.columns)
    if min(n_picked, n - n_picked) < LEAST:
        return np.zeros(k), np.ones(k), np.ones(k)
    weights = np.where(picked, 1 / n_picked, -1 / (n - n_picked))
    gap = weights @ panel.scores
    pick = picked.astype(np.float64) - n_picked / n
    left = np.einsum("ij,ij->j", panel.scores, panel.scores) / n - gap**2 * (pick @ pick) / n
    variance: Floats = np.maximum(left, 1e-12)  # of what gap * pick, the least-squares fit, does not explain
    alone = weights @ weights
    if not len(panel.lags):
        return gap, np.sqrt(variance * alone), np.full(k, n - 2.0)
    every = np.arange(1, panel.lags[-1] + 1)
    together = np.array([weights[lag:] * _both(panel.series, lag) @ weights[:-lag] for lag in every])
    between = np.array([np.interp(every, panel.lags, one) for one in np.eye(len(panel.lags))])  # straight lines
    alike = _alike(panel, pick, gap, variance)
    error = np.sqrt(variance * np.maximum(alone + 2 * (between @ together) @ alike, alone))
    return gap, error, np.maximum(n / (1 + 2 * between.sum(axis=1) @ alike) - 2, 1.0)


def _alike(panel: Panel, pick: Floats, gap: Floats, variance: Floats) -> Floats:
    """(n_lags, k) correlation of windows at each distance, up to where it is first none.

    It is that of scores less gap * pick, so that what sets the pick apart does not count as likeness. Few windows
    estimate it badly: it is taken to be the share of samples in common, at least.
    """
    n = len(pick)
    of_pick, crossed = np.zeros((len(panel.lags), 1)), np.zeros((len(panel.lags), n))
    for i, lag in enumerate(panel.lags):
        both = _both(panel.series, lag) / _both(panel.series, lag).sum()
        of_pick[i] = pick[:-lag] * both @ pick[lag:]
        crossed[i, :-lag] += pick[lag:] * both
        crossed[i, lag:] += pick[:-lag] * both
    alike: Floats = (panel.products - gap * (crossed @ panel.scores) + gap**2 * of_pick) / variance
    alike[np.minimum.accumulate(alike, axis=0) <= 0] = 0
    return np.asarray(np.clip(alike, panel.shared[:, None], 1.0))


def _difference(statistics: Statistics, panel: Panel, picked: Bools, i: int, margin: float) -> Difference:
    """Of column i of a panel; the limits are the effects if the pick lay lower, or higher, by the margin of error."""
    here = picked[panel.rows]
    pick, rest = panel.scores[here, i], np.sort(panel.scores[~here, i])
    effect, low, high = (cliffs_delta(pick + shift, rest) for shift in (0.0, -margin, margin))
    channel, code = divmod(int(panel.columns[i]), len(STATISTICS))
    values = statistics.values[panel.rows, panel.columns[i]]
    medians = (float(np.median(values[here])), float(np.median(values[~here])))
    return Difference(STATISTICS[code], statistics.channels[channel], effect, low, high, *medians, len(pick))


def cliffs_delta(pick: Floats, rest: Floats) -> float:
    """P(pick > rest) - P(pick < rest), for `rest` in ascending order; 2 AUC - 1.

    Source: Cliff 1993, "Dominance statistics: ordinal analyses to answer ordinal questions"; AUC as the statistic of
    Mann & Whitney 1947 over the number of pairs.
    """
    below = np.searchsorted(rest, pick, "left") + np.searchsorted(rest, pick, "right")
    return float(below.sum() / (len(pick) * len(rest)) - 1)


def strength(effect: float) -> str:
    """How much that is, in a word.

    Source: Romano et al. 2006, "Appropriate statistics for ordinal level data".
    """
    size = abs(effect)
    return N_("small") if size < SMALL else N_("medium") if size < MEDIUM else N_("large")


# --- in words


def told(difference: Difference) -> Notice:
    """A difference as a sentence, with the medians of the pick and of the rest."""
    more, less = SENTENCES[difference.statistic]
    times = 100 if difference.statistic in SHARES else 1
    pick, rest = _figures(times * difference.of_pick, times * difference.of_rest)
    facts = {"channel": difference.channel, "pick": pick, "rest": rest}
    return Notice(more if difference.effect > 0 else less, facts)


def _figures(one: float, other: float) -> tuple[str, str]:
    """Two numbers with as many decimals as show the difference between them to two figures."""
    gap = abs(one - other) or max(abs(one), 1e-9) / 10
    decimals = max(1 - math.floor(math.log10(gap)), 0)
    return f"{round(one, decimals) + 0.0:.{decimals}f}", f"{round(other, decimals) + 0.0:.{decimals}f}"


# --- windows together


def band(values: Floats, ids: Ints) -> tuple[Floats, Floats, Floats]:
    """Mean of some of the windows (n, n_channels, length), and where 8 of 10 of them lie; each (n_channels, length).

    Gaps do not count; NaN where no window has a value.
    """
    some = values[ids]
    nowhere = ~np.isfinite(some).any(axis=0)
    some = np.where(nowhere, 0.0, some)
    low, high = np.nanpercentile(some, (10, 90), axis=0)
    mean, low, high = (np.where(nowhere, np.nan, curve) for curve in (np.nanmean(some, axis=0), low, high))
    return mean, low, high


def axis_curves(values: Floats, scores: Floats) -> tuple[Floats, Floats]:
    """What a direction on the map means: the mean window at either end of it, the tenth of all that lies farthest.

    Args:
        values: (n, n_channels, length)
        scores: (n,) where the windows lie along it.

    Returns:
        At the low and at the high end, each (n_channels, length).
    """
    order, n = np.argsort(scores, kind="stable"), math.ceil(len(scores) / 10)
    return band(values, order[:n])[0], band(values, order[-n:])[0]
