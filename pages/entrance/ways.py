"""What there is to ask for, and who may. What is not listed here is not there: also whatever Streamlit brings along
that this app has no use for, as its programming interface for agents, its metrics, and components of other packages.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from streamlit import file_util

from pages.parts import post

Role = Literal["lead", "manager", "rater", "nobody"]

LEAD: frozenset[Role] = frozenset({"lead"})
STAFF: frozenset[Role] = LEAD | {"manager"}
SIGNED_IN: frozenset[Role] = STAFF | {"rater"}
ANYBODY: frozenset[Role] = SIGNED_IN | {"nobody"}
READ = ("GET", "HEAD")
SOCKET = ("WEBSOCKET",)
SCREENS = sorted({file.stem for file in Path(__file__).parents[1].glob("*.py")} - {"frame", "home"})  # home is at /


@dataclass(frozen=True, slots=True)
class Way:
    path: str  # a regular expression for all of it
    methods: tuple[str, ...]
    roles: frozenset[Role]

    def leads_to(self, method: str, path: str) -> bool:
        return method in self.methods and re.fullmatch(self.path, path) is not None


RATING = "/rate"
HEALTH, FIGURES = "/healthz", "/metrics"
STREAM = "/_stcore/stream"
UPLOAD = "/_stcore/upload_file/([^/]+)/[^/]+"  # the group: which of Streamlit's sessions
PRODUCT = (
    Way("/", READ, SIGNED_IN),
    Way(RATING, READ, SIGNED_IN),
    Way(f"/({'|'.join(SCREENS)})", READ, STAFF),
    Way("/_stcore/(health|host-config)", READ, SIGNED_IN),
    Way(STREAM, SOCKET, SIGNED_IN),
    Way("/media/[^/]+", READ, STAFF),
    Way(UPLOAD, ("PUT", "DELETE"), LEAD),
    Way(post.ADDRESS, ("POST",), SIGNED_IN),
    Way(HEALTH, READ, ANYBODY),
    Way(FIGURES, READ, LEAD),  # and whoever is on this computer, where monitoring agents have no login
)
DOOR = (Way("/(login|enter|pin|logout)", (*READ, "POST"), ANYBODY),)
COMPANY = (Way("/auth/login|/oauth2callback", READ, ANYBODY),)  # Streamlit's, where company accounts are configured


@cache
def files() -> frozenset[str]:
    """Of Streamlit's page. The same come with every Streamlit, and a page asks for some hundred of them: anybody may
    have them, nobody is looked up for them, and they count for nothing. The sign-in page needs none."""
    folder = Path(file_util.get_static_dir())
    below = (file.relative_to(folder).as_posix() for file in (folder / "static").rglob("*") if file.is_file())
    return frozenset({"/favicon.png", *(f"/{file}" for file in below)})


def way(ways: tuple[Way, ...], method: str, path: str) -> Way | None:
    return next((one for one in ways if one.leads_to(method, path)), None)
