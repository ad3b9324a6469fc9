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
ITEM_KINDS = "('view', 'repeat', 'null', 'check', 'quiz', 'plain', 'pair')"
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
    why: Mapped[str] = mapped_column(default="")  # it was changed to this, in somebody's words
    expects: Mapped[Json | None]  # {"error": …, "clarity": …}, said when it was kept; None: nothing was said
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
    """Which views people are asked about, and how. A pilot has at most one open."""

    __tablename__ = "study"
    __table_args__ = (Index("ix_study_open", "pilot_id", unique=True, sqlite_where=OPEN, postgresql_where=OPEN),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    pilot_id: Mapped[str] = mapped_column(ForeignKey("pilot.id"))
    round: Mapped[int]
    seed: Mapped[int] = mapped_column(BigInteger)  # of the blinded order
    design: Mapped[Json]  # {} where it was opened before studies had one
    opened_at: Mapped[datetime] = mapped_column(default=now)
    closed_at: Mapped[datetime | None]


class StudyView(Base):
    """A view's place in a study."""

    __tablename__ = "study_view"
    __table_args__ = (UniqueConstraint("study_id", "position"),)

    study_id: Mapped[str] = mapped_column(ForeignKey("study.id"), primary_key=True)
    view_id: Mapped[str] = mapped_column(ForeignKey("view.id"), primary_key=True)
    position: Mapped[int]  # from 0


class StudyItem(Base):
    """One thing that may be asked in a study. Its right answer is here and nowhere in a rater's browser."""

    __tablename__ = "study_item"
    __table_args__ = (
        UniqueConstraint("study_id", "number"),
        UniqueConstraint("study_id", "id"),
        ForeignKeyConstraint(["study_id", "view_id"], ["study_view.study_id", "study_view.view_id"]),
        ForeignKeyConstraint(["study_id", "other_view_id"], ["study_view.study_id", "study_view.view_id"]),
        CheckConstraint(f"kind IN {ITEM_KINDS}", "kind"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    study_id: Mapped[str] = mapped_column(ForeignKey("study.id"))
    number: Mapped[int]  # from 0
    kind: Mapped[str]
    view_id: Mapped[str | None] = mapped_column(String(32))  # None: of no view of the pilot
    other_view_id: Mapped[str | None] = mapped_column(String(32))  # of a pair, the one on the right
    task: Mapped[Json | None]  # what the quiz shows and which answer is right; None: no quiz


class Invitation(Base):
    """An address that lets people into a study: one person, or whoever has it."""

    __tablename__ = "invitation"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    study_id: Mapped[str] = mapped_column(ForeignKey("study.id"), index=True)
    token: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str]  # of the person; "" for a shared one
    is_shared: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    pin: Mapped[str] = mapped_column(default="")  # its hash; "": none is asked for


class Rater(Base):
    """Somebody who has begun a study, in a seat of its own, which decides the order of what is asked."""

    __tablename__ = "rater"
    __table_args__ = (UniqueConstraint("study_id", "seat"), UniqueConstraint("study_id", "id"))

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    study_id: Mapped[str] = mapped_column(ForeignKey("study.id"))
    invitation_id: Mapped[str | None] = mapped_column(ForeignKey("invitation.id"))
    seat: Mapped[int]  # from 0, in the order of beginning
    name: Mapped[str]
    token: Mapped[str] = mapped_column(String(64), unique=True)
    asked: Mapped[list[int]] = mapped_column(JSON)  # numbers of items, in order
    literacy: Mapped[Json | None]  # what was answered to the questions on reading a map, and how many were right
    began_at: Mapped[datetime] = mapped_column(default=now)


class _Given:
    """What all answers of people have. They are only ever added; their ids are drawn with the form."""

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    study_id: Mapped[str] = mapped_column(String(32))
    item_id: Mapped[str] = mapped_column(String(32), index=True)
    rater_id: Mapped[str] = mapped_column(String(32), index=True)
    seconds: Mapped[float]
    language: Mapped[str] = mapped_column(String(2))
    corrects: Mapped[str | None] = mapped_column(String(36))  # id of this person's answer that this one replaces
    rated_at: Mapped[datetime] = mapped_column(default=now)


def _given(*more: CheckConstraint) -> tuple[Any, ...]:
    """An answer belongs to a person and an item of one study."""
    return (
        ForeignKeyConstraint(["study_id", "item_id"], ["study_item.study_id", "study_item.id"]),
        ForeignKeyConstraint(["study_id", "rater_id"], ["rater.study_id", "rater.id"]),
        CheckConstraint("seconds >= 0", "seconds"),
        CheckConstraint("language IN ('ja', 'en')", "language"),
        *more,
    )


class Rating(_Given, Base):
    """What one person said about one view."""

    __tablename__ = "rating"
    __table_args__ = _given(CheckConstraint("score IN (1, 2, 3, 4, 5)", "score"))

    score: Mapped[int | None]  # None: "I can't tell"
    reasons: Mapped[list[str]] = mapped_column(JSON)  # codes of the chips that were tapped
    comment: Mapped[str]
    previs: Mapped[Json | None]  # scale → item → 1 … 7 or None; None: not asked


class TaskAnswer(_Given, Base):
    """What one person answered in one quiz."""

    __tablename__ = "task_answer"
    __table_args__ = _given(CheckConstraint("confidence IN (1, 2, 3)", "confidence"))

    choice: Mapped[Json | None]  # {"choice": …} as the browser sent it; None: "I can't tell"
    right: Mapped[bool]
    chance: Mapped[float]  # of being right by guessing
    confidence: Mapped[int | None]


class Preference(_Given, Base):
    """Which of two views one person called clearer."""

    __tablename__ = "preference"
    __table_args__ = _given()

    view_id: Mapped[str | None] = mapped_column(ForeignKey("view.id"))  # None: "I can't tell"


class StudyEvent(Base):
    """A change of a study, for whoever asks later what was done when."""

    __tablename__ = "study_event"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    study_id: Mapped[str] = mapped_column(ForeignKey("study.id"), index=True)
    at: Mapped[datetime] = mapped_column(default=now)
    what: Mapped[str]
    detail: Mapped[Json]


class Assumption(Base):
    """A number that somebody put into the reckoning of costs and benefits. Only ever added; the last one counts."""

    __tablename__ = "assumption"
    __table_args__ = (CheckConstraint("low <= likely AND likely <= high", "order"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    pilot_id: Mapped[str] = mapped_column(ForeignKey("pilot.id"), index=True)
    name: Mapped[str]
    low: Mapped[float]
    likely: Mapped[float]
    high: Mapped[float]
    source: Mapped[str]  # where it comes from, in somebody's words
    set_at: Mapped[datetime] = mapped_column(default=now)


class Misreading(Base):
    """What could be read wrongly, as somebody has put it. Only ever added; the last one with a key counts."""

    __tablename__ = "misreading"
    __table_args__ = (CheckConstraint("cost IN ('small', 'middling', 'large')", "cost"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    pilot_id: Mapped[str] = mapped_column(ForeignKey("pilot.id"), index=True)
    key: Mapped[str]  # of an entry that the program proposes, or drawn for one of somebody's own
    what: Mapped[str]  # in somebody's words; "": as the program puts it
    cost: Mapped[str]
    guard: Mapped[str]  # against it; "": as the program puts it
    is_gone: Mapped[bool]
    set_at: Mapped[datetime] = mapped_column(default=now)


class Placement(Base):
    """New data that was placed on a kept view. What came of it lies in the artifact store."""

    __tablename__ = "placement"
    __table_args__ = (UniqueConstraint("view_id", "fingerprint"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    view_id: Mapped[str] = mapped_column(ForeignKey("view.id"))
    fingerprint: Mapped[str] = mapped_column(String(64))  # SHA-256 of all that decides it; the artifact's name too
    spec: Mapped[Json]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Visit(Base):
    """A time that somebody worked on one screen of a pilot without a long pause."""

    __tablename__ = "visit"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    pilot_id: Mapped[str] = mapped_column(ForeignKey("pilot.id"), index=True)
    screen: Mapped[str]
    began_at: Mapped[datetime] = mapped_column(default=now)
    last_at: Mapped[datetime] = mapped_column(default=now)


class LedgerEntry(Base):
    """What a pilot has settled: rules, limits and decisions. Each entry holds the hash of the one before."""

    __tablename__ = "ledger"
    __table_args__ = (UniqueConstraint("pilot_id", "number"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    pilot_id: Mapped[str] = mapped_column(ForeignKey("pilot.id"))
    number: Mapped[int]  # 1, 2, 3 … within the pilot
    kind: Mapped[str]  # rules, decision, limits
    content: Mapped[Json]
    at: Mapped[datetime]
    before: Mapped[str] = mapped_column(String(64))  # hash of the entry before; "" of the first
    hash: Mapped[str] = mapped_column(String(64))  # SHA-256 of all of the above but the id


class Person(Base):
    """Somebody who runs pilots or decides on them."""

    __tablename__ = "person"
    __table_args__ = (CheckConstraint("role IN ('lead', 'manager')", "role"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    name: Mapped[str]  # "" until the first lead has chosen one
    key: Mapped[str | None] = mapped_column(unique=True)  # the name in small letters, as long as it lets somebody in
    role: Mapped[str]
    email: Mapped[str | None] = mapped_column(unique=True)  # of the company account, likewise
    passphrase: Mapped[str] = mapped_column(default="")  # its hash; "": none was chosen yet
    created_at: Mapped[datetime] = mapped_column(default=now)
    revoked_at: Mapped[datetime | None]


class Link(Base):
    """A link that works once, for somebody to choose a passphrase with."""

    __tablename__ = "link"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]  # or made void by a later one


class Login(Base):
    """A browser in which somebody is signed in, or a tablet that came in with an invitation."""

    __tablename__ = "login"
    __table_args__ = (CheckConstraint("(person_id IS NULL) <> (invitation_id IS NULL)", "whose"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"), index=True)
    invitation_id: Mapped[str | None] = mapped_column(ForeignKey("invitation.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


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
    began_at: Mapped[datetime | None]  # this attempt, after waiting for its turn
    ended_at: Mapped[datetime | None]
