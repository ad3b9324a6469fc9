"""The rater's screen in a real browser, over plain HTTP as on a factory's network, and a server that comes and goes."""

import base64
import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen
from uuid import UUID

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

from pages.parts import questions, text

PARTS = Path(questions.__file__).parent
FILES = ("rating_chart.js", "rating_outbox.js", "rating_screens.js", "rating.js")
SITE = "http://192.168.77.7"  # nobody is there: what is asked of it is answered in this file
LANDSCAPE, PORTRAIT, DESK = (1024, 768), (768, 1024), (1280, 800)  # the last without a touch screen
HEADER = 60  # of the page above the component
HIDDEN = "zz-"  # begins everything that a rater must not see
PAGE = f"""<!doctype html><html><meta charset="utf-8"><body style="margin: 0; padding: {HEADER + 8}px 2.5vw 0;
font-family: 'Noto Sans JP', 'Noto Sans CJK JP', sans-serif"><div id="host"></div><script type="module">
import mount from "/rating.mjs";
const {{ data, html, css }} = await (await fetch("/data")).json();
const shadow = host.attachShadow({{ mode: "open" }});
shadow.innerHTML = `<style>${{css}}</style>${{html}}`;
window.told = [];
const setTriggerValue = (name, value) => told.push([name, value]);
window.show = data => {{ window.leave = mount({{ data, parentElement: shadow, setTriggerValue }}); }};
show(data);
</script></body></html>"""

# --- what the browser gets


def packed(values: np.ndarray) -> str:
    return base64.b64encode(values.tobytes()).decode()


KIND = np.arange(90) // 30  # of three kinds: a wave, a step, a burst
TIME = np.linspace(0, 1, 48)


def waves(n_channels: int = 2) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    shapes = np.array(
        [np.sin(7 * TIME), np.tanh(20 * (TIME - 0.5)), np.exp(-(((TIME - 0.5) / 0.15) ** 2)) * np.sin(60 * TIME)]
    )
    levels = 127 + 95 * shapes[KIND][:, None] * np.linspace(1, 0.6, n_channels)[:, None]
    levels = np.clip(levels + rng.normal(0, 6, (90, n_channels, 48)), 0, 254).astype(np.uint8)
    levels[40, 0, 20:26] = 255  # missing
    return {"n": 90, "channels": n_channels, "samples": 48, "data": packed(levels)}


def point_map(spread: float, coloured: bool) -> dict[str, Any]:
    middles = np.array([[0.25, 0.3], [0.75, 0.35], [0.5, 0.8]])
    xy = np.clip(middles[KIND] + np.random.default_rng(1).normal(0, spread, (90, 2)), 0.04, 0.96)
    colour = packed(np.arange(90, dtype=np.uint8) * 2) if coloured else None
    return {"n": 90, "xy": packed((65535 * xy).astype("<u2")), "colour": colour, "waves": f"{HIDDEN}w"}


def line() -> dict[str, Any]:
    rng = np.random.default_rng(2)
    levels = np.clip(127 + 40 * np.sin(np.arange(1200) / 15) + rng.normal(0, 12, (2, 1200)), 0, 254).astype(np.uint8)
    at = np.linspace(2000, 63000, 9).astype("<u2")
    facts = {"channels": 2, "samples": 1200, "data": packed(levels), "ids": list(range(0, 90, 10))}
    return {**facts, "at": packed(at), "waves": f"{HIDDEN}w"}


def item(name: str, *steps: dict[str, Any]) -> dict[str, Any]:
    return {"id": f"{HIDDEN}{name}", "steps": list(steps)}


MAP, OTHER, WAVES = f"{HIDDEN}m1", f"{HIDDEN}m2", f"{HIDDEN}w"
GROUPS = [[0, 3, 5, 7, 9, 11], [60, 62, 65, 66, 70, 71], [31, 33, 36, 38, 39, 45]]
RATING = {"kind": "rating", "map": MAP}
INTRUDER = {"kind": "intruder", "waves": WAVES, "options": [0, 1, 35, 2, 3]}
CHECK = {"kind": "check", "asks": "2"}


def every_kind() -> list[dict[str, Any]]:
    scales = [
        {"kind": "previs", "map": MAP, "scale": scale, "items": questions.previs(scale)} for scale in questions.PREVIS
    ]
    return [
        item("rating", RATING, INTRUDER),
        item("previs", RATING, *scales),
        item("odd", {"kind": "odd", "map": MAP, "example": 40}),
        item("odd line", {"kind": "odd", "line": f"{HIDDEN}l", "example": 40}),
        item("same", {"kind": "same", "map": MAP, "groups": GROUPS[:2]}),
        item("same plain", {"kind": "same", "waves": WAVES, "groups": GROUPS[:2]}),
        item("joins", {"kind": "joins", "map": MAP, "hidden": 61, "groups": GROUPS}),
        item("joins plain", {"kind": "joins", "waves": WAVES, "hidden": 61, "groups": GROUPS}),
        item("pair", {"kind": "pair", "maps": [MAP, OTHER]}),
        item("check", CHECK),
    ]


