"""Backups are put back whole or not at all: in place, elsewhere, and from one kind of database to the other."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.artifacts import Store
from feedback_db import backup, copies, place, ratings, restore
from feedback_db.database import connect
from feedback_db.permits import LOCAL
from tests import test_backup as shared
from tests.filled import contents, fill, signed_out
from tests.test_backup import RESULT, Installation
from tests.test_feedback_db import REPO, a_rating

url, filled_file, here, elsewhere = shared.url, shared.filled_file, shared.here, shared.elsewhere  # fixtures


@pytest.fixture
def made(here: Installation) -> Path:
    """A backup of what is here, after which something has happened."""
    assert backup.main([]) == 0
    database = connect(here.url)
    with database.session(LOCAL) as db:
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


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_what_a_watched_folder_brought_comes_back_and_what_came_since_is_put_aside(here: Installation) -> None:
    here.store.append_line(RESULT, "a")
    assert backup.main([]) == 0
    here.store.append_line(RESULT, "b")
    assert restore.main([str(here.backups[-1])]) == 0
    assert here.store.lines(RESULT) == ("a",)
    assert Store(here.aside[0] / "artifacts").lines(RESULT) == ("a", "b")
    [file] = here.store.root.glob("*.watched.jsonl")
    file.unlink()
    assert restore.main([str(here.backups[-1])]) == 0
    assert here.store.lines(RESULT) == ("a",)


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
STEPS = [("_prepare", 1), ("_fetch_artifacts", 1), ("sync", 2), ("_rest", 1)]


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
    was = signed_out(elsewhere.contents())
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
    was = signed_out(elsewhere.contents())
    assert backup.main([]) == 0
    server = Installation(tmp_path / "server", url, monkeypatch)
    killed(elsewhere.backups[0], "copied", 1)
    server.enter()
    killed(elsewhere.backups[0], "_prepare", 1)
    assert not any(server.contents().values())
    assert restore.main([str(elsewhere.backups[0])]) == 0
    assert server.contents() == was
