"""Several maps of the same stretches side by side: one pick for all, the same pose, the same colours."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from core import views
from core.comparison import Comparison, ComparisonSpec
from core.map_charts import Colouring
from core.measures import MeasureSpec
from core.views import ViewSpec
from pages.parts import keeping, linked, numbers, picked, pilot, work
from pages.parts.linked import Shown
from pages.parts.scene import Scene, colour_choice, first_colouring, scene_of
from pages.parts.text import _, fill, plain
from pages.parts.watch import await_result


def show(spec: ComparisonSpec, names: Sequence[str], series: list[str], key: str) -> None:
    """The verdict, the maps, and the waveforms of what is picked on any of them.

    Args:
        names: of the maps.
        series: names of the series.
    """
    found: Comparison = await_result(spec, key, lambda: _so_far(spec, names))
    first, *others = [fill(notice.message, notice.facts) for notice in found.told] or [""]
    if first:
        st.markdown(f"#### {first}")
    for words in others:
        st.markdown(words)
    keeping.keep_all(pilot.current().id, spec.views)
    scenes = [_scene(view, found, i, series) for i, view in enumerate(spec.views)]
    key = f"{key}-{spec.fingerprint()[:12]}"
    left, right = st.columns([5, 2], gap="medium")
    with right:
        colouring = colour_choice(scenes[0], 0, key)
        picked.panel(scenes[0], linked.pick_of(key), key)
    with left:
        _grid(names, scenes, colouring, key)
        st.caption(_("Pick points on one map: they light up on all. The maps are turned so that they lie alike."))


def _grid(names: Sequence[str], scenes: Sequence[Scene], colouring: Colouring, key: str) -> None:
    across = 2 if len(names) in (2, 4) else 3
    for first in range(0, len(names), across):
        for i, column in enumerate(st.columns(across, gap="small")[: len(names) - first], first):
            with column:
                st.markdown(f"**{plain(names[i])}**")
                own = _own(scenes[i], scenes[0], colouring)
                linked.draw(scenes[i], Shown(own, linked.pick_of(key)), key, 300, by=f"map{i}")
                numbers.brief(scenes[i])


def _own(scene: Scene, first: Scene, colouring: Colouring) -> Colouring:
    """The colours of the first map, where this one shows the same stretches; else its own."""
    return colouring if len(scene.windows) == len(first.windows) else first_colouring(scene)


def _scene(view: ViewSpec, found: Comparison, i: int, series: list[str]) -> Scene:
    drawn = views.load(view, work.store())
    if drawn is None:
        raise FileNotFoundError(f"a compared view is gone: {view.fingerprint()}")
    scene = scene_of(view, replace(drawn, xy=found.poses[i]), series, work.made(MeasureSpec(view)))
    return replace(scene, agreed=found.agreed)


def _so_far(spec: ComparisonSpec, names: Sequence[str]) -> None:
    """Which of them are drawn."""
    both = zip(names, spec.views, strict=True)
    drawn = [plain(name) for name, view in both if views.load(view, work.store()) is not None]
    if drawn:
        st.caption(_("Drawn so far: {names}").format(names=", ".join(drawn)))
