"""What is wrong with a series, and where: gaps, stretches that stand still, stray values, holes in the clock.

A sound signal must come out with nothing: a picture that marks faults everywhere is believed nowhere. So every rule
compares a channel with itself, and what a channel does all the time, or evenly again and again, is no fault of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core.series import Bools, Floats, Ints, Series, Times

Kind = Literal["gap", "flat", "constant", "outlier", "pause", "repeat"]

MOST = 200  # defects of one kind in one channel; more than a strip of a thousand pixels can show apart
HANDFUL = 10  # different values: a switch, a programme number, a set point; standing still is what they do
STILL = 10  # times as long as the stretches beside it; see _flat
LEVEL, AROUND = 11, 51  # samples: what a value is compared with, and how much a channel moves thereabouts
FAR = 6.0  # times the usual movement; normal noise goes beyond it once in 500 million samples
AGAIN = 5  # times: then it is a habit
JUMP = 0.8  # of the distance of an outlier: a jump as far
FEWEST = 30  # samples that tell what is usual
TAIL, CHANCE = 0.02, 0.01  # see _tail
LATE, SKIP, STEADY = 1.5, 2.5, 0.15  # see _clock


@dataclass(frozen=True, slots=True)
class Defect:
    """Something wrong from sample `first` to sample `last`, both inclusive."""

    kind: Kind
    channel: int | None  # None: the clock
    first: int
    last: int
    # gap, flat, constant, repeat: samples. outlier: how far from the values around it, with its sign, in the units of
    # the channel. pause, which lies between the samples first and last: seconds from one to the other.
    size: float
    runs: int = 1  # more where near ones were put together; `size` is then that of the largest


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """One channel in numbers. Counts are of runs, however many of them `Findings.defects` puts together."""

    n: int  # samples
    n_missing: int
    n_gaps: int
    longest_gap: int  # samples
    n_flat: int
    longest_flat: int  # samples
    n_outliers: int
    constant: bool  # one and the same value throughout
    minimum: float | None  # None: it has no value at all
    median: float | None
    maximum: float | None


@dataclass(frozen=True, slots=True)
class Clock:
    """The times in numbers, in seconds from one sample to the next."""

    step: float  # median of the steps between different times; the mean of the usual ones where `rounded`
    smallest: float  # 0 where a time comes twice
    largest: float
    jitter: float  # interquartile range of the steps between different times, as a share of their median
    n_pauses: int
    n_lost: int  # samples that would fit into the pauses
    n_repeated: int  # samples with the time of the one before
    rounded: bool  # samples do not come at whole ticks of the clock, so that steps of 0 or 2 ticks are no fault


@dataclass(frozen=True, slots=True)
class Findings:
    """What `find` found."""

    defects: tuple[Defect, ...]  # in order of their first samples, the clock's before the channels'
    channels: tuple[ChannelFacts, ...]
    clock: Clock | None  # None: no clock, or no two different times


@dataclass(frozen=True, slots=True, eq=False)
class _Runs:
    """Runs of samples, in order. All fields are (n_runs,)."""

    first: Ints
    last: Ints
    size: Floats

    def __len__(self) -> int:
        return len(self.first)


_NONE = _Runs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))


def find(series: Series) -> Findings:
    """Look through a series: a million samples of eight channels take about two seconds."""
    clock, runs = _clock(series.time)
    defects = [defect for kind, those in runs.items() for defect in _told(those, kind, None)]
    facts = []
    for c in range(series.values.shape[1]):
        fact, runs = _channel(series.values[:, c])
        facts.append(fact)
        defects += [defect for kind, those in runs.items() for defect in _told(those, kind, c)]
    defects.sort(key=lambda d: (d.first, -1 if d.channel is None else d.channel, d.kind))
    return Findings(tuple(defects), tuple(facts), clock)


def clock_of(time: Times) -> Clock | None:
    """The times of a series in numbers, which are in order; None where there are no two different ones."""
    return _clock(time)[0]


def _told(runs: _Runs, kind: Kind, channel: int | None) -> list[Defect]:
    """A defect a run; where there are more than MOST, those are put together that have the least between them."""
    starts = np.arange(len(runs))
    if len(runs) > MOST:
        between = runs.first[1:] - runs.last[:-1]
        starts = np.concatenate([[0], np.flatnonzero(between > np.sort(between)[-MOST]) + 1])
    told = []
    for a, b in pairwise(np.append(starts, len(runs)).tolist()):
        largest = runs.size[a:b][np.abs(runs.size[a:b]).argmax()]
        told.append(Defect(kind, channel, int(runs.first[a]), int(runs.last[b - 1]), float(largest), b - a))
    return told


def _channel(values: Floats) -> tuple[ChannelFacts, Mapping[Kind, _Runs]]:
    """Gaps aside, a channel is judged by its known values in a row: those beside a gap are neighbours."""
    missing = np.isnan(values)
    at = np.flatnonzero(~missing)
    known = values[at]
    gap = _runs(missing)
    ordered = np.sort(known)
    n_distinct = int((np.diff(ordered) > 0).sum()) + 1 if len(known) else 0
    constant = n_distinct == 1 and len(known) > 1
    flat = _placed(_flat(known), at) if n_distinct > HANDFUL else _NONE
    outlier = _placed(_outliers(known), at)
    whole = _Runs(at[:1], at[-1:], np.array([float(len(at))])) if constant else _NONE
    facts = ChannelFacts(
        n=len(values),
        n_missing=len(values) - len(known),
        n_gaps=len(gap),
        longest_gap=int(gap.size.max(initial=0)),
        n_flat=len(flat),
        longest_flat=int(flat.size.max(initial=0)),
        n_outliers=len(outlier),
        constant=constant,
        minimum=float(ordered[0]) if len(known) else None,
        median=float(np.median(ordered)) if len(known) else None,
        maximum=float(ordered[-1]) if len(known) else None,
    )
    return facts, {"gap": gap, "flat": flat, "constant": whole, "outlier": outlier}


def _runs(bad: Bools) -> _Runs:
    """The unbroken runs of True, with their lengths as sizes."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], bad, [False]]).astype(np.int8)))
    first, last = edges[::2], edges[1::2] - 1
    return _Runs(first, last, (last - first + 1).astype(np.float64))


