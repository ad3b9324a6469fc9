"""Maps as the browser gets them."""

import re
from typing import Any

import numpy as np
import pytest

from core import pictures
from core.charts import CUD, FAINT, VIRIDIS
from core.map_charts import BOX, TAP, Colouring, Map, sheet, small_map, waveform_map
from core.selections import frame_of
from tests.test_charts import NOBODY, SECONDS, XY, drawn, found, rows


def coloured(values: Any, title: str = "state") -> Colouring:
    return Colouring(title, np.asarray(values))


def a_map(colouring: Colouring, picked: Any = NOBODY, xy: Any = XY, way: Any = ()) -> Map:
    return Map(xy, colouring, np.asarray(picked), frame_of(xy), way)


def mapped(colouring: Colouring, picked: Any = NOBODY, tooltips: dict[str, Any] | None = None) -> dict[str, Any]:
    return drawn(waveform_map(a_map(colouring, picked), 400, tooltips or {}))


def test_every_window_is_a_point_at_its_place_with_its_colour_and_can_be_boxed_and_tapped():
    spec = mapped(coloured(range(9)))
    assert [row["id"] for row in rows(spec, "id")] == list(range(9))
    np.testing.assert_allclose([[row["x"], row["y"]] for row in rows(spec, "id")], XY)
    assert [row["colour"] for row in rows(spec, "id")] == list(range(9))
    gestures = {param["name"]: param["select"] for param in spec["params"]}
    assert gestures[BOX]["type"] == "interval"
    assert gestures[TAP] == {"type": "point", "fields": ["id"]}


@pytest.mark.parametrize(("width", "height"), [(800, 400), (400, 400), (300, 900)])
def test_a_unit_is_as_long_across_as_up_and_every_point_is_inside_whatever_the_room(width, height):
    spec = mapped(coloured(range(9)))
    x, y = (ends(spec["encoding"][axis]["scale"], width, height) for axis in "xy")
    assert (x[1] - x[0]) / width == pytest.approx((y[1] - y[0]) / height)
    for (low, high), values in ((x, XY[:, 0]), (y, XY[:, 1])):
        assert low < values.min() < values.max() < high


def ends(scale: dict[str, Any], width: int, height: int) -> list[float]:
    """What Vega makes of `middle ± half * max(1, one / other)`."""
    form = re.compile(r"(-?[\d.e-]+) ([-+]) ([\d.e-]+) \* max\(1, (width|height) / (width|height)\)")
    room, both = {"width": width, "height": height}, []
    for end in ("domainMin", "domainMax"):
        middle, sign, half, one, other = form.fullmatch(scale[end]["expr"]).groups()
        both.append(float(middle) + (1 if sign == "+" else -1) * float(half) * max(1, room[one] / room[other]))
    return both


def test_windows_that_share_one_place_still_have_a_scale():
    spec = drawn(waveform_map(a_map(coloured(range(5)), xy=np.ones((5, 2))), 400, {}))
    low, high = ends(spec["encoding"]["x"]["scale"], 400, 400)
    assert low < 1 < high


def test_tooltips_carry_their_titles_and_values_in_the_order_given():
    spec = mapped(coloured(["a"] * 9), tooltips={"時刻": list("ABCDEFGHI"), "荷重[kN]": range(9)})
    assert [tip["title"] for tip in spec["encoding"]["tooltip"]] == ["時刻", "荷重[kN]"]
    assert [(row["tip0"], row["tip1"]) for row in rows(spec, "id")][2] == ("C", 2)


def test_groups_get_a_colour_and_a_shape_each_in_one_legend_and_in_order():
    names = ["weld", "断線", "ok", "b", "c", "d", "e"]
    spec = mapped(coloured([*names, "ok", "ok"]))
    for channel in ("color", "shape"):
        scale = spec["encoding"][channel]["scale"]
        assert scale["domain"] == sorted(names)
        assert len(set(scale["range"])) == len(names)
    assert spec["encoding"]["color"]["scale"]["range"] == list(CUD)
    assert spec["encoding"]["color"]["legend"] == spec["encoding"]["shape"]["legend"]  # equal ones, Vega merges


def test_quantities_get_one_even_scale_and_so_do_times():
    quantity, time = (mapped(coloured(values))["encoding"] for values in (np.arange(9.0), SECONDS[:9]))
    assert quantity["color"]["type"] == time["color"]["type"] == "quantitative"
    assert quantity["color"]["scale"] == time["color"]["scale"]
    assert "shape" not in quantity | time


