"""The cookie that says who somebody is. It holds a secret that the database knows by its hash only."""

from collections.abc import MutableMapping
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from starlette.requests import cookie_parser
from starlette.responses import Response

Scope = MutableMapping[str, Any]  # ASGI's, of a request or a websocket

NAME = "pilot_login"
HOST_NAME = f"__Host-{NAME}"  # behind TLS: a browser then takes it from nobody but this very host
HOUSEHOLD = 64  # bits of an IPv6 address that one network shares; the rest each device makes up


def set_cookie(response: Response, token: str, scheme: str) -> None:
    """Until the browser is closed; how long it counts, the database decides.

    Args:
        scheme: of the address as the browser sees it: `request.url.scheme`, which the gate has put right.
    """
    secure = is_secure(scheme)
    response.set_cookie(HOST_NAME if secure else NAME, token, path="/", secure=secure, httponly=True, samesite="lax")


def clear_cookie(response: Response) -> None:
    """Of either name: a browser forgets a __Host- cookie only when told by one that may set it."""
    response.delete_cookie(NAME, path="/", httponly=True, samesite="lax")
    response.delete_cookie(HOST_NAME, path="/", secure=True, httponly=True, samesite="lax")


def token(scope: Scope) -> str:
    """What the browser sent, or nothing. Behind TLS the weaker name counts for nothing: anybody near could set it."""
    jar = cookie_parser("; ".join(headers(scope, b"cookie")))
    return jar.get(HOST_NAME if is_secure(scope["scheme"]) else NAME, "")


def client(scope: Scope) -> str:
    """Whom a limit counts for where nobody has signed in: the sender's address, of IPv6 its network."""
    sender = scope.get("client")
    if not sender:
        return ""
    try:
        address = ip_address(sender[0])
    except ValueError:
        return str(sender[0])
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or ip_network((address, HOUSEHOLD), strict=False))
    return str(address)


def headers(scope: Scope, name: bytes) -> list[str]:
    """Every value of a header; name in lower case."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def is_secure(scheme: str) -> bool:
    return scheme in ("https", "wss")
