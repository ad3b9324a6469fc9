"""Time on screens, as the screens themselves note it; the rules of a visit are tested in tests/test_feedback_db.py."""

import logging
import sqlite3
from collections.abc import Iterator
from datetime import timedelta

import pytest

from feedback_db import models
from pages.parts import presence
from tests.screens import Person


@pytest.fixture(autouse=True)
def fresh_complaints() -> Iterator[None]:
    presence._complain.cache_clear()
    yield
    presence._complain.cache_clear()


def wait(someone: Person, **time: float) -> None:
    """As if the last note of this session were that long ago."""
    visit_id, _at = someone.at.session_state[presence.VISIT]
    then = models.now() - timedelta(**time)
    someone.at.session_state[presence.VISIT] = (visit_id, then)
    with sqlite3.connect(someone.place.folder / "pilot.db") as db:
        stored = then.replace(tzinfo=None).isoformat(" ", "microseconds")
        db.execute("UPDATE visit SET began_at = min(began_at, ?), last_at = ? WHERE id = ?", (stored, stored, visit_id))


def noted(someone: Person) -> list[tuple[str, int]]:
    """Screens in the order of coming, and the whole seconds on each."""
    took = "round((julianday(last_at) - julianday(began_at)) * 86400)"
    return someone.place.rows(f"SELECT screen, CAST({took} AS INTEGER) FROM visit ORDER BY rowid")  # noqa: S608


def test_a_screen_of_a_pilot_is_noted_when_it_is_opened_and_again_after_ten_seconds(someone):
    pilot = someone.place.pilot()
    someone.open("study", pilot=pilot.id)
    assert noted(someone) == [("study", 0)]
    wait(someone, seconds=8)
    someone.run()
    assert noted(someone) == [("study", 0)]
    wait(someone, seconds=11)
    someone.run()
    assert noted(someone) == [("study", 11)]


def test_the_next_screen_is_a_visit_of_its_own_and_so_is_the_same_one_after_a_long_pause(someone):
    pilot = someone.place.pilot()
    someone.open("study", pilot=pilot.id)
    wait(someone, seconds=70)
    someone.follow("Go to the maps")
    assert noted(someone) == [("study", 70), ("maps", 0)]
    wait(someone, minutes=6)
    someone.run()
    assert noted(someone) == [("study", 70), ("maps", 0), ("maps", 0)]


def test_two_windows_are_two_visits(someone):
    pilot = someone.place.pilot()
    for _ in range(2):
        someone.open("study", pilot=pilot.id)
    assert noted(someone) == [("study", 0)] * 2


def test_home_is_no_work_on_a_pilot_and_those_who_rate_are_not_its_lead(someone):
    pilot, study, _kept = someone.place.asked()
    someone.open("home", pilot=pilot.id)
    someone.open("rate", pilot=pilot.id, invite=someone.place.invitation(study))
    someone.begin(study)
    someone.open("evidence")
    someone.open("evidence", pilot="nobody's")
    assert noted(someone) == []


def test_a_database_that_takes_no_visits_breaks_no_screen_and_is_told_once(someone, caplog):
    pilot = someone.place.pilot()
    with sqlite3.connect(someone.place.folder / "pilot.db") as db:
        db.execute("CREATE TRIGGER full BEFORE INSERT ON visit BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            someone.open("study", pilot=pilot.id)
            assert someone.sees("Go to the maps")
    assert [one.getMessage() for one in caplog.records if one.name == presence.__name__] == [
        "the time on screens is not noted: the disk is full"
    ]
