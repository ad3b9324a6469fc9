"""A lead lets a manager in and out again, in two real browsers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import ROOT, TeamApp, Visitor, shoot_whole, stopped_after, until

pytestmark = pytest.mark.usefixtures("leave")

PHRASE = "正しい馬の電池のホチキス"


@pytest.fixture
def app(request: pytest.FixtureRequest, tmp_path: Path, language: str) -> Iterator[TeamApp]:
    if language == "en" and not request.config.getoption("--pictures"):
        pytest.skip("walked in Japanese")
    with stopped_after(TeamApp(tmp_path, ROOT / "app.py")) as running:
        yield running


def come_in(visitor: Visitor, path: str, **fields: str) -> None:
    """With a one-time link."""
    visitor.page.goto(f"{visitor.app.address}{path}")
    for name, value in (fields | {"chosen": PHRASE, "again": PHRASE}).items():
        visitor.page.locator(f"[name={name}]").fill(value)
    visitor.page.get_by_role("button", name=visitor.word("Keep it and go in")).click()
    visitor.settle()


@pytest.mark.parametrize("language", ["ja", "en"])
def test_a_lead_lets_a_manager_in_and_signs_them_out_while_they_look(
    browser: Browser, app: TeamApp, language: str, shoot
):
    lead, manager = (Visitor(browser, app, language, (1280, 800)) for _ in range(2))
    come_in(lead, app.first_link(), name="山本 葵")
    lead.page.get_by_role("link", name=lead.word("Settings")).click()
    lead.sees("Who, where, how?")
    lead.open_fold("Let somebody in")
    lead.page.get_by_label(lead.word("Name, to sign in with")).fill("佐藤 健")
    lead.press("Make a link")
    link = lead.page.get_by_test_id("stCode").inner_text().strip()
    assert "127.0.0.1" not in link  # where others find the app
    shoot(lead, "settings-link")

    come_in(manager, link[link.index("/enter") :])
    manager.sees("There is no pilot yet.")
    assert manager.page.get_by_role("link", name=manager.word("Settings")).count() == 0

    lead.press("I have passed it on")
    lead.press("Make a backup now")
    until(lambda: bool(list(app.data.glob("backups/*/manifest.json"))))
    lead.sees("Make a backup now")
    expect(lead.page.get_by_text(lead.word("Asking it …"))).to_have_count(0)
    shoot_whole(lead, shoot, "settings-whole")
    lead.page.get_by_test_id("stPopover").filter(has_text=lead.word("Change")).last.get_by_role("button").click()
    lead.page.wait_for_timeout(500)
    shoot(lead, "settings-change")
    lead.press("Sign out everywhere")

    manager.page.get_by_text("English" if language == "ja" else "日本語").click()  # any press
    expect(manager.page.get_by_role("link", name=manager.word("Sign in"))).to_be_visible()
    assert "佐藤" not in manager.page.content()
