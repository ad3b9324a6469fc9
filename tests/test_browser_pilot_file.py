"""What was clicked together in a browser, and what the command line makes of the file that comes of it, is the same."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.artifacts import Store
from tests.browser import ROOT, Visitor, new_pilot, rows, upload

pytestmark = pytest.mark.usefixtures("leave")

PC = (1280, 800)
METHODS = {"pca": "PCA (keeps large distances)", "umap": "UMAP (keeps neighbours, and roughly the whole)"}


def presses(n: int = 1500) -> str:
    """Strokes of a press, weaker from the middle on, and a temperature that follows."""
    rng, t = np.random.default_rng(4), np.arange(n)
    force = np.sin(2 * np.pi * t / 40) ** 3 * np.where(t < n // 2, 5, 3) + rng.normal(0, 0.2, n)
    warm = 40 + t / n + rng.normal(0, 0.1, n)
    state = np.where(t < n // 2, "good", "worn")
    lines = (f"{i},{a:.4f},{b:.4f},{c}" for i, a, b, c in zip(t, force, warm, state, strict=True))
    return "\n".join(["n,force,temperature,state", *lines])


def test_the_command_line_makes_the_same_bits_from_the_file_that_a_screen_gave(browser, app, tmp_path):
    question = "Is wear of the press seen?"
    (tmp_path / "press.csv").write_text(presses(), encoding="utf-8")
    someone = Visitor(browser, app, "en", PC)
    new_pilot(someone, question)
    upload(someone, tmp_path / "press.csv")
    someone.press("Use this data")
    keep(someone)
    train(someone)
    someone.page.get_by_role("link", name=f"2 {someone.word('Maps')}").click()
    choose(someone, "Model: {name}", "compact model (comes with this app)", "after training {n}", n=1)
    choose(someone, "Way of drawing: {name}", METHODS["pca"], METHODS["umap"])
    keep(someone)
    with someone.page.expect_download() as download:
        someone.press("Pilot file (TOML)")
    assert someone.complaints == []
    (tmp_path / "pilot.toml").write_bytes(Path(download.value.path()).read_bytes())

    told = told_by("project", tmp_path / "pilot.toml", "--store", str(tmp_path / "store"), "--json")
    kept = rows(
        app, "SELECT view.fingerprint, loss FROM view JOIN pilot ON pilot.id = pilot_id WHERE question = ?", question
    )
    assert [(one["fingerprint"], one["error"]) for one in told["maps"].values()] == kept
    there, here = Store(app.data / "artifacts"), Store(tmp_path / "store")
    for one in told["maps"].values():
        for key, names in ((one["fingerprint"], ["xy"]), (one["embedding"], ["vectors", "loss"])):
            for name in names:
                assert here.array(key, name).tobytes() == there.array(key, name).tobytes()


def keep(someone: Visitor) -> None:
    someone.sees("Keep this map")
    someone.press("Keep this map")
    someone.page.get_by_text("Kept as map").first.wait_for()


def choose(someone: Visitor, fold: str, now: str, wanted: str, **facts: object) -> None:
    someone.open_fold(fold, name=someone.word(now))
    someone.page.get_by_text(someone.word(wanted, **facts)).first.click()
    someone.settle()


def train(someone: Visitor) -> None:
    someone.page.get_by_role("link", name=someone.word("Train the model further")).click()
    someone.sees("No training yet. What comes of it will stand here.")
    someone.open_fold("Details")
    steps = someone.page.get_by_label(someone.word("Steps at most"))
    steps.fill("10")
    steps.press("Enter")
    someone.settle()
    someone.page.get_by_role("button", name=someone.word("Start the training")).click()
    someone.sees("From before to after")


def told_by(*words: object) -> dict:
    """What `python -m core` writes, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "core", *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
