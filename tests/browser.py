"""A real app and a real browser for the tests of whole journeys."""

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Locator, Page, Playwright, expect
from playwright.sync_api import TimeoutError as TooLate

from core.words import catalogue

ROOT = Path(__file__).parents[1]
PATIENCE = 120_000  # milliseconds; a cold start of torch, and a model's work, on two busy cores
expect.set_options(timeout=PATIENCE)
# Where no engine answers, and how soon that is known.
NOBODY = {"PILOT_DASK": "tcp://127.0.0.1:9", "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "0.1s"}
AnyApp = TypeVar("AnyApp", bound="App")
TWICE = 0.4  # seconds; likewise in pages/parts/rating.js, but for a moment until the page is told
FLAGS = "--disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update"


class App:
    """`streamlit run` on loopback, of the app or of another script, with a data folder of its own.

    Without an engine, for those who have nothing calculated, it takes a third of the computing and ends at once.
    """

    def __init__(self, data: Path, script: Path, *, has_engine: bool = True) -> None:
        self.data, self.script, self.engine = data, script, {} if has_engine else NOBODY
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.start()

    def words(self) -> list[str]:
        """What is started, and how."""
        return ["streamlit", "run", str(self.script)]

    def start(self) -> None:
        command = [sys.executable, "-m", *self.words(), "--server.port", str(self.port)]
        env = os.environ | self.engine | {"PILOT_DATA": str(self.data)}
        with (self.data / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
        for _ in range(900):
            try:
                with urlopen(f"{self.address}/_stcore/health", timeout=1):  # noqa: S310
                    return
            except HTTPError:  # the gate is there, and lets nobody in
                return
            except (URLError, OSError):
                time.sleep(0.1)
        raise TimeoutError(self.log())

    @property
    def memory_maps(self) -> Path:
        return Path(f"/proc/{self.process.pid}/maps")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(90)  # an engine that has just begun to start must first be there

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)

    def log(self) -> str:
        return (self.data / "log.txt").read_text(encoding="utf-8", errors="backslashreplace")


class TeamApp(App):
    """As `manage.py run --team` starts it, but for this computer alone."""

    def words(self) -> list[str]:
        return ["pages.entrance.team", "run", "--server.address", "127.0.0.1"]

    def first_link(self) -> str:
        """What the console shows to let the first lead in, on this computer's own address."""
        until(lambda: "/enter?key=" in self.log())
        return f"/enter?{self.log().rsplit('/enter?', 1)[1].split()[0]}"


@contextmanager
def running_app(data: Path, script: Path = ROOT / "app.py", *, has_engine: bool = True) -> Iterator[App]:
    with stopped_after(App(data, script, has_engine=has_engine)) as app:
        yield app


@contextmanager
def stopped_after(app: AnyApp) -> Iterator[AnyApp]:
    try:
        yield app
    finally:
        app.stop()
    assert "Traceback" not in app.log(), app.log()


def chromium(playwright: Playwright) -> Browser:
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.fail("No Chromium on this computer: install it (Debian: apt-get install chromium) and run again.")
    sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return playwright.chromium.launch(executable_path=path, args=[*FLAGS.split(), *sandbox])


class Visitor:
    """Somebody at a browser, in one language. Console errors and requests to elsewhere are remembered."""

    def __init__(
        self, browser: Browser, app: App, language: str, size: tuple[int, int], *, has_touch: bool = False
    ) -> None:
        self.app, self.language = app, language
        width, height = size
        viewport: Any = {"width": width, "height": height}
        self.page: Page = browser.new_page(viewport=viewport, locale=language, has_touch=has_touch)
        self.page.set_default_timeout(PATIENCE)
        self.complaints: list[str] = []
        self.page.on("console", lambda m: self._note(m.type == "error", f"console: {m.text}"))
        self.page.on("pageerror", lambda e: self._note(True, f"page: {e}"))
        self.page.on("request", lambda r: self._note(self._is_elsewhere(r.url), f"request: {r.url}"))
        self.page.on("response", lambda r: self._note(r.status >= 400, f"answer {r.status}: {r.url}"))

    def _note(self, wrong: bool, what: str) -> None:
        if wrong:
            self.complaints.append(what)

    def _is_elsewhere(self, url: str) -> bool:
        ours = (self.app.address, self.app.address.replace("http", "ws"), "data:", "blob:")
        return not url.startswith(ours)

    def word(self, message: str, **facts: object) -> str:
        """What this visitor reads where the code says `message`."""
        return catalogue(self.language).gettext(message).format(**facts)  # type: ignore[arg-type]

    def open(self, path: str) -> None:
        joint = "&" if "?" in path else "?"
        self.page.goto(f"{self.app.address}{path}{joint}lang={self.language}")
        self.settle()

    def settle(self) -> None:
        """Until the script has run, no job is under way and the charts have come to rest.

        Asked twice: what somebody has just done takes a moment to reach the server and to come back.
        """
        for rest in (150, 350):  # milliseconds; in the latter Vega draws, and Streamlit's fade ends
            self.page.wait_for_function(
                """() => document.querySelector('[data-testid=stApp][data-test-script-state=notRunning] .st-key-header')
                         && !document.querySelector('[data-stale=true]')
                         && ![...document.querySelectorAll('.stProgress')].some(e => e.innerText.includes('…'))"""
            )
            self.page.wait_for_timeout(rest)

    def press(self, message: str, **facts: object) -> None:
        self.page.get_by_role("button", name=self.word(message, **facts)).first.click()
        self.settle()

    def pick(self, label: str, option: str) -> None:
        """Choose from a list. A page that scrolls closes the list again, so it scrolls first."""
        field = self.page.get_by_label(self.word(label))
        field.scroll_into_view_if_needed()
        self.page.wait_for_timeout(500)
        field.click()
        self.page.get_by_role("option", name=self.word(option), exact=True).click()
        self.settle()

    def open_fold(self, message: str, **facts: object) -> None:
        self.page.get_by_text(self.word(message, **facts)).first.click()
        self.page.wait_for_timeout(300)

    def sees(self, message: str, **facts: object) -> Locator:
        """Wait until it stands on the screen."""
        found = self.page.get_by_text(self.word(message, **facts)).first
        expect(found).to_be_visible()
        return found

    def drag(self, chart: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
        """From one point of a chart to another, as shares of its width and height."""
        chart.scroll_into_view_if_needed()
        box: Any = chart.bounding_box()
        mouse = self.page.mouse
        mouse.move(box["x"] + start[0] * box["width"], box["y"] + start[1] * box["height"])
        mouse.down()
        mouse.move(box["x"] + end[0] * box["width"], box["y"] + end[1] * box["height"], steps=8)
        mouse.up()
        self.page.wait_for_timeout(400)
        self.settle()

    def charts(self) -> Locator:
        return self.page.get_by_test_id("stVegaLiteChart")

    def check_layout(self) -> None:
        """Nothing runs out of the screen sideways, and everything to press is large enough for a finger."""
        page = self.page
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), page.url
        main = page.get_by_test_id("stMain")
        assert main.evaluate("e => e.scrollWidth <= e.clientWidth"), page.url
        small = page.evaluate(
            """() => [...document.querySelectorAll('.stMain .stButton button, .st-key-header a')]
                     .filter(e => e.offsetParent && e.getBoundingClientRect().height < 44).map(e => e.innerText)"""
        )
        assert small == [], page.url
        assert page.evaluate("document.documentElement.lang") == self.language


class Rater(Visitor):
    """Somebody on the rating screen, who answers whatever is asked."""

    turned = 0.0  # time.monotonic() when another screen came

    def on(self, name: str) -> Locator:
        return self.page.locator(f".rating {name}")

    def next(self) -> None:
        """Go on, until another screen is there: a tap that follows the last one too soon counts for nothing."""
        self.on(".next:enabled").wait_for()
        self.on(".stage > *").first.evaluate("e => { e.dataset.seen = true }")
        for _ in range(20):
            self.page.wait_for_timeout(max(0, 1000 * (self.turned + TWICE - time.monotonic())))
            self.on(".next").click()
            with suppress(TooLate):
                self.on(".stage > [data-seen]").wait_for(state="detached", timeout=1000 * TWICE)
            if not self.on(".stage > [data-seen]").count():  # asked again: a busy computer says so too late
                self.turned = time.monotonic()
                return
        raise AssertionError(f"no way on from {self.on('h1').inner_text()}")

    def introduce(self) -> Iterator[str]:
        """The introduction, screen by screen, each answered after it was looked at."""
        for name in ("point", "clear", "distances", "answering"):
            yield f"introduction-{name}"
            self.next()
        for name in ("near", "gap", "side"):
            yield f"question-{name}"
            self.on(".options label").first.click()
            self.next()
        yield "explained"
        self.next()

    def where(self) -> str:
        return self.on(".place").inner_text()

    def item(self) -> Iterator[str]:
        """The screens of the item that is shown, each named and left after it was looked at."""
        here = self.where()
        while self.on(".next").is_visible() and self.where() == here:
            yield self._answer()
            self.next()

    def _answer(self) -> str:
        """Give some answer to whatever is asked; returns what that was."""
        name = self._asked()
        has_map, others = self.on(".map canvas").count(), self.on(".choices label").count() > 1
        if has_map or not (others or self.on(".scores, .cards").count()):
            self.on("[role=application]").first.focus()
            self.page.keyboard.press("ArrowRight")  # to a point of the map, or a place on the line
        if self.on(".agreement").count():
            for row in self.on(".agreement").all():
                row.locator("label").nth(4).click()
        elif name.startswith(("rating", "check")):
            self.on(".scores label").nth(3).click()
        elif self.on(".cards").count():
            self.on(".cards label").nth(1).click()
        elif others:
            self.on(".choices label").first.click()
        if self.on(".confidence label").first.is_visible():
            self.on(".confidence label").nth(1).click()
        return name

    def _asked(self) -> str:
        """What kind of screen this is, by its heading."""
        titles = {
            "rating": "How understandable is this map?",
            "previs": "How far do you agree?",
            "intruder": "Which curve is different from the others?",
            "odd": "Where on the map are stretches like this example?",
            "odd-line": "Where on the line are stretches like this example?",
            "same": "Are groups A and B of the same kind?",
            "joins": "Which group does the new curve belong to?",
            "pair": "Which map is clearer?",
        }
        here = self.on("h1").inner_text()
        name = next((name for name, title in titles.items() if self.word(title) == here), "check")
        plain = name in ("same", "joins") and not self.on(".map canvas").count()
        return f"{name}-plain" if plain else name


def rows(app: App, query: str, *values: str) -> list[tuple]:
    with sqlite3.connect(app.data / "pilot.db") as db:
        return db.execute(query, values).fetchall()


def until(true: Callable[[], bool]) -> None:
    """Wait for what no screen says."""
    give_up = time.monotonic() + PATIENCE / 1000
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.1)


