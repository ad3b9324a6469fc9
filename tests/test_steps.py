"""Steps against references that share no code with them: pandas, SciPy, scikit-learn, statsmodels, planted signals."""

import json
from dataclasses import replace
from itertools import groupby

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal, stats
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler
from statsmodels.tsa.seasonal import MSTL, STL

from core.errors import UserError
from core.fitting import apply, fit, prepare, replay, scale_windows, training_length
from core.series import Bools, Floats, Series
from core.signals import MOST_POINTS
from core.steps import (
    KINDS,
    Bend,
    Deseason,
    Detrend,
    Impute,
    Resample,
    Scale,
    Smooth,
    Step,
    Winsorise,
    check_order,
    from_json,
    keeps_samples,
    to_json,
)

NAN = np.nan
EVERY_STEP: list[Step] = [
    Resample(2.0, "mean"),
    Resample(0.7, "linear"),
    Resample(2.0, "nearest"),
    Impute("linear", 3),
    Impute("forward", 3),
    Impute("seasonal", 3, 6),
    Impute("model", 3),
    Winsorise(0.05),
    Winsorise(0.05, "all"),
    Smooth("median", 5),
    Smooth("exponential", 5),
    Smooth("savgol", 5),
    Bend("log"),
    Bend("box-cox"),
    Detrend("linear"),
    Detrend("difference"),
    Deseason("stl", (6,)),
    Deseason("mstl", (6, 15)),
    Scale("z-score", "series"),
    Scale("min-max", "domain"),
    Scale("robust", "all"),
    Scale("z-score", "window"),
]
LEARNING = [step for step in EVERY_STEP if isinstance(step, Winsorise | Scale) and step.over != "window"]
LEARNING += [Detrend("linear"), Bend("box-cox")]


def series(*columns: list[float] | Floats, seconds: list[float] | None = None, **more: object) -> Series:
    values = np.column_stack([np.asarray(column, dtype=float) for column in columns])
    since = None if seconds is None else (np.array(seconds) * 1e9).round().astype("timedelta64[ns]")
    time = None if since is None else np.datetime64("2024-04-01T08:00", "ns") + since
    one = Series(None, time, values, tuple("abcdefgh"[: len(columns)]), None)
    return replace(one, **more)


def rough(seed: int, n: int = 120, domain: str | None = "L1", gaps: float = 0.2) -> Series:
    """Two positive channels with a rhythm, noise and gaps, on a clock of a second."""
    rng = np.random.default_rng(seed)
    values = 20 + np.sin(np.arange(n) / 6 * 2 * np.pi)[:, None] * [1, 3] + rng.gamma(2, 1, (n, 2))
    values[rng.random((n, 2)) < gaps] = NAN
    label = rng.choice(["ok", "ng", ""], n)
    return series(*values.T, seconds=list(range(n)), domain=domain, label=label)


def done(step: Step, one: Series, training: float = 1.0) -> Series:
    [result] = apply(step, fit(step, [one], training), [one], zeros)
    return result


def zeros(values: Floats, gaps: Bools) -> Floats:
    return np.where(gaps, 0.0, values)


def runs(x: Floats) -> list[slice]:
    """Known values without a gap between them, found the slow way."""
    found, i = [], 0
    for known, cells in groupby(~np.isnan(x)):
        n = len(list(cells))
        found += [slice(i, i + n)] if known else []
        i += n
    return found


def run_by_run(x: Floats, smoothed) -> Floats:
    expected = np.full_like(x, NAN)
    for run in runs(x):
        expected[run] = smoothed(x[run])
    return expected


# --- filling gaps


def test_a_line_is_drawn_between_the_neighbours_of_a_gap_and_none_at_the_ends():
    x = rough(1).values[:, 0]
    x[[0, 1, -1]] = NAN
    expected = pd.Series(x).interpolate(limit_area="inside").to_numpy()
    assert np.isnan(expected[[0, 1, -1]]).all()
    np.testing.assert_allclose(done(Impute("linear", 120), series(x)).values[:, 0], expected)


def test_the_last_value_goes_on_past_the_end_and_never_backwards():
    values = rough(2).values
    values[[0, 1]], values[-1] = NAN, [NAN, 5]
    filled = done(Impute("forward", 120), series(*values.T)).values
    np.testing.assert_array_equal(filled, pd.DataFrame(values).ffill().to_numpy())
    assert np.isnan(filled[:2]).all()


