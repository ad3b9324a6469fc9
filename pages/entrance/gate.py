"""In front of everything, Streamlit's own routes too: who gets in, to what, how often, and what a browser is told.

Nothing about people is logged here.
"""

import re
from collections.abc import Awaitable, Callable
from functools import partial
from math import ceil, isfinite
from typing import Protocol
from urllib.parse import quote, urlencode

from starlette.responses import PlainTextResponse, RedirectResponse, Response

from core.errors import N_
from core.words import catalogue
from pages.entrance import cookies, hosts, stream, ways
from pages.entrance.caller import local
from pages.entrance.cookies import Scope
from pages.entrance.hosts import Hosts
from pages.entrance.shield import shielded
from pages.entrance.stream import Message, Receive, Send, Stream
from pages.entrance.visits import Visitor, Visits
from pages.entrance.ways import Way
from pages.parts import who
from pages.parts.text import LANGUAGES

App = Callable[[Scope, Receive, Send], Awaitable[None]]

OURS = b"x-pilot-"  # headers that nobody but the gate sets
SAFE = ("GET", "HEAD")
SIGN_IN = "/login"
INVITED = "/pin"  # says what is wrong with an invitation, or asks for its PIN
REFUSED = 1008  # as a websocket says it; before it is open, 403

NOT_OURS = N_(
    "This app does not answer under this address. Whoever runs it can let it: manage.py run --team --address, and the "
    "address that people use."
)
ELSEWHERE = N_("This was not sent by a page of this app.")
NOTHING = N_("There is nothing here.")
NOBODY = N_("Sign in first.")
UNSIZED = N_("How large the file is was not said.")
TOO_MUCH = N_("That was too much at once. Wait a little, then try again.")


class People(Protocol):
    """Who comes to the gate."""

    async def visitor(self, scope: Scope) -> Visitor:
        """Whose cookie the browser sends."""

    async def invited(self, scope: Scope, visitor: Visitor) -> str | None:
        """What an invitation in the address does for whoever is no lead or manager.

        Returns: the secret of a new login; "": the door has something to ask or to say first; None: nothing.
        """


