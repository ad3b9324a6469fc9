"""The engine, for real: a scheduler, workers in processes of their own, and work that fails in every way.

The functions that work are up here: a worker imports them from this module by name.
"""

import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import dask
import numpy as np
import pytest
from distributed import LocalCluster

from core.artifacts import Store
from core.errors import UserError
from core.jobs import BROKE, REPORT_EVERY, STOPPED, Change, Engine, Report

LONG = 60  # seconds: nothing here takes as long, unless something is stuck


def write(store: Store, name: str, line: str = "") -> None:
    store.root.mkdir(exist_ok=True)
    with (store.root / name).open("a", encoding="utf-8") as f:
        f.write(f"{line}\n")


def lines(store: Store, name: str) -> list[str]:
    file = store.root / name
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def save_a_result(key: str, store: Store, _report: Report) -> None:
    store.save(key, {"by": os.getpid()}, {"x": np.arange(3)})


def note(name: str, store: Store, _report: Report) -> None:
    write(store, name, "ran")


def two_stages(_spec: None, _store: Store, report: Report) -> None:
    for i in range(100):
        report("first", i, 100)
    time.sleep(REPORT_EVERY)
    report("first", 100, 100)
    report("second", 0, 1)


def wait_for_go(name: str, store: Store, report: Report) -> None:
    """Works, and reports, until a file appears."""
    write(store, name, "ran")
    while not (store.root / f"{name}.go").exists():
        report("waiting", 0, 1)
        time.sleep(0.01)


def note_in_order(name: str, store: Store, _report: Report) -> None:
    write(store, "order", name)


def report_then_note(name: str, store: Store, report: Report) -> None:
    report("about to", 0, 1)
    write(store, name, "ran")


def ask_for_another_file(folder: Path, _store: Store, _report: Report) -> None:
    raise UserError("There is nothing in “{folder}”.", "Choose another one.", folder=folder)


def divide(by: int, _store: Store, _report: Report) -> None:
    print(1 / by)  # noqa: T201


def die(name: str, store: Store, _report: Report) -> None:
    write(store, name, "died")
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(name: str, store: Store, report: Report) -> None:
    if lines(store, name):
        write(store, name, "lived")
    else:
        die(name, store, report)


def describe_worker(name: str, store: Store, _report: Report) -> None:
    import torch  # there already, or this would take the seconds that _Settled saves

    facts = (os.nice(0), torch.get_num_threads(), "core.moment" in sys.modules, signal.getsignal(signal.SIGINT))
    write(store, name, repr((*facts[:3], facts[3] == signal.SIG_IGN)))


class Listener:
    """Hears every change; can be waited on, and can be made to fail."""

    def __init__(self) -> None:
        self.heard: list[Change] = []
        self.fails_at = ""
        self._news = threading.Condition()

    def __call__(self, change: Change) -> None:
        with self._news:
            self.heard.append(change)
            self._news.notify_all()
        if change.key == self.fails_at:
            raise OSError("the database is away")

    def of(self, key: str) -> list[Change]:
        return [change for change in self.heard if change.key == key]

    def wait(self, key: str, *states: str) -> Change:
        """The first change of a job to one of these states, or to any end."""
        states = states or ("done", "failed", "cancelled")
        with self._news:
            assert self._news.wait_for(lambda: any(c.state in states for c in self.of(key)), LONG), self.of(key)
            return next(change for change in self.of(key) if change.state in states)


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    return Store(tmp_path_factory.mktemp("artifacts"))


@pytest.fixture(scope="module")
def listener() -> Listener:
    return Listener()