def material(items: list[dict[str, Any]], language: str = "ja", introduce: bool = False) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "language", lambda: language)
        spoken = {"words": questions.words(f"{SITE}/rate?seat=mine"), "literacy": questions.literacy()}
    return {
        **spoken,
        "seat": f"{HIDDEN}seat",
        "study": f"{HIDDEN}study",
        "address": "/api/ratings",
        "language": language,
        "introduce": introduce,
        "answered": [],
        "items": items,
        "waves": {WAVES: waves()},
        "maps": {MAP: point_map(0.07, True), OTHER: point_map(0.25, False)},
        "lines": {f"{HIDDEN}l": line()},
    }


# --- a server that can be taken down, and a tablet


class Server:
    """Keeps what it gets; what it was told to refuse, it refuses. Its socket is closed and opened for real."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []  # every answer of every request, in order
        self.requests: list[dict[str, Any]] = []
        self.refusing: str | None = None
        self.failing: Callable[[list[dict[str, Any]]], int] = lambda _answers: 200  # the status for these answers
        self.headers: dict[str, str] = {}  # of what fails
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()

    def start(self) -> None:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.requests.append(said)
                if (status := server.failing(said["answers"])) != 200:
                    self.send_response(status)
                    for name, value in server.headers.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(b'{"kept": [], "refused": []}' if status == 503 else b"<p>No</p>")
                    return
                server.got += said["answers"]
                ids = [answer["id"] for answer in said["answers"]]
                refused = [{"id": one, "why": server.refusing} for one in ids] if server.refusing else []
                body = json.dumps({"kept": [] if server.refusing else ids, "refused": refused}).encode()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words: object) -> None:
                """Nothing to the terminal."""

        self.http = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        self.http.shutdown()
        self.http.server_close()

    def of(self, name: str) -> list[dict[str, Any]]:
        return [answer for answer in self.got if answer.get("item") == f"{HIDDEN}{name}"]


class Tablet:
    """The page with the component, as somebody sees and touches it. Errors in the page are remembered."""

    def __init__(self, page: Page, server: Server, data: dict[str, Any]) -> None:
        self.page = page
        self.page.set_default_timeout(10_000)
        self.wrong: list[str] = []
        self.tries = 0  # to send
        self.opened = 0  # times that the page's own address was asked for
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.data, self.words, self.server = data, data["words"], server
        self.page.route(f"{SITE}/**", self.answer)
        self.page.goto(f"{SITE}/")
        self.settled()

    def answer(self, route: Route) -> None:
        path = route.request.url.removeprefix(SITE)
        if path == "/api/ratings":
            return self.pass_on(route)
        read = {name: (PARTS / f"rating.{name}").read_text(encoding="utf-8") for name in ("html", "css")}
        if path == "/data":
            return route.fulfill(json={"data": self.data, **read})
        if path == "/rating.mjs":
            script = "\n".join((PARTS / name).read_text(encoding="utf-8") for name in FILES)
            return route.fulfill(body=script, content_type="text/javascript")
        self.opened += 1
        return route.fulfill(body=PAGE, content_type="text/html")

    def pass_on(self, route: Route) -> None:
        """To the server on this computer; Chromium itself would not go there from a page of another network."""
        self.tries += 1
        try:
            with urlopen(f"http://127.0.0.1:{self.server.port}/", route.request.post_data_buffer, 5) as answer:
                route.fulfill(body=answer.read(), content_type="application/json")
        except HTTPError as no:
            route.fulfill(status=no.code, headers=dict(no.headers), body=no.read())
        except URLError:
            route.abort("connectionrefused")

    def reload(self) -> None:
        self.page.reload()
        self.settled()

    def with_a_clock_of_ours(self) -> None:
        """From the page's start, so that no time of it was told by another clock."""
        self.page.clock.install()
        self.reload()

    def again(self, **changes: Any) -> None:
        """The same component gets data once more, as after a rerun of the script."""
        self.data = {**self.data, **changes}
        self.page.evaluate("data => show(data)", self.data)
        self.settled()

    def settled(self) -> None:
        """A screen is there, and its first moment, in which a second tap counts for nothing, is over."""
        expect(self.page.locator(".rating h1")).not_to_be_empty()
        self.page.wait_for_timeout(360)

    @property
    def title(self) -> Locator:
        return self.page.locator(".rating h1")

    @property
    def place(self) -> Locator:
        return self.page.locator(".rating .place")

    @property
    def next(self) -> Locator:
        return self.page.locator(".rating .next")

    @property
    def status(self) -> Locator:
        return self.page.locator(".rating .status")

    def choose(self, group: str, *ways: int) -> None:
        """Tap the n-th answer of each question of a kind on this screen."""
        boxes = self.page.locator(f".rating .{group}")
        for i, n in enumerate(ways):
            boxes.nth(i).locator("label").nth(n).tap()

    def on(self) -> None:
        self.next.tap()
        self.page.wait_for_timeout(360)

    def tap(self, what: Locator, share: tuple[float, float]) -> None:
        box: Any = what.bounding_box()
        self.page.touchscreen.tap(box["x"] + share[0] * box["width"], box["y"] + share[1] * box["height"])

    def tap_point(self, row: int, nth: int = 0, name: str = MAP) -> None:
        drawn = self.data["maps"][name]
        x, y = np.frombuffer(base64.b64decode(drawn["xy"]), "<u2").reshape(-1, 2)[row] / 65535
        self.tap(self.page.locator(".rating .map canvas").nth(nth), (x, 1 - y))

    def kept(self) -> dict[str, Any]:
        name = f"rating-{self.data['study']}-{self.data['seat']}"
        return json.loads(self.page.evaluate("name => localStorage.getItem(name)", name))

    def arrived(self, n: int) -> list[dict[str, Any]]:
        """The answers that the server has got, once they are n."""
        deadline = time.monotonic() + 20
        while len(self.server.got) < n and time.monotonic() < deadline:
            self.page.wait_for_timeout(20)
        assert len(self.server.got) == n
        return self.server.got


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.stop()


