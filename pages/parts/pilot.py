"""Which pilot a screen is about: the address says it, so a reload, a bookmark and a second window agree."""

from urllib.parse import SplitResult, urlsplit

import streamlit as st

from feedback_db import pilots
from feedback_db.pilots import Card, Pilot
from pages.entrance import hosts, team
from pages.parts import who
from pages.parts.text import _, language
from pages.parts.work import database


def current() -> Pilot:
    """The pilot of this address; a screen that has none stops here and offers the next step."""
    found = _found()
    if found is None:
        st.info(_("Choose a pilot first, or start a new one. It takes a minute."), icon=":material/flag:")
        st.page_link("home.py", label=_("Go to the pilots"), icon=":material/arrow_forward:")
        st.stop()
    st.query_params["pilot"] = found.pilot.id
    st.session_state["pilot"] = found.pilot.id
    return found.pilot


def choose(pilot_id: str, screen: str) -> None:
    """Go on with a pilot."""
    st.session_state["pilot"] = pilot_id
    st.switch_page(screen, query_params={"pilot": pilot_id, "lang": language()})


def address() -> dict[str, str]:
    """What an address of this pilot's screens carries; empty while there is no pilot."""
    found = _found()
    if found is None:
        return {}
    used = st.session_state.get(f"recipe-{found.pilot.id}")
    return {"pilot": found.pilot.id, "lang": language()} | ({"recipe": used} if used else {})


def steps_done() -> set[str]:
    """Which of the five steps this pilot has behind it."""
    found = _found()
    if found is None:
        return set()
    counted = {
        "data": found.n_datasets,
        "maps": found.n_views,
        "study": found.n_studies,
        "evidence": found.n_ratings,
        "improve": found.pilot.round - 1,
    }
    return {step for step, n in counted.items() if n}


def _found() -> Card | None:
    asked = st.query_params.get("pilot") or st.session_state.get("pilot")
    if not asked:
        return None
    with database().session(who.here()) as db:
        return pilots.card(db, asked)


def base_address() -> str:
    """Where this app is reached, without a screen: as the reader does, or by others where the reader sits beside it."""
    parts = _address()
    if who.is_team() and parts.hostname in hosts.LOOPBACK:
        return team.addresses()[-1]  # a number rather than a name, which not every tablet finds
    return f"{parts.scheme}://{parts.netloc}"


def is_local() -> bool:
    """Whether nobody but the reader, at the computer that the app runs on, can open it."""
    return not who.is_team() and _address().hostname in hosts.LOOPBACK


def _address() -> SplitResult:
    return urlsplit(st.context.url or "http://localhost:8501/")
