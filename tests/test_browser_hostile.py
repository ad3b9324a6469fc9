"""Hostile strings everywhere at once, through the whole journey in a real browser: shown as they are, they do nothing.

What a browser would make of them only a browser knows: no dialog opens, nothing is asked of another address, no element
gets the mark that each piece of markup carries, and the console stays quiet.
"""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from pages.parts.text import JOINER
from tests.browser import App, Rater, rows
from tests.hostile import FORMULAS, MARK, MARKDOWN, MARKUP, PATHS, PROGRAMS, SHOWN, recording

pytestmark = pytest.mark.usefixtures("leave")

PC = (1280, 900)
QUESTION, TEAM, COMMENT = (" ".join(some) for some in (MARKUP, MARKDOWN, (*MARKUP[:4], *MARKDOWN[::3], *FORMULAS)))
INVITED, RATER, RECIPE = MARKUP[0][:40], MARKUP[1][:40], MARKDOWN[3][:60]
WHY, DECIDER = MARKUP[3] + MARKDOWN[0], MARKDOWN[3]
REASON, SOURCE, MISREAD = (" ".join(some) for some in (FORMULAS, PATHS, (*MARKUP[:4], *PROGRAMS)))
FILES = (f"{MARKUP[2]} {PROGRAMS[4]} {FORMULAS[1]}.csv", f"../../etc/passwd {MARKUP[3]} {MARKDOWN[3]}.csv")
CHANNELS = tuple(" ".join(SHOWN[i::10]) for i in range(10))  # each begins otherwise
LABELS, LINES = (MARKUP[1], FORMULAS[1], MARKDOWN[3]), (MARKDOWN[0], MARKUP[3])
# Everything that a screen says, in shadows, charts and fields too.
SAID = """() => {
  const said = [], walk = node => {
    if (/^(SCRIPT|STYLE)$/.test(node.nodeName)) return;
    if (node.nodeType === 3) said.push(node.data);
    if (node.value !== undefined) said.push(String(node.value));
    if (node.getAttribute) said.push(node.getAttribute('aria-label') || '', node.getAttribute('placeholder') || '');
    if (node.shadowRoot) walk(node.shadowRoot);
    node.childNodes.forEach(walk);
    said.push(/^(P|LI|TD|TH|DIV|text|H\\d)$/.test(node.nodeName) ? '\\n' : '');
  };
  walk(document);
  return said.join('');
}"""


class Guest(Rater):
    """Somebody whose browser tells of everything that words of others could make it do."""

    def __init__(self, browser: Browser, app: App) -> None:
        super().__init__(browser, app, "en", PC)
        self.page.on("dialog", self._refuse)

    def _refuse(self, dialog: Any) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def finds(self, *texts: str) -> None:
        """They stand on the screen letter by letter, and nothing came of them."""
        said = bare(self.page.evaluate(SAID))
        assert [text for text in texts if bare(text) not in said] == [], self.page.url
        self.is_unharmed()

    def is_unharmed(self) -> None:
        assert self.page.locator(f"[{MARK}], [href^='javascript'], [src*='evil'], [href*='evil']").count() == 0
        assert [one for one in self.complaints if not SEARCHES.search(one)] == [], self.page.url

    def go(self, screen: str, query: str = "") -> None:
        self.open(f"/{screen}?pilot={self.pilot}&{query}")

    def fills(self, label: str, text: str) -> None:
        self.page.get_by_label(self.word(label), exact=True).first.fill(text)


# Streamlit looks for its server below a deep link's own path first.
SEARCHES = re.compile(r"404: \S+/\w+/_stcore/|status of 404")


def bare(text: str) -> str:
    """Without what nobody sees and breaks at."""
    return re.sub(r"\s+", "", text.replace(JOINER, ""))


def test_hostile_words_are_shown_and_do_nothing_from_the_upload_to_the_report(browser, app, tmp_path):
    someone = Guest(browser, app)
    uploaded(someone)
    kept(someone)
    asked(someone)
    rated(someone, app)
    read_and_decided(someone)
    in_a_browser(browser, taken(someone, "Web page (HTML)", tmp_path))
    placed(someone)


def upload(someone: Guest, name: str, n: int) -> None:
    data = recording(CHANNELS, LABELS, LINES, n)
    field = someone.page.get_by_test_id("stFileUploaderDropzoneInput")
    field.set_input_files({"name": name, "mimeType": "text/csv", "buffer": data})
    someone.page.wait_for_timeout(500)
    someone.settle()


def uploaded(someone: Guest) -> None:
    someone.open("/")
    someone.fills("Who takes part?", TEAM)
    someone.fills("What do you want to find out?", QUESTION)
    someone.page.get_by_label(someone.word("What do you want to find out?")).press("Enter")
    someone.sees("No data yet. Upload a CSV, or try the press-line example.")
    someone.pilot = re.search(r"pilot=(\w+)", someone.page.url)[1]
    upload(someone, FILES[0], 600)
    someone.sees("This is what I read:")
    someone.finds(FILES[0], *LINES)


