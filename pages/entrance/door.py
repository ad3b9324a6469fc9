"""The door of team mode: signing in and out, one-time links, PINs. Plain pages that the server writes."""

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

import anyio.to_thread
from sqlalchemy.exc import IntegrityError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from core.errors import N_, UserError
from feedback_db import logins, people
from feedback_db.logins import Login
from feedback_db.permits import APP
from feedback_db.raters import Invitation, Refused
from pages.entrance import company, cookies, passphrase
from pages.entrance.admission import asked_for
from pages.entrance.caller import Caller, endpoint, later, local, read, spoken
from pages.entrance.doorway import field, paragraph, said, way, wrong
from pages.entrance.throttle import Pace
from pages.parts.invitations import WHY
from pages.parts.text import _
from pages.parts.work import database

MOST_NAME = 100  # characters
tries = passphrase.Tries()
# Few digits: many addresses together must guess slowly.
pin_tries = passphrase.Tries(by_name=Pace(free=20, first=5, most=60))

MISMATCH = UserError(
    N_("Name and passphrase do not belong together."), N_("Check both. Small and capital letters are different.")
)
NO_LINK = UserError(
    N_("This link works no more: it was used already, or it is older than 24 hours."),
    N_("Ask a lead for a new one."),
)
NO_NAME = UserError(N_("There is no name."), N_("Write the name with which you will sign in."))
TAKEN = UserError(N_("Somebody else has this name."), N_("Choose another one."))
WRONG_PIN = UserError(N_("This PIN is not right."), N_("Ask the person who gave you the tablet."))


def sign_in(caller: Caller, *before: str, status: int = 200) -> Response:
    """GET /login"""
    here = login_of(caller)
    if here is not None and here.role != "rater" and not before:
        return caller.go(local(caller.query.get("next")))
    fields = [
        field(_("Name"), "name", caller.given.get("name", "")[:MOST_NAME]),
        field(_("Passphrase"), "passphrase"),
    ]
    to_provider = f"/login?{urlencode({**caller.query, 'company': 1})}"
    return caller.page(
        _("Sign in"),
        *before,
        *([said(_("You have signed out."))] if "out" in caller.request.query_params and not before else []),
        caller.form(fields, _("Sign in")),
        *([way(to_provider, _("Sign in with the company account"))] if company.is_configured() else []),
        paragraph(_("If you have forgotten the passphrase, ask a lead for a new link.")),
        paragraph(_("To rate maps, open the address or scan the code of your invitation. It needs no passphrase.")),
        status=status,
    )


def try_in(caller: Caller) -> Response:
    """POST /login"""
    name, typed = _name(caller), passphrase.same(caller.given.get("passphrase", ""))
    key = passphrase.same(name).casefold()
    if wait := tries.begin(key, caller.client):
        return later(sign_in, caller, wait)
    with database().reading(APP) as db:
        found = people.sign_in(db, name) if name else None
    person, kept = found or (None, "")
    if not people.matches(kept, typed) or person is None:
        return sign_in(caller, wrong(MISMATCH), status=403)
    tries.right(key, caller.client)
    return begin(caller, person.id, local(caller.query.get("next")))


def choose(caller: Caller, *before: str, status: int = 200) -> Response:
    """GET /enter: it does not use the link up, because programs that show what is behind a link open it too."""
    with database().reading(APP) as db:
        person = people.linked(db, caller.query.get("key", ""))
    if person is None:
        return caller.page(_("Choose a passphrase"), wrong(NO_LINK), way("/login", _("Sign in")), status=404)
    fields = [
        *([] if person.name else [field(_("Name"), "name", caller.given.get("name", "")[:MOST_NAME])]),
        field(_("Passphrase"), "chosen", hint=_("At least 12 characters. A short sentence is easy to keep in mind.")),
        field(_("The same once more"), "again"),
    ]
    welcome = _("Welcome, {name}.").format(name=person.name) if person.name else _("Welcome.")
    told = _("From now on you sign in with your name and the passphrase that you choose here.")
    parts = (paragraph(welcome), paragraph(told), *before, caller.form(fields, _("Keep it and go in")))
    return caller.page(_("Choose a passphrase"), *parts, status=status)


def settle(caller: Caller) -> Response:
    """POST /enter"""
    key = caller.query.get("key", "")
    with database().reading(APP) as db:
        person = people.linked(db, key)
    if person is None:
        return choose(caller)
    name = person.name or _name(caller)
    try:
        if not name:
            raise NO_NAME
        chosen = passphrase.check(caller.given.get("chosen", ""), caller.given.get("again", ""), name)
        kept = people.hashed(chosen)
        with database().session(APP) as db:
            settled = people.settle(db, key, name, kept)
            if settled is not None:  # whoever was signed in with what was known before
                logins.end_all(db, settled.id)
    except UserError as error:
        return choose(caller, wrong(error), status=400)
    except IntegrityError:
        return choose(caller, wrong(TAKEN), status=400)
    return choose(caller) if settled is None else begin(caller, settled.id, "/")


