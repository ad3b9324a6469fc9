"""Screens without a browser: Streamlit's AppTest over a data folder of its own, with no engine behind it.

AppTest cannot select on charts, follow links by itself, run a fragment's clock or show what a browser makes of
Markdown; tests/test_browser.py does that.
"""

import json
import shutil
import sqlite3
import uuid
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl

import numpy as np
from google.protobuf.message import Message
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.runtime.state import session_state_proxy
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button, PageLink

from core import controls
from core import views as drawing
from core.controls import ControlSpec
from core.encoders import EncoderSpec
from core.errors import UserError
from core.jobs import Change
from core.projection import ProjectionSpec
from core.recipes import Recipe, WindowSpec
from core.studies import Design
from core.tuning import TuneSpec
from core.views import ViewSpec
from core.words import catalogue
from feedback_db import datasets, logins, models, people, pilots, raters, ratings, studies, views
from feedback_db.datasets import Dataset
from feedback_db.permits import LOCAL
from feedback_db.pilots import Pilot
from feedback_db.ratings import Rating
from feedback_db.studies import Study
from feedback_db.views import View
from pages.parts import asking, post, work
from pages.parts.intake import sources_of, take_in
from tests.test_structure import ROOT

SCREENS = ("home", "data", "maps", "study", "rate", "results", "evidence", "improve")
RAW = EncoderSpec("raw")
SHIPPED = EncoderSpec()  # what the Maps screen proposes: the compact model
STRIDE = 2  # with a length of 16, what the Maps screen proposes for such short files
PROGRAM = {"js_content", "css_content"}  # of a component, the same for everybody
UNSEEN = {"id", "key", "form_id", "icon", "element_id", "spec", "page", "page_script_hash", "query_string", "url"}
UNSEEN |= PROGRAM | {"html_content", "json", "component_name"}


def csv(n: int = 80, *, label: bool = False) -> bytes:
    """Two channels that anybody can follow in the head: a ramp, and a wave of five steps."""
    rows = [
        f"{i},{(0, 3, 5, 3, 0)[i % 5]}" + (f",{'good' if i < n // 2 else 'bad'}" if label else "") for i in range(n)
    ]
    return "\n".join(["ramp,wave" + (",label" if label else ""), *rows]).encode()


class Desk:
    """Where screens put their wishes to the engine. Nobody works here, so what is queued stays queued."""

    def __init__(self) -> None:
        self.wishes: list[tuple[Any, ...]] = []

    def submit(self, *wish: Any) -> None:
        self.wishes.append(wish)


