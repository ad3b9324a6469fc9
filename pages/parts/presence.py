"""How long somebody works on which screen: noted as screens are drawn, so that nobody has to write it down."""

import logging
from datetime import timedelta
from functools import cache

import streamlit as st
from sqlalchemy.exc import DBAPIError

from feedback_db import models, visits
from pages.parts import pilot, who
from pages.parts.work import database

EVERY = timedelta(seconds=10)
NOT_COUNTED = ("", "rate", "settings")  # Home and Settings are about no pilot; of those who rate, every answer is timed
VISIT = "visit"  # in the session: the visit under way, and when that was noted
logger = logging.getLogger(__name__)


def note(screen: str) -> None:
    """Somebody is at this screen, named as in its address. Where that cannot be written down, the screen goes on."""
    visit_id, last = st.session_state.get(VISIT, (None, None))
    at = models.now()
    if screen in NOT_COUNTED or (last is not None and at - last < EVERY):
        return
    pilot_id = pilot.address().get("pilot")
    if pilot_id is None:
        return
    try:
        with database().session(who.here()) as db:
            visit_id = visits.touch(db, pilot_id, screen, visit_id, at)
    except DBAPIError as error:  # locked for long, or on a disk that is full or may only be read
        _complain(str(error.orig))
    st.session_state[VISIT] = visit_id, at


@cache
def _complain(why: str) -> None:
    """Once, however many screens are drawn."""
    logger.warning("the time on screens is not noted: %s", why)
