"""The ledger shows what somebody did to it by hand, on SQLite always and on PostgreSQL where there is a server."""

import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlalchemy.orm import Session

from feedback_db import ledger, models
from feedback_db.database import Database
from feedback_db.permits import LOCAL
from tests import test_feedback_db as shared
from tests.test_feedback_db import REPO, a_pilot

url, database, db = shared.url, shared.database, shared.db  # fixtures
DO_NOT_FIT = "changed, left out or moved"


def a_ledger(db: Session, n: int = 4) -> str:
    """A pilot that has settled n things."""
    pilot_id = a_pilot(db)
    for i in range(n):
        ledger.append(db, pilot_id, "decision", {"decision": "go", "name": "田中", "step": i})
    assert ledger.verify(db, pilot_id) == []
    return pilot_id


def by_hand(db: Session, statement: str, **values: object) -> None:
    assert db.execute(text(statement), values).rowcount >= 1


def test_entries_are_numbered_and_each_holds_the_hash_of_the_one_before(db: Session) -> None:
    entries = ledger.of_pilot(db, a_ledger(db, 3))
    assert [one.number for one in entries] == [1, 2, 3]
    assert [one.before for one in entries] == ["", entries[0].hash, entries[1].hash]
    assert [one.content["step"] for one in entries] == [0, 1, 2]


def test_the_hash_can_be_computed_by_anybody(db: Session) -> None:
    """From what the row holds, written as JSON with sorted names and no spaces."""
    pilot_id = a_pilot(db)
    entry = ledger.append(db, pilot_id, "rules", {"mean": 3.5, "low": 3, "who": "田中"})
    told = (
        f'{{"at":"{entry.at.isoformat()}","before":"","content":{{"low":3,"mean":3.5,"who":"田中"}},'
        f'"kind":"rules","number":1,"pilot_id":"{pilot_id}"}}'
    )
    assert entry.hash == hashlib.sha256(told.encode()).hexdigest()


def test_what_is_read_back_is_what_was_hashed(db: Session) -> None:
    pilot_id = a_pilot(db)
    made = ledger.append(db, pilot_id, "rules", {"pair": (1, 2), "by": {10: "a", 9: "b"}, "none": None, "x": 0.1 + 0.2})
    assert ledger.of_pilot(db, pilot_id) == [made]
    assert made.content == {"pair": [1, 2], "by": {"10": "a", "9": "b"}, "none": None, "x": 0.1 + 0.2}
    assert ledger.verify(db, pilot_id) == []


def test_a_button_pressed_twice_makes_one_entry_but_coming_back_to_it_later_makes_another(db: Session) -> None:
    pilot_id = a_pilot(db)
    first = ledger.append(db, pilot_id, "rules", {"mean": 3.5})
    assert ledger.append(db, pilot_id, "rules", {"mean": 3.5}) == first
    ledger.append(db, pilot_id, "rules", {"mean": 4.0})
    assert ledger.append(db, pilot_id, "rules", {"mean": 3.5}).number == 3


@pytest.mark.parametrize(
    ("statement", "wrong"),
    [
        ("""UPDATE ledger SET content = '{"decision": "go", "name": "佐藤", "step": 1}' WHERE number = 2""", [2]),
        ("UPDATE ledger SET content = 'null' WHERE number = 2", [2]),
        ("UPDATE ledger SET kind = 'rules' WHERE number = 3", [3]),
        ("UPDATE ledger SET at = '2020-01-01 00:00:00.000000' WHERE number = 1", [1]),
        ("UPDATE ledger SET before = '' WHERE number = 2", [2]),
        ("UPDATE ledger SET hash = 'f0f0' WHERE number = 2", [2]),
        ("DELETE FROM ledger WHERE number = 1", [1]),
        ("DELETE FROM ledger WHERE number = 2", [2]),
        ("DELETE FROM ledger WHERE number IN (1, 2)", [1, 2]),
        ("UPDATE ledger SET number = 9 WHERE number = 4", [4, 5, 6, 7, 8, 9]),
    ],
)
def test_a_row_edited_or_deleted_by_hand_is_found(db: Session, statement: str, wrong: list[int]) -> None:
    pilot_id = a_ledger(db)
    by_hand(db, statement)
    assert ledger.verify(db, pilot_id) == wrong


def test_two_rows_that_change_places_are_found(db: Session) -> None:
    pilot_id = a_ledger(db)
    for of, to in ((2, 99), (3, 2), (99, 3)):
        by_hand(db, "UPDATE ledger SET number = :to WHERE number = :of", of=of, to=to)
    assert ledger.verify(db, pilot_id) == [2, 3]