@pytest.fixture
def tablet_of(browser: Browser, server: Server) -> Iterator[Callable[..., Tablet]]:
    """Opens the screen of these items at a size, or in a second tab beside another tablet's."""
    contexts: list[BrowserContext] = []
    opened: list[Tablet] = []

    def of(data: dict[str, Any], size: tuple[int, int] = LANDSCAPE, beside: Tablet | None = None) -> Tablet:
        if beside is None:
            viewport = {"width": size[0], "height": size[1]}
            contexts.append(browser.new_context(viewport=viewport, has_touch=size != DESK))
        opened.append(Tablet((beside.page.context if beside else contexts[-1]).new_page(), server, data))
        return opened[-1]

    yield of
    for context in contexts:
        context.close()
    assert [wrong for tablet in opened for wrong in tablet.wrong] == []


def one_by_one(tablet: Tablet) -> Iterator[str]:
    """Every screen of `every_kind`, answered by taps after it was looked at."""
    yield "rating"
    tablet.tap_point(4)
    tablet.choose("scores", 3)
    tablet.choose("reasons", 1)
    yield "rating chosen"
    tablet.page.get_by_role("button", name=tablet.words["comment_add"]).tap()
    tablet.page.locator(".rating textarea").fill("音が変わる前に離れる")
    yield "rating comment"
    tablet.on()
    yield "intruder"
    tablet.choose("cards", 2)
    tablet.choose("confidence", 1)
    yield "intruder chosen"
    tablet.on()
    tablet.choose("scores", 5)
    tablet.on()
    for i, scale in enumerate(questions.PREVIS):
        yield f"previs {scale}"
        tablet.tap_point(4)
        tablet.choose("agreement", *[6, 7, i][: len(questions.PREVIS[scale])])
        yield f"previs {scale} chosen"
        tablet.on()
    yield "odd"
    tablet.tap_point(45)
    tablet.choose("confidence", 2)
    yield "odd chosen"
    tablet.on()
    yield "odd line"
    tablet.tap(tablet.page.locator(".rating .line"), (0.5, 0.5))
    tablet.choose("confidence", 0)
    yield "odd line chosen"
    tablet.on()
    for name, choice in (("same", 1), ("same plain", 0), ("joins", 1), ("joins plain", 3)):
        yield name
        if name in ("same", "joins"):
            tablet.tap_point(8)
        tablet.choose("choices", choice)
        if choice < 3:
            tablet.choose("confidence", 1)
        yield f"{name} chosen"
        tablet.on()
    yield "pair"
    tablet.tap_point(4)
    tablet.tap_point(50, 1, OTHER)
    tablet.choose("choices", 1)
    yield "pair chosen"
    tablet.on()
    yield "check"
    tablet.choose("scores", 1)
    tablet.on()
    yield "thanks"


