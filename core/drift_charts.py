"""Altair specs of how new data went over time. Data in, chart out; words come from the caller."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd

from core.charts import CUD, FAINT, INK, Chart, envelope, plain, time_format, titled, told
from core.series import Floats, Times

MOST = 400  # points that are drawn


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """One figure of new data, again and again. Row i of each is placement i, in order of time."""

    at: Times  # (n,) as a clock on the wall shows it
    values: Floats  # (n,)
    names: Sequence[str]  # n, of the files
    limit: float  # above it there may be an alert


def course(one: Course, words: Mapping[str, str], form: str) -> Chart:
    """A point a placement, those above the limit in another colour and shape, and the limit as a broken line.

    Args:
        words: title, and the tooltip's names: file, at, value.
        form: how Vega is to write a value, such as .0%.
    """
    rows = envelope(one.values, MOST)
    frame = pd.DataFrame({"at": one.at[rows], "value": one.values[rows], "file": [one.names[i] for i in rows]})
    frame["above"] = frame["value"] > one.limit
    clock = alt.Axis(format=time_format(one.at), grid=False, labelOverlap=True, tickCount=5)
    x = alt.X("at:T", title=None, scale=alt.Scale(type="utc", padding=10), axis=clock)
    top = max(float(np.max(one.values)), one.limit) * 1.15
    span = alt.Scale(domain=[min(0.0, float(np.min(one.values))), top], nice=False)
    y = alt.Y("value:Q", title=None, scale=span, axis=alt.Axis(format=form, tickCount=4, minExtent=50))
    tips = [
        alt.Tooltip("file:N", title=told(words["file"])),
        alt.Tooltip("at:T", title=told(words["at"]), format="%Y/%m/%d %H:%M", formatType="utc"),
        alt.Tooltip("value:Q", title=told(words["value"]), format=".3~f"),
    ]
    base = alt.Chart(frame).encode(x=x, y=y)
    line = base.mark_line(color=FAINT, strokeWidth=1.5)
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        color=alt.condition("datum.above", alt.value(CUD[1]), alt.value(CUD[0])),
        shape=alt.condition("datum.above", alt.value("triangle-up"), alt.value("circle")),
        tooltip=tips,
    )
    bound = alt.Chart(pd.DataFrame({"limit": [one.limit]})).mark_rule(color=INK, strokeDash=[5, 3])
    title = alt.TitleParams(titled(words["title"]), anchor="start", fontSize=14, fontWeight="normal", color=INK)
    drawn = alt.layer(bound.encode(y=alt.Y("limit:Q", scale=span)), line, points)
    return plain(drawn.properties(title=title), 150)
