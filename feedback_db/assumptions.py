"""What people assume about costs and benefits, and what the records themselves tell of the work in a pilot."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import ColumnElement, and_, insert, or_, select, union_all
from sqlalchemy.orm import Session

from feedback_db import models
from feedback_db.rows import every, select_as

# A pause in the records up to each of these may be work; a longer one is not. The middle one is likely.
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
    """What is known from the records without anybody writing it down."""

    lead_seconds: tuple[float, float, float]  # an estimate for each of PAUSES
    compute_seconds: float  # from asking until it was done, waiting for its turn too
    n_timed: int  # calculations that this is the sum of
    n_untimed: int  # under way, or begun again: then nobody knows


def put(db: Session, pilot_id: str, assumption: Assumption) -> None:
    """Assume this from now on; what was assumed before stays in the history."""
    db.execute(insert(models.Assumption).values(pilot_id=pilot_id, **asdict(assumption)))


def history(db: Session, pilot_id: str) -> list[Assumption]:
    """All that was ever assumed, oldest first."""
    query = select_as(Assumption, models.Assumption).where(models.Assumption.pilot_id == pilot_id)
    return every(db, Assumption, query.order_by(models.Assumption.set_at, models.Assumption.id))


def now(db: Session, pilot_id: str) -> dict[str, Assumption]:
    """By name, the last one of each."""
    return {one.name: one for one in history(db, pilot_id)}


def worked(db: Session, pilot_id: str) -> Worked:
    """The lead's time is the sum of the pauses between records that are not too long: work beside the app is missing.

    Of calculations those are known that made a map that is kept, or trained a model.
    """
    moments = _moments(db, pilot_id)
    short, usual, long = (_up_to(pause, moments) for pause in PAUSES)
    m = models.Job
    made = select(m.attempt, m.created_at, m.ended_at).where(_of(pilot_id))
    jobs = db.execute(made).all()
    timed = [job.ended_at - job.created_at for job in jobs if job.attempt == 1 and job.ended_at is not None]
    seconds = sum(timed, timedelta()).total_seconds()
    return Worked((short, usual, long), seconds, len(timed), len(jobs) - len(timed))


def _up_to(longest: timedelta, moments: Sequence[datetime]) -> float:
    """Seconds of all pauses that are not longer."""
    pauses = (after - before for before, after in pairwise(moments))
    return sum((one for one in pauses if one <= longest), timedelta()).total_seconds()


def _moments(db: Session, pilot_id: str) -> list[datetime]:
    """When whoever leads the pilot did something, in order; answers are other people's work."""
    m = models
    own = [(one.pilot_id, one.created_at) for one in (m.Dataset, m.Recipe, m.View, m.Run)]
    own += [(m.Pilot.id, m.Pilot.created_at), (m.Assumption.pilot_id, m.Assumption.set_at)]
    own += [(m.LedgerEntry.pilot_id, m.LedgerEntry.at)]
    found = [select(at.label("at")).where(of == pilot_id) for of, at in own]
    of_study = select(m.StudyEvent.at).join(m.Study, m.Study.id == m.StudyEvent.study_id)
    found.append(of_study.where(m.Study.pilot_id == pilot_id))
    found.append(select(m.Job.created_at).where(_of(pilot_id)))
    return sorted(db.scalars(union_all(*found)))


def _of(pilot_id: str) -> ColumnElement[bool]:
    """The calculations that made what this pilot has kept or asked for; not what another pilot had made before it."""
    made = (select(one.fingerprint).where(one.pilot_id == pilot_id) for one in (models.View, models.Run))
    began = select(models.Pilot.created_at).where(models.Pilot.id == pilot_id).scalar_subquery()
    return and_(or_(*(models.Job.fingerprint.in_(one) for one in made)), models.Job.created_at >= began)
