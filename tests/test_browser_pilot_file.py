"""What was clicked together in a browser, and what the command line makes of the file that comes of it, is the same."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from core.artifacts import Store
from core.commands import ALERT, DONE
from core.drift import VERDICTS
from tests.browser import ROOT, App, Visitor, new_pilot, rows, upload

pytestmark = pytest.mark.usefixtures("leave")

PC = (1280, 800)
METHODS = {"pca": "PCA (keeps large distances)", "umap": "UMAP (keeps neighbours, and roughly the whole)"}


def presses(n: int = 1500, period: int = 40) -> str:
    """Strokes of a press, weaker from the middle on, and a temperature that follows."""
    rng, t = np.random.default_rng(4), np.arange(n)
    force = np.sin(2 * np.pi * t / period) ** 3 * np.where(t < n // 2, 5, 3) + rng.normal(0, 0.2, n)
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
    cut_shorter(someone)
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
    same_from_the_command_line(app, tmp_path, question)
    watched_for_the_screen(someone, tmp_path)


def same_from_the_command_line(app: App, tmp_path: Path, question: str) -> None:
    told = json.loads(said_by("project", tmp_path / "pilot.toml", "--store", tmp_path / "store", "--json"))
    kept = rows(
        app, "SELECT view.fingerprint, loss FROM view JOIN pilot ON pilot.id = pilot_id WHERE question = ?", question
    )
    assert [(one["fingerprint"], one["error"]) for one in told["maps"].values()] == kept
    there, here = Store(app.data / "artifacts"), Store(tmp_path / "store")
    for one in told["maps"].values():
        for key, names in ((one["fingerprint"], ["xy"]), (one["embedding"], ["vectors", "loss"])):
            for name in names:
                assert here.array(key, name).tobytes() == there.array(key, name).tobytes()


def watched_for_the_screen(someone: Visitor, tmp_path: Path) -> None:
    """New data that comes into a folder raises the alert that the evidence shows."""
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "monday.csv").write_text(presses(period=9), encoding="utf-8")
    store = someone.app.data / "artifacts"
    words = (
        "watch",
        tmp_path / "new",
        "--pilot",
        tmp_path / "pilot.toml",
        "--store",
        store,
        "--once",
        "--json",
        "--only",
    )
    [event] = [json.loads(line) for line in said_by(*words, "Map 1", ends=ALERT).splitlines()]
    assert (event["map"], event["file"], event["state"]) == ("Map 1", "monday.csv", "ask again")
    someone.page.get_by_role("link", name=f"4 {someone.word('Evidence')}").click()
    alert = someone.page.get_by_test_id("stAlert").filter(has_text=someone.word("Map {n}", n=1))
    expect(alert).to_contain_text(someone.word(VERDICTS["ask again"]))
    assert someone.complaints == []


def cut_shorter(someone: Visitor) -> None:
    """Into so many stretches that new ones can be told from them."""
    someone.sees("Keep this map")
    someone.open_fold("Preparation: {length} samples a stretch, step {stride}", length=72, stride=9)
    length = someone.page.get_by_label(someone.word("Samples in a stretch"))
    length.fill("24")
    length.press("Enter")
    someone.sees("Preparation: {length} samples a stretch, step {stride}", length=24, stride=9)
    someone.settle()


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


def said_by(*words: object, ends: int = DONE) -> str:
    """What `python -m core` writes, in a process of its own."""
    call = [sys.executable, "-m", "core", *map(str, words)]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == ends, done.stderr
    return done.stdout
