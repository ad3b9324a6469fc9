"""Rate: how understandable is this? One thing at a time; nothing here names a model, a method or a loss."""

import time
import uuid

import streamlit as st

from core.errors import N_, UserError
from core.studies import order
from core.views import ViewSpec, find
from feedback_db import ratings, studies, views
from feedback_db.ratings import Rating
from feedback_db.studies import Study
from feedback_db.views import View
from pages.parts import linked
from pages.parts.guard import guard
from pages.parts.scene import scene_of
from pages.parts.text import _, language, ngettext, together
from pages.parts.work import database, store

CANNOT_TELL = "cannot-tell"
ANCHORS = {
    "1": N_("1 I can make nothing of it"),
    "2": N_("2 I can make out little"),
    "3": N_("3 In between"),
    "4": N_("4 I can make out most of it"),
    "5": N_("5 Clear at a glance"),
}


def greet() -> None:
    """Before the first map: what this is, how to read a map, and a name of one's own choice."""
    st.title(_("How understandable are these maps?"), anchor=False)
    st.markdown(
        _(
            "You will see maps of sensor waveforms. **One point is one short stretch of the waveform**, and stretches "
            "that look alike lie close together. Tap a point, and its waveform is drawn beside the map."
        )
    )
    st.markdown(_("There are no right or wrong answers: we test the maps, not you. It takes about two minutes."))
    name = st.text_input(_("Nickname or badge number (may stay empty)"), max_chars=40)
    if st.button(_("Begin"), type="primary", key="rate_start", width="stretch"):
        st.query_params["rater"] = name.strip() or f"guest-{uuid.uuid4().hex[:8]}"
        st.rerun()


def item(study: Study, one: View, place: int, rater: str) -> None:
    """One map, one question. The submission's number is drawn with the form, so a double tap is one rating."""
    form = st.session_state.setdefault(f"form-{one.id}", {"id": str(uuid.uuid4()), "shown": None})
    st.progress((place - 1) / len(study.view_ids), text=f"{place} / {len(study.view_ids)}")
    if (
        drawn := find(one.fingerprint, store())
    ) is None:  # a rater waits for no calculation, which would tell of a model
        raise UserError(N_("This map cannot be shown just now."), N_("Please tell the person who gave you the tablet."))
    linked.glance(scene_of(ViewSpec.from_json(one.spec), drawn, names=[]), key=f"rate-{one.id}")
    form["shown"] = form["shown"] or time.monotonic()
    st.markdown(f"### {_('How understandable is this view?')}")
    with st.container(key="scores"):
        score = st.segmented_control(
            _("How understandable is this view?"),
            [*ANCHORS, CANNOT_TELL],
            format_func=lambda code: _(ANCHORS[code]) if code in ANCHORS else _("I can't tell"),
            key=f"score-{one.id}",
            width="stretch",
            label_visibility="collapsed",
        )
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    comment = left.text_input(
        _("Comment (may stay empty)"),
        key=f"comment-{one.id}",
        max_chars=500,
        placeholder=_("What did you see, or miss?"),
    )
    if right.button(_("Next"), type="primary", key="rate_next", width="stretch", disabled=score is None):
        seconds = time.monotonic() - form["shown"]
        save(study, one, rater, form["id"], None if score == CANNOT_TELL else int(score), comment, seconds)
        st.rerun()


def save(study: Study, one: View, rater: str, submission: str, score: int | None, comment: str, seconds: float) -> None:
    """One rating, one transaction; the receipt is what was read back."""
    said = Rating(submission, study.id, one.id, rater, score, comment.strip(), seconds, language())
    with database().session() as db:
        saved = ratings.save(db, said)
    del st.session_state[f"form-{one.id}"]
    st.session_state["receipt"] = saved.id[:8]


def thank(n_given: int) -> None:
    st.title(_("Thank you very much!"), anchor=False)
    st.markdown(
        together(
            ngettext("Your answer is saved.", "All {n} answers are saved.", n_given).format(n=n_given),
            _("You can hand the tablet to the next person."),
        )
    )
    if st.button(_("Next person"), type="primary", key="rate_start"):
        del st.query_params["rater"]
        st.rerun()


def study_asked_for() -> Study:
    with database().session() as db:
        found = studies.get(db, st.query_params.get("study", ""))
    if found is None:
        raise UserError(
            N_("This address does not belong to an open study."),
            N_("Ask the person who gave you the tablet for the right address."),
        )
    if found.closed_at is not None:
        raise UserError(N_("This study has ended."), N_("Thank you for wanting to help. Please hand the tablet back."))
    return found


with guard():
    study = study_asked_for()
    rater = st.query_params.get("rater", "")
    if not rater:
        greet()
        st.stop()
    with database().session() as db:
        given = ratings.of_study_by_rater(db, study.id, rater)
        waiting = [views.get(db, i) for i in order(study.view_ids, study.seed, rater) if i not in given]
    if "receipt" in st.session_state:
        number = st.session_state.pop("receipt")
        st.toast(_("Saved (receipt {number}).").format(number=number), icon=":material/check_circle:")
    if waiting:
        item(study, waiting[0], len(given) + 1, rater)
    else:
        thank(len(given))