def _placed(runs: _Runs, at: Ints) -> _Runs:
    """Runs of known values, as runs of samples."""
    return _Runs(at[runs.first], at[runs.last], runs.size)


def _flat(x: Floats) -> _Runs:
    """Where a channel keeps a value far longer than it does else: a sensor that is stuck, or a line that stands.

    A stretch of equal values is flat where it is longer than
    - chance: where a value equals the one before with probability p, independently, a stretch reaches k samples once in
      p ** -k, so ln(n / CHANCE) / -ln(p) samples by chance in CHANCE series. Twice that, since a coarse sensor keeps a
      value more easily in the middle of its step than the average p says;
    - what the channel's longest stretches let one expect (_tail), for switches and holds, which are not independent;
    - STILL times its neighbours: the middle one of the three on either side. The top of a coarse curve is a parabola,
      whose steps are 2, 0.41, 0.32, 0.27 … wide: 6 times is no fault. The middle one, so that a stuck sensor that
      twitches once is found on both sides of the twitch.
    Holds that come evenly again and again are part of the signal, and so is a value at which the channel has stood
    AGAIN times: a motor that is off, a place of rest. Who asks has ruled out channels of few values.
    """
    if len(x) < FEWEST:
        return _NONE
    first = np.flatnonzero(np.concatenate([[True], np.diff(x) != 0]))
    length = np.diff(np.append(first, len(x)))
    # The longest aside, or a sensor that died before half time would be its own measure.
    n, n_stretches = len(x) - length.max(), len(length) - 1
    p = max((n - n_stretches) / n, 1e-12)
    long = np.flatnonzero(length > max(_tail(length), 2 * np.log(len(x) / CHANCE) / -np.log(p)))
    rests = x[first[length >= STILL]]
    strange = [i for i in long.tolist() if np.count_nonzero(rests == x[first[i]]) < AGAIN]
    still = np.array([i for i in strange if length[i] >= STILL * _around(length, i)], dtype=np.int64)
    if _evenly(first[still], len(x)):
        return _NONE
    return _Runs(first[still], first[still] + length[still] - 1, length[still].astype(np.float64))


