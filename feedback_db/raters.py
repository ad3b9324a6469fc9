"""Raters: who may take part in a study, and who has begun it in which seat."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, func, insert, select, update
from sqlalchemy.orm import Session

from feedback_db import models, permits, studies
from feedback_db.models import Json
from feedback_db.permits import may
from feedback_db.rows import every, maybe, one, select_as
from feedback_db.studies import Study

Why = Literal["unknown", "ended", "withdrawn", "expired"]


class Refused(Exception):  # noqa: N818 — nothing went wrong
    """This address lets nobody in (any more)."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why: Why = why


@dataclass(frozen=True, slots=True)
class Invitation:
    id: str
    study_id: str
    token: str  # in its address; whoever knows it may take part
    name: str  # of the person; "" for a shared one
    is_shared: bool  # any number of people may begin with it
    created_at: datetime
    expires_at: datetime | None  # nobody begins after that; who has begun goes on
    revoked_at: datetime | None  # nobody answers after that
    pin: str  # its hash; "": none is asked for


@dataclass(frozen=True, slots=True)
class Rater:
    id: str
    study_id: str
    invitation_id: str | None
    seat: int
    name: str
    token: str  # in the address with which this person goes on, on any device
    asked: Sequence[int]  # numbers of items, in order
    literacy: Json | None
    began_at: datetime


@may("lead")
def invite(
    db: Session,
    study_id: str,
    *,
    name: str = "",
    is_shared: bool = False,
    expires_at: datetime | None = None,
    pin: str = "",
) -> Invitation:
    """Let people in. `pin` is hashed (people.hashed); with "" the address alone is enough."""
    token = new_token()
    values = {"study_id": study_id, "token": token, "name": name, "is_shared": is_shared, "pin": pin}
    values |= {"expires_at": expires_at}
    db.execute(insert(models.Invitation).values(values))
    told = {"name": name, "shared": is_shared, "until": expires_at and expires_at.isoformat()}
    studies.note(db, study_id, "invited", told)
    return _one(db, token)


@may("lead", "manager")
def invitations(db: Session, study_id: str) -> list[Invitation]:
    """Oldest first."""
    query = select_as(Invitation, models.Invitation).where(models.Invitation.study_id == study_id)
    return every(db, Invitation, query.order_by(models.Invitation.created_at, models.Invitation.id))


@may("lead")
def revoke(db: Session, invitation: Invitation) -> None:
    """Let nobody in with it any more, not even those who have begun. What they answered stays."""
    still = models.Invitation.id == invitation.id, models.Invitation.revoked_at.is_(None)
    if db.scalars(select(models.Invitation.id).where(*still)).one_or_none():
        db.execute(update(models.Invitation).where(*still).values(revoked_at=models.now()))
        studies.note(db, invitation.study_id, "withdrawn", {"name": invitation.name, "invitation": invitation.id})


@may("lead")
def ask_pin(db: Session, invitation: Invitation, pin: str) -> None:
    """From now on ask for this PIN, hashed as in `invite`. Who has come in already goes on."""
    db.execute(update(models.Invitation).where(models.Invitation.id == invitation.id).values(pin=pin))
    studies.note(db, invitation.study_id, "pin", {"name": invitation.name, "invitation": invitation.id})


@may("lead", "manager", "rater", "app")
def invited(db: Session, token: str) -> tuple[Study, Invitation]:
    """What an invitation's address opens. Raises Refused."""
    found = maybe(db, Invitation, select_as(Invitation, models.Invitation).where(models.Invitation.token == token))
    study = studies.get(db, found.study_id) if found else None
    if found is None or study is None:  # or it is not for this actor to know
        raise Refused("unknown")
    _refuse(study, found)
    if found.expires_at is not None and found.expires_at < models.now() and not _begun(db, found):
        raise Refused("expired")
    return study, found


