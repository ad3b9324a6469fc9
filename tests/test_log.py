"""The log says what went wrong and where, and nothing of what people wrote; people get a number."""

import json
import logging
import sqlite3
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from core.errors import N_, UserError
from pages.parts import log, post
from tests.browser import ROOT, App, Visitor
from tests.hostile import EVERYTHING

pytestmark = pytest.mark.usefixtures("leave")

WHO = "Hanako Yamada <hanako@factory.example>"


@pytest.fixture
def lines(tmp_path):
    """What the log's file holds by now."""

    def read() -> list[dict]:
        return [json.loads(line) for line in (tmp_path / log.FILE).read_text(encoding="utf-8").splitlines()]

    with log.kept(tmp_path):
        yield read


def raised(error: Exception) -> Exception:
    try:
        raise error
    except type(error) as caught:
        return caught


def test_an_error_is_one_line_with_its_number_and_where_it_happened(lines):
    number = log.failed(raised(ValueError("x")))
    [line] = lines()
    assert len(number) == 6
    assert line["number"] == number
    assert number in line["message"]
    assert line["level"] == "error"
    assert line["time"].endswith("+00:00")
    first, frame, kind = line["traceback"].splitlines()
    assert first == "Traceback (most recent call last):"
    assert frame.strip().startswith("tests/test_log.py:")
    assert kind == "ValueError"


@pytest.mark.parametrize("text", EVERYTHING)
def test_what_somebody_wrote_is_not_in_the_log_whichever_exception_quotes_it(lines, capsys, text):
    marked = f"<<{text}>> {WHO}"
    for error in (
        ValueError(marked),
        KeyError(marked),
        OSError(28, "No space left", marked),
        UnicodeDecodeError("utf-8", marked.encode(errors="replace"), 0, 1, marked),
        ExceptionGroup(marked, [ValueError(marked)]),
        UserError(N_("The file has no column “{column}”."), N_("Choose another."), column=marked),
    ):
        try:
            try:
                raise error
            except type(error) as inner:
                raise RuntimeError(marked) from inner
        except RuntimeError as outer:
            log.failed(outer)
            logging.getLogger("pages.x").warning("not noted: %s", outer)
    kept = json.dumps(lines(), ensure_ascii=False) + capsys.readouterr().err
    assert [piece for piece in ("<<", ">>", "Hanako", "hanako") if piece in kept] == []
    assert "OSError [ENOSPC]" in kept
    assert "core.errors.UserError: The file has no column “{column}”." in kept


def test_the_code_that_a_database_gives_its_error_is_kept(lines, tmp_path):
    with sqlite3.connect(tmp_path / "x.db") as db, pytest.raises(sqlite3.OperationalError) as caught:
        db.execute("SELECT * FROM nothing")
    log.failed(caught.value)
    assert lines()[0]["traceback"].endswith("sqlite3.OperationalError [SQLITE_ERROR]")


def test_no_folder_of_this_computer_is_named(lines):
    try:
        json.loads("{")
    except ValueError as error:
        log.failed(error)
    [line] = lines()
    assert "json/decoder.py:" in line["traceback"]
    assert str(ROOT) not in line["traceback"]
    assert str(Path.home()) not in line["traceback"]


@pytest.mark.parametrize(
    "address",
    [
        "/rate?invite=hQ3xW0uJ1rY2bN4m&lang=ja",
        "/rate?lang=ja&seat=hQ3xW0uJ1rY2bN4m",
        "/x?key=hQ3xW0uJ1rY2bN4m",
        "Cookie: pilot_login=hQ3xW0uJ1rY2bN4m;",
        "hQ3xW0uJ1rY2bN4mhQ3xW0uJ1rY2bN4mhQ3xW0uJ1rY2bN4m",
    ],
)
@pytest.mark.parametrize("logger", ["pilot", "streamlit.web", "uvicorn.error", "asyncio"])
def test_tokens_and_addresses_are_taken_out_of_whatever_logger_says_them(lines, logger, address):
    one = logging.getLogger(logger)
    passes, one.propagate = one.propagate, True
    one.error("%s asked for %s", "192.168.1.23:53422", address)
    one.error(f"[2001:db8::1]:80 {address}")
    one.propagate = passes
    kept = json.dumps(lines())
    assert "hQ3x" not in kept
    assert "192.168" not in kept
    assert "2001:" not in kept


