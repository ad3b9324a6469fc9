"""Numbers on windows whose answer can be seen."""

import warnings

import numpy as np
import pytest

from core import features
from core.errors import UserError
from core.features import BANDS, LAGS, Floats, level_scale_slope, shape

LENGTHS = (8, 9, 24, 96, 150, 512)


def walks(n: int, length: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(size=(n, length)).cumsum(axis=1)


def standardised(*rows: Floats) -> Floats:
    x = np.stack(rows).astype(float)
    return (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)


def sine(cycles: float, length: int = 96) -> Floats:
    return np.sin(2 * np.pi * cycles * np.arange(length) / length + 0.4)


# --- level, scale, slope


@pytest.mark.parametrize("length", LENGTHS)
def test_a_straight_line_has_its_mean_and_its_rise(length):
    [(level, scale, slope)] = level_scale_slope(np.linspace(3, 15, length)[None])
    assert level == pytest.approx(9)
    assert slope == pytest.approx(12)
    assert scale == pytest.approx(12 / np.sqrt(12), rel=0.2)  # of an even spread


def test_level_scale_and_slope_are_in_the_units_of_the_window():
    x = walks(20, 64)
    plain, other_units = level_scale_slope(x), level_scale_slope(7.5 * x + 300)
    np.testing.assert_allclose(other_units, 7.5 * plain + [300, 0, 0])
    np.testing.assert_allclose(level_scale_slope(-x), plain * [-1, 1, -1])


def test_what_swings_evenly_about_its_mean_has_no_slope():
    t = np.arange(97) - 48
    [(level, scale, slope)] = level_scale_slope(np.cos(2 * np.pi * t / 97)[None])
    assert (level, slope) == pytest.approx((0, 0), abs=1e-9)
    assert scale == pytest.approx(np.sqrt(0.5))


# --- shape as a whole


@pytest.mark.parametrize("length", LENGTHS)
def test_shape_takes_no_notice_of_level_and_scale_and_does_of_shape(length):
    x = walks(30, length)
    plain = shape(x)
    for moved in (7.5 * x + 300, 1e-6 * x, 1e6 * x - 1e6):
        np.testing.assert_allclose(shape(moved), plain, atol=1e-5)
    for other in (-x, x[:, ::-1]):
        assert (np.abs(shape(other) - plain).max(axis=1) > 0.01).all()


def test_there_are_as_many_numbers_at_every_length_all_of_them_finite():
    widths = set()
    for length in LENGTHS:
        numbers = shape(walks(50, length))
        assert np.isfinite(numbers).all()
        assert np.abs(numbers).max() < 10
        widths.add(numbers.shape)
    assert len(widths) == 1


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("level", [0.0, 0.1, -7.0, 21.3, 1e6 / 3, 1e-30])
def test_a_constant_window_has_the_shape_of_zeros_without_a_warning(level, kind):
    """0.1 has no mean in binary that it equals: what rounding leaves must not be blown up to a shape."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for length in LENGTHS:
            flat = shape(np.full((2, length), level, kind))
            np.testing.assert_allclose(flat, shape(np.zeros((2, length))), atol=1e-6)
            assert np.isfinite(flat).all()
    assert np.abs(flat[0] - shape(walks(1, 512))[0]).max() > 0.5  # a window that moves has another


def test_each_window_is_measured_by_itself():
    x = walks(10, 40)
    together, alone = shape(x), np.concatenate([shape(row[None]) for row in x])
    np.testing.assert_allclose(together, alone, atol=1e-9)
    assert len(np.unique(together.round(6), axis=0)) == 10


# --- its parts


def test_trend_tells_straight_from_bent():
    u = np.linspace(-1, 1, 200)
    told = features._trend(standardised(u, -u, u**2, sine(40, 200)))
    np.testing.assert_allclose(told, [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, 0, 0]], atol=0.05)


@pytest.mark.parametrize("coefficient", [-0.8, 0.0, 0.6, 0.9])
def test_memory_is_the_correlation_at_each_lag(coefficient):
    """Of an AR(1) process it is the coefficient to the power of the lag."""
    rng, x = np.random.default_rng(0), np.zeros((400, 512))
    x[:, 0] = rng.normal(size=400) / np.sqrt(1 - coefficient**2)
    for i in range(1, 512):
        x[:, i] = coefficient * x[:, i - 1] + rng.normal(size=400)
    told = features._memory(standardised(*x)).mean(axis=0)[: len(LAGS)]
    np.testing.assert_allclose(told, coefficient ** np.array(LAGS), atol=0.05)


def test_steps_of_noise_go_back_and_forth_and_those_of_a_slow_wave_go_on():
    noise = np.random.default_rng(0).normal(size=4000)
    rough, smooth = features._memory(standardised(noise, sine(3, 4000)))[:, len(LAGS) :]
    np.testing.assert_allclose(rough, [np.sqrt(2), -0.5], atol=0.05)  # size of a step; steps' lag-1 correlation
    assert smooth[0] < 0.01
    assert smooth[1] > 0.9


def test_distribution_tells_peaks_from_dips_and_how_often_the_mean_is_crossed():
    peak = np.zeros(100)
    peak[40] = 1
    alternating = np.tile([1.0, -1.0], 50)
    told = features._distribution(standardised(peak, -peak, alternating, sine(3, 100)))
    skewness, kurtosis, above, crossings = told.T
    np.testing.assert_allclose(skewness, [1, -1, 0, 0], atol=0.01)
    np.testing.assert_allclose(kurtosis, np.tanh(np.array([97.0, 97.0, 1.0, 1.5]) / 6), atol=0.01)
    np.testing.assert_allclose(above, [0.01, 0.99, 0.5, 0.5], atol=1e-9)
    np.testing.assert_allclose(crossings, np.array([2, 2, 99, 6]) / 99, atol=1e-9)


@pytest.mark.parametrize("cycles", [1, 2, 5, 16, 40])
def test_a_sine_has_its_cycles_as_its_strongest_harmonic_and_all_its_power_there(cycles):
    [(centre, strongest, width, entropy, height, *rest)] = features._spectrum(standardised(sine(cycles)))
    assert np.exp(4 * strongest) == pytest.approx(cycles)
    assert centre == pytest.approx(cycles / 48)
    assert (width, entropy, height) == pytest.approx((0, 0, 1), abs=1e-3)
    bands, above = rest[: len(BANDS)], rest[len(BANDS) :]
    assert np.argmax(bands) == sum(cycles >= first for first in BANDS) - 1
    np.testing.assert_allclose(above, [cycles / 48 > share for share in features.SHARES], atol=1e-5)


def test_the_power_of_noise_lies_everywhere():
    numbers = features._spectrum(standardised(*np.random.default_rng(0).normal(size=(200, 512)))).mean(axis=0)
    assert numbers[0] == pytest.approx(0.5, abs=0.02)  # its centre
    assert numbers[2] == pytest.approx(np.sqrt(1 / 12), abs=0.02)  # its width
    np.testing.assert_allclose(numbers[-len(features.SHARES) :], 1 - np.array(features.SHARES), atol=0.02)


def test_course_says_what_happens_where():
    step = np.where(np.arange(96) < 60, -1.0, 1.0)
    spike = np.where(np.arange(96) == 24, 5.0, 0.0)
    told = features._course(standardised(step, spike))
    strokes, quarters, places, heights = np.split(told, np.cumsum([features.STROKES, 4, 3]), axis=1)
    z = standardised(step, spike)
    np.testing.assert_allclose(strokes, z.reshape(2, 24, 4).mean(axis=2), atol=1e-9)
    assert quarters[1].argmax() == 1
    np.testing.assert_allclose(places[:, 2], [59 / 96, 23 / 96])  # the sample before the greatest jump
    assert places[1, 0] == 24 / 96
    np.testing.assert_allclose(heights[:, :2], np.stack([z.max(axis=1), z.min(axis=1)], axis=1) / 3)
    np.testing.assert_allclose(heights[:, 2], np.ptp(z, axis=1))  # both jump from one extreme to the other


@pytest.mark.parametrize("length", [24, 50, 97])
def test_strokes_add_up_to_the_mean_where_the_length_is_no_multiple_of_them(length):
    z = standardised(*walks(20, length))
    strokes = features._course(z)[:, : features.STROKES]
    np.testing.assert_allclose(strokes.mean(axis=1), 0, atol=1e-9)
    halves = z[:, : length // 2 * 2].reshape(20, 2, -1).mean(axis=2)
    told = strokes.reshape(20, 2, -1).mean(axis=2)
    np.testing.assert_allclose(told, halves, atol=0.06 if length % 2 else 1e-9)


def test_a_window_too_short_to_have_a_shape_is_refused_with_what_to_do():
    with pytest.raises(UserError, match="Choose a length of 16 or more"):
        features.shape(np.zeros((3, 2)))
