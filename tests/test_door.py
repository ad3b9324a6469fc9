"""The door of team mode over real HTTP: links, passphrases, PINs, signing out, and what nobody gets by asking oddly."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import argon2
import pytest
from starlette.applications import Starlette

from feedback_db import logins, models, people, raters
from feedback_db.logins import Login
from feedback_db.permits import APP, LOCAL
from pages.entrance import caller, door, secret
from pages.entrance.passphrase import Tries
from pages.parts import work
from tests.client import Answer, Client, serving
from tests.screens import RAW, Place

GOOD = "blue kettle under rain"
WRONG = "not the right one"
MISMATCH = "Name and passphrase do not belong together."
GONE = "This link works no more"


@pytest.fixture(scope="module")
def front() -> Iterator[str]:
    with serving(Starlette(routes=door.ROUTES)) as address:
        yield address


@pytest.fixture
def house(front: str, place: Place, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of the door of an installation of its own, where hashing is quick."""
    monkeypatch.setattr(people, "HASHER", argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    monkeypatch.setattr(door, "tries", Tries())
    monkeypatch.setattr(door, "pin_tries", Tries())
    secret.make(place.folder)
    caller._key.cache_clear()
    return front


@pytest.fixture
def someone(house: str) -> Client:
    return Client(house)


def first_link() -> str:
    with work.database().session(APP) as db:
        return people.first_link(db)


def a_lead(name: str = "Tanaka") -> str:
    """Somebody who has chosen a passphrase. Returns: their id."""
    kept = people.hashed(GOOD)
    with work.database().session(APP) as db:
        person = people.settle(db, people.first_link(db), name, kept)
        assert person is not None
        return person.id


def login_of(client: Client) -> Login | None:
    with work.database().reading(APP) as db:
        return logins.of(db, client.cookies.get("pilot_login", ""))


def sign_in(client: Client, name: str = "Tanaka", typed: str = GOOD, path: str = "/login") -> Answer:
    return client.fill(client.get(path), "/login", name=name, passphrase=typed)


# --- one-time links


def test_first_link_lets_the_first_lead_choose_a_name_and_a_passphrase_and_in(someone: Client):
    link = f"/enter?key={first_link()}"
    chosen = {"name": "Tanaka", "chosen": GOOD, "again": GOOD}
    answer = someone.fill(someone.get(link), "/enter", **chosen)
    assert (answer.status, answer.headers["location"]) == (303, "/?lang=en")
    login = login_of(someone)
    assert login is not None
    assert (login.role, login.name) == ("lead", "Tanaka")
    assert someone.get("/login?next=/data").headers["location"] == "/data?lang=en"


def test_looking_at_a_link_does_not_use_it_up_and_choosing_does(someone: Client):
    link = f"/enter?key={first_link()}"
    pages = [Client(someone.address).get(link) for _ in range(3)]  # programs that show what is behind a link
    assert [page.status for page in pages] == [200] * 3
    assert Client(someone.address).fill(someone.get(link), "/enter", name="A", chosen=GOOD, again=GOOD).status == 403
    assert someone.fill(someone.get(link), "/enter", name="A", chosen=GOOD, again=GOOD).status == 303
    late = Client(someone.address)
    assert GONE in late.get(link).words
    assert late.get(link).status == 404


@pytest.mark.parametrize("key", ["", "?key=", "?key=guess", "?key=%00", "?key=" + "x" * 3000])
def test_a_link_that_nobody_made_looks_like_one_that_is_used_up(someone: Client, key: str):
    assert GONE in someone.get(f"/enter{key}").words


def test_a_bad_passphrase_is_explained_and_the_link_goes_on_working(someone: Client):
    link = f"/enter?key={first_link()}"
    bad = [("tiny word", "too short"), ("Tanaka Tanaka Tanaka", "first that others"), (GOOD + "s", "not the same")]
    for chosen, said in bad:
        answer = someone.fill(someone.get(link), "/enter", name="Tanaka", chosen=chosen, again=chosen.rstrip("s"))
        assert answer.status == 400
        assert said in answer.words
        assert chosen not in answer.body
    assert "There is no name" in someone.fill(someone.get(link), "/enter", name=" ", chosen=GOOD, again=GOOD).words
    assert someone.fill(someone.get(link), "/enter", name="Tanaka", chosen=GOOD, again=GOOD).status == 303


def test_a_name_that_somebody_has_is_refused_however_it_is_written(someone: Client):
    a_lead("Tanaka")
    link = f"/enter?key={first_link()}"
    answer = someone.fill(someone.get(link), "/enter", name="ＴＡＮＡＫＡ", chosen=GOOD, again=GOOD)
    assert "Somebody else has this name" in answer.words
    assert login_of(someone) is None


def test_a_new_passphrase_ends_what_was_signed_in_with_the_old_one(someone: Client):
    lead, thief = a_lead(), Client(someone.address)
    assert sign_in(thief).status == 303
    with work.database().session(APP) as db:
        key = people.link(db, lead)
    page = someone.get(f"/enter?key={key}")
    assert "Welcome, Tanaka." in page.words
    assert someone.fill(page, "/enter", chosen="other kettle under snow", again="other kettle under snow").status == 303
    assert login_of(thief) is None
    assert MISMATCH in sign_in(thief).words
    assert login_of(someone) is not None


# --- name and passphrase


def test_signing_in_sets_a_cookie_that_scripts_and_other_sites_do_not_get(someone: Client):
    a_lead()
    answer = sign_in(someone)
    cookie = next(line for line in answer.headers.get_all("set-cookie") if line.startswith("pilot_login="))  # type: ignore[attr-defined]
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    assert login_of(someone) is not None


def test_the_name_may_be_written_wide_or_small(someone: Client):
    a_lead("Tanaka")
    assert sign_in(someone, "ｔａｎａｋａ ").status == 303


def test_a_wrong_passphrase_and_an_unknown_name_say_the_same(someone: Client):
    a_lead()
    wrong, unknown = (sign_in(someone, name, WRONG) for name in ("Tanaka", "Suzuki"))
    assert wrong.body.replace("Tanaka", "Suzuki") == unknown.body
    assert wrong.status == unknown.status == 403
    assert MISMATCH in wrong.words
    assert login_of(someone) is None


def test_they_take_as_long_too(someone: Client, monkeypatch: pytest.MonkeyPatch):
    real = argon2.PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)
    monkeypatch.setattr(people, "HASHER", real)
    a_lead()

    def seconds(name: str) -> float:
        page, start = someone.get("/login"), time.perf_counter()
        assert MISMATCH in someone.fill(page, "/login", name=name, passphrase=WRONG).words
        return time.perf_counter() - start

    wrong, unknown = (min(seconds(name) for _ in range(3)) for name in ("Tanaka", "Suzuki"))
    assert 0.6 < wrong / unknown < 1.7


