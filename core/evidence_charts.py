"""Altair specs of the evidence. Data in, chart out; words come from the caller in the reader's language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt
import pandas as pd

from core.answers import HIGHEST, LOWEST
from core.charts import CUD, FAINT, INK, Chart, plain
from core.evidence import Quadrant

ROOM = 1.25  # of the farthest end of a range from the base
ALIKE = 0.1  # of the base's error: the room where no error differs from it
HEAD = 0.62  # of the way, where an arrow has its head: the points hide its ends
QUIET = "#5b6570"
CORNERS: Mapping[
    Quadrant, tuple[Literal["left", "right"], Literal["top", "bottom"]]
] = {  # which half of the picture, across and up
    "both": ("left", "top"),
    "numbers": ("left", "bottom"),
    "clearer": ("right", "top"),
    "neither": ("right", "bottom"),
}


@dataclass(frozen=True, slots=True)
class Point:
    """One view: its error across, its mean rating up, each with a range or without one."""

    name: str
    loss: float
    loss_range: tuple[float, float] | None
    mean: float
    mean_range: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Words:
    x: str
    y: str
    corners: Mapping[Quadrant, str]


def beside(points: Sequence[Point], base: Point, arrows: Sequence[tuple[Point, Point]], words: Words) -> Chart:
    """Each view as a point, its ranges as a cross, extra training as an arrow, and four quarters about the base.

    The base stands near the middle, so that every quarter has room; ratings run over all that people could say.

    Args:
        arrows: (before, after).
    """
    x_ends = _about(base, points)
    x = alt.Scale(domain=list(x_ends), nice=False, zero=False)
    y = alt.Scale(domain=[LOWEST, HIGHEST], nice=False, zero=False)
    across = alt.X("loss:Q", title=words.x, scale=x, axis=alt.Axis(tickCount=6, grid=False))
    steps = list(range(LOWEST, HIGHEST + 1))
    up = alt.Y("mean:Q", title=words.y, scale=y, axis=alt.Axis(values=steps, format="d", grid=False))
    layers = [*_quarters(base, across, up), *_corners(words.corners)]
    known = alt.Chart(_frame(points))
    upright, level = (known.transform_filter(f"isValid(datum.{end})") for end in ("low", "left"))
    layers.append(upright.mark_rule(color=FAINT, strokeWidth=2.5).encode(across, alt.Y("low:Q"), y2="high:Q"))
    layers.append(level.mark_rule(color=FAINT, strokeWidth=2.5).encode(alt.X("left:Q"), up, x2="right:Q"))
    if arrows:
        layers += _arrows(arrows, across, up, x_ends)
    layers.append(known.mark_point(filled=True, size=160, color=CUD[0], opacity=1).encode(across, up))
    looks: tuple[dict[str, Any], ...] = ({"color": "white", "stroke": "white", "strokeWidth": 4}, {"color": INK})
    for look in looks:  # a halo first: names are read on lines too
        name = known.mark_text(align="left", dx=11, dy=-14, fontSize=15, **look)
        layers.append(name.encode(across, up, text="name:N"))
    return plain(alt.layer(*layers), 400)


def _about(base: Point, points: Sequence[Point]) -> tuple[float, float]:
    """Ends of the axis of errors: the base in the middle, unless that took it below zero."""
    ends = [end for one in points for end in (one.loss, *(one.loss_range or ()))]
    reach = ROOM * max(abs(end - base.loss) for end in ends) or ALIKE * base.loss or ALIKE
    return max(0.0, base.loss - reach), base.loss + reach


def _frame(points: Sequence[Point]) -> pd.DataFrame:
    rows = [
        (one.name, one.loss, *(one.loss_range or (None, None)), one.mean, *(one.mean_range or (None, None)))
        for one in points
    ]
    frame = pd.DataFrame(rows, columns=["name", "loss", "left", "right", "mean", "low", "high"])
    return frame.astype(dict.fromkeys(frame.columns[1:], float))


def _quarters(base: Point, across: alt.X, up: alt.Y) -> list[Chart]:
    """Lines through the base."""
    lines = alt.Chart(pd.DataFrame({"loss": [base.loss], "mean": [base.mean]}))
    dashed = lines.mark_rule(color=FAINT, strokeDash=[4, 4])
    return [dashed.encode(x=across), dashed.encode(y=up)]


def _corners(words: Mapping[Quadrant, str]) -> list[Chart]:
    """What it means to lie there, in the corner."""
    places = {"left": 8, "right": "width", "top": 14, "bottom": "height"}
    layers = []
    for quadrant, (side, end) in CORNERS.items():
        text = alt.Chart(pd.DataFrame({"words": [words[quadrant]]}))
        inwards = -8 if side == "right" else 0
        mark = text.mark_text(align=side, fontSize=13, color=QUIET, dx=inwards, dy=-10 if end == "bottom" else 0)
        layers.append(mark.encode(x=alt.value(places[side]), y=alt.value(places[end]), text="words:N"))
    return layers


def _arrows(
    arrows: Sequence[tuple[Point, Point]], across: alt.X, up: alt.Y, x_ends: tuple[float, float]
) -> list[Chart]:
    """A line each, and a head that points along it whatever the shape of the picture."""
    rows = [(a.loss, a.mean, b.loss, b.mean) for a, b in arrows]
    frame = pd.DataFrame(rows, columns=["loss", "mean", "to_loss", "to_mean"])
    lines = alt.Chart(frame).mark_rule(color=CUD[1], strokeWidth=2.5)
    heads = frame.assign(
        loss=frame["loss"] + HEAD * (frame["to_loss"] - frame["loss"]),
        mean=frame["mean"] + HEAD * (frame["to_mean"] - frame["mean"]),
        right=(frame["to_loss"] - frame["loss"]) / (x_ends[1] - x_ends[0]),
        above=(frame["to_mean"] - frame["mean"]) / (HIGHEST - LOWEST),
    )
    turned = alt.Chart(heads).transform_calculate(
        angle="atan2(datum.right * width, datum.above * height) * 180 / PI"  # clockwise, from pointing up
    )
    angle = alt.Angle("angle:Q", scale=None)
    head = turned.mark_point(shape="triangle", filled=True, size=170, color=CUD[1], opacity=1)
    return [lines.encode(across, up, x2="to_loss:Q", y2="to_mean:Q"), head.encode(across, up, angle=angle)]
