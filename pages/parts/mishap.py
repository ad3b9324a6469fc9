"""A bug is ours to mend: people get a sentence and a number, never a traceback, and the log has the rest."""

import streamlit as st
from sqlalchemy.exc import DBAPIError
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from core.errors import N_
from feedback_db.permits import Forbidden
from pages.entrance.caller import language_of
from pages.entrance.shield import shielded
from pages.parts import log
from pages.parts.guard import NOTHING_HERE, trouble
from pages.parts.text import _, say, speaking, together

FAILED = N_("This screen failed because of an error in this program. What you saved is safe.")
REMEDY = N_("Reload the page. If it happens again, tell the person in charge this number: {number}")
PAGE = '<!doctype html><html lang="{lang}"><meta charset="utf-8"><title>{number}</title><p>{words}</p></html>'


def on_screen(error: Exception) -> bool:
    """Streamlit asks this of every error that a screen did not expect; its own message is not wanted."""
    if isinstance(error, Forbidden):  # in a callback, which no guard is around
        st.error(say(NOTHING_HERE), icon=":material/error:")
        return True
    if isinstance(error, DBAPIError):  # likewise
        st.error(say(trouble(error)), icon=":material/error:")
        return True
    st.error(words(log.failed(error)))
    return True


def answer(request: Request, error: Exception) -> Response:
    """Whatever asks for an address gets the number: a page where it reads pages, else JSON."""
    number = log.failed(error)
    told = _page(request, number) if "text/html" in request.headers.get("accept", "") else _json(number)
    if isinstance(error, DBAPIError):  # not a bug: a tablet asks again
        told.status_code = 503
    told.raw_headers = shielded(told.raw_headers, request.scope)  # this answer does not come through the gate
    return told


def _page(request: Request, number: str) -> Response:
    reads = language_of(request, request.query_params.get("lang", ""))
    with speaking(reads):
        return HTMLResponse(PAGE.format(lang=reads, number=number, words=words(number)), 500)


def _json(number: str) -> Response:
    return JSONResponse({"error": "failed", "number": number}, 500)


def nothing_here(_request: Request, _error: Exception) -> Response:
    """Forbidden looks like an address that is not there, to the letter."""
    return PlainTextResponse("Not Found", 404)


def words(number: str) -> str:
    return together(_(FAILED), _(REMEDY).format(number=number))
