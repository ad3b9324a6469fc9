"""The linked view: pick points and see their waveforms, pick a stretch and see its points."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core import charts, selections
from core.charts import BOX, STRETCH, TAP, Colouring
from core.recipes import Ints, Windows
from core.tables import Series
from core.views import View, ViewSpec
from pages.parts.text import _, ngettext, plain
from pages.parts.work import series_of, windows_of

MOST_WINDOWS = 10_000  # what an Altair chart draws without stalling
MAP, LINE = "map", "line"


@dataclass(frozen=True, slots=True)
class Pick:
    """Windows somebody picked, and where: the other chart then forgets its own old gesture."""

    ids: tuple[int, ...] = ()
    by: str = ""
    n: int = 0  # changes of hand, so that the chart that was not touched is drawn afresh

    def taken(self, ids: Ints, by: str) -> "Pick":
        return Pick(tuple(int(i) for i in ids), by, self.n + (self.by != by))


def view_and_series(spec: ViewSpec, view: View, key: str) -> Ints:
    """The map, the series below it, and what the pick has in common. Returns the picked windows."""
    series, windows = series_of(spec.sources), windows_of(spec.sources, spec.recipe)
    pick = st.session_state.setdefault(f"pick-{key}", Pick())
    ids = np.array(pick.ids, dtype=np.int64)
    middle, right = st.columns([5, 4], gap="medium")
    with right:
        first, second = st.columns(2)
        with first:
            at = _channel(series, key)
        with second:
            colouring = colour_choice(spec, series, windows, at, key)
    with middle:
        waveform_map(view, windows, series, colouring, ids, pick, key, height=400)
    with right:
        overlay(windows, ids, series[0].channels, height=310)
    _series(series, windows, ids, at, pick, key)
    return ids


def _channel(series: list[Series], key: str) -> int:
    names = series[0].channels
    if len(names) == 1:
        return 0
    chosen = st.selectbox(_("Channel"), range(len(names)), format_func=names.__getitem__, key=f"channel-{key}")
    return int(chosen)


def colour_choice(spec: ViewSpec, series: list[Series], windows: Windows, at: int, key: str) -> Colouring:
    names = {"time": _("time"), "channel": _("value of the channel")}
    if windows.label is not None:
        names = {"label": label_name(spec)} | names
    if len(series) > 1:
        names["series"] = _("line or site, file")
    code = st.selectbox(_("Colour by"), list(names), format_func=names.__getitem__, key=f"colour-{key}")
    return colouring_of(code, names[code], series, windows, at)


def label_name(spec: ViewSpec) -> str:
    """What the file calls its label column."""
    return spec.sources[0].reading.label or _("label")


def colouring_of(code: str, title: str, series: list[Series], windows: Windows, at: int) -> Colouring:
    if code == "label" and windows.label is not None:
        return Colouring(title, windows.label)
    if code == "channel":
        return Colouring(series[0].channels[at], window_means(series, windows, at))
    if code == "series":
        return Colouring(title, np.array([series[i].domain or str(i + 1) for i in windows.series]))
    return Colouring(title, times(series, windows))


def times(series: list[Series], windows: Windows) -> NDArray[Any]:
    """When each window starts; its sample number where the series has no clock."""
    if any(s.time is None for s in series):
        return windows.start.astype(float)
    return np.array([series[i].time[start] for i, start in zip(windows.series, windows.start, strict=True)])


def window_means(series: list[Series], windows: Windows, at: int) -> NDArray[Any]:
    """Mean of one channel in each window, in the units of the file."""
    length = windows.values.shape[2]
    pieces = [series[i].values[s : s + length, at] for i, s in zip(windows.series, windows.start, strict=True)]
    return np.array([np.nanmean(p) if np.isfinite(p).any() else np.nan for p in pieces])


def waveform_map(
    view: View,
    windows: Windows,
    series: list[Series],
    colouring: Colouring,
    ids: Ints,
    pick: Pick,
    key: str,
    height: int,
) -> None:
    chart_key = f"{MAP}-{key}-{pick.n if pick.by == LINE else 0}"

    def gesture() -> None:
        made = st.session_state[chart_key].selection
        box, tapped = made.get(BOX) or {}, made.get(TAP) or []
        found = (
            selections.in_box(view.xy, box["x"], box["y"]) if box else np.array([t["id"] for t in tapped], dtype=int)
        )
        st.session_state[f"pick-{key}"] = pick.taken(found, MAP)

    tips = {_("starts"): [str(t)[:19].replace("T", " ").replace("-", "/") for t in times(series, windows)]}
    if windows.label is not None:
        tips[_("label")] = windows.label
    chart = charts.waveform_map(view.xy, colouring, ids, height, tips)
    st.altair_chart(chart, key=chart_key, on_select=gesture, theme=None, alt=_("Map of the waveforms"))


def overlay(windows: Windows, ids: Ints, channels: tuple[str, ...], height: int) -> None:
    """The waveforms of the picked windows, or what to do to see some."""
    if not len(ids):
        st.info(_("Tap a point, or drag a box on the map, to see its waveforms here."), icon=":material/touch_app:")
        return
    st.markdown("**" + ngettext("{n} stretch picked", "{n} stretches picked", len(ids)).format(n=len(ids)) + "**")
    chart = charts.curves(windows.values, ids, channels, _("sample in the stretch"), height)
    st.altair_chart(chart, theme=None, alt=_("Picked waveforms drawn over each other, and their mean"))


def _series(series: list[Series], windows: Windows, ids: Ints, at: int, pick: Pick, key: str) -> None:
    which = 0
    if len(series) > 1:
        names = [plain(s.domain or _("series {n}").format(n=i + 1)) for i, s in enumerate(series)]
        which = st.segmented_control(
            _("Series"), range(len(series)), format_func=names.__getitem__, default=0, required=True, key=f"which-{key}"
        )
    one = series[which]
    axis = one.time if one.time is not None else np.arange(len(one.values))
    chart_key = f"{LINE}-{key}-{which}-{pick.n if pick.by == MAP else 0}"

    def gesture() -> None:
        stretch = (st.session_state[chart_key].selection.get(STRETCH) or {}).get("at")
        found = np.array([], dtype=int)
        if stretch:
            first, last = (_sample(one, edge) for edge in stretch)
            found = selections.in_stretch(windows, which, first, last)
        st.session_state[f"pick-{key}"] = pick.taken(found, LINE)

    spans = selections.spans(windows, which, ids.tolist())
    title = _("time") if one.time is not None else _("sample number")
    chart = charts.series_line(axis, one.values[:, at], one.channels[at], spans, 170, title)
    st.altair_chart(
        chart, key=chart_key, on_select=gesture, theme=None, alt=_("The series, with the picked stretches shaded")
    )
    st.caption(_("Drag across the curve to pick a stretch; its points light up on the map."))


def _sample(one: Series, edge: float) -> float:
    """The browser's edge of a gesture (milliseconds, or a sample number) as a sample number."""
    if one.time is None:
        return edge
    return float(np.searchsorted(one.time, np.datetime64(int(edge), "ms")))