def test_a_season_is_continued_through_a_gap_on_a_slope_whatever_one_odd_day_did():
    t = np.arange(24 * 12.0)
    truth = 3 + 0.05 * t + 4 * np.sin(t / 24 * 2 * np.pi) + (t % 24 == 7)
    x = truth.copy()
    x[24 * 2 : 24 * 3] += 30  # an odd day, far away
    x[24 * 8 + 3 : 24 * 8 + 40] = NAN
    filled = done(Impute("seasonal", 40, 24), series(x)).values[:, 0]
    np.testing.assert_allclose(filled[24 * 8 : 24 * 10], truth[24 * 8 : 24 * 10], atol=1e-9)
    line = done(Impute("linear", 40), series(x)).values[:, 0]
    assert np.abs(line - truth)[24 * 8 : 24 * 10].max() > 3


@pytest.mark.parametrize("gap", [slice(0, 20), slice(-20, None)])
def test_a_season_is_continued_over_an_end_at_the_level_of_the_side_that_there_is(gap):
    truth = np.tile([1.0, 5.0, 2.0, 8.0], 25)
    x = truth.copy()
    x[gap] = NAN
    np.testing.assert_allclose(done(Impute("seasonal", 20, 4), series(x)).values[:, 0], truth)


def test_a_phase_without_a_value_leaves_its_cells_missing():
    x = np.tile([1.0, 5.0, NAN, 8.0], 10)
    x[17] = NAN
    filled = done(Impute("seasonal", 3, 4), series(x)).values[:, 0]
    assert np.isnan(filled).tolist() == [False, False, True, False] * 10


def test_a_model_is_asked_for_short_gaps_only_and_changes_nothing_else():
    asked = []

    def model(values: Floats, gaps: Bools) -> Floats:
        asked.append((values.copy(), gaps.copy()))
        values[:] = 7  # it may work in place
        return values

    one = series([1, NAN, 3, NAN, NAN, 6], [NAN, 2, 3, 4, 5, 6])
    [filled] = apply(Impute("model", 1), {}, [one], model)
    [(values, gaps)] = asked
    np.testing.assert_array_equal(values, [[1, NAN], [NAN, 2], [3, 3], [NAN, 4], [NAN, 5], [6, 6]])
    np.testing.assert_array_equal(one.values, values)
    assert np.argwhere(gaps).tolist() == [[0, 1], [1, 0]]
    np.testing.assert_array_equal(filled.values, [[1, 7], [7, 2], [3, 3], [NAN, 4], [NAN, 5], [6, 6]])


def test_a_model_that_leaves_a_cell_missing_did_not_fill_it():
    [filled] = apply(
        Impute("model", 1), {}, [series([1, NAN, 3, NAN, 5])], lambda v, _g: np.where([[0], [1], [0], [0], [0]], 2.0, v)
    )
    assert filled.filled is not None
    assert filled.filled[:, 0].tolist() == [False, True, False, False, False]


def test_filling_by_a_model_without_one_or_by_one_that_gives_another_shape_is_an_error_in_the_program():
    with pytest.raises(ValueError, match="needs a function"):
        apply(Impute("model", 1), {}, [series([1, NAN, 3])])
    with pytest.raises(ValueError, match="came back as"):
        apply(Impute("model", 1), {}, [series([1, NAN, 3])], lambda values, _gaps: values[0])


@given(
    x=st.lists(st.one_of(st.just(NAN), st.floats(-1e3, 1e3)), min_size=1, max_size=40),
    longest=st.integers(1, 6),
    method=st.sampled_from(["linear", "forward", "seasonal", "model"]),
)
@settings(max_examples=150, deadline=None)
def test_filling_keeps_what_was_known_leaves_long_gaps_whole_and_marks_exactly_what_it_filled(x, longest, method):
    before = np.array(x)
    after = done(Impute(method, longest, 3), series(before))
    values = after.values[:, 0]
    known = ~np.isnan(before)
    np.testing.assert_array_equal(values[known], before[known])
    for gap in runs(np.where(known, NAN, 0.0)):
        assert np.isnan(values[gap]).all() or gap.stop - gap.start <= longest
    marked = np.zeros(len(x), bool) if after.filled is None else after.filled[:, 0]
    np.testing.assert_array_equal(marked, ~known & ~np.isnan(values))


