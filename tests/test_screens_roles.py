"""Who sees which screen, and what happens on a screen that was opened before somebody's rights were taken away.

`manage.py test tests/test_screens_roles.py -s` prints the matrices.
"""

import re
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import update
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.media_file_storage import MediaFileStorage, MediaFileStorageError
from streamlit.testing.v1 import app_test, local_script_runner
from streamlit.testing.v1.element_tree import Button
from streamlit.testing.v1.local_script_runner import RerunData

from feedback_db import logins, models, people, pilots, raters
from feedback_db.logins import Login
from feedback_db.permits import APP, LOCAL, Forbidden
from feedback_db.pilots import Pilot
from feedback_db.studies import Study
from pages.parts import who, work
from pages.parts.text import plain
from tests.screens import Person, Place
from tests.test_structure import ROOT

QUESTION = "Secret question?"
SCREENS = sorted(file.stem for file in (ROOT / "pages").glob("*.py") if file.stem != "frame")
MANAGERS = {"home", "results", "evidence"}
SEES = {"lead": {*SCREENS}, "manager": MANAGERS, "rater": {"rate"}, "nobody": set()}
STATES = ("active", "let go", "expired", "signed out")
MANAGERS_STORE = {"assumption", "misreading", "ledger", "visit", "rater"}  # what they may, by test_permits.py


@dataclass(frozen=True, slots=True)
class Scene:
    """A pilot that has come all the way, and somebody of each role who is signed in."""

    place: Place
    pilot: Pilot
    study: Study
    login: dict[str, str]  # role → id

    def person(self, role: str) -> Person:
        someone = Person(self.place, "en")
        someone.user = {"login": self.login[role]} if role in self.login else {}
        return someone

    def open(self, role: str, screen: str) -> Person:
        """As somebody types the address, who knows it."""
        return self.person(role).open(screen, pilot=self.pilot.id, invite=self.place.invitation(self.study))


@pytest.fixture
def scene(place: Place, monkeypatch: pytest.MonkeyPatch) -> Scene:
    pilot = place.pilot(QUESTION)
    kept = place.view(pilot, place.spec(place.data(pilot)), loss=0.5)
    study = place.study(pilot, kept)
    place.rate(study, kept, "Ken", 4, "good")
    login = {role: place.signed_in(role.title(), role) for role in ("lead", "manager")}
    place.signed_in("Another", "lead")  # who takes rights away
    made = Scene(place, pilot, study, login | {"rater": place.tablet(study)})
    monkeypatch.setenv("PILOT_TEAM", "1")
    return made


def take_away(scene: Scene, role: str, how: str) -> None:
    login_id = scene.login[role]
    with work.database().session(APP) as db:
        found = logins.get(db, login_id)
    assert found is not None
    with work.database().session(LOCAL) as db:
        if how == "signed out":
            logins.end(db, login_id)
        elif how == "expired":
            past = models.now() - timedelta(seconds=1)
            db.execute(update(models.Login).where(models.Login.id == login_id).values(expires_at=past))
        elif how == "made a manager":
            assert people.set_role(db, found.person_id, "manager")
        elif found.person_id is not None:
            assert people.revoke(db, found.person_id)
        else:
            raters.revoke(db, raters.invitations(db, scene.study.id)[0])


def stored(place: Place) -> dict[str, list[str]]:
    """Every row of every table, as text."""
    with sqlite3.connect(place.folder / "pilot.db") as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {one: sorted(map(repr, db.execute(f"SELECT * FROM {one}"))) for one in tables}  # noqa: S608


# Who sees what


def title_of(screen: str) -> str:
    """By which a screen is known."""
    return re.findall(r'st\.title\(_\("(.+?)"\)', (ROOT / "pages" / f"{screen}.py").read_text(encoding="utf-8"))[0]


