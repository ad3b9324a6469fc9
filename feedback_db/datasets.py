"""Datasets: uploaded files, each known by its content."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from feedback_db import models
from feedback_db.models import Json
from feedback_db.permits import may
from feedback_db.rows import every, insert_once, maybe, one, select_as


@dataclass(frozen=True, slots=True)
class Dataset:
    id: str
    pilot_id: str
    sha256: str  # of the bytes
    file_name: str  # as the user named it
    reading: Json  # how the bytes are read
    n_rows: int
    n_channels: int
    n_series: int
    look: str  # files that look alike share it; "": unknown
    corrected: bool  # a person has changed how it is read
    read_like: str  # the file whose corrected reading it was given
    created_at: datetime


@may("lead")
def add(
    db: Session,
    pilot_id: str,
    *,
    sha256: str,
    file_name: str,
    reading: Json,
    n_rows: int,
    n_channels: int,
    n_series: int,
    look: str = "",
    read_like: str = "",
) -> Dataset:
    """The pilot's dataset with these bytes. Added before: the first row stays, with the reading people corrected."""
    values: Json = {"pilot_id": pilot_id, "sha256": sha256, "file_name": file_name, "reading": reading}
    values |= {"look": look, "read_like": read_like}
    sizes = {"n_rows": n_rows, "n_channels": n_channels, "n_series": n_series}
    insert_once(db, models.Dataset, ["pilot_id", "sha256"], values | sizes)
    same = models.Dataset.pilot_id == pilot_id, models.Dataset.sha256 == sha256
    return one(db, Dataset, select_as(Dataset, models.Dataset).where(*same))


@may("lead", "manager")
def get(db: Session, dataset_id: str) -> Dataset | None:
    return maybe(db, Dataset, select_as(Dataset, models.Dataset).where(models.Dataset.id == dataset_id))


@may("lead", "manager")
def of_pilot(db: Session, pilot_id: str) -> list[Dataset]:
    """The pilot's datasets, in the order of their upload."""
    query = select_as(Dataset, models.Dataset).where(models.Dataset.pilot_id == pilot_id)
    return every(db, Dataset, query.order_by(models.Dataset.created_at, models.Dataset.id))


@may("lead")
def corrected_like(db: Session, look: str) -> Dataset | None:
    """The newest dataset of this look that a person has corrected, in whichever pilot."""
    of_look = models.Dataset.look == look, models.Dataset.corrected
    query = select_as(Dataset, models.Dataset).where(*of_look).order_by(models.Dataset.created_at.desc()).limit(1)
    return maybe(db, Dataset, query)


@may("lead")
def update_reading(
    db: Session, dataset_id: str, *, reading: Json, n_rows: int, n_channels: int, n_series: int
) -> Dataset:
    """Read the same bytes in another way from now on, and files that look alike too."""
    this = models.Dataset.id == dataset_id
    sizes = {"n_rows": n_rows, "n_channels": n_channels, "n_series": n_series}
    db.execute(update(models.Dataset).where(this).values(reading=reading, corrected=True, **sizes))
    return one(db, Dataset, select_as(Dataset, models.Dataset).where(this))
