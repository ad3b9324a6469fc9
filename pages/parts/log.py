"""What went wrong, for whoever runs the app: errors with the number that people were told, and nothing of people.

`data/log/pilot.jsonl` has one JSON object a line, stderr the same as text. Both keep an error's kind and where it
happened, and drop what an exception says, because it quotes what somebody wrote; only our own sentences stay, without
what is filled in. Addresses, tokens and whom they belong to are taken out of every logger's words.
"""

import errno
import json
import logging
import re
import secrets
import sqlite3
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from core.errors import UserError

FILE = "pilot.jsonl"
MOST_BYTES, OLD_FILES = 2_000_000, 4  # five files in all
OURS = ("pilot", "app", "core", "feedback_db", "pages")
SERVER, ACCESS = "uvicorn.error", "uvicorn.access"  # loggers; the former passes nothing on, the latter reads its words
HOME = Path(__file__).parents[2]
GONE = "…"
SECRETS = re.compile(r"(?i)\b((?:invite|seat|key|token|code|state|login|pilot_login|password|secret)=)[^&\s\"';]+")
PEOPLE = re.compile(
    r"[\w.+-]+@[\w-]+\.[\w.]+"  # e-mail
    r"|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b|\[?(?:[0-9a-fA-F]{0,4}:){3,7}[0-9a-fA-F]{0,4}\]?(?::\d+)?"  # a computer
    r"|\b[\w-]{32,}\b"  # a token; fingerprints of artifacts go with it
)
logger = logging.getLogger("pilot")
INSTALLED = re.compile(r".*[\\/](?:site-packages|dist-packages|python3\.\d+)[\\/]")


def failed(error: BaseException) -> str:
    """Log a bug; returns the number that the person is told."""
    number = secrets.token_hex(3)
    logger.error("error %s", number, exc_info=error, extra={"number": number})
    return number


@contextmanager
def kept(folder: Path) -> Iterator[None]:
    """While the app runs, every logger's records are redacted, and what is wrong goes to the folder's file and stderr.

    Where the folder cannot be written, stderr says so, and the app goes on.
    """
    said = logging.StreamHandler()
    said.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    with _redacting(), _handled(said, ""):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file = RotatingFileHandler(folder / FILE, maxBytes=MOST_BYTES, backupCount=OLD_FILES, encoding="utf-8")
        except OSError as why:
            logger.warning("no log is kept: %s", why)
            yield
            return
        file.setFormatter(JsonLine())
        file.setLevel(logging.WARNING)  # the server greets
        with _handled(file, "", SERVER):
            yield


@contextmanager
def _redacting() -> Iterator[None]:
    """Where records are made, whoever makes them and whatever handles them: Streamlit and uvicorn have handlers too."""
    logging.setLogRecordFactory(redacted)
    logging.raiseExceptions = False  # a record that a full disk does not take would be printed, with all that led to it
    try:
        yield
    finally:
        logging.raiseExceptions = True
        logging.setLogRecordFactory(logging.LogRecord)


@contextmanager
def _handled(handler: logging.Handler, *names: str) -> Iterator[None]:
    for name in names:
        logging.getLogger(name).addHandler(handler)
    try:
        yield
    finally:
        for name in names:
            logging.getLogger(name).removeHandler(handler)
        handler.close()


class JsonLine(logging.Formatter):
    """One object a line."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "number": getattr(record, "number", None),
            "traceback": record.exc_text,
        }
        return json.dumps({name: value for name, value in told.items() if value is not None}, ensure_ascii=False)


# --- what is left of a record


def redacted(*given: Any, **more: Any) -> logging.LogRecord:
    """A record without what people wrote. Of other programs' words only the first line: what follows may quote."""
    record = logging.LogRecord(*given, **more)
    if isinstance(record.args, tuple):
        record.args = tuple(_argument(one) for one in record.args)
    if record.name != ACCESS:
        record.msg, record.args = without_people(_message(record)), None
    if record.exc_info:
        error, record.exc_info = record.exc_info[1], None
        record.exc_text = error and told(error)
    return record


def _argument(one: Any) -> Any:
    if isinstance(one, BaseException):
        return kind_of(one)
    return without_people(one) if isinstance(one, str) else one


def _message(record: logging.LogRecord) -> str:
    try:
        message = record.getMessage()
    except (TypeError, ValueError):  # its words do not fit; logging itself would complain with all of them
        message = str(record.msg)
    return message if record.name.split(".")[0] in OURS else message.split("\n")[0]


def without_people(text: str) -> str:
    return PEOPLE.sub(GONE, SECRETS.sub(rf"\1{GONE}", text))


def told(error: BaseException) -> str:
    """What Python would print, without what the exceptions say and without this computer's folders."""
    return "\n".join(_lines(error, set()))


def _lines(error: BaseException, seen: set[int]) -> Iterator[str]:
    """The cause first, as Python has it."""
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and id(before) not in seen:
        yield from _lines(before, seen)
        yield "and then:"
    yield "Traceback (most recent call last):"
    for frame in traceback.extract_tb(error.__traceback__):
        yield f"  {_place(frame.filename)}:{frame.lineno} {frame.name}"
    yield kind_of(error)
    for part in getattr(error, "exceptions", ()):  # of a group
        if id(part) not in seen:
            yield from _lines(part, seen)


def _place(file: str) -> str:
    """From the project's folder on, or from where packages are installed; a folder may be named after a person."""
    path = Path(file)
    if path.is_relative_to(HOME) and not INSTALLED.match(file):
        return path.relative_to(HOME).as_posix()
    return INSTALLED.sub("", file) if INSTALLED.match(file) else path.name


def kind_of(error: BaseException) -> str:
    """Its class, the code that a system or a database gives it, and of ours the sentence, with nothing filled in."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    if code := _code(error):
        name += f" [{code}]"
    return f"{name}: {error.problem}" if isinstance(error, UserError) else name


def _code(error: BaseException) -> str:
    if isinstance(error, OSError) and error.errno is not None:
        return errno.errorcode.get(error.errno, str(error.errno))
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorname", "")
    return getattr(error, "sqlstate", None) or ""  # PostgreSQL's