def introduction(tablet: Tablet) -> Iterator[str]:
    for name in ("point", "clear", "distance", "answering"):
        yield f"intro {name}"
        tablet.on()
    for i in range(3):
        yield f"literacy {i}"
        tablet.choose("options", i)
        tablet.on()
    yield "literacy explained"
    tablet.on()


# --- every kind of question


def check_screen(tablet: Tablet, name: str) -> None:
    """It fits, everything to press fits a glove, and it says nothing that a rater must not know."""
    page = tablet.page
    small = """() => [...host.shadowRoot.querySelectorAll('button, label .face, textarea')]
        .map(one => [one.closest('.scores, .agreement') ? 64 : 48, one.getBoundingClientRect().height, one.textContent])
        .filter(([least, height]) => height && height < least)"""
    assert page.evaluate(small) == [], name
    fits = "[document.documentElement.scrollWidth <= innerWidth, host.getBoundingClientRect().bottom, innerHeight]"
    is_wide_enough, bottom, height = page.evaluate(fits)
    assert is_wide_enough, name
    assert bottom <= (HEADER + 8 + 670 if height == LANDSCAPE[1] else height), name
    assert HIDDEN not in page.evaluate("host.shadowRoot.innerHTML"), name
    if not name.endswith(("chosen", "comment")):
        assert page.evaluate("host.shadowRoot.activeElement.tagName") == "H1", name


@pytest.mark.parametrize(("language", "size"), [("ja", LANDSCAPE), ("en", PORTRAIT)])
def test_every_screen_fits_a_tablet_and_every_kind_of_question_is_answered_by_taps(tablet_of, size, language):
    tablet = tablet_of(material(every_kind(), language, introduce=True), size)
    assert not tablet.page.evaluate("isSecureContext")  # as in a factory: no HTTPS
    for name in introduction(tablet):
        check_screen(tablet, name)
    for name in one_by_one(tablet):
        check_screen(tablet, name)
    expect(tablet.title).to_have_text(tablet.words["thanks_title"])
    literacy, *answers = tablet.arrived(11)
    assert literacy["literacy"] == {"near": "next", "gap": "fault", "side": "highest"}
    assert all(UUID(answer.pop("id")).version == 4 for answer in answers)
    assert {answer.pop("language") for answer in answers} == {language}
    assert all(answer.pop("seconds", 1) > 0 and answer.pop("task_seconds", 1) > 0 for answer in answers)
    assert (answers[0].pop("reasons"), answers[0].pop("comment")) == (["alike"], "音が変わる前に離れる")
    assert all((answer.pop("reasons"), answer.pop("comment")) == ([], "") for answer in answers[1:])
    scales = {
        "understand": {"obvious": 7, "represent": None, "understand": 1},
        "layout": {"messy": 7, "crowd": None, "distract": 2},
        "read": {"find": 7, "identify": None, "information": 3},
        "features": {"visible": 7, "see": None},
    }
    assert {answer.pop("item").removeprefix(HIDDEN): answer for answer in answers} == {
        "rating": {"score": 4, "choice": 2, "confidence": 2, "cannot_tell": False},
        "previs": {"score": None, "cannot_tell": True, "previs": scales},
        "odd": {"choice": 45, "confidence": 3, "cannot_tell": False},
        "odd line": {"choice": 40, "confidence": 1, "cannot_tell": False},
        "same": {"choice": "different", "confidence": 2, "cannot_tell": False},
        "same plain": {"choice": "same", "confidence": 2, "cannot_tell": False},
        "joins": {"choice": 1, "confidence": 2, "cannot_tell": False},
        "joins plain": {"choice": None, "cannot_tell": True},
        "pair": {"choice": 1, "cannot_tell": False},
        "check": {"score": 2, "cannot_tell": False},
    }
    assert tablet.page.evaluate("told") == [["done", True]]


def test_a_keyboard_alone_is_enough(tablet_of):
    tablet = tablet_of(material(every_kind()), DESK)

    def keys(*names: str) -> None:
        for name in names:
            tablet.page.keyboard.press(name)
        check_screen(tablet, "chosen")
        tablet.page.keyboard.press("Enter")
        tablet.page.wait_for_timeout(360)

    keys("4")
    keys("3", "1")
    keys("0")
    for items in questions.PREVIS.values():
        keys(*"570"[: len(items)])
    keys("Tab", "Tab", "ArrowRight", "ArrowRight", "3")  # past the break, to the map
    keys("Tab", "Tab", "ArrowRight", "ArrowRight", "ArrowLeft", "2")
    for choice in (("2", "1"), ("1", "1"), ("3", "2"), ("0",), ("2",), ("2",)):
        keys(*choice)
    answers = {answer["item"].removeprefix(HIDDEN): answer for answer in tablet.arrived(10)}
    assert [answers[name]["score"] for name in ("rating", "previs", "check")] == [4, None, 2]
    assert answers["previs"]["previs"]["layout"] == {"messy": 5, "crowd": 7, "distract": None}
    names = ("rating", "odd line", "same", "same plain", "joins", "joins plain", "pair")
    choices = [(answers[name]["choice"], answers[name].get("confidence")) for name in names]
    assert choices == [(2, 1), (0, 2), ("different", 1), ("same", 1), (2, 2), (None, None), (1, None)]
    x, y = np.frombuffer(base64.b64decode(tablet.data["maps"][MAP]["xy"]), "<u2").reshape(-1, 2).T / 65535
    middle = np.argmin(np.hypot(x - 0.5, y - 0.5))  # where the first arrow goes; the second goes to the right
    assert x[answers["odd"]["choice"]] > x[middle]


