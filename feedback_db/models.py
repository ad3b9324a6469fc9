"""The tables. Times are aware and UTC, numbers are finite, specs are plain JSON that nothing here interprets."""

import math
import uuid
from datetime import UTC, date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    MetaData,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

Json = dict[str, Any]

STATES = "state IN ('queued', 'running', 'done', 'failed', 'cancelled')"
OPEN = text("closed_at IS NULL")


def new_id() -> str:
    """32 hex digits that nobody can guess or draw twice."""
    return uuid.uuid4().hex


def now() -> datetime:
    """This moment, aware, in UTC."""
    return datetime.now(UTC)


class Moment(TypeDecorator[datetime]):
    """An aware time. SQLite forgets time zones, so it is handed UTC and UTC is put back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError(f"a time without a time zone: {value}")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value and (value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC))


class Number(TypeDecorator[float]):
    """A finite float. SQLite would store NaN as NULL, and so turn a loss that went wrong into "no loss"."""

    impl = Float
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> float | None:
        if value is not None and not math.isfinite(value):
            raise ValueError(f"not a finite number: {value}")
        return value


class Base(DeclarativeBase):
    """Names every constraint, so that a later migration can find it on both databases."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )
    type_annotation_map: ClassVar = {datetime: Moment, float: Number, Json: JSON(none_as_null=True)}


class Pilot(Base):
    """One question, one team, many rounds."""

    __tablename__ = "pilot"
    __table_args__ = (
        CheckConstraint("length(currency) = 3", "currency"),
        CheckConstraint("wage_per_hour >= 0", "wage"),
        CheckConstraint("machine_per_hour >= 0", "machine"),
        CheckConstraint("round >= 1", "round"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    question: Mapped[str]
    team: Mapped[str]
    decision_on: Mapped[date | None]
    currency: Mapped[str] = mapped_column(String(3), default="JPY")
    wage_per_hour: Mapped[float | None]  # in `currency`
    machine_per_hour: Mapped[float | None]  # in `currency`
    round: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(default=now)


class Dataset(Base):
    """An uploaded file, known by its content."""

    __tablename__ = "dataset"
    __table_args__ = (
        UniqueConstraint("pilot_id", "sha256"),
        CheckConstraint("n_rows >= 0 AND n_channels >= 0 AND n_series >= 0", "sizes"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    pilot_id: Mapped[str] = mapped_column(ForeignKey("pilot.id"))
    sha256: Mapped[str] = mapped_column(String(64))
    file_name: Mapped[str]
    reading: Mapped[Json]  # how the bytes are read
    n_rows: Mapped[int]
    n_channels: Mapped[int]
    n_series: Mapped[int]
    look: Mapped[str] = mapped_column(String(64), default="", index=True)  # files that look alike share it; "": unknown
    corrected: Mapped[bool] = mapped_column(default=False)  # a person has changed how it is read
    read_like: Mapped[str] = mapped_column(default="")  # the file whose corrected reading it was given
    created_at: Mapped[datetime] = mapped_column(default=now)


class Recipe(Base):
    """Preprocessing that a pilot has used; with a name, people have saved it."""

    __tablename__ = "recipe"
    __table_args__ = (UniqueConstraint("pilot_id", "fingerprint"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    pilot_id: Mapped[str] = mapped_column(ForeignKey("pilot.id"))
    fingerprint: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(default="")
    spec: Mapped[Json]
    created_at: Mapped[datetime] = mapped_column(default=now)


class View(Base):
    """What a person looks at and rates. Two pilots may keep the same picture; each gives it a number of its own."""

    __tablename__ = "view"
    __table_args__ = (
        UniqueConstraint("pilot_id", "fingerprint"),
        UniqueConstraint("pilot_id", "number"),
        CheckConstraint("loss >= 0", "loss"),
        CheckConstraint("n_windows >= 0", "n_windows"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    pilot_id: Mapped[str] = mapped_column(ForeignKey("pilot.id"))
    fingerprint: Mapped[str] = mapped_column(String(64))  # SHA-256 of all that made it; the artifact's name too
    round: Mapped[int]
    number: Mapped[int]  # 1, 2, 3 … within the pilot: "Map 3"
    spec: Mapped[Json]  # dataset × recipe × encoder × projection
    loss: Mapped[float | None]  # None: this encoder cannot reconstruct
    loss_detail: Mapped[Json | None]
    n_windows: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Run(Base):
    """A fine-tuning run that was asked for. How it goes is its job's; what came of it lies in the artifact store."""

    __tablename__ = "run"
    __table_args__ = (UniqueConstraint("pilot_id", "fingerprint"), UniqueConstraint("pilot_id", "number"))

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    pilot_id: Mapped[str] = mapped_column(ForeignKey("pilot.id"))
    fingerprint: Mapped[str] = mapped_column(String(64))  # SHA-256 of all that decides it; the artifact's name too
    number: Mapped[int]  # 1, 2, 3 … within the pilot
    spec: Mapped[Json]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Study(Base):
    """Which views people are asked about. A pilot has at most one open."""

    __tablename__ = "study"
    __table_args__ = (Index("ix_study_open", "pilot_id", unique=True, sqlite_where=OPEN, postgresql_where=OPEN),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    pilot_id: Mapped[str] = mapped_column(ForeignKey("pilot.id"))
    round: Mapped[int]
    seed: Mapped[int] = mapped_column(BigInteger)  # of the blinded order
    opened_at: Mapped[datetime] = mapped_column(default=now)
    closed_at: Mapped[datetime | None]


class StudyView(Base):
    """A view's place in a study."""

    __tablename__ = "study_view"
    __table_args__ = (UniqueConstraint("study_id", "position"),)

    study_id: Mapped[str] = mapped_column(ForeignKey("study.id"), primary_key=True)
    view_id: Mapped[str] = mapped_column(ForeignKey("view.id"), primary_key=True)
    position: Mapped[int]  # from 0


class Rating(Base):
    """What one person said about one view. Only ever added; its id is drawn with the form."""

    __tablename__ = "rating"
    __table_args__ = (
        ForeignKeyConstraint(["study_id", "view_id"], ["study_view.study_id", "study_view.view_id"]),
        CheckConstraint("score IN (1, 2, 3, 4, 5)", "score"),
        CheckConstraint("seconds >= 0", "seconds"),
        CheckConstraint("language IN ('ja', 'en')", "language"),
        Index(None, "study_id", "rater"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    study_id: Mapped[str] = mapped_column(String(32))
    view_id: Mapped[str] = mapped_column(String(32), index=True)
    rater: Mapped[str]
    score: Mapped[int | None]  # None: "I can't tell"
    comment: Mapped[str]
    seconds: Mapped[float]
    language: Mapped[str] = mapped_column(String(2))
    rated_at: Mapped[datetime]


class Job(Base):
    """Long work, named by the fingerprint of what it makes."""

    __tablename__ = "job"
    __table_args__ = (CheckConstraint(STATES, "state"), CheckConstraint("attempt >= 1", "attempt"))

    fingerprint: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str]
    spec: Mapped[Json]
    state: Mapped[str] = mapped_column(default="queued")
    stage: Mapped[str] = mapped_column(default="")
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    attempt: Mapped[int] = mapped_column(default=1)
    heartbeat_at: Mapped[datetime | None]
    error: Mapped[Json | None]  # {problem, remedy, facts}: message ids, so that a screen can translate them
    created_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]
