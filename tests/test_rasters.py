"""Maps of very many points as files."""

import io
import time
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core import pictures, rasters
from core.charts import CUD, SHAPES, UNKNOWN, VIRIDIS
from core.map_charts import Colouring, Map, crowded_map
from core.rasters import DENSE
from core.selections import frame_of
from pages.parts.scatter import Cloud

SIDES = 300, 200
NAMES = ("運転", "停止", "起動")
MIDDLES = np.array([[-10.0, 0.0], [0.0, 0.0], [10.0, 0.0]])
NOBODY = np.arange(0)
EACH = 20_000


def three_groups() -> tuple[np.ndarray, np.ndarray]:
    """Discs of 20,000 points each, far apart: their places, and which is whose."""
    rng, group = np.random.default_rng(0), np.repeat(np.arange(3), EACH)
    angle, far = rng.uniform(0, 2 * np.pi, 3 * EACH), np.sqrt(rng.uniform(size=3 * EACH))
    return MIDDLES[group] + far[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]), group


XY, GROUP = three_groups()
STATE = Colouring("状態", np.array(NAMES)[GROUP], NAMES)


def a_map(colouring: Colouring = STATE, xy: np.ndarray = XY, picked: Any = NOBODY, way: Any = ()) -> Map:
    return Map(xy, colouring, np.asarray(picked), frame_of(xy), way)


def painted(drawn: Map, look: tuple[float, float] | None = None) -> np.ndarray:
    return rasters.painted(drawn, look or Cloud(drawn.xy, drawn.colouring, "").look, SIDES).astype(int)


def at(picture: np.ndarray, place: Any, drawn: Map) -> np.ndarray:
    """The pixel at a place of the map."""
    x, y, half = drawn.frame
    width, height = (DENSE * side for side in SIDES)
    scale = min(width, height) / 2 / half
    return picture[int(height / 2 - (place[1] - y) * scale), int(width / 2 + (place[0] - x) * scale)]


