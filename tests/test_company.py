"""Company accounts: the real app, a small provider of accounts, real HTTP between them."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from itsdangerous import URLSafeTimedSerializer
from joserfc.jwk import RSAKey
from streamlit import config
from streamlit.runtime.secrets import secrets_singleton

from core.errors import UserError
from feedback_db import logins, people
from feedback_db.database import Database, connect
from feedback_db.permits import APP, LOCAL
from pages.entrance import company, secret
from tests.browser import ROOT, App, TeamApp
from tests.client import Answer, Client, serving
from tests.provider import CLIENT, Provider

EMAIL = "tanaka@plant.example"
VERIFIED = {"email": EMAIL, "email_verified": True}
GUESS = "not the right one"
NOT_LET_IN = "The company account did not let you in."


class CompanyApp(TeamApp):
    """With company accounts configured."""

    def words(self) -> list[str]:
        return [*super().words(), "--secrets.files", str(self.data / "secrets.toml")]


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    made = Provider()
    with serving(made.app()) as made.address:
        yield made


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[App]:
    data = tmp_path_factory.mktemp("company")
    configure(data, server_metadata_url=f"{provider.address}/.well-known/openid-configuration")
    running = CompanyApp(data, ROOT / "app.py", has_engine=False)
    with database_of(running) as db, db.session(LOCAL) as session:
        people.invite(session, "Tanaka", "manager", EMAIL)
        people.invite(session, "Suzuki", "lead")  # without a company account
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def someone(app: App, provider: Provider) -> Client:
    provider.claims, provider.published = dict(VERIFIED), None
    return Client(app.address)


@contextmanager
def database_of(app: App) -> Iterator[Database]:
    db = connect(f"sqlite:///{(app.data / 'pilot.db').as_posix()}")
    try:
        yield db
    finally:
        db.close()


def configure(folder: Path, **more: str) -> Path:
    told = {"client_id": CLIENT, "client_secret": "shared", "redirect_uri": "http://127.0.0.1:{port}/oauth2callback"}
    file = folder / "secrets.toml"
    lines = [f'{name} = "{value}"' for name, value in (told | more).items()]
    file.write_text("\n".join(["[auth]", *lines]), encoding="utf-8")
    return file


def path_of(answer: Answer) -> str:
    """Where it leads, without the computer."""
    parts = urlsplit(answer.headers["location"])
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def come_back(client: Client, provider: Provider, start: str = "/login?company=1") -> str:
    """From our page to the provider; returns the address with which it sends the browser back."""
    asked = client.get(path_of(client.get(start)))
    assert asked.headers["location"].startswith(f"{provider.address}/authorize?"), asked
    return path_of(Client(provider.address).get(path_of(asked)))


def through(client: Client, provider: Provider, start: str = "/login?company=1") -> Answer:
    return client.get(come_back(client, provider, start))


def is_in(client: Client, app: App) -> bool:
    with database_of(app) as db, db.reading(APP) as session:
        return logins.of(session, client.cookies.get("pilot_login", "")) is not None


def test_a_verified_address_that_a_lead_has_entered_gets_in_and_back_to_where_it_was_going(
    someone: Client, app: App, provider: Provider
):
    assert "Sign in with the company account" in someone.get("/login").words
    answer = through(someone, provider, "/login?company=1&next=/evidence")
    assert (answer.status, answer.headers["location"]) == (303, "/evidence?lang=en")
    assert is_in(someone, app)


def test_streamlits_own_cookie_never_reaches_the_browser(someone: Client, provider: Provider):
    answer = through(someone, provider)
    assert "_streamlit_user" not in " ".join(answer.headers.get_all("set-cookie"))  # type: ignore[attr-defined]
    assert not any(name.startswith("_streamlit_user") for name in someone.cookies)


def test_a_long_answer_in_several_pieces_is_read_too(someone: Client, app: App, provider: Provider):
    provider.claims["groups"] = ["x" * 50] * 200
    assert through(someone, provider).status == 303
    assert is_in(someone, app)


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"nonce": "of another sign-in"}, NOT_LET_IN),
        ({"aud": "another app"}, NOT_LET_IN),
        ({"aud": "another app", "azp": CLIENT}, NOT_LET_IN),
        ({"iss": "https://elsewhere.example"}, NOT_LET_IN),
        ({"exp": 1}, NOT_LET_IN),
        ({"email": ""}, NOT_LET_IN),
        ({"email": None}, NOT_LET_IN),
        ({"email_verified": False}, "does not say that its e-mail address is yours"),
        ({"email_verified": "true"}, "does not say that its e-mail address is yours"),
        ({"email_verified": None}, "does not say that its e-mail address is yours"),
        ({"email": "guest@elsewhere.example"}, "Nobody has entered this e-mail address here: guest@elsewhere.example"),
        ({"email": "<b>tanaka</b>"}, "Nobody has entered this e-mail address here: <b>tanaka</b>"),
    ],
)
def test_whoever_the_provider_does_not_vouch_for_hears_why_and_stays_outside(
    someone: Client, app: App, provider: Provider, claims: dict[str, object], said: str
):
    provider.claims |= claims
    answer = through(someone, provider)
    assert said in answer.words
    assert answer.status == 403
    assert "<b>" not in answer.body
    assert not is_in(someone, app)
    assert someone.fill(answer, "/login", name=str(claims), passphrase=GUESS).status == 403  # the form works here too


def test_a_token_that_another_key_signed_is_refused(someone: Client, app: App, provider: Provider):
    provider.published = RSAKey.generate_key(2048, {"kid": "1", "use": "sig"})
    assert NOT_LET_IN in through(someone, provider).words
    assert not is_in(someone, app)


def test_an_answer_counts_only_in_the_browser_that_asked_and_only_once(someone: Client, app: App, provider: Provider):
    back = come_back(someone, provider)
    victim = Client(app.address)
    victim.get("/login")
    assert NOT_LET_IN in victim.get(back).words
    assert not is_in(victim, app)
    assert someone.get(back).status == 303
    again = Client(app.address, cookies=dict(someone.cookies))
    again.cookies.pop("pilot_login")
    assert NOT_LET_IN in again.get(back).words
    assert not is_in(again, app)


@pytest.mark.parametrize("query", ["", "?error=access_denied", "?state=guess&code=guess"])
def test_an_answer_that_nobody_asked_for_lets_nobody_in(someone: Client, app: App, query: str):
    assert NOT_LET_IN in someone.get(f"/oauth2callback{query}").words
    assert not is_in(someone, app)


def test_streamlits_cookie_counts_for_nothing_however_well_it_is_signed(someone: Client, app: App):
    told = json.dumps({**VERIFIED, "aud": CLIENT, "is_logged_in": True, "provider": "default", "origin": app.address})
    for key in (secret.key(secret.read(app.data), "streamlit"), "guess"):
        someone.cookies["_streamlit_user"] = str(URLSafeTimedSerializer(key, salt="_streamlit_user").dumps(told))
        assert someone.get("/login").status == 200
        assert NOT_LET_IN in someone.get("/oauth2callback").words
        assert not is_in(someone, app)


def test_a_person_who_was_let_go_gets_in_no_more(someone: Client, app: App, provider: Provider):
    with database_of(app) as db, db.session(LOCAL) as session:
        people.invite(session, "Sato", "manager", "sato@plant.example")
        sato = next(one for one in people.everybody(session) if one.name == "Sato")
    provider.claims["email"] = "Sato@Plant.example"
    assert through(someone, provider).status == 303
    with database_of(app) as db, db.session(LOCAL) as session:
        people.revoke(session, sato.id)
    assert not is_in(someone, app)
    assert "Nobody has entered this e-mail address" in through(Client(app.address), provider).words


# --- what cannot be made safe is refused before anybody signs in


@pytest.fixture
def configured(tmp_path: Path) -> Iterator[Callable[..., None]]:
    def read(**more: str) -> None:
        config.set_option("secrets.files", [str(configure(tmp_path, server_metadata_url="http://x", **more))])
        secrets_singleton._reset()

    before = config.get_option("secrets.files")
    yield read
    config.set_option("secrets.files", before)
    secrets_singleton._reset()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"client_secret": ""}, "lacks client_secret"),
        ({"cookie_secret": "xxx"}, "has a cookie_secret"),
        ({"redirect_uri": "http://pilot.plant.example/oauth2callback"}, "need an address with https"),
        ({"redirect_uri": "https://pilot.plant.example/elsewhere"}, "ends in /oauth2callback"),
    ],
)
def test_what_cannot_be_made_safe_is_refused(configured: Callable[..., None], more: dict[str, str], said: str):
    configured(**more)
    with pytest.raises(UserError, match=said):
        company.check()


def test_https_and_this_computer_are_safe(configured: Callable[..., None]):
    configured()
    company.check()
    configured(redirect_uri="https://pilot.plant.example/oauth2callback")
    company.check()
