"""What people say: which map is clearer, what made the difference, and can the answers be trusted?"""

from collections.abc import Sequence

import streamlit as st

from feedback_db import ratings, studies, views
from feedback_db.studies import Study
from feedback_db.views import View
from pages.parts import causes, export, pilot, reading, voices, who
from pages.parts.guard import guard
from pages.parts.reading import Heard
from pages.parts.text import _, moment_of, ngettext
from pages.parts.work import database, leads

STUDY = "study"  # in the address


def nothing_yet(words: str) -> None:
    """Say so, and offer the next step."""
    st.info(words, icon=":material/groups:")
    if leads():
        st.page_link("study.py", label=_("Ask people"), icon=":material/arrow_back:", query_params=pilot.address())
    st.stop()


def chosen(asked: Sequence[Study]) -> Study:
    """The study of the address, else the newest; there is a choice only where there are several."""
    by_id = {one.id: one for one in asked}
    numbers = {one.id: len(asked) - i for i, one in enumerate(asked)}
    wanted = st.query_params.get(STUDY, "")
    id_ = wanted if wanted in by_id else asked[0].id
    if len(asked) > 1:

        def called(one: str) -> str:
            return _("Study {n}, opened {time}").format(n=numbers[one], time=moment_of(by_id[one].opened_at))

        id_ = st.selectbox(
            _("Study"), list(by_id), index=list(by_id).index(id_), format_func=called, key="study", width=420
        )
    st.query_params[STUDY] = id_
    return by_id[id_]


def those_who_count(everybody: Heard) -> Heard:
    """Everybody, or all but those whose answers show that they did not look."""
    doubtful = voices.left_out(everybody.answers)
    if not doubtful:
        return everybody
    label = ngettext(
        "Leave out {n} person who failed the check question or found noise readable",
        "Leave out {n} people who failed the check question or found noise readable",
        len(doubtful),
    ).format(n=len(doubtful))
    return everybody.without(doubtful) if st.toggle(label, key="careful") else everybody


def downloads(pilot_id: str, kept: Sequence[View]) -> None:
    st.markdown(f"#### {_('Take along')}")
    with st.container(horizontal=True):
        st.download_button(
            _("All answers (CSV)"),
            export.answers(pilot_id, kept),
            "answers.csv",
            "text/csv",
            type="primary",
            icon=":material/download:",
        )
        st.download_button(
            _("What the columns mean (CSV)"), export.codebook(), "codebook.csv", "text/csv", icon=":material/menu_book:"
        )
    st.caption(_("Every answer of all studies of this pilot, a row each, without names."))


with guard():
    current = pilot.current()
    st.title(_("What people say"), anchor=False)
    st.markdown(_("Which map people find clear, whether that is more than chance, and how far to trust it."))
    with database().session(who.here()) as db:
        kept = views.of_pilot(db, current.id)
        asked = studies.of_pilot(db, current.id)
    if not asked:
        nothing_yet(_("Nobody has been asked yet. Open a study first."))
    study = chosen(asked)
    with database().session(who.here()) as db:
        stored = ratings.of_study(db, study.id)
    if not stored:
        nothing_yet(_("Nobody has answered yet. What people say appears here with the first answer."))
    by_id = {one.id: one for one in kept}
    everybody = reading.heard(stored, [by_id[id_] for id_ in study.view_ids])
    top = st.container()
    heard = those_who_count(everybody)
    with top:
        st.markdown(f"#### {reading.sentence(heard.answers)}")
        answered = ngettext("{n} answer", "{n} answers", len(heard.answers)).format(n=len(heard.answers))
        st.caption(" · ".join([reading.people(heard.n_people), answered]))
    reading.maps(heard.answers)
    reading.with_and_without(heard.answers)
    causes.mattered(heard)
    causes.pairs(heard.answers)
    causes.aligned(heard)
    voices.trust(heard, everybody)
    voices.reasons(heard)
    voices.comments(heard)
    voices.previs(heard)
    downloads(current.id, kept)
