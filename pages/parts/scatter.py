"""A map of very many points: drawn by WebGL2 in the browser, picked by lasso, box or tap.

The points go down once, as raw bytes at an address that names their content; so do the values they are coloured by and
a bit a point for those that are picked. What comes back is the gesture alone, and the ids are found here.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray
from streamlit import runtime

from core.charts import VIRIDIS, time_format
from core.lasso import in_polygon
from core.map_charts import Colouring, crowded_look
from core.selections import in_box
from core.series import Ints
from pages.parts.text import _, together

MOST_GROUPS = 255  # that have a name of their own: a group is one byte

HERE = Path(__file__).parent
_component = st.components.v2.component(
    "scatter",
    html=(HERE / "scatter.html").read_text(encoding="utf-8"),
    css=(HERE / "scatter.css").read_text(encoding="utf-8"),
    js="\n".join((HERE / name).read_text(encoding="utf-8") for name in ("scatter_points.js", "scatter.js")),
)


@dataclass(frozen=True, slots=True, eq=False)
class Cloud:
    """What there is to draw, a row a point."""

    xy: NDArray[np.floating]  # (n, 2), finite
    colouring: Colouring
    alt: str  # what somebody who cannot see it should know
    way: Sequence[Ints] = ()  # ids in order of time, of each series, to be joined by a line; some thousand in all
    size: float | None = (
        None  # of a point, CSS pixels across when the whole map is in view; None: by how many there are
    )
    opacity: float | None = None  # 0 to 1; None: by how many there are

    @property
    def look(self) -> tuple[float, float]:
        """Size and opacity."""
        size, opacity = crowded_look(len(self.xy))
        return size if self.size is None else self.size, opacity if self.opacity is None else self.opacity


def scatter(cloud: Cloud, picked: Ints, on_pick: Callable[[Ints], None], key: str, height: int = 380) -> None:
    """Draw it; `on_pick` gets the ids of every new pick, none where somebody taps an empty place.

    Args:
        picked: ids; empty: nobody fades.
        key: without two underscores in a row.
        height: of the picture, in pixels; buttons and legend come on top.
    """
    xy = np.ascontiguousarray(cloud.xy, dtype="<f4")
    if not np.isfinite(xy).all():
        raise ValueError("A point of a map has no place.")
    values, colours = _coloured(cloud.colouring)
    size, opacity = cloud.look
    data = {
        "points": _address(xy, f"{key} points"),
        "values": _address(values, f"{key} values"),
        "picked": _address(_bits(picked, len(xy)), f"{key} picked") if len(picked) else None,
        "way": [ids.tolist() for ids in cloud.way],
        "alt": cloud.alt,
        "title": cloud.colouring.title,
        "size": size,
        "opacity": opacity,
        "height": height,
        "words": _words(),
        **colours,
    }

    def gesture() -> None:
        on_pick(meant(cloud.xy, st.session_state[key].gesture))

    _component(key=key, data=data, on_gesture_change=gesture)


def meant(xy: NDArray[np.floating], gesture: Mapping[str, Any]) -> Ints:
    """Ids of the points that a gesture means; it comes from a browser, so it may be anything."""
    if gesture["kind"] == "tap":
        return np.arange(len(xy))[gesture["id"] : gesture["id"] + 1]
    if gesture["kind"] == "lasso":
        return in_polygon(xy, gesture["points"])
    if gesture["kind"] == "box":
        (x0, y0), __, (x1, y1), __ = gesture["points"]
        return in_box(xy, (x0, x1), (y0, y1))
    return np.arange(0)


def _address(values: NDArray[Any], place: str) -> str:
    """Where the browser finds these bytes. The same bytes are at the same address, so it need not ask twice.

    Streamlit's own name for large files comes from samples of their content, and from the name that they are given:
    hence the name is a hash of them all. They stay as long as a script run of this session names them.
    """
    data = values.tobytes()
    name = hashlib.sha256(data).hexdigest()
    path = runtime.get_instance().media_file_mgr.add(data, "application/octet-stream", place, file_name=name)
    base = str(st.get_option("server.baseUrlPath")).strip("/")
    return f"/{base}{path}" if base else path


def _bits(ids: Ints, n: int) -> NDArray[np.uint8]:
    """A bit a point, lowest first."""
    chosen = np.zeros(n, dtype=bool)
    chosen[ids] = True
    return np.packbits(chosen, bitorder="little")


def _coloured(colouring: Colouring) -> tuple[NDArray[Any], dict[str, Any]]:
    """The value of each point, as the browser gets it, and what it says about them."""
    groups = colouring.groups
    if groups is None:
        return _measured(colouring)
    ordered = replace(colouring, order=tuple(groups))
    colours, shapes = ordered.looks()
    codes = np.minimum(ordered.codes(), MOST_GROUPS)
    if len(groups) > MOST_GROUPS:
        groups = [*groups[:MOST_GROUPS], _("others")]
    n = len(groups)
    return codes.astype(np.uint8), {"names": groups, "colours": colours[:n], "shapes": shapes[:n]}


def _measured(colouring: Colouring) -> tuple[NDArray[Any], dict[str, Any]]:
    """Quantities as they are; times as seconds since the first."""
    ends, since, values = ["", ""], None, colouring.values
    known = values[colouring.is_known]
    if len(known) and values.dtype.kind == "M":
        first, form = known.min(), time_format(known)
        ends = [pd.Timestamp(edge).strftime(form) for edge in (first, known.max())]
        since = int(first.astype("datetime64[ms]").astype(np.int64))
        values, known = ((some - first) / np.timedelta64(1, "s") for some in (values, known))
    elif len(known):
        ends = [f"{edge:.4g}" for edge in (known.min(), known.max())]
    told = np.where(np.isfinite(values), values, np.nan).astype("<f4")
    low, high = (float(np.float32(edge)) for edge in (known.min(), known.max())) if len(known) else (0.0, 0.0)
    facts = {"low": low, "high": high, "ends": ends, "since": since, "gaps": len(known) < len(values)}
    return told, {"names": None, "colours": VIRIDIS, **facts}


def _words() -> dict[str, str]:
    tap = _("Tap a point to pick only it, an empty place to pick none.")
    return {
        "move": _("Move"),
        "box": _("Box"),
        "lasso": _("Lasso"),
        "in": _("Zoom in"),
        "out": _("Zoom out"),
        "fit": _("Zoom into the pick"),
        "back": _("Zoom back"),
        "forward": _("Zoom again"),
        "whole": _("Whole map"),
        "save": _("Save what is in view (PNG)"),
        "hint_move": together(_("Drag to move the map; zoom with two fingers, or with the wheel after a click."), tap),
        "hint_box": together(_("Drag a box over points to pick them."), tap),
        "hint_lasso": together(_("Draw a line around points to pick them."), tap),
        "keys": _(
            "Arrow keys move the map, + and - zoom, 0 shows all of it, Enter picks what is in view, Escape picks none."
        ),
        "drawing": _("Drawing …"),
        "failed": _("The points did not arrive. Reload the page."),
        "density": _(
            "This browser cannot draw points one by one (no WebGL 2), so the map shows how dense they are, without "
            "their colours. You can pick as usual."
        ),
        "point": _("Stretch {id}"),
        "missing": _("not known"),
        "file": _("map") + ".png",
    }