def two_points() -> dict[str, Any]:
    """Far apart: 0 at the bottom left, 1 at the top right."""
    return {**point_map(0, False), "n": 2, "xy": packed(np.array([[10_000] * 2, [50_000] * 2], "<u2"))}


def test_a_tap_beside_a_point_picks_it_and_a_tap_far_from_all_picks_nothing(tablet_of):
    data = material([item("odd", {"kind": "odd", "map": MAP, "example": 40})])
    tablet = tablet_of({**data, "maps": {MAP: two_points()}})
    sure, drawn = tablet.page.locator(".rating .confidence"), tablet.page.locator(".rating .map canvas")
    share = 50_000 / 65535
    tablet.tap(drawn, (share + 50 / 396, 1 - share))  # 50 pixels beside it
    expect(sure).to_be_hidden()
    tablet.tap(drawn, (share + 35 / 396, 1 - share))
    expect(sure).to_be_visible()
    tablet.choose("confidence", 0)
    tablet.on()
    assert tablet.arrived(1)[0]["choice"] == 1


def test_a_tap_shows_the_curves_of_the_point_and_of_its_five_neighbours(tablet_of):
    tablet = tablet_of(material([item("rating", RATING)]))
    tablet.tap_point(4)
    shown = tablet.page.locator(".rating .panel .curves")
    expect(shown.locator(".thick")).to_have_count(1)
    expect(shown.locator(".thin")).to_have_count(5)
    level = np.frombuffer(base64.b64decode(tablet.data["waves"][WAVES]["data"]), np.uint8).reshape(90, 2, 48)[4, 0, 0]
    assert shown.locator(".thick").get_attribute("d").startswith(f"M0 {254 - level}h0L1 ")


def test_the_new_curve_has_no_point_on_the_map(tablet_of):
    inked = (
        """(canvas, [x, y]) => canvas.getContext('2d').getImageData(x - 9, y - 9, 18, 18).data.some(value => value)"""
    )
    places = [(153, 847), (763, 237)]  # of the two points, in thousandths of the map
    for hidden, expected in ((1, [True, False]), (0, [False, True])):
        joins = {"kind": "joins", "map": MAP, "hidden": hidden, "groups": [[1 - hidden]]}
        tablet = tablet_of({**material([item("joins", joins)]), "maps": {MAP: two_points()}})
        canvas = tablet.page.locator(".rating .map canvas")
        assert [canvas.evaluate(inked, place) for place in places] == expected
        tablet.tap_point(hidden)
        expect(tablet.page.locator(".rating .panel .panel .hint")).to_be_visible()
        tablet.tap_point(1 - hidden)
        expect(tablet.page.locator(".rating .panel .panel .hint")).to_have_count(0)


def test_missing_samples_are_a_gap_in_the_curve(tablet_of):
    tablet = tablet_of(material([item("odd", {"kind": "odd", "map": MAP, "example": 40})]))
    drawn = tablet.page.locator(".rating .panel .thick").first.get_attribute("d")
    assert [part.split(" ")[0] for part in drawn.split("M")[1:]] == ["0", "26", "0"]  # the last: the second channel


def test_a_tap_on_a_map_of_3000_points_is_answered_within_a_tenth_of_a_second(tablet_of):
    rng = np.random.default_rng(3)
    many = {"n": 3000, "channels": 3, "samples": 96, "data": packed(rng.integers(0, 255, (3000, 3, 96), np.uint8))}
    drawn = {"n": 3000, "xy": packed(rng.integers(0, 65535, (3000, 2)).astype("<u2")), "colour": None, "waves": WAVES}
    tablet = tablet_of({**material([item("rating", RATING)]), "waves": {WAVES: many}, "maps": {MAP: drawn}})
    spent = """map => { const { left, top } = map.getBoundingClientRect(), before = performance.now();
        map.dispatchEvent(new MouseEvent('click', { clientX: left + 200, clientY: top + 200 }));
        host.getBoundingClientRect();
        return performance.now() - before; }"""
    assert np.median([tablet.page.locator(".rating .map").evaluate(spent) for _ in range(5)]) < 100


