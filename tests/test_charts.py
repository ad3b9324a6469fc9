"""Charts as the browser gets them: Vega-Lite that is valid, and in which people's words are words only."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.charts import (
    CUD,
    MOST_CURVES,
    STRETCH,
    Chart,
    Line,
    Overlay,
    curves,
    envelope,
    quality_strip,
    series_line,
    time_format,
    titled,
    traces,
)
from core.defects import Defect
from core.map_charts import Colouring, Map, waveform_map
from core.selections import frame_of

NOBODY = np.array([], dtype=int)
XY = np.random.default_rng(0).normal(size=(9, 2)) * [3, 1]
SECONDS = np.datetime64("2026-11-23T08:00:00") + np.arange(60).astype("timedelta64[s]")
HOSTILE = [
    "a:Q",
    "温度[℃]",
    "p.q",
    'say "hi"',
    "it's",
    "back\\slash",
    "two\nlines",
    "<img src=x onerror=alert(1)>",
    "datum.picked",
    "mean(y):N",
    "",
]


def drawn(chart: Chart) -> dict[str, Any]:
    """The spec as it goes to the browser: checked against Vega-Lite's schema, and strict JSON without a NaN."""
    return json.loads(json.dumps(chart.to_dict(), allow_nan=False))


def found(spec: Any, key: str) -> Iterator[Any]:
    """Every value under this key, at any depth; data apart."""
    if isinstance(spec, dict):
        for name, value in spec.items():
            if name == key:
                yield value
            if name != "datasets":
                yield from found(value, key)
    elif isinstance(spec, list):
        for value in spec:
            yield from found(value, key)


def rows(spec: dict[str, Any], *having: str) -> list[dict[str, Any]]:
    """The rows of the one data set that has these columns."""
    [data] = [data for data in spec["datasets"].values() if data and set(having) <= set(data[0])]
    return data


def line(values: Any, title: str = "load", axis_title: str = "t", at: Any = None) -> Line:
    return Line(np.arange(len(values)) if at is None else at, np.asarray(values), title, axis_title)


def overlay(windows: Any, names: list[str], shown: Any = slice(None)) -> Overlay:
    """Some of these windows, on the scale of all of them."""
    flat = windows.transpose(0, 2, 1).reshape(-1, len(names))
    return Overlay(windows[shown], (flat.min(axis=0), flat.max(axis=0)), names)


# --- people's words


def hostile_map(name: str) -> Map:
    return Map(XY, Colouring(name, np.array([name, "other", *"abcdefg"])), NOBODY, frame_of(XY))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_shown_as_it_is_and_never_taken_for_a_field_or_a_formula(name):
    """Altair reads “a:Q” and “mean(y)” as shorthand, and Vega reads dots and brackets in a field as a path."""
    windows = np.random.default_rng(0).normal(size=(9, 2, 16))
    charts = {
        "map": waveform_map(hostile_map(name), 400, {name: ["x"] * 9, "t": [1] * 9}),
        "line": series_line(line(np.arange(60.0), name, name), [(3, 9)], [(3, 9, "#ffffff")], 200),
        "traces": traces(SECONDS, np.ones((60, 2)), [name, "b"], name),
        "curves": curves(overlay(windows, [name, "b"]), name, 300),
    }
    ours = {
        "x",
        "y",
        "colour",
        "top",
        "tip0",
        "tip1",
        "id",
        "at",
        "value",
        "first",
        "last",
        "c",
        "name",
        "sample",
        "curve",
    }
    for which, chart in charts.items():
        spec = drawn(chart)
        fields = {field for field in found(spec, "field") if isinstance(field, str)}
        assert fields <= ours, which
        assert {name, titled(name)} & set(found(spec, "title")), which
        assert set(found(spec, "test")) | set(found(spec, "filter")) <= {"datum.picked"}, which
    assert name in drawn(charts["map"])["encoding"]["color"]["scale"]["domain"]
    for which in ("traces", "curves"):
        assert name in [row["name"] for row in rows(drawn(charts[which]), "name")], which


# --- lines


