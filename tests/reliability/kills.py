"""kill -9 of the web process while several tablets send: nothing acknowledged is lost, and no half is ever stored."""

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from tests.reliability.ground import Figure, Tablet, account, opened, serving

N_TABLETS = 4
RETRY = 0.02  # seconds; a tablet takes two at first, and would make this an hour


def measured(folder: Path, n_kills: int = 100, n_acknowledged: int = 10_000) -> list[Figure]:
    """So many of both, at least."""
    study = opened(folder, N_TABLETS)
    draw = random.Random(0)
    halves, kills = 0, 0
    with serving(folder) as app:
        tablets = study.tablets(app)
        with sending(tablets) as n_kept:
            while kills < n_kills or n_kept() < n_acknowledged:
                enough = (kills + 1) * n_acknowledged / n_kills
                give_up = time.monotonic() + 120
                while n_kept() < enough:
                    if time.monotonic() > give_up:
                        raise TimeoutError(f"{n_kept()} answers are acknowledged, and no more come")
                    time.sleep(0.005)
                time.sleep(draw.uniform(0, 0.05))
                app.kill()
                kills += 1
                halves += account(study, []).halves  # before it is sent again, which would make it whole
                app.start()
        for tablet in tablets:
            tablet.empty()
    found, n = account(study, tablets), n_kept()
    what = f"after {kills} kill -9 and {n:,} acknowledgements"
    return [
        Figure(f"acknowledged answers lost {what}", "0", str(found.lost), found.lost == 0),
        Figure("halves of answers stored, after any kill", "0", str(halves + found.halves), halves + found.halves == 0),
        Figure("answers stored twice", "0", str(found.twice), found.twice == 0),
        Figure("answers refused", "0", str(n_refused := sum(len(one.refused) for one in tablets)), n_refused == 0),
    ]


@contextmanager
def sending(tablets: list[Tablet]) -> Iterator[Callable[[], int]]:
    """Every tablet says and sends, one to three answers at a time; yields how many are acknowledged."""
    stop = Event()

    def go_on(tablet: Tablet, seed: int) -> None:
        draw = random.Random(seed)
        while not stop.is_set():
            while len(tablet.outbox) < draw.randint(1, 3):
                tablet.say(draw.randint(1, 5))
            if tablet.send().status != 200:
                time.sleep(RETRY)

    with ThreadPoolExecutor(len(tablets)) as pool:
        running = [pool.submit(go_on, tablet, i) for i, tablet in enumerate(tablets)]
        try:
            yield lambda: sum(len(tablet.kept) for tablet in tablets)
        finally:
            stop.set()
    for one in running:
        one.result()
