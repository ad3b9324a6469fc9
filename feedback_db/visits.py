"""Visits: how long somebody worked on which screen of a pilot, without anybody writing it down."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from feedback_db import models
from feedback_db.permits import may
from feedback_db.rows import every, select_as

PAUSE = timedelta(minutes=5)  # whoever does nothing for longer has left, and comes back for a new visit


@dataclass(frozen=True, slots=True)
class Visit:
    screen: str
    began_at: datetime
    last_at: datetime  # when something was last done there


@may("lead", "manager")
def touch(db: Session, pilot_id: str, screen: str, visit_id: str | None, at: datetime) -> str:
    """Somebody does something on a screen: the visit goes on, or a new one begins.

    On the way from one screen to another the time belongs to the one that is left.

    Args:
        visit_id: the last visit of the same person; one of another pilot is left as it is.

    Returns: the id of the visit that is under way now.
    """
    if visit_id is not None and _goes_on(db, pilot_id, visit_id, at) == screen:
        return visit_id
    begun = models.new_id()
    first = {"id": begun, "pilot_id": pilot_id, "screen": screen, "began_at": at, "last_at": at}
    db.execute(insert(models.Visit).values(first))
    return begun


def _goes_on(db: Session, pilot_id: str, visit_id: str, at: datetime) -> str | None:
    """The screen of a visit that lasts until now at least; None: it ended long ago, or is another pilot's."""
    m = models.Visit
    this = m.id == visit_id, m.pilot_id == pilot_id
    last = db.execute(select(m.screen, m.last_at).where(*this)).one_or_none()
    if last is None or at - last.last_at > PAUSE:
        return None
    latest = max(at, last.last_at)  # a clock that is put back takes nothing away
    db.execute(update(m).where(*this).values(last_at=latest))
    return str(last.screen)


@may("lead", "manager")
def of_pilot(db: Session, pilot_id: str) -> list[Visit]:
    """All visits, the earliest first."""
    query = select_as(Visit, models.Visit).where(models.Visit.pilot_id == pilot_id)
    return every(db, Visit, query.order_by(models.Visit.began_at, models.Visit.id))