def test_picked_stretches_are_shaded_from_their_first_to_their_last_sample():
    spec = drawn(series_line(line(np.arange(60.0), at=SECONDS), [(3, 9), (20, 59)], [], 200))
    shaded = [(row["first"][-8:], row["last"][-8:]) for row in rows(spec, "first", "last")]
    assert shaded == [("08:00:03", "08:00:09"), ("08:00:20", "08:00:59")]
    rect, curve = spec["layer"]
    assert (rect["mark"]["type"], curve["mark"]["type"]) == ("rect", "line")  # the line on top of its shade
    assert [param["name"] for param in spec["params"]] == [STRETCH]
    assert len(drawn(series_line(line(np.arange(60.0)), [], [], 200))["layer"]) == 1


def test_a_gap_in_a_series_is_a_gap_in_its_line():
    values = np.arange(60.0)
    values[20:30] = np.nan
    for spec in (
        drawn(series_line(line(values), [], [], 200)),
        drawn(traces(np.arange(60), values[:, None], ["load"], "t")),
    ):
        curve = rows(spec, "at")
        assert [row["at"] for row in curve if row.get("value", row.get("y")) is None] == list(range(20, 30))


@pytest.mark.parametrize("n", [2001, 2003, 5000, 100_000])
def test_a_long_line_keeps_its_ends_and_every_spike_at_few_points(n):
    rng = np.random.default_rng(n)
    values = rng.normal(size=n)
    spikes = rng.choice(n, size=20, replace=False)
    values[spikes] = 50 * rng.choice([-1, 1], size=20)
    kept = envelope(values, 2000)
    assert len(kept) <= 2002  # two of each bin, and both ends
    assert (np.diff(kept) > 0).all()
    assert {kept[0], kept[-1]} == {0, n - 1}
    missed = [i for i in spikes if np.abs(kept - i).min() > n / 1000]  # a second spike in one bin may go
    assert missed == []
    assert (values[kept].min(), values[kept].max()) == (values.min(), values.max())


def test_a_short_line_keeps_every_sample():
    assert envelope(np.zeros(2000), 2000).tolist() == list(range(2000))


def test_an_envelope_looks_past_missing_values_and_keeps_a_gap_that_can_be_seen():
    values = np.sin(np.arange(50_000) / 999)
    values[::7] = np.nan  # a sensor that drops out now and then
    values[20_000:20_500] = np.nan
    values[[123, 45_678]] = (9, -9)
    kept = envelope(values, 1000)
    assert {123, 45_678} <= set(kept)
    missing = kept[np.isnan(values[kept])]
    inner = missing[(missing > 0) & (missing < 49_999)]
    assert len(inner) >= 4  # bins of 100: of the 500 missing in a row, nothing can be drawn
    assert ((inner >= 20_000) & (inner < 20_500)).all()
    assert len(envelope(np.full(50_000, np.nan), 1000)) <= 1002


# --- channels one above the other


def test_each_channel_has_a_band_of_its_own_whatever_its_units_and_a_constant_lies_in_the_middle():
    values = np.column_stack([np.sin(np.arange(300)), 1e6 * np.cos(np.arange(300)), np.full(300, 7.0)])
    spec = drawn(traces(np.arange(300), values, list("abc"), "t"))
    line = pd.DataFrame(rows(spec, "c", "y"))
    bands = line.groupby("c")["y"].agg(["min", "max"])
    assert (bands["min"][:-1].to_numpy() > bands["max"][1:].to_numpy()).all()  # the first on top, none over another
    np.testing.assert_allclose(bands["max"] - bands["min"], [0.72, 0.72, 0], atol=1e-9)
    assert bands["min"][2] == pytest.approx(-2.08)
    low, high = spec["layer"][0]["encoding"]["y"]["scale"]["domain"]
    assert low < line["y"].min() < line["y"].max() < high


def test_a_channel_without_a_value_takes_nothing_from_the_others():
    values = np.column_stack([np.arange(60.0), np.full(60, np.nan)])
    line = pd.DataFrame(rows(drawn(traces(np.arange(60), values, ["a", "empty"], "t")), "c", "y"))
    known = line.loc[line["c"] == 0, "y"]
    np.testing.assert_allclose([known.min(), known.max()], [-0.44, 0.28])


def test_the_thick_curve_is_the_mean_of_every_picked_window_on_a_scale_that_no_pick_changes():
    windows = np.array([0.0, 1.0, 2.0, 4.0])[:, None, None] * np.ones((4, 1, 8))
    thin, thick = thin_and_mean(curves(overlay(windows, ["a"], [1, 2]), "s", 300))
    at = {value: 0.72 * (value / 4 - 0.5) - 0.08 for value in (1, 1.5, 2)}  # in a band for 0 … 4, also unpicked ones
    np.testing.assert_allclose(sorted(thin["y"].unique()), [at[1], at[2]])
    np.testing.assert_allclose(thick["y"], at[1.5])