def new_pilot(visitor: Visitor, question: str) -> None:
    visitor.open("/")
    field = visitor.page.get_by_label(visitor.word("What do you want to find out?"))
    try:
        expect(field).to_be_visible(timeout=3000)  # open by itself where there is no pilot yet
    except AssertionError:
        visitor.page.get_by_text(visitor.word("New pilot"), exact=True).click()
    field.fill(question)
    field.press("Enter")  # a click would go beside the button while the fold still opens
    expect(visitor.page.get_by_test_id("stFileUploaderDropzoneInput")).to_be_attached()
    visitor.settle()


def upload(visitor: Visitor, *files: Path) -> None:
    visitor.page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(list(files))
    visitor.page.wait_for_timeout(500)
    visitor.settle()


def picked(visitor: Visitor) -> int:
    words = {"ja": r"選んだ区間 (\d+)個", "en": r"(\d+) stretch(es)? picked"}[visitor.language]
    visitor.page.wait_for_function("w => new RegExp(w).test(document.body.innerText)", arg=words)
    return int(visitor.page.evaluate("w => document.body.innerText.match(new RegExp(w))[1]", words))


def shoot_whole(someone: Visitor, shoot, name: str) -> None:
    """A screen as high as what is on it."""
    width = someone.page.viewport_size["width"]
    height = someone.page.get_by_test_id("stMain").evaluate("e => e.scrollHeight")
    someone.page.set_viewport_size({"width": width, "height": height + 20})
    someone.settle()
    shoot(someone, name)
    someone.page.set_viewport_size({"width": width, "height": 800})
    someone.settle()
