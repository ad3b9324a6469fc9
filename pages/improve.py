"""Improve: what do I change, and start the next round."""

import streamlit as st

from feedback_db import pilots, ratings, views
from pages.parts import pilot, who
from pages.parts.guard import guard
from pages.parts.summary import sentence, sum_up
from pages.parts.text import _
from pages.parts.work import database

with guard():
    current = pilot.current()
    st.title(_("What do I change next?"), anchor=False)
    st.markdown(
        _("You are in round {n}. Change one thing, so that you know what made the difference, and ask again.").format(
            n=current.round
        )
    )
    with database().session(who.here()) as db:
        kept = views.of_pilot(db, current.id)
        given = ratings.of_pilot(db, current.id)
    if not given:
        st.info(
            _("Nobody has rated a map yet. Ask people first, then you know what to improve."),
            icon=":material/campaign:",
        )
        st.page_link("study.py", label=_("Ask people"), icon=":material/arrow_back:", query_params=pilot.address())
        st.stop()
    st.markdown(f"#### {sentence(sum_up(kept, given))}")
    st.markdown(_("Things that can be changed:"))
    st.markdown(
        "\n".join(
            f"- {words}"
            for words in (
                _("**Preparation**: a longer or shorter stretch, another scale."),
                _("**Model**: the compact model, statistics, MOMENT; with or without level and size; trained further."),
                _("**Way of drawing**: PCA, t-SNE, UMAP or PaCMAP."),
            )
        )
    )
    st.page_link(
        "tune.py", label=_("Train the model further"), icon=":material/model_training:", query_params=pilot.address()
    )
    if st.button(_("Start round {n}").format(n=current.round + 1), type="primary", icon=":material/restart_alt:"):
        with database().session(who.here()) as db:
            pilots.next_round(db, current.id, after=current.round)
        st.switch_page("maps.py", query_params=pilot.address())
