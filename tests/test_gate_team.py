"""The gate of a team: who gets in, whose sessions and uploads are whose, and how much of everything."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.exceptions import InvalidStatus

from feedback_db import raters
from feedback_db.permits import LOCAL
from pages.entrance.gate import NOBODY, NOTHING
from pages.entrance.visits import MANY
from tests.client import Client
from tests.house import House, house
from tests.streams import refusal, send_file, tab

PIN = "2580"
SIGNED_OUT = "You are signed out."


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("team")) as one:
        yield one


@pytest.fixture
def lead(team: House) -> Client:
    return team.staff("lead")


@pytest.fixture
def other(team: House) -> Client:
    return team.staff("lead")


# --- without a login


@pytest.mark.parametrize("path", ["/", "/data", "/no-such-screen", "/_stcore/health", "/_stcore/metrics", "/media/x"])
def test_whoever_is_not_signed_in_is_led_to_the_door_whatever_they_ask(team: House, path: str):
    answer = team.nobody.get(path)
    assert (answer.status, answer.body) == (303, "")
    assert answer.headers["location"] == f"/login?next={path.replace('/', '%2F')}"
    for method, accept in (("GET", "*/*"), ("HEAD", "text/html"), ("POST", "text/html"), ("DELETE", "*/*")):
        answer = team.nobody.send(method, path, None, {"Accept": accept})
        assert answer.status == 401
        assert (NOBODY in answer.body) or method == "HEAD"


@pytest.mark.parametrize(
    "path", ["//evil.example/x", "/\\evil.example", "/%2F/evil.example", "/x%0D%0ASet-Cookie:%20a=b"]
)
def test_nobody_is_led_elsewhere(team: House, path: str):
    answer = team.nobody.get(path)
    where = urlsplit(answer.headers.get("location", ""))
    assert (where.netloc, where.path) == ("", "/login")
    then = parse_qs(where.query)["next"][0]
    assert then.startswith("/")
    assert not then.startswith(("//", "/\\"))
    assert "set-cookie" not in answer.headers


def test_the_address_that_was_asked_for_is_kept_with_its_question(team: House):
    where = urlsplit(team.nobody.get("/evidence?pilot=7&lang=ja").headers["location"])
    assert parse_qs(where.query)["next"] == ["/evidence?pilot=7&lang=ja"]


@pytest.mark.parametrize("cookie", ["", "x", "x" * 4000, "a;b", "\xe9"])
def test_a_cookie_that_nobody_gave_lets_nobody_in(team: House, cookie: str):
    client = Client(team.app.address, cookies={"pilot_login": cookie, "__Host-pilot_login": cookie})
    assert client.get("/").status == 303
    assert refusal(client) == 403


@pytest.mark.parametrize("header", ["X-Pilot-Login", "x-pilot-login"])
def test_who_one_is_cannot_be_told_by_a_header(team: House, lead: Client, other: Client, header: str):
    mine, theirs = team.login(lead), team.login(other)
    assert mine is not None
    assert theirs is not None
    assert team.nobody.get("/", **{header: theirs.id}).status == 303
    with tab(lead, **{header: theirs.id}) as here:
        screen = here.draw(query_string="lang=en")
    assert mine.name in screen
    assert theirs.name not in screen


# --- sessions


def test_a_tab_goes_on_with_its_own_session_and_nobody_elses(lead: Client, other: Client):
    """Streamlit takes the id of a session to go on with from the request; whoever knew one had the session."""
    with tab(lead) as first:
        first.draw()
        with tab(other, resume=first.session) as thief:  # of one that is in use
            thief.draw()
            assert thief.session not in ("", first.session)
        first.draw()  # and it is still in use
        kept = first.session
    for _ in range(2):  # of one whose tab was closed; twice, for the first try must not leave it open to the second
        with tab(other, resume=kept) as thief:
            thief.draw()
            assert thief.session not in ("", kept)
    with tab(lead, resume=kept) as again:
        again.draw()
        assert again.session == kept


def test_a_session_ends_with_the_login_it_began_in(team: House, lead: Client):
    with tab(lead) as first:
        first.draw()
    login = team.login(lead)
    assert login is not None
    again = team.again(login)
    with tab(again, resume=first.session) as here:
        here.draw()
        assert here.session != first.session


def test_files_go_to_ones_own_session_only_and_stay_there(lead: Client, other: Client):
    with tab(lead) as mine, tab(other) as theirs:
        mine.draw()
        theirs.draw()
        assert mine.upload(lead, "one", b"a,b\n1,2\n") == 204
        path = f"/_stcore/upload_file/{mine.session}/one"
        never = "/_stcore/upload_file/00000000-0000-0000-0000-000000000000/one"
        assert send_file(other, path, b"theirs") == 404
        token = {"X-Xsrftoken": other.cookies["_streamlit_xsrf"]}
        tries = [other.send("DELETE", one, None, token) for one in (path, never)]
        assert [(one.status, NOTHING in one.body) for one in tries] == [(404, True)] * 2  # known or not
        assert lead.send("DELETE", path, None, {"X-Xsrftoken": lead.cookies["_streamlit_xsrf"]}).status == 204


def test_once_a_login_has_ended_an_open_tab_shows_that_and_does_nothing_more(team: House, lead: Client):
    with tab(lead) as here:
        assert SIGNED_OUT not in here.draw(query_string="lang=en")
        team.sign_out(lead)
        fragment = {"query_string": "lang=en", "fragment_id": "some", "widget_states": {"widgets": [{"id": "x"}]}}
        assert SIGNED_OUT in here.draw(**fragment)
        here.seen = []
        here.send(file_urls_request={"request_id": "1", "file_names": ["a.csv"], "session_id": here.session})
        here.until("script_finished")  # drawn anew, and no address to send a file to
        assert "file_urls_response" not in [one.WhichOneof("type") for one in here.seen]
        assert here.upload(lead, "one", b"a") == 401
        assert lead.get("/").status == 303
    assert refusal(lead) == 403


def test_a_role_that_was_taken_away_counts_from_the_next_message_on(team: House, lead: Client):
    asking = {"file_urls_request": {"request_id": "1", "file_names": ["a.csv"]}}
    with tab(lead) as here:
        here.draw()
        here.send(**asking)
        here.until("file_urls_response")
        team.make_manager(lead)
        here.send(**asking)
        here.draw()
        assert "file_urls_response" not in [one.WhichOneof("type") for one in here.seen]
        assert here.upload(lead, "one", b"a") == 404


# --- invitations


def test_an_invitation_lets_a_rater_in_by_itself(team: House):
    rater, invitation = team.nobody, team.invitation()
    assert rater.get(f"/rate?invite={invitation.token}").status == 200
    login = team.login(rater)
    assert login is not None
    assert (login.role, login.invitation_id, login.study_id) == ("rater", invitation.id, team.study.id)
    assert [rater.get(path).status for path in ("/", "/rate", "/data", "/media/x")] == [200, 200, 404, 404]
    before = dict(rater.cookies)
    rater.get(f"/rate?invite={invitation.token}")  # opened once more: the same login
    assert rater.cookies == before
    with tab(rater) as here:
        assert "How understandable are these maps?" in here.draw(
            page_name="rate", query_string=f"invite={invitation.token}&lang=en"
        )


def test_a_seat_lets_its_rater_in_again_on_another_tablet(team: House):
    invitation, rater = team.invitation(), team.nobody
    with team.database.session(LOCAL) as db:
        seat = raters.begin(db, invitation, "田中", raters.new_token(), lambda _seat: [0])
    assert rater.get(f"/rate?seat={seat.token}").status == 200
    login = team.login(rater)
    assert login is not None
    assert login.invitation_id == invitation.id


def test_an_invitation_with_a_pin_asks_for_it_first(team: House):
    invitation, rater = team.invitation(PIN), team.nobody
    answer = rater.get(f"/rate?invite={invitation.token}&lang=en")
    assert answer.status == 303
    assert answer.headers["location"] == f"/pin?invite={invitation.token}&lang=en"
    assert team.login(rater) is None
    page = rater.get(answer.headers["location"])
    assert rater.fill(page, "/pin", pin=PIN).headers["location"].startswith("/rate?invite=")
    assert rater.get(f"/rate?invite={invitation.token}").status == 200
    assert team.login(rater) is not None


def test_an_invitation_that_lets_nobody_in_says_so_at_the_door(team: House):
    withdrawn = team.invitation()
    team.withdraw(withdrawn)
    for question in (f"invite={withdrawn.token}", "invite=guess", "seat=guess"):
        stranger = team.nobody
        answer = stranger.get(f"/rate?{question}")
        assert (answer.status, answer.headers["location"]) == (303, f"/pin?{question}")
        assert stranger.get(f"/pin?{question}").status == 404
        assert team.login(stranger) is None


def test_a_lead_who_opens_an_invitation_stays_who_she_is(team: House, lead: Client):
    before = dict(lead.cookies)
    assert lead.get(f"/rate?invite={team.invitation().token}").status == 200
    assert lead.cookies == before


def test_a_rater_of_one_study_who_opens_an_invitation_to_another_becomes_a_rater_of_that(team: House):
    rater, second = team.rater(), team.invitation()
    assert rater.get(f"/rate?invite={second.token}").status == 200
    login = team.login(rater)
    assert login is not None
    assert login.invitation_id == second.id
    assert rater.get("/rate?invite=guess").status == 200  # the screen says what is wrong with it
    assert team.login(rater) == login


# --- how much


def test_fifty_raters_behind_one_address_never_meet_a_limit(team: House):
    """Everybody opens the invitation in the same minute, reloads, and taps twice a second: nobody hears "too much"."""
    invitation = team.invitation()

    def begin(_number: int) -> list[int]:
        rater = team.nobody
        said = [rater.get(f"/rate?invite={invitation.token}").status for _ in range(2)]
        said += [rater.get(path, Accept="*/*").status for path in ("/_stcore/health", "/_stcore/host-config") * 2]
        said += [rater.send("POST", "/api/ratings", b'{"seat": "x", "answers": []}', {}).status for _ in range(10)]
        return [*said, refusal(rater)]

    with ThreadPoolExecutor(8) as pool:
        said = [status for each in pool.map(begin, range(50)) for status in each]
    assert set(said) == {200, 101, 401}  # the last: such a seat is nobody's; "too much" would be 429


def test_one_login_has_no_end_of_tabs(lead: Client):
    with ExitStack() as tabs:
        for _ in range(MANY.open_sockets):
            tabs.enter_context(tab(lead))
        with pytest.raises(InvalidStatus):
            tabs.enter_context(tab(lead))


def test_a_person_uploads_so_much_and_no_more(lead: Client):
    with tab(lead) as here:
        here.draw()
        said = here.upload(lead, "one", b"a,b\n1,2\n")
        path = f"/_stcore/upload_file/{here.session}/two"
        token = {"X-Xsrftoken": lead.cookies["_streamlit_xsrf"]}
        huge = {**token, "Content-Length": str(int(MANY.in_memory) + 1)}
        unsized = {**token, "Transfer-Encoding": "chunked"}
        assert said == 204
        assert lead.send("PUT", path, None, huge).status == 429
        assert lead.send("PUT", path, None, unsized).status == 411