class Place:
    """One installation: its database and its store, filled by the functions that the screens use."""

    trained: ClassVar[dict[str, Path]] = {}  # fingerprint → where this process left what came of it

    def __init__(self, folder: Path, media: MemoryMediaFileStorage) -> None:
        self.folder, self.media, self.desk = folder, media, Desk()

    def pilot(self, question: str = "Q") -> Pilot:
        with work.database().session(LOCAL) as db:
            return pilots.create(db, question=question, team="T")

    def data(self, pilot: Pilot, data: bytes | None = None, name: str = "a.csv") -> Dataset:
        return take_in(pilot.id, name, data or csv())

    def spec(self, *chosen: Dataset, encoder: EncoderSpec = RAW, length: int = 16) -> ViewSpec:
        recipe = Recipe(window=WindowSpec(length, STRIDE))
        return ViewSpec(sources_of(chosen), recipe, encoder, ProjectionSpec("pca"))

    def draw(self, spec: ViewSpec, loss: float | None = None) -> ViewSpec:
        """Have a map in the store. What a model would say is made up here: no test of a screen needs torch."""
        if spec.encoder != RAW:
            n = len(work.windows_of(spec.sources, spec.recipe))
            meta = {"n_windows": n, "filled": 0, "loss": loss, "mask_ratio": 0.5, "mask_seed": 0}
            meta |= {"parameters": 1, "mode": "float32 (cpu)"}
            arrays = {"vectors": np.random.default_rng(0).normal(size=(n, 8)), "loss": np.full(n, loss, dtype=float)}
            work.store().save(spec.embedding_fingerprint(), meta, arrays)
        drawing.build(spec, work.store(), lambda *_: None)
        return spec

    def view(self, pilot: Pilot, spec: ViewSpec, loss: float | None = None) -> View:
        """A map that is drawn and kept."""
        self.draw(spec, loss)
        with work.database().session(LOCAL) as db:
            kept = {"fingerprint": spec.fingerprint(), "spec": spec.to_json(), "n_windows": 33}
            return views.keep(db, pilot.id, **kept, loss=loss)

    def work(self, spec: Any) -> None:
        """Do what the engine does with a wish. A training that was done in another place is brought from there."""
        key = spec.fingerprint()
        if key in self.trained:
            shutil.copytree(self.trained[key], work.store().folder(key), dirs_exist_ok=True)
            return
        try:
            work.KINDS[work.kind_of(spec)].build(spec, work.store(), lambda *_: None)
        except UserError as error:
            work._record(Change(key, "failed", error=error))
            return
        if isinstance(spec, TuneSpec):
            self.trained[key] = work.store().folder(key)

    def study(self, pilot: Pilot, *kept: View, design: Design = Design(tasks=())) -> Study:  # noqa: B008 — frozen
        """Open a study, as its screen does once the engine has made the maps that it needs."""
        self.noise(ViewSpec.from_json(kept[0].spec))
        for one in kept if design.tasks else ():
            spec = ViewSpec.from_json(one.spec)
            if asking.to_plant(design, asking.quizzes_of(one.fingerprint, spec)[1], spec):
                controls.build(ControlSpec(spec, "events"), work.store(), lambda *_: None)
        return asking.open_study(pilot.id, kept, design)

    def noise(self, spec: ViewSpec) -> None:
        """Have a map of noise in the store, for whatever model; a picture of noise is as good as another."""
        drawn, wanted = ControlSpec(replace(spec, encoder=RAW), "noise"), ControlSpec(spec, "noise")
        controls.build(drawn, work.store(), lambda *_: None)
        folder = work.store().folder(drawn.fingerprint())
        arrays = {file.stem: np.load(file) for file in folder.glob("*.npy")}
        work.store().save(wanted.fingerprint(), work.store().meta(drawn.fingerprint()), arrays)

    def invitation(self, study: Study) -> str:
        """The address that everybody may use."""
        with work.database().session(LOCAL) as db:
            return raters.invitations(db, study.id)[0].token

    def signed_in(self, name: str, role: people.Role) -> str:
        """Somebody who has come in with a link: the id of the login, for `Person.user`."""
        with work.database().session(LOCAL) as db:
            token = people.invite(db, name, role)
            person = people.settle(db, token, "", "hash")
            login = logins.of(db, logins.begin(db, person.id))
        return login.id

    def tablet(self, study: Study) -> str:
        """A tablet that has come in with the shared address: likewise."""
        with work.database().session(LOCAL) as db:
            shared = raters.invitations(db, study.id)[0]
            return logins.of(db, logins.begin_rating(db, shared.id)).id

    def close(self, study: Study) -> None:
        with work.database().session(LOCAL) as db:
            studies.close(db, study.id)

    def rate(self, study: Study, view: View, rater: str, score: int | None, comment: str = "") -> None:
        """Somebody's opinion, from a seat that is taken for it where need be."""
        with work.database().session(LOCAL) as db:
            shared = raters.invitations(db, study.id)[0]
            here = {one.name: one for one in raters.of_study(db, study.id)}
            items = studies.items(db, study.id)
            every = [one.number for one in items]
            person = here.get(rater) or raters.begin(db, shared, rater, raters.new_token(), lambda _seat: every)
            item = next(one for one in items if (one.kind, one.view_id) == ("view", view.id))
            ids = {"id": models.new_id(), "study_id": study.id, "item_id": item.id, "rater_id": person.id}
            ratings.save(db, Rating(**ids, score=score, comment=comment, seconds=9.5, language="ja"))

    def asked(self, n: int = 1, *, loss: float | None = None) -> tuple[Pilot, Study, list[View]]:
        """A pilot whose study is open on n maps."""
        pilot = self.pilot()
        dataset = self.data(pilot)
        kept = [self.view(pilot, self.spec(dataset, length=16 + 8 * i), loss) for i in range(n)]
        return pilot, self.study(pilot, *kept), kept

    def datasets(self, pilot: Pilot) -> list[Dataset]:
        with work.database().session(LOCAL) as db:
            return datasets.of_pilot(db, pilot.id)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with sqlite3.connect(self.folder / "pilot.db") as db:
            return db.execute(query).fetchall()