@pytest.mark.parametrize("state", STATES)
def test_each_role_sees_its_own_screens_as_long_as_it_is_in_and_nothing_of_the_others(scene, state):
    assert len({*map(title_of, SCREENS)}) == len(SCREENS)
    if state != "active":
        for role in scene.login:
            take_away(scene, role, state)
    seen: dict[str, set[str]] = {role: set() for role in SEES}
    for role in SEES:
        for screen in SCREENS:
            shown = scene.open(role, screen)
            if title_of(screen) in [one.value for one in shown.at.title]:
                seen[role].add(screen)
            elif screen not in SEES[role] and role != "manager":
                assert plain(QUESTION) not in shown.sent()
                assert QUESTION not in shown.sent()
        print(f"{state:>10} {role:<8}", *(f"{one}:{'shown' if one in seen[role] else '-'}" for one in SCREENS))  # noqa: T201
    assert seen == (SEES if state == "active" else {role: set() for role in SEES})


@pytest.mark.parametrize("far", ["nothing yet", "all the way"])
def test_a_manager_finds_no_way_to_a_screen_that_managers_do_not_have_and_nothing_fails(scene, far):
    with work.database().session(LOCAL) as db:
        empty = pilots.create(db, question="Empty", team="T")
    for screen in MANAGERS:
        shown = scene.person("manager").open(screen, pilot=scene.pilot.id if far == "all the way" else empty.id)
        assert (screen, shown.errors()) == (screen, [])
        assert {one.proto.page for one in shown.links().values()} <= {"", *MANAGERS}
    someone = scene.open("manager", "home")
    someone.at.button(key=f"go-{scene.pilot.id}").click()
    assert someone.run().sees("Go on, improve or stop?")


def test_a_decision_is_signed_by_whoever_is_signed_in(scene):
    someone = scene.open("manager", "evidence")
    [name] = [one for one in someone.at.text_input if one.label == "Name"]
    assert (name.value, name.disabled) == ("Manager", True)
    someone.at.get_by_key("decision-what").set_value("stop")
    someone.at.get_by_key("decision-reason").set_value("R")
    sent = pressed(someone, someone.button("Sign the decision"))
    [said] = [one for one in sent.widgets if one.id == name.id]
    said.string_value = "Somebody else"  # as a browser could send it all the same
    someone.run_with(sent)
    assert someone.errors() == []
    assert someone.place.rows("SELECT json_extract(content, '$.name') FROM ledger") == [("Manager",)]


def pressed(someone: Person, button: Button) -> WidgetStates:
    """What the browser sends when it is pressed, with all that stands in its form."""
    button.set_value(True)
    states = someone.at._tree.get_widget_states()
    button.set_value(False)
    return states


# What was opened before


