"""Who may do what. Every transaction has an actor, every function that takes a session says who may call it.

What an actor may do is read anew at the start of each transaction: somebody whose login, role or invitation was taken
away can do nothing from that moment on, whatever screen, callback or fragment is still open.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from feedback_db import models

Role = Literal["lead", "manager", "rater"]
Standing = Role | Literal["local", "app", "nobody"]
P = ParamSpec("P")
R = TypeVar("R")
RIGHTS = "rights"  # of the actor, in the session's info


class Forbidden(Exception):  # noqa: N818 — nothing went wrong
    """Not for this actor. To be shown exactly like something that is not there."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: the one at the computer of an app without logins, the app itself, a login, or nobody."""

    kind: Literal["local", "app", "login", "nobody"]
    login_id: str = ""


LOCAL = Actor("local")
APP = Actor("app")
NOBODY = Actor("nobody")


@dataclass(frozen=True, slots=True)
class Rights:
    """What an actor may do in this transaction."""

    standing: Standing
    person_id: str | None = None  # of a lead or manager
    study_id: str | None = None  # of a rater, who reaches no other


def enter(db: Session, actor: Actor) -> None:
    """At the start of a transaction."""
    db.info[RIGHTS] = _of_login(db, actor.login_id) if actor.kind == "login" else Rights(actor.kind)


def rights(db: Session) -> Rights:
    found: Rights = db.info[RIGHTS]
    return found


def may(*standings: Standing) -> Callable[[Callable[Concatenate[Session, P], R]], Callable[Concatenate[Session, P], R]]:
    """Let these, and whoever sits at an app without logins, call the function; Forbidden for everybody else."""

    def mark(act: Callable[Concatenate[Session, P], R]) -> Callable[Concatenate[Session, P], R]:
        @wraps(act)
        def checked(db: Session, /, *args: P.args, **named: P.kwargs) -> R:
            if rights(db).standing not in allowed:
                raise Forbidden(act.__qualname__)
            return act(db, *args, **named)

        allowed = frozenset(standings) | {"local"}
        checked.may = allowed  # type: ignore[attr-defined]  # the matrix of the tests reads it
        return checked

    return mark


@may("lead")
def leading(_db: Session) -> None:
    """For what is a lead's and is not done in the database. Raises Forbidden for others."""


def reaches(db: Session, study_id: str) -> bool:
    """Whether the actor may know that there is such a study."""
    here = rights(db)
    return here.standing != "rater" or here.study_id == study_id


def within(db: Session, study_id: str) -> None:
    """Raises Forbidden where the actor does not reach this study."""
    if not reaches(db, study_id):
        raise Forbidden(study_id)


def alive() -> Any:  # a Select; mypy would have its columns spelt out
    """Logins that let somebody in now: id, person, role, study."""
    login, person, invitation = models.Login, models.Person, models.Invitation
    columns = select(login.id, login.person_id, person.role, invitation.study_id)
    return (
        columns.outerjoin(person, and_(person.id == login.person_id, person.revoked_at.is_(None)))
        .outerjoin(invitation, and_(invitation.id == login.invitation_id, invitation.revoked_at.is_(None)))
        .where(login.ended_at.is_(None), login.expires_at > models.now())
        .where(or_(person.id.is_not(None), invitation.id.is_not(None)))
    )


def _of_login(db: Session, login_id: str) -> Rights:
    row = db.execute(alive().where(models.Login.id == login_id)).one_or_none()
    if row is None:
        return Rights("nobody")
    standing: Standing = "rater" if row.role is None else row.role
    return Rights(standing, row.person_id, row.study_id)
