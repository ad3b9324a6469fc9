"""What raters' tablets send: answers as JSON over plain HTTP, so that a tablet keeps what it could not send yet.

An answer is acknowledged once it is stored; the same answer may come any number of times. Whose it is and whether it is
still wanted is looked at here, for every answer.
"""

import logging
import math
import re
from collections.abc import Mapping
from typing import Any

import anyio
import anyio.to_thread
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from core import tasks
from core.tasks import Task
from feedback_db import raters, ratings, studies
from feedback_db.permits import LOCAL, Actor, Forbidden
from feedback_db.raters import Rater, Refused
from feedback_db.ratings import Preference, Rating, Said, TaskAnswer
from feedback_db.studies import Item
from pages.parts import questions, who
from pages.parts.work import database

ADDRESS = "/api/ratings"
MOST_BYTES = 1_000_000
MOST_SECONDS = 24 * 3600.0  # a tablet that was put away
CHECKS = (2, 4)  # the scores that attention checks ask for
CHECK_CHANCE = 1 / 5
UNKEPT = re.compile("[\0\ud800-\udfff]")  # what no database keeps: one such letter would hold up a whole outbox
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, OverflowError)  # from what no rating screen sends
# A tablet waits 10 s: rather "not now" before that than no word. The rest is database.BUSY_SECONDS.
QUEUE_SECONDS = 3.0
NOT_NOW = {"Retry-After": "5"}  # seconds
# Threads of our own: where the database stands still, screens still get theirs. It writes one thing at a time anyway.
_at_once = anyio.CapacityLimiter(4)
logger = logging.getLogger("pilot")

Fields = Mapping[str, Any]


async def endpoint(request: Request) -> Response:
    """POST {seat, answers: […]} → {kept: [ids], refused: [{id, why}]}; 503 where nothing can be stored just now."""
    try:
        if int(request.headers.get("content-length", MOST_BYTES + 1)) > MOST_BYTES:
            return JSONResponse({"error": "too much at once"}, 413)
        sent = await request.json()
        given = [(str(one["id"]), one) for one in sent["answers"]]
        seat = storable(sent["seat"])
    except ClientDisconnect:
        return Response(status_code=499)
    except (ValueError, KeyError, TypeError, RecursionError):
        return JSONResponse({"error": "not answers"}, 400)
    actor = who.sent(request.headers)
    try:
        with anyio.fail_after(QUEUE_SECONDS):  # for a thread; one that has begun goes on
            kept, refused = await anyio.to_thread.run_sync(take, actor, seat, given, limiter=_at_once)
    except Forbidden:
        return JSONResponse({"error": "not signed in"}, 401)
    except TimeoutError:
        return _not_now("too many at once")
    except SQLAlchemyError as error:  # locked, full, read-only, damaged
        return _not_now(_first(error))
    return JSONResponse({"kept": kept, "refused": [{"id": id_, "why": why} for id_, why in refused.items()]})


def _not_now(why: object) -> Response:
    logger.error("answers could not be saved just now: %s", why)
    return JSONResponse({"error": "not saved", "kept": [], "refused": []}, 503, NOT_NOW)


def _first(error: BaseException) -> BaseException:
    """What it began with: SQLite drops a transaction when the disk is full, and then misses its savepoint."""
    while error.__context__ is not None:
        error = error.__context__
    return error


def take(actor: Actor, seat: str, given: list[tuple[str, Fields]]) -> tuple[list[str], dict[str, str]]:
    """Store what may be stored, all of it in one transaction; an answer that may not holds back no other.

    Returns: the ids of what is stored, and of the rest why it is not. Raises Forbidden where the login does not reach
    this seat, be it that there is none: signing in anew may help, so the tablet must not forget what it has.
    """
    kept: list[str] = []
    refused: dict[str, str] = {}
    with database().session(actor) as db:
        try:
            _study, rater = raters.admitted(db, seat)
        except Refused as no:
            if no.why == "unknown" and actor != LOCAL:
                raise Forbidden(seat) from no
            return [], dict.fromkeys((id_ for id_, _ in given), no.why)
        for id_, one in given:
            try:
                with db.begin_nested():
                    _store(db, rater, id_, one)
            except Refused as no:
                refused[id_] = no.why
            except UNREADABLE:
                logger.exception("an answer could not be read")
                refused[id_] = "unreadable"
            else:
                kept.append(id_)
    return kept, refused