def test_a_row_that_closes_the_gap_of_a_deleted_one_is_found(db: Session) -> None:
    pilot_id = a_ledger(db, 3)
    by_hand(db, "DELETE FROM ledger WHERE number = 2")
    by_hand(db, "UPDATE ledger SET number = 2 WHERE number = 3")
    assert ledger.verify(db, pilot_id) == [2]


def test_a_row_moved_to_another_pilot_is_found_there_and_missed_here(db: Session) -> None:
    pilot_id, other = a_ledger(db, 3), a_pilot(db)
    by_hand(db, "UPDATE ledger SET pilot_id = :other, number = 1 WHERE number = 2", other=other)
    assert (ledger.verify(db, pilot_id), ledger.verify(db, other)) == ([2], [1])


def test_a_forger_who_also_renews_the_hash_is_found_at_the_next_entry(db: Session) -> None:
    pilot_id = a_ledger(db)
    second = ledger.of_pilot(db, pilot_id)[1]
    forged = replace(second, content={"decision": "stop"})
    values = {"content": forged.content, "hash": ledger._hash(forged)}
    db.execute(update(models.LedgerEntry).where(models.LedgerEntry.number == 2).values(values))
    assert ledger.verify(db, pilot_id) == [2, 3]


def test_entries_cut_off_at_the_end_show_by_the_last_hash_alone(db: Session) -> None:
    pilot_id = a_ledger(db)
    noted = ledger.of_pilot(db, pilot_id)[-1].hash
    by_hand(db, "DELETE FROM ledger WHERE number = 4")
    assert ledger.verify(db, pilot_id) == []
    assert ledger.of_pilot(db, pilot_id)[-1].hash != noted


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger SET content = 'rubbish' WHERE number = 3",
        "UPDATE ledger SET at = 'rubbish' WHERE number = 3",
    ],
)
def test_a_row_made_unreadable_is_told_and_stops_nothing(db: Session, statement: str) -> None:
    """SQLite takes any text for JSON or a time; PostgreSQL does not."""
    pilot_id = a_ledger(db, 3)
    by_hand(db, statement)
    assert [one.number for one in ledger.of_pilot(db, pilot_id)] == [1, 2]
    assert ledger.verify(db, pilot_id) == [3]
    assert ledger.append(db, pilot_id, "decision", {"decision": "stop"}).number == 4
    assert ledger.verify(db, pilot_id) == [3]


def test_what_many_settle_at_once_is_one_chain(database: Database) -> None:
    with database.session(LOCAL) as db:
        pilot_id = a_pilot(db)

    def settle(person: int) -> None:
        for i in range(5):
            with database.session(LOCAL) as db:
                ledger.append(db, pilot_id, "decision", {"person": person, "i": i})

    with ThreadPoolExecutor(8) as everybody:
        list(everybody.map(settle, range(8)))
    with database.session(LOCAL) as db:
        entries = ledger.of_pilot(db, pilot_id)
        assert [one.number for one in entries] == list(range(1, 41))
        assert {(one.content["person"], one.content["i"]) for one in entries} == {
            (a, b) for a in range(8) for b in range(5)
        }
        assert ledger.verify(db, pilot_id) == []


def test_the_command_says_of_each_pilot_whether_its_ledger_fits(database: Database, url: str, capsys: Any) -> None:
    with database.session(LOCAL) as db:
        good, bad, empty = a_ledger(db, 2), a_ledger(db, 3), a_pilot(db)
        last = ledger.of_pilot(db, good)[-1].hash
    assert ledger.main([url]) == 0
    assert DO_NOT_FIT not in capsys.readouterr().out
    with database.session(LOCAL) as db:
        by_hand(db, "UPDATE ledger SET kind = 'rules' WHERE number = 2 AND pilot_id = :bad", bad=bad)
    assert ledger.main([url]) == 1
    lines = {line.split()[1].strip(":"): line for line in capsys.readouterr().out.splitlines()}
    assert set(lines) == {good, bad, empty}
    assert last in lines[good]
    assert f"{DO_NOT_FIT}: 2" in lines[bad]
    assert [DO_NOT_FIT in lines[one] for one in (good, empty)] == [False, False]
    assert ledger.main([]) == 2


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_it_is_run_by_its_name(database: Database, url: str) -> None:
    with database.session(LOCAL) as db:
        a_ledger(db, 1)
        by_hand(db, "UPDATE ledger SET kind = 'rules'")
    done = subprocess.run([sys.executable, "-m", "feedback_db.ledger", url], cwd=REPO, capture_output=True, text=True)
    assert (done.returncode, DO_NOT_FIT in done.stdout, done.stderr) == (1, True, "")
