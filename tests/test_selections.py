import numpy as np

from core.recipes import Windows
from core.selections import Zoom, frame_of, in_box, in_stretch, spans, stretches, thin
from core.series import Series


def windows(starts: list[int], series: list[int], length: int = 4) -> Windows:
    return Windows((), series=np.array(series), start=np.array(starts), length=length, label=None)


def test_a_box_takes_the_points_inside_however_it_was_drawn():
    xy = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])
    assert in_box(xy, (0.5, 2.0), (0.5, 2.0)).tolist() == [1, 2]
    assert in_box(xy, (2.0, 0.5), (2.0, 0.5)).tolist() == [1, 2]


def test_a_stretch_takes_every_window_that_shares_a_sample_with_it_and_no_other():
    cut = windows([0, 4, 8, 0], [0, 0, 0, 1])
    assert in_stretch(cut, 0, 3, 4).tolist() == [0, 1]
    assert in_stretch(cut, 0, 5, 6).tolist() == [1]
    assert in_stretch(cut, 1, 0, 100).tolist() == [3]
    assert in_stretch(cut, 0, 7, 2).tolist() == [0, 1]  # dragged from right to left


def test_overlapping_and_touching_windows_are_shaded_as_one_run():
    cut = windows([0, 2, 6, 20, 0], [0, 0, 0, 0, 1])
    assert spans(cut, 0, [3, 0, 1, 2, 4]) == [(0, 9), (20, 23)]


def test_picking_on_the_map_and_picking_its_stretch_agree():
    cut = windows([0, 4, 8, 12], [0, 0, 0, 0])
    [(first, last)] = spans(cut, 0, [1, 2])
    assert in_stretch(cut, 0, first, last).tolist() == [1, 2]


# --- groups drawn back on the series


def grouped(starts: list[int], groups: list[int], n: int, length: int = 4) -> list[tuple[int, int, int]]:
    series = Series(None, None, np.zeros((n, 1)), ("a",), None)
    cut = Windows((series,), np.zeros(len(starts), int), np.array(starts), length, None)
    return stretches(cut, 0, np.array(groups))


def test_a_run_of_one_group_is_one_stretch_and_samples_in_no_group_are_none():
    assert grouped([0, 4, 8, 16], [0, 0, 1, -1], 20) == [(0, 7, 0), (8, 11, 1)]


def test_a_sample_belongs_to_the_group_of_most_windows_over_it_and_to_one_only():
    """Windows start every second sample; from sample 8 on most of them are in group 1."""
    runs = grouped([0, 2, 4, 6, 8, 10], [0, 0, 0, 1, 1, 1], 14)
    assert runs == [(0, 7, 0), (8, 13, 1)]  # samples 6 and 7 are in a window of either: the lower number


def test_each_series_has_its_own_stretches():
    series = tuple(Series(None, None, np.zeros((8, 1)), ("a",), None) for _ in range(2))
    cut = Windows(series, np.array([0, 1]), np.array([0, 4]), 4, None)
    groups = np.array([0, 1])
    assert stretches(cut, 0, groups) == [(0, 3, 0)]
    assert stretches(cut, 1, groups) == [(4, 7, 1)]


# --- zooming


POINTS = np.array([[0.0, 0.0], [10.0, 4.0]])


def test_zooming_in_back_and_forward_again_and_anew():
    whole, inside = frame_of(POINTS), frame_of(POINTS[:1])
    zoom = Zoom()
    assert zoom.shown(POINTS) == whole
    assert zoom.back() == zoom.forward() == zoom
    in_once = zoom.into(POINTS[:1])
    assert in_once.shown(POINTS) == inside
    assert in_once.back().shown(POINTS) == whole
    assert in_once.back().forward() == in_once
    elsewhere = in_once.back().into(POINTS[1:])
    assert elsewhere.shown(POINTS) == frame_of(POINTS[1:])
    assert len(elsewhere.frames) == 1  # what came after is forgotten, as with any undo


def test_a_frame_holds_its_points_with_room_around_them():
    x, y, half = frame_of(POINTS)
    assert (x, y) == (5, 2)
    assert half == 5.4
    assert frame_of(POINTS[:1])[2] > 0


def test_thinning_keeps_both_ends_and_is_even():
    assert thin(10, 4).tolist() == [0, 3, 6, 9]
    assert thin(3, 10).tolist() == [0, 1, 2]
    assert thin(0, 10).tolist() == []
