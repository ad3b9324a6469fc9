"""kill -9 of the engine's worker while jobs run and wait: every job is done, and once."""

import logging
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from core.artifacts import Store, fingerprint
from core.jobs import Change, Engine, Report
from tests.reliability.ground import Figure

STEPS, STEP = 10, 0.05  # of a job; seconds each
AT_ONCE = 4  # jobs that wait or run: those that wait die with the worker too
LONG = 120.0  # seconds in which a new worker is there, with torch loaded, on a busy computer
MADE = "made.txt"


def make(name: str, store: Store, report: Report) -> None:
    """A job as all are: it reports, and what is there already it does not make again."""
    for i in range(STEPS):
        report("working", i, STEPS)
        time.sleep(STEP)
    if store.has(name):
        return
    store.save(name, {"made": "here"}, {"x": np.arange(3)})
    with (store.root / MADE).open("a", encoding="utf-8") as f:
        f.write(f"{name}\n")


def measured(folder: Path, n_kills: int = 30) -> list[Figure]:
    store = Store(folder / "artifacts")
    store.root.mkdir()
    heard: list[Change] = []
    engine = Engine(store, heard.append)
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # it tells of every worker that dies
    draw, names, kills = random.Random(0), [], 0
    try:
        while kills < n_kills:
            while sum(map(engine.knows, names)) < AT_ONCE:
                names.append(fingerprint("job", len(names)))
                engine.submit(names[-1], make, names[-1])
            _wait_for_running(heard)
            time.sleep(draw.uniform(0, 4 * STEPS * STEP))  # a job that has its worker killed every time is given up
            _kill(engine)
            kills += 1
            heard.append(Change("", "aside"))  # where the kill was
        _wait(lambda: not any(map(engine.knows, names)))
    finally:
        engine.close()
    ends = Counter((one.key, one.state) for one in heard if one.state in ("done", "failed", "cancelled"))
    made = Counter((store.root / MADE).read_text(encoding="utf-8").split())
    lost = sum(ends[name, "done"] == 0 or not store.has(name) for name in names)
    told = Counter(key for key, _state in ends.elements())
    told_twice, made_twice = (sum(n > 1 for n in each.values()) for each in (told, made))
    what = f"of {len(names)} over {kills} kills of the worker"
    return [
        Figure(f"jobs lost {what}", "0", str(lost), lost == 0),
        Figure("… told twice that they ended", "0", str(told_twice), told_twice == 0),
        Figure("… made twice", "0", str(made_twice), made_twice == 0),
    ]


def _wait_for_running(heard: list[Change]) -> None:
    """Some job has reported since the last kill."""

    def is_running() -> bool:
        last = max((i for i, one in enumerate(heard) if one.state == "aside"), default=-1)
        return any(one.state == "running" for one in heard[last + 1 :])

    _wait(is_running)


def _kill(engine: Engine) -> None:
    assert engine._cluster is not None
    [nanny] = engine._cluster.workers.values()
    os.kill(nanny.pid, signal.SIGKILL)


def _wait(true: Callable[[], bool]) -> None:
    give_up = time.monotonic() + LONG
    while not true():
        if time.monotonic() > give_up:
            raise TimeoutError
        time.sleep(0.01)
