"""A database is looked at before an app uses it: an ill one is told with its remedy, and none is changed uncopied."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError, OperationalError

from feedback_db import backup, copies
from feedback_db.database import Database, connect, version, versions
from feedback_db.errors import N_, Trouble, not_writable, of_sqlite
from feedback_db.permits import LOCAL
from feedback_db.restore import too_new


def ready(url: str, backups: Path) -> Database:
    """Open a database that is well, and bring it to this program's version; a backup is made before.

    Raises Trouble where it is ill, out of reach, or newer than this program.
    """
    database = connect(url)
    try:
        with _told(database, backups):
            if database.engine.dialect.name == "sqlite":
                _check_file(database, backups)
            else:
                _check_server(database)
            _bring_up(database, backups)
    except BaseException:
        database.close()
        raise
    return database


def _check_file(database: Database, backups: Path) -> None:
    folder = _folder(database)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise not_writable(folder) from error
    with database.engine.begin() as connection:
        if copies.complaints(connection, "quick_check"):
            raise _ill(folder, backups)
        # Writing what is there anyway shows a disk that is full, and a file or folder that is read-only.
        was = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        connection.exec_driver_sql(f"PRAGMA user_version={was}")


def _check_server(database: Database) -> None:
    try:
        database.engine.connect().close()
    except OperationalError as error:
        raise Trouble(
            N_("The database server does not answer, or does not let this app in."),
            N_("Start PostgreSQL, or correct PILOT_DATABASE_URL, then start again."),
        ) from error


def _bring_up(database: Database, backups: Path) -> None:
    with database.engine.begin() as connection:
        before = version(connection)
    known = versions()
    if before and before not in known:
        raise too_new(before)
    if before not in ("", known[0]):
        with database.reading(LOCAL) as db:
            has_data = any(copies.facts(db).rows.values())
        if has_data:
            backup.make(database, backups, f"before-{known[0]}-{backup.stamp()}")
    database.upgrade()


@contextmanager
def _told(database: Database, backups: Path) -> Iterator[None]:
    """Say what SQLite complains about."""
    try:
        yield
    except DBAPIError as error:
        code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise _ill(_folder(database), backups) from error
        raise (of_sqlite(error.orig, _folder(database)) or error) from error


def _folder(database: Database) -> Path:
    return Path(database.engine.url.database or "").parent


def _ill(folder: Path, backups: Path) -> Trouble:
    made = backup.all_in(backups)
    if made:
        return Trouble(
            N_("The database in {folder} is damaged."),
            N_("Restore the newest backup: python3 manage.py restore {backup} (the damaged one is kept)."),
            folder=folder,
            backup=made[-1].folder,
        )
    return Trouble(
        N_("The database in {folder} is damaged, and {backups} holds no backup."),
        N_("Restore one that lies elsewhere: python3 manage.py restore BACKUP (the damaged one is kept)."),
        folder=folder,
        backups=backups,
    )
