"""Charts of a study as the browser gets them: the same scale always, rows in the order given, words only words."""

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from core.study_charts import ON_SHADES, SHADES, Line, Spread, shares, spread
from tests.test_charts import HOSTILE, drawn, found, rows

FIVE = Line((1, 5), {1: "1\nnothing", 2: "2", 3: "3", 4: "4", 5: "5\nat a glance"})
NAN = float("nan")


def a_spread(names: list[str], values: Any, low: Any, high: Any) -> Spread:
    return Spread(names, np.array(values), np.array(low), np.array(high), [f"{one:.1f}" for one in values])


def layer(spec: dict[str, Any], mark: str) -> dict[str, Any]:
    [one] = [one for one in spec["layer"] if one["mark"]["type"] == mark]
    return one


def test_each_map_is_a_point_in_its_range_and_its_value_is_written_above():
    spec = drawn(spread(a_spread(["Map 2", "Map 1"], [4.2, 2.0], [3.5, 1.5], [4.6, 2.5]), FIVE))
    assert [tuple(row.values()) for row in rows(spec, "low")] == [
        ("Map 2", 4.2, 3.5, 4.6, "4.2"),
        ("Map 1", 2.0, 1.5, 2.5, "2.0"),
    ]
    assert (layer(spec, "rule")["encoding"]["x"]["field"], layer(spec, "rule")["encoding"]["x2"]["field"]) == (
        "low",
        "high",
    )
    assert layer(spec, "text")["encoding"]["text"]["field"] == "told"
    assert {tuple(one) for one in found(spec, "domain") if isinstance(one, list) and "Map 1" in one} == {
        ("Map 2", "Map 1")
    }


@pytest.mark.parametrize("values", [[1.0, 5.0], [3.0, 3.1]])
def test_the_scale_is_all_that_people_could_say_whatever_they_said(values):
    spec = drawn(spread(a_spread(["a", "b"], values, values, values), FIVE))
    scales = [one["encoding"]["x"]["scale"] for one in spec["layer"]]
    assert all(one == {"domain": [1, 5], "nice": False, "zero": False} for one in scales)


def test_a_number_without_a_range_has_a_point_alone_and_a_map_without_a_number_keeps_its_row():
    spec = drawn(spread(a_spread(["a", "b"], [3.0, NAN], [NAN, NAN], [NAN, NAN]), FIVE))
    assert [(row["value"], row["low"]) for row in rows(spec, "low")] == [(3.0, None), (None, None)]
    assert layer(spec, "rule")["transform"] == [{"filter": "isValid(datum.low)"}]
    assert layer(spec, "point")["transform"] == [{"filter": "isValid(datum.value)"}]


def test_the_ends_of_the_scale_are_said_in_words():
    hostile = 'it\'s "all"\n\\ clear};alert(1)//'
    spec = drawn(spread(a_spread(["a"], [3.0], [2.0], [4.0]), Line((1, 5), {1: "1\n何も", 5: hostile})))
    [axis] = {json.dumps(one["encoding"]["x"]["axis"]) for one in spec["layer"] if "axis" in one["encoding"]["x"]}
    words = json.loads(axis)["labelExpr"].removesuffix("[datum.value]")
    assert json.loads(words) == {"1": ["1", "何も"], "5": hostile.split("\n")}
    assert json.loads(axis)["values"] == [1, 5]


def test_a_dashed_line_marks_where_nothing_is_more_than_anything_else():
    even = Line((0, 1), {0.5: "50 %"}, even=0.5)
    spec = drawn(spread(a_spread(["a"], [0.7], [0.5], [0.9]), even))
    dashed = [one for one in spec["layer"] if "strokeDash" in one["mark"]]
    assert [one["encoding"]["x"]["field"] for one in dashed] == ["even"]
    assert rows(spec, "even") == [{"even": 0.5}]


def test_bars_are_shares_of_the_people_from_the_lowest_score_on():
    spec = drawn(shares(["Map 1", "Map 2"], np.array([[1, 0, 0, 1, 2], [0, 0, 5, 0, 0]]), "score"))
    parts = [(r["name"], r["score"], r["n"], r["start"], r["end"]) for r in rows(spec, "score")]
    assert parts == [
        ("Map 1", 1, 1, 0.0, 0.25),
        ("Map 1", 4, 1, 0.25, 0.5),
        ("Map 1", 5, 2, 0.5, 1.0),
        ("Map 2", 3, 5, 0.0, 1.0),
    ]
    colour = layer(spec, "bar")["encoding"]["color"]
    assert colour["scale"] == {"domain": [1, 2, 3, 4, 5], "range": list(SHADES)}
    assert colour["legend"]["title"] == "score"


def test_a_map_that_nobody_gave_a_score_has_an_empty_row():
    spec = drawn(shares(["a", "b"], np.array([[0, 0, 0, 0, 0], [1, 0, 0, 0, 0]]), "score"))
    assert [row["name"] for row in rows(spec, "score")] == ["b"]
    assert ["a", "b"] in list(found(spec, "domain"))


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def test_shades_get_darker_step_by_step_and_every_number_on_them_can_be_read():
    light = [luminance(one) for one in SHADES]
    assert all((a + 0.05) / (b + 0.05) > 1.4 for a, b in pairwise(light))
    for shade, ink in zip(light, map(luminance, ON_SHADES), strict=True):
        assert (max(shade, ink) + 0.05) / (min(shade, ink) + 0.05) >= 4.5


def test_rows_are_equally_tall_in_both_charts_so_that_they_line_up():
    names = ["a", "b", "c"]
    left = drawn(spread(a_spread(names, [1.0, 2, 3], [1.0, 2, 3], [1.0, 2, 3]), FIVE))
    right = drawn(shares(names, np.ones((3, 5), int), "score"))
    assert left["height"] == right["height"]
    assert left["autosize"] == right["autosize"] == {"type": "fit-x", "contains": "padding"}
    assert left["padding"]["top"] == right["padding"]["top"]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_of_maps_are_words_only(name):
    spec = drawn(spread(a_spread([name, "other"], [3.0, 2.0], [2.0, 1.0], [4.0, 3.0]), FIVE))
    assert [row["name"] for row in rows(spec, "low")] == [name, "other"]
    spec = drawn(shares([name, "other"], np.ones((2, 5), int), name))
    assert {row["name"] for row in rows(spec, "score")} == {name, "other"}