def thin_and_mean(chart: Chart) -> list[pd.DataFrame]:
    spec = drawn(chart)
    lines = [layer for layer in spec["layer"] if layer.get("mark", {}).get("type") == "line"]
    return [pd.DataFrame(spec["datasets"][layer["data"]["name"]]) for layer in lines]


def test_a_shade_holds_eight_of_ten_curves_at_each_sample():
    windows = np.arange(101.0)[:, None, None] * np.ones((101, 1, 4))
    spec = drawn(curves(overlay(windows, ["a"]), "s", 300))
    [shade] = [rows(spec, "top")]
    at = {value: 0.72 * (value / 100 - 0.5) - 0.08 for value in (10, 90)}
    assert {(round(row["y"], 6), round(row["top"], 6)) for row in shade} == {(round(at[10], 6), round(at[90], 6))}
    few = drawn(curves(overlay(windows[:5], ["a"]), "s", 300))
    assert not [layer for layer in few["layer"] if layer.get("mark", {}).get("type") == "area"]


def test_the_nearest_others_are_dashed_and_do_not_move_the_mean():
    windows = np.array([0.0, 1.0, 4.0])[:, None, None] * np.ones((3, 1, 8))
    some = overlay(windows, ["a"], [0, 1])
    with_near = replace(some, near=windows[2:])
    _thin, near, mean = thin_and_mean(curves(with_near, "s", 300))
    _thin, alone = thin_and_mean(curves(some, "s", 300))
    assert near["y"].nunique() == 1
    assert near["y"].iloc[0] == pytest.approx(0.28)  # the highest of all
    pd.testing.assert_frame_equal(mean, alone)


def test_groups_lie_as_a_strip_below_the_line_in_their_own_colours():
    spec = drawn(series_line(line(np.arange(60.0)), [], [(0, 9, "#005AFF"), (10, 59, "#FF4B00")], 200))
    assert [(r["first"], r["last"], r["colour"]) for r in rows(spec, "colour")] == [
        (0, 9, "#005AFF"),
        (10, 59, "#FF4B00"),
    ]
    [tape] = [layer for layer in spec["layer"] if layer["mark"]["type"] == "rect"]
    assert tape["mark"]["y2"] == 200  # at the bottom
    assert tape["encoding"]["color"]["scale"] is None  # the colours themselves


def test_of_many_picked_windows_some_are_drawn_evenly_and_the_mean_is_of_all():
    windows = np.arange(1000.0)[:, None, None] * np.ones((1000, 1, 4))
    thin, thick = thin_and_mean(curves(overlay(windows, ["a"]), "s", 300))
    assert thin["curve"].nunique() == MOST_CURVES
    assert thin["y"].min() == pytest.approx(-0.44)  # the lowest and the highest among them
    assert thin["y"].max() == pytest.approx(0.28)
    np.testing.assert_allclose(thick["y"], -0.08, atol=1e-9)


# --- clocks


@pytest.mark.parametrize(
    ("seconds", "form"),
    [(0, "%H:%M:%S"), (1799, "%H:%M:%S"), (7200, "%H:%M"), (86_400, "%m/%d %H:%M"), (864_000, "%Y/%m/%d")],
)
def test_the_clock_shows_what_changes_within_the_span(seconds, form):
    assert time_format(SECONDS[0] + np.array([0, seconds]).astype("timedelta64[s]")) == form
    assert time_format(SECONDS[:0]) == "%H:%M:%S"


# --- what is wrong, and where

KINDS = {"gap": "値がない", "flat": "動かない", "outlier": "とび離れた値", "pause": "記録の途切れ"}
WRONG = [
    Defect("pause", None, 19, 20, 600.0),
    Defect("gap", 0, 3, 3, 1.0),
    Defect("gap", 1, 30, 44, 15.0),
    Defect("outlier", 1, 59, 59, -8.0),
]


def strip(defects: list[Defect], at: Any = SECONDS, kinds: dict[str, str] = KINDS) -> dict[str, Any]:
    return drawn(quality_strip(at, defects, ["a", "b"], kinds, "time"))


