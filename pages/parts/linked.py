"""The linked view: pick points and see their waveforms, pick a stretch and see its points."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core import charts, selections
from core.charts import BOX, STRETCH, TAP, Colouring
from core.recipes import Windows
from core.series import Ints, Series
from core.views import View, ViewSpec
from pages.parts.text import _, ngettext
from pages.parts.work import ready_series, windows_of

MOST_WINDOWS = 10_000  # what an Altair chart draws without stalling
MAP, LINE = "map", "line"


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What a linked view shows."""

    view: View
    windows: Windows
    series: list[Series]  # on the windows' time axis, in the units of the file
    names: list[str]  # of the series, for people
    label: str  # what the file calls its label column


@dataclass(frozen=True, slots=True)
class Pick:
    """Windows somebody picked, and on which chart: the other chart then forgets its own old gesture."""

    ids: tuple[int, ...] = ()
    by: str = ""
    n: int = 0  # changes of hand, so that the chart that was not touched is drawn afresh

    def taken(self, ids: Ints, by: str) -> "Pick":
        return Pick(tuple(int(i) for i in ids), by, self.n + (self.by != by))


def scene_of(spec: ViewSpec, view: View, names: list[str]) -> Scene:
    label = spec.sources[0].reading.label or _("label")
    series = list(ready_series(spec.sources, spec.recipe.in_units()))
    return Scene(view, windows_of(spec.sources, spec.recipe), series, names, label)


def explore(scene: Scene, key: str) -> None:
    """The map, the waveforms of what is picked beside it, and the series below."""
    pick = _pick(key)
    middle, right = st.columns([5, 4], gap="medium")
    with right:
        first, second = st.columns(2)
        with first:
            channel = _channel_choice(scene, key)
        with second:
            colouring = _colour_choice(scene, channel, key)
        overlay(scene, pick, height=260)
    with middle:
        waveform_map(scene, colouring, pick, key, height=350)
    _series(scene, channel, pick, key)


def glance(scene: Scene, key: str) -> None:
    """The map and the waveforms of what is tapped, with nothing to set: the same for every rater."""
    pick = _pick(key)
    left, right = st.columns(2, gap="medium", wrap=False)
    with left:
        waveform_map(scene, _coloured(scene, "label" if scene.windows.label is not None else "time", 0), pick, key, 320)
    with right:
        overlay(scene, pick, height=262)


def _pick(key: str) -> Pick:
    return st.session_state.setdefault(f"pick-{key}", Pick())


def _channel_choice(scene: Scene, key: str) -> int:
    names = scene.series[0].channels
    if len(names) == 1:
        return 0
    return st.selectbox(_("Channel"), range(len(names)), format_func=names.__getitem__, key=f"channel-{key}")


def _colour_choice(scene: Scene, channel: int, key: str) -> Colouring:
    names = {"time": _("time"), "channel": _("value of the channel")}
    if scene.windows.label is not None:
        names = {"label": scene.label} | names
    if len(scene.series) > 1:
        names["series"] = _("file, line or site")
    code = st.selectbox(_("Colour by"), list(names), format_func=names.__getitem__, key=f"colour-{key}")
    return _coloured(scene, code, channel)


def _coloured(scene: Scene, code: str, channel: int) -> Colouring:
    if code == "label" and scene.windows.label is not None:
        return Colouring(scene.label, scene.windows.label)
    if code == "channel":
        return Colouring(scene.series[0].channels[channel], _means(scene, channel))
    if code == "series":
        return Colouring(_("file, line or site"), np.array([scene.names[i] for i in scene.windows.series]))
    return Colouring(_("time"), _starts(scene))


def _starts(scene: Scene) -> NDArray[Any]:
    """When each window starts; its sample number where a series has no clock."""
    windows = scene.windows
    if any(one.time is None for one in scene.series):
        return windows.start.astype(float)
    return np.array([scene.series[i].time[at] for i, at in zip(windows.series, windows.start, strict=True)])


