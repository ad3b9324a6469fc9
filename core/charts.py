"""Altair specs of what people look at. Data in, chart out; words come from the caller in the reader's language."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.defects import Defect
from core.series import Floats, Ints

# Color Universal Design, recommended set 4: apart for every kind of colour vision.
CUD = ("#005AFF", "#FF4B00", "#03AF7A", "#F6AA00", "#990099", "#4DC4FF", "#804000")
SHAPES = ("circle", "triangle-up", "square", "diamond", "cross", "triangle-down", "triangle-right")
# matplotlib's viridis at every tenth; whoever draws fills in between
VIRIDIS = "#440154 #482475 #414487 #355f8d #2a788e #21918c #22a884 #44bf70 #7ad151 #bddf26 #fde725".split()
INK, FAINT, UNKNOWN = "#1a1d21", "#84919e", "#969ea8"
FONT = "'Noto Sans JP','Noto Sans CJK JP','Yu Gothic UI','Hiragino Sans',Meiryo,sans-serif"

Chart = Any  # altair's classes for single and layered charts have no useful common type

MOST_LINE_POINTS = 2000  # more than a screen has pixels
MOST_CURVES = 60
BAND, LEAST_BAND, THIN_BAND = 46, 24, 32  # pixels a channel where channels stand one above the other
FLOOR = -0.38  # of a thin band, below its name
LEGEND_COLUMNS = 3
STRIP = 9  # pixels
LEAST_FOR_SHADE = 10  # curves
UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")  # line ends among them
STRETCH = "stretch"  # the name of the gesture, as it comes back from the browser


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One channel over time."""

    at: NDArray[Any]  # (n,) sample numbers or datetime64
    values: Floats  # (n,); a gap in it is a gap in the line
    title: str
    axis_title: str
    filled: Ints | None = None  # rows whose value was missing before it was prepared


