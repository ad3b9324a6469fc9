"""Backups that are taken while people answer, and put back elsewhere, on SQLite and PostgreSQL."""

import json
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from core.artifacts import Store
from feedback_db import backup, copies, health, models, place, ratings, restore
from feedback_db.database import connect
from feedback_db.ratings import Rating, TaskAnswer
from tests import test_feedback_db as shared
from tests.filled import Contents, contents, fill
from tests.test_feedback_db import REPO, a_rating

url, database, db = shared.url, shared.database, shared.db  # fixtures
RESULT = "b" * 64


class Installation:
    """A data folder and a database of its own, used as the environment's."""

    def __init__(self, folder: Path, url: str, environment: pytest.MonkeyPatch) -> None:
        self.folder, self.url, self._environment = folder, url, environment
        self.store = Store(folder / "artifacts")
        self.enter()

    def enter(self) -> None:
        """Commands are about this one from now on."""
        self._environment.setenv("PILOT_DATA", str(self.folder))
        self._environment.setenv("PILOT_DATABASE_URL", self.url)

    def contents(self) -> Contents:
        """Every value but who is signed in, after a start of the app."""
        self.enter()
        database = health.ready(self.url, place.backups())
        found = contents(database)
        database.close()
        return {name: [] if name == copies.LEFT_OUT else rows for name, rows in found.items()}

    nobody = dict.fromkeys({copies.LEFT_OUT} & models.Base.metadata.tables.keys(), 0)

    @property
    def backups(self) -> list[Path]:
        return [one.folder for one in backup.all_in(self.folder / "backups")]

    @property
    def aside(self) -> list[Path]:
        return sorted(self.folder.glob("before-restore-*"))


@pytest.fixture(scope="module")
def filled_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Filled once; each place starts from a copy."""
    file = tmp_path_factory.mktemp("filled") / "pilot.db"
    new(f"sqlite:///{file.as_posix()}")
    return file


def new(url: str) -> None:
    database = connect(url)
    database.upgrade()
    fill(database)
    database.close()


@pytest.fixture
def here(url: str, tmp_path: Path, filled_file: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """With a database that has something in every table, an upload and a result."""
    made = Installation(tmp_path, url, monkeypatch)
    if url.startswith("sqlite"):
        shutil.copy(filled_file, tmp_path)
    else:
        new(url)
    made.upload = made.store.keep(b"a,b\n1,2\n", {"name": "0.csv"})
    made.store.save(RESULT, {"spec": 1}, {"vectors": np.arange(5.0)})
    return made


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """A new computer."""
    folder = tmp_path / "elsewhere"
    return Installation(folder, f"sqlite:///{(folder / 'pilot.db').as_posix()}", monkeypatch)


# A backup


def test_a_backup_holds_everything_and_says_what_it_is(here: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    assert backup.main([]) == 0
    [folder] = here.backups
    assert f"Backup made and checked: {folder}" in capsys.readouterr().out
    assert contents(copies.sealed(folder / "pilot.db")) == here.contents()
    told = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert told["database"]["rows"] == dict.fromkeys(models.Base.metadata.tables, 2) | here.nobody
    assert told["database"]["newest"] == "2026-11-25T01:02:03.500000+00:00"
    assert Store(folder / "artifacts").original(here.upload) == b"a,b\n1,2\n"
    assert Store(folder / "artifacts").array(RESULT, "vectors").tolist() == [0, 1, 2, 3, 4]
    lying = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert lying == {*told["files"], "manifest.json"}


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_secrets_drafts_and_what_is_being_written_stay_out(here: Installation, tmp_path: Path) -> None:
    (here.folder / "team.secret").write_text("s3cret")
    here.store.sketch(RESULT, 1, np.zeros(3))
    here.store.note("speed", 1.5)
    here.store.desk(RESULT).mkdir()
    (here.store.root / ".writing-x").mkdir()
    assert backup.main([str(tmp_path / "usb")]) == 0
    [folder] = (tmp_path / "usb").iterdir()
    assert {file.name for file in folder.iterdir()} == {"pilot.db", "manifest.json", "artifacts"}
    assert {file.name for file in (folder / "artifacts").iterdir()} == {RESULT, here.upload}


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_who_is_signed_in_leaves_no_trace_in_a_copy(here: Installation) -> None:
    database = connect(here.url)
    with database.engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS login"))
        connection.execute(text("CREATE TABLE login (token VARCHAR)"))
        connection.execute(text("INSERT INTO login VALUES ('c0ffee-c0ffee')"))
    copy = here.folder / "copy.db"
    assert copies.copy(database, copy).rows["login"] == 0
    assert b"c0ffee-c0ffee" in (here.folder / "pilot.db").read_bytes()
    assert b"c0ffee-c0ffee" not in copy.read_bytes()
    database.close()


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_second_backup_shares_what_has_not_changed_and_outlives_the_first(here: Installation) -> None:
    assert backup.main([]) == 0
    here.store.save("c" * 64, {}, {"new": np.zeros(2)})
    assert backup.main([]) == 0
    first, second = here.backups
    same = f"artifacts/{here.upload}/original"
    assert (first / same).samefile(second / same)
    assert not (here.store.folder(here.upload) / "original").samefile(first / same)  # a copy, and not the same bytes
    shutil.rmtree(first)
    assert "artifacts/" + "c" * 64 + "/new.npy" in backup.opened(second).files


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_what_has_rotted_in_an_old_backup_is_copied_anew(here: Installation) -> None:
    assert backup.main([]) == 0
    (here.backups[0] / f"artifacts/{here.upload}/original").write_bytes(b"rotten")
    assert backup.main([]) == 0
    assert Store(here.backups[1] / "artifacts").original(here.upload) == b"a,b\n1,2\n"
    backup.opened(here.backups[1])


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_where_the_check_fails_there_is_no_backup_and_the_command_fails(
    here: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    """A row that refers to a pilot who is not there: SQLite's integrity check alone calls that "ok"."""
    database = connect(here.url)
    with database.engine.connect() as connection:
        raw = connection.connection.cursor()
        raw.execute("PRAGMA foreign_keys=OFF")
        raw.execute("DELETE FROM pilot")
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
    assert backup.main([]) == 1
    assert "There is no backup." in capsys.readouterr().err
    assert list((here.folder / "backups").iterdir()) == []


