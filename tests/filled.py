"""A database with something in every table, whatever its version: found by reflection, so that none is forgotten."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Connection, Date, Float, Integer, MetaData, String, Table, Text, select

from feedback_db import ledger
from feedback_db.copies import LEFT_OUT, tables_of
from feedback_db.database import Database
from feedback_db.models import Moment, Pilot
from feedback_db.permits import LOCAL

WORDS = "圧力 🏭 'DROP TABLE' \"%s\" :x \\ \n"
AT = datetime(2026, 11, 24, 1, 2, 3, 500000, tzinfo=UTC)
# What the tables' own checks ask for.
ONLY: dict[str, Any] = {"currency": "JPY", "state": "done", "kind": "view", "language": "ja", "cost": "small"}
ONLY |= {"role": "lead", "low": 1.5, "likely": 2.5, "high": 3.5, "confidence": 2, "score": 4}
NOT_BOTH = {("login", "person_id"): 0, ("login", "invitation_id"): 1}  # the only row that has it
Contents = dict[str, list[dict[str, Any]]]


def fill(database: Database) -> Contents:
    """Two rows a table: one with everything, one with nothing where nothing may be. Returns: what is there now."""
    with database.engine.begin() as connection:
        plain = MetaData()
        plain.reflect(connection)
        for table in tables_of(connection):
            if table.name == "ledger":
                continue  # a chain that its own functions write
            specs = {column.name for column in plain.tables[table.name].c if isinstance(column.type, JSON)}
            for i in range(2):
                connection.execute(table.insert().values(_row(connection, table, specs, i)))
    with database.session(LOCAL) as db:
        if "ledger" in plain.tables:
            pilot_id = db.scalars(select(Pilot.id)).first() or ""
            for i in range(2):
                ledger.append(db, pilot_id, "decision", {"名": WORDS, "step": i})
    return contents(database)


def contents(database: Database) -> Contents:
    """Every value of every row; JSON as it is written."""
    with database.engine.begin() as connection:
        found = {
            table.name: [dict(row) for row in connection.execute(table.select()).mappings()]
            for table in tables_of(connection)
        }
    return {name: sorted(rows, key=repr) for name, rows in found.items()}


def signed_out(found: Contents) -> Contents:
    """As a copy has it: with nobody who is signed in, and no link that would let somebody in."""
    return found | {table: [] for table in LEFT_OUT if table in found}


def _row(connection: Connection, table: Table, specs: set[str], i: int) -> dict[str, Any]:
    row = {column.name: _value(table, column, column.name in specs, i) for column in table.c}
    for key in table.foreign_key_constraints:
        if None in (row[name] for name in key.column_keys):
            continue  # refers to nothing
        parents = connection.execute(key.referred_table.select()).mappings().all()
        parent = sorted(parents, key=repr)[i]
        row |= {element.parent.name: parent[element.column.name] for element in key.elements}
    return row


def _value(table: Table, column: Column[Any], is_spec: bool, i: int) -> Any:
    if column.nullable and i != NOT_BOTH.get((table.name, column.name), 0):
        return None
    if column.name in ONLY:
        return ONLY[column.name]
    if is_spec:
        return f'{{"項目":  [{i}, null, 0.30000000000000004, "é\\n"], "b": {{"a": "{i}"}}}}'  # not as Python writes it
    values = {
        Boolean: bool(i),
        Integer: i + 1,
        Float: 0.1 + 0.2 + i,
        Moment: AT + timedelta(days=i),
        Date: date(2026, 11, 24 + i),
    }
    found = [value for kind, value in values.items() if isinstance(column.type, kind)]
    if found:
        return found[0]
    assert isinstance(column.type, String | Text), f"no example for {table.name}.{column.name}: {column.type}"
    text = f"{i} {table.name} {column.name} {WORDS}"
    return text[: column.type.length or len(text)]
