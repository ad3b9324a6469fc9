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
from feedback_db.permits import LOCAL
from feedback_db.ratings import Rating, TaskAnswer
from tests import test_feedback_db as shared
from tests.filled import Contents, contents, fill, signed_out
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
        """Every value, after a start of the app."""
        self.enter()
        database = health.ready(self.url, place.backups())
        found = contents(database)
        database.close()
        return found

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
    assert contents(copies.sealed(folder / "pilot.db")) == signed_out(here.contents())
    told = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert told["database"]["rows"] == dict.fromkeys(models.Base.metadata.tables, 2) | {"link": 0, "login": 0}
    assert told["database"]["newest"] == "2026-11-25T01:02:03.500000+00:00"
    assert Store(folder / "artifacts").original(here.upload) == b"a,b\n1,2\n"
    assert Store(folder / "artifacts").array(RESULT, "vectors").tolist() == [0, 1, 2, 3, 4]
    lying = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert lying == {*told["files"], "manifest.json"}


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_where_a_shared_store_has_the_files_a_backup_holds_none_and_says_so(
    here: Installation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert backup.main([]) == 0
    assert "NOT in it" not in capsys.readouterr().out
    monkeypatch.setenv("PILOT_STORE", "s3://pilot/plant")
    assert backup.main([]) == 0
    said = "Uploads and results are NOT in it: they lie in s3://pilot/plant, and only that store's own versions"
    assert said in capsys.readouterr().out
    whole, alone = here.backups
    assert {file.name for file in alone.iterdir()} == {"pilot.db", "manifest.json"}
    assert restore.main([str(alone)]) == 0
    assert "copy them" not in capsys.readouterr().out
    assert restore.main([str(whole)]) == 0
    assert f"lie in {place.artifacts()} only: copy them into s3://pilot/plant" in capsys.readouterr().out


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
def test_what_a_watched_folder_brought_is_in_a_backup_as_far_as_it_is_whole(here: Installation) -> None:
    here.store.append_line(RESULT, "ä")
    with next(here.store.root.glob("*.watched.jsonl")).open("a") as journal:
        journal.write("cut o")
    assert backup.main([]) == 0
    here.store.append_line(RESULT, "b")  # the backup's is a copy
    assert Store(here.backups[0] / "artifacts").lines(RESULT) == ("ä",)
    backup.opened(here.backups[0])


def test_who_is_signed_in_and_links_that_let_somebody_in_leave_no_trace_in_a_copy(here: Installation) -> None:
    database, copy = connect(here.url), here.folder / "copy.db"
    with database.engine.begin() as connection:
        union = text("SELECT token_hash FROM link UNION SELECT token_hash FROM login")
        secrets = connection.execute(union).scalars().all()
    copies.copy(database, copy)
    database.close()
    assert len(secrets) == 4
    assert [secret for secret in secrets if secret.encode() in copy.read_bytes()] == []


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
    with database.session(LOCAL) as db:
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
    from feedback_db import database, permits, ratings
    from feedback_db.ratings import Rating, TaskAnswer
    base, rating, answer = database.connect({url!r}), {rating!r}, {answer!r}
    while True:
        id_ = str(uuid.uuid4())
        with base.session(permits.LOCAL) as db:  # an answer to a map is two rows
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
    with database.session(LOCAL) as db:
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
