"""A map that is still being drawn: the picture so far, and a way to say that it is good enough."""

import numpy as np
import streamlit as st

from core import map_charts, selections, views
from core.map_charts import Colouring, Map
from core.views import View, ViewSpec
from pages.parts import work
from pages.parts.scene import first_colouring, scene_of
from pages.parts.text import _

STOP = "stop"  # in the address: after how many steps somebody found a map good enough
MOST_POINTS = 4000  # of a picture that is drawn anew several times a second


def stopped_after(method: str) -> int:
    """What this address says about it."""
    said, _sep, steps = st.query_params.get(STOP, "").partition("-")
    return int(steps) if said == method and steps.isdigit() else 0


def draw_on() -> None:
    st.query_params.pop(STOP, None)


def show(spec: ViewSpec, names: list[str]) -> None:
    """Called again and again until the map is there."""
    sketch = views.so_far(spec, work.store())
    if sketch is None:
        return
    scene = scene_of(spec, View(sketch.xy, None, {}), names)
    some = selections.thin(len(sketch.xy), MOST_POINTS)
    colours = first_colouring(scene)
    xy = _in_frame(sketch.xy)[some]
    drawn = Map(xy, Colouring(colours.title, colours.values[some], colours.order, colours.rest), np.arange(0), FRAME)
    st.altair_chart(map_charts.small_map(drawn, 420), theme=None, alt=_("The map so far"))
    if not sketch.done:
        st.caption(_("This is the PCA map; the other one starts from it and moves."))
    elif st.button(_("Good enough: keep it as it is now"), icon=":material/done:"):
        settled = views.settle(spec, work.store())
        if settled is not None:
            work.cancel(spec)
            st.query_params[STOP] = f"{spec.projection.method}-{settled.projection.stopped_after}"
        st.rerun()


FRAME = (0.0, 0.0, 1.08)  # the same for every picture, so that only its points move


def _in_frame(xy: views.Floats) -> views.Floats:
    x, y, half = selections.frame_of(xy)
    return (xy - (x, y)) / half
