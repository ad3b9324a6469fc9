"""Generated waveforms are what they say: two windows of a kind are alike, near misses less so, strangers not at all."""

import numpy as np
import pytest

from core import waveforms
from core.waveforms import FAMILY, Floats, Kinds, Texture, pairs, windows

PROCESSES = {"AR(1)": 0, "AR(2)": 1, "power law": 2, "band": 3}
LENGTH = 96


def texture(n: int, process: str = "AR(1)", **said: float) -> Texture:
    """The same process n times; white noise that has no share, but for what is said."""
    numbers = {"correlation": 0.0, "frequency": 0.5, "sharpness": 0.5, "colour": 0.0, "share": 0.0} | said
    columns = {name: np.full((n, 1), value) for name, value in numbers.items()}
    return Texture(process=np.full((n, 1), PROCESSES[process]), **columns)


def draws(process: str, **said: float) -> Floats:
    return waveforms._drawn(np.random.default_rng(0), texture(300, process, **said), 512)


def power(x: Floats) -> tuple[Floats, Floats]:
    """Frequencies (1 = half the sampling rate) and the mean power of rows of x there."""
    spectrum = (np.abs(np.fft.rfft(x, axis=1)) ** 2).mean(axis=0)[1:]
    return np.arange(1, len(spectrum) + 1) / len(spectrum), spectrum


def kinds_of(curve: Floats, textured: Texture) -> Kinds:
    """The same kind many times, without any disturbance."""
    none = np.zeros_like(textured.share)
    return Kinds(np.repeat(curve[None], len(none), axis=0), textured, warp=none, swell=none, drift=none, noise=none)


def nearer_than_others(first: Floats, second: Floats) -> tuple[float, float]:
    """How often a window lies nearer to its partner than to a stranger, and than to a near miss; chance: 0.5."""
    one, other = (x / x.std(axis=1, keepdims=True) for x in (first, second))
    apart = ((one[:, None] - other[None]) ** 2).sum(axis=2)
    nearer, row = np.diag(apart)[:, None] < apart, np.arange(len(first))
    family = row[:, None] // FAMILY == row // FAMILY
    return float(nearer[~family].mean()), float(nearer[family & (row[:, None] != row)].mean())


# --- pairs


def test_pairs_are_decided_by_the_seed_alone():
    (one, two), (same, too), (other, _) = (pairs(np.random.default_rng(seed), 4, 64, 48) for seed in (1, 1, 2))
    assert (one == same).all()
    assert (two == too).all()
    assert (one != other).any(axis=1).all()


@pytest.mark.parametrize(("first", "second"), [(16, 16), (96, 72), (384, 512)])
def test_pairs_have_the_lengths_asked_for_and_no_window_is_flat(first, second):
    for x, length in zip(pairs(np.random.default_rng(0), 60, first, second), (first, second), strict=True):
        assert x.shape == (60 * FAMILY, length)
        assert x.dtype == np.float32
        assert np.isfinite(x).all()
        assert x.std(axis=1).min() > 0.01


def test_a_partner_is_nearer_than_a_stranger_and_a_near_miss_is_harder_to_tell():
    made = [pairs(np.random.default_rng(seed), 32, LENGTH, LENGTH) for seed in range(8)]
    stranger, near_miss = np.mean([nearer_than_others(*both) for both in made], axis=0)
    assert stranger > 0.75
    assert 0.55 < near_miss < stranger - 0.1
    unpaired = [nearer_than_others(made[i][0], made[i - 1][1]) for i in range(len(made))]
    assert np.abs(np.mean(unpaired, axis=0) - 0.5).max() < 0.05


# --- kinds


def test_near_misses_share_all_that_disturbs_and_every_curve_is_standardised():
    made = waveforms.kinds(np.random.default_rng(0), 50, LENGTH)
    for values in (made.warp, made.swell, made.drift, made.noise):
        by_family = values.reshape(50, FAMILY)
        assert (by_family == by_family[:, :1]).all()
        assert len(np.unique(by_family)) > 5
    np.testing.assert_allclose(made.curves.mean(axis=1), 0, atol=1e-4)
    np.testing.assert_allclose(made.curves.std(axis=1), 1, atol=1e-3)


