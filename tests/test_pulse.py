"""/healthz and /metrics: what is wrong is said in a word within a second, and the numbers are what has happened."""

import asyncio
import re
import sqlite3
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request as Sent
from urllib.request import urlopen

import pytest
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from feedback_db import jobs, logins, people
from feedback_db.database import Database
from feedback_db.permits import APP, LOCAL
from pages.entrance import hosts
from pages.parts import figures, pulse, who, work
from pages.parts.pulse import Look
from tests import test_feedback_db as shared
from tests.browser import App

url, database = shared.url, shared.database  # fixtures
LINE = re.compile(r'(pilot_\w+)(\{\w+="[^"\\\n]*"\})? (-?[0-9.e+]+)')


def asked(*looks: Look) -> tuple[list[object], float]:
    """The outcomes, and the seconds until they were there."""
    began = time.monotonic()
    return asyncio.run(pulse.ask(looks)), time.monotonic() - began


def test_who_looks_at_something_that_hangs_hears_within_a_second_and_starts_no_second_look():
    end, looks = threading.Event(), []

    def hangs() -> int:
        looks.append(1)
        end.wait(30)
        return 5

    hanging, quick = Look(hangs), Look(lambda: 7)
    for _ in range(3):
        outcomes, seconds = asked(hanging, quick)
        assert (outcomes, len(looks)) == ([None, 7], 1)
        assert seconds < 1
    end.set()
    assert asked(hanging)[0] == [5]


def test_an_outcome_is_shared_for_a_second_and_not_for_longer(monkeypatch: pytest.MonkeyPatch):
    numbers = iter(range(9))
    look = Look(lambda: next(numbers))
    assert [asked(look)[0] for _ in range(3)] == [[0]] * 3
    monkeypatch.setattr(pulse, "FRESH", 0.0)
    assert asked(look)[0] == [1]


@pytest.mark.parametrize("error", [OSError, OperationalError("", {}, Exception())])
def test_what_cannot_be_looked_at_is_wrong_and_looked_at_again(error: Exception, monkeypatch: pytest.MonkeyPatch):
    errors = iter([error])
    monkeypatch.setattr(pulse, "FRESH", 0.0)

    def fails_once() -> int:
        for one in errors:
            raise one
        return 3

    look = Look(fails_once)
    assert [asked(look)[0], asked(look)[0]] == [[None], [3]]


def test_a_disk_is_complained_of_before_it_is_full_and_an_engine_once_it_does_not_come():
    well = {"database": 1, "disk": pulse.ROOM, "engine": 0}
    assert pulse.complaints(well) == []
    assert pulse.complaints(well | {"disk": pulse.ROOM - 1}) == ["disk"]
    assert pulse.complaints(dict.fromkeys(well)) == ["database", "disk", "engine"]


@pytest.mark.usefixtures("place")  # it has no engine
def test_an_engine_that_does_not_start_is_wrong_only_after_its_time(monkeypatch: pytest.MonkeyPatch):
    engine = pulse._Engine()
    assert engine() == 0
    monkeypatch.setattr(pulse, "STARTING", 0.0)
    with pytest.raises(TimeoutError):
        engine()


def test_trying_the_database_out_leaves_nothing(database: Database):
    for _ in range(2):
        database.try_out()
    with database.session(LOCAL) as db:
        assert jobs.counts(db) == {}


@pytest.mark.usefixtures("place")
def test_a_database_that_takes_nothing_is_told_from_one_that_can_be_read():
    with work.database().session(LOCAL) as db:
        db.connection().exec_driver_sql("PRAGMA query_only=ON")
    with pytest.raises(OperationalError, match="readonly"):
        work.database().try_out()


# --- the numbers of a running app ---


