"""Evidence: go on, improve or stop?"""

import streamlit as st

from feedback_db import ratings
from feedback_db.pilots import Pilot
from pages.parts import beside, deciding, known, money, pilot, placed, register, rounds, taking, who
from pages.parts.guard import guard
from pages.parts.known import Known
from pages.parts.summary import sentence, sum_up
from pages.parts.text import _, moment_of
from pages.parts.work import database, leads


def take_along(current: Pilot, found: Known) -> None:
    """Everything as files, the answers to read, and the way on."""
    if found.answers:
        taking.row(current.id, found)
        st.page_link(
            "results.py",
            label=_("Read what people say"),
            icon=":material/query_stats:",
            query_params=pilot.address(),
        )
    if not leads():
        return
    st.page_link(
        "after.py",
        label=_("New data has come: does the map still fit?"),
        icon=":material/new_releases:",
        query_params=pilot.address(),
    )
    st.page_link(
        "improve.py",
        label=_("Change one thing and ask again"),
        icon=":material/arrow_forward:",
        query_params=pilot.address(),
    )


with guard():
    current = pilot.current()
    st.title(_("Go on, improve or stop?"), anchor=False)
    st.markdown(
        _("The model's error and what people say, side by side. A lower error alone does not make a map clearer.")
    )
    found = known.of_pilot(current.id)
    if not found.views:
        st.info(_("There is no evidence yet: keep a map first, then ask people."), icon=":material/insights:")
        if leads():
            label = _("Go to the maps")
            st.page_link("maps.py", label=label, icon=":material/arrow_back:", query_params=pilot.address())
        st.stop()
    with database().session(who.here()) as db:
        given = ratings.of_pilot(db, current.id)
    headline = sentence(sum_up(list(found.views.values()), given))
    st.markdown(f"#### {headline}")
    if given:
        st.caption(_("Last answer: {time}").format(time=moment_of(max(one.rated_at for one in given))))
    for alert in placed.alerts(current, found):
        st.warning(alert, icon=":material/notification_important:")
    beside.picture(found)
    beside.table(found)
    rounds.history(found, current.round)
    facts = known.facts(found)
    with guard():
        money.section(current, list(found.answers))
    with guard():
        register.section(current, found, facts)
    with guard():
        deciding.section(current, facts)
    take_along(current, found)
