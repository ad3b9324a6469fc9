"""Putting a backup in the place of an installation's data: `python3 manage.py restore BACKUP`.

What was there is put aside, never deleted, and the backup stays as it is. The one step that counts is a rename (SQLite)
or a commit (PostgreSQL): whoever is killed before it leaves the old data in place, after it the new. Artifacts come
before it; they are named by what they are, so that more of them than a database names do no harm.
"""

import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

from sqlalchemy import func, make_url, select
from sqlalchemy.exc import DBAPIError

from feedback_db import backup, copies, place
from feedback_db.backup import ARTIFACTS, DATABASE, Backup, copied, stamp, sync, unused
from feedback_db.database import MIGRATION_LOCK, connect, versions
from feedback_db.errors import N_, Trouble, of_sqlite
from feedback_db.permits import LOCAL

ASIDE = "before-restore-"
NEXT = "next.db"  # in the folder of what is put aside, until it takes its place
BESIDE = ("-journal", "-wal", "-shm")  # what SQLite may leave with a database whose program was killed


def restore(found: Backup) -> Path | None:
    """Put a backup into the installation that the environment names, brought to this program's version.

    Returns: the folder where what was there lies now; None: nothing was there that is not there any more.
    Raises Trouble, OSError or DBAPIError before anything was changed.
    """
    if found.facts.revision not in versions():
        raise too_new(found.facts.revision)
    file = _file()
    with place.taken():
        _clear_interrupted()
        _home().mkdir(parents=True, exist_ok=True)
        aside = unused(_home() / f"{ASIDE}{stamp()}")
        aside.mkdir()
        try:
            _prepare(found, aside / NEXT)
            _fetch_artifacts(found, aside)
            if file:
                _replace(file, aside)
            else:
                _pour(aside)
        finally:
            (aside / NEXT).unlink(missing_ok=True)
            with suppress(OSError):  # something lies in it
                aside.rmdir()
        return aside if aside.exists() else None


def interrupted() -> list[Path]:
    """Where the halves of restores lie that were killed before they changed the database."""
    return [file.parent for file in _home().glob(f"{ASIDE}*/{NEXT}")]


def too_new(revision: str) -> Trouble:
    return Trouble(
        N_("The data was last used by a newer version of this program (its tables are {revision})."),
        N_("Install that version or a later one, or restore a backup that was made before it was installed."),
        revision=revision,
    )


def _file() -> Path | None:
    """Of the installation's database; None: it is PostgreSQL's."""
    url = make_url(place.address())
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def _home() -> Path:
    """Where things are put aside: a rename from there to the database must not leave its disk."""
    file = _file()
    return file.parent if file else place.data_folder()


def _prepare(found: Backup, file: Path) -> None:
    """A copy of the backup's database, checked and brought to this program's version."""
    copied(found.folder / DATABASE, file, found.files[DATABASE])
    if copies.checked(file) != found.facts:
        raise copies.damaged(file)
    database = copies.of_file(file)
    database.upgrade()
    database.close()


def _replace(database: Path, aside: Path) -> None:
    """Keep a copy of what is there, and of what its program left half-done if it was killed; then put the new there."""
    if database.exists():
        for file in _with_journals(database):
            shutil.copy2(file, aside / file.name)
            sync(aside / file.name)
        sync(aside)
        _rest(database)
        for file in _with_journals(database)[1:]:
            file.unlink()
    (aside / NEXT).replace(database)  # the step that counts
    sync(database.parent)


def _rest(database: Path) -> None:
    """Have SQLite finish or undo what was under way: a journal that stayed would be played into the new database.

    Without it the old one would be torn, should this be killed before the new one is there.
    """
    try:
        with closing(sqlite3.connect(database)) as old:
            old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            old.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as error:  # an ill one cannot, and loses nothing by it
        if (trouble := of_sqlite(error, database.parent)) is not None:
            raise trouble from error


def _with_journals(database: Path) -> list[Path]:
    files = [database.with_name(database.name + end) for end in ("", *BESIDE)]
    return [file for file in files if file.exists()]


def _fetch_artifacts(found: Backup, aside: Path) -> None:
    """Have every artifact of the backup in the store; one that differs there is put aside."""
    store = place.artifacts()
    store.mkdir(parents=True, exist_ok=True)
    names = sorted({file.split("/")[1] for file in found.files if file.startswith(f"{ARTIFACTS}/")})
    for name in names:
        own = f"{ARTIFACTS}/{name}"  # a folder of files, or a journal
        files = {f: d for f, d in found.files.items() if f == own or f.startswith(f"{own}/")}
        there = [store / name] if (store / name).is_file() else (store / name).glob("*")
        here = {f"{ARTIFACTS}/{f.relative_to(store).as_posix()}": backup.sha256(f) for f in there}
        if here == files:
            continue
        with tempfile.TemporaryDirectory(prefix=".writing-", dir=store) as work:
            for file, digest in files.items():
                target = Path(work, *Path(file).parts[1:])
                target.parent.mkdir(exist_ok=True)
                copied(found.folder / file, target, digest)
            if here:
                (aside / ARTIFACTS).mkdir(exist_ok=True)
                shutil.move(store / name, aside / ARTIFACTS / name)
            (Path(work) / name).rename(store / name)
    sync(store)


def _pour(aside: Path) -> None:
    """Into PostgreSQL: all rows in one transaction, into empty tables."""
    prepared, target = copies.sealed(aside / NEXT), connect(place.address())
    target.upgrade()
    with target.session(LOCAL) as db:
        db.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        if any(copies.facts(db).rows.values()):
            raise Trouble(
                N_("The PostgreSQL database already holds data."),
                N_("Nothing was changed. Create an empty database, name it in PILOT_DATABASE_URL, and restore again."),
            )
        copies.pour(prepared, db.connection())
        with prepared.reading(LOCAL) as other:
            if copies.facts(db) != copies.facts(other):
                raise Trouble(
                    N_("PostgreSQL did not take everything."),
                    N_("Nothing was changed. Look at its log, then try again."),
                )
        (aside / NEXT).unlink()  # before the step that counts, which is the commit: see `interrupted`
    target.close()


def _clear_interrupted() -> None:
    """Half-made copies of a backup; what was put aside stays."""
    for folder in interrupted():
        sys.stdout.write(f"A restore was stopped before it changed the data: {folder}\n")
        (folder / NEXT).unlink()


def main(arguments: Sequence[str]) -> int:
    """Returns: 1 where nothing was restored."""
    if len(arguments) != 1:
        sys.stderr.write("Usage: python3 manage.py restore BACKUP\n")
        return 2
    folder = Path(arguments[0])
    sys.stdout.write(f"Restoring {folder} into {place.data_folder()}. Until it says so, the old data is in place.\n")
    try:
        found = backup.opened(folder)
        aside = restore(found)
    except (Trouble, OSError, DBAPIError) as error:
        sys.stderr.write(f"The old data is still in place. {getattr(error, 'orig', error)}\n")
        return 1
    made_at = found.made_at.astimezone().strftime("%Y/%m/%d %H:%M")
    sys.stdout.write(f"Restored: the data is now as it was at {made_at}.\n")
    if aside:
        sys.stdout.write(f"What was there before lies in {aside}\n")
    if place.shared_store() and any(file.startswith(f"{ARTIFACTS}/") for file in found.files):
        sys.stdout.write(
            f"Its uploads and results lie in {place.artifacts()} only: copy them into {place.shared_store()} before "
            "you start the app, or nobody who calculates finds them.\n"
        )
    sys.stdout.write(
        "Look through the people and the invitations: who was removed after that time is there again. "
        "Everybody has to sign in anew.\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