def test_the_scale_of_times_has_all_its_colours_and_says_the_clock_as_written():
    times = np.array(["2026-11-23T14:05", "NaT", "2026-11-23T16:05"], dtype="datetime64[ns]")
    chart = waveform_map(a_map(coloured(times, "時刻"), xy=XY[:3]), 300, {}).properties(width=300)
    svg = pictures.drawn(chart, "svg").decode()
    for text in ("時刻", "14:05", "15:05", "16:05"):
        assert f">{text}<" in svg
    ends = [int(colour[at : at + 2], 16) for colour in (VIRIDIS[0], VIRIDIS[-1]) for at in (1, 3, 5)]
    stops = re.findall(r'stop-color="rgb\((\d+), (\d+), (\d+)\)"', svg)
    assert [int(v) for stop in (stops[0], stops[-1]) for v in stop] == ends


def test_picked_points_stay_and_the_others_fade_and_before_a_pick_all_stay():
    spec = mapped(coloured(range(9)), picked=[2, 5])
    assert [row["id"] for row in rows(spec, "id") if row["picked"]] == [2, 5]
    opacity = spec["encoding"]["opacity"]
    assert opacity["condition"]["test"] == "datum.picked"
    assert opacity["condition"]["value"] > 0.8 > 0.2 > opacity["value"] > 0
    assert all(row["picked"] for row in rows(mapped(coloured(range(9))), "id"))


def test_49_groups_look_different_and_those_in_none_are_faint_and_last():
    names = [f"Group {i + 1}" for i in range(49)]
    colouring = Colouring("groups", np.array([*names, "none"]), (*names, "none"), "none")
    colours, shapes = colouring.looks()
    assert len(set(zip(colours, shapes, strict=True))) == 50
    assert colours[-1] == FAINT
    assert FAINT not in colours[:-1]
    assert colouring.groups == [*names, "none"]  # Group 2 comes before Group 10


def test_a_way_joins_the_windows_of_each_series_in_their_order_below_the_points():
    spec = drawn(waveform_map(a_map(coloured(range(9)), way=[np.array([0, 4, 2]), np.array([7, 8])]), 400, {}))
    line, points = spec["layer"]
    assert line["mark"]["type"] == "line"
    assert points["mark"]["type"] == "point"
    way = rows(spec, "one")
    assert [(row["at"], row["one"]) for row in way] == [(0, 0), (4, 0), (2, 0), (7, 1), (8, 1)]
    assert line["encoding"]["order"]["field"] == "at"
    assert line["encoding"]["detail"]["field"] == "one"


def test_a_zoomed_map_shows_its_frame_and_cuts_off_what_lies_outside():
    spec = drawn(waveform_map(Map(XY, coloured(range(9)), NOBODY, (1.0, 2.0, 0.5)), 400, {}))
    assert ends(spec["encoding"]["x"]["scale"], 400, 400) == [0.5, 1.5]
    assert ends(spec["encoding"]["y"]["scale"], 400, 400) == [1.5, 2.5]
    assert spec["mark"]["clip"]


def test_a_small_map_has_the_same_looks_without_a_legend_or_gestures():
    groups = coloured(list("abcabcabc"))
    large, small = mapped(groups, [1]), drawn(small_map(a_map(groups, [1]), 200))
    for channel in ("color", "shape"):
        assert small["encoding"][channel]["scale"] == large["encoding"][channel]["scale"]
        assert small["encoding"][channel]["legend"] is None
    assert [row["id"] for row in rows(small, "id") if row["picked"]] == [1]
    assert not list(found(small, "select"))


def test_a_sheet_shows_each_map_in_a_frame_of_its_own_in_the_order_given():
    groups = coloured(list("abcabcabc"))
    maps = {"late": a_map(groups), "early": a_map(groups, xy=1000 * XY[:, ::-1] + 7)}
    spec = drawn(sheet(maps, 2, 150))
    assert spec["facet"]["sort"] == ["late", "early"]
    placed = {name: np.array([(r["x"], r["y"]) for r in rows(spec, "name") if r["name"] == name]) for name in maps}
    np.testing.assert_allclose(placed["late"], placed["early"][:, ::-1], atol=1e-9)
    assert 0.9 < np.abs(placed["late"]).max() < 1
    assert spec["spec"]["encoding"]["x"]["scale"]["domain"] == [-1, 1]
    assert spec["spec"]["width"] == spec["spec"]["height"] == 150