def test_what_was_filled_before_stays_marked():
    first = done(Impute("linear", 1), series([1, NAN, 3, NAN, NAN, 6]))
    second = done(Impute("linear", 2), first)
    assert second.filled is not None
    assert second.filled[:, 0].tolist() == [False, True, False, True, True, False]


# --- an even grid


def test_the_mean_of_a_bin_is_that_of_its_known_samples():
    rng = np.random.default_rng(3)
    one = rough(3, n=400)
    one = replace(one, time=one.time[0] + np.sort(rng.integers(0, 300_000, 400)) * np.timedelta64(1_000_000, "ns"))
    sampled = done(Resample(2.5, "mean"), one)
    expected = pd.DataFrame(one.values, index=pd.DatetimeIndex(one.time)).resample("2500ms", origin="start").mean()
    np.testing.assert_array_equal(sampled.time, expected.index.to_numpy())
    np.testing.assert_allclose(sampled.values, expected.to_numpy())
    assert np.isnan(sampled.values).any()


def test_lines_join_neighbours_and_the_grid_is_even():
    seconds = [0, 1.1, 1.9, 3.2, 4.0, 5.1]
    x = np.array([3.0, 1, 4, 1, 5, 9])
    sampled = done(Resample(0.5, "linear"), series(x, seconds=seconds))
    grid = np.arange(0, 5.1, 0.5)
    np.testing.assert_allclose(sampled.values[:, 0], np.interp(grid, seconds, x))
    np.testing.assert_array_equal(np.diff(sampled.time), np.timedelta64(500, "ms"))
    assert sampled.step is None


def test_no_line_bridges_a_sample_that_is_missing():
    one = series([0, 1, 2, NAN, 4, 5], seconds=[0, 1, 2, 3, 4, 5])
    np.testing.assert_array_equal(
        done(Resample(0.5, "linear"), one).values[:, 0], [0, 0.5, 1, 1.5, 2, NAN, NAN, NAN, 4, 4.5, 5]
    )


def test_on_a_coarse_grid_a_line_may_be_longer():
    x = np.where((np.arange(21) > 8) & (np.arange(21) < 12), NAN, np.arange(21.0))
    np.testing.assert_allclose(
        done(Resample(10, "linear"), series(x, seconds=list(range(21)))).values[:, 0], [0, 10, 20]
    )


def test_a_slow_channel_beside_a_fast_one_is_joined_at_its_own_pace():
    slow = np.where(np.arange(41) % 10 == 0, np.arange(41.0), NAN)
    sampled = done(Resample(1, "linear"), series(np.ones(41), slow, seconds=list(range(41))))
    np.testing.assert_allclose(sampled.values[:, 1], np.arange(41))


def test_samples_of_one_stamp_are_averaged_before_lines_are_drawn():
    one = series([0, 10, 20, NAN, 2], seconds=[0, 1, 1, 1, 2])
    np.testing.assert_allclose(done(Resample(0.5, "linear"), one).values[:, 0], [0, 7.5, 15, 8.5, 2])


def test_the_nearest_sample_counts_if_it_is_within_half_a_step():
    rng = np.random.default_rng(4)
    seconds = np.unique(rng.integers(0, 600, 150)) / 10  # holes of several steps are among them
    one = series(rng.normal(size=len(seconds)), seconds=seconds.tolist())
    sampled = done(Resample(0.7, "nearest"), one)
    source = pd.Series(one.values[:, 0], index=pd.DatetimeIndex(one.time))
    expected = source.reindex(pd.DatetimeIndex(sampled.time), method="nearest", tolerance=pd.Timedelta(seconds=0.35))
    away = (np.abs((sampled.time[:, None] - one.time).astype(float)) / 1e9).round(9)
    clear = (away == away.min(axis=1, keepdims=True)).sum(
        axis=1
    ) == 1  # pandas prefers the later of two, we the earlier
    assert expected.isna().any()
    assert clear.sum() > 50
    np.testing.assert_array_equal(sampled.values[clear, 0], expected.to_numpy()[clear])


def test_of_two_equally_near_samples_the_earlier_counts_and_of_one_stamp_the_first():
    one = series([1, 2, 3, 4], seconds=[0, 1, 1, 3])
    np.testing.assert_array_equal(done(Resample(2, "nearest"), one).values[:, 0], [1, 2])