@pytest.mark.parametrize("name", ["", " ", "\0"])
def test_no_name_signs_nobody_in(someone: Client, name: str):
    first_link()  # a lead who has no name yet
    assert MISMATCH in sign_in(someone, name, "").words


def test_who_was_let_go_gets_in_no_more(someone: Client):
    lead = a_lead("Tanaka")
    a_lead("Suzuki")
    assert sign_in(someone).status == 303
    with work.database().session(LOCAL) as db:
        assert people.revoke(db, lead)
    assert login_of(someone) is None
    assert MISMATCH in sign_in(someone).words


def test_guessing_is_slowed_down_and_says_for_how_long(someone: Client):
    a_lead()
    answers = [sign_in(someone, typed=f"guess number {i}") for i in range(6)]
    assert [answer.status for answer in answers] == [403] * 5 + [429]
    assert "Too many tries. Try again in" in answers[-1].words
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 3
    assert sign_in(someone).status == 429  # also the right one, or the answer would tell it
    assert sign_in(someone, "Suzuki").status == 403  # somebody else at the same address
    time.sleep(2.1)
    assert sign_in(someone).status == 303


def test_at_most_two_passphrases_are_tried_at_once_and_a_flood_is_refused(
    someone: Client, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(caller, "MOST_WAITING", 4)
    now, most = [], []

    class Slow(argon2.PasswordHasher):
        def verify(self, *given: str) -> bool:  # type: ignore[override]
            now.append(1)
            most.append(len(now))
            time.sleep(0.2)
            now.pop()
            return super().verify(*given)

    monkeypatch.setattr(people, "HASHER", Slow(time_cost=1, memory_cost=8, parallelism=1))
    page = someone.get("/login")
    with ThreadPoolExecutor(12) as pool:
        tries = pool.map(lambda i: someone.fill(page, "/login", name=f"name {i}", passphrase=WRONG), range(12))
        answers = list(tries)
    assert max(most) == 2
    busy = [answer for answer in answers if answer.status == 429]
    assert len(busy) >= 4
    assert "Too many people are signing in" in busy[0].words


def test_each_sign_in_has_a_new_secret_and_ends_the_one_before_in_this_browser(someone: Client):
    a_lead()
    a_lead("Suzuki")
    sign_in(someone)
    before = Client(someone.address, cookies=dict(someone.cookies))
    page = Client(someone.address).get("/login")  # a signed-in person is not shown the form
    someone.cookies |= {"pilot_form": "of-another"}
    answer = someone.post("/login", **page.form, name="Suzuki", passphrase=GOOD)
    assert answer.status == 403  # its form belongs to another browser
    fresh = Client(someone.address)
    page = fresh.get("/login")
    fresh.cookies |= {"pilot_login": someone.cookies["pilot_login"]}
    assert fresh.fill(page, "/login", name="Suzuki", passphrase=GOOD).status == 303
    assert fresh.cookies["pilot_login"] != before.cookies["pilot_login"]
    assert login_of(before) is None
    assert login_of(fresh) is not None


# --- forms that are not ours, addresses that lead elsewhere


@pytest.mark.parametrize("token", ["", "0" * 64, "日本語"])
def test_a_form_that_this_app_did_not_write_for_this_browser_does_nothing(someone: Client, token: str):
    a_lead()
    fields = {"name": "Tanaka", "passphrase": GOOD, "token": token}
    answer = someone.post("/login", **fields)
    assert answer.status == 403
    assert login_of(someone) is None


def test_another_browsers_form_does_nothing(someone: Client):
    a_lead()
    others = Client(someone.address).get("/login").form
    someone.get("/login")
    answer = someone.post("/login", **others, name="Tanaka", passphrase=GOOD)
    assert answer.status == 403
    assert "Please fill it in once more." in answer.words
    assert login_of(someone) is None


def test_a_form_that_is_too_large_is_not_read(someone: Client):
    a_lead()
    assert sign_in(someone, typed="x" * 20_000).status == 403


def test_the_way_on_survives_a_wrong_passphrase(someone: Client):
    a_lead()
    wrong = sign_in(someone, typed="wrong", path="/login?next=/maps%3Fpilot%3D1")
    right = someone.fill(wrong, "/login", name="Tanaka", passphrase=GOOD)
    assert right.headers["location"] == "/maps?pilot=1&lang=en"


def test_what_people_write_is_shown_as_text(someone: Client):
    mark = "<script>alert(1)</script>\"'&"
    a_lead(mark)
    for body in (sign_in(someone, mark, "wrong").body, someone.get(f"/login?next=/{'%22%3E%3Cscript%3E'}").body):
        assert "<script" not in body
    sign_in(someone, mark)
    page = someone.get("/logout")
    assert "<script" not in page.body
    assert mark in page.words


# --- signing out


def test_opening_the_way_out_changes_nothing_and_pressing_its_button_signs_out(someone: Client):
    a_lead()
    sign_in(someone)
    kept = Client(someone.address, cookies=dict(someone.cookies))
    page = someone.get("/logout")
    assert "You are signed in as Tanaka." in page.words
    assert login_of(someone) is not None
    answer = someone.fill(page, "/logout")
    assert answer.headers["location"] == "/login?out=1&lang=en"
    assert "pilot_login" not in someone.cookies
    assert login_of(kept) is None  # also for whoever has copied the cookie
    assert "You have signed out." in someone.get("/login?out=1").words
    assert kept.get("/logout").headers["location"] == "/login?lang=en"


def test_another_language_keeps_what_the_address_holds(someone: Client):
    page = someone.get(f"/enter?key={first_link()}")
    there = page.body.split('hreflang="ja"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    assert someone.get(there).status == 200


# --- PINs of invitations


@pytest.fixture
def asked(place: Place) -> str:
    """An invitation with a PIN. Returns: its token."""
    pilot = place.pilot()
    spec = place.spec(place.data(pilot), encoder=RAW)
    study = place.study(pilot, place.view(pilot, spec))
    kept = people.hashed("4711")
    with work.database().session(LOCAL) as db:
        return raters.invite(db, study.id, name="Sato", pin=kept).token


def test_the_right_pin_lets_a_rater_in_and_a_wrong_one_does_not(someone: Client, asked: str):
    page = someone.get(f"/pin?invite={asked}")
    wrong = someone.fill(page, "/pin", pin="1234")
    assert (wrong.status, "This PIN is not right." in wrong.words) == (403, True)
    assert login_of(someone) is None
    right = someone.fill(wrong, "/pin", pin="４７１１")
    assert right.headers["location"] == f"/rate?invite={asked}&lang=en"
    login = login_of(someone)
    assert login is not None
    assert (login.role, login.name) == ("rater", "Sato")


def test_pins_are_not_guessed(someone: Client, asked: str):
    page = someone.get(f"/pin?invite={asked}")
    assert [someone.fill(page, "/pin", pin=f"{i:04}").status for i in range(6)] == [403] * 5 + [429]


def test_an_invitation_that_lets_nobody_in_says_why(someone: Client, asked: str):
    assert "does not belong to an open study" in someone.get("/pin?invite=guess").words
    page = someone.get(f"/pin?invite={asked}")
    with work.database().session(LOCAL) as db:
        invitation = raters.invited(db, asked)[1]
        raters.revoke(db, invitation)
    for answer in (someone.get(f"/pin?invite={asked}"), someone.fill(page, "/pin", pin="4711")):
        assert (answer.status, "This invitation was withdrawn." in answer.words) == (404, True)
    assert login_of(someone) is None


def test_an_invitation_without_a_pin_asks_for_none(someone: Client, asked: str):
    with work.database().session(LOCAL) as db:
        study = raters.invited(db, asked)[0]
        free = raters.invite(db, study.id).token
        late = raters.invite(db, study.id, expires_at=models.now() - timedelta(days=1)).token
    assert someone.get(f"/pin?invite={free}").headers["location"] == f"/rate?invite={free}&lang=en"
    assert "was for an earlier day" in someone.get(f"/pin?invite={late}").words


def test_a_seat_is_asked_for_the_pin_of_the_invitation_it_was_taken_with(someone: Client, asked: str):
    with work.database().session(LOCAL) as db:
        _, invitation = raters.invited(db, asked)
        seat = raters.begin(db, invitation, "", raters.new_token(), lambda _seat: [1]).token
    right = someone.fill(someone.get(f"/pin?seat={seat}"), "/pin", pin="4711")
    assert right.headers["location"] == f"/rate?seat={seat}&lang=en"
    assert login_of(someone) is not None
    assert "does not belong to an open study" in someone.get("/pin?seat=guess").words
