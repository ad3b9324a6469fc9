"""What is picked on a map: its waveforms, its neighbours, and what makes it different."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from core import charts, differences, selections
from core.charts import Overlay
from core.differences import Difference
from core.series import Floats, Ints
from pages.parts import work
from pages.parts.scene import Scene, starts
from pages.parts.text import _, fill, ngettext

MOST_TOLD = 4  # differences
MOST_READ = 400  # picked windows that a shade is made from
N_NEAR = 5
MOST_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Pick:
    """Windows somebody picked, and on which chart: the other chart then forgets its own old gesture."""

    ids: tuple[int, ...] = ()
    by: str = ""
    n: int = 0  # changes of hand, so that the chart that was not touched is drawn afresh

    def taken(self, ids: Ints, by: str) -> "Pick":
        return Pick(tuple(int(i) for i in ids), by, self.n + (self.by != by))


def panel(scene: Scene, pick: Pick, key: str) -> None:
    """The pick's waveforms, in words what is different about them, and its windows as a table."""
    near = None
    if pick.ids:
        near = work.near(scene.spec, np.array(pick.ids), N_NEAR)
    overlay(scene, pick, height=230, near=near)
    if pick.ids:
        _differences(scene, np.array(pick.ids))
    with st.expander(_("As a table"), key=f"table-{key}"):
        st.dataframe(_table(scene, np.array(pick.ids, dtype=int)), hide_index=True, height=240)


def overlay(scene: Scene, pick: Pick, height: int, near: Ints | None = None) -> None:
    """The waveforms of the picked windows, or what to do to see some."""
    if not pick.ids:
        st.info(_("Tap a point, or drag a box on the map, to see its waveforms here."), icon=":material/touch_app:")
        return
    n, ids = len(pick.ids), np.array(pick.ids)
    st.markdown("**" + ngettext("{n} stretch picked", "{n} stretches picked", n).format(n=n) + "**")
    values = scene.windows.values(ids[selections.thin(n, MOST_READ)])
    others = None if near is None else scene.windows.values(near)
    drawn = Overlay(values, _limits(scene), scene.series[0].channels, others)
    chart = charts.curves(drawn, _("sample in the stretch"), height)
    st.altair_chart(chart, theme=None, alt=_("Picked waveforms drawn over each other, and their mean"))
    if near is not None:
        st.caption(_("Orange: their mean, and where 8 of 10 lie. Green, dashed: the nearest that are not picked."))


def _limits(scene: Scene) -> tuple[Floats, Floats]:
    """Of each channel, over all windows: a pick then looks as high as it is."""
    some = scene.windows.values(selections.thin(len(scene.windows), MOST_READ))
    every = some.transpose(0, 2, 1).reshape(-1, some.shape[1])
    return charts.limits(every)


def _differences(scene: Scene, ids: Ints) -> None:
    windows = scene.windows
    if len(ids) == len(windows):
        return
    st.markdown(f"**{_('What makes them different')}**")
    found = differences.differences(work.statistics_of(scene.spec.sources, scene.spec.recipe), ids)
    if not found:
        st.caption(_("Nothing about them differs clearly from the rest."))
    for one in found[:MOST_TOLD]:
        st.markdown(f"- {_told(one)}")


def _told(one: Difference) -> str:
    told = differences.told(one)
    return fill(told.message, told.facts)


def _table(scene: Scene, ids: Ints) -> pd.DataFrame:
    """A row a window: of the pick, or of all."""
    ids = ids if len(ids) else np.arange(len(scene.windows))
    ids = ids[selections.thin(len(ids), MOST_ROWS)]
    windows = scene.windows
    columns = {_("starts"): starts(scene)[ids]}
    if len(scene.series) > 1:
        columns[_("file, line or site")] = np.array(scene.names)[windows.series[ids]]
    if windows.label is not None:
        columns[scene.label] = windows.label[ids]
    if scene.measured is not None:
        columns[_("group")] = scene.measured.groups[ids] + 1
    if scene.view.per_window is not None:
        columns[_("reconstruction error")] = scene.view.per_window[ids].round(3)
    return pd.DataFrame(columns | {"x": scene.view.xy[ids, 0].round(3), "y": scene.view.xy[ids, 1].round(3)})
