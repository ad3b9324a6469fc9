"""What people have answered, as the analysis reads it, and how far each of them has come."""

from collections import defaultdict
from dataclasses import dataclass
from statistics import median

from core.answers import Answer, Kind
from feedback_db import raters, ratings, studies
from feedback_db.raters import Rater
from feedback_db.ratings import Answered
from feedback_db.studies import Study
from pages.parts import who
from pages.parts.work import database

FEWEST_TIMES = 5  # answers of a kind whose median says how long the next will take


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has begun."""

    rater: Rater
    n_answered: int

    @property
    def is_done(self) -> bool:
        return self.n_answered >= len(self.rater.asked)


def people_of(study: Study) -> list[Person]:
    """By seat."""
    with database().session(who.here()) as db:
        here = raters.of_study(db, study.id)
        return [Person(one, len(ratings.answered_by(db, one))) for one in here]


def of_study(study: Study) -> list[Answer]:
    """Every answer that stands."""
    with database().session(who.here()) as db:
        given = ratings.of_study(db, study.id)
    return [answer_of(one) for one in given]


def of_pilot(pilot_id: str) -> list[Answer]:
    """Likewise, of all the pilot's studies, oldest first."""
    with database().session(who.here()) as db:
        all_studies = studies.of_pilot(db, pilot_id)
    return [answer for study in reversed(all_studies) for answer in of_study(study)]


def answer_of(one: Answered) -> Answer:
    rating, task, preference = one.rating, one.task, one.preference
    timed = rating or preference
    return Answer(
        rater=one.rater_id,
        item=one.item.id,
        kind=one.item.kind,
        view=one.item.view_id or "",
        other=one.item.other_view_id or "",
        score=rating and rating.score,
        task=one.item.task["quiz"]["kind"] if one.item.task and "quiz" in one.item.task else None,
        right=task.right if task else None,
        chance=task.chance if task else None,
        confidence=task.confidence if task else None,
        preferred=preference.view_id if preference else None,
        seconds=timed.seconds if timed else None,
        task_seconds=task.seconds if task else None,
    )


def seconds_of(answers: list[Answer]) -> dict[Kind, float]:
    """How long an item of each kind took, the median; kinds that hardly anybody has met are left out."""
    found: dict[Kind, list[float]] = defaultdict(list)
    for one in answers:
        found[one.kind].append((one.seconds or 0.0) + (one.task_seconds or 0.0))
    return {kind: median(times) for kind, times in found.items() if len(times) >= FEWEST_TIMES}