def rgb(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def taken_along(drawn: Map, form: pictures.Format = "png") -> bytes:
    points = rasters.png(drawn, Cloud(drawn.xy, drawn.colouring, "").look, SIDES)
    return pictures.drawn(crowded_map(drawn, points, "不明", SIDES), form)


# --- the points


def test_each_group_has_its_colour_at_its_place_and_where_nobody_is_it_is_white():
    drawn = a_map()
    picture = painted(drawn)
    assert picture.shape == (DENSE * SIDES[1], DENSE * SIDES[0], 3)
    for middle, colour in zip(MIDDLES, CUD[:3], strict=True):
        assert abs(at(picture, middle, drawn) - rgb(colour)).max() <= 3
        for aside in ([5, 0], [0, 3]):
            assert at(picture, middle + aside, drawn).tolist() == [255, 255, 255]


def test_what_is_above_on_the_map_is_above_in_the_picture_and_a_unit_is_as_long_across_as_up():
    xy = np.array([[0.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    drawn = a_map(Colouring("", np.array(["a", "b", "c"])), xy)
    picture = painted(drawn, (10.0, 1.0))
    for place, colour in zip(xy, CUD[:3], strict=True):
        assert at(picture, place, drawn).tolist() == rgb(colour)


def test_a_picked_group_is_opaque_and_the_rest_fade():
    drawn = a_map(picked=np.flatnonzero(GROUP == 1))
    picture = painted(drawn)
    faded, picked, other = (at(picture, middle, drawn) for middle in MIDDLES)
    assert picked.tolist() == rgb(CUD[1])
    for pixel, colour in ((faded, CUD[0]), (other, CUD[2])):
        assert np.ptp(pixel) < 0.4 * np.ptp(rgb(colour))
        assert 120 < pixel.mean() < 255
    outside = at(painted(a_map()), MIDDLES[0], a_map())
    assert abs(outside - rgb(CUD[0])).max() <= 3  # nobody is picked: nobody fades


def test_points_lie_over_one_another_in_their_order_each_as_opaque_as_it_is_told():
    xy, names = np.array([[0.0, 0.0], [0.0, 0.0], [9.0, 0.0]]), np.array(["a", "b", "c"])
    drawn = a_map(Colouring("", names), xy)
    first, second = np.array(rgb(CUD[0])), np.array(rgb(CUD[1]))
    expected = 0.4 * second + 0.6 * (0.4 * first + 0.6 * 255)
    assert abs(at(painted(drawn, (20.0, 0.4)), xy[0], drawn) - expected).max() <= 1


def test_a_point_is_as_large_as_it_is_told_and_keeps_its_shape():
    """How much of a square of 2 x 2 each shape covers, by geometry."""
    triangle = 3 * np.sqrt(3) / 4
    cross = 2 * 1.8 * 0.56 - 0.56**2
    areas = [np.pi * 0.8**2, triangle, 1.44**2, 2.0, cross, triangle, triangle]
    xy = np.array([[float(i), 0.0] for i in range(len(SHAPES))])
    drawn = a_map(Colouring("", np.array(list("abcdefg"))), xy)
    size = 30.0
    ink = (255 - painted(drawn, (size, 1.0))) / (255 - np.array([rgb(one) for one in CUD])).max(axis=1)[
        :, None, None, None
    ]
    x, _, half = drawn.frame
    unit = DENSE * min(SIDES) / 2 / half
    for i, area in enumerate(areas):
        middle = DENSE * SIDES[0] / 2 + (i - x) * unit
        inside = ink[i][:, int(middle - unit / 2) : int(middle + unit / 2)]
        assert inside.max(axis=-1).sum() == pytest.approx(area * (DENSE * size / 2) ** 2, rel=0.03), SHAPES[i]


def test_a_triangle_points_where_its_name_says():
    for shape, (dx, dy) in {"triangle-up": (0, 1), "triangle-down": (0, -1), "triangle-right": (1, 0)}.items():
        names = np.array([f"{i}" for i in range(7)])
        xy = np.zeros((7, 2))
        xy[:, 1] = 100.0 * np.arange(7)
        i = SHAPES.index(shape)
        drawn = Map(xy, Colouring("", names), NOBODY, (0.0, float(xy[i, 1]), 10.0))
        picture = painted(drawn, (100.0, 1.0))
        tip = np.array([dx, dy]) * 4.6  # of a half size of 5 units
        assert at(picture, xy[i] + tip, drawn).tolist() != [255, 255, 255]
        assert at(picture, xy[i] - tip, drawn).tolist() == [255, 255, 255]


@pytest.mark.parametrize("low", [0.0, -3.5])
def test_quantities_run_through_the_whole_scale_and_what_is_not_known_is_grey(low):
    values = low + np.array([0.0, 5.0, 10.0, np.nan, np.inf])
    xy = np.column_stack([np.arange(5.0), np.zeros(5)])
    drawn = a_map(Colouring("荷重", values), xy)
    picture = painted(drawn, (10.0, 1.0))
    found = [at(picture, place, drawn).tolist() for place in xy]
    assert found == [rgb(one) for one in (VIRIDIS[0], VIRIDIS[5], VIRIDIS[10], UNKNOWN, UNKNOWN)]


def test_times_are_coloured_as_their_seconds_are():
    seconds = np.random.default_rng(0).uniform(0, 1e6, len(XY)).round()
    times = np.datetime64("2026-11-23T14:05", "ns") + seconds.astype("timedelta64[s]")
    by_time, by_second = (painted(a_map(Colouring("", values))) for values in (times, seconds))
    np.testing.assert_array_equal(by_time, by_second)


@pytest.mark.parametrize("value", [7.0, np.nan])
def test_quantities_that_are_all_the_same_or_none_at_all_are_one_colour(value):
    colouring = Colouring("荷重", np.full(len(XY), value))
    drawn = a_map(colouring)
    expected = UNKNOWN if np.isnan(value) else VIRIDIS[0]
    assert abs(at(painted(drawn), MIDDLES[1], drawn) - rgb(expected)).max() <= 3
    assert taken_along(drawn).startswith(b"\x89PNG")


# --- the file


def test_the_file_shows_the_points_in_its_frame_and_legend_below():
    picture = np.asarray(Image.open(io.BytesIO(taken_along(a_map()))).convert("RGB")).astype(int)
    x, y, half = frame_of(XY)
    for middle, colour in zip(MIDDLES, CUD[:3], strict=True):
        left, top = DENSE * np.array([2, 4]) + np.array(SIDES) + (middle - [x, y]) * [1, -1] * (min(SIDES) / half)
        assert abs(picture[int(top), int(left)] - rgb(colour)).max() <= 3
        below = picture[DENSE * (SIDES[1] + 8) :]
        assert (abs(below - rgb(colour)).max(axis=-1) < 12).any()
    assert picture[0, 0].tolist() == [255, 255, 255]


def test_words_of_the_legend_stay_words_and_each_is_said_once():
    svg = taken_along(a_map(way=[np.arange(0, 3 * EACH, 500)]), "svg").decode()
    for word in ("状態", *NAMES):
        assert svg.count(f">{word}<") == 1
    assert svg.count("data:image/png;base64,") == 1  # of which a picture in words would make another


def test_a_scale_is_a_bar_with_its_name_and_what_is_not_known_is_named_only_where_there_is_some():
    values = XY[:, 0].copy()
    bar = taken_along(a_map(Colouring("荷重 [kN]", values)), "svg").decode()
    assert ">荷重 [kN]<" in bar
    assert "linearGradient" in bar
    assert ">不明<" not in bar
    values[:5] = np.nan
    assert ">不明<" in taken_along(a_map(Colouring("荷重 [kN]", values)), "svg").decode()
    values[:] = np.nan
    nothing = taken_along(a_map(Colouring("荷重 [kN]", values)), "svg").decode()
    assert ">荷重 [kN]<" in nothing
    assert ">不明<" in nothing
    assert "linearGradient" not in nothing


@pytest.mark.parametrize("form", ["png", "svg"])  # a PDF holds when it was made
def test_equal_maps_give_equal_bytes_and_others_do_not(form):
    xy, _ = three_groups()
    assert taken_along(a_map(), form) == taken_along(a_map(xy=xy), form)
    assert taken_along(a_map(), form) != taken_along(a_map(picked=[0]), form)


def test_a_pdf_holds_the_points_and_the_font():
    pdf = taken_along(a_map(), "pdf")
    assert pdf.startswith(b"%PDF")
    assert b"/Subtype /Image" in pdf
    assert pictures.FONT.encode() in pdf


def test_a_million_points_take_seconds():
    xy = np.random.default_rng(0).normal(size=(1_000_000, 2))
    drawn = a_map(Colouring("荷重", xy[:, 0]), xy)
    painted(a_map())  # compiled by now
    began = time.process_time()
    assert rasters.png(drawn, Cloud(xy, drawn.colouring, "").look, (900, 700)).startswith(b"\x89PNG")
    assert time.process_time() - began < 8
