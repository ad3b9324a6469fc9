"""The engine: long work on Dask, outside the web process, with progress, cancel and one result for everyone.

A job is named by the fingerprint of what it makes, so asking twice is asking once. The engine keeps no record of
its own: it reports every change to `on_change`, and the results lie in the artifact store.
"""

import logging
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import dask
from distributed import Client, Event, Future, KilledWorker, LocalCluster, Worker, WorkerPlugin, get_worker

from core.artifacts import Store
from core.errors import BROKE, N_, UserError

State = Literal["running", "aside", "done", "failed", "cancelled"]  # "aside" stays in here
Report = Callable[[str, int, int], None]  # (stage, done, total)
Work = Callable[[Any, Store, Report], object]  # (spec, store, report); a module-level function

REPORT_EVERY = 0.2  # seconds: smooth to the eye, light on the scheduler
PATIENCE = 3.0  # seconds; a scheduler that answers does so in a hundredth of one
logger = logging.getLogger(__name__)

STOPPED = UserError(
    N_("The calculation stopped before it was done; the computer may have run out of memory."),
    N_("Try again with a larger step, so that there are fewer stretches."),
)
UNFIT = UserError(
    N_("A computer that calculates (Dask) does not know this program."),
    N_("Ask the person who runs it to install the same version of the program there, then try again."),
)


@dataclass(frozen=True, slots=True)
class Change:
    """Something happened to a job."""

    key: str
    state: State
    stage: str = ""
    done: int = 0
    total: int = 0
    error: UserError | None = None


@dataclass(frozen=True, slots=True)
class Crew:
    """Who calculates."""

    n_workers: int
    n_threads: int
    memory: int  # bytes that they may take together; 0: as much as there is


class Cancelled(Exception):  # noqa: N818 — nobody's mistake
    """The person who asked does not want the result any more."""


class SteppedAside(Exception):  # noqa: N818 — likewise
    """Somebody waits for something else: this is tried again after that."""


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """A job under way."""

    future: Future[Any]
    work: Work
    spec: object
    urgency: int


class Engine:
    """One local worker, or an existing cluster; the same code on both."""

    def __init__(self, store: Store, on_change: Callable[[Change], None], address: str | None = None) -> None:
        self._store, self._on_change = store, on_change
        self._cluster = None if address else _local_cluster()
        self._client = _reached(address) if address else Client(self._cluster)
        _make_ready(self._client)
        if self._cluster is not None:
            self._client.register_plugin(_Settled())
        self._asked: dict[str, _Asked] = {}
        self._lock = threading.Lock()
        self._changes: queue.SimpleQueue[Change | None] = queue.SimpleQueue()
        self._reporter = threading.Thread(target=self._report, name="engine-reports", daemon=True)
        self._reporter.start()

    def submit(self, key: str, work: Work, spec: object, urgency: int = 0) -> None:
        """Start the work, unless it is under way.

        Args:
            urgency: below 0 where nobody waits for it. Less urgent work comes after all that is more so, and what
                runs steps aside for it, to begin anew.
        """
        if not self.knows(key):
            self._store.forget_begun(key)
            self._hand_in(key, work, spec, urgency)

    def _hand_in(self, key: str, work: Work, spec: object, urgency: int) -> None:
        with self._lock:
            if key in self._asked:
                return
            self._client.subscribe_topic(_topic(key), lambda event: self._changes.put(_heard(key, event)))
            for event in (_cancel(key), _step_aside(key)):
                Event(event, client=self._client).clear()
            name = f"job {key}"  # with a "-" all jobs would be one group, of which Dask holds some back, by no priority
            where = self._store.root, self._store.remote
            future = self._client.submit(_run, work, spec, where, key, key=name, pure=False, priority=urgency)
            others = [other for other, asked in self._asked.items() if asked.urgency < urgency]
            self._asked[key] = _Asked(future, work, spec, urgency)
        for other in others:
            Event(_step_aside(other), client=self._client).set()
        future.add_done_callback(lambda f: self._changes.put(_outcome(key, f, self._store)))

    def knows(self, key: str) -> bool:
        """Whether this engine is working on it."""
        return key in self._asked

    def cancel(self, key: str) -> None:
        """Ask the work to stop at its next report. A job that has just finished stays finished."""
        if key in self._asked:
            Event(_cancel(key), client=self._client).set()

    def crew(self) -> Crew:
        """Who calculates now. Raises OSError or TimeoutError where nobody answers within some seconds."""
        scheduler = self._client.scheduler
        if scheduler is None:
            raise ConnectionError("the client is closed")
        found = self._client.sync(scheduler.identity, n_workers=-1, callback_timeout=PATIENCE)
        workers = found["workers"].values()
        return Crew(len(workers), sum(w["nthreads"] for w in workers), sum(w["memory_limit"] or 0 for w in workers))

    def close(self) -> None:
        """Stop. A job under way is left unfinished, to be submitted again."""
        self._changes.put(None)
        self._reporter.join(timeout=10)
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()

    def _report(self) -> None:
        """One thread passes changes on, in order, so that a slow listener never holds up the engine's network."""
        while (change := self._changes.get()) is not None:
            if change.state != "running":
                with self._lock:
                    asked = self._asked.pop(change.key, None)
                if asked is None:
                    continue
                self._client.unsubscribe_topic(_topic(change.key))
                asked.future.release()  # or asking again would bring this outcome again
                if change.state == "aside":
                    self._hand_in(change.key, asked.work, asked.spec, asked.urgency)
                    continue
            try:
                self._on_change(change)
            except Exception:
                logger.exception("a change of job %s could not be passed on", change.key)
            if change.state != "running":
                with suppress(UserError):  # the shared store is away, and its log says so; the next submit does it
                    self._store.forget_begun(change.key)


