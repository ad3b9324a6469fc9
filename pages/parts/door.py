"""The door of team mode: signing in and out, one-time links, PINs. Plain pages that the server writes.

Passphrases and PINs are tried two at a time at most, and sooner refused than queued for long: a try takes 64 MiB.
"""

import hmac
import secrets
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Protocol, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

import anyio
import anyio.to_thread
from sqlalchemy.exc import IntegrityError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from core.errors import N_, UserError
from feedback_db import logins, people, raters
from feedback_db.logins import Login
from feedback_db.permits import APP
from feedback_db.raters import Invitation, Refused
from pages.parts import company, cookies, doorway, passphrase, secret
from pages.parts.doorway import field, form, paragraph, said, way, wrong
from pages.parts.invitations import WHY
from pages.parts.text import LANGUAGES, Language, _, speaking
from pages.parts.throttle import Pace
from pages.parts.work import data_folder, database

MOST_BYTES = 10_000  # of a form
MOST_NAME = 100  # characters
AT_ONCE, MOST_WAITING = 2, 100
FORM_COOKIE = "pilot_form"
tries = passphrase.Tries()
pin_tries = passphrase.Tries(
    by_name=Pace(free=20, first=5, most=60)
)  # few digits: many addresses together guess slowly
_turns = anyio.CapacityLimiter(AT_ONCE)

MISMATCH = UserError(
    N_("Name and passphrase do not belong together."), N_("Check both. Small and capital letters are different.")
)
OLD_FORM = UserError(
    N_("This page was open for too long, or your browser keeps no cookies."), N_("Please fill it in once more.")
)
NO_LINK = UserError(
    N_("This link works no more: it was used already, or it is older than 24 hours."),
    N_("Ask a lead for a new one."),
)
NO_NAME = UserError(N_("There is no name."), N_("Write the name with which you will sign in."))
TAKEN = UserError(N_("Somebody else has this name."), N_("Choose another one."))
BUSY = UserError(N_("Too many people are signing in at this moment."), N_("Try again in {n} seconds."), n=5)
WRONG_PIN = UserError(N_("This PIN is not right."), N_("Ask the person who gave you the tablet."))


@dataclass(frozen=True, slots=True)
class Visit:
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
        return {name: asked[name] for name in ("next", "key", "invite", "seat") if asked.get(name)}

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
        joint = "&" if "?" in address else "?"
        return RedirectResponse(address if "lang=" in address else f"{address}{joint}lang={self.language}", 303)


class Page(Protocol):
    """What is shown, and below its heading what went wrong before."""

    def __call__(self, visit: Visit, *before: str, status: int = 200) -> Response: ...


def sign_in(visit: Visit, *before: str, status: int = 200) -> Response:
    """GET /login"""
    here = login_of(visit)
    if here is not None and here.role != "rater" and not before:
        return visit.go(local(visit.query.get("next")))
    fields = [
        field(_("Name"), "name", visit.given.get("name", "")[:MOST_NAME]),
        field(_("Passphrase"), "passphrase"),
    ]
    with_company = [way(f"/login/company?{urlencode(visit.query)}", _("Sign in with the company account"))]
    return visit.page(
        _("Sign in"),
        *before,
        *([said(_("You have signed out."))] if "out" in visit.request.query_params and not before else []),
        visit.form(fields, _("Sign in")),
        *(with_company if company.is_configured() else []),
        paragraph(_("If you have forgotten the passphrase, ask a lead for a new link.")),
        paragraph(_("To rate maps, open the address or scan the code of your invitation. It needs no passphrase.")),
        status=status,
    )


def try_in(visit: Visit) -> Response:
    """POST /login"""
    name, typed = _name(visit), passphrase.same(visit.given.get("passphrase", ""))
    key = passphrase.same(name).casefold()
    if wait := tries.begin(key, visit.client):
        return _later(sign_in, visit, wait)
    with database().reading(APP) as db:
        found = people.sign_in(db, name) if name else None
    person, kept = found or (None, "")
    if not people.matches(kept, typed) or person is None:
        return sign_in(visit, wrong(MISMATCH), status=403)
    tries.right(key, visit.client)
    return begin(visit, person.id, local(visit.query.get("next")))


def choose(visit: Visit, *before: str, status: int = 200) -> Response:
    """GET /enter: it does not use the link up, because programs that show what is behind a link open it too."""
    with database().reading(APP) as db:
        person = people.linked(db, visit.query.get("key", ""))
    if person is None:
        return visit.page(_("Choose a passphrase"), wrong(NO_LINK), way("/login", _("Sign in")), status=404)
    fields = [
        *([] if person.name else [field(_("Name"), "name", visit.given.get("name", "")[:MOST_NAME])]),
        field(_("Passphrase"), "chosen", hint=_("At least 12 characters. A short sentence is easy to keep in mind.")),
        field(_("The same once more"), "again"),
    ]
    welcome = _("Welcome, {name}.").format(name=person.name) if person.name else _("Welcome.")
    told = _("From now on you sign in with your name and the passphrase that you choose here.")
    parts = (paragraph(welcome), paragraph(told), *before, visit.form(fields, _("Keep it and go in")))
    return visit.page(_("Choose a passphrase"), *parts, status=status)


