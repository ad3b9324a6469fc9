import numpy as np
import pytest

from core.errors import UserError
from core.recipes import Recipe, WindowSpec, count, cut, prepare, propose
from core.series import Series


def ramp(n: int, channels: tuple[str, ...] = ("a",), label: list[str] | None = None) -> Series:
    values = np.arange(n, dtype=float)[:, None] * np.arange(1, len(channels) + 1)
    return Series(
        domain=None, time=None, values=values, channels=channels, label=None if label is None else np.array(label)
    )


def test_windows_are_the_samples_they_say_they_are():
    windows = cut([ramp(10)], Recipe("none", WindowSpec(4, 3)))
    assert windows.start.tolist() == [0, 3, 6]
    assert windows.values[:, 0].tolist() == [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]]


@pytest.mark.parametrize(("n", "expected"), [(3, (0, 3)), (4, (1, 0)), (6, (1, 2)), (10, (3, 0)), (12, (3, 2))])
def test_every_sample_is_in_a_window_or_counted_as_left_out(n, expected):
    assert count(n, WindowSpec(4, 3)) == expected


def test_windows_never_run_over_the_end_of_one_series_into_the_next():
    windows = cut([ramp(5), ramp(9)], Recipe("none", WindowSpec(4, 4)))
    assert windows.series.tolist() == [0, 1, 1]
    assert windows.values[:, 0, 0].tolist() == [0, 0, 4]


def test_a_series_shorter_than_a_window_gives_none_and_the_others_still_count():
    assert cut([ramp(2), ramp(8)], Recipe("none", WindowSpec(4, 4))).series.tolist() == [1, 1]


def test_gaps_become_straight_lines_and_are_counted():
    series = ramp(6)
    series.values[[0, 2, 3], 0] = np.nan
    filled, n = prepare(series, "none")
    assert filled[:, 0].tolist() == [
        1,
        1,
        2,
        3,
        4,
        5,
    ]  # before the first value there is no line to draw, so it is repeated
    assert n == 3


def test_preparing_leaves_the_series_itself_alone():
    series = ramp(6)
    series.values[2, 0] = np.nan
    prepare(series, "z-score")
    assert np.isnan(series.values[2, 0])


def test_z_score_gives_mean_zero_and_spread_one_and_turns_a_constant_into_zeros():
    series = ramp(50, ("a", "b"))
    series.values[:, 1] = 7.3
    scaled, _ = prepare(series, "z-score")
    assert scaled[:, 0].mean() == pytest.approx(0)
    assert scaled[:, 0].std() == pytest.approx(1)
    assert (scaled[:, 1] == 0).all()


def test_a_channel_without_a_value_is_named():
    series = ramp(6, ("a", "油温"))
    series.values[:, 1] = np.nan
    with pytest.raises(UserError, match="油温"):
        prepare(series, "none")


def test_a_window_takes_the_commonest_label_inside():
    windows = cut([ramp(6, label=["ok", "ok", "ng", "ng", "ng", "ok"])], Recipe("none", WindowSpec(3, 3)))
    assert windows.label is not None
    assert windows.label.tolist() == ["ok", "ng"]


def test_files_with_different_channels_are_not_mixed():
    with pytest.raises(UserError, match="do not have the same channels"):
        cut([ramp(9, ("a",)), ramp(9, ("b",))], Recipe("none", WindowSpec(4, 4)))


def test_no_series_long_enough_is_said_with_both_lengths():
    with pytest.raises(UserError, match="64 samples; the longest has 9"):
        cut([ramp(9)], Recipe("none", WindowSpec(64, 8)))


@pytest.mark.parametrize("stride", [0, 5, -1])
def test_a_stride_that_stalls_or_skips_is_refused(stride):
    with pytest.raises(UserError, match="Choose a step from 1 to 4"):
        WindowSpec(4, stride)


@pytest.mark.parametrize("n", [40, 200, 1147, 22_695, 1_000_000])
def test_the_proposal_fits_moment_and_shows_enough_and_not_too_much(n):
    spec = propose([n])
    n_windows, _ = count(n, spec)
    assert spec.length % 8 == 0
    assert 16 <= spec.length <= 512
    assert 5 <= n_windows <= 2001
