"""What every part stands on: figures, a study that is open, an app of its own, and tablets that send to it."""

import http.client
import json
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.tasks import Intruder
from feedback_db import pilots, raters, studies, views
from feedback_db.database import connect
from feedback_db.permits import LOCAL
from feedback_db.studies import Item
from pages.parts import post
from tests.browser import ROOT, App

PATIENCE = 10.0  # seconds that a tablet waits for a receipt, as LIMIT in pages/parts/rating_outbox.js
MOST = 20  # answers in one request, as MOST there
QUIZ = Intruder((2,), (0, 1, 2, 3, 4))
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    what: str
    bar: str
    measured: str
    ok: bool | None  # None: it could not be measured here


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server said to a request."""

    status: int  # 0: nothing
    seconds: float
    kept: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


@dataclass(slots=True)
class Tablet:
    """Keeps what it has not been told is stored, as pages/parts/rating_outbox.js does."""

    port: int
    seat: str  # the secret in this person's address
    item: str
    cookie: str = ""
    outbox: dict[str, Answer] = field(default_factory=dict)
    kept: dict[str, Answer] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    def say(self, score: int) -> str:
        """Rate the map and answer its quiz: two rows, which belong together."""
        id_ = str(uuid.uuid4())
        times = {"seconds": 2.5, "task_seconds": 3.5, "language": "ja"}
        said = {"item": self.item, "score": score, "choice": score - 1, "confidence": 2, "comment": f"音 {score}"}
        self.outbox[id_] = {"id": id_, **said, **times}
        return id_

    def send(self) -> Reply:
        """What waits, the oldest first; what the server has or does not want waits no more."""
        reply = self.post(list(self.outbox.values())[:MOST])
        for id_ in reply.kept:
            self.kept |= {id_: self.outbox.pop(id_)} if id_ in self.outbox else {}
        for id_ in reply.refused:
            self.outbox.pop(id_, None)
        self.refused += reply.refused
        return reply

    def post(self, answers: list[Answer]) -> Reply:
        body = json.dumps({"seat": self.seat, "answers": answers})
        began = time.perf_counter()
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            headers = {"Content-Type": "application/json", "Origin": f"http://127.0.0.1:{self.port}"}
            headers |= {"Cookie": self.cookie} if self.cookie else {}
            line.request("POST", post.ADDRESS, body, headers)
            response = line.getresponse()
            status, said = response.status, json.loads(response.read())
            refused = tuple(one["id"] for one in said.get("refused", ()))
            return Reply(status, time.perf_counter() - began, tuple(said.get("kept", ())), refused)
        except (OSError, http.client.HTTPException, ValueError):
            return Reply(0, time.perf_counter() - began)
        finally:
            line.close()

    def empty(self, seconds: float = 60) -> None:
        """Send until nothing waits."""
        give_up = time.monotonic() + seconds
        while self.outbox:
            self.send()
            if time.monotonic() > give_up:
                raise TimeoutError(f"{len(self.outbox)} answers still wait")


@dataclass(frozen=True, slots=True)
class Study:
    """An open study on one map with a quiz, in a folder of its own, and seats that are taken."""

    folder: Path
    item: str
    seats: tuple[str, ...]

    def tablets(self, app: App) -> list[Tablet]:
        return [Tablet(app.port, seat, self.item) for seat in self.seats]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.folder / "pilot.db", timeout=30)) as db:
            return db.execute(query).fetchall()


def opened(folder: Path, n_seats: int) -> Study:
    """Made by the functions that the screens use; what the map looks like does not matter here."""
    db = connect(f"sqlite:///{(folder / 'pilot.db').as_posix()}")
    db.upgrade()
    with db.session(LOCAL) as session:
        pilot = pilots.create(session, question="Does it hold?", team="T")
        view = views.keep(session, pilot.id, fingerprint="0" * 64, spec={}, n_windows=9, loss=None)
        item = Item(0, "view", view.id, None, {"instance": 0, "quiz": QUIZ.to_json(), "material": ""})
        study = studies.open_with(session, pilot.id, [view.id], 0, {}, [item])
        shared = raters.invite(session, study.id, is_shared=True)
        tokens = [raters.new_token() for _ in range(n_seats)]
        for token in tokens:
            raters.begin(session, shared, "", token, lambda _seat: [0])
    db.close()
    return Study(folder, item.id, tuple(tokens))


@contextmanager
def serving(folder: Path) -> Iterator[App]:
    """The app, without an engine. It is killed when the block ends."""
    app = App(folder, ROOT / "app.py", has_engine=False)
    try:
        yield app
    finally:
        app.kill()


@dataclass(frozen=True, slots=True)
class Account:
    """What the database holds, against what tablets were told it holds."""

    lost: int  # acknowledged, and not there as they were said
    halves: int  # of which one of two rows is there
    twice: int  # rows too many


def account(study: Study, tablets: list[Tablet]) -> Account:
    scores = study.rows("SELECT id, score, comment FROM rating")
    choices = study.rows("SELECT id, choice FROM task_answer")
    rated = {id_: (score, comment) for id_, score, comment in scores}
    chosen = {id_: json.loads(choice) for id_, choice in choices}
    kept = {id_: said for tablet in tablets for id_, said in tablet.kept.items()}
    there = [
        rated.get(id_) == (said["score"], said["comment"]) and chosen.get(id_) == {"choice": said["choice"]}
        for id_, said in kept.items()
    ]
    twice = len(scores) - len(rated) + len(choices) - len(chosen)
    return Account(there.count(False), len(rated.keys() ^ chosen.keys()), twice)
