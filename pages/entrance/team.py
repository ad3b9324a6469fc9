"""Team mode from the console: `manage.py run --team` starts here, and `manage.py lead` makes a link for a lead.

Whoever may start the app on this machine is trusted with the first lead's link: nobody else reads its console.
"""

import argparse
import os
import socket
import sys
from urllib.parse import urlencode, urlsplit

import streamlit as st
from streamlit import config
from streamlit.web import cli

from core.errors import N_, UserError
from feedback_db import people
from feedback_db.permits import APP
from feedback_db.place import data_folder
from pages.entrance import company, secret
from pages.entrance.hosts import LOOPBACK
from pages.parts import who
from pages.parts.work import database

PORT = 8501  # Streamlit's
ANYWHERE = ("192.0.2.1", 9)  # of an address block that nobody has: which way out is asked, nothing is sent


def run(words: list[str]) -> None:
    """Start the app for a team, in this process. Words that are not ours go to Streamlit."""
    asked = argparse.ArgumentParser(prog="manage.py run --team", allow_abbrev=False, add_help=False)
    asked.add_argument("--port", default=str(PORT))
    asked.add_argument("--address", default="")
    asked.add_argument("--cert", default="")
    asked.add_argument("--key", default="")
    ours, rest = asked.parse_known_args(words)
    os.environ["PILOT_TEAM"] = "1"
    if ours.address:
        os.environ["PILOT_ADDRESS"] = _base(ours.address)
    tls = ["--server.sslCertFile", ours.cert, "--server.sslKeyFile", ours.key] if ours.cert or ours.key else []
    listening = ["--server.address", "0.0.0.0", "--server.port", ours.port]  # noqa: S104  tablets are to reach it
    # Streamlit's own greeting would ask a computer on the internet for this one's address.
    quiet = ["--logger.hideWelcomeMessage", "true"]
    secret.make(data_folder())
    sys.argv = ["streamlit", "run", "app.py", *listening, *quiet, *tls, *rest]
    cli.main(prog_name="streamlit")


def lead(words: list[str]) -> None:
    """A link for a new lead, or with a name for somebody who has lost the passphrase."""
    asked = argparse.ArgumentParser(prog="manage.py lead", allow_abbrev=False)
    asked.add_argument("name", nargs="?", default="", help="who has lost the passphrase; without it, a new lead")
    usual = os.environ.get("PILOT_ADDRESS") or f"http://{socket.gethostname()}:{PORT}"
    asked.add_argument("--address", default=usual, help="where people open the app")
    ours = asked.parse_args(words)
    address = _base(ours.address)
    with database().session(APP) as db:
        found = people.sign_in(db, ours.name) if ours.name else None
        if ours.name and found is None:
            sys.exit(f"Nobody here is called {ours.name!r}.")
        token = people.link(db, found[0].id) if found else people.first_link(db)
    _tell(f"This link works once, within 24 hours: {_link(address, token)}")


def prepare() -> None:
    """Before the app is built: in team mode nothing is signed with anything but the secret that we made."""
    try:
        if not who.is_team():
            _stay_here(st.get_option("server.address"))
            return
        drawn = secret.read(data_folder())
        company.check()
    except UserError as error:
        sys.exit(str(error))
    config.set_option("server.cookieSecret", secret.key(drawn, "streamlit"))


def greet() -> None:
    """Once the app is there: where to open it, and how the first lead gets in."""
    found = addresses()
    _tell("The app runs for a team. Open it at " + "\nor at ".join(found))
    with database().session(APP) as db:
        token = None if people.has_lead(db) else people.first_link(db)
    if token is not None:
        _tell(
            f"There is no lead yet. This link lets the first one in, once, within 24 hours:\n{_link(found[0], token)}"
        )


def addresses() -> list[str]:
    """Where browsers find the app, the best first."""
    if known := os.environ.get("PILOT_ADDRESS"):
        return [known]
    scheme = "https" if st.get_option("server.sslCertFile") else "http"
    return [f"{scheme}://{name}:{st.get_option('server.port')}" for name in names()]


def names() -> list[str]:
    """What this machine is called in its network: its name and its address there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way_out:
        try:
            way_out.connect(ANYWHERE)
            address = way_out.getsockname()[0]
        except OSError:  # no network at all
            address = "127.0.0.1"
    return [socket.gethostname(), address]


def _stay_here(address: str | None) -> None:
    """Without logins, the app is for whoever sits at this computer."""
    if address not in LOOPBACK:
        raise UserError(
            N_("Without logins the app is for this computer only, and does not listen on {address}."),
            N_("For tablets and other computers start it with manage.py run --team."),
            address=address or "0.0.0.0",  # noqa: S104  what Streamlit makes of nothing
        )


def _base(address: str) -> str:
    """scheme://host[:port] of an address; ends with a sentence where it is none."""
    parts = urlsplit(address if "//" in address else f"http://{address}")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        sys.exit(f"{address!r} is not where browsers could find the app. Write it like https://pilot.plant.example")
    return f"{parts.scheme}://{parts.netloc}"


def _link(address: str, token: str) -> str:
    return f"{address}/enter?{urlencode({'key': token})}"


def _tell(text: str) -> None:
    sys.stdout.write(f"\n{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    {"run": run, "lead": lead}[sys.argv[1]](sys.argv[2:])
