"""The linked view: pick points and see their waveforms, pick a stretch and see its points."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st

from core import charts, map_charts, selections
from core.charts import STRETCH, Line
from core.map_charts import BOX, MOST_POINTS, TAP, Colouring, Map
from core.selections import Zoom
from core.series import Ints, Series
from pages.parts import picked, save
from pages.parts.picked import Pick
from pages.parts.scatter import Cloud, scatter
from pages.parts.scene import Scene, channel_choice, colour_choice, starts
from pages.parts.text import _

MAP, LINE = "map", "line"
SIDES = 900, 700  # of a map that is taken along: width, height
WHOLE = Zoom()
MOST_WINDOWS = 1_000_000  # the most that was tried, by `bench view`
MOST_ON_THE_WAY = 2000  # windows of a series that are joined in order of time: a denser line is a tangle


@dataclass(frozen=True, slots=True)
class Shown:
    """What is set on a linked view."""

    colouring: Colouring
    pick: Pick
    zoom: Zoom = WHOLE
    is_joined: bool = False  # points, in order of time


def explore(scene: Scene, key: str) -> None:
    """The map, the series below it, and beside them the waveforms of what is picked."""
    middle, right = st.columns([5, 4], gap="medium")
    with right:
        first, second = st.columns(2)
        with first:
            channel = channel_choice(scene, key)
        with second:
            colouring = colour_choice(scene, channel, key)
        pick = pick_of(key)
        picked.panel(scene, pick, key)
    with middle:
        chart = st.container()
        shown = _tools(scene, colouring, pick, key)
        with chart:
            draw(scene, shown, key, height=320)
            _series(scene, channel, shown, key)


def pick_of(key: str) -> Pick:
    return st.session_state.setdefault(f"pick-{key}", Pick())


def _zoom(key: str) -> Zoom:
    return st.session_state.setdefault(f"zoom-{key}", Zoom())


def _tools(scene: Scene, colouring: Colouring, pick: Pick, key: str) -> Shown:
    """Into the pick and back out, the order of time, and the map to take along."""
    with st.container(horizontal=True, gap="small", key=f"tools-{key}"):
        zoom = _zoom(key)
        if len(scene.view.xy) <= MOST_POINTS:  # a larger map has tools of its own
            _zoom_tools(scene, zoom, pick, key)
        is_joined = st.toggle(_("Join in order of time"), key=f"joined-{key}")
        st.space("stretch")
        shown = Shown(colouring, pick, zoom, is_joined)
        save.menu(_taken_along(scene, shown), key)
    return shown


def _zoom_tools(scene: Scene, zoom: Zoom, pick: Pick, key: str) -> None:
    def change(to: Zoom) -> None:
        st.session_state[f"zoom-{key}"] = to

    inside = zoom.into(scene.view.xy[list(pick.ids)]) if pick.ids else zoom
    tools = (
        (":material/zoom_in:", _("Zoom into the pick"), inside, bool(pick.ids)),
        (":material/undo:", _("Zoom back"), zoom.back(), zoom.at > 0),
        (":material/redo:", _("Zoom again"), zoom.forward(), zoom.at < len(zoom.frames)),
        (":material/zoom_out_map:", _("Whole map"), Zoom(zoom.frames), zoom.at > 0),
    )
    for icon, words, to, possible in tools:
        st.button(words, icon=icon, help=words, on_click=change, args=(to,), disabled=not possible, key=f"{icon}-{key}")


def draw(scene: Scene, shown: Shown, key: str, height: int, by: str = MAP) -> None:
    """A map whose points can be picked.

    Args:
        key: of the pick, which several charts may share.
        by: which of them this is.
    """
    pick, xy = shown.pick, scene.view.xy
    way = _way(scene, shown)
    if len(xy) > MOST_POINTS:

        def take(ids: Ints) -> None:
            st.session_state[f"pick-{key}"] = pick.taken(ids, by)

        cloud = Cloud(xy, shown.colouring, _alt(scene, shown), way)
        scatter(cloud, np.array(pick.ids, dtype=int), take, f"{by}-{key}", height)
        return
    chart_key = f"{by}-{key}-{0 if pick.by in ('', by) else pick.n}-{shown.zoom.at}"

    def gesture() -> None:
        made = st.session_state[chart_key].selection
        box, tapped = made.get(BOX) or {}, made.get(TAP) or []
        found = selections.in_box(xy, box["x"], box["y"]) if box else np.array([t["id"] for t in tapped], dtype=int)
        st.session_state[f"pick-{key}"] = pick.taken(found, by)

    tips = {_("starts"): [str(at)[:19].replace("T", " ").replace("-", "/") for at in starts(scene)]}
    if scene.windows.label is not None:
        tips[scene.label] = scene.windows.label
    drawn = Map(xy, shown.colouring, np.array(pick.ids, dtype=int), shown.zoom.shown(xy), way)
    chart = map_charts.waveform_map(drawn, height, tips)
    st.altair_chart(chart, key=chart_key, on_select=gesture, theme=None, alt=_alt(scene, shown))


def _alt(scene: Scene, shown: Shown) -> str:
    """What somebody who cannot see the map should know."""
    n, groups_shown = len(scene.view.xy), shown.colouring.groups
    if groups_shown is None:
        return _("Map of {n} stretches, coloured by {what}").format(n=n, what=shown.colouring.title)
    counts = {one: int((shown.colouring.values == one).sum()) for one in groups_shown}
    told = ", ".join(f"{one}: {count}" for one, count in counts.items())
    return _("Map of {n} stretches, coloured by {what} ({groups})").format(n=n, what=shown.colouring.title, groups=told)


def _way(scene: Scene, shown: Shown) -> list[Ints]:
    """Windows of each series in order of time, where they are joined."""
    if not shown.is_joined:
        return []
    each = (np.flatnonzero(scene.windows.series == i) for i in range(len(scene.series)))
    return [ids[selections.thin(len(ids), MOST_ON_THE_WAY)] for ids in each if len(ids)]


def _taken_along(scene: Scene, shown: Shown) -> Callable[[], charts.Chart]:
    """The map for a file: the whole of it, for how far somebody has zoomed into a large one only the browser knows."""
    missing = _("not known")

    def chart() -> charts.Chart:
        xy, (width, height) = scene.view.xy, SIDES
        ids, way = np.array(shown.pick.ids, dtype=int), _way(scene, shown)
        drawn = Map(xy, shown.colouring, ids, selections.frame_of(xy), way)
        if len(xy) <= MOST_POINTS:
            return map_charts.waveform_map(drawn, height, {}).properties(width=width)
        from core import rasters  # compiled: nobody else waits for it

        picture = rasters.png(drawn, Cloud(xy, shown.colouring, "").look, SIDES)
        return map_charts.crowded_map(drawn, picture, missing, SIDES)

    return chart


def _series(scene: Scene, channel: int, shown: Shown, key: str) -> None:
    which, pick = _series_choice(scene, key), shown.pick
    one = scene.series[which]
    at = one.time if one.time is not None else np.arange(len(one.values))
    chart_key = f"{LINE}-{key}-{which}-{0 if pick.by in ('', LINE) else pick.n}"

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
    line = Line(at, one.values[:, channel], one.channels[channel], title, filled)
    chart = charts.series_line(line, spans, _strip(scene, shown.colouring, which), 150)
    alt = _("The series, with the picked stretches shaded")
    st.altair_chart(chart, key=chart_key, on_select=gesture, theme=None, alt=alt)
    st.caption(_("Drag across the curve to pick a stretch; its points light up on the map."))


def _strip(scene: Scene, colouring: Colouring, which: int) -> list[tuple[int, int, str]]:
    """Where the groups of the map lie in one series, in the colours of the map."""
    if colouring.groups is None:
        return []
    colours, _shapes = colouring.looks()
    look = dict(zip(colouring.groups, colours, strict=True))
    names = [one for one in look if one != colouring.rest]
    numbers = {name: i for i, name in enumerate(names)}
    group = np.array([numbers.get(name, -1) for name in colouring.values.tolist()])
    runs = selections.stretches(scene.windows, which, group)
    return [(first, last, look[names[i]]) for first, last, i in runs]


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
