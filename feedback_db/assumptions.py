"""What people assume about costs and benefits, and what was measured of the work in a pilot."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, insert, or_, select
from sqlalchemy.orm import Session

from feedback_db import models, visits
from feedback_db.permits import may
from feedback_db.rows import every, select_as
from feedback_db.visits import Visit

# A pause between two visits up to each of these may be work; a longer one is not. The middle one is likely.
PAUSES = (timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=30))


@dataclass(frozen=True, slots=True)
class Assumption:
    """A number that goes into the reckoning of costs and benefits, as a range."""

    name: str
    low: float
    likely: float
    high: float
    source: str  # where it comes from, in somebody's words
    set_at: datetime = field(default_factory=models.now)


@dataclass(frozen=True, slots=True)
class Worked:
    """What is known without anybody writing it down."""

    lead_seconds: tuple[float, float, float]  # an estimate for each of PAUSES
    compute_seconds: float  # from beginning to end; where a calculation made way for another one, that too
    n_untimed: int  # attempts of which that is not known: under way, or before another attempt


@may("lead", "manager")
def put(db: Session, pilot_id: str, assumption: Assumption) -> None:
    """Assume this from now on; what was assumed before stays in the history."""
    db.execute(insert(models.Assumption).values(pilot_id=pilot_id, **asdict(assumption)))


@may("lead", "manager")
def history(db: Session, pilot_id: str) -> list[Assumption]:
    """All that was ever assumed, oldest first."""
    query = select_as(Assumption, models.Assumption).where(models.Assumption.pilot_id == pilot_id)
    return every(db, Assumption, query.order_by(models.Assumption.set_at, models.Assumption.id))


@may("lead", "manager")
def now(db: Session, pilot_id: str) -> dict[str, Assumption]:
    """By name, the last one of each."""
    return {one.name: one for one in history(db, pilot_id)}


@may("lead", "manager")
def worked(db: Session, pilot_id: str) -> Worked:
    """Of calculations those are known that made a map that is kept, or trained a model."""
    here = visits.of_pilot(db, pilot_id)
    short, usual, long = (_seconds(here, pause) for pause in PAUSES)
    m = models.Job
    jobs = db.execute(select(m.attempt, m.began_at, m.ended_at).where(_of(pilot_id))).all()
    timed = [job.ended_at - job.began_at for job in jobs if None not in (job.began_at, job.ended_at)]
    n_untimed = sum(job.attempt for job in jobs) - len(timed)
    return Worked((short, usual, long), sum(timed, timedelta()).total_seconds(), n_untimed)


def _seconds(here: Sequence[Visit], longest: timedelta) -> float:
    """On the screens, and in pauses between them that are not longer.

    What two windows saw at once counts once, so two people at the same time are one. After the last touch of a visit
    nobody knows how long the screen was still read, and work beside the app is missing.

    Args:
        here: the earliest first.
    """
    if not here:
        return 0.0
    none = timedelta()
    total, until = none, here[0].began_at
    for one in here:
        pause, stayed = one.began_at - until, one.last_at - max(one.began_at, until)
        total += max(stayed, none) + (pause if none < pause <= longest else none)
        until = max(until, one.last_at)
    return total.total_seconds()


def _of(pilot_id: str) -> ColumnElement[bool]:
    """The calculations that made what this pilot has kept or asked for; not what another pilot had made before it."""
    made = (select(one.fingerprint).where(one.pilot_id == pilot_id) for one in (models.View, models.Run))
    began = select(models.Pilot.created_at).where(models.Pilot.id == pilot_id).scalar_subquery()
    return and_(or_(*(models.Job.fingerprint.in_(one) for one in made)), models.Job.created_at >= began)
