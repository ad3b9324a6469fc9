"""Studies: which views people are asked about."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.orm import Session

from feedback_db import models
from feedback_db.rows import lock_pilot


@dataclass(frozen=True, slots=True)
class Study:
    id: str
    pilot_id: str
    round: int  # the pilot's, when it was opened
    seed: int  # of the blinded order
    opened_at: datetime
    closed_at: datetime | None  # None: people can answer
    view_ids: tuple[str, ...]  # in the order given at the opening


def open_with(db: Session, pilot_id: str, view_ids: list[str], seed: int) -> Study:
    """Ask people about these views. A pilot asks one thing at a time: the study that was open closes.

    Raises ValueError for no views, or a view of another pilot.
    """
    this_round = lock_pilot(db, pilot_id)
    own = select(models.View.id).where(models.View.pilot_id == pilot_id)
    if not view_ids or not set(view_ids) <= set(db.scalars(own)):
        raise ValueError(f"a study of pilot {pilot_id} needs views of this pilot: {view_ids}")
    _close(db, models.Study.pilot_id == pilot_id)
    study = Study(models.new_id(), pilot_id, this_round, seed, models.now(), None, tuple(view_ids))
    values = {"id": study.id, "pilot_id": pilot_id, "round": this_round, "seed": seed, "opened_at": study.opened_at}
    db.execute(insert(models.Study).values(values))
    places = [{"study_id": study.id, "view_id": id_, "position": i} for i, id_ in enumerate(view_ids)]
    db.execute(insert(models.StudyView), places)
    return study


def get(db: Session, study_id: str) -> Study | None:
    return _find(db, models.Study.id == study_id)


def current(db: Session, pilot_id: str) -> Study | None:
    """The pilot's open study."""
    return _find(db, models.Study.pilot_id == pilot_id, models.Study.closed_at.is_(None))


def close(db: Session, study_id: str) -> None:
    """Ask no more. A study that is closed stays as it is."""
    _close(db, models.Study.id == study_id)


def _close(db: Session, which: ColumnElement[bool]) -> None:
    db.execute(update(models.Study).where(which, models.Study.closed_at.is_(None)).values(closed_at=models.now()))


def _find(db: Session, *which: ColumnElement[bool]) -> Study | None:
    m = models.Study
    row = db.execute(select(m.id, m.pilot_id, m.round, m.seed, m.opened_at, m.closed_at).where(*which)).one_or_none()
    if row is None:
        return None
    views = select(models.StudyView.view_id).where(models.StudyView.study_id == row.id)
    return Study(*row, tuple(db.scalars(views.order_by(models.StudyView.position))))