def test_rows_that_go_back_in_time_are_put_in_order():
    there = series([1, 2, 3], seconds=[0, 1, 2], label=np.array(["a", "b", "c"]))
    back = replace(there, time=there.time[::-1], values=there.values[::-1], label=there.label[::-1])
    for method in ("mean", "linear", "nearest"):
        one, other = done(Resample(1, method), there), done(Resample(1, method), back)
        np.testing.assert_array_equal(one.values, other.values)
        np.testing.assert_array_equal(one.time, other.time)
        assert one.label.tolist() == other.label.tolist() == ["a", "b", "c"]


def test_a_bin_has_its_commonest_label_of_two_the_first_and_without_samples_the_last_one_so_far():
    label = np.array(["ng", "ok", "ok", "b", "a", "x"])
    one = series(np.ones(6), seconds=[0, 1, 2, 3, 4, 10], label=label)
    assert done(Resample(3, "mean"), one).label.tolist() == ["ok", "b", "a", "x"]


def test_between_samples_the_last_label_so_far_holds():
    one = series(np.ones(3), seconds=[0, 1, 2], label=np.array(["a", "b", "c"]))
    for method in ("linear", "nearest"):
        assert done(Resample(0.75, method), one).label.tolist() == ["a", "a", "b"]


def test_without_a_clock_the_told_rate_counts():
    sampled = done(Resample(0.3, "mean"), series(np.arange(9.0), step=0.1))
    assert sampled.values[:, 0].tolist() == [1, 4, 7]
    assert sampled.step == 0.3
    assert sampled.time is None


def test_without_clock_and_rate_there_is_no_grid_and_it_is_said_what_to_do():
    with pytest.raises(UserError, match="Tell the sampling interval"):
        done(Resample(1, "mean"), series(np.arange(9.0)))


def test_a_grid_that_would_fill_the_memory_is_refused_and_the_remedy_is_enough():
    one = series([1, 2], seconds=[0, 86_400 * 123.4])
    with pytest.raises(UserError, match="or more") as error:
        done(Resample(0.1, "linear"), one)
    assert error.value.facts["n"] > MOST_POINTS
    enough = float(f"{error.value.facts['enough']:g}")
    assert MOST_POINTS * 0.9 < len(done(Resample(enough, "mean"), one).values) <= MOST_POINTS


@pytest.mark.parametrize(("method", "made_by_3"), [("mean", True), ("linear", False), ("nearest", False)])
def test_a_point_on_the_grid_is_filled_where_a_sample_that_made_it_was(method, made_by_3):
    """Samples at 0 … 6 seconds; of the points at 0, 2, 4, 6 only a mean is made of sample 3, the one at 2."""
    for row, expected in ((2, True), (3, made_by_3)):
        filled = np.zeros((7, 1), bool)
        filled[row] = True
        one = series(np.arange(7.0), seconds=list(range(7)), filled=filled)
        assert done(Resample(2, method), one).filled[:, 0].tolist() == [False, expected, False, False]


def test_a_line_to_a_filled_sample_is_filled_all_along():
    one = series([0, 1, 2, 3], seconds=[0, 1, 2, 3], filled=np.array([[0], [1], [0], [0]], bool))
    assert done(Resample(0.5, "linear"), one).filled[:, 0].tolist() == [False, True, True, True, False, False, False]


# --- smoothing


@pytest.mark.parametrize("width", [3, 9, 31])
def test_a_median_is_that_of_its_run_and_shrinks_at_the_ends(width):
    x = rough(5, gaps=0.1).values[:, 0]
    expected = run_by_run(x, lambda r: pd.Series(r).rolling(width, center=True, min_periods=1).median())
    np.testing.assert_array_equal(done(Smooth("median", width), series(x)).values[:, 0], expected)


@pytest.mark.parametrize("width", [2, 9, 200])
def test_exponential_smoothing_is_that_of_pandas_in_every_run(width):
    x = rough(6, n=2000, gaps=0.02).values[:, 0]
    expected = run_by_run(x, lambda r: pd.Series(r).ewm(span=width, adjust=False).mean())
    np.testing.assert_allclose(done(Smooth("exponential", width), series(x)).values[:, 0], expected, rtol=1e-12)


