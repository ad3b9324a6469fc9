"""Ask: whom do I ask what?"""

import secrets
from urllib.parse import urlencode

import streamlit as st

from core.errors import N_, UserError
from core.views import ViewSpec, find
from feedback_db import ratings, studies, views
from feedback_db.views import View
from pages.parts import pilot
from pages.parts.guard import guard
from pages.parts.text import _, moment_of, ngettext, together
from pages.parts.watch import await_view
from pages.parts.work import database, store


def open_form(pilot_id: str, number_of_round: int, kept: list[View]) -> None:
    names = {one.id: _("Map {n}").format(n=one.number) for one in kept}
    chosen = st.multiselect(
        _("Which maps shall people rate?"),
        list(names),
        [one.id for one in kept if one.round == number_of_round] or list(names),
        format_func=names.__getitem__,
        placeholder=_("choose"),
    )
    st.caption(
        _("People see one map at a time, in an order of their own, without the name of the model or the method.")
    )
    if st.button(_("Open the study"), type="primary", icon=":material/campaign:"):
        if not chosen:
            raise UserError(N_("No map is chosen."), N_("Choose at least one map for people to rate."))
        with database().session() as db:
            studies.open_with(db, pilot_id, chosen, seed=secrets.randbelow(2**31))
        st.rerun()


def progress(study: studies.Study) -> None:
    address = pilot.rating_address(study.id)
    with database().session() as db:
        given = [one for one in ratings.of_pilot(db, study.pilot_id) if one.study_id == study.id]
    raters = {one.rater for one in given}
    st.success(
        together(
            _("The study is open since {time}.").format(time=moment_of(study.opened_at)),
            ngettext("It has {n} map.", "It has {n} maps.", len(study.view_ids)).format(n=len(study.view_ids)),
        ),
        icon=":material/campaign:",
    )
    left, right = st.columns(2)
    left.metric(_("People who have answered"), len(raters))
    right.metric(_("Answers"), len(given))
    if pilot.is_local():
        st.caption(_("Only this computer can open the app. Hand it round; the README says how to use tablets."))
    else:
        st.markdown(_("Open this address on the tablet of each person:"))
        st.code(f"{pilot.base_address()}/rate?{urlencode(address)}", language=None, wrap_lines=True)
    if st.button(_("Rate on this screen"), type="primary", icon=":material/touch_app:"):
        st.switch_page("rate.py", query_params=address)
    if st.button(_("Refresh"), icon=":material/refresh:"):
        st.rerun()
    with st.expander(_("End this study")):
        st.caption(_("Answers stay. Nobody can add one any more, and you can open another study."))
        if st.button(_("End the study"), icon=":material/stop_circle:"):
            with database().session() as db:
                studies.close(db, study.id)
            st.rerun()


with guard():
    current = pilot.current()
    st.title(_("Whom do I ask what?"), anchor=False)
    st.markdown(_("Choose the maps, open the study, and hand over a tablet. Each person needs about two minutes."))
    with database().session() as db:
        kept = views.of_pilot(db, current.id)
        open_now = studies.current(db, current.id)
    if not kept:
        st.info(_("No map is kept yet. Look at a map first and press “Keep this map”."), icon=":material/bookmark_add:")
        st.page_link("maps.py", label=_("Go to the maps"), icon=":material/arrow_back:", query_params=pilot.address())
        st.stop()
    if open_now is None:
        open_form(current.id, current.round, kept)
    else:
        for one in kept:  # what was cleared away since is made again before anybody sits down to rate it
            if one.id in open_now.view_ids and find(one.fingerprint, store()) is None:
                await_view(ViewSpec.from_json(one.spec), key="study")
        progress(open_now)
