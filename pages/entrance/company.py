"""The company account (OpenID Connect): Streamlit's own sign-in talks to the provider, here its answer is judged.

Streamlit would hand the answer to the browser in a cookie that is good for a month, can be copied, and is cut into
pieces that are signed one by one. It never gets there: it is read on its way out, and a login of ours goes instead.
"""

import json
from collections.abc import Mapping
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import Response
from streamlit import auth_util
from streamlit.web.server.server_util import AUTH_COOKIE_NAME, get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_auth_routes import create_auth_routes

from core.errors import N_, UserError
from pages.entrance.hosts import LOOPBACK

CALLBACK = "/oauth2callback"
NEEDED = ("client_id", "client_secret", "server_metadata_url", "redirect_uri")
NOT_LET_IN = UserError(
    N_("The company account did not let you in."),
    N_("Try it again, or sign in with name and passphrase."),
)
UNVERIFIED = UserError(
    N_("The company account does not say that its e-mail address is yours."),
    N_("Ask those who run the company's accounts to have it verified."),
)


def is_configured() -> bool:
    return bool(auth_util.get_secrets_auth_section())


def check() -> None:
    """Raises UserError where what is configured cannot be made safe, before anybody signs in with it."""
    section = auth_util.get_secrets_auth_section()
    if not section:
        return
    missing = [name for name in NEEDED if not section.get(name)]
    if missing:
        raise UserError(
            N_("The company account is half configured: [auth] of .streamlit/secrets.toml lacks {missing}."),
            N_("Write it there, or take [auth] out."),
            missing=", ".join(missing),
        )
    if "cookie_secret" in section:
        raise UserError(
            N_("[auth] of .streamlit/secrets.toml has a cookie_secret."),
            N_("Take that line out: in team mode the app signs with the secret that it made itself."),
        )
    back = urlsplit(auth_util.get_redirect_uri(section) or "")
    if back.path != CALLBACK or not (back.scheme == "https" or back.hostname in LOOPBACK):
        raise UserError(
            N_("Company accounts need an address with https that ends in {callback}, not {address}."),
            N_("Put redirect_uri right in [auth] of .streamlit/secrets.toml, or take [auth] out."),
            callback=CALLBACK,
            address=back.geturl(),
        )


def way_in() -> str:
    """Where the browser goes to begin; good for two minutes."""
    return f"/auth/login?{urlencode({'provider': auth_util.encode_provider_token('default')})}"


async def answer(request: Request) -> Mapping[str, Any]:
    """What the provider says of who came back from it; empty if that is nobody, or was not asked for here."""
    streamlits = next(route for route in create_auth_routes("") if route.path == CALLBACK)
    response: Response = await streamlits.endpoint(request)
    given: SimpleCookie = SimpleCookie()
    for line in response.headers.getlist("set-cookie"):
        given.load(line)

    def one(name: str) -> bytes | None:
        return decode_signed_value(get_cookie_secret(), name, given[name].value) if name in given else None

    found = auth_util.get_cookie_with_chunks(one, AUTH_COOKIE_NAME)
    return {} if found is None else dict(json.loads(found))


def email(told: Mapping[str, Any]) -> str:
    """The e-mail address that the provider vouches for. Raises UserError."""
    audience, address = told.get("aud"), str(told.get("email") or "").strip()
    meant = auth_util.get_secrets_auth_section().get("client_id")
    if meant not in (audience if isinstance(audience, list) else [audience]) or not address:
        raise NOT_LET_IN
    if told.get("email_verified") is not True:
        raise UNVERIFIED
    return address


def unknown(address: str) -> UserError:
    return UserError(
        N_("Nobody has entered this e-mail address here: {email}"),
        N_("Ask a lead to enter it for you, then sign in again."),
        email=address,
    )