def kept(someone: Guest) -> None:
    """Two maps, the latter with another preparation and a reason; side by side."""
    someone.press("Use this data")
    someone.sees("Keep this map")
    someone.finds(*LABELS)
    someone.press("Keep this map")
    someone.sees("Kept as map {n}.", n=1)
    prepared(someone)
    someone.open_fold("What do you expect, next to {map}?", map=someone.word("Map {n}", n=1))
    someone.fills("Why this change?", WHY)
    someone.press("Keep this map")
    someone.sees("Kept as map {n}.", n=2)
    someone.is_unharmed()
    someone.go("compare", "what=mine")
    expect(someone.charts().nth(1)).to_be_visible()
    someone.finds(*LABELS)


def prepared(someone: Guest) -> None:
    """One with a name, and then another one compared with it."""
    someone.go("prepare")
    someone.open_fold("Saved preparations ({n})", n=0)
    someone.fills("Name", RECIPE)
    someone.page.keyboard.press("Tab")
    someone.settle()
    someone.press("Save")
    someone.fills("Samples in a stretch", "24")
    someone.page.keyboard.press("Enter")
    someone.settle()
    compare = someone.page.get_by_label(someone.word("Compare with"))
    if not compare.is_visible():
        someone.open_fold("Saved preparations ({n})", n=1)
    compare.scroll_into_view_if_needed()  # a page that scrolls, or is drawn anew, closes the list again
    someone.settle()
    compare.click()
    someone.page.get_by_role("option").first.click()
    expect(someone.page.get_by_test_id("stTable")).to_be_visible()
    someone.finds(RECIPE)
    someone.press("Show the map")


def asked(someone: Guest) -> None:
    someone.go("study")
    someone.press("Open the study")
    someone.sees("People who have finished")
    someone.open_fold("Invite people one by one")
    someone.fills("Nicknames or badge numbers, one a line", INVITED)
    someone.press("Make the addresses")
    someone.open_fold("{n} invitations", n=2)
    someone.open_fold("What was done to this study")
    someone.finds(INVITED)


def rated(someone: Guest, app: App) -> None:
    """As somebody who gives their name and, somebody else before, by name."""
    [(own,)] = rows(app, "SELECT token FROM invitation WHERE name <> ''")
    [(shared,)] = rows(app, "SELECT token FROM invitation WHERE is_shared")
    someone.open(f"/rate?invite={own}")
    someone.finds(INVITED)
    someone.open(f"/rate?invite={shared}")
    someone.fills("Nickname or badge number (may stay empty)", RATER)
    someone.press("Begin")
    someone.sees("One point is one short stretch of a waveform")
    for _screen in someone.introduce():
        pass
    on_a_map = "SELECT 1 FROM rating JOIN study_item ON study_item.id = item_id WHERE kind = 'view'"  # not on noise
    while not rows(app, on_a_map):
        for name in someone.item():
            if name == "rating":
                someone.page.get_by_role("button", name=someone.word("Add a comment")).click()
                someone.on("textarea").fill(COMMENT)
            someone.is_unharmed()


def read_and_decided(someone: Guest) -> None:
    someone.go("results")
    someone.finds(COMMENT)
    someone.go("evidence")
    for field in someone.page.locator("[data-testid=stForm] [data-testid=stNumberInputField]:visible").all():
        field.fill("1")
    someone.fills("Where do these numbers come from?", SOURCE)
    someone.press("Use these numbers")
    someone.open_fold("Put it in your own words, add to it, take something out")
    someone.fills("What could be read wrongly?", MISREAD)
    someone.fills("What guards against it?", MISREAD[::-1])
    someone.press("Put it down so")
    someone.page.get_by_role("radio", name=someone.word("Improve"), exact=True).click()
    someone.fills("Name", DECIDER)
    someone.fills("Reason", REASON)
    someone.press("Sign the decision")
    someone.go("evidence")
    for fold in ("What was settled, and when", "Put it in your own words, add to it, take something out"):
        someone.open_fold(fold)
    someone.finds(WHY, SOURCE, MISREAD, MISREAD[::-1], DECIDER, REASON)


def taken(someone: Guest, words: str, folder: Path) -> Path:
    with someone.page.expect_download() as download:
        someone.page.get_by_role("button", name=someone.word(words)).click()
    file = folder / download.value.suggested_filename
    download.value.save_as(file)
    return file


def in_a_browser(browser: Browser, file: Path) -> None:
    """Opened as a file, as somebody does who got it by mail."""
    reader = browser.new_page()
    met: list[str] = []
    reader.on("request", lambda one: met.append(one.url))
    reader.on("dialog", lambda one: met.append(one.message))
    reader.on("console", lambda one: met.append(one.text))
    reader.goto(file.as_uri())
    assert [one for one in met if not one.startswith(("data:", file.as_uri()))] == []
    assert reader.locator(f"[{MARK}], script, iframe, object, [href*=':']").count() == 0
    said = bare(reader.evaluate(SAID))
    texts = (QUESTION, TEAM, WHY, SOURCE, MISREAD, DECIDER, REASON)  # comments are not in it
    assert [text for text in texts if bare(text) not in said] == []


def placed(someone: Guest) -> None:
    """Data of later."""
    someone.go("data")
    upload(someone, FILES[1], 560)
    someone.finds(FILES[1])
    someone.go("after")
    someone.press("Place the new data on the map")
    expect(someone.charts()).to_have_count(1)
    someone.open_fold("Details: each channel")
    someone.open_fold("All that was placed so far")
    someone.finds(*CHANNELS, FILES[1])
