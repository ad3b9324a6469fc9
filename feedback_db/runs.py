"""Runs: extra training that a pilot asked for, whatever came of it; none is ever taken from the list."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from feedback_db import models
from feedback_db.jobs import State
from feedback_db.models import Json
from feedback_db.permits import may
from feedback_db.rows import every, insert_once, lock_pilot, one, select_as


@dataclass(frozen=True, slots=True)
class Run:
    id: str
    pilot_id: str
    fingerprint: str  # of all that decides it; the artifact's name too
    number: int  # 1, 2, 3 … within the pilot
    spec: Json
    created_at: datetime


@may("lead")
def keep(db: Session, pilot_id: str, *, fingerprint: str, spec: Json) -> Run:
    """The pilot's run with this fingerprint. New: it gets the next number. Asked for before: that run, unchanged."""
    lock_pilot(db, pilot_id)
    last = select(func.coalesce(func.max(models.Run.number), 0)).where(models.Run.pilot_id == pilot_id)
    place = {"pilot_id": pilot_id, "number": db.execute(last).scalar_one() + 1}
    insert_once(db, models.Run, ["pilot_id", "fingerprint"], place | {"fingerprint": fingerprint, "spec": spec})
    same = models.Run.pilot_id == pilot_id, models.Run.fingerprint == fingerprint
    return one(db, Run, select_as(Run, models.Run).where(*same))


@may("lead", "manager")
def of_pilot(db: Session, pilot_id: str) -> list[Run]:
    """The pilot's runs, the first first."""
    query = select_as(Run, models.Run).where(models.Run.pilot_id == pilot_id)
    return every(db, Run, query.order_by(models.Run.number))


@may("lead", "manager")
def states(db: Session, pilot_id: str) -> dict[str, State]:
    """By fingerprint, of each run of the pilot whose job is known: failed ones count too."""
    joined = models.Job.fingerprint == models.Run.fingerprint
    query = select(models.Run.fingerprint, models.Job.state).join(models.Job, joined)
    return {key: cast("State", state) for key, state in db.execute(query.where(models.Run.pilot_id == pilot_id))}
