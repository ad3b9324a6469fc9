"""Windows are the samples they say they are, and every sample is in one or counted as left out."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UserError
from core.fitting import scale_windows
from core.recipes import Cutting, Recipe, WindowSpec, cut, places, propose
from core.series import Series
from core.steps import Bend, Deseason, Detrend, Impute, Resample, Scale, Smooth, Winsorise

BARE = Recipe(())


def bare(length: int, stride: int, **more: object) -> Recipe:
    return replace(BARE, window=WindowSpec(length, stride, **more))


def ramp(n: int, channels: tuple[str, ...] = ("a",), label: list[str] | None = None) -> Series:
    values = np.arange(n, dtype=float)[:, None] * np.arange(1, len(channels) + 1)
    return Series(
        domain=None, time=None, values=values, channels=channels, label=None if label is None else np.array(label)
    )


def test_windows_are_the_samples_they_say_they_are():
    windows = cut([ramp(10)], bare(4, 3))
    assert windows.start.tolist() == [0, 3, 6]
    assert windows.values()[:, 0].tolist() == [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]]


@pytest.mark.parametrize(("n", "starts", "left"), [(3, [], 3), (4, [0], 0), (6, [0], 2), (10, [0, 3, 6], 0)])
def test_every_sample_is_in_a_window_or_counted_as_left_out(n, starts, left):
    found = places([ramp(n)], WindowSpec(4, 3))
    assert (found.start.tolist(), found.n_left) == (starts, left)


@given(n=st.integers(1, 80), length=st.integers(2, 20), data=st.data(), rest=st.sampled_from(["leave", "shift"]))
def test_what_is_left_out_is_what_no_window_covers(n: int, length: int, data: st.DataObject, rest: str):
    stride = data.draw(st.integers(1, length))
    label = [str(i // 7 % 3) for i in range(n)]
    for align in ("start", "label"):
        window = WindowSpec(length, stride, align=align, rest=rest)
        found = places([ramp(n, label=label)], window)
        covered = {i for at in found.start for i in range(at, at + length)}
        assert len(covered) + found.n_left == n
        assert all(len(set(label[at : at + length])) == 1 for at in found.start if align == "label")


def test_a_rest_can_be_covered_by_one_window_that_is_moved_back():
    found = places([ramp(11)], WindowSpec(4, 4, rest="shift"))
    assert (found.start.tolist(), found.n_left) == ([0, 4, 7], 0)


def test_windows_can_begin_anew_where_the_label_changes():
    found = places([ramp(9, label=list("aaaabbbbb"))], WindowSpec(2, 2, align="label"))
    assert (found.start.tolist(), found.n_left) == ([0, 2, 4, 6], 1)


def test_without_a_label_there_is_nothing_to_begin_at():
    with pytest.raises(UserError, match="no label"):
        places([ramp(9)], WindowSpec(2, 2, align="label"))


def test_a_window_with_a_gap_is_left_out_and_counted():
    series = ramp(12, ("a", "b"))
    series.values[5, 1] = np.nan
    found = places([series], WindowSpec(4, 4))
    assert (found.start.tolist(), found.n_gappy, found.n_left) == ([0, 8], 1, 0)
    assert not np.isnan(cut([series], bare(4, 4)).values()).any()


def test_when_every_window_has_a_gap_the_way_out_is_said():
    series = ramp(12)
    series.values[::3] = np.nan
    with pytest.raises(UserError, match="missing value") as caught:
        cut([series], bare(4, 4))
    assert "Fill longer gaps" in caught.value.remedy


def test_a_first_look_takes_windows_evenly_from_all_series_and_says_how_many_it_spares():
    found = places([ramp(400), ramp(400)], WindowSpec(4, 4, most=10))
    assert (len(found.start), found.n_spared) == (10, 190)
    assert np.bincount(found.series).tolist() == [5, 5]
    assert (found.start[0], found.start[-1]) == (0, 396)


def test_windows_never_run_over_the_end_of_one_series_into_the_next():
    windows = cut([ramp(5), ramp(9)], bare(4, 4))
    assert windows.series.tolist() == [0, 1, 1]
    assert windows.values()[:, 0, 0].tolist() == [0, 0, 4]


def test_a_series_shorter_than_a_window_gives_none_and_the_others_still_count():
    assert cut([ramp(2), ramp(8)], bare(4, 4)).series.tolist() == [1, 1]


def test_a_window_takes_the_commonest_label_inside():
    windows = cut([ramp(6, label=["ok", "ok", "ng", "ng", "ng", "ok"])], bare(3, 3))
    assert windows.label is not None
    assert windows.label.tolist() == ["ok", "ng"]


def test_batches_are_the_windows_in_their_order():
    series = [ramp(50), ramp(3), ramp(31)]
    pieces = Cutting(series, bare(8, 3), size=4)
    assert max(map(len, pieces)) == 4
    whole = cut(series, bare(8, 3))
    np.testing.assert_array_equal(np.concatenate(list(pieces)), whole.values())
    np.testing.assert_array_equal(np.concatenate(list(pieces)), whole.values())  # they can be gone through again


def test_scaling_each_window_by_itself_is_done_once_they_are_cut():
    recipe = replace(bare(8, 4), steps=(Scale("z-score", "window"),))
    windows = cut([ramp(40)], recipe)
    np.testing.assert_array_equal(windows.values(), scale_windows(cut([ramp(40)], bare(8, 4)).values(), "z-score"))
    np.testing.assert_allclose(windows.values().std(axis=2), 1)


def test_files_with_other_channels_are_not_put_together():
    with pytest.raises(UserError, match="same channels"):
        cut([ramp(9, ("a",)), ramp(9, ("b",))], bare(4, 4))


def test_a_window_longer_than_every_series_is_refused_with_the_longest():
    with pytest.raises(UserError, match="longest has 9"):
        cut([ramp(9)], bare(64, 8))


@pytest.mark.parametrize("wrong", [{"length": 1}, {"stride": 0}, {"stride": 600}])
def test_a_window_that_makes_no_sense_says_what_to_choose(wrong):
    with pytest.raises(UserError) as caught:
        WindowSpec(**wrong)
    assert "Choose" in caught.value.remedy


@pytest.mark.parametrize("training", [0.0, -1.0, 1.5])
def test_statistics_need_a_share_of_the_data(training):
    with pytest.raises(UserError, match="share"):
        Recipe(training=training)


def test_a_proposal_suits_the_shortest_series_and_drops_no_patch():
    spec = propose([5000, 2000])
    assert spec == WindowSpec(length=96, stride=12)
    assert propose([10**6]).length == 512


def test_many_short_series_become_one_window_each():
    assert propose([150] * 200) == WindowSpec(length=144, stride=144)
    assert propose([24] * 67) == WindowSpec(length=24, stride=24)


def test_a_proposal_never_makes_more_windows_than_a_map_can_show():
    series = [ramp(1_000_000)] * 3
    assert len(places(series, propose([1_000_000] * 3)).start) == 5000
    assert 1000 < len(places([ramp(100_000)], propose([100_000])).start) <= 2000


ALL = Recipe(
    (
        Resample(2.0, "mean"),
        Impute("seasonal", 5, 24),
        Winsorise(0.02),
        Smooth("median", 5),
        Bend("log"),
        Detrend("linear"),
        Deseason("mstl", (24, 168)),
        Scale("robust", "domain"),
    ),
    0.5,
    WindowSpec(64, 16, "label", "shift", 100),
)


@pytest.mark.parametrize("recipe", [Recipe(), BARE, ALL])
def test_a_recipe_survives_the_database(recipe):
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe


def test_a_recipe_of_an_earlier_version_is_understood():
    old = {"normalise": "z-score", "window": {"length": 64, "stride": 8}}
    recipe = Recipe.from_json(old)
    assert (recipe.window, recipe.training) == (WindowSpec(64, 8), 1.0)
    assert recipe.steps == (Impute("linear", 10**9), Scale("z-score", "series"))


def test_in_units_keeps_the_steps_after_which_a_kilonewton_is_one():
    assert ALL.in_units().steps == ALL.steps[:4]
    assert ALL.in_units().window == ALL.window


def test_values_of_some_windows_are_those_rows_of_all_in_the_order_asked_for():
    windows = cut([ramp(30), ramp(50)], bare(8, 4))
    some = np.array([9, 0, 3])
    np.testing.assert_array_equal(windows.values(some), windows.values()[some])
    assert len(windows) == len(windows.values()) == len(windows.start)


def test_of_labels_that_are_as_common_the_first_in_the_alphabet_counts():
    windows = cut([ramp(4, label=["b", "a", "b", "a"])], bare(4, 4))
    assert windows.label.tolist() == ["a"]
