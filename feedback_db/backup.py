"""Backups: `python3 manage.py backup [FOLDER]`, also while people go on working.

    FOLDER/2026-11-24-180000/
        manifest.json   what is in it: rows of every table, the newest answer, SHA-256 of every file
        pilot.db        all tables, in SQLite's format also where PostgreSQL is used
        artifacts/      uploads and results, as in the data folder; a file that the backup before has too is linked;
                        and what came into folders that are watched

A folder of that name is whole and was checked. Nothing deletes an old one: that is for people, and does no harm to
newer ones. Not in it: who is signed in and open links (`copies.LEFT_OUT`), and the file that signs what browsers keep
(team.secret): whoever finds a backup must not be able to make a login of it; an installation makes itself a new one.
"""

import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from feedback_db import copies, models, place
from feedback_db.copies import Facts
from feedback_db.database import Database, connect
from feedback_db.errors import N_, Trouble

FORMAT = 1
MANIFEST, DATABASE, ARTIFACTS = "manifest.json", "pilot.db", "artifacts"
KEY = re.compile(r"[0-9a-f]{64}")
JOURNAL = re.compile(rf"{KEY.pattern}\.watched\.jsonl")  # what a folder that is watched brought to a result: it grows
# A path from a manifest is written to.
OURS = re.compile(rf"{DATABASE}|{ARTIFACTS}/(?:{KEY.pattern}/[\w-][\w.-]*|{JOURNAL.pattern})")


@dataclass(frozen=True, slots=True)
class Backup:
    folder: Path
    made_at: datetime
    facts: Facts
    files: dict[str, str]  # path within the folder → SHA-256


