"""Planted truths: a small map for each, coloured by the truth, with how much of it can be read."""

import numpy as np
import streamlit as st

from core import map_charts, probes, selections
from core.map_charts import Colouring, Map
from core.probes import CONTROLS, KINDS, NAMES, Probed, ProbeSpec, Scores
from core.views import ViewSpec
from pages.parts.text import _, fill
from pages.parts.watch import await_result

ACROSS = 4


def show(view: ViewSpec) -> None:
    found: Probed = await_result(ProbeSpec(view), key="probes")
    for notice in probes.told(found):
        names = " · ".join(_(NAMES[kind]) for kind in notice.facts["kinds"])
        st.markdown(fill(notice.message, {"kinds": names}))
    for first in range(0, len(KINDS), ACROSS):
        for column, kind in zip(st.columns(ACROSS, gap="small"), KINDS[first : first + ACROSS], strict=False):
            with column:
                _one(found, kind)
    st.caption(
        _(
            "Each time something was added to your own stretches, by lot: the colour tells how much. "
            "100 % means that all of it can be read, 0 % nothing. By the model: by a straight line through all its "
            "numbers. On the map: by the nearest neighbours. Dealt anew: what chance makes. Without phases: what the "
            "mixture of rhythms alone tells."
        )
    )


def _one(found: Probed, kind: str) -> None:
    xy, truth, score = found.xy[kind], found.truth[kind], found.scores[kind]
    colouring = Colouring(_(NAMES[kind]), _values(kind, truth))
    st.markdown(f"**{_(NAMES[kind])}**")
    drawn = Map(xy, colouring, np.arange(0), selections.frame_of(xy), size=40)
    alt = _("Map of stretches with a planted truth: {name}").format(name=_(NAMES[kind]))
    st.altair_chart(map_charts.small_map(drawn, 190), theme=None, alt=alt)
    st.caption(_told(score))
    if kind in CONTROLS:
        st.caption(_("For comparison: MOMENT brings every stretch to one level and size, so it cannot see this."))


def _values(kind: str, truth: np.ndarray) -> np.ndarray:
    if kind == "regime":
        return np.array([_("sine"), _("square"), _("sawtooth")])[truth.astype(int)]
    if kind == "anomaly":
        return np.array([_("without"), _("with")])[truth.astype(int)]
    return truth


def _told(score: Scores) -> str:
    return _("model {model:.0%} · map {map:.0%} · dealt anew {shuffled:.0%} · without phases {phases:.0%}").format(
        model=max(score.model, 0.0),
        map=max(score.map, 0.0),
        shuffled=max(score.shuffled, 0.0),
        phases=max(score.phases, 0.0),
    )
