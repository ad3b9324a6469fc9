"""Tasks are rolled through a cluster: none is lost, none is done twice over, and what cannot be done is told."""

import logging
import os
import signal
import time
from collections.abc import Iterator

import dask
import pytest
from distributed import Client, KilledWorker, Scheduler, SpecCluster, Worker, get_worker

from core.errors import UserError
from core.jobs import BROKE, STOPPED
from core.rolling import AHEAD, TRIES, Rolling, failure, offering
from tests.plant import crew

tried: list[int] = []


def nothing(_done: int) -> None:
    """Nobody watches."""


def double(n: int) -> int:
    return 2 * n


def fails_at_3(n: int) -> int:
    tried.append(n)
    if n == 3:
        raise ValueError(n)
    return n


def kills_at_3(n: int) -> int:
    if n == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.05)
    return n


def whose(_n: int) -> str:
    return str(get_worker().name)


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with crew() as client:
        yield client


def test_each_thing_comes_back_once_with_what_was_made_of_it(client: Client):
    assert dict(Rolling(client, double).over(iter(range(50)), nothing)) == {n: 2 * n for n in range(50)}


def test_few_wait_at_a_time_however_many_there_are(client: Client):
    taken: list[int] = []

    def things() -> Iterator[int]:
        for n in range(50):
            taken.append(n)
            yield n

    ended = Rolling(client, double).over(things(), nothing)
    next(ended)
    assert len(taken) == AHEAD
    assert len(list(ended)) == 49


def test_what_fails_is_tried_again_and_then_told_and_costs_nothing_else(client: Client):
    tried.clear()
    ended = dict(Rolling(client, fails_at_3).over(iter(range(6)), nothing))
    assert isinstance(ended.pop(3), ValueError)
    assert ended == {n: n for n in (0, 1, 2, 4, 5)}
    assert tried.count(3) == TRIES


def test_progress_that_raises_cancels_what_waits(client: Client):
    def stop(done: int) -> None:
        if done >= 5:  # several may end at once
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(Rolling(client, double).over(iter(range(1000)), stop))
    assert dict(Rolling(client, double).over(iter([1]), nothing)) == {1: 2}


def test_a_task_that_kills_its_workers_is_given_up_and_those_beside_it_are_not():
    """With no patience at all, Dask gives up whatever a dying worker holds: two tasks or more."""
    with (
        dask.config.set(
            {"distributed.scheduler.allowed-failures": 0, "distributed.scheduler.worker-saturation": "inf"}
        ),
        crew(processes=True) as client,
    ):
        ended = dict(Rolling(client, kills_at_3).over(iter(range(6)), nothing))
    assert isinstance(ended.pop(3), KilledWorker)
    assert ended == {n: n for n in (0, 1, 2, 4, 5)}


def test_a_resource_is_asked_for_where_a_worker_offers_it(client: Client):
    assert offering(client, "GPU") is None
    workers = {
        name: {"cls": Worker, "options": {"nthreads": 1, "resources": offered, "name": name, "dashboard": False}}
        for name, offered in (("plain", {}), ("quick", {"GPU": 1}))
    }
    scheduler = {"cls": Scheduler, "options": {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}}
    with SpecCluster(workers, scheduler, silence_logs=logging.CRITICAL) as cluster, Client(cluster) as other:
        other.wait_for_workers(2)
        wanted = offering(other, "GPU")
        assert wanted == {"GPU": 1}
        assert set(dict(Rolling(other, whose, wanted).over(iter(range(10)), nothing)).values()) == {"quick"}


def test_failures_are_told_in_words_for_people():
    mine = UserError("So.", "Do.")
    assert failure(mine) is mine
    assert failure(KilledWorker("task", "worker", 3)) is STOPPED
    assert failure(ZeroDivisionError()) is BROKE
