"""Team mode in a real browser: an invitation on a tablet, a login that ends, and what a page may not do."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser import Rater, Visitor
from tests.client import Client
from tests.house import House, house

pytestmark = pytest.mark.usefixtures("leave")

TABLET, PC = (1024, 768), (1280, 800)
SEARCHES = re.compile(r"404: \S+/_stcore/|status of 404")  # Streamlit looks below the address for where it is served


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("team")) as one:
        yield one


def signed_in(browser: Browser, client: Client, team: House) -> Visitor:
    someone = Visitor(browser, team.app, "ja", PC)
    token = client.cookies["pilot_login"]
    someone.page.context.add_cookies([{"name": "pilot_login", "value": token, "url": team.app.address}])
    return someone


def test_an_invitation_opens_the_rating_screen_on_a_tablet_that_was_never_here(browser: Browser, team: House):
    rater = Rater(browser, team.app, "ja", TABLET, has_touch=True)
    rater.open(f"/rate?invite={team.invitation().token}")
    rater.sees("How understandable are these maps?")
    rater.check_layout()
    assert [one for one in rater.complaints if not SEARCHES.search(one)] == []


def test_screens_stay_what_they_are_under_the_gate_and_an_open_one_says_that_its_login_ended(browser, team: House):
    lead = team.staff("lead")
    someone = signed_in(browser, lead, team)
    for path in ("/", "/data", "/maps", "/prepare", "/compare", "/tune", "/study", "/results", "/evidence", "/improve"):
        someone.open(path)
        assert [one for one in someone.complaints if not SEARCHES.search(one)] == [], path
    team.sign_out(lead)
    someone.page.get_by_text("English", exact=True).click()  # any press: what it asked for is not done
    someone.sees("You are signed out.")
    someone.page.reload()
    assert someone.page.url.startswith(f"{team.app.address}/login?next=")


def test_what_somebody_smuggles_into_a_page_does_not_run(browser: Browser, team: House):
    """Should words of somebody's ever become HTML, the browser still runs none of it and asks nobody else."""
    someone = signed_in(browser, team.staff("lead"), team)
    someone.open("/")
    someone.page.evaluate(
        """() => {
            document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.ran = 1'><iframe srcdoc=x>");
            const script = document.createElement("script");
            script.textContent = "window.ran = 2";
            document.body.append(script);
            const elsewhere = document.createElement("img");
            elsewhere.src = "http://127.0.0.1:9/stolen";
            document.body.append(elsewhere);
        }"""
    )
    someone.page.wait_for_timeout(500)
    assert someone.page.evaluate("window.ran") is None
    refused = [one for one in someone.complaints if "Content Security Policy" in one]
    assert len(refused) >= 3
