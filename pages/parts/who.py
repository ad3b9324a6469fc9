"""Who is here: whoever sits at this computer, or in team mode the one who is signed in in this browser."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

import streamlit as st

from feedback_db import logins
from feedback_db.database import Database
from feedback_db.logins import Login
from feedback_db.permits import APP, LOCAL, NOBODY, Actor
from pages.parts.text import language, speaking

T = TypeVar("T")

_acting: ContextVar[Actor | None] = ContextVar("acting", default=None)
HEADER = "x-pilot-login"  # set by the gate alone; .streamlit/config.toml makes st.user["login"] of it


def is_team() -> bool:
    """Whether people sign in; `manage.py run --team` says so."""
    return os.environ.get("PILOT_TEAM") == "1"


def when_pressed(make: Callable[[], T]) -> Callable[[], T]:
    """The same on the thread without a session where Streamlit makes a file: for who is here, in their language."""
    reader, actor = language(), here()

    def made() -> T:
        with speaking(reader), _acting_as(actor):
            return make()

    return made


@contextmanager
def _acting_as(actor: Actor) -> Iterator[None]:
    token = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(token)


def here() -> Actor:
    """Who acts on this screen. The gate in front of Streamlit has looked at the browser's cookie, nobody else can."""
    if (actor := _acting.get()) is not None:
        return actor
    if not is_team():
        return LOCAL
    login_id = st.user.get("login")
    return Actor("login", str(login_id)) if login_id else NOBODY


def sent(headers: Mapping[str, str]) -> Actor:
    """Who sends a request of their own, beside Streamlit."""
    if not is_team():
        return LOCAL
    login_id = headers.get(HEADER)
    return Actor("login", login_id) if login_id else NOBODY


def login(database: Database) -> Login | None:
    """Who is signed in here; None in local mode, and once they are signed out or let go."""
    actor = here()
    if actor.kind != "login":
        return None
    with database.reading(APP) as db:
        return logins.get(db, actor.login_id)
