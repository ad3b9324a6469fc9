"""Who comes to the gate: whoever sits at this computer, or in team mode whose login the browser's cookie belongs to."""

from urllib.parse import parse_qs

import anyio
import anyio.to_thread
from sqlalchemy.orm import Session

from feedback_db import logins, raters
from feedback_db.logins import Login
from feedback_db.permits import APP
from feedback_db.raters import Invitation, Refused
from pages.entrance import cookies
from pages.entrance.cookies import Scope
from pages.entrance.visits import NOBODY, Visitor
from pages.parts.work import database

OWNER = Visitor("lead")
AT_ONCE = 8  # look-ups; they take about a millisecond each, and do not queue behind files that are served


class Alone:
    """An app that only this computer reaches."""

    async def visitor(self, _scope: Scope) -> Visitor:
        return OWNER

    async def invited(self, _scope: Scope, _visitor: Visitor) -> str | None:
        return None


class Team:
    """An app of many. Who somebody is, is read anew each time: a login may end while its page is open."""

    def __init__(self) -> None:
        self._limit = anyio.CapacityLimiter(AT_ONCE)

    async def visitor(self, scope: Scope) -> Visitor:
        token = cookies.token(scope)
        return await anyio.to_thread.run_sync(_visitor, token, limiter=self._limit) if token else NOBODY

    async def invited(self, scope: Scope, visitor: Visitor) -> str | None:
        asked = {name: values[0] for name, values in parse_qs(scope["query_string"].decode("latin-1")).items()}
        tokens = asked.get("seat", ""), asked.get("invite", "")
        if not any(tokens):
            return None
        return await anyio.to_thread.run_sync(_let_in, *tokens, visitor, limiter=self._limit)


def _visitor(token: str) -> Visitor:
    with database().reading(APP) as db:
        login = logins.of(db, token)
    return NOBODY if login is None else _as_visitor(login)


def _as_visitor(login: Login) -> Visitor:
    return Visitor(login.role, login.id, login.person_id or login.id)


def asked_for(db: Session, seat: str, invite: str) -> Invitation:
    """Whose address this is: of a seat that was taken with it, or its own. Raises Refused."""
    return raters.behind(db, seat) if seat else raters.invited(db, invite)[1]


def _let_in(seat: str, invite: str, visitor: Visitor) -> str | None:
    """As People.invited. One who is in already, and whose address is void, sees that on the rating screen."""
    try:
        with database().reading(APP) as db:
            invitation = asked_for(db, seat, invite)
            login = logins.get(db, visitor.login_id)
    except Refused:
        return "" if visitor.role == "nobody" else None
    if login and login.invitation_id == invitation.id:
        return None
    return "" if invitation.pin else _begun(invitation)


def _begun(invitation: Invitation) -> str:
    with database().session(APP) as db:
        return logins.begin_rating(db, invitation.id)
