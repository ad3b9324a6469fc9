"""Logins: who is signed in where. A browser keeps a secret, and here is only its hash."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, func, insert, select, update
from sqlalchemy.orm import Session

from feedback_db import models, permits
from feedback_db.people import token_hash
from feedback_db.permits import Role, may

LASTS = timedelta(hours=12)  # a long day
COLUMNS = ("id", "person_id", "invitation_id", "study_id", "created_at", "expires_at")
RATING_LASTS = timedelta(days=30)  # who has begun a study may go on as long as it is open


@dataclass(frozen=True, slots=True)
class Login:
    id: str
    role: Role
    name: str  # of the person; of a rater that of the invitation, "" of a shared one
    person_id: str | None
    invitation_id: str | None
    study_id: str | None  # of a rater
    created_at: datetime
    expires_at: datetime


@may("app")
def begin(db: Session, person_id: str) -> str:
    """Sign somebody in. Returns: the secret for their browser."""
    return _begin(db, LASTS, person_id=person_id)


@may("app")
def begin_rating(db: Session, invitation_id: str) -> str:
    """Let a tablet in with an invitation."""
    return _begin(db, RATING_LASTS, invitation_id=invitation_id)


@may("app")
def of(db: Session, token: str) -> Login | None:
    """Whose secret this is. None: nobody's, or it has expired, or they were signed out or let go."""
    return _one(db, models.Login.token_hash == token_hash(token))


@may("app")
def get(db: Session, login_id: str) -> Login | None:
    """Likewise, by its id."""
    return _one(db, models.Login.id == login_id)


@may("app", "lead")
def end(db: Session, login_id: str) -> None:
    """Sign out."""
    m = models.Login
    db.execute(update(m).where(m.id == login_id, m.ended_at.is_(None)).values(ended_at=models.now()))


@may("app", "lead")
def end_all(db: Session, person_id: str) -> None:
    """Sign somebody out everywhere."""
    m = models.Login
    db.execute(update(m).where(m.person_id == person_id, m.ended_at.is_(None)).values(ended_at=models.now()))


@may("lead")
def alive(db: Session) -> list[Login]:
    """Who is signed in, the latest first."""
    query = _logins().order_by(models.Login.created_at.desc(), models.Login.id)
    return [_read(row) for row in db.execute(query).mappings()]


@may("lead")
def last_begun(db: Session) -> dict[str, datetime]:
    """When somebody last signed in, by person."""
    m = models.Login
    latest = func.max(m.created_at, type_=models.Moment).label("at")
    query = select(m.person_id, latest).where(m.person_id.is_not(None)).group_by(m.person_id)
    return {str(row.person_id): row.at for row in db.execute(query)}


def _begin(db: Session, lasts: timedelta, **whose: str) -> str:
    token = secrets.token_urlsafe(32)
    db.execute(
        insert(models.Login).values(whose | {"token_hash": token_hash(token), "expires_at": models.now() + lasts})
    )
    return token


def _logins() -> Select[Any]:
    m = models.Login
    names = models.Person.name.label("known"), models.Invitation.name.label("invited")
    query: Select[Any] = permits.alive().add_columns(*names, m.invitation_id, m.created_at, m.expires_at)
    return query


def _one(db: Session, which: ColumnElement[bool]) -> Login | None:
    row = db.execute(_logins().where(which)).mappings().one_or_none()
    return None if row is None else _read(row)


def _read(row: RowMapping) -> Login:
    role: Role = "rater" if row["role"] is None else row["role"]
    name = row["invited"] if row["role"] is None else row["known"]
    return Login(role=role, name=name, **{field: row[field] for field in COLUMNS})
