"""Generated waveforms to pretrain on: kinds of curves, each seen twice, beside near misses of it. Nothing is recorded.

A *kind* is a curve over the window and a texture (a random process). Two windows of one kind differ in all that does
not matter: where the window was cut and how long it was, small warps in time, amplitude, drift, noise, a fresh draw of
the texture. Kinds come in families of near misses (another bump, another frequency, another texture), so that telling
kinds apart takes more than a glance.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Rng = np.random.Generator
FAMILY = 4  # kinds that are near misses of one another


@dataclass(frozen=True, slots=True, eq=False)
class Texture:
    """Random processes, one a kind, each given by its spectrum. All fields are (n, 1)."""

    process: NDArray[np.integer]  # which of `_spectra`
    correlation: Floats  # AR(1): of neighbouring samples
    frequency: Floats  # AR(2), band: where the peak lies, 1 = half the sampling rate
    sharpness: Floats  # AR(2), band: 0 broad … 1 a line
    colour: Floats  # power law: 0 white, 1 pink, 2 brown, 3 smoother
    share: Floats  # of the window's variance


@dataclass(frozen=True, slots=True, eq=False)
class Kinds:
    """Row i is kind i; rows 4k … 4k+3 are a family."""

    curves: Floats  # (n, n_grid), mean 0 and variance 1
    texture: Texture
    warp: Floats  # (n, 1) how much time may run fast and slow
    swell: Floats  # (n, 1) how much the amplitude may vary along the window
    drift: Floats  # (n, 1) of a slow disturbance, in standard deviations of the curve
    noise: Floats  # (n, 1) of white noise, likewise


def pairs(rng: Rng, n_families: int, first: int, second: int) -> tuple[Floats, Floats]:
    """Two windows of each kind.

    Args:
        first, second: their lengths in samples.

    Returns:
        (4 * n_families, first) and (4 * n_families, second), float32; row i of both is of kind i.
    """
    made = kinds(rng, n_families, max(first, second))
    loosest = float(rng.choice((0.6, 0.85, 0.95, 0.99)))
    return windows(rng, made, first, loosest), windows(rng, made, second, loosest)


def kinds(rng: Rng, n_families: int, length: int) -> Kinds:
    """Families of kinds for windows of `length` samples."""
    t = np.linspace(0, 1, int(np.clip(2 * length, 256, 1024)), dtype=np.float32)[None]
    most = max(2.0, length / 6)  # cycles in a window: six samples each at least
    curve = np.repeat(_composed(rng, t, n_families, most), FAMILY, axis=0)
    of_family = _textures(rng, n_families)
    texture = Texture(*(np.repeat(getattr(of_family, field.name), FAMILY, axis=0) for field in fields(Texture)))
    curve, texture = _near_misses(rng, t, most, curve, texture)

    def shared(values: Floats, probability: float) -> Floats:
        """The same for a whole family; 0 but with this probability."""
        return np.repeat(values * (rng.random(n_families) < probability), FAMILY)[:, None].astype(np.float32)

    return Kinds(
        curves=_standardised(curve),
        texture=texture,
        warp=shared(rng.uniform(0, 0.35, n_families), 0.7),
        swell=shared(rng.uniform(0, 0.3, n_families), 0.6),
        drift=shared(rng.uniform(0, 0.5, n_families), 0.3),
        noise=shared(_spread(rng, 0.003, 0.35, n_families), 1.0),
    )


def windows(rng: Rng, of: Kinds, length: int, loosest: float) -> Floats:
    """A window of each kind: (n, length) float32.

    Args:
        loosest: share of the curve that the shortest cut shows; 1 shows all of it always.
    """
    n = len(of.curves)
    u = np.linspace(0, 1, length, dtype=np.float32)[None]
    size = rng.uniform(loosest, 1, (n, 1))
    start = rng.random((n, 1)) * (1 - size)
    bends = sum(rng.uniform(-1, 1, (n, 1)) * np.sin(k * np.pi * u) / (k * np.pi) for k in (1, 2, 3))
    x = _at(of.curves, start + size * (u + of.warp * bends))
    x = x * (1 + of.swell * _slow(rng, 5, u, n))
    x = np.sqrt(1 - of.texture.share) * x + np.sqrt(of.texture.share) * _drawn(rng, of.texture, length)
    x = x + of.drift * _slow(rng, 3, u, n) + of.noise * rng.standard_normal((n, length), np.float32)
    spikes = (rng.random((n, length)) < 0.01) & (rng.random((n, 1)) < 0.1)  # a sensor that hiccups
    noisy: Floats = (x + 3 * spikes * rng.standard_normal((n, length), np.float32)).astype(np.float32)
    return noisy


# --- what a kind is made of


def _composed(rng: Rng, t: Floats, n: int, most: float) -> Floats:
    """One curve, a mixture of two, one that swells with another, or a change from one to another."""
    one, other = _curves(rng, t, n, most), _curves(rng, t, n, most)
    weight, how, change = rng.uniform(0.15, 1, (n, 1)), rng.random((n, 1)), rng.uniform(0.2, 0.8, (n, 1))
    swelling = one * (1 + 0.8 * np.tanh(other))
    regimes = np.where(t < change, one, (1 - weight) * one + other)
    mixed = np.where(how < 0.72, one + weight * other, np.where(how < 0.82, swelling, regimes))
    return _standardised(np.where(how < 0.4, one, mixed))


def _near_misses(rng: Rng, t: Floats, most: float, curve: Floats, texture: Texture) -> tuple[Floats, Texture]:
    """Change one thing in every kind but the first of its family."""
    n = len(curve)
    change = rng.integers(0, 9, (n, 1))
    change[::FAMILY] = -1
    size = rng.uniform(0.1, 0.7, (n, 1))
    place = np.exp(-0.5 * ((t - rng.uniform(0.05, 0.95, (n, 1))) / _spread(rng, 0.03, 0.2, (n, 1))) ** 2)
    bent = (
        t
        + rng.uniform(-0.08, 0.08, (n, 1)) * np.sin(np.pi * t)
        + rng.uniform(-0.1, 0.1, (n, 1)) * np.sin(2 * np.pi * t)
    )
    faster = (t * np.exp(rng.uniform(-0.35, 0.35, (n, 1)))) % 1
    fresh = _textures(rng, n)
    changed = (
        curve + size * _curves(rng, t, n, most),  # something more, all along
        curve + 2.5 * size * place * rng.choice((-1, 1), (n, 1)),  # a bump more
        _at(curve, faster),
        _at(curve, bent),
        curve[:, ::-1],
        np.tanh(_spread(rng, 0.5, 3, (n, 1)) * curve + rng.uniform(-1, 1, (n, 1))),  # saturated
        curve * (1 - place * rng.uniform(0.4, 1, (n, 1))),  # something less, in one place
    )
    for i, other in enumerate(changed):
        curve = np.where(change == i, other, curve)
    other_texture = change == len(changed)
    rougher = (change == len(changed) + 1) | (other_texture & (texture.share < 0.1))
    share = np.where(rougher, fresh.share, texture.share)
    both = ((getattr(fresh, field.name), getattr(texture, field.name)) for field in fields(Texture))
    return curve, replace(Texture(*(np.where(other_texture, new, old) for new, old in both)), share=share)


def _textures(rng: Rng, n: int) -> Texture:
    shape = (n, 1)
    low = rng.random(shape) < 0.6
    some = np.where(rng.random(shape) < 0.25, rng.uniform(0.8, 1, shape), rng.uniform(0.02, 0.6, shape))
    return Texture(
        process=rng.integers(0, 4, shape),
        correlation=np.where(low, rng.uniform(-0.2, 0.99, shape), rng.uniform(-0.95, 0.5, shape)),
        frequency=_spread(rng, 0.02, 0.9, shape),
        sharpness=rng.uniform(0.3, 0.98, shape),
        colour=rng.uniform(0, 3, shape),
        share=np.where(rng.random(shape) < 0.45, 0, some),
    )


def _drawn(rng: Rng, of: Texture, length: int) -> Floats:
    """A fresh draw of each process, (n, length) with variance 1: white noise, coloured in the frequency domain."""
    n, m = len(of.process), 1 << int(2 * length - 1).bit_length()
    w = np.pi * np.linspace(0, 1, m // 2 + 1, dtype=np.float32)[None]
    shape = (n, m // 2 + 1)
    white = rng.standard_normal(shape, np.float32) + 1j * rng.standard_normal(shape, np.float32)
    coloured = white * _spectra(of, w)
    coloured[:, 0] = 0
    start = int(rng.integers(0, m - length + 1))
    return _standardised(np.fft.irfft(coloured, n=m, axis=1)[:, start : start + length])


def _spectra(of: Texture, w: Floats) -> Floats:
    """(n, len(w)) amplitude at each angular frequency."""
    back = np.exp(-1j * w)
    peak = 2 * of.sharpness * np.cos(np.pi * of.frequency) * back
    ar1 = 1 / np.maximum(np.abs(1 - of.correlation * back), 1e-2)
    ar2 = 1 / np.maximum(np.abs(1 - peak + (of.sharpness * back) ** 2), 1e-2)
    power = np.maximum(w, w[0, 1]) ** (-of.colour / 2)
    band = np.exp(-0.5 * ((w / np.pi - of.frequency) / (0.02 + 0.2 * (1 - of.sharpness))) ** 2)
    spectra: Floats = np.choose(of.process, (ar1, ar2, power, band))
    return spectra


# --- curves: each function makes (n, n_grid) over t, with up to `most` cycles


def _trend(rng: Rng, t: Floats, n: int, _most: float) -> Floats:
    bend, knee, width = _spread(rng, 0.3, 4, (n, 1)), rng.uniform(0.15, 0.85, (n, 1)), _spread(rng, 0.02, 0.3, (n, 1))
    logistic = 1 / (1 + np.exp(np.clip((knee - t) / width, -30, 30)))
    saturating, knick = 1 - np.exp(-t / width), np.abs(t - knee)
    rising = np.choose(rng.integers(0, 4, (n, 1)), (t**bend, logistic, saturating, knick))
    return np.asarray(rising * rng.choice((-1, 1), (n, 1)))


def _polyline(rng: Rng, t: Floats, n: int, _most: float) -> Floats:
    return _template(rng, np.repeat(t, n, axis=0), rng.integers(2, 9, (n, 1)))


def _machine_cycle(rng: Rng, t: Floats, n: int, most: float) -> Floats:
    """A stroke of ramps and holds, over and over."""
    phase = (_spread(rng, 1, max(2.0, most / 3), (n, 1)) * t + rng.random((n, 1))) % 1
    return _template(rng, phase, rng.integers(3, 13, (n, 1)))


def _template(rng: Rng, phase: Floats, n_parts: NDArray[np.integer]) -> Floats:
    """Random values at the ends of equal parts, joined by lines, smooth curves or jumps; some are held."""
    n = len(n_parts)
    ends = rng.standard_normal((n, 14))
    held = rng.random((n, 14)) < 0.3
    for i in range(1, 14):
        ends[:, i] = np.where(held[:, i], ends[:, i - 1], ends[:, i])
    part = np.minimum((phase * n_parts).astype(np.int64), n_parts - 1)
    f = phase * n_parts - part
    f = np.choose(rng.integers(0, 3, (n, 1)), (f, f * f * (3 - 2 * f), (f > 0.5).astype(float)))
    left, right = (np.take_along_axis(ends, part + k, axis=1) for k in (0, 1))
    joined: Floats = left * (1 - f) + right * f
    return joined


def _season(rng: Rng, t: Floats, n: int, most: float) -> Floats:
    """Sines, squares, peaks and saws, with an overtone or none."""
    shape = (n, 1)
    phase = (_spread(rng, 0.6, most, shape) * t + rng.random(shape)) % 1
    rise = np.where(rng.random(shape) < 0.5, 0.5, rng.uniform(0.08, 0.92, shape))
    skewed = np.where(phase < rise, phase / (2 * rise), 0.5 + (phase - rise) / (2 * (1 - rise)))
    wave = np.sin(2 * np.pi * skewed)
    power = np.where(rng.random(shape) < 0.5, 1, _spread(rng, 0.1, 5, shape))
    overtone = rng.random(shape) * (rng.random(shape) < 0.5)
    higher = np.sin(2 * np.pi * (rng.integers(2, 5, shape) * phase + rng.random(shape)))
    shaped: Floats = np.sign(wave) * np.abs(wave) ** power
    return shaped + overtone * higher


def _chirp(rng: Rng, t: Floats, n: int, most: float) -> Floats:
    slow, fast = _spread(rng, 0.5, most, (n, 1)), _spread(rng, 0.5, most, (n, 1))
    return np.sin(2 * np.pi * (slow * t + (fast - slow) * t * t / 2 + rng.random((n, 1))))


def _bumps(rng: Rng, t: Floats, n: int, most: float) -> Floats:
    height = rng.standard_normal((n, 6)) + 0.5 * rng.choice((-1, 1), (n, 6))
    centre, width = rng.uniform(0.02, 0.98, (n, 6)), _spread(rng, max(0.01, 0.5 / most), 0.25, (n, 6))
    u = (t[:, None] - centre[:, :, None]) / width[:, :, None]
    u = u / np.where(u < 0, 1, _spread(rng, 0.3, 3, (n, 6))[:, :, None])  # steeper on one side
    bell = np.exp(-0.5 * np.minimum(u * u, 60))
    tent = np.maximum(0, 1 - np.abs(u) / 1.5)
    shapes = np.choose(rng.integers(0, 4, (n, 1, 1)), (bell, u * bell, (1 - u * u) * bell, tent))
    return _some(rng, height, shapes)


def _steps(rng: Rng, t: Floats, n: int, _most: float) -> Floats:
    """Jumps to another level, slow or sharp, some of them ringing."""
    since = t[:, None] - rng.uniform(0.03, 0.97, (n, 5))[:, :, None]
    u = np.clip(since / _spread(rng, 0.002, 0.15, (n, 5))[:, :, None], 0, 40)
    ringing = (rng.uniform(0, 3, (n, 5)) * (rng.random((n, 1)) < 0.4))[:, :, None]
    return _some(rng, rng.standard_normal((n, 5)), (since > 0) * (1 - np.exp(-u) * np.cos(ringing * u)))


def _bursts(rng: Rng, t: Floats, n: int, most: float) -> Floats:
    """Vibration that comes and goes."""
    u = (t[:, None] - rng.uniform(0.05, 0.95, (n, 3))[:, :, None]) / _spread(rng, 0.02, 0.3, (n, 3))[:, :, None]
    struck = (u > 0) * np.exp(-np.clip(u, 0, 40))
    swell = np.where(rng.random((n, 1, 1)) < 0.5, np.exp(-0.5 * np.minimum(u * u, 60)), struck)
    envelope = _some(rng, rng.uniform(0.4, 1.5, (n, 3)), swell)
    lift = rng.uniform(-1, 1, (n, 1)) * (rng.random((n, 1)) < 0.3)
    return envelope * (np.sin(2 * np.pi * (_spread(rng, 1, most, (n, 1)) * t + rng.random((n, 1)))) + lift)


def _pulses(rng: Rng, t: Floats, n: int, most: float) -> Floats:
    """On and off, with jitter in time and height."""
    turn = _spread(rng, 1, most / 2, (n, 1)) * t + rng.random((n, 1))
    which = turn.astype(np.int64) % 64
    late = np.take_along_axis(rng.standard_normal((n, 64)) * rng.uniform(0, 0.15, (n, 1)), which, axis=1)
    uneven = rng.uniform(0, 0.5, (n, 1)) * (rng.random((n, 1)) < 0.5)
    height = np.take_along_axis(1 + rng.standard_normal((n, 64)) * uneven, which, axis=1)
    inside = rng.uniform(0.025, 0.475, (n, 1)) - np.abs(turn % 1 - late - 0.5)
    pulses: Floats = height * np.clip(0.5 + inside / _spread(rng, 0.005, 0.2, (n, 1)), 0, 1)
    return pulses


def _gaussian_process(rng: Rng, t: Floats, n: int, most: float) -> Floats:
    """A smooth random curve: squared-exponential or rational kernel, drawn through its spectrum."""
    m = t.shape[1]
    f = np.arange(m + 1)[None] / _spread(rng, 1, most, (n, 1))
    rational = (1 + f**2) ** -rng.uniform(1, 4, (n, 1))
    spectrum = np.where(rng.random((n, 1)) < 0.5, np.exp(-(f**2)), rational)
    white = rng.standard_normal((n, m + 1)) + 1j * rng.standard_normal((n, m + 1))
    return np.fft.irfft(white * spectrum, n=2 * m, axis=1)[:, :m]


_MAKERS: tuple[tuple[Callable[[Rng, Floats, int, float], Floats], float], ...] = (  # with how often, relatively
    *((_trend, 0.6), (_polyline, 1.0), (_machine_cycle, 1.6), (_season, 1.3), (_chirp, 0.4)),
    *((_bumps, 1.6), (_steps, 1.0), (_pulses, 0.8), (_bursts, 0.8), (_gaussian_process, 1.6)),
)


def _curves(rng: Rng, t: Floats, n: int, most: float) -> Floats:
    """(n, n_grid) curves, each by a maker of its own, with mean 0 and variance 1."""
    shares = np.array([share for _, share in _MAKERS])
    which = rng.choice(len(_MAKERS), n, p=shares / shares.sum())
    curves = np.zeros((n, t.shape[1]), np.float32)
    for i, (make, _) in enumerate(_MAKERS):
        rows = np.flatnonzero(which == i)
        if len(rows):
            curves[rows] = _standardised(make(rng, t, len(rows), most))
    return curves


# --- arithmetic


def _some(rng: Rng, height: Floats, shapes: Floats) -> Floats:
    """Add up one or more of each row's k shapes: heights (n, k), shapes (n, k, n_grid)."""
    k = height.shape[1]
    used = np.arange(k) < rng.integers(1, k + 1, (len(height), 1))
    added: Floats = ((height * used)[:, :, None] * shapes).sum(axis=1)
    return added


def _slow(rng: Rng, n_knots: int, u: Floats, n: int) -> Floats:
    return _at(rng.standard_normal((n, n_knots)), np.repeat(u, n, axis=0))


def _at(curves: Floats, place: Floats) -> Floats:
    """Rows of curves at places from 0 to 1, between the grid's points by a straight line."""
    last = curves.shape[1] - 1
    position = np.clip(place, 0, 1) * last
    left = np.minimum(position.astype(np.int64), last - 1)
    f = position - left
    found: Floats = np.take_along_axis(curves, left, 1) * (1 - f) + np.take_along_axis(curves, left + 1, 1) * f
    return found


def _standardised(x: Floats) -> Floats:
    centred = x - x.mean(axis=1, keepdims=True)
    scaled: Floats = centred / np.maximum(centred.std(axis=1, keepdims=True), 1e-6)
    return scaled.astype(np.float32)


def _spread(rng: Rng, low: float, high: float, size: int | tuple[int, ...]) -> Floats:
    """Evenly spread over orders of magnitude."""
    spread: Floats = np.exp(rng.uniform(np.log(low), np.log(high), size))
    return spread
