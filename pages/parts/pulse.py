"""/healthz: whether the app does its work, in one word for anybody, within a second whatever hangs."""

import asyncio
import logging
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from feedback_db import place
from pages.parts import work

PATIENCE = 0.6  # seconds; whoever asks hears within one
FRESH = 1.0  # seconds that an outcome is good for: asking often costs no more
ROOM = 500 * 2**20  # bytes: an upload, and what is made of it
STARTING = 120.0  # seconds that the engine may take to start, or to replace a worker that was killed
NEVER_KEPT = {"Cache-Control": "no-store"}
logger = logging.getLogger("pilot")


class Look:
    """A look at something that may hang, in a thread that nobody waits for when the app ends.

    One at a time: whoever asks meanwhile, or shortly after, gets the outcome of the same one.
    """

    def __init__(self, at: Callable[[], Any]) -> None:
        self._at = at
        self._lock = threading.Lock()
        self._last: Future[Any] | None = None
        self._ended = 0.0  # a reading of the monotonic clock

    def begin(self) -> Future[Any]:
        """Its outcome; None where something is wrong."""
        with self._lock:
            if self._last is None or (self._last.done() and time.monotonic() - self._ended > FRESH):
                self._last = Future()
                self._last.set_running_or_notify_cancel()  # from now on one who stops waiting cannot cancel it
                threading.Thread(target=self._look, args=(self._last,), daemon=True).start()
            return self._last

    def _look(self, future: Future[Any]) -> None:
        outcome = None
        try:
            outcome = self._at()
        except (SQLAlchemyError, OSError) as error:
            logger.warning("health: %s", type(error).__name__)
        finally:
            self._ended = time.monotonic()
            future.set_result(outcome)


async def ask(looks: Sequence[Look]) -> list[Any]:
    """The outcomes; None of one that is wrong, or that takes longer than PATIENCE."""
    begun = [look.begin() for look in looks]
    await asyncio.wait([asyncio.wrap_future(one) for one in begun], timeout=PATIENCE)
    return [one.result() if one.done() else None for one in begun]


def _database() -> int:
    work.database().try_out()
    return 1


def _free() -> int:
    """Bytes, where the data lies."""
    return shutil.disk_usage(place.data_folder()).free


class _Engine:
    """How many calculate. None for long, be it that it does not start or that killed ones do not come back, is ill."""

    def __init__(self) -> None:
        self._seen = time.monotonic()

    def __call__(self) -> int:
        n = work.n_workers() or 0
        if n:
            self._seen = time.monotonic()
        elif time.monotonic() - self._seen > STARTING:
            raise TimeoutError
        return n


LOOKS = {"database": Look(_database), "disk": Look(_free), "engine": Look(_Engine())}
LEAST = {"disk": ROOM}


def complaints(outcomes: Mapping[str, int | None]) -> list[str]:
    """What is wrong, in a word each."""
    return [name for name, outcome in outcomes.items() if outcome is None or outcome < LEAST.get(name, 0)]


async def endpoint(_request: Request) -> Response:
    """GET → 200 "ok", or 503 and what is wrong."""
    wrong = complaints(dict(zip(LOOKS, await ask([*LOOKS.values()]), strict=True)))
    return PlainTextResponse(", ".join(wrong) or "ok", 503 if wrong else 200, NEVER_KEPT)