def test_exponential_smoothing_looks_at_no_later_value():
    x = rough(7).values[:, 0]
    changed = np.append(x[:60], x[60:] * 5)
    one, other = (done(Smooth("exponential", 9), series(v)).values[:60] for v in (x, changed))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("width", [3, 5, 9])
def test_savitzky_golay_is_that_of_scipy_in_runs_that_are_long_enough_and_leaves_shorter_ones(width):
    x = rough(8, n=300, gaps=0.08).values[:, 0]

    def reference(run: Floats) -> Floats:
        return run if len(run) < width else signal.savgol_filter(run, width, 2, mode="interp")

    lengths = [run.stop - run.start for run in runs(x)]
    assert width == 3 or min(lengths) < width <= max(lengths)
    np.testing.assert_allclose(done(Smooth("savgol", width), series(x)).values[:, 0], run_by_run(x, reference))


@given(
    x=st.lists(st.one_of(st.just(NAN), st.floats(-1e3, 1e3)), min_size=1, max_size=40),
    step=st.sampled_from([Smooth("median", 5), Smooth("exponential", 4), Smooth("savgol", 5)]),
)
@settings(max_examples=100, deadline=None)
def test_smoothing_neither_spreads_nor_fills_gaps(x, step):
    smooth = done(step, series(x)).values[:, 0]
    np.testing.assert_array_equal(np.isnan(smooth), np.isnan(x))


# --- extremes, trends, seasons


def test_the_extremes_of_the_training_part_set_the_limits_for_everything():
    x = rough(9, n=200).values[:, 0]
    x[150] = 1e6
    first = pd.Series(x[:140])
    expected = pd.Series(x).clip(first.quantile(0.05), first.quantile(0.95))
    np.testing.assert_allclose(done(Winsorise(0.05), series(x), training=0.7).values[:, 0], expected)
    assert expected.max() < 100


def test_limits_are_those_of_a_line_so_that_a_hot_line_keeps_its_peaks():
    hot = np.append(np.arange(99.0) / 10, 1e6) + 1000
    lines = [series(np.arange(100.0), domain="cold"), series(hot, domain="hot")]
    by_line, together = (
        apply(step, fit(step, lines, 1.0), lines)[1].values.max() for step in (Winsorise(0.02), Winsorise(0.4, "all"))
    )
    assert 1009 < by_line < 1010
    assert together < 1009


def test_the_line_of_the_training_part_is_taken_off_throughout():
    x = rough(10, n=200).values[:, 0] + 0.3 * np.arange(200)
    known = np.flatnonzero(~np.isnan(x[:150]))
    expected = x - np.polyval(np.polyfit(known, x[known], 1), np.arange(200))
    np.testing.assert_allclose(done(Detrend("linear"), series(x), training=0.75).values[:, 0], expected, atol=1e-9)


def test_without_gaps_and_fitted_on_all_of_it_detrending_is_that_of_scipy():
    x = rough(11, gaps=0).values
    np.testing.assert_allclose(done(Detrend("linear"), series(*x.T)).values, signal.detrend(x, axis=0), atol=1e-9)


def test_a_difference_is_to_the_value_before_and_keeps_the_times():
    one = series([1, 4, NAN, 9, 11], seconds=[0, 1, 2, 3, 4])
    result = done(Detrend("difference"), one)
    np.testing.assert_array_equal(result.values[:, 0], [NAN, 3, NAN, NAN, 2])
    assert result.time is one.time


def test_a_difference_is_filled_where_either_of_its_values_is():
    one = series([1, 2, 4, 7, 11], filled=np.array([[1], [0], [1], [0], [0]], bool))
    assert done(Detrend("difference"), one).filled[:, 0].tolist() == [False, True, True, True, False]


def test_one_season_is_that_of_stl_and_several_are_those_of_mstl():
    x = rough(12, n=180, gaps=0).values[:, 0]
    how = {"robust": True, "trend_jump": 2, "low_pass_jump": 2}  # a tenth of 15, rounded up
    stl = x - STL(x, period=15, **how).fit().seasonal
    np.testing.assert_allclose(done(Deseason("stl", (15,)), series(x)).values[:, 0], stl)
    for periods in [(15,), (40, 15)]:
        mstl = MSTL(x, periods=periods, stl_kwargs=dict(how)).fit()
        expected = x - mstl.seasonal.reshape(180, -1).sum(axis=1)
        np.testing.assert_allclose(done(Deseason("mstl", periods), series(x)).values[:, 0], expected)


