"""Each statistic means what its sentence says."""

import string

import numpy as np
import pytest
from scipy.signal import lfilter

from core.series import Floats
from core.traits import SENTENCES, STATISTICS, measured

N = 240
T = np.arange(N)
WHITE = np.random.default_rng(0).normal(size=N)


def of(wave: Floats) -> dict[str, float]:
    """The statistics of one window."""
    return dict(zip(STATISTICS, measured(np.asarray(wave, float)[None, None])[0, 0], strict=True))


def test_level_slope_and_extremes_of_a_straight_line():
    line = of(3 + 0.5 * T)
    assert line["level"] == pytest.approx(3 + 0.5 * (N - 1) / 2)
    assert line["slope"] == pytest.approx(0.5 * (N - 1))  # from the first sample to the last
    assert (line["lowest"], line["highest"]) == (3, 3 + 0.5 * (N - 1))
    assert line["roughness"] == pytest.approx(0.5)


def test_a_trend_is_no_spread():
    wave = 2 * np.sin(2 * np.pi * T / 24)
    assert of(wave)["spread"] == pytest.approx(np.sqrt(2), rel=0.02)
    assert of(wave + 0.3 * T)["spread"] == pytest.approx(np.sqrt(2), rel=0.03)


@pytest.mark.parametrize("period", [5, 12.5, 24, 58])
def test_a_period_is_found_whatever_the_trend_and_where_the_wave_begins(period):
    for phase in (0, 1, 2.5):
        wave = of(np.sin(2 * np.pi * T / period + phase) + 0.01 * T + 0.2 * WHITE)
        assert wave["period"] == pytest.approx(period, rel=0.03)
        assert wave["rhythm"] > 0.8


@pytest.mark.parametrize("memory", [0.0, 0.9, 0.99])
def test_noise_has_hardly_ever_a_period(memory):
    noise = lfilter([1.0], [1.0, -memory], np.random.default_rng(1).normal(size=(400, 64 + 1000)), axis=1)[
        :, None, 1000:
    ]
    found = measured(noise)[:, 0]
    has_period = np.isfinite(found[:, STATISTICS.index("period")])
    assert has_period.mean() < 0.04
    np.testing.assert_array_equal(found[:, STATISTICS.index("rhythm")] > 0, has_period)


def test_jumps_and_spikes_and_which_way_they_point():
    step = of(np.where(T < 100, 0.0, 7.0))
    assert step["jump"] == 7
    up, down = WHITE.copy(), WHITE.copy()
    up[50], down[50] = 12, -12
    assert of(up)["spikes"] > 2 * of(WHITE)["spikes"]
    assert of(up)["asymmetry"] > 1 > -1 > of(down)["asymmetry"]


def test_fast_is_what_goes_up_and_down_within_eight_samples():
    assert of(np.sin(2 * np.pi * T / 5))["fast"] > 0.99
    assert of(np.sin(2 * np.pi * T / 30))["fast"] < 0.01


def test_units_change_what_is_in_units_and_nothing_else():
    wave = np.sin(2 * np.pi * T / 30) + 0.3 * WHITE
    plain, scaled = of(wave), of(1000 - 4 * wave)
    assert scaled["level"] == pytest.approx(1000 - 4 * plain["level"])
    for name in ("spread", "roughness", "jump"):
        assert scaled[name] == pytest.approx(4 * plain[name])
    for name in ("period", "rhythm", "fast", "spikes"):
        assert scaled[name] == pytest.approx(plain[name], rel=1e-4)
    assert scaled["asymmetry"] == pytest.approx(-plain["asymmetry"], abs=1e-4)


def test_a_constant_has_a_level_and_no_shape():
    constant = of(np.full(N, 0.1))
    assert (constant["level"], constant["spread"], constant["jump"]) == pytest.approx((0.1, 0, 0), abs=1e-12)
    assert all(np.isnan(constant[name]) for name in ("period", "rhythm", "fast", "asymmetry", "spikes"))


def test_a_gap_is_bridged_and_a_window_that_is_mostly_gap_says_nothing():
    wave = np.sin(2 * np.pi * T / 30)
    torn, lost = wave.copy(), wave.copy()
    torn[40:44], torn[:2] = np.nan, np.nan
    lost[100:] = np.nan
    for name in ("level", "spread", "period", "highest"):
        assert of(torn)[name] == pytest.approx(of(wave)[name], rel=0.02, abs=0.02)
    assert all(np.isnan(value) for value in of(lost).values())


def test_every_sentence_has_a_channel_and_two_numbers():
    for sentence in (sentence for both in SENTENCES.values() for sentence in both):
        assert [name for _text, name, _spec, _how in string.Formatter().parse(sentence) if name] == [
            "channel",
            "pick",
            "rest",
        ]
