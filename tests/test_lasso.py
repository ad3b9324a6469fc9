"""The lasso against a second implementation that has nothing in common with it: the angle that an outline turns."""

from math import atan2, dist, hypot, pi

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.lasso import in_polygon
from core.selections import in_box

SQUARE = np.array([(0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (0.0, 2.0)])
GRID = np.stack(np.meshgrid(np.arange(-1, 4), np.arange(-1, 4)), axis=-1).reshape(-1, 2)
Place = tuple[float, float]
places = st.tuples(*[st.integers(-8, 8) | st.floats(-8, 8)] * 2)


def turns(point: Place, polygon: list[Place]) -> int:
    """How often the outline goes round the point. Inside by the even-odd rule is where that is odd."""
    ways = [(x - point[0], y - point[1]) for x, y in polygon]
    pairs = zip(ways, [*ways[1:], ways[0]], strict=True)
    angle = sum(atan2(ax * by - ay * bx, ax * bx + ay * by) for (ax, ay), (bx, by) in pairs)
    return round(angle / (2 * pi))


def to_outline(point: Place, polygon: list[Place]) -> float:
    """How far it is to the nearest edge."""
    found = []
    for (x0, y0), (x1, y1) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        long = hypot(x1 - x0, y1 - y0) ** 2
        share = 0.0 if long == 0 else ((point[0] - x0) * (x1 - x0) + (point[1] - y0) * (y1 - y0)) / long
        share = min(1.0, max(0.0, share))
        found.append(dist(point, (x0 + share * (x1 - x0), y0 + share * (y1 - y0))))
    return min(found)


@given(st.lists(places, min_size=3, max_size=12), st.lists(places, min_size=1, max_size=12))
def test_a_point_is_inside_where_the_outline_goes_round_it_an_odd_number_of_times(polygon, points):
    apart = [point for point in points if to_outline(point, polygon) > 1e-6]
    expected = [i for i, point in enumerate(apart) if turns(point, polygon) % 2]
    assert in_polygon(np.array(apart, dtype=float).reshape(-1, 2), polygon).tolist() == expected


@given(st.lists(places, min_size=2, max_size=2, unique_by=(lambda p: p[0], lambda p: p[1])))
def test_a_lasso_of_a_box_s_corners_takes_what_the_box_takes(corners):
    (x0, y0), (x1, y1) = corners
    points = np.random.default_rng(0).uniform(-8, 8, (500, 2))
    lasso = in_polygon(points, [(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
    assert lasso.tolist() == in_box(points, (x0, x1), (y0, y1)).tolist()


def test_lower_and_left_edges_belong_to_the_lasso_and_upper_and_right_ones_do_not():
    assert GRID[in_polygon(GRID, SQUARE)].tolist() == [[0, 0], [1, 0], [0, 1], [1, 1]]


def test_lassos_that_share_an_edge_share_no_point_and_lose_none():
    halves = [in_polygon(GRID, SQUARE[[0, 1, 2]]), in_polygon(GRID, SQUARE[[0, 2, 3]])]
    assert sorted(np.concatenate(halves).tolist()) == in_polygon(GRID, SQUARE).tolist()


def test_a_loop_drawn_twice_takes_nothing_and_a_hole_stays_empty():
    points = np.random.default_rng(1).uniform(-1, 3, (1000, 2))
    assert len(in_polygon(points, SQUARE)) > 200
    assert len(in_polygon(points, [*SQUARE, *SQUARE])) == 0
    ring = [*(SQUARE * 1.4 - 0.4), (-0.4, -0.4), *SQUARE, (0.0, 0.0)]  # out along a seam, and back in
    expected = np.setdiff1d(in_polygon(points, SQUARE * 1.4 - 0.4), in_polygon(points, SQUARE))
    assert in_polygon(points, ring).tolist() == expected.tolist()


def test_a_tap_or_a_stroke_is_no_lasso_and_an_empty_map_has_nothing_to_take():
    assert len(in_polygon(GRID, [])) == 0
    assert len(in_polygon(GRID, [(1, 1)])) == 0
    assert len(in_polygon(GRID, [(0, 0), (2, 2)])) == 0
    assert len(in_polygon(GRID, [(0, 1), (2, 1), (1, 1)])) == 0
    assert len(in_polygon(np.empty((0, 2)), SQUARE)) == 0


def test_what_float32_holds_of_the_points_is_what_is_tested():
    points = np.random.default_rng(2).normal(size=(5000, 2)).astype(np.float32)
    corners = np.random.default_rng(3).normal(size=(30, 2))
    assert in_polygon(points, corners).tolist() == in_polygon(points.astype(float), corners).tolist()
