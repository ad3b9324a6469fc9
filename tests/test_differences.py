"""What is planted is told first and the right way round; a pick made blindly is told nothing."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.stats import norm
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score

from core import differences as module
from core.differences import (
    NEGLIGIBLE,
    axis_curves,
    band,
    cliffs_delta,
    differences,
    statistics_of,
    strength,
    told,
)
from core.neighbours import nearest_to
from core.recipes import Recipe, Windows, WindowSpec, cut
from core.series import Floats, Ints, Series

LENGTH, STEP = 64, 16
Plant = Callable[[Floats], Floats]


def ar(n: int, memory: float, rng: np.random.Generator) -> Floats:
    noise: Floats = lfilter([1.0], [1.0, -memory], rng.normal(size=n + 2000))[2000:]
    return noise * np.sqrt(1 - memory**2)


def windows_of(*series: Floats, length: int = LENGTH, step: int = STEP) -> Windows:
    """Windows of (n, n_channels) recordings."""
    names = tuple(f"c{i}" for i in range(series[0].shape[1]))
    all_series = [Series(None, None, values, names, None) for values in series]
    return cut(all_series, Recipe(steps=(), window=WindowSpec(length, step)))


def planted(plant: Plant) -> tuple[Windows, Ints]:
    """Three channels of noise; in four stretches something is done to the second. And the windows that see it all."""
    rng = np.random.default_rng(5)
    values = np.column_stack([ar(4000, 0.5, rng) for _ in range(3)])
    stretches = [(500, 750), (1400, 1700), (2300, 2550), (3300, 3600)]
    for first, end in stretches:
        values[first:end, 1] = plant(values[first:end, 1])
    windows = windows_of(values)
    inside = [(windows.start >= first) & (windows.start + LENGTH <= end) for first, end in stretches]
    return windows, np.flatnonzero(np.any(inside, axis=0))


def wave(values: Floats, period: int) -> Floats:
    return values + 3 * np.sin(2 * np.pi * np.arange(len(values)) / period)


def spiked(values: Floats) -> Floats:
    values = values.copy()
    values[::42] += 15
    values[21::42] -= 15
    return values


PLANTS: dict[str, tuple[Plant, set[str], int]] = {
    "higher level": (lambda x: x + 4, {"level"}, 1),
    "lower level": (lambda x: x - 4, {"level"}, -1),
    "twice the amplitude": (lambda x: 3 * x, {"spread", "roughness", "jump"}, 1),
    "less amplitude": (lambda x: x / 3, {"spread", "roughness", "jump"}, -1),
    "a rise": (lambda x: x + 0.05 * (np.arange(len(x)) - len(x) / 2), {"slope"}, 1),
    "spikes": (spiked, {"spikes", "jump"}, 1),
}


@pytest.mark.parametrize("name", PLANTS)
def test_what_is_planted_is_told_first(name):
    plant, statistics, sign = PLANTS[name]
    windows, ids = planted(plant)
    found = differences(statistics_of(windows), ids)
    assert found[0].channel == "c1"
    assert found[0].statistic in statistics
    assert np.sign(found[0].effect) == sign
    assert all(one.channel == "c1" for one in found)


def test_another_period_is_told_as_such():
    rng = np.random.default_rng(5)
    values = ar(4000, 0.5, rng)[:, None]
    swift = (np.arange(4000) // 500) % 2 == 1
    values[:, 0] = np.where(swift, wave(values[:, 0], 10), wave(values[:, 0], 14))
    windows = windows_of(values)
    ids = np.flatnonzero(swift[windows.start] & swift[windows.start + LENGTH - 1])
    [period] = [one for one in differences(statistics_of(windows), ids) if one.statistic == "period"]
    assert period.effect < -0.8
    assert period.of_pick == pytest.approx(10, abs=0.2)
    assert period.of_rest == pytest.approx(14, abs=0.3)
    assert told(period).facts["channel"] == "c0"


# --- blind picks


def share_told(memory: float, pick: Callable[[np.random.Generator, int], Ints], n_picks: int = 200) -> float:
    """Of blind picks of overlapping windows of AR(1) noise in two channels, those that anything is told about."""
    rng, hits = np.random.default_rng(2), 0
    for i in range(n_picks):
        if i % 5 == 0:
            noise = np.column_stack([ar(4096, memory, rng) for _ in range(2)])
            statistics = statistics_of(windows_of(noise))
        hits += bool(differences(statistics, pick(rng, len(statistics.values))))
    return hits / n_picks


def scattered(rng: np.random.Generator, n: int) -> Ints:
    return rng.choice(n, int(rng.integers(5, n // 3)), replace=False)


def in_a_row(rng: np.random.Generator, n: int) -> Ints:
    size = int(rng.integers(8, n // 3))
    return int(rng.integers(0, n - size)) + np.arange(size)


@pytest.mark.parametrize("memory", [0.0, 0.9, 0.99])
def test_scattered_blind_picks_are_told_nothing(memory):
    assert share_told(memory, scattered) <= 0.05


@pytest.mark.parametrize(("memory", "most"), [(0.0, 0.05), (0.9, 0.05), (0.99, 0.1)])
def test_stretches_picked_blindly_are_hardly_told_anything(memory, most):
    assert share_told(memory, in_a_row) <= most


def test_stretches_would_fool_whoever_takes_windows_that_overlap_for_independent(monkeypatch):
    monkeypatch.setattr(module, "_lags", lambda *_: np.arange(0))
    assert share_told(0.9, in_a_row, 50) > 0.3


def test_windows_of_different_series_count_in_full_and_those_that_overlap_do_not():
    rng, told_apart, told_together = np.random.default_rng(0), 0, 0
    for _ in range(20):
        apart = [ar(LENGTH, 0.9, rng)[:, None] + (i < 8) for i in range(80)]
        together = ar(LENGTH + 79 * 4, 0.9, rng)[:, None]
        together[: LENGTH + 7 * 4] += 1
        told_apart += bool(differences(statistics_of(windows_of(*apart, step=LENGTH)), np.arange(8)))
        told_together += bool(differences(statistics_of(windows_of(together, step=4)), np.arange(8)))
    assert told_apart >= 15
    assert told_together <= 3


# --- effect sizes


def test_cliffs_delta_counts_pairs():
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 9, 40).astype(float), rng.integers(2, 12, 70).astype(float)
    pairs = np.sign(one[:, None] - other[None]).mean()
    assert cliffs_delta(one, np.sort(other)) == pytest.approx(pairs)
    auc = roc_auc_score(np.r_[np.ones(40), np.zeros(70)], np.r_[one, other])
    assert cliffs_delta(one, np.sort(other)) == pytest.approx(2 * auc - 1)


def test_the_interval_holds_the_true_effect_nineteen_times_in_twenty():
    rng, held = np.random.default_rng(1), 0
    shift = 1.5
    truth = 2 * norm.cdf(shift / np.sqrt(2)) - 1
    for _ in range(100):
        level = rng.normal(size=200)
        level[:50] += shift
        values = np.repeat(level, 8) + np.tile([1e-3, -1e-3], 800)
        [one] = differences(statistics_of(windows_of(values[:, None], length=8, step=8)), np.arange(50))[:1]
        held += one.low <= truth <= one.high
    assert 88 <= held <= 99


def test_what_is_certain_but_negligible_is_not_told():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(120_000, 1))
    statistics = {}
    for shift in (0.05, 0.25):
        moved = values.copy()
        moved[:60_000] += shift
        statistics[shift] = differences(statistics_of(windows_of(moved, length=8, step=8)), np.arange(7500))
    assert statistics[0.05] == []
    assert statistics[0.25][0].statistic == "level"
    assert statistics[0.25][0].low > NEGLIGIBLE


def test_what_two_channels_say_alike_is_told_once():
    windows, ids = planted(lambda x: x + 4)
    one = Series(None, None, windows.prepared[0].values[:, [1, 1]], ("a", "b"), None)
    found = differences(statistics_of(replace(windows, prepared=(one,))), ids)
    assert [each.channel for each in found if each.statistic == "level"] == ["a"]


def test_the_plainest_of_strong_effects_comes_first():
    windows, ids = planted(lambda x: x + 4)
    found = differences(statistics_of(windows), ids)
    tenths = [round(abs(one.effect), 1) for one in found]
    assert tenths == sorted(tenths, reverse=True)
    assert found[0].statistic == "level"
    assert max(found, key=lambda one: abs(one.effect)).statistic == "lowest"


@pytest.mark.parametrize(("effect", "word"), [(0.2, "small"), (-0.4, "medium"), (-0.8, "large"), (1.0, "large")])
def test_effects_have_words(effect, word):
    assert strength(effect) == word


# --- odd data


def test_gaps_constants_and_tiny_picks_do_no_harm():
    windows, ids = planted(lambda x: x + 4)
    values = windows.prepared[0].values.copy()
    values[::37] = np.nan
    values[:, 0] = 5.0
    values[2000:2200] = np.nan
    torn = Series(None, None, values, ("a", "b", "c"), None)
    statistics = statistics_of(replace(windows, prepared=(torn,)))
    assert differences(statistics, ids)[0].channel == "b"
    assert differences(statistics, ids)[0].n == np.isfinite(statistics.values[ids, 12]).sum()
    for few in (ids[:0], ids[:1], np.arange(len(windows)), np.arange(len(windows) - 1)):
        assert differences(statistics, few) == []


# --- in words


def test_a_difference_is_said_with_numbers_that_differ():
    windows, ids = planted(lambda x: x + 0.4)
    moved = Series(None, None, 0.001 * windows.prepared[0].values + 1013.0, ("a", "air [hPa]", "c"), None)
    near = replace(windows, prepared=(moved,))
    level = next(one for one in differences(statistics_of(near), ids) if one.statistic == "level")
    notice = told(level)
    assert notice.message.startswith("{channel}: higher level")
    assert notice.facts["channel"] == "air [hPa]"
    assert notice.facts["pick"] != notice.facts["rest"]
    assert float(notice.facts["pick"]) == pytest.approx(level.of_pick, abs=1e-4)


# --- together


def test_a_band_is_the_mean_and_where_eight_of_ten_lie():
    values = np.arange(11.0)[:, None, None] + np.zeros((11, 2, 5))
    values[:, 1, 3] = np.nan
    values[0, 0, 0] = np.nan
    mean, low, high = band(values, np.arange(11))
    assert mean.shape == low.shape == high.shape == (2, 5)
    assert (mean[0, 1], low[0, 1], high[0, 1]) == (5, 1, 9)
    assert mean[0, 0] == 5.5
    assert np.isnan([mean[1, 3], low[1, 3], high[1, 3]]).all()
    assert band(values, np.array([2, 4]))[0][0, 0] == 3


def test_the_nearest_are_those_of_the_whole_table_of_distances():
    vectors = np.random.default_rng(0).normal(size=(80, 6))
    ids = np.array([3, 40, 41])
    distance = np.linalg.norm(vectors[:, None] - vectors[None, ids], axis=2).min(axis=1)
    distance[ids] = np.inf
    np.testing.assert_array_equal(nearest_to(vectors, ids, 5), np.argsort(distance)[:5])
    assert len(nearest_to(vectors, np.arange(80), 5)) == len(nearest_to(vectors, np.arange(0), 5)) == 0


def test_the_ends_of_a_direction_differ_by_its_loading():
    """For the raw encoder: the windows themselves are the vectors."""
    rng = np.random.default_rng(0)
    t = np.arange(64) / 64
    shapes = np.stack([np.sin(2 * np.pi * t), t - 0.5, np.cos(6 * np.pi * t)])
    values = (rng.normal(size=(400, 3)) * (3, 2, 0.3) @ shapes).reshape(400, 2, 32) + 7
    model = PCA(2, random_state=0)
    scores = model.fit_transform(values.reshape(400, -1))
    for axis in (0, 1):
        low, high = axis_curves(values, scores[:, axis])
        difference = (high - low).ravel()
        assert np.corrcoef(difference, model.components_[axis])[0, 1] > 0.98
