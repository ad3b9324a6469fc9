"""One database: SQLite in a file by default, PostgreSQL by URL, with the same behaviour."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event, func, make_url, select, text
from sqlalchemy.orm import Session, sessionmaker

from feedback_db import permits
from feedback_db.permits import Actor

MIGRATIONS = Path(__file__).parent / "migrations"
MIGRATION_LOCK = 0x50494C4F54  # "PILOT"; any number that all our processes share
BUSY_SECONDS = 5  # for another's transaction: a tablet waits 10 s for its receipt, and a screen stands still meanwhile
START_SECONDS = 30  # likewise, for another app that starts and brings the tables up to date

# NaN would be accepted by SQLite and refused by PostgreSQL; Japanese column names stay legible in the file.
to_json = partial(json.dumps, ensure_ascii=False, allow_nan=False)


class Database:
    """An engine whose every session is one transaction."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._sessions = sessionmaker(engine)
        self._readers = sessionmaker(engine.execution_options(reading=True))

    @contextmanager
    def session(self, actor: Actor) -> Iterator[Session]:
        """One transaction of an actor: all of it is stored when the block ends, none of it when anything is raised.

        On SQLite it holds the only write lock, so no computing and no st.* inside.
        """
        with self._sessions.begin() as db:
            permits.enter(db, actor)
            yield db

    @contextmanager
    def reading(self, actor: Actor) -> Iterator[Session]:
        """Likewise for what is read alone and often: on SQLite it does not wait for those who write."""
        with self._readers.begin() as db:
            permits.enter(db, actor)
            yield db

    def upgrade(self, to: str = "head") -> None:
        """Bring the tables to the newest migration, in one transaction. Processes that start together take turns.

        What people have filled is opened by `health.ready`, which makes a backup before.
        """
        config = _config()
        with self.engine.execution_options(busy_seconds=START_SECONDS).begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
            config.attributes["connection"] = connection
            command.upgrade(config, to)

    def try_out(self) -> None:
        """Write what changes nothing. Raises DBAPIError where nothing can be written."""
        with self.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = version_num"))

    def close(self) -> None:
        """Let go of the file or the server."""
        self.engine.dispose()


def versions() -> list[str]:
    """Of the tables, that this program knows: the newest first."""
    return [one.revision for one in ScriptDirectory.from_config(_config()).walk_revisions()]


def version(connection: Connection) -> str:
    """Of the tables that are there; "": none."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def connect(url: str | URL) -> Database:
    """Open `sqlite:///path` or `postgresql://user@host/name`; nothing is read before the first session.

    The folder of a SQLite file must exist.
    """
    if make_url(url).get_backend_name() == "sqlite":
        return Database(_sqlite(url))
    return Database(create_engine(url, json_serializer=to_json, pool_pre_ping=True))


def journal(version: tuple[int, ...]) -> tuple[str, str]:
    """The safe (journal_mode, synchronous) for a SQLite version.

    SQLite 3.7.0 to 3.51.2 can lose commits when it resets the write-ahead log; only 3.44.6 and 3.50.7 also have
    the fix. Source: https://sqlite.org/wal.html#walresetbug
    """
    fixed = version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)
    return ("WAL", "FULL") if fixed else ("DELETE", "EXTRA")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", MIGRATIONS.as_posix().replace("%", "%%"))
    return config


def _sqlite(url: str | URL) -> Engine:
    engine = create_engine(url, json_serializer=to_json, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "first_connect", _switch_journal)  # kept in the file; under another's lock it would wait
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # Python's driver would start deferred transactions by itself
    connection.execute(f"PRAGMA synchronous={journal(sqlite3.sqlite_version_info)[1]}")
    connection.execute("PRAGMA foreign_keys=ON")


def _switch_journal(connection: sqlite3.Connection, _record: Any) -> None:
    """Set the journal mode. The first switch of a new file, unlike a transaction, does not wait for its turn."""
    mode, give_up = journal(sqlite3.sqlite_version_info)[0], time.monotonic() + START_SECONDS
    while True:
        try:
            connection.execute(f"PRAGMA journal_mode={mode}")
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY  # another app is starting on this file
            if not is_busy or time.monotonic() > give_up:
                raise
            time.sleep(0.05)
        else:
            return


def _begin(connection: Connection) -> None:
    """Take the write lock first: a transaction that reads and then wants to write could not wait for its turn."""
    options = connection.get_execution_options()
    connection.exec_driver_sql(f"PRAGMA busy_timeout={1000 * options.get('busy_seconds', BUSY_SECONDS)}")
    connection.exec_driver_sql("BEGIN" if options.get("reading", False) else "BEGIN IMMEDIATE")
