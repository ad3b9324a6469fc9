"""Getting into an app in team mode and out again, on a tablet, as the first lead meets it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import ROOT, TeamApp, Visitor, stopped_after

pytestmark = pytest.mark.usefixtures("leave")

TABLET = (1024, 768)
PHRASE = "青いやかんと雨のにおい"  # eleven characters: one too few


@pytest.fixture
def app(request: pytest.FixtureRequest, tmp_path: Path, language: str) -> Iterator[TeamApp]:
    """A new one: there is but one first lead."""
    if language == "en" and not request.config.getoption("--pictures"):
        pytest.skip("walked in Japanese")
    with stopped_after(TeamApp(tmp_path, ROOT / "app.py", has_engine=False)) as running:
        yield running


class Caller(Visitor):
    """Somebody at the door, whose pages have no script."""

    def at(self, path: str) -> None:
        self.page.goto(f"{self.app.address}{path}")

    def write(self, **fields: str) -> None:
        for name, value in fields.items():
            self.page.locator(f"[name={name}]").fill(value)

    def go(self, message: str) -> None:
        self.page.get_by_role("button", name=self.word(message), exact=True).click()

    def check_layout(self) -> None:
        """Of a page of the door: nothing runs out sideways, fingers find every button, no script is there."""
        page = self.page
        if page.get_by_test_id("stApp").count():
            super().check_layout()
            return
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), page.url
        buttons = (
            "[...document.querySelectorAll('main button, main .button')].map(e => e.getBoundingClientRect().height)"
        )
        assert min(page.evaluate(buttons)) >= 64
        assert page.evaluate("document.documentElement.lang") == self.language
        assert page.evaluate("document.scripts.length") == 0


@pytest.mark.parametrize("language", ["ja", "en"])
def test_first_lead_comes_in_by_the_link_signs_out_and_in_again(browser: Browser, app: TeamApp, language: str, shoot):
    someone = Caller(browser, app, language, TABLET)
    page, name = someone.page, "<b>田中</b>"
    someone.at(app.first_link())
    someone.sees("Choose a passphrase")
    shoot(someone, "door-link")
    someone.write(name=name, chosen=PHRASE, again=PHRASE)
    someone.go("Keep it and go in")
    someone.sees("This passphrase is too short: {n} characters.", n=len(PHRASE))
    shoot(someone, "door-too-short")
    expect(page.locator("[name=name]")).to_have_value(name)
    someone.write(chosen=f"{PHRASE}。", again=f"{PHRASE}。")
    someone.go("Keep it and go in")
    someone.settle()
    someone.sees("What do you want to find out?")  # home, where there is no pilot yet
    page.get_by_role("button", name=name).click()
    someone.sees("pilot lead")
    page.wait_for_timeout(500)
    shoot(someone, "door-inside")
    page.get_by_role("link", name=someone.word("Sign out")).click()
    someone.sees("You are signed in as {name}.", name=name)
    shoot(someone, "door-out")
    someone.go("Sign out")
    someone.sees("You have signed out.")
    shoot(someone, "door-signed-out")

    someone.at("/evidence")  # nobody is here: to the door, and from there to where one wanted to go
    someone.write(name=name, passphrase=PHRASE)
    someone.go("Sign in")
    someone.sees("Name and passphrase do not belong together.")
    shoot(someone, "door-wrong")
    someone.write(passphrase=f"{PHRASE}。")
    someone.go("Sign in")
    someone.settle()
    assert "/evidence" in page.url
    assert f"lang={language}" in page.url
    expect(page.get_by_role("button", name=name)).to_be_visible()
    assert [one for one in someone.complaints if not one.startswith(("answer 4", "console: Failed to load"))] == []
