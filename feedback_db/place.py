"""Where an installation's data lies, and who is using it."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from feedback_db.errors import N_, Trouble, not_writable, of_sqlite

LOCK = "running.lock"


def data_folder() -> Path:
    return Path(os.environ.get("PILOT_DATA") or Path(__file__).parents[1] / "data")


def artifacts() -> Path:
    return data_folder() / "artifacts"


def shared_store() -> str:
    """Where several computers share a store that is no folder, for fsspec; `artifacts` is then a cache. "": nowhere."""
    return os.environ.get("PILOT_STORE", "")


def own_artifacts() -> Path | None:
    """What a backup holds beside the database. None: it lies in a shared store, whose keeper sees to its copies."""
    return None if shared_store() else artifacts()


def backups() -> Path:
    """Where backups go that nobody wants elsewhere, and those that are made before a migration."""
    return data_folder() / "backups"


def address() -> str:
    """Of the database, for `database.connect`."""
    return os.environ.get("PILOT_DATABASE_URL") or f"sqlite:///{(data_folder() / 'pilot.db').as_posix()}"


@contextmanager
def taken() -> Iterator[None]:
    """Use the data alone: the app for its life, and whoever puts other data in its place.

    The lock is the operating system's, through SQLite as in manage.py: it works on Linux and Windows alike, ends with
    the process however that ends, and no worker inherits it.
    """
    folder = data_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = sqlite3.connect(folder / LOCK, timeout=1, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.OperationalError) as error:
        raise not_writable(folder) from error
    with closing(lock):
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise Trouble(
                    N_("An app is already running on the data in {folder}, or a backup is being restored there."),
                    N_("Stop it first, or name another folder with PILOT_DATA."),
                    folder=folder,
                ) from error
            raise (of_sqlite(error, folder) or error) from error
        yield
