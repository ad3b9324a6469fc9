"""Backups: when the last one was made, and making one behind the screen."""

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import streamlit as st
from sqlalchemy.exc import DBAPIError

from core.errors import N_, UserError
from feedback_db import backup, permits, place
from feedback_db.backup import Backup
from feedback_db.errors import Trouble
from pages.parts import who
from pages.parts.guard import guard
from pages.parts.text import _, moment_of, ngettext, together
from pages.parts.work import database

LOOK_EVERY = 1.0  # seconds
OLD = timedelta(days=7)
logger = logging.getLogger(__name__)
_maker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="backup")
_one = threading.Lock()
_made: list[Future[Backup]] = []  # the one that is being made, or was made last; of everybody here

HELD = N_("It is a copy of everything but who is signed in, beside the data. Copy it onto another disk as well.")
HELD_IN_PART = N_(
    "It is a copy of the database alone, without who is signed in. Uploads and results lie in the shared store: "
    "whoever runs that keeps copies of them."
)
FAILED = UserError(
    N_("The backup could not be made, or did not pass its check. There is no new one."),
    N_("The log of the app says why. Most often the disk is full, or may not be written to."),
)


def section() -> None:
    _tell_last()
    with guard():
        if _under_way():
            _wait()
            return
        _raise_failed()
    if st.button(_("Make a backup now"), icon=":material/save:"):
        begin()
        st.rerun()
    st.caption(
        together(
            _(HELD if place.own_artifacts() else HELD_IN_PART),
            _("To go back to it, stop the app there and run `manage.py restore`; the operations page says how."),
        )
    )


def begin() -> None:
    """Have a backup made, unless one is under way. Raises Forbidden for whoever is no lead."""
    with database().reading(who.here()) as db:
        permits.leading(db)
    with _one:
        if not _under_way():
            _made[:] = [_maker.submit(backup.make, database(), place.backups(), backup.stamp(), place.own_artifacts())]


def _under_way() -> bool:
    return any(not one.done() for one in _made)


def _raise_failed() -> None:
    """Where the last one failed; it is told until another one is made."""
    for one in _made:
        try:
            one.result()
        except (Trouble, OSError, DBAPIError) as error:
            logger.warning("no backup: %s", error)
            raise FAILED from error


def _tell_last() -> None:
    found = backup.all_in(place.backups())
    if not found:
        st.warning(_("There is no backup yet."), icon=":material/warning:")
        return
    last = found[-1]
    n = sum(last.facts.rows.values())
    said = together(
        _("The last backup is of {at}, and passed its check.").format(at=moment_of(last.made_at)),
        ngettext("It holds {n:,} entry.", "It holds {n:,} entries.", n).format(n=n),
    )
    if datetime.now(UTC) - last.made_at > OLD:
        st.warning(said, icon=":material/warning:")
    else:
        st.markdown(said)


@st.fragment(run_every=LOOK_EVERY)
def _wait() -> None:
    if not _under_way():
        st.rerun()
    st.info(_("A backup is being made. People can go on working, and you can leave this page."), icon=":material/save:")