def leave(caller: Caller, *before: str, status: int = 200) -> Response:
    """GET /logout"""
    here = login_of(caller)
    if here is None:
        return caller.go("/login")
    whose = paragraph(_("You are signed in as {name}.").format(name=here.name)) if here.name else ""
    parts = (*before, whose, caller.form([], _("Sign out")), way("/", _("Stay signed in")))
    return caller.page(_("Sign out?"), *parts, status=status)


def left(caller: Caller) -> Response:
    """POST /logout"""
    _end(caller)
    response = caller.go("/login?out=1")
    cookies.clear_cookie(response)
    return response


def ask_pin(caller: Caller, *before: str, status: int = 200) -> Response:
    """GET /pin?invite=… or ?seat=…, as the address of /rate"""
    try:
        if not invitation_of(caller).pin:
            return caller.go(_rating(caller))
    except Refused as no:
        return refused(caller, no)
    told = _("The person who gave you the tablet knows it.")
    return caller.page(_("PIN"), *before, caller.form([field(_("PIN"), "pin", hint=told)], _("Next")), status=status)


def try_pin(caller: Caller) -> Response:
    """POST /pin"""
    try:
        invitation = invitation_of(caller)
    except Refused as no:
        return refused(caller, no)
    if wait := pin_tries.begin(invitation.id, caller.client):
        return later(ask_pin, caller, wait)
    if not people.matches(invitation.pin, passphrase.same(caller.given.get("pin", "")).strip()):
        return ask_pin(caller, wrong(WRONG_PIN), status=403)
    pin_tries.right(invitation.id, caller.client)
    with database().session(APP) as db:
        token = logins.begin_rating(db, invitation.id)
    response = caller.go(_rating(caller))
    cookies.set_cookie(response, token, caller.request.url.scheme)
    return response


def refused(caller: Caller, no: Refused) -> Response:
    """An invitation that lets nobody in."""
    return caller.page(_("Rate"), wrong(UserError(*WHY[no.why])), status=404)


async def at_login(request: Request) -> Response:
    """Our own page, or on to the provider of company accounts, which is asked who this is."""
    if "company" not in request.query_params or not company.is_configured():
        return await by_name(request)
    request.session["next"] = local(request.query_params.get("next"))
    return RedirectResponse(company.way_in(), 303)


async def from_company(request: Request) -> Response:
    """Where the provider sends the browser back to."""
    told = await company.answer(request)
    then = local(request.session.pop("next", "/"))
    caller = read(request, {}, path="/login")
    return await anyio.to_thread.run_sync(spoken, partial(known, told=told, then=then), caller)


def known(caller: Caller, told: Mapping[str, Any], then: str) -> Response:
    """In with a company account, if a lead has entered it."""
    try:
        email = company.email(told)
        with database().reading(APP) as db:
            person = people.by_email(db, email)
        if person is None:
            raise company.unknown(email)
    except UserError as error:
        return sign_in(caller, wrong(error), status=403)
    return begin(caller, person.id, then)


def begin(caller: Caller, person_id: str, then: str) -> Response:
    """Sign somebody in, with a cookie that this browser did not have before."""
    _end(caller)
    with database().session(APP) as db:
        token = logins.begin(db, person_id)
    response = caller.go(then)
    cookies.set_cookie(response, token, caller.request.url.scheme)
    return response


def login_of(caller: Caller) -> Login | None:
    with database().reading(APP) as db:
        return logins.of(db, cookies.token(caller.request.scope))


def invitation_of(caller: Caller) -> Invitation:
    """Whose PIN is asked for. Raises Refused."""
    with database().reading(APP) as db:
        return asked_for(db, caller.query.get("seat", ""), caller.query.get("invite", ""))


def _rating(caller: Caller) -> str:
    return f"/rate?{urlencode({name: value for name, value in caller.query.items() if name in ('invite', 'seat')})}"


def _end(caller: Caller) -> None:
    here = login_of(caller)
    if here is not None:
        with database().session(APP) as db:
            logins.end(db, here.id)


def _name(caller: Caller) -> str:
    return "".join(letter for letter in caller.given.get("name", "") if letter.isprintable()).strip()[:MOST_NAME]


by_name = endpoint(sign_in, try_in)
BOTH = ["GET", "POST"]
ROUTES = [
    Route("/login", at_login, methods=BOTH),
    Route("/enter", endpoint(choose, settle), methods=BOTH),
    Route("/logout", endpoint(leave, left), methods=BOTH),
    Route("/pin", endpoint(ask_pin, try_pin), methods=BOTH),
    Route(company.CALLBACK, from_company),
]
