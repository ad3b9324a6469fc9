"""Rows shared among processor cores, so that the result does not depend on how many there are."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, ParamSpec, Self, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

FEW = 256  # rows that one core is done with before another has begun
SHARES = 4  # of the rows for each core: some rows take longer than others
_still = threading.RLock()


def n_cores() -> int:
    """Processor cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on Windows and macOS
        return os.cpu_count() or 1


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """By numba, for one thread that holds nobody up; kept beside the file, or where numba finds a place.

    numba's own threads are not used: one of its three kinds of them ends the process when two jobs run at a time.
    """
    import numba

    try:
        return cast(Callable[P, R], numba.njit(function, nogil=True, error_model="numpy", cache=True))
    except RuntimeError:  # nowhere to write
        return cast(Callable[P, R], numba.njit(function, nogil=True, error_model="numpy"))


class Team:
    """Threads for functions that let others run meanwhile: what `compiled` makes, and products of matrices."""

    def __init__(self, size: int | None = None) -> None:
        self.size = size or n_cores()

    def __enter__(self) -> Self:
        self._pool = ThreadPoolExecutor(self.size, "rows")
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def rows(self, work: Callable[..., object], n: int, *arrays: Any) -> None:
        """Call work(first, last, *arrays) until all n rows are done; each call writes to its own rows alone."""
        pieces = 1 if n <= FEW or self.size == 1 else SHARES * self.size
        edges = [n * i // pieces for i in range(pieces + 1)]
        if pieces == 1:
            work(0, n, *arrays)
            return
        for done in [self._pool.submit(work, *span, *arrays) for span in pairwise(edges)]:
            done.result()

    def map(self, work: Callable[[T], R], things: Iterable[T]) -> Iterator[R]:
        """Results in the order of the things, of which few are held at a time."""
        waiting: list[Future[R]] = []
        for thing in things:
            waiting.append(self._pool.submit(work, thing))
            if len(waiting) > self.size:
                yield waiting.pop(0).result()
        for one in waiting:
            yield one.result()


@contextmanager
def one_thread_products() -> Iterator[None]:
    """Products of matrices on the thread that asks: shared among several, sums are rounded otherwise."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with _still, threadpool_limits(1, user_api="blas"):
        yield
