"""How much the database holds, for whoever looks after the computer."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from feedback_db import models
from feedback_db.permits import may

Kind = Literal["sqlite", "postgresql"]
ANSWERS = (models.Rating, models.TaskAnswer, models.Preference)
SIZES: dict[Kind, str] = {
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
    "postgresql": "SELECT pg_database_size(current_database())",
}


@dataclass(frozen=True, slots=True)
class Holdings:
    kind: Kind
    size: int  # bytes
    n_pilots: int
    n_answers: int  # of every kind, corrections too


@may("lead", "app")
def now(db: Session) -> Holdings:
    kind: Kind = "postgresql" if db.get_bind().dialect.name == "postgresql" else "sqlite"
    n_pilots, *n_answers = (db.scalar(select(func.count()).select_from(one)) or 0 for one in (models.Pilot, *ANSWERS))
    return Holdings(kind, int(db.scalar(text(SIZES[kind])) or 0), n_pilots, sum(n_answers))
