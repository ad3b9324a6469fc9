"""A receipt must outlive a power cut: how often does the app have the disk write for good, for each commit?"""

import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from tests.reliability.ground import Figure, opened, serving

BAR = "1 or more"


def measured(folder: Path, n_commits: int = 200) -> list[Figure]:
    what = "fsync or fdatasync for each commit"
    if shutil.which("strace") is None:
        return [Figure(what, BAR, "not measured: no strace here", None)]
    study = opened(folder, 1)
    counts = folder / "syncs.txt"
    with serving(folder) as app:
        [tablet] = study.tablets(app)
        tablet.say(3)
        tablet.empty()
        watch = ["strace", "-f", "-c", "-e", "trace=fsync,fdatasync", "-o", str(counts), "-p", str(app.process.pid)]
        with subprocess.Popen(watch, stderr=subprocess.PIPE, text=True) as strace:
            assert strace.stderr
            if "attached" not in (said := strace.stderr.readline()):
                return [Figure(what, BAR, f"not measured: {said.strip()}", None)]
            time.sleep(0.5)  # until every thread is watched
            for _ in range(n_commits):
                tablet.say(4)
                tablet.empty()
            strace.send_signal(signal.SIGINT)
    calls = re.findall(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+).*\b(?:fsync|fdatasync)$", counts.read_text(), re.MULTILINE)
    each = sum(map(int, calls)) / n_commits
    return [Figure(f"{what}, over {n_commits}", BAR, f"{each:.2f}", each >= 1)]