# --- nothing is lost


def checks(n: int) -> list[dict[str, Any]]:
    return [item(f"c{i}", CHECK) for i in range(n)]


def rate(tablet: Tablet, score: int) -> None:
    tablet.choose("scores", score - 1)
    tablet.on()


def back(tablet: Tablet) -> None:
    tablet.page.locator(".rating .back").tap()
    tablet.page.wait_for_timeout(360)


def test_answers_given_without_a_network_are_sent_once_when_it_is_back(tablet_of, server):
    tablet = tablet_of(material(checks(4)))
    rate(tablet, 1)
    tablet.arrived(1)
    expect(tablet.status).to_have_text(tablet.words["saved"])
    server.stop()
    for score in (2, 3):
        rate(tablet, score)
    expect(tablet.status).to_have_text(tablet.words["waiting"].replace("{n}", "2"))
    rate(tablet, 4)
    expect(tablet.title).to_have_text(tablet.words["sending_title"])
    assert tablet.page.evaluate("told") == []
    server.start()
    assert [answer["score"] for answer in tablet.arrived(4)] == [1, 2, 3, 4]
    expect(tablet.title).to_have_text(tablet.words["thanks_title"])
    assert len({answer["id"] for answer in server.got}) == 4
    assert tablet.page.evaluate("told") == [["done", True]]


def test_a_reload_without_a_network_goes_on_where_it_was(tablet_of, server):
    tablet = tablet_of(material([item("a", CHECK), item("b", RATING, INTRUDER), item("c", CHECK)]))
    server.stop()
    rate(tablet, 2)
    rate(tablet, 4)
    tablet.choose("cards", 2)
    draft = tablet.kept()["drafts"][f"{HIDDEN}b"]
    tablet.reload()
    expect(tablet.title).to_have_text(tablet.words["intruder_title"])
    expect(tablet.page.locator(".rating .cards input").nth(2)).to_be_checked()
    tablet.choose("confidence", 0)
    tablet.on()
    rate(tablet, 2)
    server.start()
    answers = tablet.arrived(3)
    assert [answer["item"] for answer in answers] == [f"{HIDDEN}{name}" for name in "abc"]
    assert answers[1]["id"] == draft["id"]  # drawn when the item was first shown
    assert (answers[1]["score"], answers[1]["choice"], answers[1]["confidence"]) == (4, 2, 1)


def test_a_page_that_was_closed_sends_what_it_kept_when_it_is_opened_again(tablet_of, server):
    tablet = tablet_of(material(checks(2)))
    server.stop()
    rate(tablet, 5)
    tablet.page.close()
    server.start()
    again = tablet_of(tablet.data, beside=tablet)
    assert again.arrived(1)[0]["score"] == 5
    expect(again.place).to_have_text("2 / 2")


def test_tries_come_after_2_4_8_seconds_and_at_once_when_the_network_is_back(tablet_of, server):
    tablet = tablet_of(material(checks(2)))
    tablet.with_a_clock_of_ours()
    server.stop()
    rate(tablet, 1)
    for wait in (2, 4, 8, 16, 30, 30):
        tries = tablet.tries
        tablet.page.clock.fast_forward(1000 * wait - 1000)  # real time goes on as well
        tablet.page.wait_for_timeout(50)
        assert tablet.tries == tries
        tablet.page.clock.fast_forward(1000)
        tablet.page.wait_for_timeout(200)
        assert tablet.tries == tries + 1
    server.start()
    tablet.page.evaluate("window.dispatchEvent(new Event('online'))")
    tablet.page.wait_for_timeout(500)
    assert len(server.got) == 1


def test_a_double_tap_is_one_answer_and_turns_one_page(tablet_of):
    tablet = tablet_of(material(checks(3), introduce=True))
    tablet.next.dblclick()
    expect(tablet.place).to_have_text("2 / 8")
    tablet = tablet_of(material(checks(3)))
    tablet.choose("scores", 1)
    tablet.next.evaluate("next => { next.click(); next.click(); }")
    expect(tablet.place).to_have_text("2 / 3")
    assert tablet.arrived(1)[0]["item"] == f"{HIDDEN}c0"
    tablet.settled()
    rate(tablet, 2)
    tablet.page.locator(".rating .back").dblclick()
    expect(tablet.place).to_have_text("2 / 3")


