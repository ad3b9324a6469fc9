"""From every version that people have used to this one, with data, on both databases; also when it is killed."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from feedback_db import backup, copies, health
from feedback_db.database import MIGRATIONS, connect, version, versions
from feedback_db.errors import Trouble
from feedback_db.models import Base
from tests import test_feedback_db as shared
from tests.filled import Contents, contents, fill, signed_out
from tests.test_feedback_db import REPO

url = shared.url  # a fixture
RELEASED = versions()[::-1]
# What a migration moved elsewhere on purpose: rating's columns became items and raters (0004, tests/test_feedback_db.py
# follows them), the runs before 0003 were never written by a program, and a study of old ends.
MOVED = {("rating", "view_id"), ("rating", "rater"), ("study", "closed_at")}


def filled(url: str, at: str) -> Contents:
    database = connect(url)
    database.upgrade(at)
    found = fill(database)
    database.close()
    return found


def kept(before: Contents, after: Contents, at: str) -> tuple[Contents, Contents]:
    """Of both, the rows and columns that must be the same."""
    tables = before.keys() - ({"run"} if at < "0003" else set())
    moved = MOVED if at < "0004" else set()
    columns = {table: [column for column in before[table][0] if (table, column) not in moved] for table in tables}

    def of(rows: Contents) -> Contents:
        return {t: [{column: row[column] for column in columns[t]} for row in rows[t]] for t in columns}

    return of(before), of(after)


@pytest.mark.parametrize("at", RELEASED)
def test_every_old_value_is_there_after_the_upgrade_and_in_the_backup_before_it(
    url: str, tmp_path: Path, at: str
) -> None:
    before = filled(url, at)
    assert {len(rows) for rows in before.values()} == {2}
    database = health.ready(url, tmp_path / "backups")
    old, new = kept(before, contents(database), at)
    assert new == old
    database.close()
    made = backup.all_in(tmp_path / "backups")
    if at == RELEASED[-1]:
        assert made == []  # nothing was changed, so nothing needed a copy
        return
    [copy] = made
    assert copy.folder.name.startswith(f"before-{RELEASED[-1]}-")
    assert copy.facts.revision == at
    assert contents(copies.sealed(backup.opened(copy.folder).folder / backup.DATABASE)) == signed_out(before)


def test_a_new_installation_needs_no_backup(url: str, tmp_path: Path) -> None:
    for _ in range(2):
        health.ready(url, tmp_path / "backups").close()
    assert not (tmp_path / "backups").exists()


def test_there_is_no_way_down_which_would_delete_what_people_said() -> None:
    files = list((MIGRATIONS / "versions").glob("*.py"))
    assert len(files) == len(RELEASED)
    assert [file.name for file in files if "def downgrade" in file.read_text(encoding="utf-8")] == []


def test_a_database_of_a_newer_program_is_left_alone_with_what_to_do(url: str, tmp_path: Path) -> None:
    before = filled(url, "head")
    database = connect(url)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Trouble, match=r"newer version.*9999.*Install that version"):
        health.ready(url, tmp_path / "backups")
    assert contents(database) == before
    database.close()


KILLED = """if True:
    import os, sys
    from pathlib import Path
    from sqlalchemy import event
    from feedback_db import database, health

    def count(_connection, _cursor, statement, *_):
        if after in statement:
            print("killed", flush=True)
            os.kill(os.getpid(), 9)

    def connect(url):
        made = opened(url)
        event.listen(made.engine, "after_cursor_execute", count)  # not of the copy that is made before
        return made

    url, backups, after = sys.argv[1:]
    opened, health.connect = health.connect, connect
    health.ready(url, Path(backups))
"""


def test_killed_half_way_and_started_again_it_is_complete(url: str, tmp_path: Path) -> None:
    """Killed after the first change, after people's answers were moved, and just before all of it is made to last."""
    at, backups = "0003", tmp_path / "backups"
    before = filled(url, at)
    for after in ("DROP TABLE rating", "INSERT INTO rater", f"version_num='{RELEASED[-1]}'"):
        words = [sys.executable, "-c", KILLED, url, str(backups), after]
        done = subprocess.run(words, cwd=REPO, capture_output=True, text=True, timeout=120)
        assert (done.stdout, done.returncode != 0) == ("killed\n", True), done.stderr
        database = connect(url)
        assert contents(database) == before  # nothing of it, and no half
        database.close()
    database = health.ready(url, backups)
    old, new = kept(before, contents(database), at)
    assert new == old
    with database.engine.begin() as connection:
        assert version(connection) == RELEASED[-1]
        assert {*inspect(connection).get_table_names()} == {*Base.metadata.tables, "alembic_version"}
    database.close()
    assert len(backup.all_in(backups)) == 4  # each start made one before it changed anything
