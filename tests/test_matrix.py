"""Who reaches what over the network: every route of the running app × every role × what became of the login.

`manage.py test tests/test_matrix.py -s` prints it. The routes are taken from the app itself, so one that a new
Streamlit brings along fails here until somebody says who may have it. What the functions behind them allow:
tests/test_permits.py.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from pages.entrance.gate import NOBODY, NOTHING, say
from pages.entrance.ways import LEAD, SCREENS, SIGNED_IN, STAFF
from tests.browser import ROOT
from tests.client import Client
from tests.house import STATES, House, house
from tests.streams import Tab, refusal, tab

ROLES = ("lead", "manager", "rater")
NONE: frozenset[str] = frozenset()
ANYBODY = SIGNED_IN | {"nobody"}
ELSEWHERE = {"X-Forwarded-For": "192.0.2.7"}  # as through a proxy, for somebody on another computer
READ, FORM = ("GET", "HEAD"), ("GET", "HEAD", "POST")
LIST = """
import app, json
made = app.app._build_starlette_app()
found = [[route.path, sorted(getattr(route, "methods", None) or [])] for route in made.routes]
print(json.dumps(found))
"""


class Row(NamedTuple):
    """Of the table of routes: written down once more, so that a change by mistake is a difference."""

    example: str  # an address that the route answers
    methods: tuple[str, ...]  # that may be used at all
    roles: frozenset[str]


UPLOAD = "/_stcore/upload_file/{session_id}/{file_id}"
STREAM = "/_stcore/stream"
ROUTES = {
    "/api/ratings": Row("/api/ratings", ("POST",), SIGNED_IN),
    "/healthz": Row("/healthz", READ, ANYBODY),
    "/metrics": Row("/metrics", READ, LEAD),  # on this computer itself anybody: tests/test_operations.py
    "/login": Row("/login", FORM, ANYBODY),
    "/enter": Row("/enter", FORM, ANYBODY),
    "/logout": Row("/logout", FORM, ANYBODY),
    "/pin": Row("/pin", FORM, ANYBODY),
    "/_stcore/health": Row("/_stcore/health", READ, SIGNED_IN),
    "/_stcore/host-config": Row("/_stcore/host-config", READ, SIGNED_IN),
    STREAM: Row(STREAM, ("WEBSOCKET",), SIGNED_IN),
    "/media/{file_id:path}": Row("/media/none.csv", READ, STAFF),
    UPLOAD: Row("/_stcore/upload_file/{session}/one", ("DELETE",), LEAD),  # PUT: tests/test_gate_team.py
    "": Row("/favicon.png", READ, ANYBODY),
    # not for us
    "/oauth2callback": Row("/oauth2callback", (), NONE),  # unless company accounts are configured
    "/auth/login": Row("/auth/login", (), NONE),
    "/auth/logout": Row("/auth/logout", (), NONE),
    "/_stcore/metrics": Row("/_stcore/metrics", (), NONE),
    "/component/{path:path}": Row("/component/a/index.html", (), NONE),
    "/_stcore/bidi-components/{path:path}": Row("/_stcore/bidi-components/rating/rating.js", (), NONE),
    "/_stcore/agent/interact": Row("/_stcore/agent/interact", (), NONE),
    "/_stcore/agent/openapi.json": Row("/_stcore/agent/openapi.json", (), NONE),
    "/_stcore/agent/mcp": Row("/_stcore/agent/mcp", (), NONE),
}
PAGES = {
    "/": Row("/", ("GET",), SIGNED_IN),
    "/rate": Row("/rate", ("GET",), SIGNED_IN),
    **{f"/{name}": Row(f"/{name}", ("GET",), STAFF) for name in SCREENS if name != "rate"},
    "/no-such-screen": Row("/no-such-screen", ("GET",), NONE),
}


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("matrix")) as one:
        yield one


@pytest.fixture(scope="module")
def registered(team: House) -> list[tuple[str, list[str]]]:
    """Routes of the app as it runs, each with its methods."""
    env = os.environ | {"PILOT_TEAM": "1", "PILOT_DATA": str(team.app.data)}
    told = subprocess.run([sys.executable, "-c", LIST], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    return [(path, methods) for path, methods in json.loads(told.stdout.splitlines()[-1])]


class Person(NamedTuple):
    role: str
    state: str
    client: Client
    here: Tab | None  # somebody's open tab, with a session to upload to

    @property
    def name(self) -> str:
        return f"{self.role} {self.state}".strip()

    def is_one_of(self, roles: frozenset[str]) -> bool:
        return "nobody" in roles or (self.state == "active" and self.role in roles)


@pytest.fixture(scope="module")
def people(team: House) -> Iterator[list[Person]]:
    made = [Person("nobody", "", team.nobody, None)]
    for state in STATES:
        for role in ROLES:
            client = team.rater(state) if role == "rater" else team.staff(role, state)  # type: ignore[arg-type]
            made.append(Person(role, state, client, None))
    with tab(made[1].client) as here:
        here.draw()
        yield [made[0], made[1]._replace(here=here), *made[2:]]


def happens(person: Person, method: str, path: str) -> str:
    """What somebody gets who asks: "in", "nothing" as if it were not there, or "sign in"."""
    session = person.here.session if person.here else "none"
    if method == "WEBSOCKET":
        return {101: "in", 403: "sign in"}[refusal(person.client)]
    token = {"X-Xsrftoken": person.client.cookies.get("_streamlit_xsrf", "")}
    answer = person.client.send(method, path.format(session=session), None, token | ELSEWHERE)
    location = answer.headers.get("location") or ""
    if answer.status == 401 or (answer.status == 303 and location.startswith("/login?next=")):
        assert NOBODY in answer.body or method == "HEAD" or location
        return "sign in"
    is_gates = answer.headers["content-length"] == str(len(say(404, NOTHING).body))  # HEAD has no more to tell it by
    return "nothing" if answer.status == 404 and is_gates else "in"


def expected(person: Person, row: Row, method: str) -> str:
    if method in row.methods and person.is_one_of(row.roles):
        return "in"
    return "nothing" if person.state == "active" else "sign in"


def test_every_route_of_the_app_is_in_the_matrix(registered: list[tuple[str, list[str]]]):
    assert {path for path, _ in registered} == {*ROUTES}


def test_each_route_lets_in_whom_it_is_for_and_nobody_else(
    people: list[Person], registered: list[tuple[str, list[str]]]
):
    methods = {path: set() for path in {*ROUTES, *PAGES}}
    for path, known in registered:
        methods[path] |= {*known} - {"PUT"} or {*ROUTES[path].methods}
    wrong, lines = [], [f"{'':53}{' '.join(person.name for person in people)}"]
    for path, row in {**ROUTES, **PAGES}.items():
        for method in sorted(methods[path] | {*row.methods} | ({"GET"} if not row.methods else set())):
            got = [happens(person, method, row.example) for person in people]
            told = [mark.ljust(len(person.name)) for mark, person in zip(got, people, strict=True)]
            lines.append(f"{method:10}{row.example:43}{' '.join(told)}")
            wanted = [expected(person, row, method) for person in people]
            wrong += [lines[-1]] if got != wanted else []
    sys.stdout.write("\n" + "\n".join(lines) + f"\n{(len(lines) - 1) * len(people)} cells\n")
    assert wrong == []