@pytest.fixture(scope="module")
def engine(store, listener) -> Iterator[Engine]:
    """One for all tests, as an app has one; each test has keys of its own."""
    engine = Engine(store, listener)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """Somebody's cluster: its workers are quick to replace, and its scheduler allows one death a job."""
    settings = {
        "distributed.scheduler.allowed-failures": 1,
        "distributed.deploy.lost-worker-timeout": "1 day",  # else one that starts again after 15 s is closed for good
    }
    one = {"host": "127.0.0.1", "n_workers": 1, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
    with dask.config.set(settings), LocalCluster(**one, silence_logs=logging.CRITICAL) as cluster:
        yield cluster


@pytest.fixture
def guest(cluster, store) -> Iterator[tuple[Engine, Listener]]:
    """An engine on somebody's cluster."""
    heard = Listener()
    engine = Engine(store, heard, cluster.scheduler_address)
    yield engine, heard
    engine.close()


# --- how a job ends


def test_a_job_that_is_done_has_left_its_result_and_was_done_elsewhere(engine, listener, store):
    engine.submit("a" * 64, save_a_result, "a" * 64)
    assert listener.wait("a" * 64) == Change("a" * 64, "done")
    assert store.array("a" * 64, "x").tolist() == [0, 1, 2]
    assert store.meta("a" * 64)["by"] != os.getpid()
    assert not engine.knows("a" * 64)


def test_progress_comes_in_order_and_not_more_often_than_the_eye_can_follow(engine, listener):
    engine.submit("stages", two_stages, None)
    listener.wait("stages")
    assert listener.of("stages") == [
        Change("stages", "running", "first", 0, 100),
        Change("stages", "running", "first", 100, 100),
        Change("stages", "running", "second", 0, 1),  # a new stage is always told
        Change("stages", "done"),
    ]


def test_a_users_error_travels_with_its_facts_and_is_not_taken_for_a_bug(engine, listener, caplog):
    engine.submit("user error", ask_for_another_file, Path("モデル/{x}"))
    ended = listener.wait("user error")
    assert ended.state == "failed"
    assert type(ended.error) is UserError
    assert ended.error.facts == {"folder": Path("モデル/{x}")}
    assert str(ended.error) == "There is nothing in “モデル/{x}”. Choose another one."
    assert [record for record in caplog.records if record.name == "core.jobs"] == []


def test_a_bug_becomes_a_sentence_for_people_and_a_traceback_for_the_log(engine, listener, caplog):
    engine.submit("bug", divide, 0)
    assert listener.wait("bug") == Change("bug", "failed", error=BROKE)
    [record] = [record for record in caplog.records if record.name == "core.jobs"]
    assert "job bug failed" in record.getMessage()
    assert record.exc_info[0] is ZeroDivisionError


def test_a_job_is_cancelled_at_its_next_report(engine, listener):
    engine.submit("endless", wait_for_go, "endless")
    listener.wait("endless", "running")
    assert engine.knows("endless")
    engine.cancel("endless")
    assert listener.wait("endless").state == "cancelled"
    assert not engine.knows("endless")


def test_a_job_cancelled_while_it_queues_does_nothing_and_those_around_it_are_done(engine, listener, store):
    engine.submit("front", wait_for_go, "front")
    engine.submit("queued", report_then_note, "queued")
    engine.submit("behind", report_then_note, "behind")
    engine.cancel("queued")
    write(store, "front.go")
    assert [listener.wait(key).state for key in ("front", "queued", "behind")] == ["done", "cancelled", "done"]
    assert [lines(store, name) for name in ("queued", "behind")] == [[], ["ran"]]


def test_cancelling_what_is_over_or_was_never_asked_for_changes_nothing(engine, listener):
    engine.submit("over", note, "over")
    listener.wait("over")
    engine.cancel("over")
    engine.cancel("never asked for")
    engine.submit("afterwards", note, "afterwards")
    listener.wait("afterwards")
    assert [change.state for change in listener.of("over")] == ["done"]
    assert listener.of("never asked for") == []


# --- asking more than once


def test_asking_twice_is_asking_once(engine, listener, store):
    for _ in range(3):
        engine.submit("twice", wait_for_go, "twice")
    listener.wait("twice", "running")
    engine.submit("twice", wait_for_go, "twice")
    write(store, "twice.go")
    listener.wait("twice")
    engine.submit("after twice", note, "after twice")  # one worker with one thread: a second run would come first
    listener.wait("after twice")
    assert lines(store, "twice") == ["ran"]
    assert [change.state for change in listener.of("twice") if change.state != "running"] == ["done"]


def test_a_job_that_was_cancelled_or_failed_can_be_asked_for_again(engine, listener, store):
    engine.submit("again", wait_for_go, "again")
    listener.wait("again", "running")
    engine.cancel("again")
    listener.wait("again", "cancelled")
    engine.submit("again", ask_for_another_file, Path("x"))
    listener.wait("again", "failed")
    write(store, "again.go")
    engine.submit("again", wait_for_go, "again")
    listener.wait("again", "done")
    assert lines(store, "again") == ["ran", "ran"]


# --- work that nobody waits for


def n_ready(dask_worker):
    return len(dask_worker.state.ready)


def test_work_that_nobody_waits_for_makes_way_and_is_done_afterwards(engine, listener, store):
    engine.submit("numbers", wait_for_go, "numbers", urgency=-1)
    listener.wait("numbers", "running")
    engine.submit("map", note, "map")
    assert listener.wait("map").state == "done"  # the numbers wait for a file that is not there yet
    write(store, "numbers.go")
    assert listener.wait("numbers").state == "done"
    assert lines(store, "numbers") == ["ran", "ran"]
    assert {change.state for change in listener.of("numbers")} == {"running", "done"}


def test_of_work_that_waits_its_turn_what_somebody_waits_for_comes_first(engine, listener, store):
    engine.submit("gate", wait_for_go, "gate")
    listener.wait("gate", "running")
    for name, urgency in (("numbers 1", -1), ("numbers 2", -1), ("map 1", 0), ("map 2", 0)):
        engine.submit(name, note_in_order, name, urgency)
    while engine._client.run(n_ready) != dict.fromkeys(engine._client.scheduler_info()["workers"], 4):
        time.sleep(0.01)  # the worker itself has to have heard of all four; the scheduler knows earlier
    write(store, "gate.go")
    for name in ("numbers 1", "numbers 2", "map 1", "map 2"):
        assert listener.wait(name).state == "done"
    order = lines(store, "order")
    assert [set(order[:2]), set(order[2:])] == [{"map 1", "map 2"}, {"numbers 1", "numbers 2"}]


def test_work_that_has_stepped_aside_can_still_be_cancelled(engine, listener, store):
    engine.submit("unwanted numbers", wait_for_go, "unwanted numbers", urgency=-1)
    listener.wait("unwanted numbers", "running")
    engine.submit("first map", wait_for_go, "first map")
    listener.wait("first map", "running")
    while len(lines(store, "unwanted numbers")) != 1 or not engine.knows("unwanted numbers"):
        time.sleep(0.01)  # back in the queue
    write(store, "first map.go")
    listener.wait("first map")
    engine.cancel("unwanted numbers")
    assert listener.wait("unwanted numbers").state == "cancelled"


# --- the engine itself


def test_a_listener_that_fails_is_logged_and_the_next_change_is_told(engine, listener, caplog):
    listener.fails_at = "unlucky"
    for key in ("unlucky", "lucky"):
        engine.submit(key, note, key)
    assert listener.wait("lucky").state == "done"
    assert [change.state for change in listener.of("unlucky")] == ["done"]
    assert "a change of job unlucky could not be passed on" in caplog.text


def test_the_local_worker_has_torch_ready_uses_every_core_and_lets_screens_go_first(engine, listener, store):
    engine.submit("worker", describe_worker, "worker")
    listener.wait("worker")
    assert lines(store, "worker") == [repr((min(19, os.nice(0) + 10), os.cpu_count(), True, True))]


def test_nobody_else_on_the_network_can_reach_the_local_engine(engine):
    """Dask runs whatever it is sent. 127.0.0.2 stands for the network: what listens everywhere also listens there."""
    told = engine._client.scheduler_info()
    [worker] = told["workers"].values()
    home = urlsplit(told["address"])
    ports = {home.port, urlsplit(worker["nanny"]).port, *told["services"].values(), *worker["services"].values()}
    ports |= {urlsplit(address).port for address in told["workers"]}
    assert len(ports) == 5  # scheduler, nanny, worker, and a dashboard each
    for port in ports:
        assert answers("127.0.0.1", port)
        assert not answers("127.0.0.2", port)


def answers(host: str, port: int) -> bool:
    with socket.socket() as s:
        s.settimeout(2)
        return s.connect_ex((host, port)) == 0


# --- somebody else's cluster


def test_the_same_work_runs_on_a_cluster_that_is_there_and_two_apps_share_one_run(guest, cluster, store):
    engine, heard = guest
    second = Listener()
    other = Engine(store, second, cluster.scheduler_address)
    for app in (engine, other):
        app.submit("shared", wait_for_go, "shared")
    for app in (heard, second):
        app.wait("shared", "running")
    write(store, "shared.go")
    assert [app.wait("shared").state for app in (heard, second)] == ["done", "done"]
    assert lines(store, "shared") == ["ran"]
    other.close()


def test_an_engine_that_closes_says_nothing_of_work_under_way_and_the_next_one_finishes_it(guest, cluster, store):
    engine, heard = guest
    closing = Listener()
    first = Engine(store, closing, cluster.scheduler_address)
    first.submit("unfinished", wait_for_go, "unfinished")
    closing.wait("unfinished", "running")
    first.close()
    assert {change.state for change in closing.heard} == {"running"}
    engine.submit("unfinished", wait_for_go, "unfinished")  # as the app does with its records when it starts
    write(store, "unfinished.go")
    assert heard.wait("unfinished").state == "done"
    assert {change.state for change in closing.heard} == {"running"}


def test_a_killed_worker_is_replaced_and_its_job_tried_again(guest, store):
    engine, heard = guest
    engine.submit("dies once", die_once, "dies once")
    assert heard.wait("dies once").state == "done"
    assert lines(store, "dies once") == ["died", "lived"]


def test_a_job_that_kills_every_worker_is_given_up_and_the_next_one_is_done(guest, store):
    engine, heard = guest
    engine.submit("deadly", die, "deadly")
    assert heard.wait("deadly") == Change("deadly", "failed", error=STOPPED)
    assert lines(store, "deadly") == ["died", "died"]
    engine.submit("harmless", note, "harmless")
    assert heard.wait("harmless").state == "done"


def test_a_job_that_only_waited_where_workers_died_is_not_given_up(guest, store):
    engine, heard = guest
    engine.submit("fatal", die, "fatal")
    engine.submit("bystander", note, "bystander")
    assert heard.wait("fatal") == Change("fatal", "failed", error=STOPPED)
    assert heard.wait("bystander").state == "done"
    assert lines(store, "fatal") == ["died", "died"]
    assert {*lines(store, "bystander")} == {"ran"}  # again, where a worker died after that and before it was told
    engine.submit("next", note, "next")  # how often the others were begun is forgotten before that is told of
    assert heard.wait("next").state == "done"
    assert {file.name for file in store.root.glob("*.runs")} <= {"next.runs"}


def test_a_cluster_that_does_not_answer_is_an_oserror(store):
    """By which pages/parts/work.py knows what to tell people."""
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "200ms"}),
        pytest.raises(OSError, match=r"tcp://127\.0\.0\.1:9"),
    ):
        Engine(store, print, "tcp://127.0.0.1:9")


# --- who calculates


def test_who_calculates_is_told_by_the_own_engine_and_by_a_cluster_alike(engine, guest):
    for one in (engine, guest[0]):
        crew = one.crew()
        assert (crew.n_workers, crew.n_threads) == (1, 1)
        assert crew.memory > 1e8


def test_an_engine_that_is_closed_does_not_keep_people_waiting(guest):
    guest[0].close()
    with pytest.raises((OSError, TimeoutError)):
        guest[0].crew()
