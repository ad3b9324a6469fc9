"""Whole copies of a database: from SQLite or PostgreSQL into one SQLite file that any program opens, and back."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    URL,
    ColumnElement,
    Connection,
    DateTime,
    Inspector,
    MetaData,
    NullPool,
    Table,
    Text,
    cast,
    create_engine,
    event,
    func,
    insert,
    select,
)
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeDecorator

from feedback_db import ledger, models
from feedback_db.database import Database, connect, version
from feedback_db.errors import N_, Trouble
from feedback_db.permits import LOCAL, may

VERSION_TABLE = "alembic_version"
# Who is signed in, and links that let somebody in once: an old copy must not let in who was signed out, or came, since.
LEFT_OUT = ("link", "login")
ROWS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Facts:
    """By which a copy is held against what it was made of."""

    revision: str  # of the tables; "": there are none
    rows: dict[str, int]  # table → number of rows
    newest: str  # ISO time of the newest answer of any kind, UTC; "": none
    ledger: dict[str, list[int]]  # pilot → numbers of its ledger's entries that somebody changed by hand


class _JsonText(TypeDecorator[str]):
    """PostgreSQL's JSON as the text that was stored, and not as Python would write it anew."""

    impl = Text
    cache_ok = True

    def column_expression(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        return cast(column, Text)

    def bind_expression(self, bindparam: ColumnElement[Any]) -> ColumnElement[Any]:
        return cast(bindparam, JSON)


def of_file(file: Path) -> Database:
    """To write to."""
    return connect(URL.create("sqlite", database=str(file)))


def sealed(file: Path) -> Database:
    """A finished copy, to look at: nothing in its folder is written, so it may lie on a disk that cannot be."""
    address = f"{file.resolve().as_uri()}?immutable=1"
    return Database(create_engine("sqlite://", creator=lambda: sqlite3.connect(address, uri=True), poolclass=NullPool))


@may("lead")
def facts(db: Session) -> Facts:
    connection = db.connection()
    tables = tables_of(connection)
    rows = {table.name: connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables}
    times = [connection.scalar(select(func.max(table.c.rated_at))) for table in tables if "rated_at" in table.c]
    pilots = db.scalars(select(models.Pilot.id)).all() if "ledger" in rows else []
    wrong = {pilot_id: ledger.verify(db, pilot_id) for pilot_id in pilots}
    newest = max((time for time in times if time), default=None)
    told = {pilot_id: numbers for pilot_id, numbers in wrong.items() if numbers}
    return Facts(version(connection), rows, newest.isoformat() if newest else "", told)


def copy(source: Database, file: Path) -> Facts:
    """Make a copy while people go on writing, check it, and return what the check found. It lacks LEFT_OUT.

    Raises Trouble where the copy is not sound, or is not what the source was between beginning and end.
    """
    with source.reading(LOCAL) as db:
        before = facts(db)
    if source.engine.dialect.name == "sqlite":
        with closing(source.engine.raw_connection()) as connection:
            connection.cursor().execute("VACUUM INTO ?", (str(file),))
        _forget_logins(file)
    else:
        _gather(source, before.revision, file)
    with source.reading(LOCAL) as db:
        after = facts(db)
    found = checked(file)
    if (why := _differs(before, found, after)) is not None:
        raise Trouble(
            N_("The copy of the database is not what the database holds: {what}."),
            N_("Nothing was kept of it. Try again."),
            what=why,
        )
    return found


def checked(file: Path) -> Facts:
    """Read the whole copy. Raises Trouble where it is not sound."""
    database = sealed(file)
    try:
        with database.reading(LOCAL) as db:
            if complaints(db.connection(), "integrity_check"):
                raise damaged(file)
            return facts(db)
    except DatabaseError as error:
        raise damaged(file) from error
    finally:
        database.close()


def complaints(connection: Connection, check: str) -> Sequence[object]:
    """What SQLite finds wrong in pages and indexes (by `check`), and rows that name others which are not there."""
    wrong = connection.exec_driver_sql(f"PRAGMA {check}").scalars().all()
    return [one for one in wrong if one != "ok"] or connection.exec_driver_sql("PRAGMA foreign_key_check").all()


def damaged(file: Path) -> Trouble:
    return Trouble(
        N_("The copy {file} is damaged."), N_("Try again; if it stays so, have the disk looked at."), file=file
    )


def pour(source: Database, target: Connection) -> None:
    """Put every row into the same, empty tables of another database."""
    with source.engine.connect() as plain:
        # One moment of the source, however long it takes; SQLite's transactions are that anyway.
        level = "REPEATABLE READ" if plain.dialect.name == "postgresql" else "SERIALIZABLE"
        connection = plain.execution_options(isolation_level=level, yield_per=ROWS_AT_ONCE)
        filled = {table.name: table for table in tables_of(connection)}
        for table in tables_of(target):
            if table.name in LEFT_OUT:
                continue
            for rows in connection.execute(select(filled[table.name])).mappings().partitions():
                target.execute(insert(table), [dict(row) for row in rows])


def tables_of(connection: Connection) -> list[Table]:
    """As they are in the database, whatever its version; those that others refer to first."""
    found = MetaData()
    event.listen(found, "column_reflect", _portable)
    found.reflect(connection)
    return [table for table in found.sorted_tables if table.name != VERSION_TABLE]


def _portable(inspector: Inspector, _table: Table, column: dict[str, Any]) -> None:
    """Both databases hand over the same: aware times, and JSON as it was written."""
    if isinstance(column["type"], DateTime):
        column["type"] = models.Moment()
    elif isinstance(column["type"], JSON):
        column["type"] = _JsonText() if inspector.dialect.name == "postgresql" else Text()


def _gather(source: Database, revision: str, file: Path) -> None:
    target = of_file(file)
    target.upgrade(revision)
    with target.engine.begin() as connection:
        pour(source, connection)
    target.close()


def _forget_logins(file: Path) -> None:
    copied = of_file(file)
    with copied.engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA secure_delete=ON")  # nor may they lie in the file's free pages
        for table in tables_of(connection):
            if table.name in LEFT_OUT:
                connection.execute(table.delete())
    copied.close()


def _differs(before: Facts, found: Facts, after: Facts) -> str | None:
    """The first thing that does not fit, in words; None: all does."""
    if found.revision != before.revision:
        return f"version {found.revision!r} instead of {before.revision!r}"
    for name, n in found.rows.items():
        lowest, highest = sorted((before.rows[name], after.rows[name]))
        if name not in LEFT_OUT and not lowest <= n <= highest:
            return f"{n} rows in {name!r} instead of {lowest} to {highest}"
    if found.newest < before.newest:
        return f"the newest answer is of {found.newest or 'no time'} instead of {before.newest}"
    return None if found.ledger == after.ledger else "its ledger"
