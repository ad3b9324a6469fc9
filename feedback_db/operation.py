"""Whether the database does what it is there for, tried out."""

from contextlib import suppress

from sqlalchemy import insert, select

from feedback_db import models
from feedback_db.database import Database
from feedback_db.permits import APP


class _TakenBack(Exception):  # noqa: N818 — it was meant to come
    """Nothing of this transaction is to stay."""


def try_out(database: Database) -> None:
    """Write and read a little, and take it back. Raises SQLAlchemyError where the database does not take it."""
    m = models.Job
    row = {"fingerprint": "try-out", "kind": "", "spec": {}}
    with suppress(_TakenBack), database.session(APP) as db:
        db.execute(insert(m).values(row))
        db.scalars(select(m.fingerprint).where(m.fingerprint == row["fingerprint"])).one()
        raise _TakenBack
