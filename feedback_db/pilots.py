"""Pilots: one question, one team, many rounds."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, ScalarSelect, Select, func, insert, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from feedback_db import models
from feedback_db.permits import may
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
    n_studies: int  # open and closed
    n_ratings: int  # every answer, "I can't tell" too


@may("lead")
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


@may("lead", "manager")
def get(db: Session, pilot_id: str) -> Pilot | None:
    return maybe(db, Pilot, select_as(Pilot, models.Pilot).where(models.Pilot.id == pilot_id))


@may("lead", "manager")
def cards(db: Session) -> list[Card]:
    """All pilots, newest first, with what each has so far."""
    newest_first = _cards().order_by(models.Pilot.created_at.desc(), models.Pilot.id)
    return [_card(row) for row in db.execute(newest_first)]


@may("lead", "manager")
def card(db: Session, pilot_id: str) -> Card | None:
    """One pilot with what it has so far."""
    row = db.execute(_cards().where(models.Pilot.id == pilot_id)).one_or_none()
    return None if row is None else _card(row)


@may("lead")
def next_round(db: Session, pilot_id: str, after: int) -> Pilot:
    """Begin the round after `after`, the one that the asking screen shows: asking twice begins one round."""
    this = models.Pilot.id == pilot_id
    db.execute(update(models.Pilot).where(this, models.Pilot.round == after).values(round=after + 1))
    return one(db, Pilot, select_as(Pilot, models.Pilot).where(this))


def _cards() -> Select[Any]:
    counted = models.Dataset.pilot_id, models.View.pilot_id, models.Study.pilot_id
    return select_as(Pilot, models.Pilot).add_columns(*map(_count, counted), _n_ratings())


def _card(row: Row[Any]) -> Card:
    values: list[Any] = list(row)
    return Card(Pilot(*values[:-4]), *values[-4:])


def _count(pilot_id: InstrumentedAttribute[str]) -> ScalarSelect[int]:
    return select(func.count()).where(pilot_id == models.Pilot.id).correlate(models.Pilot).scalar_subquery()


def _n_ratings() -> ScalarSelect[int]:
    """Of the pilot's views; corrections count again, maps of noise and repetitions do not count."""
    item = models.StudyItem
    ratings = select(func.count(models.Rating.id)).join(item, item.id == models.Rating.item_id)
    of_views = ratings.join(models.View, models.View.id == item.view_id).where(item.kind == "view")
    return of_views.where(models.View.pilot_id == models.Pilot.id).correlate(models.Pilot).scalar_subquery()
