"""A disk that is full, a file that may only be read, a lock held by another program, a damaged page, while people rate.

The tablet hears "not now" (503) soon enough, keeps what it has, and all of it arrives once the trouble is over.
"""

import errno
import sqlite3
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path

from tests.browser import App
from tests.reliability.ground import PATIENCE, Figure, Reply, Study, Tablet, account, opened, serving

N_TABLETS = 8
ROOM = "3m"  # of a disk that becomes full


class NotHere(Exception):  # noqa: N818 — nothing went wrong
    """This computer does not let us make such a trouble."""


def measured(folder: Path, n_times: int = 5) -> list[Figure]:
    """Every trouble, with so many answers of each tablet while it lasts."""
    found = []
    for name, trouble in TROUBLES.items():
        here = folder / name.replace(" ", "-")
        here.mkdir()
        try:
            found += _outlived(name, here, trouble, n_times)
        except NotHere as why:
            found.append(Figure(name, "503", f"not measured: {why}", None))
    return found


def _outlived(name: str, folder: Path, trouble: "type[Trouble]", n_times: int) -> list[Figure]:
    with ExitStack() as stack:
        made = trouble(folder, stack)
        study = opened(folder, N_TABLETS)
        app = stack.enter_context(serving(folder))
        tablets = study.tablets(app)
        _say(tablets)
        for tablet in tablets:
            tablet.empty()
        with made.lasting(study):
            replies = [reply for _ in range(n_times) for reply in _say(tablets)]
        waiting = sum(len(one.outbox) for one in tablets)
        for tablet in tablets:
            tablet.empty()
        said, found = _unkind(app), account(study, tablets)
    n, not_now = len(replies), [reply.status for reply in replies].count(503)
    slowest = max(reply.seconds for reply in replies)
    gone = found.lost + found.halves + found.twice + sum(len(one.refused) for one in tablets)
    return [
        Figure(f"{name}: tablets told “not saved”", f"{n} of {n}", f"{not_now} of {n}", not_now == n == waiting),
        Figure(f"{name}: slowest of these", f"< {PATIENCE:g} s", f"{slowest:.2f} s", slowest < PATIENCE),
        Figure(f"{name}: lost, halved, twice or refused afterwards", "0", str(gone), gone == 0),
        Figure(f"{name}: tracebacks in the log", "0", str(said), said == 0),
    ]


def _say(tablets: list[Tablet]) -> list[Reply]:
    """Every tablet has one answer more, and all send at once."""
    for i, tablet in enumerate(tablets):
        tablet.say(1 + i % 5)
    with ThreadPoolExecutor(len(tablets)) as pool:
        return list(pool.map(Tablet.send, tablets))


def _unkind(app: App) -> int:
    return app.log().count("Traceback")


class Trouble:
    """Prepared before the app starts, made while it runs, and over again."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.prepare(stack)

    def prepare(self, stack: ExitStack) -> None:
        """Most need nothing."""

    def lasting(self, study: Study) -> AbstractContextManager[None]:
        raise NotImplementedError


class Full(Trouble):
    def prepare(self, stack: ExitStack) -> None:
        _do("mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(self.folder))
        stack.callback(_do, "umount", str(self.folder))

    @contextmanager
    def lasting(self, study: Study) -> Iterator[None]:
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


class ReadOnly(Trouble):
    """For whoever may write everything too: an administrator, as a service often runs."""

    @contextmanager
    def lasting(self, study: Study) -> Iterator[None]:
        both = (str(study.folder / "pilot.db"), str(study.folder))
        _do("chattr", "+i", *both)
        try:
            yield
        finally:
            _do("chattr", "-i", *both)


class Locked(Trouble):
    @contextmanager
    def lasting(self, study: Study) -> Iterator[None]:
        with closing(sqlite3.connect(study.folder / "pilot.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            yield


class Damaged(Trouble):
    """The page where the answers to quizzes begin: the rating of the same answer could still be stored."""

    def lasting(self, study: Study) -> AbstractContextManager[None]:
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


TROUBLES: dict[str, type[Trouble]] = {"full disk": Full, "read-only file": ReadOnly, "lock": Locked, "damage": Damaged}