def test_the_servers_line_about_a_request_keeps_its_form_without_who_and_with_what(capsys):
    """uvicorn reads the parts of this record one by one."""
    with log.kept(Path("/proc/nowhere")):
        record = logging.getLogger(log.ACCESS).makeRecord(
            log.ACCESS,
            logging.INFO,
            "f",
            1,
            '%s - "%s %s HTTP/%s" %d',
            ("192.168.1.23:5", "GET", "/rate?seat=abc&lang=ja", "1.1", 200),
            None,
        )
    assert record.getMessage() == '… - "GET /rate?seat=…&lang=ja HTTP/1.1" 200'
    assert "no log is kept" in capsys.readouterr().err


def test_of_other_programs_only_the_first_line_is_kept(lines):
    logging.getLogger("asyncio").error("Task exception was never retrieved\nfuture: <Task exception=ValueError('Ken')>")
    assert [line["message"] for line in lines()] == ["Task exception was never retrieved"]


def test_the_log_never_grows_beyond_five_files_of_two_megabytes(tmp_path, monkeypatch):
    assert log.MOST_BYTES * (1 + log.OLD_FILES) == 10_000_000
    monkeypatch.setattr(log, "MOST_BYTES", 2000)  # writing ten megabytes takes long
    with log.kept(tmp_path):
        for _ in range(40):
            logging.getLogger("pilot").error("x " * 400)
    files = list(tmp_path.glob("pilot.jsonl*"))
    assert len(files) == 5
    assert all(file.stat().st_size <= 2000 for file in files)


def test_afterwards_records_are_what_they_were(tmp_path):
    with log.kept(tmp_path):
        pass
    assert logging.getLogRecordFactory() is logging.LogRecord


@pytest.fixture
def broken(tmp_path):
    """An app in whose tables somebody's name is where a time belongs, which no screen expects."""
    app = App(tmp_path, ROOT / "app.py", has_engine=False)
    yield app
    app.stop()


def test_a_bug_shows_a_number_and_no_traceback_or_path_on_a_screen_and_over_http(browser, broken, tmp_path):
    someone = Visitor(browser, broken, "en", (1024, 768))
    got: list[str] = []
    someone.page.on("websocket", lambda one: one.on("framereceived", lambda frame: got.append(said(frame))))
    someone.open("/")
    with sqlite3.connect(tmp_path / "pilot.db") as db:
        db.execute("INSERT INTO pilot VALUES ('p', ?, '', NULL, 'JPY', NULL, NULL, 1, ?)", (WHO, WHO))
        db.execute("INSERT INTO rater VALUES ('r', 's', NULL, 0, ?, ?, '[]', NULL, ?)", (WHO, WHO, WHO))
    someone.open("/")
    shown = someone.page.get_by_text("tell the person in charge this number").inner_text()
    got += [shown, someone.page.content(), posted(broken.address)]
    kept = (tmp_path / "log" / log.FILE).read_text(encoding="utf-8")
    numbers = [json.loads(line).get("number") for line in kept.splitlines()]
    assert shown[-6:] in numbers
    assert json.loads(got[-1])["number"] in numbers
    for telling in ("Traceback", str(ROOT), str(tmp_path), "site-packages", "sqlite3", "sqlalchemy", "feedback_db"):
        assert [text for text in got if telling in text] == [], telling
    assert "ValueError" in kept
    assert "feedback_db/pilots.py:" in kept
    assert [one for one in (*WHO.split(), str(tmp_path), str(ROOT)) if one in kept + broken.log()] == []


def said(frame: str | bytes) -> str:
    """What the server tells a browser."""
    return frame if isinstance(frame, str) else frame.decode("utf-8", errors="replace")


def posted(address: str) -> str:
    """What comes back."""
    body = json.dumps({"seat": WHO, "answers": [{"id": "x", "comment": WHO}]}).encode()
    with pytest.raises(HTTPError) as failed:
        urlopen(Request(f"{address}{post.ADDRESS}", body, {"Origin": address}))  # noqa: S310
    assert failed.value.code == 500
    return failed.value.read().decode()
