"""Many like tasks, rolled through a Dask cluster a few at a time: what a dying worker takes along comes again."""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Generic, TypeVar

from distributed import Client, Future, KilledWorker

from core.errors import BROKE, UserError
from core.jobs import STOPPED

T = TypeVar("T")
Beat = Callable[[int], None]  # how many are done; raises to cancel

AHEAD = 3  # tasks for each thread that are handed in: one is worked on, and the next ones lie ready
EVERY = 0.005  # seconds between two looks at what is done
QUIET = 0.2  # seconds without a beat, at most
TRIES = 2  # of a task that ends in an error: a store may have failed for a moment
ENDED = ("finished", "error", "cancelled")  # not "lost": its worker died with what it returned, and Dask does it again
logger = logging.getLogger(__name__)


class Rolling(Generic[T]):
    """The same work on one thing after the other, of which there may be more than memory holds.

    Dask blames each task that waits on a worker for its death, and gives up one that was there four times. Such tasks
    are set aside here and tried again when all others are done, each alone: then the death was its own doing.
    """

    def __init__(self, client: Client, work: Callable[[T], Any], resources: dict[str, Any] | None = None) -> None:
        """Begin nothing yet.

        Args:
            work: a module-level function; what it returns is small.
            resources: of Dask, that a worker must offer; None: any worker will do.
        """
        self._client, self._work, self._resources = client, work, resources
        self._asked: dict[Future[Any], tuple[T, int]] = {}  # what, and the how manieth time
        self._done = 0

    def over(self, things: Iterator[T], beat: Beat) -> Iterator[tuple[T, Any]]:
        """Each thing with what the work returned, in the order of their ends; or with the exception that it ended in.

        Raises:
            UserError: the scheduler has gone.
        """
        alone: list[T] = []
        try:
            yield from self._rolled(things, beat, alone)
            for thing in alone:
                yield from self._rolled(iter([thing]), beat, None)
        finally:
            self._client.cancel(list(self._asked))  # none is left but where somebody has cancelled

    def _rolled(self, things: Iterator[T], beat: Beat, alone: list[T] | None) -> Iterator[tuple[T, Any]]:
        again: deque[tuple[T, int]] = deque()
        self._hand_in(things, again)
        told = 0.0
        while self._asked:
            ended = [future for future in self._asked if future.status in ENDED]
            if ended or time.monotonic() - told > QUIET:
                beat(self._done)
                told = time.monotonic()
            if not ended:
                time.sleep(EVERY)
                continue
            for (thing, n), outcome in zip(map(self._asked.pop, ended), self._outcomes(ended), strict=True):
                killed = isinstance(outcome, KilledWorker)
                if killed and alone is not None:
                    alone.append(thing)
                elif isinstance(outcome, Exception) and not killed and n < TRIES:
                    again.append((thing, n + 1))
                else:
                    self._done += 1
                    yield thing, outcome
            self._hand_in(things, again)

    def _hand_in(self, things: Iterator[T], again: deque[tuple[T, int]]) -> None:
        room = max(0, AHEAD * max(1, sum(self._client.nthreads().values())) - len(self._asked))
        new = [again.popleft() for _ in range(min(len(again), room))]
        new += [(thing, 1) for thing in islice(things, room - len(new))]
        if new:
            futures = self._client.map(self._work, [one for one, _ in new], pure=False, resources=self._resources)
            self._asked |= dict(zip(futures, new, strict=True))

    def _outcomes(self, ended: list[Future[Any]]) -> list[Any]:
        if any(future.status == "cancelled" for future in ended):
            raise STOPPED  # with the scheduler, because nobody else cancels
        failed = {future: future.exception() for future in ended if future.status == "error"}
        for future, end in failed.items():
            logger.warning("%s ended in %s: %s", future.key, type(end).__name__, end)
        returned = iter(self._client.gather([future for future in ended if future not in failed]))
        return [failed[future] if future in failed else next(returned) for future in ended]


def offering(client: Client, resource: str) -> dict[str, Any] | None:
    """What tasks ask for where some workers offer this resource of Dask's; None where none does."""
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    return {resource: 1} if any(one["resources"].get(resource, 0) >= 1 for one in workers) else None


def failure(end: Exception) -> UserError:
    """What a task ended in, in words for people."""
    if isinstance(end, UserError):
        return end
    return STOPPED if isinstance(end, KilledWorker) else BROKE
