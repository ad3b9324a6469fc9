"""What raters' tablets send: answers as JSON over plain HTTP, so that a tablet keeps what it could not send yet.

An answer is acknowledged once it is stored; the same answer may come any number of times. Whose it is and whether it is
still wanted is looked at here, for every answer.
"""

import logging
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import anyio.to_thread
from sqlalchemy.orm import Session
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from core import tasks
from core.tasks import Task
from feedback_db import raters, ratings, studies
from feedback_db.permits import Actor, Forbidden
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
logger = logging.getLogger("pilot")

Fields = Mapping[str, Any]


async def endpoint(request: Request) -> Response:
    """POST {seat, answers: […]} → {kept: [ids], refused: [{id, why}]}."""
    try:
        if int(request.headers.get("content-length", MOST_BYTES + 1)) > MOST_BYTES:
            return JSONResponse({"error": "too much at once"}, 413)
        sent = await request.json()
        given = [(str(one["id"]), one) for one in sent["answers"]]
        seat = str(sent["seat"])
    except ClientDisconnect:
        return Response(status_code=499)
    except (ValueError, KeyError, TypeError):
        return JSONResponse({"error": "not answers"}, 400)
    kept, refused = await anyio.to_thread.run_sync(take, who.sent(request.headers), seat, given)
    return JSONResponse({"kept": kept, "refused": [{"id": id_, "why": why} for id_, why in refused.items()]})


def take(actor: Actor, seat: str, given: list[tuple[str, Fields]]) -> tuple[list[str], dict[str, str]]:
    """Store what may be stored, each answer in a transaction of its own.

    Returns: the ids of what is stored, and of the rest why it is not.
    """
    kept: list[str] = []
    refused: dict[str, str] = {}
    for id_, one in given:
        try:
            with database().session(actor) as db:
                _store(db, seat, id_, one)
        except Refused as no:
            refused[id_] = no.why
        except Forbidden:
            refused[id_] = "unknown"
        except (ValueError, KeyError, TypeError):
            logger.exception("an answer could not be read")
            refused[id_] = "unreadable"
        else:
            kept.append(id_)
    return kept, refused


def _store(db: Session, seat: str, id_: str, one: Fields) -> None:
    study, rater = raters.admitted(db, seat)
    if not UUID.fullmatch(id_):
        raise ValueError("an answer without a number of its own")
    if "literacy" in one:
        given = {key: storable(value) for key, value in one["literacy"].items() if key in questions.LITERACY}
        raters.keep_literacy(db, rater, {"answers": given, "right": questions.literacy_right(given)})
        return
    item = studies.item(db, study.id, str(one["item"]))
    if item is None or item.number not in rater.asked:
        raise Refused("unknown")
    for said in read(id_, rater, item, one):
        ratings.save(db, said)


def read(id_: str, rater: Rater, item: Item, one: Fields) -> list[Said]:
    """What an answer says, as records. Raises ValueError, KeyError or TypeError for what no rating screen sends."""
    common = {
        "id": id_,
        "study_id": rater.study_id,
        "item_id": item.id,
        "rater_id": rater.id,
        "language": "en" if one["language"] == "en" else "ja",
        "corrects": _optional(one, "corrects", str),
    }
    said: list[Said] = []
    if item.kind == "pair":
        shown = (item.view_id, item.other_view_id)
        choice = _optional(one, "choice", int)
        said.append(Preference(**common, seconds=_seconds(one), view_id=None if choice is None else shown[choice]))
    if item.kind in ("view", "repeat", "null"):
        said.append(Rating(**common, seconds=_seconds(one), **_opinion(one)))
    if item.kind == "check":
        chosen = _optional(one, "score", int)
        wanted = item.task and CHECKS[item.task["instance"]]
        answer = {"choice": {"choice": chosen}, "right": chosen == wanted, "chance": CHECK_CHANCE}
        said.append(TaskAnswer(**common, seconds=_seconds(one), **answer))
    elif item.task is not None:
        task, choice, has_map = Task.from_json(item.task["quiz"]), one["choice"], item.kind != "plain"
        answer = {
            "choice": None if choice is None else {"choice": choice},
            "right": tasks.judge(task, choice, has_map),
            "chance": task.chance(has_map),
            "confidence": _among(one.get("confidence"), 3),
        }
        said.append(TaskAnswer(**common, seconds=_seconds(one, "task_seconds"), **answer))
    return said


def _opinion(one: Fields) -> dict[str, Any]:
    previs = one.get("previs")
    return {
        "score": _among(one.get("score"), 5),
        "reasons": [code for code in one.get("reasons") or () if code in questions.REASONS],
        "comment": storable(one.get("comment") or "").strip()[:500],
        "previs": previs
        and {
            scale: {key: _among(point, 7) for key, point in of.items() if key in questions.PREVIS[scale]}
            for scale, of in previs.items()
        },
    }


def storable(text: object) -> str:
    return UNKEPT.sub("\ufffd", str(text))


def _among(value: object, highest: int) -> int | None:
    """A point of a scale from 1, or None for "I can't tell"."""
    if value is None or (isinstance(value, int) and 1 <= value <= highest):
        return value
    raise ValueError(f"no point of the scale: {value!r}")


def _optional(one: Fields, name: str, kind: Callable[[Any], Any]) -> Any:
    value = one.get(name)
    return None if value is None else kind(value)


def _seconds(one: Fields, name: str = "seconds") -> float:
    value = float(one[name])
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"no time: {value}")
    return min(value, MOST_SECONDS)
