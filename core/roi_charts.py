"""The Altair spec of what decides whether a pilot pays. Data in, chart out; words come from the caller."""

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd

from core.charts import CUD, INK, Chart, plain
from core.series import Floats

ROW = 40  # pixels a quantity
ROOM = 90  # pixels beside the bars, for their words


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Row i is quantity i, from the top."""

    names: Sequence[str]
    ends: Floats  # (n, 2) net value where the quantity is lowest and where it is highest
    told: Sequence[tuple[str, str]]  # (n,) the lowest and the highest value of the quantity in words


def tornado(drawn: Bars, middle: float, words: tuple[str, str], title: str) -> Chart:
    """Bars from the net value in the middle to the one at each end; a dashed line at 0, above which it pays.

    Args:
        words: what the two ends are called.
    """
    falls = drawn.ends[:, 1] < drawn.ends[:, 0]
    frame = pd.DataFrame(
        {
            "name": np.repeat(list(drawn.names), 2),
            "end": list(words) * len(drawn.names),
            "net": drawn.ends.ravel(),
            "middle": middle,
            "told": [text for both in drawn.told for text in both],
            "is_right": np.stack([falls, ~falls], axis=1).ravel(),
        }
    ).astype({"net": float, "middle": float})
    scale = alt.Scale(zero=True, nice=False, padding=ROOM)
    x = alt.X(
        "net:Q",
        title=title,
        scale=scale,
        axis=alt.Axis(tickCount=5, format=",~r", labelOverlap="greedy", labelSeparation=8),
    )
    axis = alt.Axis(labelLimit=320, ticks=False, domain=False, labelPadding=8)
    y = alt.Y("name:N", title=None, sort=list(drawn.names), axis=axis)
    legend = alt.Legend(title=None, orient="bottom", direction="horizontal", symbolType="square", labelLimit=320)
    colour = alt.Color("end:N", scale=alt.Scale(domain=list(words), range=[CUD[0], CUD[3]]), legend=legend)
    base = alt.Chart(frame)
    right = base.transform_filter("datum.is_right").mark_text(align="left", dx=6, fontSize=14, color=INK)
    left = base.transform_filter("!datum.is_right").mark_text(align="right", dx=-6, fontSize=14, color=INK)
    zero = alt.Chart(pd.DataFrame({"pays": [0.0]})).mark_rule(color=INK, strokeDash=[4, 4])
    layers = [
        base.mark_bar(height=22).encode(x=x, x2="middle:Q", y=y, color=colour),
        right.encode(x=x, y=y, text="told:N"),
        left.encode(x=x, y=y, text="told:N"),
        zero.encode(x=alt.X("pays:Q", scale=scale)),
    ]
    return plain(alt.layer(*layers), ROW * len(drawn.names) + ROW)