def test_an_answer_that_is_changed_names_the_one_that_it_replaces(tablet_of):
    tablet = tablet_of(material(checks(4)))
    for _ in range(3):
        rate(tablet, 2)
    first = tablet.arrived(3)[2]
    back(tablet)
    tablet.on()  # looked at again, and left as it was
    back(tablet)
    expect(tablet.page.locator(".rating .scores input").nth(1)).to_be_checked()
    rate(tablet, 5)
    expect(tablet.place).to_have_text("4 / 4")
    second = tablet.arrived(4)[3]
    assert (second["item"], second["score"], second["corrects"]) == (f"{HIDDEN}c2", 5, first["id"])
    back(tablet)
    tablet.choose("scores", 5)  # "I can't tell"
    back(tablet)  # without "Next"
    third = tablet.arrived(5)[4]
    assert (third["score"], third["cannot_tell"], third["corrects"]) == (None, True, second["id"])
    assert len({first["id"], second["id"], third["id"]}) == 3
    tablet.on()
    expect(tablet.place).to_have_text("4 / 4")


def test_a_browser_that_keeps_nothing_says_so_and_sends_all_the_same(tablet_of, server):
    tablet = tablet_of(material(checks(2)))
    full = """() => { for (const size of [1e6, 1e5, 1e4, 1000, 100, 10, 1]) {
        try { for (let i = 0; i < 20; i++) localStorage.setItem(`${size} ${i}`, 'x'.repeat(size)); } catch {} } }"""
    tablet.page.evaluate(full)
    server.stop()
    rate(tablet, 3)
    expect(tablet.status).to_contain_text(tablet.words["unkept"])
    server.start()
    rate(tablet, 4)
    assert [answer["score"] for answer in tablet.arrived(2)] == [3, 4]
    expect(tablet.title).to_have_text(tablet.words["thanks_title"])


def test_two_tabs_of_one_person_lose_nothing_of_each_other(tablet_of, server):
    tablet = tablet_of(material(checks(3)))
    server.stop()
    other = tablet_of(tablet.data, beside=tablet)
    rate(tablet, 1)
    rate(tablet, 2)
    rate(other, 3)  # of the first item too
    expect(other.place).to_have_text("3 / 3")
    outbox = tablet.kept()["outbox"]
    assert [(answer["item"], answer["score"]) for answer in outbox] == [
        (f"{HIDDEN}c0", 1),
        (f"{HIDDEN}c1", 2),
        (f"{HIDDEN}c0", 3),
    ]
    assert outbox[2]["corrects"] == outbox[0]["id"]


def test_nothing_that_was_said_stays_on_a_tablet_when_all_is_sent(tablet_of):
    tablet = tablet_of(material([item("rating", RATING)]))
    tablet.choose("scores", 4)
    tablet.page.get_by_role("button", name=tablet.words["comment_add"]).tap()
    tablet.page.locator(".rating textarea").fill("mine")
    assert "mine" in json.dumps(tablet.kept())
    tablet.on()
    expect(tablet.title).to_have_text(tablet.words["thanks_title"])
    assert tablet.arrived(1)[0]["comment"] == "mine"
    assert "mine" not in json.dumps(tablet.kept())


# --- time, breaks, other devices


def test_only_time_in_which_the_question_can_be_seen_counts(tablet_of):
    tablet = tablet_of(material([item("rating", RATING, INTRUDER)]))
    tablet.with_a_clock_of_ours()
    tablet.page.clock.fast_forward(30_000)
    tablet.page.locator(".rating .pause").tap()
    expect(tablet.page.locator(".rating .link")).to_have_text(tablet.words["address"])
    tablet.page.clock.fast_forward(3_600_000)
    tablet.on()
    tablet.page.clock.fast_forward(10_000)
    tablet.choose("scores", 4)
    tablet.page.clock.fast_forward(500_000)  # after the choice
    tablet.on()
    tablet.page.clock.fast_forward(7_000)
    tablet.choose("cards", 2)
    tablet.choose("confidence", 2)
    tablet.on()
    answer = tablet.arrived(1)[0]
    assert 40 <= answer["seconds"] < 50
    assert 7 <= answer["task_seconds"] < 17


def test_a_page_in_the_background_does_not_count(tablet_of):
    tablet = tablet_of(material(checks(1)))
    tablet.with_a_clock_of_ours()
    # A browser without a screen hides no page by itself.
    turn = """away => { Object.defineProperty(document, 'hidden', { value: away, configurable: true });
        document.dispatchEvent(new Event('visibilitychange')); }"""
    tablet.page.evaluate(turn, True)
    tablet.page.clock.fast_forward(3_600_000)
    tablet.page.evaluate(turn, False)
    tablet.page.clock.fast_forward(5_000)
    rate(tablet, 2)
    assert 5 <= tablet.arrived(1)[0]["seconds"] < 15


