"""What all screens share in this process: the database, the artifact store and the engine."""

import importlib
import logging
import os
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any

from sqlalchemy.exc import DBAPIError

from core import differences, jobs, preparation
from core import reader as files
from core.artifacts import Store
from core.differences import Statistics
from core.errors import N_, UserError
from core.kinds import KINDS, Spec, kind_of
from core.neighbours import nearest_to
from core.periods import Period, periods
from core.preparation import PreparationSpec, Prepared
from core.reader import Reader, Source
from core.recipes import Recipe, Windows, cut
from core.series import Ints, Series
from core.tables import Table
from core.views import ViewSpec
from feedback_db import health, permits, place, restore
from feedback_db import jobs as records
from feedback_db.database import Database
from feedback_db.jobs import Job
from feedback_db.permits import APP
from pages.parts import who

AGAIN = 5.0  # seconds between two tries to write down how a job ended
logger = logging.getLogger(__name__)
_opening = threading.Lock()  # two first visitors must open one database
_running = ExitStack()  # what this process holds from start to stop

# Screens never wait for the engine, which takes seconds to start: they hand their wish over, in order, and look at
# the job's record.
_hand_over = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine")
NO_ENGINE = UserError(
    N_("The computers that calculate (Dask) do not answer."),
    N_("Ask the person who runs them to start them, then try again."),
)


@cache
def store() -> Store:
    return Store(place.artifacts(), place.shared_store())


def database() -> Database:
    with _opening:
        return _database()


@cache
def _database() -> Database:
    return health.ready(place.address(), place.backups())


def leads() -> bool:
    """Whether the one who is here runs pilots: decides what a screen offers, never what may be done."""
    login = who.login(database())
    return not who.is_team() or (login is not None and login.role == "lead")


@cache
def reader() -> Reader:
    return Reader()


@cache
def _engine() -> jobs.Engine:
    return jobs.Engine(store(), _record, os.environ.get("PILOT_DASK"))


def start() -> None:
    """Start the engine behind the first page, and go on with what an app that was stopped or killed left undone.

    Raises Trouble where the data is ill or another app has it.
    """
    _running.enter_context(place.taken())
    for folder in restore.interrupted():
        logger.warning("a restore was stopped before it changed the data: see %s", folder)
    with database().session(APP) as db:
        unfinished = records.begin_again(db)
    _hand_over.submit(_engine)
    _hand_over.submit(reader().start)
    for job in unfinished:
        _hand_over.submit(_submit, job.fingerprint, KINDS[job.kind].spec.from_json(job.spec))
    _hand_over.submit(_load_statistics)


def _load_statistics() -> None:
    """What a study is read with takes seconds to load: now, and not when somebody waits for the results."""
    for name in ("choix", "sklearn.metrics", "statsmodels.regression.mixed_linear_model"):
        importlib.import_module(name)


def stop() -> None:
    _hand_over.shutdown(cancel_futures=True)
    if _engine.cache_info().currsize:
        _engine().close()
    reader().close()
    _running.close()


def made(spec: Spec) -> Any:
    """What the engine made of it, or None."""
    return KINDS[kind_of(spec)].load(spec, store())


def want(spec: Spec) -> None:
    """Have a result made, unless that is under way; one that failed or was stopped is tried again."""
    key = spec.fingerprint()
    with database().session(who.here()) as db:
        job = records.submit(db, key, kind_of(spec), spec.to_json())
        if job.state == "done":  # asked for although done: somebody cleared the store
            records.redo(db, key)
    _hand_over.submit(_submit, key, spec)


def _submit(key: str, spec: Spec) -> None:
    try:
        kind = KINDS[kind_of(spec)]
        _engine().submit(key, kind.build, spec, kind.urgency)
    except OSError:  # Dask's way to say that nobody answers
        logger.exception("no engine")
        _record(jobs.Change(key, "failed", error=NO_ENGINE))
    except UserError as error:  # a worker cannot work, or the shared store does not answer
        _record(jobs.Change(key, "failed", error=error))


