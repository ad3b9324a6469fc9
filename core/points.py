"""A map to take along: a row a stretch, and a picture of it."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from core import map_charts, measures, pictures, views
from core.artifacts import Store
from core.charts import Chart
from core.map_charts import MOST_POINTS, Colouring, Map, crowded_look
from core.report import formula_safe
from core.selections import frame_of
from core.views import ViewSpec

SIDES = (640, 480)  # of a picture: width, height in pixels


def table(view: ViewSpec, store: Store) -> pd.DataFrame:
    """A row a window of a view that is in the store, in its order.

    Returns:
        Columns: x, y, series (its number), start (sample), time (of that, where there is a clock), label where there
        are labels, error (of reconstruction) where the model can reconstruct.
    """
    drawn, windows = views.load(view, store), measures.windows_of(view, store)
    if drawn is None:
        raise FileNotFoundError(f"the view {view.fingerprint()} is not in the store")
    told = {"x": drawn.xy[:, 0], "y": drawn.xy[:, 1], "series": windows.series, "start": windows.start}
    more = {"time": windows.times(), "label": windows.label, "error": drawn.per_window}
    return pd.DataFrame(told | {name: values for name, values in more.items() if values is not None})


def chart(points: pd.DataFrame, by: str = "") -> Chart:
    """A map of them.

    Args:
        by: the column that they are coloured by; "": label where there is one, else time.
    """
    by = by or ("label" if "label" in points else "time")
    values, xy = points[by].to_numpy(), points[["x", "y"]].to_numpy()
    words = values.astype(str)
    colouring = Colouring(by, words if by in ("label", "series") else values)
    drawn = Map(xy, colouring, np.arange(0), frame_of(xy))
    width, height = SIDES
    if len(xy) <= MOST_POINTS:
        return map_charts.waveform_map(drawn, height, {by: words}).properties(width=width)
    from core import rasters  # compiled: nobody else waits for it

    return map_charts.crowded_map(drawn, rasters.png(drawn, crowded_look(len(xy)), SIDES), "–", SIDES)


def save(points: pd.DataFrame, name: str, folder: Path) -> None:
    """As NAME.csv, for spreadsheets too, and as NAME.png."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = re.sub(r"[^\w·.-]+", "-", name)
    safe = points.assign(label=points["label"].map(formula_safe)) if "label" in points else points
    safe.to_csv(folder / f"{stem}.csv", index=False, encoding="utf-8-sig")
    (folder / f"{stem}.png").write_bytes(pictures.drawn(chart(points), "png"))
