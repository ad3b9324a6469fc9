"""Errors reach people as a sentence in their language with what to do."""

import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from sqlalchemy.exc import DBAPIError

from core.errors import N_, UserError
from feedback_db.permits import Forbidden
from pages.parts.text import _, say
from pages.parts.work import database

# The same for what is not there and for what is not for this person.
NOTHING_HERE = UserError(N_("There is nothing for you at this address."), N_("Open the address that you were given."))
UNSAVED = N_("The database cannot be used just now: what you did last is not saved.")
READ_ONLY = N_("The app may only read its file or folder. Let it write there; this screen then goes on by itself.")
DAMAGED = N_("Its file is damaged. Stop the app and bring back the last backup; docs/OPERATIONS.md says how.")
REMEDIES = {
    sqlite3.SQLITE_BUSY: N_("Another program uses it. Wait or close that program; this screen then goes on by itself."),
    sqlite3.SQLITE_FULL: N_("The disk is full. Make room on it; this screen then goes on by itself."),
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: READ_ONLY,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: DAMAGED,
}
WAIT = N_("Wait; this screen then goes on by itself. If it does not, tell the person in charge of this computer.")
AGAIN = 2.0  # seconds between two looks whether it can be used
MISSED, LAST = "database_missed", "database_last"  # in the session
logger = logging.getLogger("pilot")


@contextmanager
def guard() -> Iterator[None]:
    """The one place that catches a user's error: it is shown where it happened, and the rest of the page goes on."""
    try:
        yield
    except UserError as error:
        st.error(say(error), icon=":material/error:")
    except Forbidden:
        st.error(say(NOTHING_HERE), icon=":material/error:")
    except DBAPIError as error:
        _stand_by(error)


def trouble(error: DBAPIError) -> UserError:
    """What is the matter with the database, and what to do."""
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF  # SQLite's finer distinctions are above that
    return UserError(UNSAVED, REMEDIES.get(code, WAIT))


def remind() -> None:
    """After the database could not be used for a while."""
    if st.session_state.pop(MISSED, False):
        st.toast(_("The database can be used again. Please do once more what was not saved."), duration="long")


def _stand_by(error: DBAPIError) -> None:
    """Wait until the database can be used, and draw the screen again.

    What somebody has typed stays in the browser for as long as no run of the script ends without its field. Where the
    database can be used, but not for this screen, it says so and ends.
    """
    logger.error("the database cannot be used: %s", error.orig)
    box, last = st.empty(), st.session_state.get(LAST, -1e9)
    while True:
        box.error(say(trouble(error)), icon=":material/error:")
        time.sleep(AGAIN)
        try:
            database().try_out()
        except DBAPIError as still:
            error = still
        else:
            break
    if time.monotonic() - last > 5 * AGAIN:
        st.session_state[MISSED], st.session_state[LAST] = True, time.monotonic()
        st.rerun()
