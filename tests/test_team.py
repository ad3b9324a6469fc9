"""Team mode from the console: what is said at the start, links for leads, and what does not start."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from streamlit import config

from feedback_db import people
from feedback_db.permits import APP
from pages.entrance import secret, team
from pages.parts import work
from tests.screens import Place
from tests.test_structure import ROOT

LINK = re.compile(r"(\S+)/enter\?key=(\S+)")


@pytest.fixture
def options() -> Iterator[None]:
    """Streamlit's, as they were before."""
    names = ("server.address", "server.port", "server.sslCertFile", "server.cookieSecret")
    before = {name: config.get_option(name) for name in names}
    yield
    for name, value in before.items():
        config.set_option(name, value)


def greeted(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """What the console shows, and the key of the link in it."""
    team.greet()
    said = capsys.readouterr().out
    found = LINK.search(said)
    return said, found[2] if found else ""


def whose(key: str) -> people.Person | None:
    with work.database().reading(APP) as db:
        return people.linked(db, key)


def settle(key: str, name: str) -> None:
    with work.database().session(APP) as db:
        people.settle(db, key, name, "a hash")


@pytest.mark.usefixtures("place")
def test_the_first_leads_link_is_new_at_each_start_and_gone_once_somebody_used_it(capsys: pytest.CaptureFixture[str]):
    (_, first), (_, second) = greeted(capsys), greeted(capsys)
    assert whose(first) is None
    assert whose(second) is not None
    settle(second, "Tanaka")
    said, none = greeted(capsys)
    assert none == ""
    assert "Open it at http" in said


@pytest.mark.usefixtures("place", "options")
def test_addresses_are_the_machines_own_or_the_one_that_was_given(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    config.set_option("server.port", 8777)
    assert f"Open it at http://{socket.gethostname()}:8777\nor at http://" in greeted(capsys)[0]
    config.set_option("server.sslCertFile", "x.pem")
    assert f"Open it at https://{socket.gethostname()}:8777" in greeted(capsys)[0]
    monkeypatch.setenv("PILOT_ADDRESS", "https://pilot.plant.example")
    assert "\nhttps://pilot.plant.example/enter?key=" in greeted(capsys)[0]


@pytest.mark.usefixtures("place")
def test_a_lost_passphrase_is_mended_from_the_console_and_a_new_lead_let_in(capsys: pytest.CaptureFixture[str]):
    settle(greeted(capsys)[1], "Tanaka")
    team.lead(["tanaka", "--address", "pilot.plant.example:8501"])
    again = LINK.search(capsys.readouterr().out)
    assert again is not None
    person = whose(again[2])
    assert (again[1], person and person.name) == ("http://pilot.plant.example:8501", "Tanaka")
    team.lead([])
    other = LINK.search(capsys.readouterr().out)
    assert other is not None
    new = whose(other[2])
    assert new is not None
    assert (new.name, new.role) == ("", "lead")
    with pytest.raises(SystemExit, match="Nobody here is called 'Suzuki'"):
        team.lead(["Suzuki"])


@pytest.mark.parametrize("address", ["ftp://plant", "https://", "https://plant/app", "http://plant?x=1"])
def test_an_address_that_is_none_is_refused(address: str):
    with pytest.raises(SystemExit, match=r"Write it like https://pilot\.plant\.example"):
        team.lead(["--address", address])


@pytest.mark.usefixtures("place", "options")
@pytest.mark.parametrize("address", ["0.0.0.0", "192.0.2.7", "::", None])  # noqa: S104
def test_without_logins_the_app_listens_to_this_computer_only(address: str | None):
    config.set_option("server.address", "127.0.0.1")
    team.prepare()
    config.set_option("server.address", address)
    with pytest.raises(SystemExit, match=r"for this computer only.*manage.py run --team"):
        team.prepare()


@pytest.mark.usefixtures("options")
def test_streamlit_signs_with_a_key_of_our_secret(place: Place, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PILOT_TEAM", "1")
    secret.make(place.folder)
    team.prepare()
    assert config.get_option("server.cookieSecret") == secret.key(secret.read(place.folder), "streamlit")


def test_team_mode_does_not_start_without_its_secret_and_says_what_to_do(place: Place):
    start = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", "0"]
    env = os.environ | {"PILOT_DATA": str(place.folder), "PILOT_TEAM": "1"}
    refused = subprocess.run(start, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
    assert refused.returncode == 1
    assert "Team mode needs its secret" in refused.stderr
    assert "Traceback" not in refused.stderr
