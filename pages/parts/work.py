"""What all screens share in this process: the database, the artifact store and the engine."""

import logging
import os
import threading
from functools import cache, lru_cache
from pathlib import Path

from core import jobs, views
from core.artifacts import Store
from core.recipes import Recipe, Windows, cut
from core.tables import Series
from core.views import Source, ViewSpec
from feedback_db import jobs as records
from feedback_db.database import Database, connect
from feedback_db.jobs import Job

VIEW = "view"
logger = logging.getLogger(__name__)
_opening = threading.RLock()  # two first visitors must open one database and one engine


def data_folder() -> Path:
    return Path(os.environ.get("PILOT_DATA") or Path(__file__).parents[2] / "data")


@cache
def store() -> Store:
    return Store(data_folder() / "artifacts")


def database() -> Database:
    with _opening:
        return _database()


@cache
def _database() -> Database:
    folder = data_folder()
    folder.mkdir(parents=True, exist_ok=True)
    db = connect(os.environ.get("PILOT_DATABASE_URL") or f"sqlite:///{(folder / 'pilot.db').as_posix()}")
    db.upgrade()
    return db


@cache
def _engine() -> jobs.Engine:
    return jobs.Engine(store(), _record, os.environ.get("PILOT_DASK"))


def engine() -> jobs.Engine:
    """The engine; whoever comes first starts it, which takes seconds, and the others wait."""
    with _opening:
        return _engine()


def start() -> None:
    """Start the engine behind the first page, and go on with what an app that was stopped or killed left undone."""
    threading.Thread(target=_start, name="engine-start", daemon=True).start()


def _start() -> None:
    with database().session() as db:
        unfinished = records.unfinished(db)
    for job in unfinished:
        engine().submit(job.fingerprint, views.build, ViewSpec.from_json(job.spec))
    engine().warm_up()


def stop() -> None:
    if _engine.cache_info().currsize:
        engine().close()


def want(spec: ViewSpec) -> None:
    """Have a view made, unless that is under way; one that failed or was stopped is tried again."""
    key = spec.fingerprint()
    with database().session() as db:
        job = records.submit(db, key, VIEW, spec.to_json())
        if job.state == "done":  # asked for although done: somebody cleared the store
            records.redo(db, key)
    engine().submit(key, views.build, spec)


def state(spec: ViewSpec) -> Job | None:
    with database().session() as db:
        return records.get(db, spec.fingerprint())


def cancel(spec: ViewSpec) -> None:
    engine().cancel(spec.fingerprint())


def _record(change: jobs.Change) -> None:
    """Write down what the engine reports."""
    with database().session() as db:
        if change.state == "running":
            records.progress(db, change.key, change.stage, change.done, change.total)
        elif change.state == "done":
            records.finish(db, change.key)
        elif change.state == "cancelled":
            records.cancel(db, change.key)
        elif change.error is not None:
            facts = {name: str(fact) for name, fact in change.error.facts.items()}
            records.fail(db, change.key, change.error.problem, change.error.remedy, facts)


# Keyed by the specs themselves, which hold the SHA-256 of every file: exact, where Streamlit's hash of large arrays
# looks at a sample of them only. What is kept is shared by all sessions and never changed.
@lru_cache(maxsize=8)
def series_of(sources: tuple[Source, ...]) -> list[Series]:
    return views.load_series(sources, store())


@lru_cache(maxsize=8)
def windows_of(sources: tuple[Source, ...], recipe: Recipe) -> Windows:
    return cut(series_of(sources), recipe)
