"""Pilots: one question, one team, many rounds."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ScalarSelect, func, insert, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from feedback_db import models
from feedback_db.rows import maybe, one, select_as


@dataclass(frozen=True, slots=True)
class Pilot:
    id: str
    question: str
    team: str
    decision_on: date | None
    currency: str  # ISO 4217
    wage_per_hour: float | None  # in `currency`
    machine_per_hour: float | None  # in `currency`
    round: int  # from 1
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Card:
    """A pilot as Home shows it."""

    pilot: Pilot
    n_datasets: int
    n_views: int
    n_ratings: int  # every answer, "I can't tell" too


def create(
    db: Session,
    *,
    question: str,
    team: str,
    decision_on: date | None = None,
    currency: str = "JPY",
    wage_per_hour: float | None = None,
    machine_per_hour: float | None = None,
) -> Pilot:
    """A new pilot, in its first round."""
    pilot_id = models.new_id()
    db.execute(
        insert(models.Pilot).values(
            id=pilot_id,
            question=question,
            team=team,
            decision_on=decision_on,
            currency=currency,
            wage_per_hour=wage_per_hour,
            machine_per_hour=machine_per_hour,
        )
    )
    return one(db, Pilot, select_as(Pilot, models.Pilot).where(models.Pilot.id == pilot_id))


def get(db: Session, pilot_id: str) -> Pilot | None:
    return maybe(db, Pilot, select_as(Pilot, models.Pilot).where(models.Pilot.id == pilot_id))


def cards(db: Session) -> list[Card]:
    """All pilots, newest first, with what each has so far."""
    counts = _count(models.Dataset.pilot_id), _count(models.View.pilot_id), _n_ratings()
    query = select_as(Pilot, models.Pilot).add_columns(*counts)
    newest_first = query.order_by(models.Pilot.created_at.desc(), models.Pilot.id)
    return [Card(Pilot(*row[:-3]), *row[-3:]) for row in db.execute(newest_first)]


def next_round(db: Session, pilot_id: str, after: int) -> Pilot:
    """Begin the round after `after`, the one that the asking screen shows: asking twice begins one round."""
    this = models.Pilot.id == pilot_id
    db.execute(update(models.Pilot).where(this, models.Pilot.round == after).values(round=after + 1))
    return one(db, Pilot, select_as(Pilot, models.Pilot).where(this))


def _count(pilot_id: InstrumentedAttribute[str]) -> ScalarSelect[int]:
    return select(func.count()).where(pilot_id == models.Pilot.id).correlate(models.Pilot).scalar_subquery()


def _n_ratings() -> ScalarSelect[int]:
    ratings = select(func.count(models.Rating.id)).join(models.View, models.View.id == models.Rating.view_id)
    return ratings.where(models.View.pilot_id == models.Pilot.id).correlate(models.Pilot).scalar_subquery()