def get(address: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
    try:
        with urlopen(Sent(address, body, headers), timeout=10) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def numbers(app: App) -> dict[str, float]:
    """What a monitoring agent reads, held against the format: of each name its help, its type, its numbers."""
    status, text = get(f"{app.address}/metrics")
    assert status == 200
    found, kinds = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            name, kinds[name] = line.split()[2:]
        elif not line.startswith("# HELP "):
            told = LINE.fullmatch(line)
            assert told, line
            assert told[1].removesuffix("_bucket").removesuffix("_sum").removesuffix("_count") in kinds, line
            found[told[1] + (told[2] or "")] = float(told[3])
    assert {*kinds.values()} == {"gauge", "counter", "histogram"}
    return found


def test_a_running_app_is_ok_and_its_numbers_are_what_was_done(app: App):
    assert get(f"{app.address}/healthz") == (200, "ok")
    before = numbers(app)
    body = b'{"seat": "nobody", "answers": [{"id": "1"}, {"id": "2"}]}'
    sent = [get(f"{app.address}/api/ratings", one, Origin=app.address)[0] for one in (body, body, b"no answers")]
    assert sent == [200, 200, 400]
    after = numbers(app)
    assert after['pilot_answers_refused_total{why="unknown"}'] == 4
    assert after['pilot_answer_requests_failed_total{status="400"}'] == 1
    assert after["pilot_answers_stored_total"] == after["pilot_answers"] == 0
    assert after["pilot_answer_seconds_count"] == after['pilot_answer_seconds_bucket{le="+Inf"}'] == 2
    assert after['pilot_answer_seconds_bucket{le="0.01"}'] <= after['pilot_answer_seconds_bucket{le="10.0"}']
    assert 0 < after["pilot_answer_seconds_sum"] < 10
    assert after["pilot_uptime_seconds"] > before["pilot_uptime_seconds"]
    assert after['pilot_jobs{state="queued"}'] == after["pilot_queue_length"] == 0
    assert after["pilot_database_bytes"] == (app.data / "pilot.db").stat().st_size
    assert after['pilot_memory_bytes{process="web"}'] == pytest.approx(resident(app.process.pid), rel=0.5)


def resident(pid: int) -> float:
    """Bytes, as the kernel says."""
    [kilobytes] = re.findall(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(kilobytes) * 1024


def test_a_database_that_somebody_holds_is_said_within_a_second_and_ok_afterwards(app: App):
    holder = sqlite3.connect(app.data / "pilot.db", isolation_level=None)
    time.sleep(pulse.FRESH)
    holder.execute("BEGIN EXCLUSIVE")
    for _ in range(2):
        began = time.monotonic()
        assert get(f"{app.address}/healthz") == (503, "database")
        assert time.monotonic() - began < 1
    told = numbers(app)  # what can be known is told all the same
    assert told['pilot_healthy{part="database"}'] == 0
    assert "pilot_page_loads_total" in told
    holder.close()
    for _ in range(100):
        if get(f"{app.address}/healthz") == (200, "ok"):
            break
        time.sleep(0.1)
    assert get(f"{app.address}/healthz") == (200, "ok")


# --- who may read the numbers ---


def scope(client: str, host: str, **headers: str) -> dict[str, object]:
    named = {"host": host} | {name.replace("_", "-"): value for name, value in headers.items()}
    raw = [(name.encode(), value.encode()) for name, value in named.items()]
    return {"type": "http", "method": "GET", "path": "/metrics", "client": (client, 5), "headers": raw}


@pytest.mark.parametrize("host", ["127.0.0.1:8501", "localhost:8501", "[::1]:8501"])
def test_an_agent_on_this_computer_needs_no_login(host: str):
    assert hosts.is_from_here(scope("127.0.0.1", host))
    assert hosts.is_from_here(scope("::1", host))


@pytest.mark.parametrize("header", ["x_forwarded_for", "forwarded", "x_real_ip", "via"])
def test_what_comes_through_a_proxy_on_this_computer_is_no_agent(header: str):
    assert not hosts.is_from_here(scope("127.0.0.1", "127.0.0.1:8501", **{header: "127.0.0.1"}))
    assert not hosts.is_from_here(scope("127.0.0.1", "pilot.plant.example"))  # the proxy names nobody
    assert not hosts.is_from_here(scope("192.0.2.7", "127.0.0.1:8501"))


@pytest.fixture
def team(place: object, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:  # noqa: ARG001
    """Ids of logins in team mode, by whose they are."""
    monkeypatch.setenv("PILOT_TEAM", "1")
    found = {"nobody": "", "somebody made up": "0" * 32}
    with work.database().session(APP) as db:
        lead = people.settle(db, people.first_link(db), "Yamada", "not a hash")
        assert lead is not None
        found["lead"] = str(logins.of(db, logins.begin(db, lead.id)).id)
        found["lead, signed out"] = str(logins.of(db, logins.begin(db, lead.id)).id)
        logins.end(db, found["lead, signed out"])
    with work.database().session(LOCAL) as db:
        token = people.invite(db, "Sato", "manager")
    with work.database().session(APP) as db:
        manager = people.settle(db, token, "", "not a hash")
        assert manager is not None
        found["manager"] = str(logins.of(db, logins.begin(db, manager.id)).id)
    return found


@pytest.mark.parametrize("whose", ["nobody", "somebody made up", "lead, signed out", "manager"])
def test_from_elsewhere_there_is_nothing_to_read_but_for_leads(team: Mapping[str, str], whose: str):
    asking = Request(scope("192.0.2.7", "pilot.plant.example", **{who.HEADER: team[whose]}))
    with pytest.raises(HTTPException) as refused:
        asyncio.run(figures.endpoint(asking))
    assert refused.value.status_code == 404


def test_a_lead_may_read_from_elsewhere(team: Mapping[str, str]):
    figures._for_leads(who.sent({who.HEADER: team["lead"]}))


def test_stored_and_refused_answers_are_counted_as_they_are_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(figures, "tally", figures.Tally())
    told = {"kept": ["a", "b"], "refused": [{"id": "c", "why": "ended"}]}

    async def endpoint(_request: Request) -> JSONResponse:
        return JSONResponse(told)

    for _ in range(3):
        asyncio.run(figures.counted(endpoint)(Request(scope("127.0.0.1", "localhost"))))
    assert figures.tally.total("stored") == 6
    assert figures.tally.of("refused") == {"ended": 3}
    assert figures.tally.total("bucket") == 3