class Gate:
    """ASGI middleware."""

    def __init__(self, app: App, hosts: Hosts, people: People, ways: tuple[Way, ...], visits: Visits) -> None:
        self.app, self.hosts, self.people, self.ways, self.visits = app, hosts, people, ways, visits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        kept = [(name, value) for name, value in scope["headers"] if not name.startswith(OURS)]
        scope = {**scope, "headers": kept, "scheme": self.hosts.scheme(scope)}
        if scope["type"] == "websocket":
            return await self._socket(scope, receive, send)
        answer = await self._answer(scope)
        return await answer(scope, receive, partial(_send_shielded, scope, send))

    async def _answer(self, scope: Scope) -> App:
        """What answers a request: the app, or a refusal."""
        method, path = scope["method"], scope["path"]
        if not self.hosts.knows(scope):
            return say(421, NOT_OURS)
        if method not in SAFE and not hosts.is_own_origin(scope):
            return say(403, ELSEWHERE)
        if method in SAFE and path in ways.files():
            return self.app
        way = ways.way(self.ways, method, path)
        if way and ("nobody" in way.roles or (path == ways.FIGURES and hosts.is_from_here(scope))):
            return self._as_stranger(scope, self.app)
        visitor = await self.people.visitor(scope)
        if path == ways.RATING and method == "GET" and visitor.role not in ways.STAFF:
            return await self._rating(scope, visitor)
        return self._known(scope, way, visitor)

    async def _rating(self, scope: Scope, visitor: Visitor) -> App:
        """An invitation's address lets people in by itself."""
        if wait := self.visits.strangers.take(cookies.client(scope)):
            return later(wait)
        secret = await self.people.invited(scope, visitor)
        if secret is None:
            return self._known(scope, ways.way(self.ways, scope["method"], scope["path"]), visitor)
        if secret:
            return _with_cookie(self.app, secret)
        return RedirectResponse(f"{INVITED}?{scope['query_string'].decode('latin-1')}", 303)

    def _known(self, scope: Scope, way: Way | None, visitor: Visitor) -> App:
        if visitor.role == "nobody":
            return self._as_stranger(scope, sign_in(scope))
        visit = self.visits.of(visitor)
        upload = re.fullmatch(ways.UPLOAD, scope["path"])
        if way is None or visitor.role not in way.roles or (upload and not visit.owns(upload[1])):
            return say(404, NOTHING)
        if wait := visit.requests.take():
            return later(wait)
        if scope["method"] == "PUT":
            return self._upload(scope, visitor)
        return _as(visitor, self.app)

    def _upload(self, scope: Scope, visitor: Visitor) -> App:
        length, parts = (cookies.headers(scope, name) for name in (b"content-length", b"transfer-encoding"))
        if parts or len(length) != 1 or not length[0].isdigit():
            return say(411, UNSIZED)
        size = int(length[0])
        if wait := self.visits.wait_to_upload(visitor, size):
            return later(wait)

        async def take_in(scope: Scope, receive: Receive, send: Send) -> None:
            with self.visits.of(visitor).receives(size):
                await _as(visitor, self.app)(scope, receive, send)

        return take_in

    def _as_stranger(self, scope: Scope, answer: App) -> App:
        """For those without a login, whose address alone is known."""
        wait = self.visits.strangers.take(cookies.client(scope))
        return later(wait) if wait else answer

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        way = ways.way(self.ways, "WEBSOCKET", scope["path"])
        if way is None or not self.hosts.knows(scope) or not hosts.is_own_origin(scope):
            return await send({"type": "websocket.close", "code": REFUSED})
        visitor = await self.people.visitor(scope)
        visit = self.visits.of(visitor)
        is_many = visit.open_sockets >= self.visits.allowance.open_sockets
        if visitor.role not in way.roles or is_many or visit.sockets.take():
            return await send({"type": "websocket.close", "code": REFUSED})
        if not visit.owns(stream.resumed(scope)):  # Streamlit looks at that too
            scope = stream.begun_anew(scope)
        passing = Stream(visit, receive, send, partial(self.people.visitor, scope))
        with visit.is_open():
            return await _as(visitor, self.app)(scope, passing.receive, passing.send)


def sign_in(scope: Scope) -> Response:
    """The same for whatever is asked for, there or not."""
    if scope["method"] == "GET" and any("text/html" in kinds for kinds in cookies.headers(scope, b"accept")):
        query = scope["query_string"].decode("latin-1")
        wanted = quote(scope["path"]) + (f"?{query}" if query else "")
        return RedirectResponse(f"{SIGN_IN}?{urlencode({'next': local(wanted)})}", 303)
    return say(401, NOBODY)


def say(status: int, message: str, **headers: str) -> Response:
    """To somebody whose language is not known."""
    told = "\n".join(catalogue(one).gettext(message) for one in LANGUAGES)
    return PlainTextResponse(f"{told}\n", status, {"cache-control": "no-store", **headers})


def later(wait: float) -> Response:
    """Args: wait: seconds; inf: as long as it is that much."""
    return say(429, TOO_MUCH, **({"retry-after": str(ceil(wait))} if isfinite(wait) else {}))


def _as(visitor: Visitor, app: App) -> App:
    """The app, told who asks."""

    async def told(scope: Scope, receive: Receive, send: Send) -> None:
        login = [(who.HEADER.encode(), visitor.login_id.encode())] if visitor.login_id else []
        await app({**scope, "headers": [*scope["headers"], *login]}, receive, send)

    return told


def _with_cookie(app: App, secret: str) -> App:
    """The app's own answer, and a login with it."""

    async def given(scope: Scope, receive: Receive, send: Send) -> None:
        carrier = Response()
        cookies.set_cookie(carrier, secret, scope["scheme"])
        cookie = [(name, value) for name, value in carrier.raw_headers if name == b"set-cookie"]

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *cookie]}
            await send(message)

        await app(scope, receive, sending)

    return given


async def _send_shielded(scope: Scope, send: Send, message: Message) -> None:
    if message["type"] == "http.response.start":
        message = {**message, "headers": shielded(message.get("headers", ()), scope)}
    await send(message)