@dataclass(frozen=True, slots=True)
class Opened:
    """A screen that somebody has open, with something in every field, and each button on it."""

    screen: str
    role: str
    person: Person
    login: Login
    page: str  # by which the browser knows the screen
    address: dict[str, str]
    buttons: dict[str, WidgetStates]  # label → what the browser sends when it is pressed

    def press(self, label: str) -> None:
        self._back()
        self.person.at._run(self.buttons[label])

    def run_pieces(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What the browser asks for by itself, of each piece of the page with a clock of its own."""
        for piece in (*self.person.at._fragment_storage._fragments,):
            self._back()
            with monkeypatch.context() as patch:
                patch.setattr(local_script_runner, "RerunData", partial(RerunData, fragment_id_queue=[piece]))
                self.person.at._run(self.person.at._tree.get_widget_states())

    def _back(self) -> None:
        """A press comes from the screen that is shown there, wherever an earlier one would have led."""
        self.person.at._page_hash = self.page
        self.person.at.query_params = dict(self.address)


def opened(scene: Scene, screen: str, role: str) -> Opened:
    if role == "lead":  # one who has nothing else open
        scene.login[role] = scene.place.signed_in(f"Lead at {screen}", "lead")
    with work.database().session(APP) as db:
        login = logins.get(db, scene.login[role])
    assert login is not None
    someone = scene.open(role, screen)
    address = dict(someone.at.query_params)
    for field in (*someone.at.text_input, *someone.at.text_area):
        if not field.disabled:
            field.set_value("7777")
    for choice in someone.at.button_group:
        if choice.key == "decision-what":
            choice.set_value("stop")
    buttons = {one.label: pressed(someone, one) for one in someone.at.button if not one.disabled}
    page = someone.at._resolve_page_hash(str(ROOT / "pages" / f"{screen}.py"))
    return Opened(screen, role, someone, login, page, address, buttons)


def give_back(login: Login) -> None:
    with work.database().session(LOCAL) as db:
        later = models.now() + timedelta(hours=1)
        db.execute(update(models.Login).where(models.Login.id == login.id).values(expires_at=later, ended_at=None))
        mine = models.Person.id == login.person_id
        db.execute(update(models.Person).where(mine).values(revoked_at=None, role="lead"))
        db.execute(update(models.Invitation).values(revoked_at=None))


def left_behind(place: Place, act: Callable[[], None]) -> set[str]:
    """Tables whose rows it changed, and whether the engine was asked for anything."""
    before, n = stored(place), len(place.desk.wishes)
    act()
    after = stored(place)
    asked = {"(engine)"} if len(place.desk.wishes) > n else set()
    return {table for table in after if after[table] != before[table]} | asked


@pytest.mark.parametrize(
    ("how", "frame"),
    [*((how, "whole") for how in (*STATES[1:], "made a manager")), ("let go", "fooled"), ("made a manager", "fooled")],
)
def test_what_is_pressed_on_a_screen_after_rights_are_gone_stores_nothing(scene, monkeypatch, how, frame):
    """With a frame that is fooled, somebody has found a way past it: only the database refuses then."""
    place = scene.place
    pages = [opened(scene, screen, "lead") for screen in SCREENS]
    if how != "made a manager":
        pages.append(opened(scene, "rate", "rater"))
    left: dict[tuple[str, str], set[str]] = {}
    for page in pages:
        scene.login[page.role] = page.login.id
        take_away(scene, page.role, how)
        if frame == "fooled":
            monkeypatch.setattr(who, "login", lambda _db, page=page: page.login)
        for label in page.buttons:
            left[page.screen, label] = left_behind(place, partial(page.press, label))
        left[page.screen, "by itself"] = left_behind(place, partial(page.run_pieces, monkeypatch))
        give_back(page.login)
    for (screen, label), tables in left.items():
        print(f"{how:>15} {frame:<6} {screen:<9} {label:<32} {', '.join(sorted(tables)) or '-'}")  # noqa: T201
    theirs = MANAGERS_STORE if how == "made a manager" else set()
    assert {at: tables for at, tables in left.items() if tables - theirs} == {}


def test_the_same_presses_store_something_as_long_as_the_rights_are_there(scene):
    stores = {}
    for screen in SCREENS:
        page = opened(scene, screen, "lead")
        stores[screen] = set().union(*(left_behind(scene.place, partial(page.press, label)) for label in page.buttons))
        print(f"{screen:<9} {', '.join(sorted(stores[screen])) or '-'}")  # noqa: T201
    assert {screen for screen, tables in stores.items() if tables} >= {*SCREENS} - {"results"}


def test_who_may_read_the_evidence_may_take_it_along(scene, monkeypatch):
    managers: list[MediaFileManager] = []
    made = partial(_noted, managers)
    monkeypatch.setattr(app_test, "MediaFileManager", made)
    someone = scene.open("manager", "evidence")
    deferred = {one.label: one.proto.deferred_file_id for one in someone.at.download_button}
    ids = {label: id_ for label, id_ in deferred.items() if id_}
    assert len(ids) >= 5  # each is made when its button is pressed
    with ThreadPoolExecutor(1) as thread:  # which has no session, as in the app
        for id_ in ids.values():
            assert thread.submit(managers[-1].execute_deferred, id_).result()
        take_away(scene, "manager", "signed out")
        with pytest.raises(MediaFileStorageError) as refused:
            thread.submit(managers[-1].execute_deferred, ids["All data (ZIP)"]).result()
        assert isinstance(refused.value.__cause__, Forbidden)


def _noted(managers: list[MediaFileManager], kept: MediaFileStorage) -> MediaFileManager:
    managers.append(MediaFileManager(kept))
    return managers[-1]