def test_loess_at_every_tenth_of_a_period_is_close_to_loess_everywhere():
    x = rough(13, n=1200, gaps=0).values[:, 0] + 3 * np.sin(np.arange(1200) / 60 * 2 * np.pi)
    everywhere = STL(x, period=60, robust=True).fit().seasonal
    season = x - done(Deseason("stl", (60,)), series(x)).values[:, 0]
    assert np.abs(season - everywhere).max() < 0.05 * everywhere.std()


def test_a_season_is_taken_out_around_gaps_and_the_gaps_stay():
    t = np.arange(240)
    x = 0.02 * t + 5 * np.sin(t / 12 * 2 * np.pi)
    x[[0, 1, 50, 90, 91, 239]] = NAN
    flat = done(Deseason("stl", (12,)), series(x)).values[:, 0]
    np.testing.assert_array_equal(np.isnan(flat), np.isnan(x))
    assert np.nanmax(np.abs(flat - 0.02 * t)[24:-24]) < 0.5


@pytest.mark.parametrize(("step", "shortest"), [(Deseason("stl", (12,)), 24), (Deseason("mstl", (6, 12)), 25)])
def test_a_season_must_be_seen_twice(step, shortest):
    x = np.random.default_rng(0).normal(size=shortest)
    assert np.abs(done(step, series(x)).values[:, 0] - x).max() > 0.01  # something was taken out
    with pytest.raises(UserError, match=f"{shortest - 1} samples is too short to show a season of 12") as error:
        done(step, series(x[1:]))
    fits = error.value.facts["longest"]
    done(replace(step, periods=(*step.periods[:-1], fits)), series(x[1:]))


# --- scales

REFERENCES = {"z-score": StandardScaler, "min-max": MinMaxScaler, "robust": RobustScaler}


@pytest.mark.parametrize("method", REFERENCES)
def test_scales_are_those_of_scikit_learn_fitted_on_the_training_part(method):
    lines = [rough(20, domain="L1"), rough(21, n=50, domain="L1"), rough(22, domain="L2")]
    lines[2] = replace(lines[2], values=lines[2].values * 40)
    groups = {"series": [[0], [1], [2]], "domain": [[0, 1], [2]], "all": [[0, 1, 2]]}
    for over, sharing in groups.items():
        step = Scale(method, over)
        scaled = apply(step, fit(step, lines, 0.6), lines)
        for group in sharing:
            parts = [lines[i].values[: round(0.6 * len(lines[i].values))] for i in group]
            reference = REFERENCES[method]().fit(np.concatenate(parts))
            for i in group:
                np.testing.assert_allclose(scaled[i].values, reference.transform(lines[i].values), atol=1e-9)


@pytest.mark.parametrize("method", REFERENCES)
def test_each_window_is_scaled_by_itself_and_its_gaps_stay(method):
    values = np.random.default_rng(23).normal(5, 3, (6, 2, 30))
    values[0, 0, 3:9] = NAN
    for windows in (values, values[1:]):  # with a gap among them and without
        scaled = scale_windows(windows, method)
        for w, window in enumerate(windows):
            np.testing.assert_allclose(scaled[w].T, REFERENCES[method]().fit_transform(window.T))


@pytest.mark.parametrize("method", REFERENCES)
def test_a_constant_becomes_zero_and_not_noise(method):
    x = np.full(1000, 0.1) + np.tile([0, 1e-17, 2e-17, -2e-17], 250)  # 0.1 and its neighbours among the floats
    assert len(np.unique(x)) > 1
    assert (done(Scale(method, "series"), series(x)).values == 0).all()
    windows = scale_windows(np.stack([np.stack([x, np.full(1000, NAN)]), np.stack([x, np.arange(1000.0)])]), method)
    assert (windows[:, 0] == 0).all()
    assert np.isnan(windows[0, 1]).all()


def test_what_leaves_a_value_that_was_constant_in_the_training_part_is_seen():
    x = np.append(np.full(80, 7.3), [7.3, 9.3])
    np.testing.assert_allclose(done(Scale("z-score", "series"), series(x), training=0.9).values[-2:, 0], [0, 2])


