"""Settings: who can open the app, and how it runs."""

import streamlit as st

from feedback_db import permits
from pages.parts import machine, members, safety, who
from pages.parts.guard import guard
from pages.parts.text import _
from pages.parts.work import database

with guard():
    with database().reading(who.here()) as db:
        permits.leading(db)
    st.title(_("Who, where, how?"), anchor=False)
    st.markdown(_("Who can open the app, and what the computer that runs it is doing. Nothing here changes a pilot."))
    st.markdown(f"#### {_('Who can open the app?')}")
    with guard():
        members.section()
    st.markdown(f"#### {_('What calculates?')}")
    with guard():
        machine.engine()
    st.markdown(f"#### {_('Which models are here?')}")
    with guard():
        machine.models()
    st.markdown(f"#### {_('How much is stored?')}")
    with guard():
        machine.storage()
    st.markdown(f"#### {_('When was the last backup?')}")
    with guard():
        safety.section()