def settle(visit: Visit) -> Response:
    """POST /enter"""
    key = visit.query.get("key", "")
    with database().reading(APP) as db:
        person = people.linked(db, key)
    if person is None:
        return choose(visit)
    name = person.name or _name(visit)
    try:
        if not name:
            raise NO_NAME
        chosen = passphrase.check(visit.given.get("chosen", ""), visit.given.get("again", ""), name)
        kept = people.hashed(chosen)
        with database().session(APP) as db:
            settled = people.settle(db, key, name, kept)
    except UserError as error:
        return choose(visit, wrong(error), status=400)
    except IntegrityError:
        return choose(visit, wrong(TAKEN), status=400)
    return choose(visit) if settled is None else begin(visit, settled.id, "/")


def leave(visit: Visit, *before: str, status: int = 200) -> Response:
    """GET /logout"""
    here = login_of(visit)
    if here is None:
        return visit.go("/login")
    whose = paragraph(_("You are signed in as {name}.").format(name=here.name)) if here.name else ""
    parts = (*before, whose, visit.form([], _("Sign out")), way("/", _("Stay signed in")))
    return visit.page(_("Sign out?"), *parts, status=status)


def left(visit: Visit) -> Response:
    """POST /logout"""
    _end(visit)
    response = visit.go("/login?out=1")
    cookies.clear_cookie(response)
    return response


def ask_pin(visit: Visit, *before: str, status: int = 200) -> Response:
    """GET /pin?invite=… or ?seat=…, as the address of /rate"""
    try:
        invitation_of(visit)
    except Refused as no:
        return refused(visit, no)
    told = _("The person who gave you the tablet knows it.")
    return visit.page(_("PIN"), *before, visit.form([field(_("PIN"), "pin", hint=told)], _("Next")), status=status)


def try_pin(visit: Visit) -> Response:
    """POST /pin"""
    try:
        invitation = invitation_of(visit)
    except Refused as no:
        return refused(visit, no)
    if wait := pin_tries.begin(invitation.id, visit.client):
        return _later(ask_pin, visit, wait)
    if not people.matches(invitation.pin, passphrase.same(visit.given.get("pin", "")).strip()):
        return ask_pin(visit, wrong(WRONG_PIN), status=403)
    pin_tries.right(invitation.id, visit.client)
    with database().session(APP) as db:
        token = logins.begin_rating(db, invitation.id)
    asked = {name: visit.query[name] for name in ("invite", "seat") if name in visit.query}
    response = visit.go(f"/rate?{urlencode(asked)}")
    cookies.set_cookie(response, token, visit.request.url.scheme)
    return response


def refused(visit: Visit, no: Refused) -> Response:
    """An invitation that lets nobody in."""
    return visit.page(_("Rate"), wrong(UserError(*WHY[no.why])), status=404)


async def to_company(request: Request) -> Response:
    """GET /login/company: the provider is asked who this is."""
    request.session["next"] = local(request.query_params.get("next"))
    return RedirectResponse(company.way_in(), 303)


async def from_company(request: Request) -> Response:
    """Where the provider sends the browser back to."""
    told = await company.answer(request)
    then = local(request.session.pop("next", "/"))
    visit = _visit(request, {}, path="/login")
    return await anyio.to_thread.run_sync(_spoken, partial(known, told=told, then=then), visit)


def known(visit: Visit, told: Mapping[str, Any], then: str) -> Response:
    """In with a company account, if a lead has entered it."""
    try:
        email = company.email(told)
        with database().reading(APP) as db:
            person = people.by_email(db, email)
        if person is None:
            raise company.unknown(email)
    except UserError as error:
        return sign_in(visit, wrong(error), status=403)
    return begin(visit, person.id, then)


def begin(visit: Visit, person_id: str, then: str) -> Response:
    """Sign somebody in, with a cookie that this browser did not have before."""
    _end(visit)
    with database().session(APP) as db:
        token = logins.begin(db, person_id)
    response = visit.go(then)
    cookies.set_cookie(response, token, visit.request.url.scheme)
    return response


def login_of(visit: Visit) -> Login | None:
    with database().reading(APP) as db:
        return logins.of(db, cookies.token(visit.request.scope))


