"""From rows to records and back, for the modules beside this one."""

from dataclasses import fields
from typing import Any, TypeVar

from sqlalchemy import Select, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from feedback_db import models

R = TypeVar("R")


def select_as(record: type[Any], model: type[models.Base]) -> Select[Any]:
    """Select the model's columns that the record has, in the record's order.

    Columns and not mapped objects: what is read is what the database holds now, never an object cached earlier.
    """
    return select(*(getattr(model, field.name) for field in fields(record)))


def every(db: Session, record: type[R], query: Select[Any]) -> list[R]:
    return [record(**row) for row in db.execute(query).mappings()]


def one(db: Session, record: type[R], query: Select[Any]) -> R:
    """The row that must be there; sqlalchemy.exc.NoResultFound otherwise."""
    return record(**db.execute(query).mappings().one())


def maybe(db: Session, record: type[R], query: Select[Any]) -> R | None:
    row = db.execute(query).mappings().one_or_none()
    return None if row is None else record(**row)


def insert_once(db: Session, model: type[models.Base], key: list[str], values: dict[str, Any]) -> None:
    """Insert, unless a row with this key is there. Every other broken constraint still raises IntegrityError."""
    if db.get_bind().dialect.name == "postgresql":
        db.execute(postgresql.insert(model).values(**values).on_conflict_do_nothing(index_elements=key))
    else:
        db.execute(sqlite.insert(model).values(**values).on_conflict_do_nothing(index_elements=key))


def lock_pilot(db: Session, pilot_id: str) -> int:
    """Hold the pilot until the transaction ends, so that two people cannot both take the next number.

    SQLite needs no such lock: its transactions that may write already run one after the other.

    Returns: the pilot's round.
    """
    return db.execute(select(models.Pilot.round).where(models.Pilot.id == pilot_id).with_for_update()).scalar_one()
