"""An app refuses to start on a database that is ill or taken, in a sentence with what to do, and changes nothing."""

import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO

import pytest

from core.words import catalogue
from feedback_db import backup, database, health, place
from feedback_db.database import connect
from feedback_db.errors import Trouble
from pages.parts import work
from tests.filled import fill
from tests.test_feedback_db import REPO


@pytest.fixture
def file(tmp_path: Path, fresh_database: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database that is well, in the data folder of this environment."""
    monkeypatch.setenv("PILOT_DATA", str(tmp_path))
    monkeypatch.delenv("PILOT_DATABASE_URL", raising=False)
    shutil.copy(fresh_database, tmp_path)
    opened = connect(place.address())
    fill(opened)
    opened.close()
    return tmp_path / "pilot.db"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True)
    except OSError:
        pytest.skip("this computer cannot mount a small disk: a full and a read-only disk were not tested")
    if mounted.returncode:
        pytest.skip("only root may mount a small disk: a full and a read-only disk were not tested")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill_up(films: IO[bytes]) -> None:
    while True:
        films.write(bytes(4096))


def refusal() -> str:
    with pytest.raises(Trouble) as trouble:
        health.ready(place.address(), place.backups())
    return str(trouble.value)


def by_hand(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(statement)


def bend_a_page(file: Path) -> None:
    """Not the first: that one would be noticed by opening the file."""
    content = bytearray(file.read_bytes())
    [size] = sqlite3.connect(file).execute("PRAGMA page_size").fetchone()
    for page in range(4, len(content) // size, 3):
        content[page * size : page * size + 200] = b"\x77" * 200
    file.write_bytes(content)


def ill(file: Path, how: str) -> None:
    if how == "a page":
        bend_a_page(file)
    elif how == "all of it":
        file.write_bytes(b"rubbish" * 1000)
    else:
        by_hand(file, "DELETE FROM pilot")


@pytest.mark.parametrize("how", ["a page", "all of it", "rows that belong to nobody"])
def test_a_damaged_database_is_refused_with_the_backup_to_restore(file: Path, how: str) -> None:
    assert backup.main([]) == 0
    [made] = backup.all_in(place.backups())
    ill(file, how)
    was = file.read_bytes()
    told = refusal()
    assert told.startswith(f"The database in {file.parent} is damaged.")
    assert f"manage.py restore {made.folder} " in told
    assert file.read_bytes() == was


def test_without_a_backup_it_says_so(file: Path) -> None:
    bend_a_page(file)
    assert "holds no backup" in refusal()


def test_a_full_disk_is_refused_and_taken_again_once_there_is_room(
    file: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(file, small_disk)
    monkeypatch.setenv("PILOT_DATA", str(small_disk))
    with (small_disk / "films").open("wb", buffering=0) as films, pytest.raises(OSError, match="No space"):
        fill_up(films)
    told = refusal()
    assert told.startswith(f"The disk that holds {small_disk} is full.")
    assert "Make room" in told
    (small_disk / "films").unlink()
    health.ready(place.address(), place.backups()).close()


def test_a_disk_or_folder_that_cannot_be_written_is_refused(
    file: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(file, small_disk)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    monkeypatch.setenv("PILOT_DATA", str(small_disk))
    assert "cannot be opened for writing" in refusal()
    with pytest.raises(Trouble, match="cannot be opened for writing"), place.taken():
        pass
    monkeypatch.setenv("PILOT_DATA", str(small_disk / "new"))
    assert "cannot be opened for writing" in refusal()
    with pytest.raises(Trouble, match="cannot be opened for writing"), place.taken():
        pass


def test_a_database_that_stays_locked_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for patience in ("BUSY_SECONDS", "START_SECONDS"):
        monkeypatch.setattr(database, patience, 0.2)
    with closing(sqlite3.connect(file)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert "locked for too long" in refusal()
    health.ready(place.address(), place.backups()).close()


def test_a_server_that_does_not_answer_is_refused_and_its_password_stays_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PILOT_DATABASE_URL", "postgresql://pilot:s3cret@127.0.0.1:1/pilot")
    monkeypatch.setenv("PILOT_DATA", str(tmp_path))
    told = refusal()
    assert "does not answer" in told
    assert "s3cret" not in told


def test_the_app_ends_with_the_sentence_in_both_languages_and_nothing_else(file: Path) -> None:
    bend_a_page(file)
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", "0"]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    japanese, english = done.stderr.strip().splitlines()
    problem = "The database in {folder} is damaged, and {backups} holds no backup."
    facts = {"folder": file.parent, "backups": place.backups()}
    assert english.startswith(problem.format(**facts))
    assert japanese.startswith(catalogue("ja").gettext(problem).format(**facts))


# Who is using it


def test_a_second_app_on_the_same_data_is_refused_and_nothing_is_begun(file: Path) -> None:
    was = file.read_bytes()
    with place.taken(), pytest.raises(Trouble, match=re.escape(f"already running on the data in {file.parent}")):
        work.start()
    assert file.read_bytes() == was


def test_data_is_free_again_once_the_app_has_ended_also_by_kill_9(file: Path) -> None:
    assert not (file.parent / place.LOCK).exists()
    script = "import sys, time; from feedback_db import place\nwith place.taken(): print(1, flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", script], cwd=REPO, stdout=subprocess.PIPE) as app:
        assert app.stdout is not None
        app.stdout.readline()
        with pytest.raises(Trouble), place.taken():
            pass
        app.kill()
        app.wait()
    with place.taken():
        pass