def test_what_was_answered_on_another_device_is_skipped_unless_it_was_begun_here(tablet_of):
    tablet = tablet_of(material(checks(4)))
    tablet.again(answered=[f"{HIDDEN}c0", f"{HIDDEN}c1"])
    expect(tablet.place).to_have_text("3 / 4")
    tablet.choose("scores", 1)
    tablet.again(answered=[f"{HIDDEN}c{i}" for i in range(3)])
    expect(tablet.place).to_have_text("3 / 4")
    expect(tablet.page.locator(".rating .scores input").nth(1)).to_be_checked()
    tablet.on()
    expect(tablet.place).to_have_text("4 / 4")


def test_data_that_come_again_change_nothing_but_the_language(tablet_of):
    tablet = tablet_of(material([item("rating", RATING)], "en"))
    tablet.tap_point(4)
    tablet.choose("scores", 4)
    tablet.page.evaluate("() => { window.first = leave; }")
    tablet.again()
    tablet.page.evaluate("() => first()")  # Streamlit cleans up after a call that was overtaken
    expect(tablet.page.locator(".rating .panel .thick")).to_have_count(1)
    tablet.again(words={**tablet.words, "next": "Weiter"}, language="de")
    expect(tablet.next).to_have_text("Weiter")
    expect(tablet.page.locator(".rating .scores input").nth(4)).to_be_checked()
    tablet.on()
    assert tablet.arrived(1)[0]["language"] == "de"


def test_a_study_that_has_ended_says_so_with_thanks(tablet_of, server):
    server.refusing = "ended"
    tablet = tablet_of(material(checks(3)))
    rate(tablet, 1)
    expect(tablet.title).to_have_text(tablet.words["ended_title"])
    expect(tablet.status).to_be_empty()  # nothing that came too late is called saved
    assert tablet.kept()["outbox"] == []
    assert tablet.page.evaluate("told") == []


def test_an_answer_that_is_refused_is_not_sent_for_ever_and_not_hidden(tablet_of, server):
    server.refusing = "unknown"
    tablet = tablet_of(material(checks(2)))
    rate(tablet, 1)
    expect(tablet.status).to_have_text(tablet.words["refused"].replace("{n}", "1"))
    assert len(server.got) == 1
    assert tablet.kept()["outbox"] == []


def test_the_introduction_goes_on_after_a_reload_and_comes_once(tablet_of, server):
    tablet = tablet_of(material(checks(1), introduce=True))
    server.stop()
    pages = introduction(tablet)
    for _ in range(6):
        next(pages)
    expect(tablet.place).to_have_text("6 / 8")
    tablet.reload()
    expect(tablet.place).to_have_text("6 / 8")
    assert [*pages] == ["literacy 2", "literacy explained"]
    tablet.reload()
    expect(tablet.title).to_have_text(tablet.words["check_title"].replace("{n}", "2"))
    server.start()
    (answer,) = tablet.arrived(1)
    assert set(answer["literacy"]) == set(questions.LITERACY)


def test_a_question_of_the_introduction_may_be_left_open(tablet_of):
    tablet = tablet_of(material(checks(1), introduce=True))
    for _ in range(4):
        tablet.on()
    for _ in range(3):
        tablet.choose("options", 3)
        tablet.on()
    assert tablet.arrived(1)[0]["literacy"] == dict.fromkeys(questions.LITERACY, "cannot_tell")


# --- the words


def test_literacy_is_scored_on_the_server_and_its_answers_are_not_sent_down():
    right = {code: one.right for code, one in questions.LITERACY.items()}
    assert questions.literacy_right(right) == 3
    assert questions.literacy_right({**right, "gap": "cannot_tell"}) == 2
    assert questions.literacy_right({"near": "next", "other": "alike"}) == 0
    down = material([])["literacy"]
    assert all(set(one) == {"id", "question", "options"} for one in down)
    places = [[option["id"] for option in one["options"]].index(right[one["id"]]) for one in down]
    assert sorted(places) == [0, 1, 2]  # whoever always taps the same place is right once


def test_previs_has_its_four_scales_and_eleven_items():
    sizes = {scale: len(items) for scale, items in questions.PREVIS.items()}
    assert sizes == {"understand": 3, "layout": 3, "read": 3, "features": 2}
    assert [one["id"] for one in questions.previs("layout")] == ["messy", "crowd", "distract"]


def test_every_word_that_the_browser_asks_for_is_there():
    code = "".join((PARTS / name).read_text(encoding="utf-8") for name in FILES)
    asked = set(re.findall(r"words\.(\w+)", code))
    assert len(asked) > 40
    assert asked - set(material([])["words"]) == set()
