"""What stops a whole installation: said in a sentence with its remedy, as core.errors does for everything else."""

import sqlite3
from pathlib import Path


def N_(message: str) -> str:
    """Mark a message for the catalogues, as core.errors.N_ does, which this package does not import."""
    return message


class Trouble(Exception):  # noqa: N818 — nothing is wrong with the program
    """The database or its folder is ill, or taken; whoever looks after this computer can put it right."""

    def __init__(self, problem: str, remedy: str, **facts: object) -> None:
        super().__init__(f"{problem} {remedy}".format(**facts))
        self.problem, self.remedy, self.facts = problem, remedy, facts


def not_writable(folder: Path) -> Trouble:
    return Trouble(
        N_("The folder {folder}, or the database in it, cannot be opened for writing."),
        N_("Give whoever starts the app the right to write there, then start again."),
        folder=folder,
    )


def of_sqlite(error: BaseException | None, folder: Path) -> Trouble | None:
    """What SQLite complains about, where it is the computer's state and no damage of the file and no bug of ours."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest of it goes into detail
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return not_writable(folder)
    if code == sqlite3.SQLITE_FULL:
        return Trouble(
            N_("The disk that holds {folder} is full."),
            N_("Make room on it, then start again. What was saved is safe."),
            folder=folder,
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Trouble(
            N_("Another program has kept the database in {folder} locked for too long."),
            N_("End what uses it: another app on the same data, or a program for looking into databases."),
            folder=folder,
        )
    if code == sqlite3.SQLITE_IOERR:
        return Trouble(
            N_("The disk that holds {folder} does not read or write as it should."),
            N_("Have the disk or the network drive looked at. Restore the newest backup onto another disk if need be."),
            folder=folder,
        )
    return None
