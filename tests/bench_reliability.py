"""Is anything lost? `python3 manage.py bench reliability`, or a part of it: `… bench reliability kills`.

Real servers and workers on loopback in temporary folders: killed, starved of disk, crowded. Each figure is printed
beside its bar; one that misses it ends the program with 1.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from streamlit.logger import set_log_level

from tests.reliability import crowd, disk, kills, syncs, taps, workers
from tests.reliability.ground import Figure

Part = Callable[..., list[Figure]]
PARTS: dict[str, tuple[Part, dict[str, float]]] = {  # what measures it, and how little is enough with --short
    "kills": (kills.measured, {"n_kills": 2, "n_acknowledged": 40}),
    "syncs": (syncs.measured, {"n_commits": 10}),
    "taps": (taps.measured, {"n": 20}),
    "workers": (workers.measured, {"n_kills": 1}),
    "disk": (disk.measured, {"n_times": 1}),
    "crowd": (crowd.measured, {"n_raters": 5, "seconds": 10}),
}
LINE = "{:<76}{:<12}{:<24}{}"


def main() -> None:
    words = argparse.ArgumentParser(prog="manage.py bench reliability", description=__doc__)
    words.add_argument("part", nargs="*", choices=[[], *PARTS], help="all of them where none is named")
    words.add_argument("--short", action="store_true", help="seconds instead of minutes: does it work at all?")
    said = words.parse_args()
    set_log_level("error")  # Streamlit would tell that this is no screen
    print(LINE.format("", "bar", "measured", ""))
    missed = False
    for name in said.part or PARTS:
        for one in measured(name, is_short=said.short):
            verdict = {True: "ok", False: "MISSED", None: ""}[one.ok]
            print(LINE.format(f"{name}: {one.what}", one.bar, one.measured, verdict), flush=True)
            missed |= one.ok is False
    sys.exit(missed)


def measured(name: str, *, is_short: bool) -> list[Figure]:
    part, short = PARTS[name]
    with tempfile.TemporaryDirectory() as folder:
        return part(Path(folder), **(short if is_short else {}))


if __name__ == "__main__":
    main()