def test_scaling_over_windows_leaves_series_alone():
    one = rough(24)
    assert fit(Scale("z-score", "window"), [one], 1.0) == {}
    assert done(Scale("z-score", "window"), one) is one


def test_a_logarithm_is_the_natural_one():
    one = rough(25)
    np.testing.assert_allclose(done(Bend("log"), one).values, np.log(one.values))


def test_box_cox_is_that_of_scipy_but_for_shift_and_unit():
    x = rough(26, n=400, gaps=0).values[:, 0] - 15
    result = done(Bend("box-cox"), series(x), training=0.5).values[:, 0]
    _, steep = stats.boxcox(x[:200])
    mean = stats.gmean(x[:200])
    expected = (stats.boxcox(x, steep) - stats.boxcox(np.array([mean]), steep)) / mean**steep
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-6)


def test_box_cox_keeps_close_values_far_from_zero_apart():
    x = 293 + np.random.default_rng(27).gamma(2, 0.1, 300)
    assert np.corrcoef(stats.rankdata(done(Bend("box-cox"), series(x)).values[:, 0]), stats.rankdata(x))[0, 1] > 0.9999


def test_box_cox_of_a_constant_bends_nothing():
    constant = series(np.full(20, 7.3))
    assert fit(Bend("box-cox"), [constant], 1.0) == {"all": {"a": [1, pytest.approx(7.3)]}}
    assert np.ptp(done(Bend("box-cox"), constant).values) == 0


@pytest.mark.parametrize("method", ["log", "box-cox"])
def test_bending_needs_values_above_zero_and_names_the_channel_that_has_others(method):
    with pytest.raises(UserError, match=r"“b” goes down to -0\.5"):
        done(Bend(method), series([1.0, 2, 3, 4], [1.0, 2, NAN, -0.5]), training=0.5)


# --- fitting and replaying


@pytest.mark.parametrize(("n", "training", "expected"), [(100, 0.29, 29), (100, 1, 100), (10, 0.01, 2), (1, 0.5, 1)])
def test_the_training_part_is_the_first_share_and_two_samples_at_least(n, training, expected):
    assert training_length(n, training) == expected


@pytest.mark.parametrize("step", LEARNING, ids=str)
def test_nothing_is_learnt_from_what_lies_after_the_training_part(step):
    lines = [rough(30, domain="L1"), rough(31, n=77, domain="L2")]
    state = fit(step, lines, 0.6)
    for one in lines:
        one.values[training_length(len(one.values), 0.6) :] *= 3
    assert fit(step, lines, 0.6) == state
    assert fit(step, lines, 1.0) != state


@pytest.mark.parametrize("step", EVERY_STEP, ids=str)
def test_replaying_with_the_stored_state_gives_the_same_again(step):
    steps = [Impute("linear", 2), step]
    lines = [rough(32, domain="L1"), rough(33, domain="L2")]
    first, states = prepare(lines, steps, 0.6, zeros)
    stored = json.loads(json.dumps(states, allow_nan=False))
    again = replay(lines, steps, stored, zeros)
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.values, other.values)
        np.testing.assert_array_equal(one.filled, other.filled)


@pytest.mark.parametrize("step", EVERY_STEP, ids=str)
def test_a_step_changes_neither_its_input_nor_the_sample_count_unless_it_says_so(step):
    one = done(Impute("linear", 1), rough(34))
    values, filled = one.values.copy(), one.filled.copy()
    result = done(step, one, training=0.6)
    np.testing.assert_array_equal(one.values, values)
    np.testing.assert_array_equal(one.filled, filled)
    assert (len(result.values) == len(values)) == keeps_samples(step)


@pytest.mark.parametrize("step", EVERY_STEP, ids=str)
def test_what_is_marked_as_filled_has_a_value_and_stays_marked(step):
    one = done(Impute("linear", 1), rough(35))
    result = done(step, one)
    assert not (result.filled & np.isnan(result.values)).any()
    if keeps_samples(step):
        assert (result.filled | np.isnan(result.values))[one.filled].all()


def test_steps_are_done_in_their_order():
    steps = [Impute("linear", 3), Scale("min-max", "series"), Detrend("difference")]
    [result], states = prepare([series([0, NAN, 4, 8])], steps, 1.0)
    np.testing.assert_allclose(result.values[:, 0], [NAN, 0.25, 0.25, 0.5])
    assert states == [{}, {"0": {"a": [0, 8]}}, {}]


