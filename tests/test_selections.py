import numpy as np

from core.recipes import Windows
from core.selections import in_box, in_stretch, spans


def windows(starts: list[int], series: list[int], length: int = 4) -> Windows:
    values = np.zeros((len(starts), 1, length))
    return Windows(values=values, series=np.array(series), start=np.array(starts), label=None)


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