def make(database: Database, folder: Path, called: str, artifacts: Path | None = None) -> Backup:
    """Make a backup of this name, or of one with a number after it; check it.

    Args:
        artifacts: the store; None: the database alone, as where a shared store keeps them (`place.own_artifacts`).
    Raises Trouble where the check finds something wrong, OSError or DBAPIError where it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    held = {digest: one.folder / file for one in all_in(folder) for file, digest in one.files.items()}
    making = Path(tempfile.mkdtemp(prefix=".making-", dir=folder))
    try:
        # First the database: every artifact that it names was there before the row was.
        found = copies.copy(database, making / DATABASE)
        files = {DATABASE: sha256(making / DATABASE)}
        files |= _take_journals(artifacts, making) if artifacts else {}  # before what their lines name, likewise
        for file in _finished(artifacts) if artifacts else ():
            name = f"{ARTIFACTS}/{file.parent.name}/{file.name}"
            files[name] = _take(file, making / name, held)
        made = Backup(unused(folder / called), models.now(), found, files)
        _write(made, making)
        making.rename(made.folder)
        sync(folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)  # only there where it failed
    return made


def opened(folder: Path) -> Backup:
    """A backup whose every file is as it was written. Raises Trouble where it is none, or no longer."""
    found = _recorded(folder)
    for file, digest in found.files.items():
        if not (folder / file).is_file() or sha256(folder / file) != digest:
            raise Trouble(
                N_("The backup {folder} is damaged: {file} is not as it was written."),
                N_("Nothing was changed. Use another backup."),
                folder=folder,
                file=file,
            )
    return found


def all_in(folder: Path) -> list[Backup]:
    """The oldest first; their files are not looked at."""
    found = []
    for manifest in folder.glob(f"[!.]*/{MANIFEST}"):
        with suppress(Trouble):
            found.append(_recorded(manifest.parent))
    return sorted(found, key=lambda one: one.made_at)


def sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def stamp() -> str:
    """This moment as a name that sorts by time."""
    return datetime.now(UTC).astimezone().strftime("%Y-%m-%d-%H%M%S")


def unused(path: Path) -> Path:
    """This path, or the first of those with a number after it that is free."""
    tried = (path if n == 1 else path.with_name(f"{path.name}-{n}") for n in range(1, sys.maxsize))
    return next(one for one in tried if not one.exists())


def sync(path: Path) -> None:
    """Have it on the disk, and not only in the computer's memory."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open a folder; its rename is journalled
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _recorded(folder: Path) -> Backup:
    """What a manifest says."""
    try:
        told = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        is_ours = told["format"] == FORMAT and all(OURS.fullmatch(file) for file in told["files"])
        found = Backup(folder, datetime.fromisoformat(told["made_at"]), Facts(**told["database"]), told["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _none(folder) from error
    if not is_ours:
        raise _none(folder)
    return found


def _finished(artifacts: Path) -> Iterator[Path]:
    """Every file of the store's finished folders; what is being written, drafts and notes on this computer are none."""
    for folder in sorted(artifacts.iterdir()) if artifacts.is_dir() else ():
        if KEY.fullmatch(folder.name):
            yield from sorted(folder.iterdir())


def _take_journals(artifacts: Path, making: Path) -> dict[str, str]:
    """Copy what may grow meanwhile, up to its last whole line. Returns: path within the backup → SHA-256."""
    taken = {}
    for file in sorted(artifacts.glob("*.jsonl")):
        if JOURNAL.fullmatch(file.name):
            name, lines = f"{ARTIFACTS}/{file.name}", file.read_bytes()
            (making / ARTIFACTS).mkdir(exist_ok=True)
            (making / name).write_bytes(lines[: lines.rfind(b"\n") + 1])
            sync(making / name)
            taken[name] = sha256(making / name)
    return taken


def _take(source: Path, target: Path, held: dict[str, Path]) -> str:
    """Copy a file; one that a former backup holds unchanged becomes a second name of that. Returns: its SHA-256."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = sha256(source)
    former = held.get(digest)
    if not (former and former.is_file() and sha256(former) == digest and _linked(former, target)):
        copied(source, target, digest)
    return digest


def copied(source: Path, target: Path, digest: str) -> None:
    """Copy a file of this SHA-256, and read the copy. Raises Trouble where it is another."""
    shutil.copyfile(source, target)
    sync(target)
    if sha256(target) != digest:
        raise copies.damaged(target)


def _linked(former: Path, new: Path) -> bool:
    try:
        os.link(former, new)
    except OSError:  # a disk that knows no such thing
        return False
    return True


def _write(made: Backup, making: Path) -> None:
    told = {"format": FORMAT, "made_at": made.made_at.isoformat(), "database": asdict(made.facts), "files": made.files}
    (making / MANIFEST).write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")
    for file in (MANIFEST, DATABASE):
        sync(making / file)
    for folder in (making, *(one for one in making.rglob("*") if one.is_dir())):
        sync(folder)


def _none(folder: Path) -> Trouble:
    return Trouble(
        N_("{folder} is not a backup that this program knows."),
        N_("Name a folder that `manage.py backup` has made; it holds a manifest.json."),
        folder=folder,
    )


def main(arguments: Sequence[str]) -> int:
    """Returns: 1 where there is no backup in the end."""
    if len(arguments) > 1:
        sys.stderr.write("Usage: python3 manage.py backup [FOLDER]\n")
        return 2
    folder = Path(arguments[0]) if arguments else place.backups()
    try:
        database = _existing()
        made = make(database, folder, stamp(), place.own_artifacts())
        database.close()
    except (Trouble, OSError, DBAPIError) as error:
        sys.stderr.write(f"There is no backup. {getattr(error, 'orig', error)}\n")
        return 1
    facts = made.facts
    sys.stdout.write(
        f"Backup made and checked: {made.folder}\n"
        f"{sum(facts.rows.values())} rows, the newest answer of {facts.newest or 'no time: nobody has answered yet'}; "
        f"{len(made.files)} files.\n"
    )
    if place.shared_store():
        sys.stdout.write(
            f"Uploads and results are NOT in it: they lie in {place.shared_store()}, and only that store's own "
            "versions or copies bring them back.\n"
        )
    for pilot_id, numbers in facts.ledger.items():
        sys.stdout.write(f"Note: somebody has changed the ledger of pilot {pilot_id} by hand: entries {numbers}.\n")
    return 0


def _existing() -> Database:
    """The installation's database, which opening must not make."""
    url = make_url(place.address())
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise Trouble(
            N_("There is no database in {folder}."),
            N_("Set PILOT_DATA and PILOT_DATABASE_URL as they are set for the app."),
            folder=place.data_folder(),
        )
    return connect(url)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