def test_every_defect_lies_in_its_channels_row_from_its_first_to_its_last_sample():
    marks = rows(strip(WRONG, np.arange(60)), "kind", "low", "high")
    assert [(m["kind"], m["first"], m["last"]) for m in marks] == [
        ("記録の途切れ", 19, 20),
        ("値がない", 3, 3),
        ("値がない", 30, 44),
        ("とび離れた値", 59, 59),
    ]
    row = [2, 0, 1, 1]  # the clock below the channels
    assert all(-r - 0.5 < m["low"] < m["high"] < -r + 0.2 for r, m in zip(row, marks, strict=True))  # names are above


def test_the_clock_has_a_row_only_where_it_has_defects_and_all_rows_are_there_without_any():
    assert [row["name"] for row in rows(strip(WRONG), "name")] == ["a", "b", "time"]
    assert [row["name"] for row in rows(strip(WRONG[1:]), "name")] == ["a", "b"]
    none = strip([])
    assert [row["name"] for row in rows(none, "name")] == ["a", "b"]
    assert "color" not in json.dumps([layer.get("encoding") for layer in none["layer"]])  # so there is no legend
    assert none["height"] < strip(WRONG[1:])["height"] < strip(WRONG)["height"]


@pytest.mark.parametrize("at", [SECONDS, np.arange(60)])
def test_the_strip_spans_the_same_time_as_the_traces_above_it(at):
    above, below = drawn(traces(at, np.ones((60, 2)), ["a", "b"], "time")), strip(WRONG, at)
    line = rows(above, "c", "at")
    ends = {(row["first"], row["last"]) for row in rows(below, "first", "last", "y")}
    assert ends == {(line[0]["at"], line[59]["at"])}
    one, other = above["layer"][0]["encoding"]["x"], below["layer"][0]["encoding"]["x"]
    assert {key: one[key] for key in ("scale", "axis", "type", "title")} == {
        key: other[key] for key in ("scale", "axis", "type", "title")
    }


def test_a_single_sample_has_a_pin_of_three_pixels_with_a_head():
    _, _, bars, stems, heads = strip(WRONG)["layer"]
    assert (bars["mark"]["type"], stems["mark"]["type"], heads["mark"]["type"]) == ("rect", "rule", "point")
    assert stems["mark"]["strokeWidth"] >= 3
    assert all(layer["encoding"]["x"]["field"] == "first" for layer in (bars, stems, heads))
    assert bars["encoding"]["x2"]["field"] == "last"


def test_kinds_differ_in_colour_shape_and_height_and_look_alike_whatever_else_is_shown():
    def looks(defects: list[Defect]) -> dict[str, tuple[Any, ...]]:
        spec = strip(defects)
        colour, shape = (spec["layer"][-1]["encoding"][of]["scale"] for of in ("color", "shape"))
        height = {m["kind"]: round(m["high"] - m["low"], 6) for m in rows(spec, "kind", "low")}
        assert colour["domain"] == shape["domain"]  # one legend for both, with what is shown and nothing else
        assert set(colour["domain"]) == set(height)
        return {
            kind: (c, s, height[kind])
            for kind, c, s in zip(colour["domain"], colour["range"], shape["range"], strict=True)
        }

    all_kinds = looks(WRONG)
    assert list(all_kinds) == [KINDS["gap"], KINDS["outlier"], KINDS["pause"]]  # in the reader's order
    assert all(len(set(of_kind)) == 3 for of_kind in zip(*all_kinds.values(), strict=True))
    assert {colour for colour, _, _ in all_kinds.values()} < set(CUD[1:])  # not that of the traces
    assert looks(WRONG[3:]) == {KINDS["outlier"]: all_kinds[KINDS["outlier"]]}


@pytest.mark.parametrize("name", HOSTILE)
def test_names_and_kinds_are_words_only_below_the_traces_too(name):
    spec = drawn(quality_strip(SECONDS, WRONG, [name, "b"], {**KINDS, "gap": name}, name))
    fields = {field for field in found(spec, "field") if isinstance(field, str)}
    assert fields == {"first", "last", "y", "low", "high", "kind", "name"}
    assert list(found(spec, "test")) == list(found(spec, "filter")) == []
    assert [row["name"] for row in rows(spec, "name")] == [name, "b", name]
    assert name in spec["layer"][-1]["encoding"]["color"]["scale"]["domain"]
