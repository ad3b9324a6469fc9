"""Under which addresses the app answers.

A site that somebody visits can have its own name lead to this computer (DNS rebinding), and then read the app as if it
were a part of that site: so a name that is not ours gets nothing. What changes something must come from our own pages.
"""

import re
import socket
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from pages.entrance import cookies
from pages.entrance.cookies import Scope

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?")
TLS = {"http": "https", "ws": "wss"}
PASSED_ON = (b"x-forwarded-for", b"forwarded", b"x-real-ip", b"via")  # what a proxy says of whom it asks for


@dataclass(frozen=True, slots=True)
class Hosts:
    """Whom a request may be meant for."""

    names: frozenset[str] = LOOPBACK
    is_open: bool = False  # to the network: then also the address of this computer at which a request arrived
    proxy: str = ""  # "name" or "name:port" of a server in front of us that speaks TLS; ours alone speaks none

    def knows(self, scope: Scope) -> bool:
        host = host_of(scope)
        if not host:
            return False
        name = _name(host)
        return name in self.names or host == self.proxy or (self.is_open and name == _arrived_at(scope))

    def scheme(self, scope: Scope) -> str:
        """As the browser sees it."""
        scheme = str(scope["scheme"])
        return TLS.get(scheme, scheme) if host_of(scope) == (self.proxy or None) else scheme


def here() -> Hosts:
    """Of an app that only this computer reaches."""
    return Hosts()


def reached(address: str) -> Hosts:
    """Of an app that others reach.

    Args:
        address: where people find it, as https://pilot.plant.example, or "". One with TLS is the only way in from
            elsewhere: beside it, passphrases would travel in the clear.
    """
    told = urlsplit(address.lower())
    if told.scheme == "https":
        return Hosts(proxy=told.netloc.removesuffix(":443"))
    own = socket.gethostname().lower()
    names = {own, own.split(".")[0], f"{own.split('.')[0]}.local", told.hostname or own}
    return Hosts(LOOPBACK | names, is_open=True)


def host_of(scope: Scope) -> str:
    """The one Host header, in small letters; nothing where there is none, or several, or something else in it."""
    sent = [value.lower() for value in cookies.headers(scope, b"host")]
    return sent[0] if len(sent) == 1 and HOST.fullmatch(sent[0]) else ""


def is_from_here(scope: Scope) -> bool:
    """Whether a program on this computer asks, and not a proxy on it for somebody elsewhere."""
    sender = scope.get("client") or ("",)
    passed_on = any(cookies.headers(scope, name) for name in PASSED_ON)
    return sender[0] in LOOPBACK and _name(host_of(scope)) in LOOPBACK and not passed_on


def is_own_origin(scope: Scope) -> bool:
    """Whether a page of ours sends this, as browsers tell with whatever changes something. Who tells nothing is no
    browser on one of our pages either."""
    scheme = "https" if cookies.is_secure(scope["scheme"]) else "http"
    return cookies.headers(scope, b"origin") == [f"{scheme}://{host_of(scope)}"]


def _name(host: str) -> str:
    """Of a Host header, without its port."""
    return HOST.sub(r"\1", host).strip("[]").rstrip(".")


def _arrived_at(scope: Scope) -> str:
    server = scope.get("server")
    if not server:
        return ""
    try:
        address = ip_address(server[0])
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
