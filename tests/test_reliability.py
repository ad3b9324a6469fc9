"""Nothing acknowledged is lost: each part of `manage.py bench reliability` in short, and what an ill database shows.

Counts alone are looked at here: how quick it is on a busy computer says little.
"""

import json
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from core.jobs import Change
from feedback_db import database as databases
from feedback_db import jobs
from feedback_db.permits import LOCAL
from pages.parts import guard, post, work
from tests.bench_reliability import PARTS, measured
from tests.browser import ROOT, TeamApp, Visitor
from tests.client import Client
from tests.reliability.disk import damaged
from tests.reliability.ground import opened, serving
from tests.screens import Person, Place

NOT_SAVED = guard.UNSAVED


@pytest.mark.parametrize("part", PARTS)
def test_nothing_is_lost(part):
    found = measured(part, is_short=True)
    counted = [one for one in found if not one.bar.endswith(" s")]
    assert counted
    assert [one for one in counted if one.ok is False] == []


# --- what is sent


@pytest.fixture
def asked(place: Place) -> Iterator[tuple[str, dict[str, Any]]]:
    """A seat, and an answer that it may give to a map."""
    _pilot, study, _kept = place.asked()
    sheet = Person(place, "ja").begin(study).questionnaire()
    item = next(one["id"] for one in sheet["items"] if one["steps"][0]["kind"] == "rating")
    return sheet["seat"], {"item": item, "score": 4, "seconds": 1.0, "language": "ja"}


NONSENSE: list[Any] = [
    {"corrects": "x" * 99},
    {"seconds": 10**400},
    {"previs": 3},
    {"previs": {"layout": 3}},
    {"item": None},
    {"literacy": 3},
]


def test_an_answer_that_cannot_be_read_holds_back_no_other(place, asked):
    seat, good = asked
    given = [(str(uuid.uuid4()), one) for bad in NONSENSE for one in (good | bad, good)]
    given += [("no number", good), (str(uuid.uuid4()), 3), (str(uuid.uuid4()), good)]
    kept, refused = post.take(LOCAL, seat, given)
    assert kept == [id_ for id_, one in given if one is good and id_ != "no number"]
    assert set(refused) == {id_ for id_, _one in given} - set(kept)
    assert place.rows("SELECT count(*) FROM rating") == [(len(NONSENSE) + 1,)]


def test_the_number_of_somebody_elses_answer_is_no_receipt(place):
    _pilot, study, _kept = place.asked()
    number = str(uuid.uuid4())
    for name, stored in (("Ken", True), ("Mai", False)):
        sheet = Person(place, "ja").begin(study, name).questionnaire()
        item = next(one["id"] for one in sheet["items"] if one["steps"][0]["kind"] == "rating")
        said = {"item": item, "score": 4, "seconds": 1.0, "language": "ja"}
        kept, _refused = post.take(LOCAL, sheet["seat"], [(number, said)])
        assert kept == [number] * stored


def test_a_job_whose_end_could_not_be_written_down_is_written_down_later(place, monkeypatch):
    monkeypatch.setattr(work, "AGAIN", 0.05)
    monkeypatch.setattr(databases, "BUSY_SECONDS", 0.05)
    with work.database().session(LOCAL) as db:
        jobs.submit(db, "a" * 64, "view", {})
    with closing(sqlite3.connect(place.folder / "pilot.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        told = threading.Thread(target=work._record, args=[Change("a" * 64, "done")])
        told.start()
        told.join(0.5)
        assert told.is_alive()
        other.execute("ROLLBACK")
        told.join(10)
    assert place.rows("SELECT state FROM job") == [("done",)]


def test_where_the_gate_cannot_read_who_asks_a_tablet_is_told_to_ask_again(tmp_path):
    app = TeamApp(tmp_path, ROOT / "app.py", has_engine=False)
    try:
        client = Client(app.address, cookies={"pilot_login": "somebody's"})
        with closing(sqlite3.connect(tmp_path / "pilot.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            answer = client.send("POST", post.ADDRESS, b"{}", {"Accept": "*/*"})
        assert (answer.status, set(json.loads(answer.body))) == (503, {"error", "number"})
        assert client.send("POST", post.ADDRESS, b"{}", {"Accept": "*/*"}).status == 401
    finally:
        app.kill()


# --- an ill database, on screens


def test_a_damaged_file_is_a_sentence_with_what_to_do(anyone, monkeypatch):
    monkeypatch.setattr(guard, "AGAIN", 0.05)
    anyone.place.pilot()
    with damaged(anyone.place.folder / "pilot.db", "pilot"):
        [said] = anyone.open("home").errors()
    assert said == f"**{anyone.word(NOT_SAVED)}**  \n{anyone.word(guard.DAMAGED)}"
    assert anyone.run().errors() == []


def test_a_screen_waits_for_a_lock_and_goes_on_by_itself(someone, monkeypatch):
    monkeypatch.setattr(guard, "AGAIN", 0.05)
    monkeypatch.setattr(databases, "BUSY_SECONDS", 0.05)
    someone.place.pilot("Which line?")
    other = sqlite3.connect(someone.place.folder / "pilot.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(1, other.close).start()
    began = time.monotonic()
    assert someone.open("home").errors() == []
    assert time.monotonic() - began > 0.9
    assert someone.sees("The database can be used again. Please do once more what was not saved.")
    assert not someone.run().sees("The database can be used again. Please do once more what was not saved.")


def test_what_a_lead_has_typed_outlives_a_lock(browser: Browser, tmp_path: Path):
    opened(tmp_path, 1)
    with serving(tmp_path) as app:
        lead = Visitor(browser, app, "ja", (1280, 800))
        lead.open("/")
        lead.page.get_by_text(lead.word("New pilot"), exact=True).click()
        field = lead.page.get_by_label(lead.word("What do you want to find out?"))
        field.fill("音が変わるのはいつ？")
        with closing(sqlite3.connect(tmp_path / "pilot.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            field.press("Enter")
            lead.sees(NOT_SAVED)
        expect(lead.page.get_by_text(lead.word(NOT_SAVED))).to_have_count(0)
        lead.settle()
        expect(field).to_have_value("音が変わるのはいつ？")
        field.press("Enter")
        expect(lead.page.get_by_test_id("stFileUploaderDropzoneInput")).to_be_attached()
        lead.page.context.close()
    with closing(sqlite3.connect(tmp_path / "pilot.db")) as db:
        assert ("音が変わるのはいつ？",) in db.execute("SELECT question FROM pilot").fetchall()