def _means(scene: Scene, channel: int) -> NDArray[Any]:
    """Mean of one channel in each window, in the units of the file; NaN where it has no value at all."""
    windows, length = scene.windows, scene.windows.values.shape[2]
    pieces = (
        scene.series[i].values[at : at + length, channel] for i, at in zip(windows.series, windows.start, strict=True)
    )
    return np.array([np.nanmean(p) if np.isfinite(p).any() else np.nan for p in pieces])


def waveform_map(scene: Scene, colouring: Colouring, pick: Pick, key: str, height: int) -> None:
    chart_key = f"{MAP}-{key}-{pick.n if pick.by == LINE else 0}"
    xy = scene.view.xy

    def gesture() -> None:
        made = st.session_state[chart_key].selection
        box, tapped = made.get(BOX) or {}, made.get(TAP) or []
        found = selections.in_box(xy, box["x"], box["y"]) if box else np.array([t["id"] for t in tapped], dtype=int)
        st.session_state[f"pick-{key}"] = pick.taken(found, MAP)

    tips = {_("starts"): [str(at)[:19].replace("T", " ").replace("-", "/") for at in _starts(scene)]}
    if scene.windows.label is not None:
        tips[scene.label] = scene.windows.label
    chart = charts.waveform_map(xy, colouring, np.array(pick.ids, dtype=int), height, tips)
    st.altair_chart(chart, key=chart_key, on_select=gesture, theme=None, alt=_("Map of the waveforms"))


def overlay(scene: Scene, pick: Pick, height: int) -> None:
    """The waveforms of the picked windows, or what to do to see some."""
    if not pick.ids:
        st.info(_("Tap a point, or drag a box on the map, to see its waveforms here."), icon=":material/touch_app:")
        return
    n = len(pick.ids)
    st.markdown("**" + ngettext("{n} stretch picked", "{n} stretches picked", n).format(n=n) + "**")
    names, title = scene.series[0].channels, _("sample in the stretch")
    chart = charts.curves(scene.windows.values, np.array(pick.ids), names, title, height)
    st.altair_chart(chart, theme=None, alt=_("Picked waveforms drawn over each other, and their mean"))


def _series(scene: Scene, channel: int, pick: Pick, key: str) -> None:
    which = _series_choice(scene, key)
    one = scene.series[which]
    at = one.time if one.time is not None else np.arange(len(one.values))
    chart_key = f"{LINE}-{key}-{which}-{pick.n if pick.by == MAP else 0}"

    def gesture() -> None:
        stretch = (st.session_state[chart_key].selection.get(STRETCH) or {}).get("at")
        found = np.array([], dtype=int)
        if stretch:
            first, last = (_sample(one, edge) for edge in stretch)
            found = selections.in_stretch(scene.windows, which, first, last)
        st.session_state[f"pick-{key}"] = pick.taken(found, LINE)

    spans = selections.spans(scene.windows, which, pick.ids)
    title = _("time") if one.time is not None else _("sample number")
    filled = None if one.filled is None else np.flatnonzero(one.filled[:, channel])
    chart = charts.series_line(at, one.values[:, channel], one.channels[channel], spans, 150, title, filled)
    alt = _("The series, with the picked stretches shaded")
    st.altair_chart(chart, key=chart_key, on_select=gesture, theme=None, alt=alt)
    st.caption(_("Drag across the curve to pick a stretch; its points light up on the map."))


def _series_choice(scene: Scene, key: str) -> int:
    """Which series is drawn below the map."""
    if len(scene.series) == 1:
        return 0
    names = scene.names
    return st.selectbox(_("Series"), range(len(names)), format_func=names.__getitem__, key=f"which-{key}")


def _sample(one: Series, edge: float) -> float:
    """The browser's edge of a gesture (milliseconds, or a sample number) as a sample number."""
    if one.time is None:
        return edge
    return float(np.searchsorted(one.time, np.datetime64(int(edge), "ms")))
