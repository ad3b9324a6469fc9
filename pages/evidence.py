"""Evidence: go on, improve or stop?"""

import pandas as pd
import streamlit as st

from core import charts
from core.evidence import Understandability
from feedback_db import ratings, views
from feedback_db.views import View
from pages.parts import export, pilot
from pages.parts.guard import guard
from pages.parts.summary import sentence, sum_up
from pages.parts.text import _, moment_of
from pages.parts.work import database


def table(summed: list[tuple[View, Understandability]]) -> pd.DataFrame:
    rows = [
        {
            _("map"): _("Map {n}").format(n=one.number),
            _("round"): one.round,
            _("reconstruction error"): f"{one.loss:.3f}" if one.loss is not None else _("none"),
            _("understandability (1–5)"): f"{u.mean:.2f}" if u.mean is not None else "–",
            _("range of uncertainty (95 %)"): f"{u.low:.1f} – {u.high:.1f}"
            if u.low is not None
            else _(u.why_no_range or ""),
            _("people"): u.n_raters,
            _("“I can't tell”"): u.n_cannot_tell,
        }
        for one, u in summed
    ]
    return pd.DataFrame(rows)


def chart(summed: list[tuple[View, Understandability]]) -> None:
    both = [(one, u) for one, u in summed if one.loss is not None and u.mean is not None]
    if not both:
        st.info(
            _("A point appears here once a map has both a reconstruction error and a rating."),
            icon=":material/insights:",
        )
        return
    frame = pd.DataFrame(
        [(_("Map {n}").format(n=one.number), one.loss, u.mean, u.low, u.high) for one, u in both],
        columns=["name", "loss", "mean", "low", "high"],
    )
    st.altair_chart(
        charts.loss_against_understandability(
            frame.astype({"low": float, "high": float}),
            _("← better   reconstruction error   worse →"),
            _("understandability (5 = clear at a glance)"),
            height=360,
        ),
        theme=None,
        alt=_("Reconstruction error against understandability, one point a map"),
    )


with guard():
    current = pilot.current()
    st.title(_("Go on, improve or stop?"), anchor=False)
    st.markdown(
        _("The model's error and what people say, side by side. A lower error alone does not make a map clearer.")
    )
    with database().session() as db:
        kept = views.of_pilot(db, current.id)
        given = ratings.of_pilot(db, current.id)
    if not kept:
        st.info(_("There is no evidence yet: keep a map first, then ask people."), icon=":material/insights:")
        st.page_link("maps.py", label=_("Go to the maps"), icon=":material/arrow_back:", query_params=pilot.address())
        st.stop()
    summed = sum_up(kept, given)
    st.markdown(f"#### {sentence(summed)}")
    chart(summed)
    st.table(table(summed), hide_index=True)
    if given:
        st.caption(_("Last answer: {time}").format(time=moment_of(max(r.rated_at for r in given))))
        st.page_link(
            "results.py",
            label=_("Read what people say"),
            icon=":material/query_stats:",
            query_params=pilot.address(),
        )
        st.download_button(
            _("Download (CSV)"),
            export.answers(current.id, kept),
            "answers.csv",
            "text/csv",
            type="primary",
            icon=":material/download:",
        )
    st.page_link(
        "improve.py",
        label=_("Change one thing and ask again"),
        icon=":material/arrow_forward:",
        query_params=pilot.address(),
    )
