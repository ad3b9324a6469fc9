"""Jobs: the record of long work, so that it survives a reload, a lost tablet and a killed app.

queued → running → done, failed or cancelled. What has ended stays as it ended, however late a report comes in,
until it is submitted again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, func, literal, select, update
from sqlalchemy.orm import Session

from feedback_db import models
from feedback_db.models import Json, Moment, now
from feedback_db.permits import may
from feedback_db.rows import every, insert_once, maybe, one, select_as

State = Literal["queued", "running", "done", "failed", "cancelled"]
ACTIVE = models.Job.state.in_(("queued", "running"))


@dataclass(frozen=True, slots=True)
class Job:
    fingerprint: str  # of what it makes
    kind: str
    spec: Json
    state: State
    stage: str  # what it is doing, for people
    done: int  # of `total`
    total: int  # 0: not known yet
    attempt: int  # from 1
    heartbeat_at: datetime | None  # its last report
    error: Json | None  # {problem, remedy, facts}: message ids, so that a screen can translate them
    created_at: datetime
    ended_at: datetime | None


@may("lead")
def submit(db: Session, fingerprint: str, kind: str, spec: Json) -> Job:
    """The job that makes this: a new one, the one under way, or the one that is done.

    One that failed or was cancelled is queued for another attempt.
    """
    insert_once(db, models.Job, ["fingerprint"], {"fingerprint": fingerprint, "kind": kind, "spec": spec})
    return _queue_again(db, fingerprint, models.Job.state.in_(("failed", "cancelled")))


@may("lead")
def redo(db: Session, fingerprint: str) -> Job:
    """Queue a job that has ended for another attempt, even if it is done: its result may be lost."""
    return _queue_again(db, fingerprint, ~ACTIVE)


@may("app")
def progress(db: Session, fingerprint: str, stage: str, done: int, total: int) -> Job:
    """It runs, and is this far. Also its heartbeat; the first one of an attempt is its beginning."""
    began_at = func.coalesce(models.Job.began_at, literal(now(), Moment))
    return _change(db, fingerprint, state="running", stage=stage, done=done, total=total, began_at=began_at)


@may("app")
def finish(db: Session, fingerprint: str) -> Job:
    """Its result is in the artifact store."""
    return _change(db, fingerprint, state="done", done=models.Job.total, ended_at=now())


@may("app")
def fail(db: Session, fingerprint: str, problem: str, remedy: str, facts: Json) -> Job:
    """It failed, with the two message ids of a UserError and the facts that fill them (plain JSON)."""
    error = {"problem": problem, "remedy": remedy, "facts": facts}
    return _change(db, fingerprint, state="failed", error=error, ended_at=now())


@may("app")
def cancel(db: Session, fingerprint: str) -> Job:
    """Nobody wants it any more."""
    return _change(db, fingerprint, state="cancelled", ended_at=now())


@may("lead", "manager")
def get(db: Session, fingerprint: str) -> Job | None:
    return maybe(db, Job, select_as(Job, models.Job).where(models.Job.fingerprint == fingerprint))


@may("lead", "app")
def counts(db: Session) -> dict[str, int]:
    """How many jobs are in which state."""
    m = models.Job
    return {row.state: row.n for row in db.execute(select(m.state, func.count().label("n")).group_by(m.state))}


@may("lead", "app")
def longest_queued(db: Session) -> timedelta:
    """How long the oldest of those that wait has waited since it was first asked for; zero where none waits."""
    m = models.Job
    oldest = db.scalar(select(func.min(m.created_at)).where(m.state == "queued"))
    return timedelta() if oldest is None else max(now() - oldest, timedelta())


@may("app")
def begin_again(db: Session) -> list[Job]:
    """Queue what was left undone: jobs that were queued or running, oldest first. The time until now was no work."""
    db.execute(update(models.Job).where(ACTIVE).values(state="queued", began_at=None))
    query = select_as(Job, models.Job).where(ACTIVE)
    return every(db, Job, query.order_by(models.Job.created_at, models.Job.fingerprint))


def _change(db: Session, fingerprint: str, **values: Any) -> Job:
    """Change the job if it has not ended, and return it as it stands now."""
    return _update(db, fingerprint, ACTIVE, {"heartbeat_at": now(), **values})


def _queue_again(db: Session, fingerprint: str, when: ColumnElement[bool]) -> Job:
    fresh = {"state": "queued", "stage": "", "done": 0, "total": 0, "heartbeat_at": None, "error": None}
    again = {"attempt": models.Job.attempt + 1, "began_at": None, "ended_at": None}
    return _update(db, fingerprint, when, fresh | again)


def _update(db: Session, fingerprint: str, when: ColumnElement[bool], values: Json) -> Job:
    this = models.Job.fingerprint == fingerprint
    db.execute(update(models.Job).where(this, when).values(values))
    return one(db, Job, select_as(Job, models.Job).where(this))
