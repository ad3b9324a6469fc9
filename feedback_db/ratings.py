"""What people answered in studies. It is only ever added: a correction is a row more, which names the one before."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeVar

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from feedback_db import models, permits
from feedback_db.models import Json
from feedback_db.permits import may
from feedback_db.raters import Rater
from feedback_db.rows import every, insert_once, one, select_as
from feedback_db.studies import Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What all answers have."""

    id: str  # a UUID drawn with the form, so that sending the form twice is one answer
    study_id: str
    item_id: str  # of this study
    rater_id: str  # likewise
    seconds: float  # from seeing it to answering
    language: Literal["ja", "en"]
    corrects: str | None = None  # this person's earlier answer to the same item
    rated_at: datetime = field(default_factory=models.now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating(Given):
    """How understandable somebody found a view."""

    score: int | None  # 1 nothing … 5 clear at a glance; None: "I can't tell"
    reasons: list[str] = field(default_factory=list)  # codes of the chips that were tapped
    comment: str = ""
    previs: Json | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskAnswer(Given):
    """What somebody answered in a quiz."""

    choice: Json | None  # {"choice": …}; None: "I can't tell"
    right: bool
    chance: float
    confidence: int | None = None  # 1 a guess … 3 sure


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference(Given):
    """Which of two views somebody called clearer."""

    view_id: str | None  # None: "I can't tell"


Said = Rating | TaskAnswer | Preference
S = TypeVar("S", Rating, TaskAnswer, Preference)
TABLES: dict[type[Any], type[Any]] = {
    Rating: models.Rating,
    TaskAnswer: models.TaskAnswer,
    Preference: models.Preference,
}


@dataclass(frozen=True, slots=True)
class Answered:
    """All that one person answered to one item, as it stands now."""

    rater_id: str
    seat: int
    name: str
    literacy: Json | None
    item: Item
    rating: Rating | None
    task: TaskAnswer | None
    preference: Preference | None


@dataclass(frozen=True, slots=True)
class Rated:
    """A rating of one of the pilot's views, as it stands now."""

    view_id: str
    study_id: str
    rater: str  # the name that somebody gave; without one, an id
    score: int | None
    comment: str
    rated_at: datetime


@may("lead", "manager", "rater")
def save(db: Session, said: S) -> S:
    """Store it once and read it back: the receipt, to be shown after the transaction has ended.

    Sent before under this id: the first one stays and is the receipt.
    """
    permits.within(db, said.study_id)
    record, model = type(said), TABLES[type(said)]
    insert_once(db, model, ["id"], asdict(said))
    return one(db, record, _select(record).where(model.id == said.id))


@may("lead", "manager", "rater")
def answered_by(db: Session, rater: Rater) -> frozenset[str]:
    """Ids of the items that this person has answered."""
    permits.within(db, rater.study_id)
    found: set[str] = set()
    for model in TABLES.values():
        found |= set(db.scalars(select(model.item_id).where(model.rater_id == rater.id)))
    return frozenset(found)


@may("lead", "manager")
def of_study(db: Session, study_id: str) -> list[Answered]:
    """Every person's answers, person by person in the order of the items."""
    m, r = models.StudyItem, models.Rater
    items = {item.id: item for item in every(db, Item, select_as(Item, m).where(m.study_id == study_id))}
    people = {row.id: row for row in db.execute(select(r.id, r.seat, r.name, r.literacy).where(r.study_id == study_id))}
    given = {
        record: _now(every(db, record, _select(record).where(model.study_id == study_id)))
        for record, model in TABLES.items()
    }
    keys = sorted(
        {key for rows in given.values() for key in rows}, key=lambda key: (people[key[0]].seat, items[key[1]].number)
    )
    return [
        Answered(
            *people[key[0]],
            items[key[1]],
            given[Rating].get(key),
            given[TaskAnswer].get(key),
            given[Preference].get(key),
        )
        for key in keys
    ]


@may("lead", "manager")
def of_pilot(db: Session, pilot_id: str) -> list[Rated]:
    """Ratings of the pilot's views, oldest first; not those of a map that somebody saw for the second time."""
    item, rater, view = models.StudyItem, models.Rater, models.View
    of_views = view.pilot_id == pilot_id, item.kind == "view"
    query = _select(Rating).join(item, item.id == models.Rating.item_id).join(view, view.id == item.view_id)
    standing = sorted(_now(every(db, Rating, query.where(*of_views))).values(), key=lambda one: (one.rated_at, one.id))
    shown = select(item.id, item.view_id).join(view, view.id == item.view_id).where(*of_views)
    views = {one.id: one.view_id for one in db.execute(shown)}
    people = select(rater.id, rater.name).join(models.Study, models.Study.id == rater.study_id)
    names = {id_: name or id_ for id_, name in db.execute(people.where(models.Study.pilot_id == pilot_id))}
    return [
        Rated(views[one.item_id], one.study_id, names[one.rater_id], one.score, one.comment, one.rated_at)
        for one in standing
    ]


def _now(rows: Iterable[S]) -> dict[tuple[str, str], S]:
    """By person and item, the answer that stands: not one that was corrected; of two devices' answers, the first."""
    rows = list(rows)
    corrected = {(one.rater_id, one.item_id, one.corrects) for one in rows if one.corrects}
    standing = [one for one in rows if (one.rater_id, one.item_id, one.id) not in corrected]
    first_last = sorted(standing, key=lambda one: (one.rated_at, one.id), reverse=True)
    return {(one.rater_id, one.item_id): one for one in first_last}


def _select(record: type[Any]) -> Select[Any]:
    return select_as(record, TABLES[record])
