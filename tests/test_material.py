"""What a browser gets shows the curves, the places and nothing else."""

import base64
import json

import numpy as np
import pytest

from core.material import (
    HIGHEST,
    LINE_SAMPLES,
    MARGIN,
    MISSING,
    MOST,
    SAMPLES,
    channels_shown,
    line,
    points,
    ranks,
    shown,
    waves,
)
from core.recognition import Where


def numbers(text: str, dtype: str = "u1") -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype)


def curves(sent: dict) -> np.ndarray:
    return numbers(sent["data"]).reshape(sent["n"], sent["channels"], sent["samples"]).astype(int)


def noise(n: int = 50, channels: int = 2, length: int = 64) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, channels, length))


# Which windows


def test_few_windows_are_all_shown_and_many_are_thinned_evenly():
    assert sorted(shown(10)) == list(range(10))
    some = np.sort(shown(4 * MOST))
    assert len(some) == len(set(some)) == MOST
    assert set(np.diff(some)) <= {3, 4, 5}


def test_rows_are_in_no_order():
    """A row must not tell when a window was."""
    assert abs(np.corrcoef(shown(MOST), np.arange(MOST))[0, 1]) < 0.05
    assert (shown(MOST) == shown(MOST)).all()


def test_the_first_three_channels_that_vary_are_shown():
    values = noise(channels=6)
    values[:, [0, 3]] = 7.0
    assert channels_shown(values).tolist() == [1, 2, 4]
    assert channels_shown(np.ones((5, 3, 16))).tolist() == [0]


# Curves


def test_curves_have_one_scale_in_a_channel_whatever_the_unit():
    ramp = np.linspace(0, 1, 50)
    values = np.stack([np.stack([ramp, 1000 * ramp - 300]), np.stack([ramp / 2, 500 * ramp - 300])])
    small, large = curves(waves(values)).transpose(1, 0, 2)
    assert (small == large).all()
    np.testing.assert_allclose(small, HIGHEST * np.stack([ramp, ramp / 2]), atol=0.5)


def test_a_missing_value_has_a_level_of_its_own_and_a_constant_lies_in_the_middle():
    values = noise()
    values[3, 0, 5], values[:, 1] = np.nan, 4.0
    sent = curves(waves(values))
    assert np.argwhere(sent == MISSING).tolist() == [[3, 0, 5]]
    assert (sent[:, 1] == HIGHEST // 2).all()


@pytest.mark.parametrize("length", [64, 97, 512, 5000])
def test_a_spike_of_one_sample_stays_to_be_seen(length):
    values, quiet = np.sin(np.linspace(0, 9, 40 * length)).reshape(40, 1, length), 7
    values[quiet, 0, length // 3] = 50.0
    sent = curves(waves(values))[quiet, 0]
    assert sent.max() == HIGHEST
    assert abs(sent.argmax() / len(sent) - 1 / 3) < 0.03
    assert len(sent) == min(length, SAMPLES)


def test_a_spike_does_not_flatten_everything_else():
    values = np.sin(np.linspace(0, 99, 6400)).reshape(100, 1, 64)
    values[0, 0, 0] = 1e6
    assert np.ptp(curves(waves(values))[1:]) > HIGHEST / 2


def test_spikes_on_a_channel_that_hardly_ever_varies_are_seen():
    values = np.zeros((100, 1, 64))
    values[5, 0, 9] = 3.0
    assert curves(waves(values)).max(axis=2).argmax() == 5
    assert set(curves(waves(values)).ravel()) == {0, HIGHEST}


def test_a_long_window_keeps_the_extremes_of_every_part_in_their_order():
    falling = np.linspace(1, 0, 480)[None, None]
    sent = curves(waves(falling))[0, 0]
    assert len(sent) == SAMPLES
    assert (np.diff(sent) <= 0).all()
    assert (sent[0], sent[-1]) == (HIGHEST, 0)
    assert len(set(sent[::2])) == len(set(sent[1::2])) == SAMPLES / 2


# Places


def test_a_map_keeps_its_shape_in_a_square_with_a_margin_and_points_up():
    wide = points(np.array([[0.0, 0], [10, 0], [10, 4]]), None)
    x, y = (numbers(wide["xy"], "<u2").reshape(-1, 2) / 65535).T
    np.testing.assert_allclose(x, [MARGIN, 1 - MARGIN, 1 - MARGIN], atol=1e-4)
    np.testing.assert_allclose(y, 0.5 + np.array([-0.2, -0.2, 0.2]) * (1 - 2 * MARGIN), atol=1e-4)
    assert (wide["n"], wide["colour"]) == (3, None)


def test_points_in_one_place_lie_in_the_middle():
    assert set(numbers(points(np.ones((4, 2)), None)["xy"], "<u2")) == {32768}


def test_colours_go_by_the_order_of_time_whatever_the_pauses():
    at = np.array(["2026-01-03", "2026-01-01", "2026-12-31", "2026-01-01"], "datetime64[D]")
    assert ranks(at).tolist() == [128, 0, 255, 0]
    assert numbers(points(np.eye(4)[:, :2], ranks(at))["colour"]).tolist() == [128, 0, 255, 0]
    assert ranks(np.zeros(3)).tolist() == [0, 0, 0]


# Lines


def test_a_line_names_its_own_windows_and_where_they_lie():
    where = Where(np.array([0, 1, 0, 0]), np.array([800, 0, 0, 400]), 200)
    sent = line(np.sin(np.arange(1000.0))[:, None], 0, where)
    assert sent["ids"] == [2, 3, 0]
    np.testing.assert_allclose(numbers(sent["at"], "<u2") / 65535, [0.1, 0.5, 0.9], atol=1e-4)
    assert (sent["channels"], sent["samples"]) == (1, 1000)


def test_a_long_line_keeps_a_single_spike():
    values = np.random.default_rng(0).normal(size=(100_000, 2))
    values[25_000, 1] = 40.0
    sent = line(values, 0, Where(np.zeros(1, int), np.zeros(1, int), 10))
    levels = numbers(sent["data"]).reshape(2, LINE_SAMPLES)
    assert sent["samples"] == LINE_SAMPLES
    assert levels[1].argmax() == pytest.approx(LINE_SAMPLES / 4, abs=2)
    assert levels[1].max() == HIGHEST


def test_all_of_it_is_json():
    where = Where(np.zeros(50, int), np.arange(50) * 64, 64)
    sent = {"w": waves(noise()), "m": points(noise()[:, 0, :2], ranks(where.start))}
    sent["l"] = line(noise().reshape(-1, 2), 0, where)
    assert json.loads(json.dumps(sent)) == sent
