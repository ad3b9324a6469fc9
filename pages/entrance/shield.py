"""What every answer tells the browser about how far to trust it."""

import base64
import hashlib
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from streamlit import file_util

from pages.entrance.cookies import Scope, is_secure
from pages.entrance.hosts import host_of

Headers = list[tuple[bytes, bytes]]

# Found out with every screen in Chromium. Components of ours arrive as blob:, emotion and Vega write styles; nothing is
# evaluated, because Streamlit draws charts with Vega's interpreter. 'self' alone is no websocket in older Safaris.
POLICY = (
    "default-src 'self'; script-src 'self' blob: {scripts}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' {socket}; object-src 'none'; "
    "frame-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
ALWAYS = {
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    # Addresses hold invitations, so other sites get none. "no-referrer" would take the origin from our own forms too,
    # and then nobody could tell them from another site's.
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), bluetooth=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
TLS_ONLY = ("strict-transport-security", "max-age=31536000")
REPLACED = {*ALWAYS, "content-security-policy", TLS_ONLY[0]}


def shielded(headers: Iterable[tuple[bytes, bytes]], scope: Scope) -> Headers:
    """An answer's headers with ours in place of its own; none that lets other sites read it."""
    kept = [(name, value) for name, value in headers if not _is_ours(name.decode("latin-1").lower())]
    told = {**ALWAYS, "content-security-policy": policy(scope)}
    if is_secure(scope["scheme"]):
        told |= (TLS_ONLY,)
    return kept + [(name.encode(), value.encode("latin-1")) for name, value in told.items()]


def policy(scope: Scope) -> str:
    host = host_of(scope)
    socket = host and f"{'wss' if is_secure(scope['scheme']) else 'ws'}://{host}"
    return POLICY.format(scripts=" ".join(page_scripts()), socket=socket)


@cache
def page_scripts() -> tuple[str, ...]:
    """Hashes of the scripts that stand in Streamlit's page itself: these run, and no other."""
    page = (Path(file_util.get_static_dir()) / "index.html").read_text(encoding="utf-8")
    inline = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    return tuple(f"'sha256-{base64.b64encode(hashlib.sha256(one.encode()).digest()).decode()}'" for one in inline)


def _is_ours(name: str) -> bool:
    return name in REPLACED or name.startswith("access-control-")
