"""An installation in team mode with people in it, whose logins may come to an end."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import update

from feedback_db import logins, models, people, raters, studies
from feedback_db.database import Database, connect
from feedback_db.logins import Login
from feedback_db.permits import APP, LOCAL
from feedback_db.raters import Invitation
from feedback_db.studies import Item, Study
from tests.browser import ROOT, App, TeamApp, stopped_after
from tests.client import Client
from tests.test_feedback_db import a_pilot, a_view

STATES = ("active", "revoked", "expired")


@dataclass
class House:
    app: App
    database: Database
    study: Study

    @property
    def nobody(self) -> Client:
        return Client(self.app.address)

    def staff(self, role: people.Role, state: str = "active") -> Client:
        """Somebody new who is signed in."""
        with self.database.session(LOCAL) as db:
            token = people.invite(db, f"{role} {models.new_id()}", role)
            person = people.settle(db, token, "", "not a hash")
            assert person is not None
            client = self._with(logins.begin(db, person.id))
        if state == "revoked":
            self.let_go(client)
        return self._ended(client, state)

    def rater(self, state: str = "active") -> Client:
        invitation = self.invitation()
        with self.database.session(LOCAL) as db:
            client = self._with(logins.begin_rating(db, invitation.id))
        if state == "revoked":
            self.withdraw(invitation)
        return self._ended(client, state)

    def invitation(self, pin: str = "") -> Invitation:
        with self.database.session(LOCAL) as db:
            return raters.invite(db, self.study.id, is_shared=True, pin=pin and people.hashed(pin))

    def withdraw(self, invitation: Invitation) -> None:
        with self.database.session(LOCAL) as db:
            raters.revoke(db, invitation)

    def login(self, client: Client) -> Login | None:
        with self.database.reading(APP) as db:
            return logins.of(db, client.cookies.get("pilot_login", ""))

    def let_go(self, client: Client) -> None:
        login = self.login(client)
        assert login is not None
        assert login.person_id is not None
        with self.database.session(LOCAL) as db:
            assert people.revoke(db, login.person_id)

    def sign_out(self, client: Client) -> None:
        login = self.login(client)
        assert login is not None
        with self.database.session(LOCAL) as db:
            logins.end(db, login.id)

    def make_manager(self, client: Client) -> None:
        login = self.login(client)
        assert login is not None
        assert login.person_id is not None
        with self.database.session(LOCAL) as db:
            people.set_role(db, login.person_id, "manager")

    def again(self, login: Login) -> Client:
        """The same person, signed in once more."""
        assert login.person_id is not None
        with self.database.session(LOCAL) as db:
            return self._with(logins.begin(db, login.person_id))

    def _with(self, token: str) -> Client:
        return Client(self.app.address, cookies={"pilot_login": token})

    def _ended(self, client: Client, state: str) -> Client:
        login = self.login(client)
        if state == "expired" and login is not None:
            past = models.now() - timedelta(seconds=1)
            with self.database.session(LOCAL) as db:
                db.execute(update(models.Login).where(models.Login.id == login.id).values(expires_at=past))
        return client


@contextmanager
def house(data: Path) -> Iterator[House]:
    with stopped_after(TeamApp(data, ROOT / "app.py", has_engine=False)) as app:
        database = connect(f"sqlite:///{(data / 'pilot.db').as_posix()}")
        with database.session(LOCAL) as db:
            pilot_id = a_pilot(db)
            view_id = a_view(db, pilot_id)
            design = {"n_items": 1, "minutes": 5}
            study = studies.open_with(db, pilot_id, [view_id], 1, design, [Item(0, "view", view_id)])
        try:
            yield House(app, database, study)
        finally:
            database.close()