def _store(db: Session, rater: Rater, id_: str, one: Fields) -> None:
    """Raises Refused or UNREADABLE."""
    if not UUID.fullmatch(id_):
        raise ValueError("an answer without a number of its own")
    if "literacy" in one:
        given = {key: storable(value) for key, value in one["literacy"].items() if key in questions.LITERACY}
        raters.keep_literacy(db, rater, {"answers": given, "right": questions.literacy_right(given)})
        return
    item = studies.item(db, rater.study_id, storable(one["item"]))
    if item is None or item.number not in rater.asked:
        raise Refused("unknown")
    for said in read(id_, rater, item, one):
        receipt = ratings.save(db, said)
        if (receipt.rater_id, receipt.item_id) != (rater.id, item.id):
            raise ValueError("the number of another answer")


def read(id_: str, rater: Rater, item: Item, one: Fields) -> list[Said]:
    """What an answer says, as records. Raises ValueError, KeyError or TypeError for what no rating screen sends."""
    common = {
        "id": id_,
        "study_id": rater.study_id,
        "item_id": item.id,
        "rater_id": rater.id,
        "language": "en" if one["language"] == "en" else "ja",
        "corrects": _corrected(one.get("corrects")),
    }
    said: list[Said] = []
    if item.kind == "pair":
        shown = (item.view_id, item.other_view_id)
        choice = _among(one.get("choice"), 0, 1)
        said.append(Preference(**common, seconds=_seconds(one), view_id=None if choice is None else shown[choice]))
    if item.kind in ("view", "repeat", "null"):
        said.append(Rating(**common, seconds=_seconds(one), **_opinion(one)))
    if item.kind == "check":
        chosen = _among(one.get("score"), 1, 5)
        wanted = item.task and CHECKS[item.task["instance"]]
        answer = {"choice": {"choice": chosen}, "right": chosen == wanted, "chance": CHECK_CHANCE}
        said.append(TaskAnswer(**common, seconds=_seconds(one), **answer))
    elif item.task is not None:
        task, choice, has_map = Task.from_json(item.task["quiz"]), one["choice"], item.kind != "plain"
        answer = {
            "choice": None if choice is None else {"choice": choice},
            "right": tasks.judge(task, choice, has_map),
            "chance": task.chance(has_map),
            "confidence": _among(one.get("confidence"), 1, 3),
        }
        said.append(TaskAnswer(**common, seconds=_seconds(one, "task_seconds"), **answer))
    return said


def _opinion(one: Fields) -> dict[str, Any]:
    previs = one.get("previs")
    return {
        "score": _among(one.get("score"), 1, 5),
        "reasons": [code for code in one.get("reasons") or () if code in questions.REASONS],
        "comment": storable(one.get("comment") or "").strip()[:500],
        "previs": previs
        and {
            scale: {key: _among(point, 1, 7) for key, point in of.items() if key in questions.PREVIS[scale]}
            for scale, of in previs.items()
        },
    }


def storable(text: object) -> str:
    return UNKEPT.sub("\ufffd", str(text))


def _among(value: object, lowest: int, highest: int) -> int | None:
    """A point of a scale, or None for "I can't tell"."""
    if value is None or (isinstance(value, int) and lowest <= value <= highest):
        return value
    raise ValueError(f"no point of the scale: {value!r}")


def _corrected(id_: object) -> str | None:
    """The number of the answer that this one replaces, if it does."""
    if id_ is None or UUID.fullmatch(str(id_)):
        return None if id_ is None else str(id_)
    raise ValueError(f"no answer's number: {id_!r}")


def _seconds(one: Fields, name: str = "seconds") -> float:
    value = float(one[name])
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"no time: {value}")
    return min(value, MOST_SECONDS)
