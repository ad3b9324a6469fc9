"""Numbers that say in words what a window looks like: level, scale, trend, rhythm, roughness, where its events lie."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from core.errors import N_, UserError

Floats = NDArray[np.floating]

LAGS = (1, 2, 3, 4, 6, 8, 12)  # samples
BANDS = (1, 2, 3, 4, 6, 9, 14, 22, 35, 56)  # first harmonic of each; harmonic 1 is one cycle in the window
SHARES = (0.05, 0.1, 0.2, 0.35, 0.6)  # of the highest frequency
STROKES = 24
TINY = 1e-12


def level_scale_slope(x: Floats) -> Floats:
    """(n, 3): mean, standard deviation, and rise over the whole window of its straight line, in units of x (n, length).

    Source: least squares on evenly spaced samples.
    """
    u = np.linspace(-1, 1, x.shape[1])
    slope = 2 * (x @ u) / (u @ u)
    return np.column_stack([x.mean(axis=1), x.std(axis=1), slope])


def shape(x: Floats) -> Floats:
    """(n, k) numbers on windows (n, length) of 8 samples or more that level and scale do not touch.

    A constant window has the shape of zeros.
    """
    if x.shape[1] < 8:
        raise UserError(
            N_("A stretch of {length} samples has no shape."), N_("Choose a length of 16 or more."), length=x.shape[1]
        )
    centred = x - x.mean(axis=1, keepdims=True)
    scale = centred.std(axis=1, keepdims=True)
    varies = scale > TINY * np.abs(x).max(axis=1, keepdims=True)
    z = np.where(varies, centred / np.where(varies, scale, 1.0), 0.0)
    return np.hstack([_trend(z), _memory(z), _distribution(z), _spectrum(z), _course(z)])


def _trend(z: Floats) -> Floats:
    """How much of the window the first three Legendre polynomials are: straight, bent, bent twice."""
    u = np.linspace(-1, 1, z.shape[1])
    basis = np.stack([u, 1.5 * u**2 - 0.5, 2.5 * u**3 - 1.5 * u])
    weights: Floats = basis / np.sqrt((basis**2).mean(axis=1, keepdims=True)) / z.shape[1]
    return np.asarray(z @ weights.T)


def _memory(z: Floats) -> Floats:
    """Autocorrelations, and the same of its steps: smooth or rough, at which distance."""
    lags = [min(lag, z.shape[1] - 2) for lag in LAGS]
    correlations = [(z[:, lag:] * z[:, :-lag]).mean(axis=1) for lag in lags]
    steps = np.diff(z, axis=1)
    power = (steps**2).mean(axis=1)
    of_steps = (steps[:, 1:] * steps[:, :-1]).mean(axis=1) / (power + 1e-6)
    return np.column_stack([*correlations, np.sqrt(power), of_steps])


def _distribution(z: Floats) -> Floats:
    """Skewness and kurtosis (saturating), the share above the mean, and how often it is crossed."""
    above = z > 0
    crossings = (above[:, 1:] != above[:, :-1]).mean(axis=1)
    return np.column_stack(
        [np.tanh((z**3).mean(axis=1) / 2), np.tanh((z**4).mean(axis=1) / 6), above.mean(axis=1), crossings]
    )


def _spectrum(z: Floats) -> Floats:
    """Where the power lies, as shares: centre, strongest harmonic, width, entropy, height, bands, above frequencies."""
    power = np.abs(np.fft.rfft(z, axis=1))[:, 1:] ** 2
    power = power / (power.sum(axis=1, keepdims=True) + 1e-6)
    n = power.shape[1]
    f = np.arange(1, n + 1) / n
    centre = power @ f
    width = np.sqrt((power * (f - centre[:, None]) ** 2).sum(axis=1))
    entropy = -(power * np.log(power + 1e-9)).sum(axis=1) / 4
    strongest = np.log(power.argmax(axis=1) + 1.0) / 4
    harmonic = np.arange(1, n + 1)
    edges = (*BANDS, 10**9)
    bands = [
        np.log(power[:, (low <= harmonic) & (harmonic < high)].sum(axis=1) + 1e-4) / 4 for low, high in pairwise(edges)
    ]
    above = [power[:, f > share].sum(axis=1) for share in SHARES]
    return np.column_stack([centre, strongest, width, entropy, power.max(axis=1), *bands, *above])


def _course(z: Floats) -> Floats:
    """What happens where: the course in 24 strokes, the strength of quarters, extremes and jump and their places."""
    n, length = z.shape
    sums = np.hstack([np.zeros((n, 1)), z.cumsum(axis=1)])
    ends = np.linspace(0, length, STROKES + 1)
    left = np.minimum(ends.astype(int), length - 1)
    strokes = np.diff(sums[:, left] + (ends - left) * z[:, left], axis=1) * STROKES / length
    quarters = np.stack([np.sqrt((part**2).mean(axis=1)) for part in np.array_split(z, 4, axis=1)], axis=1)
    jumps = np.abs(np.diff(z, axis=1))
    places = np.stack([z.argmax(axis=1), z.argmin(axis=1), jumps.argmax(axis=1)], axis=1) / length
    heights = np.stack([z.max(axis=1) / 3, z.min(axis=1) / 3, jumps.max(axis=1)], axis=1)
    return np.hstack([strokes, quarters, places, heights])
