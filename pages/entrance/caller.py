"""Who calls at the door: requests read, forms that belong to the browser they were written for, and taking turns.

Passphrases and PINs are tried two at a time at most, and sooner refused than queued for long: a try takes 64 MiB.
"""

import hmac
import re
import secrets
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Protocol, cast
from urllib.parse import parse_qs, parse_qsl, urlsplit

import anyio
import anyio.to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from core.errors import N_, UserError
from core.words import Language
from feedback_db.place import data_folder
from pages.entrance import cookies, doorway, secret
from pages.entrance.doorway import form, wrong
from pages.parts.text import LANGUAGES, speaking

MOST_BYTES = 10_000  # of a form
AT_ONCE, MOST_WAITING = 2, 100
FORM_COOKIE = "pilot_form"
LOCAL = re.compile(r"/(?!/)[^\\#\s\x00-\x1f\x7f]*")  # browsers take // and /\ for another computer
OLD_FORM = UserError(
    N_("This page was open for too long, or your browser keeps no cookies."), N_("Please fill it in once more.")
)
BUSY = UserError(N_("Too many people are signing in at this moment."), N_("Try again in {n} seconds."), n=5)
_turns = anyio.CapacityLimiter(AT_ONCE)


@dataclass(frozen=True, slots=True)
class Caller:
    """A request to the door, read."""

    request: Request
    path: str
    language: Language
    given: Mapping[str, str]  # what the form says; empty when the page is only opened
    mark: str  # what this browser's forms are bound to

    @property
    def query(self) -> dict[str, str]:
        """Of the address, or of the form that came from it."""
        asked = self.given or self.request.query_params
        given = {name: asked.get(name, "") for name in ("next", "key", "invite", "seat")}
        return {name: value for name, value in given.items() if value and value.isprintable()}

    @property
    def client(self) -> str:
        return cookies.client(self.request.scope)

    def page(self, title: str, *parts: str, status: int = 200) -> HTMLResponse:
        html = doorway.page(title, *parts, path=self.path, query=self.query)
        return HTMLResponse(html, status, headers={"Cache-Control": "no-store"})

    def form(self, fields: list[str], button: str) -> str:
        hidden = {**self.query, "lang": self.language, "token": _token(self.mark)}
        return form(self.path, hidden, fields, button)

    def go(self, address: str) -> RedirectResponse:
        """On to an address of the app, in the language of here."""
        asked = urlsplit(address).query
        also = "" if "lang" in parse_qs(asked) else f"{'&' if asked else '?'}lang={self.language}"
        return RedirectResponse(address + also, 303)


class Page(Protocol):
    """What is shown, and below its heading what went wrong before."""

    def __call__(self, caller: Caller, *before: str, status: int = 200) -> Response: ...


def local(address: str | None) -> str:
    """An address of this app and nothing else: nobody is led elsewhere from here."""
    return address if address and LOCAL.fullmatch(address) else "/"


def language_of(request: Request, chosen: str) -> Language:
    """Chosen on the page, else what the browser prefers, else Japanese."""
    preferred = request.headers.get("accept-language", "ja").replace(";", ",").split(",")
    asked = [chosen, *(one.strip()[:2].lower() for one in preferred)]
    return cast("Language", next((one for one in asked if one in LANGUAGES), "en"))


def later(page: Page, caller: Caller, seconds: float) -> Response:
    wait = max(2, round(seconds + 0.5))
    remedy = N_("Try again in {n} seconds.") if wait < 120 else N_("Try again in {n} minutes.")
    n = wait if wait < 120 else -(-wait // 60)
    return _wait(page, caller, UserError(N_("Too many tries."), remedy, n=n), wait)


def _wait(page: Page, caller: Caller, error: UserError, seconds: int) -> Response:
    response = page(caller, wrong(error), status=429)
    response.headers["Retry-After"] = str(seconds)
    return response


def _busy(page: Page, caller: Caller) -> Response:
    return _wait(page, caller, BUSY, 5)


def endpoint(show: Page, act: Callable[[Caller], Response]) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    async def answer(request: Request) -> Response:
        if request.method != "POST":
            return await anyio.to_thread.run_sync(spoken, show, read(request, {}))
        given = await _given(request)
        caller = read(request, given)
        if not hmac.compare_digest(_token(caller.mark).encode(), given.get("token", "").encode()):
            return await anyio.to_thread.run_sync(spoken, partial(_old, show), caller)
        if _turns.statistics().tasks_waiting >= MOST_WAITING:
            return await anyio.to_thread.run_sync(spoken, partial(_busy, show), caller)
        return await anyio.to_thread.run_sync(spoken, act, caller, limiter=_turns)

    return answer


def _old(page: Page, caller: Caller) -> Response:
    return page(caller, wrong(OLD_FORM), status=403)


def read(request: Request, given: Mapping[str, str], path: str = "") -> Caller:
    chosen = given.get("lang") or request.query_params.get("lang", "")
    mark = request.cookies.get(_form_cookie(request)) or secrets.token_urlsafe(18)
    return Caller(request, path or request.url.path, language_of(request, chosen), given, mark)


async def _given(request: Request) -> dict[str, str]:
    """What a form says; nothing where it is no form of ours."""
    try:
        if int(request.headers.get("content-length", MOST_BYTES + 1)) > MOST_BYTES:
            return {}
        body = await request.body()
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=20))
    except (ValueError, ClientDisconnect):
        return {}


def spoken(page: Callable[[Caller], Response], caller: Caller) -> Response:
    with speaking(caller.language):
        response = page(caller)
    name, secure = _form_cookie(caller.request), cookies.is_secure(caller.request.url.scheme)
    response.set_cookie(name, caller.mark, path="/", secure=secure, httponly=True, samesite="lax")
    return response


def _form_cookie(request: Request) -> str:
    return f"__Host-{FORM_COOKIE}" if cookies.is_secure(request.url.scheme) else FORM_COOKIE


def _token(mark: str) -> str:
    """In every form: only a page that this app wrote for this browser has it."""
    return hmac.new(_key(), mark.encode(), "sha256").hexdigest()


@cache
def _key() -> bytes:
    return bytes.fromhex(secret.key(secret.read(data_folder()), "forms"))
