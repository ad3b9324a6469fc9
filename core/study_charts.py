"""Altair specs of what people said in a study. Data in, chart out; words come from the caller in their language."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd

from core.answers import HIGHEST, LOWEST
from core.charts import CUD, FAINT, INK, Chart, plain
from core.series import Floats, Ints

ROW = 50  # pixels a map
# From 1 to 5, in even steps of lightness: they stay in order in grey print, and for every kind of colour vision.
SHADES = ("#e6f0fc", "#a9c8f0", "#6ea0de", "#2f6bbd", "#0a2f66")
ON_SHADES = (INK, INK, INK, "#ffffff", "#ffffff")  # text that can be read on each of them
LEAST_SHARE = 0.025  # of a bar: a narrower part has no room for its number


@dataclass(frozen=True, slots=True)
class Line:
    """The values that a chart of ranges runs over: the same ones whatever the data, so that charts compare."""

    ends: tuple[float, float]
    marked: Mapping[float, str]  # value → what stands below it
    title: str = ""
    even: float | None = None  # where nothing is more than anything else: a dashed line


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """Row i is map i, from the top."""

    names: Sequence[str]
    values: Floats  # (n,) NaN: there is none
    low: Floats  # (n,) of the range of uncertainty; NaN: there is none
    high: Floats  # (n,)
    told: Sequence[str]  # (n,) above the point, its value in words


def spread(drawn: Spread, line: Line) -> Chart:
    """A row a map: its value as a point, its range of uncertainty as a bar."""
    columns = {"name": drawn.names, "value": drawn.values, "low": drawn.low, "high": drawn.high, "told": drawn.told}
    frame = pd.DataFrame(columns).astype({"value": float, "low": float, "high": float})
    scale = alt.Scale(domain=list(line.ends), nice=False, zero=False)
    x = alt.X("value:Q", title=line.title or None, scale=scale, axis=_marks(line))
    y = _rows(drawn.names)
    base = alt.Chart(frame)
    bars = base.transform_filter("isValid(datum.low)").mark_rule(color=FAINT, strokeWidth=5)
    known = base.transform_filter("isValid(datum.value)")
    points = known.mark_point(filled=True, size=150, color=CUD[0], opacity=1)
    words = known.mark_text(dy=-15, fontSize=14, color=INK)
    layers = [
        bars.encode(x=alt.X("low:Q", scale=scale), x2="high:Q", y=y),
        points.encode(x=x, y=y),
        words.encode(x=x, y=y, text="told:N"),
    ]
    if line.even is not None:
        even = alt.Chart(pd.DataFrame({"even": [line.even]})).mark_rule(color=INK, strokeDash=[4, 4])
        layers.insert(0, even.encode(x=alt.X("even:Q", scale=scale)))
    return _tall(alt.layer(*layers), len(drawn.names))


def shares(names: Sequence[str], counts: Ints, words: str) -> Chart:
    """A bar a map, of equal length: how many people gave each score, from the lowest on the left.

    Args:
        counts: (n_maps, 5) answers of 1 … 5.
        words: the title of the legend.
    """
    frame = _parts(names, counts)
    x = alt.X("start:Q", axis=None, scale=alt.Scale(domain=[0, 1], nice=False))
    y = _rows(names)
    steps = list(range(LOWEST, HIGHEST + 1))
    legend = alt.Legend(title=words, orient="bottom", direction="horizontal", symbolType="square", symbolOpacity=1)
    colour = alt.Color("score:O", scale=alt.Scale(domain=steps, range=list(SHADES)), legend=legend)
    bars = alt.Chart(frame).mark_bar(stroke="white", strokeWidth=1, height=26)
    on = alt.Color("ink:N", scale=None)
    wide = alt.Chart(frame).transform_filter(f"datum.end - datum.start >= {LEAST_SHARE}").mark_text(fontSize=14)
    drawn = alt.layer(
        bars.encode(x=x, x2="end", y=y, color=colour),
        wide.encode(x=alt.X("middle:Q", axis=None), y=y, text="n:Q", color=on),
    )
    return _tall(drawn, len(names))


def _parts(names: Sequence[str], counts: Ints) -> pd.DataFrame:
    """A row a part of a bar; parts of nobody are left out."""
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    end = np.cumsum(share, axis=1)
    start = end - share
    rows = [
        (name, LOWEST + step, int(counts[i, step]), start[i, step], end[i, step], ON_SHADES[step])
        for i, name in enumerate(names)
        for step in range(counts.shape[1])
        if counts[i, step]
    ]
    frame = pd.DataFrame(rows, columns=["name", "score", "n", "start", "end", "ink"])
    frame = frame.astype({"start": float, "end": float})
    return frame.assign(middle=(frame["start"] + frame["end"]) / 2)


def _marks(line: Line) -> alt.Axis:
    """Words below the values; those at the ends stay inside the chart."""
    words = json.dumps({f"{value:g}": text.split("\n") for value, text in line.marked.items()})
    return alt.Axis(values=list(line.marked), labelExpr=f"{words}[datum.value]", labelFlush=24, labelOverlap=False)


def _rows(names: Sequence[str]) -> alt.Y:
    axis = alt.Axis(labelLimit=200, ticks=False, domain=False, labelPadding=8)
    return alt.Y("name:N", title=None, sort=list(names), scale=alt.Scale(domain=list(names)), axis=axis)


def _tall(chart: Chart, n: int) -> Chart:
    """Equally tall rows whatever stands below them, so that two charts side by side line up."""
    chart = plain(chart, ROW * n)
    return chart.properties(autosize=alt.AutoSizeParams(type="fit-x", contains="padding"))
