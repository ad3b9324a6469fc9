"""Altair specs of maps. Data in, chart out; words come from the caller in the reader's language."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.charts import CUD, FAINT, SHAPES, UNKNOWN, Chart, plain, time_format, titled, told
from core.selections import Frame, frame_of
from core.series import Bools, Floats, Ints

MOST_POINTS = 10_000  # that an Altair chart draws without stalling
BOX, TAP = "box", "tap"  # names of the gestures, as they come back from the browser


@dataclass(frozen=True, slots=True, eq=False)
class Colouring:
    """What the points of a map are coloured by: groups get CUD colours and shapes, quantities one even scale."""

    title: str
    values: NDArray[Any]  # (n_windows,) text, numbers or datetime64
    order: tuple[str, ...] = ()  # of the groups in the legend; empty: by name
    rest: str = ""  # the group of those that are in none: drawn faintly

    @property
    def groups(self) -> list[str] | None:
        if self.values.dtype.kind not in "UO":
            return None
        return list(self.order) or sorted(set(self.values.tolist()))

    @property
    def is_known(self) -> Bools:
        """(n_windows,) of a quantity: whether there is one."""
        known: Bools = ~np.isnat(self.values) if self.values.dtype.kind == "M" else np.isfinite(self.values)
        return known

    @property
    def plotted(self) -> NDArray[Any]:
        """(n_windows,) as a chart gets them: times in ms. On a scale of times Vega shows but a third of the colours."""
        if self.values.dtype.kind != "M":
            return self.values
        return np.where(self.is_known, self.values.astype("datetime64[ms]").astype(np.int64), np.nan)

    def codes(self) -> Ints:
        """(n_windows,) of each, where its group stands among the groups."""
        groups = self.groups or []
        order = np.argsort(groups)
        found: Ints = order[np.searchsorted(groups, self.values, sorter=order)]
        return found

    def looks(self) -> tuple[list[str], list[str]]:
        """Colour and shape of each group. Shapes move on at every turn of the colours: 49 groups look different."""
        groups = [one for one in self.groups or [] if one != self.rest]
        colours = {one: CUD[i % len(CUD)] for i, one in enumerate(groups)}
        shapes = {one: SHAPES[(i + i // len(CUD)) % len(SHAPES)] for i, one in enumerate(groups)}
        every = self.groups or []
        return [colours.get(one, FAINT) for one in every], [shapes.get(one, SHAPES[0]) for one in every]


@dataclass(frozen=True, slots=True, eq=False)
class Map:
    """What there is to draw."""

    xy: Floats  # (n_windows, 2)
    colouring: Colouring
    picked: Ints  # ids; empty: nobody fades
    frame: Frame
    way: Sequence[Ints] = ()  # ids in order of time, of each series, to be joined by a line
    size: int = 80  # of a point, square pixels


def waveform_map(drawn: Map, height: int, tooltips: Mapping[str, Any]) -> Chart:
    """The map of the waveforms: a point a window, one unit as long across as up.

    Coordinates have no meaning of their own, so there are no axes. Drag draws a box, a tap picks a point.
    """
    frame = _points(drawn).assign(**{f"tip{i}": values for i, values in enumerate(tooltips.values())})
    x, y = _axes(drawn.frame)
    encoding = {
        "x": x,
        "y": y,
        "opacity": alt.condition("datum.picked", alt.value(0.85), alt.value(0.12)),
        "tooltip": [alt.Tooltip(f"tip{i}:N", title=told(title)) for i, title in enumerate(tooltips)],
        **_colour(drawn.colouring),
    }
    points = alt.Chart(frame).mark_point(filled=True, size=drawn.size, strokeWidth=0, clip=True)
    gestures = alt.selection_interval(name=BOX), alt.selection_point(name=TAP, fields=["id"])
    points = points.encode(**encoding).add_params(*gestures)
    if not drawn.way:
        return plain(points, height)
    return plain(alt.layer(_line(drawn), points), height)


def crowded_map(drawn: Map, picture: bytes, missing: str, sides: tuple[int, int]) -> Chart:
    """The map of very many points to take along: the points are one picture, and what is said about them stays words.

    Args:
        picture: of the points alone, as PNG, see core/rasters.py.
        missing: what the legend calls the colour of a quantity that is not known.
        sides: of the picture: width, height.
    """
    width, height = sides
    url = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
    image = alt.Chart(alt.InlineData(values=[{}])).mark_image(url=url, width=width, height=height)
    image = image.encode(x=alt.value(width / 2), y=alt.value(height / 2))
    layers = [image, *_legend_of(drawn.colouring, missing), *([_line(drawn)] if drawn.way else [])]
    return plain(alt.layer(*layers), height).properties(width=width)


def crowded_look(n: int) -> tuple[float, float]:
    """Size and opacity of n points: a million must not become one blot, nor a thousand vanish."""
    crowd = max(1, n) / 10_000
    return float(np.clip(5.5 * crowd**-0.22, 2, 8)), float(np.clip(0.7 * crowd**-0.3, 0.2, 0.85))


def _legend_of(colouring: Colouring, missing: str) -> Iterator[Chart]:
    """Points out of sight, one a group or one at either end of a scale: they are there for their legend only."""

    def one(frame: pd.DataFrame) -> Chart:
        points = alt.Chart(frame).mark_point(color=UNKNOWN, filled=True, opacity=1, strokeWidth=0, clip=True)
        return points.encode(x=alt.value(-99), y=alt.value(-99))

    if colouring.groups is not None:
        yield one(pd.DataFrame({"colour": colouring.groups})).encode(**_colour(colouring))
        return
    known = colouring.values[colouring.is_known]
    if len(known):
        ends = np.array([known.min(), known.max()])
        shown = replace(colouring, values=ends)
        yield one(pd.DataFrame({"colour": shown.plotted})).encode(**_colour(shown))
    if len(known) < len(colouring.values):
        legend = alt.Legend(title=None if len(known) else colouring.title, orient="bottom")
        yield one(pd.DataFrame({"colour": [missing]})).encode(shape=alt.Shape("colour:N", legend=legend))


def small_map(drawn: Map, height: int) -> Chart:
    """The same to look at only, without a legend: one of several, or one that is still moving."""
    x, y = _axes(drawn.frame)
    colour = {name: channel.copy() for name, channel in _colour(drawn.colouring).items()}
    for channel in colour.values():
        channel.legend = None
    opacity = alt.condition("datum.picked", alt.value(0.85), alt.value(0.12))
    points = alt.Chart(_points(drawn)).mark_point(filled=True, size=drawn.size, strokeWidth=0, clip=True)
    return plain(points.encode(x=x, y=y, opacity=opacity, **colour), height)


def sheet(maps: Mapping[str, Map], across: int, side: int) -> Chart:
    """Several maps on one sheet, to look at only; what they are coloured by must be the same thing.

    Args:
        maps: by name, in order.
        across: maps beside one another.
        side: of each, pixels.
    """
    frames = []
    for name, drawn in maps.items():
        x, y, half = drawn.frame
        placed = (drawn.xy - [x, y]) / half
        points = {"name": name, "x": placed[:, 0], "y": placed[:, 1], "colour": drawn.colouring.plotted}
        frames.append(pd.DataFrame(points))
    scale = alt.Scale(domain=[-1, 1], nice=False)
    places = {"x": alt.X("x:Q", scale=scale, axis=None), "y": alt.Y("y:Q", scale=scale, axis=None)}
    first = next(iter(maps.values()))
    dots = alt.Chart(pd.concat(frames)).mark_point(filled=True, size=first.size, strokeWidth=0, opacity=0.85, clip=True)
    drawn = dots.encode(**places, **_colour(first.colouring)).properties(width=side, height=side)
    header = alt.Header(title=None, labelFontSize=14)
    return plain(drawn.facet(alt.Facet("name:N", sort=list(maps), header=header, title=None), columns=across))


def morph(before: Map, after: Floats, words: str, height: int) -> Chart:
    """A map that a slider turns into another one of the same windows: every point goes its way in a straight line.

    Args:
        after: (n, 2) where each point goes.
        words: beside the slider.
    """
    x, y = _axes(before.frame)
    share = alt.param(name="share", value=0, bind=alt.binding_range(min=0, max=1, step=0.02, name=words))
    colour = _colour(before.colouring)
    frame = _points(before).rename(columns={"x": "x0", "y": "y0"}).assign(x1=after[:, 0], y1=after[:, 1])
    points = alt.Chart(frame).mark_point(filled=True, size=before.size, strokeWidth=0, opacity=0.85, clip=True)
    moved = {axis: f"datum.{axis}0 + share * (datum.{axis}1 - datum.{axis}0)" for axis in "xy"}
    return plain(points.transform_calculate(**moved).encode(x=x, y=y, **colour).add_params(share), height)


def laid_over(groups: Mapping[str, Floats], height: int) -> Chart:
    """New points over those of a map, to look at only: the first group is faint, the next have colours and shapes.

    Args:
        groups: (n, 2) coordinates each, all on the same map, by their name in the legend.
    """
    xy, names = np.concatenate(list(groups.values())), list(groups)
    x, y = _axes(frame_of(xy))
    legend = alt.Legend(title=None, orient="bottom", labelLimit=320)
    colours, shapes = [FAINT, *CUD][: len(names)], list(SHAPES[: len(names)])
    frame = pd.DataFrame(
        {"x": xy[:, 0], "y": xy[:, 1], "group": np.repeat(names, [len(one) for one in groups.values()])}
    )
    points = (
        alt.Chart(frame)
        .mark_point(filled=True, size=60, strokeWidth=0, opacity=0.7, clip=True)
        .encode(
            x=x,
            y=y,
            color=alt.Color("group:N", scale=alt.Scale(domain=names, range=colours), legend=legend),
            shape=alt.Shape("group:N", scale=alt.Scale(domain=names, range=shapes), legend=legend),
        )
    )
    return plain(points, height)


def _line(drawn: Map) -> Chart:
    """From each point to the next in order of time."""
    x, y = _axes(drawn.frame)
    pieces = [
        pd.DataFrame({"x": drawn.xy[ids, 0], "y": drawn.xy[ids, 1], "at": ids, "one": i})
        for i, ids in enumerate(drawn.way)
    ]
    line = alt.Chart(pd.concat(pieces)).mark_line(color=FAINT, strokeWidth=1, opacity=0.5, clip=True)
    return line.encode(x=x, y=y, order="at:Q", detail="one:N")


def _points(drawn: Map) -> pd.DataFrame:
    ids = np.arange(len(drawn.xy))
    picked = np.isin(ids, drawn.picked) if len(drawn.picked) else True
    x, y = drawn.xy.T
    return pd.DataFrame({"id": ids, "x": x, "y": y, "colour": drawn.colouring.plotted, "picked": picked})


def _axes(frame: Frame) -> tuple[alt.X, alt.Y]:
    x, y, half = frame
    return (
        alt.X("x:Q", scale=_square(x, half, "width / height"), axis=None),
        alt.Y("y:Q", scale=_square(y, half, "height / width"), axis=None),
    )


def _square(middle: float, half: float, aspect: str) -> alt.Scale:
    """A scale on which a unit is as long as on the other axis, whatever room the browser gives the chart."""
    ends = (alt.ExprRef(f"{middle} {sign} {half} * max(1, {aspect})") for sign in "-+")
    low, high = ends
    return alt.Scale(domainMin=low, domainMax=high, nice=False, zero=False)


def _colour(colouring: Colouring) -> dict[str, Any]:
    legend = alt.Legend(title=titled(colouring.title), orient="bottom", columns=4, labelLimit=160)
    groups = colouring.groups
    if groups is not None:
        colours, shapes = colouring.looks()
        return {
            "color": alt.Color("colour:N", scale=alt.Scale(domain=groups, range=colours), legend=legend),
            "shape": alt.Shape("colour:N", scale=alt.Scale(domain=groups, range=shapes), legend=legend),
        }
    legend = alt.Legend(title=titled(colouring.title), orient="bottom", gradientLength=260)
    if colouring.values.dtype.kind == "M" and colouring.is_known.any():
        at = colouring.plotted[colouring.is_known]
        legend.values = np.linspace(at.min(), at.max(), 3).tolist()
        legend.labelExpr = f"utcFormat(datum.value, '{time_format(colouring.values[colouring.is_known])}')"
    return {"color": alt.Color("colour:Q", scale=alt.Scale(scheme="viridis"), legend=legend)}