def new_token() -> str:
    """For an address that nobody can guess."""
    return secrets.token_urlsafe(18)


@may("lead", "manager", "rater")
def begin(
    db: Session, invitation: Invitation, name: str, token: str, asked_in: Callable[[int], Sequence[int]]
) -> Rater:
    """Take the next seat. Somebody who was invited in person and has begun gets the seat of before.

    Args:
        token: drawn with the form, so that pressing "Begin" twice takes one seat.
        asked_in: the numbers of the items that the person in a seat is asked, in order.
    """
    permits.within(db, invitation.study_id)
    db.execute(select(models.Study.id).where(models.Study.id == invitation.study_id).with_for_update())
    before = _begun(db, invitation) or _of(db, models.Rater.token == token)
    if before is not None:
        return before
    taken = select(func.count()).select_from(models.Rater).where(models.Rater.study_id == invitation.study_id)
    seat = db.execute(taken).scalar_one()
    values = {"study_id": invitation.study_id, "invitation_id": invitation.id, "seat": seat, "token": token}
    name = invitation.name or name
    db.execute(insert(models.Rater).values(values | {"name": name, "asked": list(asked_in(seat))}))
    return one(db, Rater, select_as(Rater, models.Rater).where(models.Rater.token == token))


@may("lead", "manager", "rater", "app")
def admitted(db: Session, token: str) -> tuple[Study, Rater]:
    """Whose address this is, as long as answers are taken. Raises Refused."""
    rater = _of(db, models.Rater.token == token)
    study = studies.get(db, rater.study_id) if rater else None
    if rater is None or study is None:
        raise Refused("unknown")
    query = select_as(Invitation, models.Invitation).where(models.Invitation.id == rater.invitation_id)
    _refuse(study, maybe(db, Invitation, query))
    return study, rater


@may("app")
def behind(db: Session, token: str) -> Invitation:
    """The invitation with which this seat was taken, as long as answers are taken. Raises Refused."""
    _, rater = admitted(db, token)
    query = select_as(Invitation, models.Invitation).where(models.Invitation.id == rater.invitation_id)
    found = maybe(db, Invitation, query)
    if found is None:
        raise Refused("unknown")
    return found


@may("lead", "manager", "rater")
def shared(db: Session, rater: Rater) -> Invitation | None:
    """The invitation with which the next person may begin on the same tablet."""
    permits.within(db, rater.study_id)
    m = models.Invitation
    query = select_as(Invitation, m).where(m.id == rater.invitation_id, m.is_shared, m.revoked_at.is_(None))
    return maybe(db, Invitation, query)


@may("lead", "manager")
def of_study(db: Session, study_id: str) -> list[Rater]:
    """By seat."""
    query = select_as(Rater, models.Rater).where(models.Rater.study_id == study_id)
    return every(db, Rater, query.order_by(models.Rater.seat))


@may("lead", "manager", "rater")
def keep_literacy(db: Session, rater: Rater, answers: Json) -> None:
    """What was answered to the questions on reading a map; the first answers stay."""
    permits.within(db, rater.study_id)
    first = models.Rater.id == rater.id, models.Rater.literacy.is_(None)
    db.execute(update(models.Rater).where(*first).values(literacy=answers))


def _one(db: Session, token: str) -> Invitation:
    return one(db, Invitation, select_as(Invitation, models.Invitation).where(models.Invitation.token == token))


def _begun(db: Session, invitation: Invitation) -> Rater | None:
    if invitation.is_shared:
        return None
    return _of(db, models.Rater.invitation_id == invitation.id)


def _of(db: Session, which: ColumnElement[bool]) -> Rater | None:
    return maybe(db, Rater, select_as(Rater, models.Rater).where(which))


def _refuse(study: Study, invitation: Invitation | None) -> None:
    if study.closed_at is not None:
        raise Refused("ended")
    if invitation is not None and invitation.revoked_at is not None:
        raise Refused("withdrawn")
