"""/metrics: what happens in the app, in Prometheus' text format; counts only, nobody's words and no names."""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import anyio
import anyio.to_thread
import psutil
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from streamlit.runtime import get_instance
from streamlit.runtime.stats import ACTIVE_SESSIONS_FAMILY

from feedback_db import holdings, jobs, permits
from feedback_db.permits import APP, Actor, Forbidden
from pages.entrance import hosts
from pages.parts import pulse, version, who
from pages.parts.work import database

FORMAT = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
STARTED = time.monotonic()
Endpoint = Callable[[Request], Awaitable[Response]]


class Tally:
    """What has happened since the app started. Any thread may add to it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sums: defaultdict[tuple[str, str], float] = defaultdict(float)

    def add(self, name: str, label: str = "", by: float = 1) -> None:
        with self._lock:
            self._sums[name, label] += by

    def of(self, name: str) -> dict[str, float]:
        """By label."""
        with self._lock:
            return {label: total for (of, label), total in self._sums.items() if of == name}

    def total(self, name: str) -> float:
        return sum(self.of(name).values())


tally = Tally()


def counted(endpoint: Endpoint) -> Endpoint:
    """Where answers come in, with a count of what becomes of them and of how long that takes."""

    async def counting(request: Request) -> Response:
        began = time.monotonic()
        response = await endpoint(request)
        if response.status_code != 200:
            tally.add("unread", str(response.status_code))
            return response
        told = json.loads(bytes(response.body))
        tally.add("stored", by=len(told["kept"]))
        for one in told["refused"]:
            tally.add("refused", one["why"])
        seconds = time.monotonic() - began
        tally.add("seconds", by=seconds)
        tally.add("bucket", next((str(bound) for bound in BUCKETS if seconds <= bound), "+Inf"))
        return response

    return counting


@dataclass(frozen=True, slots=True)
class Metric:
    """One number, or some that differ by a label."""

    name: str
    kind: Literal["gauge", "counter", "histogram"]
    what: str
    values: Mapping[str, float]  # by what stands behind the name, as `{state="done"}`

    def lines(self) -> list[str]:
        said = [f"{self.name}{behind} {value:.15g}" for behind, value in self.values.items()]
        return [f"# HELP {self.name} {self.what}", f"# TYPE {self.name} {self.kind}", *said]


def gauge(name: str, what: str, value: float | Mapping[str, float]) -> Metric:
    return Metric(name, "gauge", what, value if isinstance(value, Mapping) else {"": value})


def counter(name: str, what: str, value: float | Mapping[str, float]) -> Metric:
    return Metric(name, "counter", what, value if isinstance(value, Mapping) else {"": value})


def by(label: str, values: Mapping[str, float]) -> dict[str, float]:
    """Labels are words of this program, which need no escaping."""
    return {f'{{{label}="{name}"}}': value for name, value in values.items()}


async def endpoint(request: Request) -> Response:
    """GET → the numbers, for a lead or a monitoring agent on this computer; nothing here for anybody else."""
    if not hosts.is_from_here(request.scope):
        try:
            with anyio.fail_after(pulse.PATIENCE):
                await anyio.to_thread.run_sync(_for_leads, who.sent(request.headers), abandon_on_cancel=True)
        except Forbidden:
            raise HTTPException(404) from None
        except (SQLAlchemyError, TimeoutError):  # who it is cannot be looked up
            return PlainTextResponse("database", 503, pulse.NEVER_KEPT)
    *outcomes, stored, memory = await pulse.ask([*pulse.LOOKS.values(), *LOOKS])
    of_health = _of_health(dict(zip(pulse.LOOKS, outcomes, strict=True)))
    metrics = [*_of_process(), *_of_answers(), *of_health, *(stored or ()), *(memory or ())]
    text = "\n".join(line for metric in metrics for line in metric.lines())
    return PlainTextResponse(f"{text}\n", media_type=FORMAT, headers=pulse.NEVER_KEPT)


def _for_leads(actor: Actor) -> None:
    """Raises Forbidden for anybody else."""
    with database().reading(actor) as db:
        permits.leading(db)


def _of_database() -> list[Metric]:
    with database().reading(APP) as db:
        held, by_state, waits = holdings.now(db), jobs.counts(db), jobs.longest_queued(db)
    every = dict.fromkeys(get_args(jobs.State), 0) | by_state
    return [
        gauge("pilot_jobs", "Calculations.", by("state", every)),
        gauge("pilot_queue_length", "Calculations that wait.", every["queued"]),
        gauge("pilot_oldest_queued_seconds", "How long the oldest of them has waited.", waits.total_seconds()),
        gauge("pilot_answers", "Answers in the database.", held.n_answers),
        gauge("pilot_database_bytes", "Its size.", held.size),
    ]


def _of_memory() -> list[Metric]:
    here = psutil.Process()
    memory = {"web": _resident(here), "workers": sum(map(_resident, here.children(recursive=True)))}
    return [gauge("pilot_memory_bytes", "Resident memory, of workers on this computer.", by("process", memory))]


LOOKS = [pulse.Look(_of_database), pulse.Look(_of_memory)]


def _of_process() -> Iterator[Metric]:
    yield gauge("pilot_info", "Which program this is.", by("program", {version.program(): 1}))
    yield gauge("pilot_uptime_seconds", "Since the app started.", time.monotonic() - STARTED)
    sessions = get_instance().stats_mgr.get_stats([ACTIVE_SESSIONS_FAMILY])[ACTIVE_SESSIONS_FAMILY]
    yield gauge("pilot_open_sessions", "Screens that are open in browsers.", sum(one.value for one in sessions))
    yield counter("pilot_page_loads_total", "Runs of a screen since the app started.", tally.total("loads"))


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:  # it has just ended
        return 0


def _of_health(outcomes: Mapping[str, int | None]) -> Iterator[Metric]:
    """What cannot be known just now is left out."""
    wrong = pulse.complaints(outcomes)
    well = {name: float(name not in wrong) for name in outcomes}
    yield gauge("pilot_healthy", "1, or 0 where /healthz complains.", by("part", well))
    if outcomes["engine"] is not None:
        yield gauge("pilot_workers", "Processes that calculate.", outcomes["engine"])
    if outcomes["disk"] is not None:
        yield gauge("pilot_disk_free_bytes", "Where the data lies.", outcomes["disk"])


def _of_answers() -> Iterator[Metric]:
    yield counter("pilot_answers_stored_total", "Answers acknowledged since the app started.", tally.total("stored"))
    yield counter("pilot_answers_refused_total", "Answers not wanted any more.", by("why", tally.of("refused")))
    yield counter("pilot_answer_requests_failed_total", "Not read or not saved.", by("status", tally.of("unread")))
    within, so_far = tally.of("bucket"), 0.0
    values = {}
    for bound in (*map(str, BUCKETS), "+Inf"):
        so_far += within.get(bound, 0)
        values[f'_bucket{{le="{bound}"}}'] = so_far
    values |= {"_sum": tally.total("seconds"), "_count": so_far}
    yield Metric("pilot_answer_seconds", "histogram", "From an answer's arrival to its commit.", values)
