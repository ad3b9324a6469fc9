"""Studies: which views people are asked about, what exactly is asked, and what was done to a study when."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.orm import Session

from feedback_db import models, permits
from feedback_db.models import Json
from feedback_db.permits import may
from feedback_db.rows import every, lock_pilot, maybe, select_as


@dataclass(frozen=True, slots=True)
class Study:
    id: str
    pilot_id: str
    round: int  # the pilot's, when it was opened
    seed: int  # of the blinded order
    design: Json  # {}: opened before studies had one
    opened_at: datetime
    closed_at: datetime | None  # None: people can answer
    view_ids: tuple[str, ...]  # in the order given at the opening


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that may be asked."""

    number: int  # from 0, within the study
    kind: str
    view_id: str | None = None  # of this study; None: of no view of the pilot
    other_view_id: str | None = None
    task: Json | None = None  # with the right answer
    id: str = field(default_factory=models.new_id)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was done to a study."""

    at: datetime
    what: str
    detail: Json


@may("lead")
def open_with(db: Session, pilot_id: str, view_ids: list[str], seed: int, design: Json, items: Sequence[Item]) -> Study:
    """Ask people about these views. A pilot asks one thing at a time: the study that was open closes.

    Raises ValueError for no views, or a view of another pilot.
    """
    this_round = lock_pilot(db, pilot_id)
    own = select(models.View.id).where(models.View.pilot_id == pilot_id)
    if not view_ids or not set(view_ids) <= set(db.scalars(own)):
        raise ValueError(f"a study of pilot {pilot_id} needs views of this pilot: {view_ids}")
    before = current(db, pilot_id)
    if before is not None:
        close(db, before.id)
    study = Study(models.new_id(), pilot_id, this_round, seed, design, models.now(), None, tuple(view_ids))
    values = {"id": study.id, "pilot_id": pilot_id, "round": this_round, "seed": seed, "opened_at": study.opened_at}
    db.execute(insert(models.Study).values(values | {"design": design}))
    places = [{"study_id": study.id, "view_id": id_, "position": i} for i, id_ in enumerate(view_ids)]
    db.execute(insert(models.StudyView), places)
    db.execute(insert(models.StudyItem), [asdict(item) | {"study_id": study.id} for item in items])
    note(db, study.id, "opened", {"views": view_ids, "seed": seed, "design": design, "n_items": len(items)})
    return study


@may("lead", "manager", "rater", "app")
def get(db: Session, study_id: str) -> Study | None:
    return _find(db, models.Study.id == study_id) if permits.reaches(db, study_id) else None


@may("lead", "manager")
def current(db: Session, pilot_id: str) -> Study | None:
    """The pilot's open study."""
    return _find(db, models.Study.pilot_id == pilot_id, models.Study.closed_at.is_(None))


@may("lead", "manager")
def of_pilot(db: Session, pilot_id: str) -> list[Study]:
    """The pilot's studies, the newest first."""
    newest_first = select(models.Study.id).order_by(models.Study.opened_at.desc(), models.Study.id)
    ids = db.scalars(newest_first.where(models.Study.pilot_id == pilot_id)).all()
    return [study for id_ in ids if (study := get(db, id_)) is not None]


@may("lead", "manager", "rater")
def items(db: Session, study_id: str) -> list[Item]:
    """What may be asked, by number."""
    permits.within(db, study_id)
    query = select_as(Item, models.StudyItem).where(models.StudyItem.study_id == study_id)
    return every(db, Item, query.order_by(models.StudyItem.number))


@may("lead", "manager", "rater")
def item(db: Session, study_id: str, item_id: str) -> Item | None:
    """One of them."""
    permits.within(db, study_id)
    m = models.StudyItem
    return maybe(db, Item, select_as(Item, m).where(m.study_id == study_id, m.id == item_id))


@may("lead")
def close(db: Session, study_id: str) -> None:
    """Ask no more. A study that is closed stays as it is."""
    still_open = models.Study.id == study_id, models.Study.closed_at.is_(None)
    if db.scalars(select(models.Study.id).where(*still_open)).one_or_none():
        db.execute(update(models.Study).where(*still_open).values(closed_at=models.now()))
        note(db, study_id, "closed", {})


@may("lead")
def note(db: Session, study_id: str, what: str, detail: Json) -> None:
    """Write into the study's history, in the transaction of the change itself."""
    db.execute(insert(models.StudyEvent).values(study_id=study_id, what=what, detail=detail))


@may("lead", "manager")
def history(db: Session, study_id: str) -> list[Event]:
    """What was done to it, oldest first."""
    query = select_as(Event, models.StudyEvent).where(models.StudyEvent.study_id == study_id)
    return every(db, Event, query.order_by(models.StudyEvent.at, models.StudyEvent.id))


def _find(db: Session, *which: ColumnElement[bool]) -> Study | None:
    m = models.Study
    columns = m.id, m.pilot_id, m.round, m.seed, m.design, m.opened_at, m.closed_at
    row = db.execute(select(*columns).where(*which)).one_or_none()
    if row is None:
        return None
    views = select(models.StudyView.view_id).where(models.StudyView.study_id == row.id)
    return Study(*row, tuple(db.scalars(views.order_by(models.StudyView.position))))