def test_hardly_a_near_miss_is_the_same_kind_after_all():
    made = waveforms.kinds(np.random.default_rng(0), 300, LENGTH)
    curves, share = made.curves.reshape(300, FAMILY, -1), made.texture.share.reshape(300, FAMILY)
    process = made.texture.process.reshape(300, FAMILY)
    same_curve = (np.abs(curves[:, 1:] - curves[:, :1]) < 1e-6).all(axis=2)
    same_share = share[:, 1:] == share[:, :1]
    same_process = (process[:, 1:] == process[:, :1]) | (share[:, 1:] == 0)
    assert 0.1 < same_curve.mean() < 0.35  # two changes in nine concern the texture
    assert (same_curve & same_share & same_process).mean() < 0.1


# --- windows


def test_an_undisturbed_window_shows_a_stretch_of_the_curve():
    """Of a straight line from 0 to 1 a cut of 60 % or more: straight, and rising by its size."""
    x = windows(np.random.default_rng(0), kinds_of(np.linspace(0, 1, 256), texture(400)), LENGTH, loosest=0.6)
    smooth = x[np.abs(np.diff(x, n=2, axis=1)).max(axis=1) < 1e-3]
    assert len(smooth) > 0.85 * len(x)  # the others have spikes: one window in ten, most of the time
    rise, start = smooth[:, -1] - smooth[:, 0], smooth[:, 0]
    assert 0.599 < rise.min() < 0.65
    assert 0.95 < rise.max() < 1.001
    assert start.min() >= 0
    assert (start + rise).max() < 1.001
    assert np.ptp(start) > 0.3  # cut at different places


def test_a_cut_of_all_shows_all_at_any_length():
    curve = np.sin(np.linspace(0, 2 * np.pi, 257))
    for length in (32, 400):
        x = windows(np.random.default_rng(0), kinds_of(curve, texture(40)), length, loosest=1)
        wanted = np.sin(np.linspace(0, 2 * np.pi, length))
        assert (np.abs(x - wanted) < 1e-3).mean() > 0.98  # but for spikes


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_texture_takes_its_share_of_the_variance_and_is_drawn_afresh(share):
    curve = np.sqrt(2) * np.sin(np.linspace(0, 6 * np.pi, 513))
    rng, kind = np.random.default_rng(0), kinds_of(curve, texture(200, share=share))
    one, other = (windows(rng, kind, 512, loosest=1) for _ in range(2))
    wanted = np.sin(np.linspace(0, 6 * np.pi, 512))
    explained = [np.corrcoef(x, wanted)[0, 1] ** 2 for x in one]
    assert np.mean(explained) == pytest.approx(1 - share, abs=0.03)
    common = [np.corrcoef(x, y)[0, 1] for x, y in zip(one, other, strict=True)]
    assert np.mean(common) == pytest.approx(1 - share, abs=0.03)  # all but the texture


# --- textures


@pytest.mark.parametrize("correlation", [-0.9, 0.0, 0.5, 0.95])
def test_neighbours_in_an_ar1_texture_correlate_as_it_says(correlation):
    x = draws("AR(1)", correlation=correlation)
    neighbours = (x[:, 1:] * x[:, :-1]).mean(axis=1)
    assert neighbours.mean() == pytest.approx(correlation, abs=0.04)


@pytest.mark.parametrize("process", ["AR(2)", "band"])
@pytest.mark.parametrize("frequency", [0.1, 0.3, 0.8])
def test_a_peak_lies_where_it_says_and_is_as_sharp(process, frequency):
    in_band = {}
    for sharpness in (0.5, 0.97):
        f, spectrum = power(draws(process, frequency=frequency, sharpness=sharpness))
        in_band[sharpness] = spectrum[np.abs(f - frequency) < 0.05].sum() / spectrum.sum()
    assert f[spectrum.argmax()] == pytest.approx(frequency, abs=0.03)
    assert in_band[0.97] > 0.7 > in_band[0.5] > 0.1  # white noise: 0.1


@pytest.mark.parametrize("colour", [0.0, 1.0, 2.0])
def test_the_power_of_a_colour_falls_as_it_says(colour):
    f, spectrum = power(draws("power law", colour=colour) * np.hanning(512))
    straight = (f > 0.03) & (f < 0.9)
    slope = np.polyfit(np.log(f[straight]), np.log(spectrum[straight]), 1)[0]
    assert -slope == pytest.approx(colour, abs=0.1)


def test_every_draw_has_mean_zero_and_variance_one():
    for process in PROCESSES:
        x = draws(process, correlation=0.9, colour=2.5)
        np.testing.assert_allclose(x.mean(axis=1), 0, atol=1e-4)
        np.testing.assert_allclose(x.std(axis=1), 1, atol=1e-3)
