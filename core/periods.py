"""The data's own periods, and the window lengths that go with them."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import fft, ndimage, signal

from core.recipes import propose
from core.selections import thin
from core.series import Floats, Series

MOST_SAMPLES, MOST_COLUMNS = 200_000, 16  # of a channel, from its middle; channels, evenly over all series
SHORTEST = 4  # samples: a shorter one has no shape
FEWEST_CYCLES = 5  # a period that came fewer times may be chance
NEAR = 12  # spectral lines on either side, at least: the median of fewer varies much
CHANCE = 1e-3  # spectral peaks that pass in a channel of noise, before the autocorrelation has its say
MOST_PEAKS = 40  # of a spectrum: a sharp stroke has one at each multiple of its frequency
LEAST = 0.2  # autocorrelation: less hardly shows in a picture
ALIKE = 0.1  # relative difference of periods that are taken for one
MARGIN = 0.03  # autocorrelation: a multiple that is stronger by less is the same period seen again
OFF = 0.15  # from a whole number: a ratio of periods that is farther off is no multiple
OVERTONE = 0.5  # a part of a period with less than this share of its strength is only its shape


@dataclass(frozen=True, slots=True)
class Period:
    """After so many samples a channel repeats itself."""

    samples: int
    strength: float  # autocorrelation at that distance, slower changes taken out: 1 repeats exactly, 0 not at all


@dataclass(frozen=True, slots=True)
class Proposal:
    """A window length, and what it covers."""

    length: int  # samples
    period: int  # samples; 0: none, a share of the recording
    cycles: float  # periods in a window; 0 where there is none


def periods(series: Sequence[Series], most: int = 3) -> tuple[Period, ...]:
    """The strongest periods of all channels, strongest first: a million samples of many channels take about a second.

    A period is a peak of the spectrum that noise does not give, and at which the channel resembles itself more than at
    any distance near it. Looked at are the middles of MOST_COLUMNS channels: what comes back every few hundred samples
    is there too. The clock is not asked, as windows count samples.
    """
    return tuple(_distinct([one for x in _columns(series) for one in _of(x)])[:most])


def _distinct(found: Sequence[Period]) -> list[Period]:
    """The strongest first, none like a stronger one, and none that another one explains."""
    kept: list[Period] = []
    for one in sorted(found, key=lambda p: (-p.strength, p.samples)):
        if not any(abs(one.samples - other.samples) <= max(1, ALIKE * other.samples) for other in kept):
            kept.append(one)
    return [one for one in kept if not any(_explains(other, one) for other in kept)]


def _columns(series: Sequence[Series]) -> Iterator[Floats]:
    """(n,) middles of channels, gaps bridged by straight lines, without trend, with variance 1."""
    columns = [one.values[:, c] for one in series for c in range(one.values.shape[1])]
    for i in thin(len(columns), MOST_COLUMNS):
        skip = max(len(columns[i]) - MOST_SAMPLES, 0) // 2
        x = columns[i][skip : skip + MOST_SAMPLES]
        known = np.flatnonzero(~np.isnan(x))
        if len(known) < FEWEST_CYCLES * SHORTEST:
            continue
        straight = signal.detrend(np.interp(np.arange(len(x)), known, x[known]))
        if straight.std() > 1e-9 * np.abs(x[known]).max():  # else a constant, and rounding
            yield straight / straight.std()


def _of(x: Floats) -> list[Period]:
    """The periods of one channel: no two alike, no overtones, no multiples."""
    candidates = _peaks(x)
    if not candidates:
        return []
    r = _autocorrelation(x)
    lags = {
        lag
        for length, beside in candidates
        if (lag := _confirmed(_without_slower(r, length), length, beside, len(x) ** -0.5))
    }
    if not lags:
        return []
    r = _without_slower(r, max(lags))  # one measure for all of them
    return _distinct([Period(lag, min(1.0, float(r[lag]))) for lag in lags if r[lag] >= LEAST])


def _peaks(x: Floats) -> list[tuple[float, float]]:
    """Periods at which the spectrum stands out, and how far beside them the true one may lie; most power first.

    The background is that of noise with a memory, AR(1), times a running median over half an octave on either side.
    Where there is no period, power over background is exponential: a peak passes that CHANCE spectra of noise have.
    Source: Torrence & Compo 1998, "A practical guide to wavelet analysis" (AR(1) as background); Mann & Lees 1996,
    "Robust estimation of background noise and signal detection in climatic time series" (the median).
    """
    memory = float(x[1:] @ x[:-1] / (x @ x))
    fresh = x[1:] - memory * x[:-1]  # flat where x is a random walk, so that its slopes do not pass for peaks
    fresh = fresh[: fft.prev_fast_len(len(fresh), real=True)]
    power = np.abs(np.fft.rfft(fresh)[1:-1]) ** 2
    cycles = np.arange(1, len(power) + 1)
    ratio = power / _background(power)
    beside = np.pad(ratio, 1)
    length = len(fresh) / cycles
    peak = (ratio > np.log(len(power) / CHANCE)) & (ratio >= beside[:-2]) & (ratio >= beside[2:])
    at = np.flatnonzero(peak & (cycles >= FEWEST_CYCLES) & (length >= SHORTEST))
    whole = power[at] / np.abs(1 - memory * np.exp(-2j * np.pi / length[at])) ** 2  # of x, not of what is fresh
    at = at[np.argsort(-whole)][:MOST_PEAKS]
    return [(float(length[i]), float(length[i] / cycles[i])) for i in at]


def _background(power: Floats) -> Floats:
    """(n,) what noise has there: the median nearby, as a mean of the exponential distribution, at 60 places."""
    n = len(power)
    places = np.unique(np.geomspace(1, n, 60).astype(int))
    near = [power[max(0, int(i / 1.5) - NEAR) : int(i * 1.5) + NEAR] for i in places]
    level = np.log([max(float(np.median(those)), 1e-300) / np.log(2) for those in near])
    background: Floats = np.exp(np.interp(np.log(np.arange(1, n + 1)), np.log(places), level))
    return background


def _autocorrelation(x: Floats) -> Floats:
    """(n // 2,) without the bias towards 0 at far lags."""
    n = len(x)
    size = fft.next_fast_len(2 * n, real=True)
    r = fft.irfft(np.abs(fft.rfft(x, size)) ** 2, size)[: n // 2]
    unbiased: Floats = r / r[0] * (n / (n - np.arange(n // 2)))
    return unbiased


def _without_slower(r: Floats, period: float) -> Floats:
    """The autocorrelation that x would have without its moving average over a period, for lags up to six periods.

    A drift makes everything resemble itself, at any lag; the moving average takes it along and leaves the period alone.
    (x without its average B x has the autocorrelation (I - B)² r, as B is symmetric.)
    """
    width = 2 * int(period / 2) + 1
    both = np.concatenate([r[: 7 * width][:0:-1], r[: 7 * width]])
    once = ndimage.uniform_filter1d(both, width, mode="nearest")
    rest = (both - 2 * once + ndimage.uniform_filter1d(once, width, mode="nearest"))[len(both) // 2 :]
    scaled: Floats = rest[: 6 * width] / rest[0]
    return scaled


def _confirmed(r: Floats, length: float, beside: float, noise: float) -> int:
    """The lag near a spectral peak at which a channel resembles itself most; 0 where it does not, or clearly does more
    at a lag up to a quarter away: then the peak is an overtone, or the foot of another.

    Args:
        beside: how far from `length` the lag may be.
        noise: standard deviation of the autocorrelation of noise, 1 / √n; three of them are no chance.
    """
    first, last = max(int(length - beside), SHORTEST), math.ceil(length + beside)
    lag = first + int(_again(r, first, last).argmax())
    quarter = max(1, lag // 4)
    near = _again(r, lag - quarter, lag + quarter)
    return lag if r[lag] >= max(LEAST, 3 * noise) and near[quarter] >= near.max() - 1.5 * noise else 0


def _again(r: Floats, first: int, last: int) -> Floats:
    """Autocorrelation at lags first … last and at up to four times as much: the top of a slow wave is flat, and noise
    moves it; at four times the lag it is 16 times as sharp. (A short lag is too coarse a step for that.)
    """
    times = max(1, min(4, first // 8, (len(r) - 1) // last))
    mean: Floats = np.mean([r[k * first : k * last + 1 : k] for k in range(1, times + 1)], axis=0)
    return mean


def _explains(one: Period, other: Period) -> bool:
    """Is the other a multiple of this one and hardly stronger, or a part of it and much weaker?"""
    long, short = max(one.samples, other.samples), min(one.samples, other.samples)
    times = round(long / short)
    if times < 2 or abs(long / short - times) > OFF:
        return False
    if other.samples == long:
        return other.strength <= one.strength + MARGIN
    return other.strength < OVERTONE * one.strength


def proposals(
    periods: Sequence[Period], lengths: Sequence[int], patch: int = 8, most: int = 512
) -> tuple[Proposal, ...]:
    """Window lengths worth trying: one and two cycles of each period, then a share of the recording as ever.

    A length is a multiple of `patch`, two patches at least, rounded up so that no cycle is cut short; it fits into the
    shortest series. So a long period may have no proposal, and a short one has one of more cycles. Each length comes
    once.

    Args:
        lengths: samples in each series.
        patch: lengths are multiples of it, so that MOMENT drops no samples.
        most: the longest window that MOMENT takes.
    """
    wanted = [(one.samples, cycles * one.samples) for one in periods for cycles in (1, 2)]
    offered: dict[int, Proposal] = {}
    for period, samples in [*wanted, (0, propose(lengths, patch, most).length)]:
        length = max(-(-samples // patch), 2) * patch
        if length <= min(most, *lengths):
            offered.setdefault(length, Proposal(length, period, length / period if period else 0.0))
    return tuple(offered.values())
