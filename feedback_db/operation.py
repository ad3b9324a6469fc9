"""How the app does, for whoever runs it: numbers of what is kept, and whether the database takes what it is given."""

from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from feedback_db import models
from feedback_db.database import Database
from feedback_db.models import now
from feedback_db.permits import APP, may

ANSWERS = {"rating": models.Rating, "task": models.TaskAnswer, "preference": models.Preference}
STATES = ("queued", "running", "done", "failed", "cancelled")
SIZES = {  # of the database, in bytes
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
    "postgresql": "SELECT pg_database_size(current_database())",
}


@dataclass(frozen=True, slots=True)
class Counts:
    jobs: dict[str, int]  # by state, every state
    oldest_queued_seconds: float  # how long it has waited; 0 where none waits
    answers: dict[str, int]  # stored, by kind
    database_bytes: int


class _TakenBack(Exception):  # noqa: N818 — it was meant to come
    """Nothing of this transaction is to stay."""


@may("lead", "app")
def counts(db: Session) -> Counts:
    j = models.Job
    found = dict(db.execute(select(j.state, func.count()).group_by(j.state)).tuples().all())
    oldest = db.scalars(select(func.min(j.created_at)).where(j.state == "queued")).one()
    waiting = 0.0 if oldest is None else (now() - oldest).total_seconds()
    answers = {kind: db.scalars(select(func.count()).select_from(model)).one() for kind, model in ANSWERS.items()}
    size = db.connection().exec_driver_sql(SIZES[db.connection().dialect.name]).scalar_one()
    return Counts({state: found.get(state, 0) for state in STATES}, max(waiting, 0.0), answers, int(size))


def try_out(database: Database) -> None:
    """Read and write a little, and take it back. Raises SQLAlchemyError where the database does not take it."""
    m = models.Job
    row = {"fingerprint": "try-out", "kind": "", "spec": {}}
    with suppress(_TakenBack), database.session(APP) as db:
        db.execute(insert(m).values(row))
        db.scalars(select(m.fingerprint).where(m.fingerprint == row["fingerprint"])).one()
        raise _TakenBack