def state(spec: Spec) -> Job | None:
    with database().reading(who.here()) as db:
        return records.get(db, spec.fingerprint())


def n_workers() -> int | None:
    """How many calculate, asked of the engine here and now, which may take long; None while it starts."""
    return _engine().crew().n_workers if _engine.cache_info().currsize else None


def crew() -> Future[jobs.Crew]:
    """Who calculates, once the engine has said so."""
    return _hand_over.submit(lambda: _engine().crew())


def cancel(spec: Spec) -> None:
    with database().reading(who.here()) as db:
        permits.leading(db)
    _hand_over.submit(lambda: _engine().cancel(spec.fingerprint()))


def _record(change: jobs.Change) -> None:
    """Write down what the engine reports. How a job ended is told once: that is tried until it is written."""
    while True:
        try:
            return _write_down(change)
        except DBAPIError as error:  # locked for long, or on a disk that is full or may only be read
            if change.state == "running":
                raise
            logger.error("job %s is %s, which cannot be written down yet: %s", change.key, change.state, error.orig)
            time.sleep(AGAIN)


def _write_down(change: jobs.Change) -> None:
    with database().session(APP) as db:
        if change.state == "running":
            records.progress(db, change.key, change.stage, change.done, change.total)
        elif change.state == "done":
            records.finish(db, change.key)
        elif change.state == "cancelled":
            records.cancel(db, change.key)
        elif change.error is not None:
            told = change.error.facts.items()
            facts = {name: fact if isinstance(fact, int | float) else str(fact) for name, fact in told}
            records.fail(db, change.key, change.error.problem, change.error.remedy, facts)


# Keyed by the specs themselves, which hold the SHA-256 of every file: exact, where Streamlit's hash of large arrays
# looks at a sample of them only. What is kept is shared by all sessions and never changed.
@lru_cache(maxsize=16)
def table_of(source: Source) -> Table:
    reader().keep(store(), source)
    return files.table_of(source, store())


def series_of(sources: Iterable[Source]) -> list[Series]:
    return [series for source in sources for series in table_of(source).series]


@lru_cache(maxsize=16)
def periods_of(sources: tuple[Source, ...]) -> tuple[Period, ...]:
    """The data's own periods, strongest first."""
    return periods(series_of(sources))


def is_light(spec: PreparationSpec) -> bool:
    """Whether a screen may prepare these series itself, in a fraction of a second."""
    return spec.is_light(sum(one.values.size for one in series_of(spec.sources)))


def prepared_of(spec: PreparationSpec) -> Prepared | None:
    """The prepared series, made here and now where that is light; None: the engine has yet to make them."""
    if is_light(spec):
        preparation.build(spec, store(), lambda *_: None)
    return preparation.load(spec, store())


@lru_cache(maxsize=8)
def windows_of(sources: tuple[Source, ...], recipe: Recipe) -> Windows:
    return cut(ready_series(sources, recipe), recipe)


@lru_cache(maxsize=16)
def ready_series(sources: tuple[Source, ...], recipe: Recipe) -> tuple[Series, ...]:
    """The series as the recipe prepares them, which was done before."""
    ready = prepared_of(PreparationSpec.of(sources, recipe))
    if ready is None:
        raise UserError(
            N_("The series of this map are no longer kept as they were prepared."),
            N_("Open the map on the Maps screen once: they are then prepared again."),
        )
    return ready.series


@lru_cache(maxsize=4)
def statistics_of(sources: tuple[Source, ...], recipe: Recipe) -> Statistics:
    """Of every window, in the units of the file."""
    here = windows_of(sources, recipe)
    return differences.statistics_of(replace(here, prepared=ready_series(sources, recipe.in_units()), scale=None))


def near(spec: ViewSpec, ids: Ints, k: int) -> Ints:
    """The windows outside a pick that lie nearest to it for the model."""
    return nearest_to(store().array(spec.embedding_fingerprint(), "vectors", mapped=True), ids, k)