def _reached(address: str) -> Client:
    """Raises OSError where nobody answers, or nobody that trusts this computer."""
    try:
        return Client(address)
    except TypeError as error:  # Dask's way to say that its settings name no certificate
        raise ConnectionError(f"{address}: {error}") from error


def _make_ready(client: Client) -> None:
    """Have every worker loaded with what work needs, also those that come later.

    Raises UserError where one of them cannot be: its jobs would fail, some today and some tomorrow.
    """
    try:
        client.register_plugin(_Ready())
    except Exception as error:
        logger.exception("a worker does not start what jobs need")
        client.close()
        raise UNFIT from error


@contextmanager
def workers(address: str) -> Iterator[Client]:
    """Who reads large folders part by part: a cluster that is there; "": a process for each core of this computer.

    Raises OSError where nobody answers, UserError where somebody there cannot work.
    """
    with ExitStack() as stack:
        if address:
            client = stack.enter_context(_reached(address))
        else:
            cluster = stack.enter_context(_local_cluster(os.cpu_count() or 1, threads=1))
            client = stack.enter_context(Client(cluster))
        _make_ready(client)
        yield client


def _local_cluster(n_workers: int = 1, threads: int = os.cpu_count() or 1) -> LocalCluster:
    """Processes that have one thread for Dask, and so many for the libraries that they calculate with."""
    # Dask gives a worker up that is slow to come back, and then every later job would wait for nobody.
    dask.config.set({"distributed.deploy.lost-worker-timeout": "1 day"})
    # Dask has workers give memory back at once and fetch it anew: a model then takes twice as long.
    dask.config.set({"distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None})
    return LocalCluster(
        host="127.0.0.1",
        n_workers=n_workers,
        threads_per_worker=1,  # one job at a time; a job uses the cores through torch, if there is one worker for all
        processes=True,
        dashboard_address="127.0.0.1:0",  # without an address its HTTP server would listen to the whole network
        worker_dashboard_address="127.0.0.1:0",
        # Threads that wait busily for one another took four times as long when a browser used one of two cores.
        env={"OMP_WAIT_POLICY": "PASSIVE"}
        | dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads)),  # Dask says 1
        silence_logs=logging.ERROR,
    )


class _Ready(WorkerPlugin):
    """What every worker does first, one that replaces a killed worker too."""

    name = "pilot"  # the next app on the same cluster brings no second one

    def setup(self, worker: Worker) -> None:
        from core import moment  # noqa: F401 — torch takes seconds to load: now, and not when somebody waits


class _Settled(WorkerPlugin):
    """What a local worker does beside that."""

    def setup(self, worker: Worker) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the app, which then stops its workers
        if hasattr(os, "nice"):
            os.nice(10)  # screens come first
        logging.getLogger("distributed.worker").setLevel(logging.CRITICAL)  # else it complains when the app stops


def _topic(key: str) -> str:
    return f"job-{key}"


def _cancel(key: str) -> str:
    return f"cancel-{key}"


def _step_aside(key: str) -> str:
    return f"aside-{key}"


def _heard(key: str, event: tuple[float, dict[str, Any]]) -> Change:
    stage, done, total = event[1]["stage"], event[1]["done"], event[1]["total"]
    return Change(key, "running", stage, done, total)


def _outcome(key: str, future: Future[Any], store: Store) -> Change:
    if future.status == "cancelled":
        return Change(key, "cancelled")
    end = future.exception() if future.status == "error" else future.result()
    if end is None:
        return Change(key, "done")
    if isinstance(end, Cancelled):
        return Change(key, "cancelled")
    if isinstance(end, SteppedAside):
        return Change(key, "aside")
    if isinstance(end, UserError):
        return Change(key, "failed", error=end)
    if isinstance(end, KilledWorker):
        return _killed(key, end, store)
    logger.error("job %s failed", key, exc_info=end)
    return Change(key, "failed", error=BROKE)


def _killed(key: str, end: KilledWorker, store: Store) -> Change:
    """Dask gives up what only waited, too, where another job had its workers killed: that comes again."""
    try:
        if store.begun(key) <= end.allowed_failures:
            return Change(key, "aside")
    except UserError as error:
        return Change(key, "failed", error=error)
    logger.error("job %s failed", key, exc_info=end)
    return Change(key, "failed", error=STOPPED)


def _run(work: Work, spec: object, where: tuple[Path, str], key: str) -> Exception | None:
    """On the worker: do it, report at most every 0.2 s, stop when asked to.

    Args:
        where: the store's root as the app has it, and its remote address.
    """
    worker = get_worker()
    stop, make_way = Event(_cancel(key)), Event(_step_aside(key))
    last = [("", 0.0)]

    def report(stage: str, done: int, total: int) -> None:
        previous, at = last[0]
        if stage == previous and time.monotonic() - at < REPORT_EVERY:
            return
        last[0] = (stage, time.monotonic())
        if stop.is_set():
            raise Cancelled
        if make_way.is_set():
            raise SteppedAside
        worker.log_event(_topic(key), {"stage": stage, "done": done, "total": total})

    try:
        store = _own(*where, Path(worker.local_directory))
        store.begin(key)
        work(store.moved_here(spec, where[0]), store, report)
    except (Cancelled, SteppedAside, UserError) as end:
        return end  # a result, not a failure: Dask would fill the log with it
    return None


def _own(root: Path, remote: str, mine: Path) -> Store:
    """The app's store as this worker has it: on a file system that both see, or through a cache of its own."""
    return Store(mine / "artifacts" if remote else root, remote)
