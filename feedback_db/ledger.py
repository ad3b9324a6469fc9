"""The ledger of a pilot: rules and limits that were fixed, decisions that were signed; each has the hash of the last.

Rows are only ever added. Whoever edits, deletes or renumbers one by hand breaks the chain, and `verify` says where. Two
things a chain alone cannot show: that its last entries were cut off, and that all of it was written anew. Against both,
compare the last hash with one that was printed or sent to somebody earlier.

    python -m feedback_db.ledger sqlite:///data/pilot.db
"""

import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Literal

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from feedback_db import models
from feedback_db.database import connect
from feedback_db.models import Json
from feedback_db.permits import LOCAL, may
from feedback_db.rows import lock_pilot, maybe, select_as

Kind = Literal["rules", "decision", "limits"]


@dataclass(frozen=True, slots=True)
class Entry:
    pilot_id: str
    number: int  # 1, 2, 3 … within the pilot
    kind: Kind
    content: Json
    at: datetime
    before: str  # hash of the entry before; "" of the first
    hash: str


@may("lead", "manager")
def append(db: Session, pilot_id: str, kind: Kind, content: Json) -> Entry:
    """Write the next entry. The same thing again, right after, is that entry: buttons get pressed twice."""
    lock_pilot(db, pilot_id)
    stored: Json = json.loads(_canonical(content))  # what will be read back: keys are texts, and tuples lists
    m = models.LedgerEntry
    newest_first = select(m.number, m.hash).where(m.pilot_id == pilot_id).order_by(m.number.desc())
    number, before = db.execute(newest_first.limit(1)).one_or_none() or (0, "")
    last = _read(db, pilot_id, number)
    if last is not None and (last.kind, last.content) == (kind, stored):
        return last
    entry = Entry(pilot_id, number + 1, kind, stored, models.now(), before, "")
    entry = replace(entry, hash=_hash(entry))
    db.execute(insert(m).values(asdict(entry)))
    return entry


@may("lead", "manager")
def of_pilot(db: Session, pilot_id: str) -> list[Entry]:
    """Oldest first. An entry that somebody made unreadable is left out; `verify` has its number."""
    m = models.LedgerEntry
    numbers = db.scalars(select(m.number).where(m.pilot_id == pilot_id).order_by(m.number)).all()
    return [entry for number in numbers if (entry := _read(db, pilot_id, number)) is not None]


@may("lead", "manager")
def verify(db: Session, pilot_id: str) -> list[int]:
    """Numbers of the entries that were changed, left out or moved; [] where all is as it was written.

    Where two entries that fit by themselves do not fit together, either may have been rewritten: both are told.
    """
    m = models.LedgerEntry
    numbers = db.scalars(select(m.number).where(m.pilot_id == pilot_id)).all()
    entries = {entry.number: entry for entry in of_pilot(db, pilot_id)}
    wrong = {*range(1, max(numbers, default=0) + 1)} - {*entries}
    wrong |= {number for number, entry in entries.items() if entry.hash != _hash(entry)}
    hashes = {0: ""} | {number: entry.hash for number, entry in entries.items() if number not in wrong}
    for number in hashes.keys() - {0}:
        if entries[number].before != hashes.get(number - 1, entries[number].before):
            wrong |= {max(1, number - 1), number}
    return sorted(wrong)


def main(arguments: Sequence[str]) -> int:
    """Say of each pilot whether its ledger is as it was written. Returns: 1 where one is not."""
    if len(arguments) != 1:
        sys.stderr.write("Usage: python -m feedback_db.ledger <database url>\n")
        return 2
    database = connect(arguments[0])
    with database.session(LOCAL) as db:
        pilots = db.scalars(select(models.Pilot.id).order_by(models.Pilot.created_at, models.Pilot.id)).all()
        found = {pilot_id: (of_pilot(db, pilot_id), verify(db, pilot_id)) for pilot_id in pilots}
    database.close()
    for pilot_id, (entries, wrong) in found.items():
        state = f"changed, left out or moved: {', '.join(map(str, wrong))}" if wrong else "unchanged"
        last = f", last hash {entries[-1].hash}" if entries else ""
        sys.stdout.write(f"pilot {pilot_id}: {len(entries)} entries, {state}{last}\n")
    return int(any(wrong for _entries, wrong in found.values()))


def _read(db: Session, pilot_id: str, number: int) -> Entry | None:
    m = models.LedgerEntry
    try:
        return maybe(db, Entry, select_as(Entry, m).where(m.pilot_id == pilot_id, m.number == number))
    except ValueError:  # SQLite takes any text for JSON or a time
        return None


def _hash(entry: Entry) -> str:
    """SHA-256 of all else in the entry, as JSON."""
    told = asdict(entry) | {"at": entry.at.isoformat()}
    del told["hash"]
    return hashlib.sha256(_canonical(told).encode()).hexdigest()


def _canonical(told: Json) -> str:
    """Equal contents give equal texts."""
    return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