def invitation_of(visit: Visit) -> Invitation:
    """Whose PIN is asked for. Raises Refused."""
    with database().reading(APP) as db:
        if seat := visit.query.get("seat"):
            return raters.behind(db, seat)
        return raters.invited(db, visit.query.get("invite", ""))[1]


def local(address: str | None) -> str:
    """An address of this app and nothing else: nobody is led elsewhere from here."""
    asked = address or "/"
    parts = urlsplit(asked)
    elsewhere = parts.scheme or parts.netloc or not asked.startswith("/") or asked.startswith(("//", "/\\"))
    return "/" if elsewhere or not asked.isprintable() or "\\" in asked else asked


def language_of(request: Request, chosen: str) -> Language:
    """Chosen on the page, else what the browser prefers, else Japanese."""
    preferred = request.headers.get("accept-language", "ja").replace(";", ",").split(",")
    asked = [chosen, *(one.strip()[:2].lower() for one in preferred)]
    return cast("Language", next((one for one in asked if one in LANGUAGES), "en"))


def _end(visit: Visit) -> None:
    here = login_of(visit)
    if here is not None:
        with database().session(APP) as db:
            logins.end(db, here.id)


def _name(visit: Visit) -> str:
    return "".join(letter for letter in visit.given.get("name", "") if letter.isprintable()).strip()[:MOST_NAME]


def _later(page: Page, visit: Visit, seconds: float) -> Response:
    wait = max(2, round(seconds + 0.5))
    remedy = N_("Try again in {n} seconds.") if wait < 120 else N_("Try again in {n} minutes.")
    n = wait if wait < 120 else -(-wait // 60)
    return _wait(page, visit, UserError(N_("Too many tries."), remedy, n=n), wait)


def _wait(page: Page, visit: Visit, error: UserError, seconds: int) -> Response:
    response = page(visit, wrong(error), status=429)
    response.headers["Retry-After"] = str(seconds)
    return response


def _busy(page: Page, visit: Visit) -> Response:
    return _wait(page, visit, BUSY, 5)


# --- from requests to visits ---


def _endpoint(show: Page, act: Callable[[Visit], Response]) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    async def endpoint(request: Request) -> Response:
        if request.method != "POST":
            return await anyio.to_thread.run_sync(_spoken, show, _visit(request, {}))
        given = await _given(request)
        visit = _visit(request, given)
        if not hmac.compare_digest(_token(visit.mark), given.get("token", "")):
            return await anyio.to_thread.run_sync(_spoken, partial(_old, show), visit)
        if _turns.statistics().tasks_waiting >= MOST_WAITING:
            return await anyio.to_thread.run_sync(_spoken, partial(_busy, show), visit)
        return await anyio.to_thread.run_sync(_spoken, act, visit, limiter=_turns)

    return endpoint


def _old(page: Page, visit: Visit) -> Response:
    return page(visit, wrong(OLD_FORM), status=403)


def _visit(request: Request, given: Mapping[str, str], path: str = "") -> Visit:
    chosen = given.get("lang") or request.query_params.get("lang", "")
    mark = request.cookies.get(_form_cookie(request)) or secrets.token_urlsafe(18)
    return Visit(request, path or request.url.path, language_of(request, chosen), given, mark)


async def _given(request: Request) -> dict[str, str]:
    """What a form says; nothing where it is no form of ours."""
    try:
        if int(request.headers.get("content-length", MOST_BYTES + 1)) > MOST_BYTES:
            return {}
        body = await request.body()
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=20))
    except (ValueError, ClientDisconnect):
        return {}


def _spoken(page: Callable[[Visit], Response], visit: Visit) -> Response:
    with speaking(visit.language):
        response = page(visit)
    name, secure = _form_cookie(visit.request), cookies.is_secure(visit.request.url.scheme)
    response.set_cookie(name, visit.mark, path="/", secure=secure, httponly=True, samesite="lax")
    return response


def _form_cookie(request: Request) -> str:
    return f"__Host-{FORM_COOKIE}" if cookies.is_secure(request.url.scheme) else FORM_COOKIE


def _token(mark: str) -> str:
    """In every form: only a page that this app wrote for this browser has it."""
    return hmac.new(_key(), mark.encode(), "sha256").hexdigest()


@cache
def _key() -> bytes:
    return bytes.fromhex(secret.key(secret.read(data_folder()), "forms"))


FORMS = {
    "/login": (sign_in, try_in),
    "/enter": (choose, settle),
    "/logout": (leave, left),
    "/pin": (ask_pin, try_pin),
}
ROUTES = [
    *(Route(path, _endpoint(show, act), methods=["GET", "POST"]) for path, (show, act) in FORMS.items()),
    Route("/login/company", to_company),
    Route(company.CALLBACK, from_company),
]