def series_line(
    line: Line, spans: Sequence[tuple[int, int]], strip: Sequence[tuple[int, int, str]], height: int
) -> Chart:
    """With the picked stretches shaded, filled values marked, and groups as a strip. Drag across picks a stretch.

    Args:
        spans: (first, last) sample of each shaded run.
        strip: (first, last, colour) of each run of a group.
    """
    at, axis_title = line.at, line.axis_title
    rows = envelope(line.values, MOST_LINE_POINTS)
    above = alt.Axis(
        tickCount=4,
        titleAngle=0,
        titleAlign="left",
        titleAnchor="end",
        titleX=4,
        titleY=-9,
        titleLimit=600,
        minExtent=52,
    )
    y = alt.Y(
        "value:Q", title=titled(line.title), scale=alt.Scale(zero=False), axis=above
    )  # a long name would not fit upright
    frame = pd.DataFrame({"at": at[rows], "value": line.values[rows]})
    drawn = alt.Chart(frame).mark_line(color=INK, strokeWidth=1.2).encode(x=_time_axis("at", at, axis_title), y=y)
    layers = [drawn.add_params(alt.selection_interval(name=STRETCH, encodings=["x"]))]
    if line.filled is not None and len(line.filled):
        some = line.filled[:: -(-len(line.filled) // MOST_LINE_POINTS)]
        frame = pd.DataFrame({"at": at[some], "value": line.values[some]})
        marks = alt.Chart(frame).mark_point(color=CUD[1], filled=True, size=22, opacity=1)
        layers.append(marks.encode(x=_time_axis("at", at, axis_title), y=y))
    first = _time_axis("first", at, axis_title)
    if strip:
        frame = _runs(at, [(a, b) for a, b, _ in strip]).assign(colour=[colour for *_, colour in strip])
        tape = alt.Chart(frame).mark_rect(y=height - STRIP, y2=height)
        layers.append(tape.encode(x=first, x2="last", color=alt.Color("colour:N", scale=None)))
    if spans:
        shaded = alt.Chart(_runs(at, spans)).mark_rect(color=CUD[3], opacity=0.45).encode(x=first, x2="last")
        layers.insert(0, shaded)
    return plain(alt.layer(*layers), height)


def _runs(at: NDArray[Any], runs: Sequence[tuple[int, int]]) -> pd.DataFrame:
    return pd.DataFrame({"first": at[[a for a, _ in runs]], "last": at[[b for _, b in runs]]})


def traces(at: NDArray[Any], values: Floats, names: Sequence[str], axis_title: str) -> Chart:
    """All channels over time, one above the other, each filling a band of its own: shapes compare, units do not.

    Args:
        at: (n,) sample numbers or datetime64.
        values: (n, n_channels); a gap is a gap in the line.
    """
    low, high = limits(values)
    pieces = []
    for c in range(len(names)):
        rows = envelope(values[:, c], MOST_LINE_POINTS)
        pieces.append(pd.DataFrame({"at": at[rows], "y": _banded(values[rows, c], low[c], high[c], c), "c": c}))
    x = _time_axis("at", at, axis_title)
    lines = alt.Chart(pd.concat(pieces)).mark_line(color=CUD[0], strokeWidth=1.2)
    drawn = lines.encode(x=x, y=_bands(len(names)), detail="c:N")
    return plain(alt.layer(drawn, _band_names(names)), max(120, BAND * len(names) + 40))


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """Windows to be drawn over each other."""

    values: Floats  # (n, n_channels, length) of those that are picked, or of an even sample of them
    limits: tuple[Floats, Floats]  # (n_channels,) each: lowest and highest of the bands, the same for every pick
    names: Sequence[str]  # of the channels
    near: Floats | None = None  # (m, n_channels, length) of others that lie nearest


def curves(overlay: Overlay, axis_title: str, height: int) -> Chart:
    """A band a channel: thin curves, their mean as a thick line, and a shade that holds 80 % of them at each sample."""
    low, high = (limit[:, None] for limit in overlay.limits)
    n_channels = len(overlay.names)
    channel = np.arange(n_channels)[:, None]
    scaled = _banded(overlay.values, low, high, channel)
    some = scaled[np.unique(np.linspace(0, len(scaled) - 1, min(len(scaled), MOST_CURVES)).astype(int))]
    x = alt.X("sample:Q", title=axis_title, scale=alt.Scale(nice=False), axis=alt.Axis(grid=False, tickCount=5))
    encoding = {"x": x, "y": _bands(n_channels), "detail": "curve:N"}
    layers = []
    if len(scaled) >= LEAST_FOR_SHADE:
        bottom, top = np.quantile(scaled, (0.1, 0.9), axis=0)
        shade = _drawn(bottom[None]).assign(top=top.ravel())
        layers.append(alt.Chart(shade).mark_area(color=CUD[1], opacity=0.18).encode(**encoding, y2="top"))
    layers.append(alt.Chart(_drawn(some)).mark_line(color=CUD[0], strokeWidth=1, opacity=0.35).encode(**encoding))
    if overlay.near is not None and len(overlay.near):
        near = _drawn(_banded(overlay.near, low, high, channel))
        dashed = alt.Chart(near).mark_line(color=CUD[2], strokeWidth=1.5, strokeDash=[5, 3])
        layers.append(dashed.encode(**encoding))
    mean = _drawn(scaled.mean(axis=0)[None])
    layers.append(alt.Chart(mean).mark_line(color=CUD[1], strokeWidth=2.5).encode(**encoding))
    return plain(alt.layer(*layers, _band_names(overlay.names)), max(height, LEAST_BAND * n_channels))


def ends(low: Floats, high: Floats, names: Sequence[str], words: tuple[str, str], axis_title: str) -> Chart:
    """The mean waveform at either end of a map's axis, a band a channel.

    Args:
        low, high: (n_channels, length).
        words: for the low and the high end.
    """
    both = np.stack([low, high])
    bottom, top = limits(both.transpose(0, 2, 1).reshape(-1, len(names)))
    frame = _drawn(_banded(both, bottom[:, None], top[:, None], np.arange(len(names))[:, None]))
    frame["end"] = np.where(frame["curve"] < len(names), *words)
    x = alt.X("sample:Q", title=axis_title, scale=alt.Scale(nice=False), axis=alt.Axis(grid=False, tickCount=5))
    legend = alt.Legend(title=None, orient="bottom", labelLimit=260)
    scale = alt.Scale(domain=list(words), range=[CUD[0], CUD[1]])
    dash = alt.StrokeDash("end:N", scale=alt.Scale(domain=list(words), range=[[6, 3], [1, 0]]), legend=legend)
    colour = alt.Color("end:N", scale=scale, legend=legend)
    lines = alt.Chart(frame).mark_line(strokeWidth=2)
    lines = lines.encode(x=x, y=_bands(len(names)), detail="curve:N", color=colour, strokeDash=dash)
    return plain(alt.layer(lines, _band_names(names)), max(150, BAND * len(names) + 60))


def shares(of: Sequence[float], x_title: str, y_title: str) -> Chart:
    """A bar a direction: how much of the variance it holds. The two that a map shows are dark."""
    frame = pd.DataFrame({"direction": np.arange(1, len(of) + 1), "share": of, "shown": np.arange(len(of)) < 2})
    y = alt.Y("share:Q", title=y_title, axis=alt.Axis(format="%", tickCount=4), scale=alt.Scale(domainMin=0))
    colour = alt.condition("datum.shown", alt.value(CUD[0]), alt.value(FAINT))
    bars = alt.Chart(frame).mark_bar(width={"band": 0.7})
    bars = bars.encode(x=alt.X("direction:O", title=x_title, axis=alt.Axis(labelAngle=0)), y=y, color=colour)
    return plain(bars, 150)


def learning(points: Floats, names: tuple[str, str], titles: tuple[str, str], best: int | None) -> Chart:
    """How an objective fell, on windows that are learnt from and on others.

    Args:
        points: (n, 3) step, and the objective on either.
        names: of the two.
        titles: of the axes.
        best: the step that was kept; None: it still goes on.
    """
    steps, *values = points.T
    rows = [pd.DataFrame({"step": steps, "value": one, "on": name}) for one, name in zip(values, names, strict=True)]
    x = alt.X("step:Q", title=titles[0], axis=alt.Axis(grid=False, format="d", tickMinStep=1))
    y = alt.Y("value:Q", title=titles[1], scale=alt.Scale(zero=False))
    look = alt.Scale(domain=names, range=[CUD[0], CUD[1]])
    dashes = alt.Scale(domain=names, range=[[1, 0], [5, 3]])
    legend = alt.Legend(title=None, orient="bottom", labelLimit=260)
    lines = alt.Chart(pd.concat(rows)).mark_line(strokeWidth=2, point=True)
    drawn = lines.encode(
        x=x,
        y=y,
        color=alt.Color("on:N", scale=look, legend=legend),
        strokeDash=alt.StrokeDash("on:N", scale=dashes, legend=legend),
    )
    if best is None:
        return plain(drawn, 220)
    mark = alt.Chart(pd.DataFrame({"step": [best]})).mark_rule(color=INK, strokeDash=[2, 2]).encode(x="step:Q")
    return plain(alt.layer(drawn, mark), 220)


def _drawn(values: Floats) -> pd.DataFrame:
    """A row a sample of each of (n, n_channels, length) curves."""
    n, n_channels, length = values.shape
    at, curve = np.tile(np.arange(length), n * n_channels), np.repeat(np.arange(n * n_channels), length)
    return pd.DataFrame({"sample": at, "y": values.ravel(), "curve": curve})


def limits(values: Floats) -> tuple[Floats, Floats]:
    """(n_channels,) lowest and highest value of each column; an empty column has a range of its own."""
    known = np.where(np.isnan(values).all(axis=0), 0.0, values)
    return np.nanmin(known, axis=0), np.nanmax(known, axis=0)


def _banded(values: Floats, low: Any, high: Any, channel: Any) -> Floats:
    """Values moved into their channel's band: channel 0 on top, a constant in the middle of its band."""
    span = high - low
    share: Floats = np.where(span > 0, (values - low) / np.where(span > 0, span, 1.0), 0.5)
    banded: Floats = -channel + 0.72 * (np.where(np.isnan(values), np.nan, share) - 0.5) - 0.08
    return banded


def _bands(n: int, field: str = "y:Q") -> alt.Y:
    return alt.Y(field, scale=alt.Scale(domain=[0.55 - n, 0.5], nice=False), axis=None)


def _band_names(names: Sequence[str]) -> Chart:
    frame = pd.DataFrame({"name": list(names), "y": [0.40 - c for c in range(len(names))]})
    encoding = {"x": alt.value(0), "y": _bands(len(names)), "text": "name:N"}
    look: dict[str, Any] = {"align": "left", "dx": 4, "fontSize": 12, "limit": 260}
    halo = alt.Chart(frame).mark_text(**look, stroke="white", strokeWidth=4, strokeJoin="round", color="white")
    return alt.layer(halo.encode(**encoding), alt.Chart(frame).mark_text(**look, color=INK).encode(**encoding))


def _time_axis(field: str, at: NDArray[Any], title: str) -> alt.X:
    axis = alt.Axis(labelOverlap=True, grid=False, tickCount=6)
    if at.dtype.kind == "M":
        axis.format = time_format(at)
        return alt.X(f"{field}:T", title=titled(title), scale=alt.Scale(type="utc"), axis=axis)
    return alt.X(f"{field}:Q", title=titled(title), scale=alt.Scale(nice=False, zero=False), axis=axis)


def titled(text: str) -> str:
    """Somebody's words as the title of an axis or a legend: one line, with nothing after a backslash that could count.

    Vega-Lite 6 makes expressions of titles, for screen readers, and escapes no more than quotation marks: a backslash
    before one, or a line's end, would end the text and begin a program. Nobody sees the joiner.
    """
    return UNSEEN.sub(" ", text).replace("\\", "\\\u2060")


def told(text: str) -> str:
    """The same as the title of a tooltip, which is nothing but an expression: there a backslash is written twice."""
    return UNSEEN.sub(" ", text).replace("\\", "\\\\")


def time_format(at: NDArray[Any]) -> str:
    """Digits for a span of time, alike in every language."""
    days = float((at.max() - at.min()) / np.timedelta64(1, "D")) if len(at) else 0.0
    if days < 1 / 24:
        return "%H:%M:%S"
    return "%H:%M" if days < 1 else "%m/%d %H:%M" if days < 5 else "%Y/%m/%d"


def quality_strip(
    at: NDArray[Any], defects: Sequence[Defect], names: Sequence[str], kinds: Mapping[str, str], axis_title: str
) -> Chart:
    """Where something is wrong, below `traces` and on its time axis: a thin row a channel, and one for the clock.

    A kind has a colour, a shape and a height of its own. Every defect has a pin where it begins, so that a single
    sample shows among a million; a longer one is a bar up to its end.

    Args:
        at: (n,) sample numbers or datetime64, n > 0.
        kinds: the reader's word for each kind, in the order of the legend; a kind looks alike in all charts.
        axis_title: also names the clock's row, which is there if the clock has defects.
    """
    rows = [*names, axis_title] if any(d.channel is None for d in defects) else list(names)
    floor = pd.DataFrame({"y": [FLOOR - r for r in range(len(rows))]}).assign(first=at[0], last=at[-1])
    x = _time_axis("first", at, axis_title)
    lines = alt.Chart(floor).mark_rule(color=FAINT, opacity=0.5).encode(x=x, x2="last", y=_bands(len(rows)))
    chart = alt.layer(lines, _band_names(rows), *_pins(at, defects, kinds, len(rows), x))
    legend_rows = -(-len({d.kind for d in defects}) // LEGEND_COLUMNS)
    return plain(chart, THIN_BAND * len(rows) + 50 + 22 * legend_rows)


def _pins(
    at: NDArray[Any], defects: Sequence[Defect], kinds: Mapping[str, str], n_rows: int, x: alt.X
) -> Iterator[Chart]:
    if not defects:
        return
    row = np.array([n_rows - 1 if d.channel is None else d.channel for d in defects])
    look = np.array([list(kinds).index(d.kind) for d in defects])
    frame = pd.DataFrame({"kind": [kinds[d.kind] for d in defects], "low": FLOOR - row})
    frame["high"] = frame["low"] + 0.22 + 0.26 * look / len(kinds)
    frame = frame.assign(first=at[[d.first for d in defects]], last=at[[d.last for d in defects]])
    shown = np.unique(look)
    words = [list(kinds.values())[i] for i in shown]
    legend = alt.Legend(title=None, orient="bottom", columns=LEGEND_COLUMNS, labelLimit=260, symbolOpacity=1)
    # The traces above are drawn in the first colour.
    colours = alt.Scale(domain=words, range=[CUD[(i + 1) % len(CUD)] for i in shown])
    shapes = alt.Scale(domain=words, range=[SHAPES[i % len(SHAPES)] for i in shown])
    colour, shape = alt.Color("kind:N", scale=colours, legend=legend), alt.Shape("kind:N", scale=shapes, legend=legend)
    low, high = _bands(n_rows, "low:Q"), _bands(n_rows, "high:Q")
    chart = alt.Chart(frame)
    yield chart.mark_rect(opacity=0.45).encode(x=x, x2="last", y=low, y2="high", color=colour)
    yield chart.mark_rule(strokeWidth=3).encode(x=x, y=low, y2="high", color=colour)
    yield chart.mark_point(filled=True, size=60, opacity=1).encode(x=x, y=high, color=colour, shape=shape)


def envelope(values: Floats, most: int) -> Ints:
    """Rows that keep the look of a line with about `most` points: both ends, the extremes of each of most/2 bins."""
    n = len(values)
    if n <= most:
        return np.arange(n)
    edges = np.linspace(0, n, most // 2 + 1).astype(int)
    bins = list(pairwise(edges))
    low = [a + np.argmin(np.where(np.isnan(values[a:b]), np.inf, values[a:b])) for a, b in bins]
    high = [a + np.argmax(np.where(np.isnan(values[a:b]), -np.inf, values[a:b])) for a, b in bins]
    return np.unique(np.concatenate([low, high, [0, n - 1]]))


def plain(chart: Chart, height: int | None = None) -> Chart:
    if height is not None:
        chart = chart.properties(height=height)
    return (
        chart.properties(padding={"left": 2, "top": 4, "right": 4, "bottom": 4})
        .configure(font=FONT)
        .configure_axis(labelFontSize=13, titleFontSize=14, titleFontWeight="normal", labelColor=INK, titleColor=INK)
        .configure_legend(labelFontSize=14, titleFontSize=14, titleFontWeight="normal", labelColor=INK, titleColor=INK)
        .configure_view(stroke="#c9d0d9")
    )