def test_a_copy_that_lacks_a_row_or_the_newest_answer_is_none(db: Session) -> None:
    ratings.save(db, a_rating(db))
    before = copies.facts(db)
    db.execute(delete(models.Rating))
    lacking = copies.facts(db)
    assert copies._differs(before, before, before) is None
    assert "rating" in (copies._differs(before, lacking, before) or "")
    assert "newest" in (copies._differs(before, replace(before, newest=""), before) or "")


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_ledger_that_somebody_changed_is_told_and_backed_up_all_the_same(
    here: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    database = connect(here.url)
    with database.session() as db:
        db.execute(text("UPDATE ledger SET kind = 'rules' WHERE number = 2"))
    database.close()
    assert backup.main([]) == 0
    assert "by hand: entries [2]" in capsys.readouterr().out


def test_a_folder_without_a_database_is_not_backed_up(elsewhere: Installation) -> None:
    assert backup.main([]) == 1
    assert not elsewhere.folder.exists()


# Under load


WRITER = """if True:
    import dataclasses, datetime, uuid
    from feedback_db import database, ratings
    from feedback_db.ratings import Rating, TaskAnswer
    base, rating, answer = database.connect({url!r}), {rating!r}, {answer!r}
    while True:
        id_ = str(uuid.uuid4())
        with base.session() as db:  # an answer to a map is two rows
            ratings.save(db, dataclasses.replace(rating, id=id_))
            ratings.save(db, dataclasses.replace(answer, id=id_))
        print(id_, flush=True)
"""


class Writer:
    """Somebody who answers without end in a process of their own; whose receipts are kept."""

    def __init__(self, url: str, rating: Rating) -> None:
        common = {name: getattr(rating, name) for name in ("id", "study_id", "item_id", "rater_id")}
        answer = TaskAnswer(**common, seconds=1.0, language="ja", choice={"choice": 1}, right=True, chance=0.5)
        script = WRITER.format(url=url, rating=rating, answer=answer)
        self.receipts: list[str] = []
        self._process = subprocess.Popen([sys.executable, "-c", script], cwd=REPO, stdout=subprocess.PIPE, text=True)
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.receipts.append(line.strip())  # as they come

    def wait_for(self, n: int) -> None:
        deadline = time.monotonic() + 60
        while len(self.receipts) < n and self._process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(self.receipts) >= n

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._listener.join()


def test_every_answer_that_was_acknowledged_before_a_backup_comes_back_elsewhere_and_none_is_half(
    here: Installation, elsewhere: Installation
) -> None:
    database = connect(here.url)
    with database.session() as db:
        forms = [a_rating(db, name=name) for name in ("田中", "佐藤")]
    writers = [Writer(here.url, form) for form in forms]
    try:
        for writer in writers:
            writer.wait_for(10)
        here.enter()
        before = {id_ for writer in writers for id_ in writer.receipts}
        assert backup.main([]) == 0
        for writer in writers:
            writer.wait_for(len(writer.receipts) + 3)  # nobody was stopped by it
    finally:
        for writer in writers:
            writer.kill()
    [made] = here.backups
    elsewhere.enter()
    assert restore.main([str(made)]) == 0
    after = elsewhere.contents()
    studies = {form.study_id for form in forms}
    rated, answered = (
        {row["id"] for row in after[table] if row["study_id"] in studies} for table in ("rating", "task_answer")
    )
    assert len(before) >= 20
    assert before <= rated
    assert rated == answered
    database.close()


# Putting one back


@pytest.fixture
def made(here: Installation) -> Path:
    """A backup of what is here, after which something has happened."""
    assert backup.main([]) == 0
    database = connect(here.url)
    with database.session() as db:
        ratings.save(db, a_rating(db, name="After the backup"))
    database.close()
    return here.backups[0]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_what_was_there_is_put_aside_and_the_backup_stays_as_it_is(
    here: Installation, made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = here.contents()
    was = contents(copies.sealed(made / "pilot.db"))
    assert before != was
    assert restore.main([str(made)]) == 0
    assert here.contents() == was
    [aside] = here.aside
    assert contents(copies.sealed(aside / "pilot.db")) == before
    assert f"What was there before lies in {aside}" in capsys.readouterr().out
    backup.opened(made)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_uploads_and_results_come_back_and_what_differs_is_put_aside(here: Installation, made: Path) -> None:
    shutil.rmtree(here.store.folder(here.upload))
    here.store.save("c" * 64, {"newer": 1}, {})
    (here.store.folder(RESULT) / "vectors.npy").write_bytes(b"rotten")
    assert restore.main([str(made)]) == 0
    assert here.store.original(here.upload) == b"a,b\n1,2\n"
    assert here.store.array(RESULT, "vectors").tolist() == [0, 1, 2, 3, 4]
    assert (here.aside[0] / "artifacts" / RESULT / "vectors.npy").read_bytes() == b"rotten"
    assert here.store.meta("c" * 64) == {"newer": 1}


def test_it_is_refused_while_an_app_runs_on_the_data(
    here: Installation, made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = here.contents()
    with place.taken():
        assert restore.main([str(made)]) == 1
        assert "The old data is still in place. An app is already running" in capsys.readouterr().err
        assert backup.main([]) == 0  # which is for a running app
    assert here.contents() == before


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("harm", ["database", "artifact", "missing", "manifest", "outside", "none", "newer"])
def test_a_backup_that_is_not_as_it_was_written_changes_nothing(
    here: Installation, made: Path, harm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = here.contents()
    manifest, told = made / "manifest.json", (made / "manifest.json").read_text(encoding="utf-8")
    artifact = f"artifacts/{here.upload}/original"
    if harm == "database":
        bent = bytearray((made / "pilot.db").read_bytes())
        bent[-1] ^= 1
        (made / "pilot.db").write_bytes(bent)
    elif harm == "artifact":
        (made / artifact).write_bytes(b"a,b\n1,3\n")
    elif harm == "missing":
        (made / artifact).unlink()
    elif harm == "manifest":
        manifest.write_text(told[:100], encoding="utf-8")
    elif harm == "outside":
        manifest.write_text(told.replace(artifact, f"artifacts/{here.upload}/../../../x"), encoding="utf-8")
    elif harm == "newer":
        manifest.write_text(told.replace('"revision": "0', '"revision": "9'), encoding="utf-8")
    else:
        made = here.folder
    assert restore.main([str(made)]) == 1
    assert "The old data is still in place." in capsys.readouterr().err
    assert here.contents() == before
    assert here.aside == []


KILLED = """if True:
    import os, sys
    from feedback_db import restore
    name, left = sys.argv[2], int(sys.argv[3])
    right = getattr(restore, name)

    def wrong(*words):
        global left
        left -= 1
        done = right(*words)
        if not left:
            os.kill(os.getpid(), 9)
        return done

    setattr(restore, name, wrong)
    restore.main([sys.argv[1]])
"""
STOPPED = "A restore was stopped before it changed the data:"
STEPS = [("_prepared", 1), ("_fetch_artifacts", 1), ("sync", 2), ("_rest", 1)]


def killed(made: Path, name: str, n: int) -> str:
    """What a restore says before it is killed, after the n-th time that it has done this."""
    words = [sys.executable, "-c", KILLED, str(made), name, str(n)]
    done = subprocess.run(words, cwd=REPO, capture_output=True, text=True, timeout=120)
    assert done.returncode not in (0, 1), done.stdout + done.stderr
    assert "Restored" not in done.stdout
    return done.stdout


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_killed_half_way_it_leaves_the_old_data_or_the_new_and_the_next_says_which(
    here: Installation, made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, was = here.contents(), contents(copies.sealed(made / "pilot.db"))
    for i, (name, n) in enumerate(STEPS):
        assert (STOPPED in killed(made, name, n)) == (i > 0)
        assert here.contents() == before
        assert restore.interrupted() == here.aside[-1:]
    assert STOPPED in killed(made, "sync", 4)  # right after the step that counts
    assert here.contents() == was
    assert restore.interrupted() == []
    assert restore.main([str(made)]) == 0
    assert STOPPED not in capsys.readouterr().out


HALF = """if True:
    import os, sqlite3, sys
    db = sqlite3.connect(sys.argv[1], isolation_level=None)
    db.execute("PRAGMA journal_mode=DELETE")
    db.execute("PRAGMA cache_size=1")  # so that changes are in the file before they are to last
    db.execute("BEGIN IMMEDIATE")
    db.execute("DELETE FROM ledger")
    db.execute("CREATE TABLE big AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
               "SELECT i, hex(randomblob(50)) AS x FROM n")
    os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_what_a_killed_app_left_half_done_is_undone_in_the_old_data_and_does_not_get_into_the_new(
    here: Installation, made: Path
) -> None:
    before, was = here.contents(), contents(copies.sealed(made / "pilot.db"))
    subprocess.run([sys.executable, "-c", HALF, str(here.folder / "pilot.db")], timeout=60)
    assert (here.folder / "pilot.db-journal").stat().st_size > 0
    assert restore.main([str(made)]) == 0
    assert here.contents() == was
    assert contents(copies.of_file(here.aside[0] / "pilot.db")) == before  # its journal lies beside it


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_an_ill_database_gives_way_to_the_backup_and_is_kept(here: Installation, made: Path) -> None:
    was = contents(copies.sealed(made / "pilot.db"))
    (here.folder / "pilot.db").write_bytes(b"rubbish" * 1000)
    (here.folder / "pilot.db-wal").write_bytes(b"left over")
    assert restore.main([str(made)]) == 0
    assert here.contents() == was
    [aside] = here.aside
    assert (aside / "pilot.db").read_bytes() == b"rubbish" * 1000
    assert (aside / "pilot.db-wal").read_bytes() == b"left over"
    assert not (here.folder / "pilot.db-wal").exists()


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_copy_from_before_a_migration_is_restored_and_brought_up(here: Installation, elsewhere: Installation) -> None:
    elsewhere.folder.mkdir()
    database = connect(elsewhere.url)
    database.upgrade("0003")
    fill(database)
    database.close()
    upgraded = elsewhere.contents()
    [copy] = elsewhere.backups
    here.enter()
    assert restore.main([str(copy)]) == 0
    assert here.contents()["view"] == upgraded["view"]


# From one kind of database to the other


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_pilot_moves_from_sqlite_to_postgresql_and_back_with_every_value(
    url: str, tmp_path: Path, elsewhere: Installation, filled_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere.folder.mkdir()
    shutil.copy(filled_file, elsewhere.folder)
    was = elsewhere.contents()
    assert backup.main([]) == 0
    server = Installation(tmp_path / "server", url, monkeypatch)
    assert restore.main([str(elsewhere.backups[0])]) == 0
    assert server.contents() == was
    assert backup.main([]) == 0
    elsewhere.enter()
    (elsewhere.folder / "pilot.db").unlink()
    assert restore.main([str(server.backups[0])]) == 0
    assert elsewhere.contents() == was


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_postgresql_takes_a_backup_into_empty_tables_only(
    here: Installation, made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = here.contents()
    assert restore.main([str(made)]) == 1
    assert "The PostgreSQL database already holds data." in capsys.readouterr().err
    assert here.contents() == before


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_killed_on_the_way_into_postgresql_it_leaves_the_tables_empty_and_can_be_done_again(
    url: str, tmp_path: Path, elsewhere: Installation, filled_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere.folder.mkdir()
    shutil.copy(filled_file, elsewhere.folder)
    was = elsewhere.contents()
    assert backup.main([]) == 0
    server = Installation(tmp_path / "server", url, monkeypatch)
    killed(elsewhere.backups[0], "copied", 1)
    server.enter()
    killed(elsewhere.backups[0], "_prepared", 1)
    assert not any(server.contents().values())
    assert restore.main([str(elsewhere.backups[0])]) == 0
    assert server.contents() == was
