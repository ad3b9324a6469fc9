"""Ratings: what people said about the views. They are only ever added."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from feedback_db import models
from feedback_db.rows import every, insert_once, one, select_as


@dataclass(frozen=True, slots=True)
class Rating:
    id: str  # a UUID drawn with the form, so that sending the form twice is one rating
    study_id: str
    view_id: str  # a view of this study
    rater: str
    score: int | None  # 1 nothing … 5 clear at a glance; None: "I can't tell"
    comment: str
    seconds: float  # from seeing the view to sending the form
    language: Literal["ja", "en"]
    rated_at: datetime = field(default_factory=models.now)


def save(db: Session, rating: Rating) -> Rating:
    """Store it once and read it back: the receipt, to be shown after the transaction has ended.

    Sent before under this id: the first one stays and is the receipt.
    """
    insert_once(db, models.Rating, ["id"], asdict(rating))
    return one(db, Rating, select_as(Rating, models.Rating).where(models.Rating.id == rating.id))


def of_pilot(db: Session, pilot_id: str) -> list[Rating]:
    """Ratings of all the pilot's views, oldest first."""
    query = select_as(Rating, models.Rating).join(models.View, models.View.id == models.Rating.view_id)
    oldest_first = query.order_by(models.Rating.rated_at, models.Rating.id)
    return every(db, Rating, oldest_first.where(models.View.pilot_id == pilot_id))


def of_view(db: Session, view_id: str) -> list[Rating]:
    """Ratings of one view, oldest first."""
    query = select_as(Rating, models.Rating).where(models.Rating.view_id == view_id)
    return every(db, Rating, query.order_by(models.Rating.rated_at, models.Rating.id))


def of_study_by_rater(db: Session, study_id: str, rater: str) -> frozenset[str]:
    """Ids of the views that this person has rated in this study."""
    query = select(models.Rating.view_id)
    return frozenset(db.scalars(query.where(models.Rating.study_id == study_id, models.Rating.rater == rater)))
