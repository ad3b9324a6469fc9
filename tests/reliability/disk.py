"""A disk that is full, a file that may only be read, a lock held by another program, a damaged page, while people rate.

The tablet hears "not now" (503) soon enough, keeps what it has, and all of it arrives once the trouble is over.
"""

import errno
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path

from tests.reliability.ground import PATIENCE, Figure, Reply, Study, Tablet, account, opened, serving

N_TABLETS = 8
ROOM = "6m"  # of a disk that becomes full
Lasting = AbstractContextManager[None]


class NotHere(Exception):  # noqa: N818 — nothing went wrong
    """This computer does not let us make such a trouble."""


def measured(folder: Path, n_times: int = 5) -> list[Figure]:
    """Every trouble, one after the other, with so many answers of each tablet while it lasts."""
    found = []
    with ExitStack() as stack:
        try:
            stack.enter_context(_small_disk(folder))
            troubles = {"full disk": full, **TROUBLES}
        except NotHere as why:
            found.append(Figure("full disk", "503", f"not measured: {why}", None))
            troubles = TROUBLES
        study = opened(folder, N_TABLETS)
        app = stack.enter_context(serving(folder))
        tablets = study.tablets(app)
        for name, trouble in troubles.items():
            _say(tablets)
            _empty(tablets)
            try:
                found += _outlived(name, trouble(study), tablets, n_times)
            except NotHere as why:
                found.append(Figure(name, "503", f"not measured: {why}", None))
        there = account(study, tablets)
        gone = there.lost + there.halves + there.twice + sum(len(one.refused) for one in tablets)
        said = app.log().count("Traceback")
    return [
        *found,
        Figure("lost, halved, stored twice or refused after all that", "0", str(gone), gone == 0),
        Figure("tracebacks in the log", "0", str(said), said == 0),
    ]


def _outlived(name: str, trouble: Lasting, tablets: list[Tablet], n_times: int) -> list[Figure]:
    with trouble:
        replies = [reply for _ in range(n_times) for reply in _say(tablets)]
    n, not_now = len(replies), [reply.status for reply in replies].count(503)
    kept_back = n == sum(len(one.outbox) for one in tablets)
    slowest = max(reply.seconds for reply in replies)
    _empty(tablets)
    return [
        Figure(f"{name}: tablets told “not saved”", f"{n} of {n}", f"{not_now} of {n}", not_now == n and kept_back),
        Figure(f"{name}: slowest of these", f"< {PATIENCE:g} s", f"{slowest:.2f} s", slowest < PATIENCE),
    ]


def _say(tablets: list[Tablet]) -> list[Reply]:
    """Every tablet has one answer more, and all send at once."""
    for i, tablet in enumerate(tablets):
        tablet.say(1 + i % 5)
    with ThreadPoolExecutor(len(tablets)) as pool:
        return list(pool.map(Tablet.send, tablets))


def _empty(tablets: list[Tablet]) -> None:
    for tablet in tablets:
        tablet.empty()


@contextmanager
def _small_disk(folder: Path) -> Iterator[None]:
    _do("mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(folder))
    try:
        yield
    finally:
        _do("umount", "--lazy", str(folder))  # the reader that the app started may take a moment to end


@contextmanager
def full(study: Study) -> Iterator[None]:
    ballast = study.folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
    yield
    ballast.unlink()


@contextmanager
def read_only(study: Study) -> Iterator[None]:
    """For whoever may write everything too: an administrator, as a service often runs."""
    both = (str(study.folder / "pilot.db"), str(study.folder))
    _do("chattr", "+i", *both)
    try:
        yield
    finally:
        _do("chattr", "-i", *both)


@contextmanager
def locked(study: Study) -> Iterator[None]:
    with closing(sqlite3.connect(study.folder / "pilot.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


def half_damaged(study: Study) -> Lasting:
    """Where the answers to quizzes begin: the rating of the same answer could still be stored."""
    return damaged(study.folder / "pilot.db", "task_answer")


@contextmanager
def damaged(file: Path, table: str) -> Iterator[None]:
    """The page where a table begins is nonsense, written past SQLite."""
    with closing(sqlite3.connect(file)) as db:
        [(page,)] = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", [table])
        [(size,)] = db.execute("PRAGMA page_size")
    good = _put(file, page, size, b"\xa5" * size)
    yield
    _put(file, page, size, good)


def _put(file: Path, page: int, size: int, content: bytes) -> bytes:
    """Write a page, and the counter by which others learn that something is new; returns the old page."""
    with file.open("r+b") as io:
        io.seek((page - 1) * size)
        old = io.read(size)
        io.seek((page - 1) * size)
        io.write(content)
        io.seek(24)
        count = int.from_bytes(io.read(4), "big") + 1
        io.seek(24)
        io.write(count.to_bytes(4, "big"))
    return old


def _do(*words: str) -> None:
    try:
        done = subprocess.run(words, capture_output=True, text=True)
    except FileNotFoundError:
        raise NotHere(f"no {words[0]}") from None
    if done.returncode:
        raise NotHere(done.stderr.strip().splitlines()[-1])


TROUBLES: dict[str, Callable[[Study], Lasting]] = {
    "read-only file": read_only,
    "lock": locked,
    "damaged page": half_damaged,
}
