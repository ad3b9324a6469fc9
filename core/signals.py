"""What the steps of a preparation do to values: gaps, an even grid, smoothing, seasons. The steps are in core/steps.py.

x is one channel, (n,), NaN where missing. A run is a stretch of known values without a gap.
"""

from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.indexers import BaseIndexer

from core.errors import N_, UserError
from core.series import Bools, Floats, Ints, Series

Strings = NDArray[np.str_]
Grid = Literal["mean", "linear", "nearest"]
Season = Literal["stl", "mstl"]

MOST_POINTS = 5_000_000  # of a grid: a step in milliseconds over years would fill the memory
# How far apart two samples may lie for a line between them, in steps: one that comes up to half a step late breaks no
# line, but one that is missing does, because to fill a gap is a step of its own, and what it fills is counted.
REACH = 1.5


def stretches(mask: Bools) -> tuple[Ints, Ints]:
    """Of every stretch of True in (n,): its first index, and the index after its last."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]])))
    return edges[::2], edges[1::2]


# --- gaps


def short_gaps(missing: Bools, longest: int) -> Bools:
    """(n, c) → the cells in gaps of at most `longest` samples, those at the ends too."""
    found = np.zeros_like(missing)
    for c in range(missing.shape[1]):
        first, end = stretches(missing[:, c])
        found[missing[:, c], c] = np.repeat(end - first <= longest, end - first)
    return found


def bridged(x: Floats, gaps: Bools) -> Floats:
    """A straight line over the sample number between the neighbours of a gap; one at an end has no line and stays."""
    at, known = np.arange(len(x)), ~np.isnan(x)
    if not known.any():
        return x
    return np.where(gaps, np.interp(at, at[known], x[known], left=np.nan, right=np.nan), x)


def carried(x: Floats, gaps: Bools) -> Floats:
    """The last known value goes on; a gap at the start has none and stays."""
    last = np.maximum.accumulate(np.where(np.isnan(x), -1, np.arange(len(x))))
    return np.where(gaps & (last >= 0), x[last], x)


def in_season(x: Floats, gaps: Bools, period: int) -> Floats:
    """A gap does what the same phase does elsewhere, at the level around it.

    Profile: for each phase the median of its known values, each less the mean of the period around it, so that neither
    a trend nor one odd day tilts it. Level: the means of (value - profile) over the period before the gap and over the
    period after it, joined by a straight line from the middle of one to the middle of the other; at an end of the
    series the one that there is. A cell whose phase has no value stays missing.
    """
    n, at = len(x), np.arange(len(x))
    start = at - period // 2
    around, _ = _means(x, np.maximum(start, 0), np.minimum(start + period, n))
    profile = pd.Series(x - around).groupby(at % period).median().to_numpy()[at % period]
    first, end = stretches(gaps)
    before, t_before = _means(x - profile, np.maximum(first - period, 0), first)
    after, t_after = _means(x - profile, end, np.minimum(end + period, n))
    slope = np.nan_to_num((after - before) / (t_after - t_before))
    level = np.where(np.isnan(before), after, before)
    gap = np.repeat(np.arange(len(first)), end - first)
    filled = x.copy()
    filled[gaps] = profile[gaps] + level[gap] + slope[gap] * (at[gaps] - np.nan_to_num(t_before)[gap])
    return filled


def _means(x: Floats, first: Ints, end: Ints) -> tuple[Floats, Floats]:
    """(k,) means of the known values of x[first:end] and of their sample numbers; NaN where none is known."""
    known = ~np.isnan(x)
    parts = (known, np.where(known, x, 0.0), known * np.arange(len(x)))
    n, total, t = (np.diff(np.concatenate([[0.0], np.cumsum(part)])[[first, end]], axis=0)[0] for part in parts)
    n = np.where(n == 0, np.nan, n)
    return total / n, t / n


# --- an even grid


def on_grid(one: Series, seconds: float, method: Grid) -> Series:
    """One sample every `seconds` from the earliest stamp on. What the methods do: core.steps.Resample."""
    if not len(one.values):
        return one
    t = _nanoseconds(one)
    order = np.argsort(t, kind="stable")  # a file's own order may go back in time
    t, values = t[order], one.values[order]
    filled = np.zeros(values.shape, np.bool_) if one.filled is None else one.filled[order]
    pace = max(round(seconds * 1e9), 1)
    grid = np.arange(_points(int(t[-1]), pace)) * pace
    sampled = {"mean": _bin_means, "linear": _on_lines, "nearest": _nearest}[method]
    values, filled = sampled(t, values, filled, grid, pace)
    label = None
    if one.label is not None:
        label = one.label[order][np.searchsorted(t, grid, side="right") - 1]  # the last one so far
        if method == "mean":
            bins, commonest = _commonest(t // pace, one.label[order])
            label[bins] = commonest
    return replace(
        one,
        time=None if one.time is None else one.time.min() + grid.astype("timedelta64[ns]"),
        values=values,
        label=label,
        step=seconds if one.time is None else None,
        filled=None if one.filled is None else filled,
    )


def _nanoseconds(one: Series) -> Ints:
    """(n,) since the earliest stamp. Whole numbers: a float holds nanoseconds exactly for 104 days only."""
    if one.time is not None:
        return np.asarray((one.time - one.time.min()).astype("timedelta64[ns]").astype(np.int64))
    if one.step is None:
        raise UserError(
            N_("This data has no clock, and nobody has told how many seconds lie between two samples."),
            N_("Tell the sampling interval on the Data screen, or leave out the even grid."),
        )
    return np.asarray(np.rint(np.arange(len(one.values)) * (one.step * 1e9)).astype(np.int64))


def _points(span: int, pace: int) -> int:
    """How many points a grid has; both in nanoseconds."""
    n = span // pace + 1
    if n > MOST_POINTS:
        least = span / (MOST_POINTS - 1) / 1e9
        digit = 10.0 ** (np.floor(np.log10(least)) - 1)  # rounded up, so that it is enough
        raise UserError(
            N_("One sample every {seconds:g} seconds would make {n} samples of one series; {most} is the most."),
            N_("Choose {enough:g} seconds or more."),
            seconds=pace / 1e9,
            n=n,
            most=MOST_POINTS,
            enough=float(np.ceil(least / digit) * digit),
        )
    return n


def _bin_means(t: Ints, values: Floats, filled: Bools, grid: Ints, pace: int) -> tuple[Floats, Bools]:
    """(m, c) means of the samples from a grid point to the next, NaN where there is none; and what has a filled one."""
    known, bins = ~np.isnan(values), t // pace
    starts = np.flatnonzero(np.diff(bins, prepend=-1))
    n = np.add.reduceat(known, starts, axis=0, dtype=np.int64)
    total = np.add.reduceat(np.where(known, values, 0.0), starts, axis=0)
    means, touched = _nothing(len(grid), values.shape[1])
    means[bins[starts]] = np.where(n, total / np.maximum(n, 1), np.nan)
    touched[bins[starts]] = np.logical_or.reduceat(filled, starts, axis=0)
    return means, touched


def _on_lines(t: Ints, values: Floats, filled: Bools, grid: Ints, pace: int) -> tuple[Floats, Bools]:
    """(m, c) on the line between the known samples on either side, unless they lie too far apart; see REACH.

    The step is the channel's own median: a slow channel in a fast table has a sample in every tenth row only.
    """
    stamps, place = np.unique(t, return_inverse=True)
    values, filled = _bin_means(place, values, filled, stamps, 1)  # one value a stamp
    sampled, touched = _nothing(len(grid), values.shape[1])
    for c in range(values.shape[1]):
        known = ~np.isnan(values[:, c])
        own, x, f = stamps[known], values[known, c], filled[known, c]
        if not len(own):
            continue
        a, b = _neighbours(own, grid)
        step = float(np.median(np.diff(own))) if len(own) > 1 else 0.0
        apart = own[b] - own[a]
        joined = (own[a] <= grid) & (grid <= own[b]) & (apart <= REACH * max(pace, step))
        share = (grid - own[a]) / np.maximum(apart, 1)
        sampled[joined, c] = (x[a] + share * (x[b] - x[a]))[joined]
        touched[joined, c] = (f[a] | f[b])[joined]
    return sampled, touched


def _nearest(t: Ints, values: Floats, filled: Bools, grid: Ints, pace: int) -> tuple[Floats, Bools]:
    """(m, c) the known sample nearest to each grid point, if it lies within half a pace; of two the earlier."""
    sampled, touched = _nothing(len(grid), values.shape[1])
    for c in range(values.shape[1]):
        known = np.flatnonzero(~np.isnan(values[:, c]))
        own, first = np.unique(t[known], return_index=True)
        if not len(own):
            continue
        a, b = _neighbours(own, grid)
        near = np.where(np.abs(grid - own[a]) <= np.abs(own[b] - grid), a, b)
        close = 2 * np.abs(own[near] - grid) <= pace
        row = known[first][near[close]]
        sampled[close, c], touched[close, c] = values[row, c], filled[row, c]
    return sampled, touched


def _nothing(n: int, n_channels: int) -> tuple[Floats, Bools]:
    return np.full((n, n_channels), np.nan), np.zeros((n, n_channels), np.bool_)


def _neighbours(own: Ints, grid: Ints) -> tuple[Ints, Ints]:
    """(m,) the last of the rising stamps at or before a grid point, and the first at or after it.

    On a stamp and beyond the ends they are the same.
    """
    before, after = np.searchsorted(own, grid, side="right") - 1, np.searchsorted(own, grid)
    return np.maximum(before, 0), np.minimum(after, len(own) - 1)


def _commonest(bins: Ints, label: Strings) -> tuple[Ints, Strings]:
    """The bins that have samples, and the commonest label in each; of several the one that comes first."""
    code, names = pd.factorize(label)
    pair, first, n = np.unique(bins * len(names) + code, return_index=True, return_counts=True)
    order = np.lexsort((first, -n, pair // len(names)))
    best = order[np.flatnonzero(np.diff((pair // len(names))[order], prepend=-1))]
    return pair[best] // len(names), names[pair[best] % len(names)]


# --- smoothing


class _Spans(BaseIndexer):
    """Windows that pandas rolls over, given one by one."""

    first: Ints
    end: Ints

    def get_window_bounds(
        self,
        num_values: int = 0,
        min_periods: int | None = None,
        center: bool | None = None,
        closed: str | None = None,
        step: int | None = None,
    ) -> tuple[Ints, Ints]:
        return self.first, self.end  # pandas insists on these five names


def medians(x: Floats, width: int) -> Floats:
    """Centred; towards the ends of a run the window shrinks."""
    known, at = ~np.isnan(x), np.arange(len(x))
    first, end = stretches(known)
    lower, upper = at.copy(), at.copy()  # nothing, where nothing is known
    lower[known] = np.maximum(at[known] - width // 2, np.repeat(first, end - first))
    upper[known] = np.minimum(at[known] + width // 2 + 1, np.repeat(end, end - first))
    return pd.Series(x).rolling(_Spans(first=lower, end=upper), min_periods=1).median().to_numpy()


def exponential(x: Floats, width: int) -> Floats:
    """y[i] = a x[i] + (1 - a) y[i-1] with a = 2 / (width + 1); each run begins anew with its first value."""
    from scipy.signal import lfilter

    known, a = ~np.isnan(x), 2 / (width + 1)
    first, end = stretches(known)
    if not len(first):
        return x
    through, _ = lfilter([a], [1, a - 1], x[known], zi=[(1 - a) * x[first[0]]])  # as if there were no gaps
    start = np.cumsum(end - first) - (end - first)  # of each run in `through`
    since = np.arange(len(through)) - np.repeat(start, end - first)
    # Two courses of this recursion that differ where a run begins differ by (1 - a) of that a sample later.
    smooth = x.copy()
    smooth[known] = through + np.repeat(x[first] - through[start], end - first) * (1 - a) ** since
    return smooth


def parabolas(x: Floats, width: int) -> Floats:
    """Savitzky and Golay's: the middle of a least squares parabola over `width` samples; at the ends of a run, the rest
    of the first and of the last one. A run shorter than the width stays as it is.
    """
    first, end = stretches(~np.isnan(x))
    first, end = first[end - first >= width], end[end - first >= width]
    if not len(first):
        return x
    half, within = width // 2, np.arange(width)
    basis = np.vander(within - half, 3)
    fit = basis @ np.linalg.pinv(basis)  # (width, width): values → the parabola's
    smooth, n_known = x.copy(), np.concatenate([[0], np.cumsum(~np.isnan(x))])
    whole = n_known[width:] - n_known[:-width] == width
    smooth[half : len(x) - half][whole] = np.convolve(np.nan_to_num(x), fit[half][::-1], "valid")[whole]
    smooth[first[:, None] + within[:half]] = x[first[:, None] + within] @ fit[:half].T
    smooth[end[:, None] - half + within[:half]] = x[end[:, None] - width + within] @ fit[half + 1 :].T
    return smooth


# --- trends and seasons


def differenced(one: Series) -> Series:
    """Each value less the one before; the first has none and is missing. Filled, where either of the two is."""
    values = np.full_like(one.values, np.nan)
    values[1:] = np.diff(one.values, axis=0)
    if one.filled is None:
        return replace(one, values=values)
    before = np.zeros_like(one.filled)
    before[1:] = one.filled[:-1]
    return replace(one, values=values, filled=(one.filled | before) & ~np.isnan(values))


def deseasoned(x: Floats, periods: tuple[int, ...], method: Season) -> Floats:
    """x less its seasons. STL takes no gaps: straight lines stand in for them.

    Loess is worked out at every tenth of a period and drawn straight in between, as R's stl does: on 50,000 samples 2,
    14 and 130 times as fast for periods of 24, 168 and 1440, and the season moves by 0.2 % of its spread at most.
    Source: Cleveland et al. 1990, "STL: A Seasonal-Trend Decomposition Procedure Based on Loess", section 3;
    Bandara et al. 2021, "MSTL".
    """
    from statsmodels.tsa.seasonal import MSTL, STL

    at, known = np.arange(len(x)), ~np.isnan(x)
    if not known.any():
        return x
    whole = np.interp(at, at[known], x[known])
    every = -(-min(periods) // 10)
    how = {"robust": True, "trend_jump": every, "low_pass_jump": every}
    if method == "mstl":
        seasons = MSTL(whole, periods=periods, stl_kwargs=how).fit().seasonal
        return np.asarray(x - seasons.reshape(len(x), -1).sum(axis=1))
    return np.asarray(x - STL(whole, period=periods[0], **how).fit().seasonal)