def test_new_data_is_measured_by_what_was_learnt_before():
    _, states = prepare([series([0.0, 10])], [Scale("min-max", "all")], 1.0)
    [result] = replay([series([5.0, 20, 30])], [Scale("min-max", "all")], states)
    assert result.values[:, 0].tolist() == [0.5, 2, 3]


@pytest.mark.parametrize(
    ("over", "new", "message"),
    [
        ("series", [series([1.0, 2]), series([1.0, 2])], "set up on 1 series, and here are more"),
        ("domain", [series([1.0, 2], domain="L9")], "without “L9”"),
        ("all", [series([1.0, 2], [1.0, 2])], "without the channel “b”"),
    ],
)
def test_what_nothing_was_learnt_for_is_named(over, new, message):
    step = Scale("z-score", over)
    with pytest.raises(UserError, match=message):
        apply(step, fit(step, [series([0.0, 10])], 1.0), new)


@pytest.mark.parametrize("step", LEARNING, ids=str)
def test_a_channel_that_is_silent_in_the_training_part_is_named(step):
    with pytest.raises(UserError, match="“b” has fewer than 2 values in the training part"):
        fit(step, [series([1.0, 2, 3, 4], [NAN, 1, 2, 3])], 0.5)


def test_a_channel_without_a_value_is_named():
    one = series([1.0, 2], [NAN, NAN])
    for prepared in (lambda: prepare([one], [], 1.0), lambda: replay([one], [], [])):
        with pytest.raises(UserError, match="“b” has no values at all"):
            prepared()


def test_windows_are_scaled_last_or_not_at_all():
    last = Scale("z-score", "window")
    check_order([Detrend("linear"), last])
    for check in (check_order, lambda steps: prepare([rough(36)], steps, 1.0)):
        with pytest.raises(UserError, match="Make this scaling the last step"):
            check([last, Detrend("linear")])


# --- specs


@pytest.mark.parametrize("step", EVERY_STEP, ids=str)
def test_a_step_comes_back_from_json_as_it_was(step):
    assert from_json(json.loads(json.dumps(to_json(step)))) == step


def test_every_kind_of_step_is_tried_here():
    assert {type(step) for step in EVERY_STEP} == set(KINDS.values())


@pytest.mark.parametrize(
    "found",
    [
        {"kind": "wavelet"},
        {},
        {"kind": "detrend", "method": "linear", "strength": 3},
        {"kind": "detrend"},
        {"kind": "detrend", "method": "quadratic"},
        {"kind": "smooth", "method": "median", "width": "wide"},
    ],
)
def test_a_step_of_a_later_version_is_refused_in_words(found):
    with pytest.raises(UserError, match="does not know"):
        from_json(found)


@pytest.mark.parametrize(
    "made",
    [
        lambda: Impute("linear", 0),
        lambda: Impute("seasonal", 3),
        lambda: Impute("seasonal", 3, 1),
        lambda: Resample(0, "mean"),
        lambda: Resample(NAN, "mean"),
        lambda: Resample(np.inf, "mean"),
        lambda: Smooth("median", 4),
        lambda: Smooth("savgol", 1),
        lambda: Smooth("exponential", 1),
        lambda: Winsorise(0),
        lambda: Winsorise(0.5),
        lambda: Deseason("stl", ()),
        lambda: Deseason("stl", (1,)),
        lambda: Deseason("stl", (12, 24)),
    ],
)
def test_a_choice_that_cannot_work_is_refused_with_a_remedy(made):
    with pytest.raises(UserError) as error:
        made()
    assert error.value.remedy.startswith("Choose ")


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_method_is_an_error_in_the_program(kind):
    examples = {name: to_json(next(s for s in EVERY_STEP if type(s) is cls)) for name, cls in KINDS.items()}
    words = {k: v for k, v in examples[kind].items() if k != "kind"}
    words |= {"over": "moon"} if kind == "winsorise" else {"method": "magic"}
    with pytest.raises(ValueError, match="is none of"):
        KINDS[kind](**words)


@pytest.mark.parametrize("training", [0, 1.1, -0.5])
def test_a_training_part_outside_the_data_is_an_error_in_the_program(training):
    with pytest.raises(ValueError, match="training part"):
        fit(Detrend("linear"), [rough(37)], training)
