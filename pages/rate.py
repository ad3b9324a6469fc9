"""Rate: how understandable is this? One thing at a time; nothing here names a model, a method or a loss."""

from functools import partial
from typing import NoReturn

import streamlit as st

from core.errors import UserError
from core.studies import Design, order
from feedback_db import raters, studies
from feedback_db.raters import Invitation, Refused
from feedback_db.studies import Study
from pages.parts import asking, rating, who
from pages.parts.guard import guard
from pages.parts.invitations import WHY
from pages.parts.text import _, plain
from pages.parts.work import database

# A screen fits a tablet without scrolling. And without a network Streamlit would put a dialog over everything, in
# English; here people go on answering.
STYLE = ".stMainBlockContainer { padding: .5rem 2.5vw 0 } .stDialog, .stStatusWidget { display: none }"


def greet(study: Study, invitation: Invitation) -> None:
    """Before anything else: what this is, and a name of one's own choice where nobody has given one."""
    st.title(_("How understandable are these maps?"), anchor=False)
    st.markdown(
        _(
            "You will see maps of sensor waveforms. **One point is one short stretch of the waveform**, and stretches "
            "that look alike lie close together. Tap a point, and its waveform is drawn beside the map."
        )
    )
    minutes = study.design["minutes"]
    st.markdown(
        _("We test the maps, not you. It takes about {n} minutes; you can stop and go on later.").format(n=minutes)
    )
    name = ""
    if invitation.is_shared:
        name = st.text_input(_("Nickname or badge number (may stay empty)"), max_chars=40)
    else:
        st.markdown(_("This invitation is for **{name}**.").format(name=plain(invitation.name)))
    if st.button(_("Begin"), type="primary", key="rate_start", width="stretch"):
        begin(study, invitation, name.strip())


def begin(study: Study, invitation: Invitation, name: str) -> NoReturn:
    """Take a seat; its address is this person's own from here on."""
    with database().session(who.here()) as db:
        items = asking.core_items(studies.items(db, study.id))
        design = Design.from_json(study.design["design"])
        token = st.session_state.setdefault(f"seat-{invitation.id}", raters.new_token())
        asked_in = partial(order, design, study.view_ids, items, seed=study.seed)
        rater = raters.begin(db, invitation, name, token, asked_in)
    del st.query_params["invite"]
    st.query_params["seat"] = rater.token
    del st.session_state[f"seat-{invitation.id}"]
    st.rerun()


def answer(token: str) -> None:
    with database().reading(who.here()) as db:
        study, rater = raters.admitted(db, token)
        shared = raters.shared(db, rater)
    st.html(f"<style>{STYLE}</style>")
    is_done = rating.screen(asking.questionnaire(study, rater), key=f"rating-{rater.id}")
    if is_done and shared and st.button(_("Next person"), type="primary", key="rate_start"):
        hand_over(shared.token)


def hand_over(invitation_token: str) -> NoReturn:
    """The tablet goes to the next person."""
    del st.query_params["seat"]
    st.query_params["invite"] = invitation_token
    st.rerun()


with guard():
    try:
        if token := st.query_params.get("seat", ""):
            answer(token)
        else:
            with database().reading(who.here()) as db:
                study, invitation = raters.invited(db, st.query_params.get("invite", ""))
            greet(study, invitation)
    except Refused as no:
        raise UserError(*WHY[no.why]) from no
