"""The same answer sent twice at the same moment, by a double tap and by two tabs of one person: it is stored once."""

from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path
from threading import Barrier

from tests.reliability.ground import Figure, Tablet, account, opened, serving


def measured(folder: Path, n: int = 1000) -> list[Figure]:
    study = opened(folder, 1)
    with serving(folder) as app, ThreadPoolExecutor(2) as pool:
        [tablet] = study.tablets(app)
        both = Barrier(2)

        def tap(one: Tablet) -> None:
            both.wait()
            one.empty()

        for i in range(n):
            for _ in range(1 + 2 * (i % 2)):  # one answer tapped twice, or an outbox that two tabs share
                tablet.say(1 + i % 5)
            other = Tablet(tablet.port, tablet.seat, tablet.item, outbox=deepcopy(tablet.outbox))
            list(pool.map(tap, (tablet, other)))
    found, wanted = account(study, [tablet]), len(tablet.kept)
    [(stored,)] = study.rows("SELECT count(*) FROM rating")
    extra = found.twice + stored - wanted
    return [
        Figure(f"duplicates over {n:,} double taps and tabs", "0", str(extra), extra == 0),
        Figure("… lost or halved", "0", str(found.lost + found.halves), found.lost + found.halves == 0),
    ]
