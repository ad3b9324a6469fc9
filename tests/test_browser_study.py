"""A whole study as people meet it: opened by its lead, taken on a tablet whose network comes and goes, and read."""

import contextlib
import select
import socket
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from playwright.sync_api import Locator, expect

from core.encoders import EncoderSpec
from core.projection import ProjectionSpec
from core.recipes import Recipe, WindowSpec
from core.studies import Design
from tests.browser import App, Visitor, running_app
from tests.screens import Place

TABLET, PC = (1024, 768), (1280, 800)


class Network:
    """A cable between a tablet and the app, which can be pulled: connections break, and new ones are refused."""

    def __init__(self, to: int) -> None:
        self.to, self.pairs = to, list[tuple[socket.socket, socket.socket]]()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.plug_in()

    def plug_in(self) -> None:
        self.ear = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._listen, args=(self.ear,), daemon=True).start()

    def pull(self) -> None:
        self.ear.shutdown(socket.SHUT_RDWR)
        self.ear.close()
        for pair in self.pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        self.pairs.clear()

    def _listen(self, ear: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _address = ear.accept()
                threading.Thread(target=self._join, args=(near,), daemon=True).start()

    def _join(self, near: socket.socket) -> None:
        with contextlib.suppress(OSError), near, socket.create_connection(("127.0.0.1", self.to)) as far:
            self.pairs.append((near, far))
            while True:
                for end in select.select([near, far], [], [])[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    (far if end is near else near).sendall(data)


@pytest.fixture
def asked(place: Place, shared_data: Path) -> Iterator[SimpleNamespace]:
    """Four maps of one recording, a study that is open on them, and the app over that folder."""
    pilot = place.pilot("バルブの異常を地図で見つけられるか")
    dataset = place.data(pilot, (shared_data / "skab" / "valve1" / "0.csv").read_bytes(), "0.csv")
    base = replace(place.spec(dataset), recipe=Recipe(window=WindowSpec(32, 8)))
    specs = [
        base,
        replace(base, encoder=EncoderSpec("statistics")),
        replace(base, recipe=Recipe(window=WindowSpec(48, 8))),
        replace(base, projection=ProjectionSpec("tsne")),
    ]
    kept = [place.view(pilot, one) for one in specs]
    study = place.study(pilot, *kept, design=Design())
    with running_app(place.folder) as app:
        yield SimpleNamespace(app=app, pilot=pilot, study=study, place=place)


class Rater(Visitor):
    """Somebody on the rating screen, in whatever order it asks."""

    def on(self, name: str) -> Locator:
        return self.page.locator(f".rating {name}")

    def introduce(self) -> None:
        for _ in range(4):
            self.next()
        for _ in range(3):
            self.on(".options label").first.tap()
            self.next()
        self.next()

    def next(self) -> None:
        expect(self.on(".next")).to_be_enabled()
        self.on(".next").tap()
        self.page.wait_for_timeout(400)

    def where(self) -> str:
        return self.on(".place").inner_text()

    def item(self) -> None:
        """Answer all screens of the item that is shown."""
        here = self.where()
        while self.where() == here and self.on(".next").is_visible():
            self.screen()
            self.next()

    def screen(self) -> None:
        """Give some answer to whatever is asked."""
        if self.on(".scores").count():
            self.on(".scores label").nth(3).tap()
        elif self.on(".cards").count():
            self.on(".cards label").nth(1).tap()
        elif self.on(".choices label").count() > 1:
            self.on(".choices label").first.tap()
        else:  # tap a place: with keys, so that a point is met
            self.on("[role=application]").first.focus()
            self.page.keyboard.press("ArrowRight")
        if self.on(".confidence label").first.is_visible():
            self.on(".confidence label").nth(1).tap()


def rows(app: App, query: str) -> list[tuple]:
    with sqlite3.connect(app.data / "pilot.db") as db:
        return db.execute(query).fetchall()


UNSENT = "Answers waiting on this tablet: {n}. They are sent as soon as the network is back."


def test_a_study_in_japanese_on_a_tablet_whose_network_is_cut_and_whose_server_is_killed(browser, asked):
    """Twelve items. What was acknowledged is there, what was not waits on the tablet; in the end each is there once."""
    app, study = asked.app, asked.study
    network = Network(app.port)
    tablet = Rater(browser, SimpleNamespace(address=f"http://127.0.0.1:{network.port}"), "ja", TABLET, has_touch=True)
    tablet.open(f"/rate?invite={asked.place.invitation(study)}")
    tablet.page.get_by_label(tablet.word("Nickname or badge number (may stay empty)")).fill("田中")
    tablet.press("Begin")
    tablet.sees("One point is one short stretch of a waveform")
    tablet.introduce()
    assert tablet.where() == "1 / 12"
    for _ in range(3):
        tablet.item()
    tablet.sees("All answers are saved.")
    assert n_answered(app) == 3

    network.pull()
    for n in range(1, 4):
        tablet.item()
        tablet.sees(UNSENT, n=n)  # and goes on asking
    assert tablet.where() == "7 / 12"
    assert n_answered(app) == 3
    no_dialog(tablet)
    network.plug_in()
    tablet.sees("All answers are saved.")
    assert n_answered(app) == 6

    app.kill()
    tablet.item()
    tablet.sees(UNSENT, n=1)
    app.start()
    for _ in range(2):
        tablet.item()
    tablet.sees("All answers are saved.")

    address = tablet.page.url
    tablet.page.close()
    again = Rater(browser, app, "ja", PC, has_touch=True)  # on another device
    again.page.goto(address.replace(str(network.port), str(app.port)))
    again.sees("All answers are saved.")
    assert again.where() == "10 / 12"
    for _ in range(3):
        again.item()
    again.sees("Thank you very much!")
    again.sees("Next person")
    assert n_answered(app) == 12
    said = [item for table in ("rating", "task_answer") for (item,) in rows(app, f"SELECT item_id FROM {table}")]  # noqa: S608
    assert len(set(said)) == 12
    assert max(Counter(said).values()) == 2  # a rating and a quiz, each once
    [(name, right)] = rows(app, "SELECT name, json_extract(literacy, '$.right') FROM rater")
    assert (name, 0 <= right <= 3) == ("田中", True)
    assert all(0 < seconds < 60 for (seconds,) in rows(app, "SELECT seconds FROM rating"))
    assert again.complaints == []
    assert [one for one in tablet.complaints if "ERR_" not in one and "WebSocket" not in one] == []


def n_answered(app: App) -> int:
    query = "SELECT count(DISTINCT item_id) FROM (SELECT item_id FROM rating UNION ALL SELECT item_id FROM task_answer)"
    return rows(app, query)[0][0]


def no_dialog(tablet: Rater) -> None:
    """Streamlit's own about the lost connection would stand in the way, in English."""
    expect(tablet.page.locator(".stDialog")).to_have_count(1)  # it would be there
    expect(tablet.page.locator(".stDialog")).not_to_be_visible()
