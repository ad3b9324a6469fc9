"""Fifty people rate at once, without and with extra training under way on the same computer: how soon is the receipt?

In team mode: each comes in through the gate, with a cookie of their own, has a browser's line to the rating screen
open, thinks for a few seconds, and taps. Measured from the tap until the tablet knows that the answer is stored, with
whatever was tried again.
"""

import os
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from unittest.mock import patch

import numpy as np
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from core.encoders import EncoderSpec
from core.lessons import TrainSpec
from core.studies import Design
from core.tuning import TuneSpec
from core.views import ViewSpec
from feedback_db import jobs, raters, studies
from feedback_db.permits import LOCAL
from pages.parts import work
from tests.browser import ROOT, App, TeamApp
from tests.client import Client
from tests.reliability.ground import Figure, Study, Tablet, account
from tests.screens import Place
from tests.streams import tab

BAR = 1.0  # seconds, of 95 in 100 receipts
THINKS = 2.0, 6.0  # seconds
LONG = 180.0  # seconds until the engine is at work
ENDLESS = TrainSpec(steps=1_000_000, patience=1_000_000, every=20, rate=1e-5)


@dataclass(frozen=True, slots=True)
class Crowd:
    """Of one time that everybody rated. Seconds from tap to receipt."""

    waits: tuple[float, ...]
    errors: int  # requests that brought no receipt
    drawn: float  # until the slowest screen was there
    unsaved: int  # lost, halved, twice

    @property
    def told(self) -> str:
        p50, p95, most = np.percentile(self.waits, [50, 95, 100]) * 1000
        return f"{p50:.0f} / {p95:.0f} / {most:.0f} ms"

    @property
    def is_quick(self) -> bool:
        return float(np.percentile(self.waits, 95)) <= BAR


def measured(folder: Path, n_raters: int = 50, seconds: float = 60.0) -> list[Figure]:
    with patch.dict(os.environ, {"PILOT_DATA": str(folder)}), _afresh():
        study, spec = _opened(folder, n_raters)
        with _serving(folder) as app:
            alone = _rating(study, app, seconds)
        _queue(spec)
        with _serving(folder) as app:
            _wait_until_running(spec)
            training = _rating(study, app, seconds)
            still = _state(spec) == "running"
    found = []
    for name, one in (("alone", alone), ("while a model is trained", training)):
        who = f"{n_raters} people {name}"
        n = f"{len(one.waits)} answers"
        found += [
            Figure(f"{who}: tap to receipt, p50 / p95 / max", f"p95 ≤ {BAR:g} s", one.told, one.is_quick),
            Figure(f"{who}: errors in {n}", "0", str(one.errors), one.errors == 0),
            Figure(f"{who}: lost, halved or twice", "0", str(one.unsaved), one.unsaved == 0),
            Figure(f"{who}: all screens drawn after", "", f"{one.drawn:.1f} s", None),
        ]
    return [*found, Figure("the training was under way all the time", "yes", "yes" if still else "no", still)]


@contextmanager
def _afresh() -> Iterator[None]:
    """What this process keeps of an installation belongs to the folder."""
    kept = (work.store, work._database)
    for one in kept:
        one.cache_clear()
    yield
    work.database().close()
    for one in kept:
        one.cache_clear()


def _opened(folder: Path, n_seats: int) -> tuple[Study, TuneSpec]:
    """A study as its screen opens it, seats that are taken, and a training on the same data."""
    place = Place(folder, MemoryMediaFileStorage("/media"))
    pilot = place.pilot()
    dataset = place.data(pilot, _recording())
    view = place.view(pilot, place.spec(dataset, length=32))
    opened = place.study(pilot, view, design=Design(tasks=("intruder",)))
    shown = ViewSpec.from_json(view.spec)
    with work.database().session(LOCAL) as db:
        item = next(one for one in studies.items(db, opened.id) if one.kind == "view" and one.task)
        [shared] = raters.invitations(db, opened.id)
        every = [item.number]
        seats = [raters.begin(db, shared, "", raters.new_token(), lambda _n: every).token for _ in range(n_seats)]
    spec = TuneSpec(shown.sources, replace(shown.recipe), EncoderSpec(), ENDLESS)
    return Study(folder, item.id, tuple(seats)), spec


def _recording(n: int = 6000) -> bytes:
    at = np.arange(n)
    values = np.sin(2 * np.pi * at / np.where(at // 300 % 2, 7, 19)) + 0.3 * np.random.default_rng(0).normal(size=n)
    return ("t,value\n" + "\n".join(f"{i},{v:.4f}" for i, v in zip(at, values, strict=True))).encode()


@contextmanager
def _serving(folder: Path) -> Iterator[App]:
    """With an engine of its own."""
    app = TeamApp(folder, ROOT / "app.py")
    try:
        yield app
    finally:
        app.kill()


def _queue(spec: TuneSpec) -> None:
    """As if the app had been stopped with this under way: it goes on when it starts."""
    with work.database().session(LOCAL) as db:
        jobs.submit(db, spec.fingerprint(), "run", spec.to_json())


def _state(spec: TuneSpec) -> str:
    with work.database().session(LOCAL) as db:
        job = jobs.get(db, spec.fingerprint())
    return job.state if job else ""


def _wait_until_running(spec: TuneSpec) -> None:
    give_up = time.monotonic() + LONG
    while _state(spec) != "running":
        if time.monotonic() > give_up:
            raise TimeoutError(_state(spec))
        time.sleep(0.2)


def _rating(study: Study, app: App, seconds: float) -> Crowd:
    tablets, stop = study.tablets(app), Event()

    def go_on(tablet: Tablet, seed: int) -> tuple[list[float], int, float]:
        draw = random.Random(seed)
        time.sleep(draw.uniform(0, 3))  # not all come in at the door at once
        began, browser = time.perf_counter(), Client(app.address)
        browser.get(f"/rate?seat={tablet.seat}")
        tablet.cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        with tab(browser) as line:
            if "bidi_component" not in line.draw(query_string=f"seat={tablet.seat}", page_name="rate"):
                raise AssertionError(f"no questions on the rating screen: {line.seen}")
            drawn, waits, errors = time.perf_counter() - began, [], 0
            while not stop.wait(draw.uniform(*THINKS)):
                tablet.say(draw.randint(1, 5))
                tapped = time.perf_counter()
                while tablet.outbox:
                    errors += tablet.send().status != 200
                waits.append(time.perf_counter() - tapped)
        return waits, errors, drawn

    with ThreadPoolExecutor(len(tablets)) as pool:
        running = [pool.submit(go_on, one, i) for i, one in enumerate(tablets)]
        time.sleep(seconds)
        stop.set()
    each = [one.result() for one in running]
    found = account(study, tablets)
    waits = tuple(wait for own, _errors, _drawn in each for wait in own)
    errors, drawn = sum(errors for _waits, errors, _drawn in each), max(drawn for *_others, drawn in each)
    return Crowd(waits, errors, drawn, found.lost + found.halves + found.twice)
