"""What each window is like, in plain numbers that can be said in words."""

import numpy as np
from scipy import fft

from core.errors import N_
from core.series import Floats

# What is told where a statistic is higher in one group of windows than in another, and where it is lower. They are in
# the units of the channel unless said otherwise; the plainest comes first.
SENTENCES: dict[str, tuple[str, str]] = {
    "level": (  # mean
        N_("{channel}: higher level ({pick} against {rest})"),
        N_("{channel}: lower level ({pick} against {rest})"),
    ),
    "slope": (  # rise of the straight line through the window, from its first sample to its last
        N_("{channel}: rises more from start to end (by {pick} against {rest})"),
        N_("{channel}: rises less or falls from start to end (by {pick} against {rest})"),
    ),
    "spread": (  # standard deviation about that line
        N_("{channel}: swings more widely (spread {pick} against {rest})"),
        N_("{channel}: swings less widely (spread {pick} against {rest})"),
    ),
    "period": (  # samples; only where there is one
        N_("{channel}: repeats more slowly (every {pick} samples against {rest})"),
        N_("{channel}: repeats faster (every {pick} samples against {rest})"),
    ),
    "highest": (
        N_("{channel}: higher peaks (up to {pick} against {rest})"),
        N_("{channel}: lower peaks (up to {pick} against {rest})"),
    ),
    "lowest": (
        N_("{channel}: lowest values are higher ({pick} against {rest})"),
        N_("{channel}: drops lower (down to {pick} against {rest})"),
    ),
    "jump": (  # largest step from a sample to the next, without its sign
        N_("{channel}: larger jumps (up to {pick} against {rest})"),
        N_("{channel}: smaller jumps (up to {pick} against {rest})"),
    ),
    "roughness": (  # mean such step
        N_("{channel}: rougher from sample to sample (steps of {pick} against {rest})"),
        N_("{channel}: smoother from sample to sample (steps of {pick} against {rest})"),
    ),
    "rhythm": (  # share of the variance about the line that the strongest frequency has; 0 where there is no period
        N_("{channel}: steadier rhythm ({pick} % of the movement against {rest} %)"),
        N_("{channel}: less of a steady rhythm ({pick} % of the movement against {rest} %)"),
    ),
    "asymmetry": (  # skewness about the line: above 0, peaks point up
        N_("{channel}: peaks point up more (asymmetry {pick} against {rest})"),
        N_("{channel}: peaks point down more (asymmetry {pick} against {rest})"),
    ),
    "spikes": (  # how far the farthest sample is from the line, in standard deviations
        N_("{channel}: single spikes stand out more ({pick} times the spread against {rest})"),
        N_("{channel}: single spikes stand out less ({pick} times the spread against {rest})"),
    ),
    "fast": (  # share of the variance about the line that goes up and down within FAST samples
        N_("{channel}: more fast trembling ({pick} % of the movement against {rest} %)"),
        N_("{channel}: less fast trembling ({pick} % of the movement against {rest} %)"),
    ),
}
STATISTICS = tuple(SENTENCES)
SHARES = ("rhythm", "fast")  # 0 … 1, said as percentages
FAST = 8  # samples
FEWEST_CYCLES = 4  # in a window, about: fewer may be any bend
FEWEST_KNOWN = 0.5  # of a window's samples, for there to be something to say


def measured(values: Floats) -> Floats:
    """(n, n_channels, len(STATISTICS)) of windows (n, n_channels, length), NaN where there is nothing to measure.

    Gaps are bridged by straight lines. A window that is constant has a level and no shape.
    """
    n, n_channels, length = values.shape
    x = _bridged(values.reshape(-1, length))
    u = np.linspace(-0.5, 0.5, length)
    level, highest, lowest = x.mean(axis=1), x.max(axis=1), x.min(axis=1)
    about = x - level[:, None]
    slope = about @ (u / (u @ u))
    steps = np.abs(np.diff(about, axis=1))
    about -= slope[:, None] * u
    spread = np.sqrt(np.einsum("ij,ij->i", about, about) / length)
    straight = spread <= 1e-9 * np.maximum(np.abs(highest), np.abs(lowest))  # but for rounding
    about = (about / np.where(straight, np.nan, spread)[:, None]).astype(np.float32)
    found = {
        "level": level,
        "slope": slope,
        "spread": spread,
        "highest": highest,
        "lowest": lowest,
        "roughness": steps.mean(axis=1),
        "jump": steps.max(axis=1),
        "asymmetry": np.einsum("ij,ij,ij->i", about, about, about) / length,
        "spikes": np.abs(about).max(axis=1),
    }
    found["period"], found["rhythm"], found["fast"] = _swings(about)
    return np.stack([found[code] for code in STATISTICS], axis=1).reshape(n, n_channels, -1)


def _bridged(x: Floats) -> Floats:
    """(m, length) with gaps filled by straight lines, and by the nearest value at the ends; too little stays NaN."""
    known = np.isfinite(x)
    gappy = np.flatnonzero(~known.all(axis=1))
    if not len(gappy):
        return x
    x, sample = x.copy(), np.arange(x.shape[1])
    for i in gappy:
        enough = known[i].mean() >= FEWEST_KNOWN
        x[i] = np.interp(sample, sample[known[i]], x[i, known[i]]) if enough else np.nan
    return x


def _swings(z: Floats) -> tuple[Floats, Floats, Floats]:
    """Period, rhythm and share of fast swings of standardised windows (m, length), from their spectra.

    There is a period where the highest peak of the whole spectrum stands at FEWEST_CYCLES or more and has most of the
    power. How much that is was measured on noise, white to AR(1) 0.99: of windows of 64 samples or more one in fifty
    passes, at most.
    """
    length = z.shape[1]
    power = np.abs(fft.rfft(z * np.hanning(length).astype(z.dtype), axis=1))[:, 1:] ** 2
    power /= power.sum(axis=1, keepdims=True)
    fast = power[:, -(-length // FAST) - 1 :].sum(axis=1)
    at = power.argmax(axis=1)
    row, padded = np.arange(len(z)), np.pad(power, ((0, 0), (1, 1)))
    left, peak, right = (padded[row, at + i] for i in range(3))
    rhythm = left + peak + right
    rhythm[(at + 1 < FEWEST_CYCLES) | (rhythm <= 0.6 + 5 / length)] = 0.0
    rhythm[np.isnan(fast)] = np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        bend = np.nan_to_num(np.log(left / right) / np.log(left * right / peak**2) / 2)  # a parabola's top
    cycles = at + 1 + np.clip(bend, -0.5, 0.5)
    period = np.where(rhythm > 0, length / cycles, np.nan)
    return period, rhythm, fast