def _around(length: Ints, i: int) -> int:
    """The middle one of a stretch's neighbours, three on either side where there are so many."""
    near = np.sort(np.concatenate([length[max(i - 3, 0) : i], length[i + 1 : i + 4]]))
    return int(near[len(near) // 2])


def _outliers(x: Floats) -> _Runs:
    """Up to five values in a row that lie far from those around them, and farther than the channel ever goes else.

    The distance is that from the median of LEVEL values: 0 along any slope. It is measured in what the channel moves
    from one sample to the next: the larger of its median over AROUND samples (there, a little before, a little after:
    where noise sets in, it is no fault) and its median over all samples at which it moves at all (so the step of a
    switch or of a coarse sensor measures 1). Both are scaled to a standard deviation of white noise. Far is FAR, or
    more where the channel's own largest distances let one expect more (_tail); then it has strokes, bursts or heavy
    tails, or faults in more than about 1 % of its samples, which it is left to the eye to tell apart.
    Spikes that come evenly again and again are part of the signal. So are short visits of a channel that jumps as far
    and stays there AGAIN times: a motor that is switched on and off.
    Source: Hampel 1974, "The influence curve and its role in robust estimation" (median ± k × MAD); Pearson 2002,
    "Outliers in process modeling and identification" (moving windows). Differences instead of the MAD, because a
    smooth curve has a MAD of almost 0 and would be all outliers at its turning points.
    """
    if len(x) < FEWEST or np.ptp(x) == 0:
        return _NONE
    off = x - ndimage.median_filter(x, LEVEL, mode="reflect")
    move = np.abs(np.diff(x))
    near = ndimage.median_filter(move, AROUND, mode="reflect")
    i = np.arange(len(x))
    there = [near[np.clip(i + shift, 0, len(near) - 1)] for shift in (-AROUND // 2, 0, AROUND // 2)]
    spread = 1.4826 / np.sqrt(2) * np.maximum(np.maximum.reduce(there), np.median(move[move > 0]))
    score = np.abs(off) / spread
    stray = score > max(FAR, _tail(score))
    found = _runs(stray)
    if _evenly(found.first, len(x)):
        return _NONE
    jumps = np.sort(move[(move > FAR * spread[1:]) & ~stray[1:] & ~stray[:-1]])  # from which it did not come back
    runs = zip(found.first.tolist(), found.last.tolist(), strict=True)
    peaks = [a + int(score[a : b + 1].argmax()) for a, b in runs]
    away: Floats = off[peaks]
    kept = len(jumps) - np.searchsorted(jumps, JUMP * np.abs(away)) < AGAIN
    return _Runs(found.first[kept], found.last[kept], away[kept])


def _tail(values: NDArray[Any]) -> float:
    """How large a value may be before it stands apart from the largest TAIL of all values.

    Their excesses are taken as exponential, the middle one giving the scale, so that faults among them hardly move it
    while they are fewer than half. By chance, CHANCE values go beyond (for tails that fall more steeply: fewer).
    Source: Coles 2001, "An introduction to statistical modeling of extreme values", ch. 4 (excesses over a threshold).
    """
    m = min(max(10, round(TAIL * len(values))), len(values) - 1)
    top = np.sort(np.partition(values, len(values) - m - 1)[len(values) - m - 1 :])
    scale = np.median(top[1:] - top[0]) / np.log(2)
    return float(top[0] + scale * np.log(m / CHANCE))


def _evenly(at: NDArray[Any], n: int) -> bool:
    """Do these of n places come evenly, over half of the time at least?

    Places drawn by chance have distances with an interquartile range of 1.58 medians. One draw in 80 of 8 places passes
    for even here, one in 700 of 20, none in 40,000 of 50 (simulated).
    """
    if len(at) < 8 or at[-1] - at[0] < n / 2:
        return False
    low, middle, high = np.quantile(np.diff(at), (0.25, 0.5, 0.75))
    return bool(high - low <= middle / (3 if len(at) < 20 else 2))


def _clock(time: Times | None) -> tuple[Clock | None, Mapping[Kind, _Runs]]:
    """The clock's facts, pauses and repeated times.

    - A pause is a step of more than LATE medians: a sample is missing. Where steps vary by more than STEADY, that would
      happen by chance (normal jitter of 0.15 exceeds 1.5 medians 4 times in a million steps, of 0.3 once in 80), so a
      pause there is what stands apart from the largest steps (_tail).
    - Jitter is the interquartile range over the median: up to a quarter of the steps may be pauses without moving it,
      while one night's pause makes a standard deviation of anything (Rousseeuw & Croux 1993, "Alternatives to the
      median absolute deviation", on what breaks a measure of spread).
    - A recorder that takes a sample every 1.05 s and writes whole seconds skips a second evenly, about every 20 samples
      (so do the SKAB recordings), and one that takes two a second writes each second twice. Nothing is missing there.
    """
    if time is None or len(time) < 2 or time[0] == time[-1]:
        return None, {}
    steps = np.diff(time) / np.timedelta64(1, "s")
    moved = steps[steps > 0]
    low, tick, high = np.quantile(moved, (0.25, 0.5, 0.75))
    jitter = (high - low) / tick
    late = LATE * tick if jitter <= STEADY or len(moved) < FEWEST else max(LATE * tick, _tail(moved))
    same, short = steps == 0, steps < 0.6 * tick
    skips = _evenly(np.flatnonzero((steps > LATE * tick) & (steps <= SKIP * tick)), len(steps))
    shares = bool(same.mean() > 0.5) or _evenly(np.flatnonzero(short), len(steps))
    pause = np.flatnonzero(steps > (max(late, SKIP * tick) if skips else late))
    step = float(np.delete(steps, pause).mean()) if skips or shares else float(tick)
    repeat = np.zeros(len(time), dtype=bool)
    if not shares:
        repeat[1:] |= same
        repeat[:-1] |= same
    facts = Clock(
        step=step,
        smallest=float(steps.min()),
        largest=float(steps.max()),
        jitter=float(jitter),
        n_pauses=len(pause),
        n_lost=int(np.maximum(np.round(steps[pause] / step) - 1, 1).sum()),
        n_repeated=int(same.sum()),
        rounded=skips or shares,
    )
    return facts, {"pause": _Runs(pause, pause + 1, steps[pause]), "repeat": _runs(repeat)}