class Person:
    """Somebody at a screen, in one language."""

    def __init__(self, place: Place, language: str) -> None:
        self.place, self.language, self.browser = place, language, "ja-JP"
        self.user: dict[str, str] = {}  # {"login": …} where people sign in: what the gate says of this browser
        self.at: AppTest

    def open(self, screen: str = "home", **address: str) -> "Person":
        """Type an address: a new session, as in a new browser window."""
        self.at = AppTest.from_file(ROOT / "pages" / "frame.py", default_timeout=30)
        if screen != "home":
            self.at.switch_page(f"{screen}.py")
        self.at.context = {"locale": self.browser}
        self.at.user = self.user
        self.at.query_params.update(({"lang": self.language} if self.language else {}) | address)
        return self.run()

    def run_with(self, states: WidgetStates) -> "Person":
        """The browser sends these values, also some that are out of date."""
        self.at._run(states)
        assert not self.at.exception, self.at.exception
        return self

    def run(self) -> "Person":
        session_state_proxy._mock_session_state = self.at._session_state  # for what AppTest words outside of a run
        self.at.run()
        self.at._page_hash = ""  # AppTest would come back to the screen opened first, whatever the app switched to
        assert not self.at.exception, self.at.exception
        return self

    def word(self, message: str, **facts: object) -> str:
        """What this person reads where the code says `message`."""
        return word(self.language, message, **facts)

    def press(self, message: str, **facts: object) -> "Person":
        self.button(message, **facts).click()
        return self.run()

    def button(self, message: str, **facts: object) -> Button:
        [found] = [one for one in self.at.button if one.label == self.word(message, **facts)]
        return found

    def has_button(self, message: str, **facts: object) -> bool:
        return self.word(message, **facts) in [one.label for one in self.at.button]

    def links(self) -> dict[str, PageLink]:
        return {one.label.strip("*"): one for one in self.at.get("page_link")}

    def follow(self, message: str) -> "Person":
        """Press a link: its screen and its address, in the same session."""
        link = self.links()[self.word(message)]
        self.at._page_hash = link.proto.page_script_hash
        self.at.query_params = dict(parse_qsl(link.proto.query_string))
        return self.run()

    def choose(self, key: str, value: object) -> "Person":
        """Use any widget that has a key."""
        self.at.get_by_key(key).set_value(value)
        return self.run()

    def set(self, start: str, value: object) -> "Person":
        """Use the widget whose key starts so; the rest of it changes with what is set."""
        [key] = {one.key for one in self.at._tree if (getattr(one, "key", None) or "").startswith(start)}
        return self.choose(key, value)

    def upload(self, *files: tuple[str, bytes]) -> "Person":
        for name, data in files:
            self.at.file_uploader[0].upload(name, data, "text/csv")
        return self.run()

    def begin(self, study: Study, name: str = "Ken") -> "Person":
        """Take the tablet and give a name."""
        self.open("rate", invite=self.place.invitation(study))
        self.at.text_input[0].set_value(name)
        return self.press("Begin")

    def components(self, name: str) -> list[Any]:
        """Of ours, as they are drawn in the browser."""
        return [one for one in self.at.get("bidi_component") if one.proto.component_name == name]

    def questionnaire(self) -> dict[str, Any]:
        """What the tablet was given to ask; the asking itself is rating.js's, see tests/test_rating.py."""
        [asked] = self.components("rating")
        return json.loads(asked.proto.json)

    def send(self, **said: Any) -> dict[str, str]:
        """What the tablet sends of one item, or of the introduction; returns what was refused and why."""
        given = {"seconds": 2.5, "task_seconds": 3.5, "language": self.language, **said}
        kept, refused = post.take(LOCAL, self.questionnaire()["seat"], [(str(uuid.uuid4()), given)])
        assert len(kept) + len(refused) == 1
        return refused

    def answer(self, score: int | None, comment: str = "") -> "Person":
        """Answer the next item that asks for a score, and whatever comes before it."""
        asked = self.questionnaire()
        for item in asked["items"]:
            if item["id"] in asked["answered"]:
                continue
            is_check = item["steps"][0]["kind"] == "check"
            assert self.send(item=item["id"], score=score, comment=comment, choice=None) == {}
            if not is_check:
                break
        return self.run()

    def place_in_line(self) -> list[str]:
        """What stands at the progress bar of a job."""
        return [one.text for one in self.at.get("progress")]

    def sees(self, message: str, **facts: object) -> bool:
        return any(self.word(message, **facts) in text for text in self.texts())

    def errors(self) -> list[str]:
        return [one.value for one in self.at.error]

    def texts(self) -> list[str]:
        """All that stands on the screen, tables, toasts and the titles in charts too."""
        return [text for node in self.at._tree for text in texts_of(node)]

    def sent(self) -> str:
        """All that the browser gets, seen or not; not the programs, which are the same for everybody."""
        protos = [deepcopy(node.proto) for node in self.at._tree if isinstance(getattr(node, "proto", None), Message)]
        for one in protos:
            for name in PROGRAM & set(one.DESCRIPTOR.fields_by_name):
                one.ClearField(name)
        return "\n".join(one.SerializeToString().decode("utf-8", errors="replace") for one in protos)


def word(language: Any, message: str, **facts: object) -> str:
    return catalogue(language).gettext(message).format(**facts)


def texts_of(node: Any) -> Iterator[str]:
    if node.type == "html":  # style and script
        return
    if node.type in ("dataframe", "table"):
        yield from map(str, node.value.columns)
        yield from (cell for column in node.value for cell in node.value[column] if isinstance(cell, str))
        return
    if isinstance(proto := getattr(node, "proto", None), Message):
        yield from (text for name, text in strings(proto) if name not in UNSEEN)
        yield from (title for name, spec in strings(proto) if name == "spec" for title in titles(json.loads(spec)))


def strings(message: Message) -> Iterator[tuple[str, str]]:
    """Every text in a message, with the name of its field."""
    for field, value in message.ListFields():
        for one in value if field.is_repeated else [value]:
            if isinstance(one, str):
                yield field.name, one
            elif isinstance(one, Message):
                yield from strings(one)


def titles(spec: Any) -> Iterator[str]:
    """What a chart says in words: titles of axes, legends and tooltips."""
    if isinstance(spec, list):
        for one in spec:
            yield from titles(one)
    elif isinstance(spec, dict):
        if isinstance(title := spec.get("title"), str):
            yield title
        for one in spec.values():
            yield from titles(one)
