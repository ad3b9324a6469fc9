"""Words in the reader's language, and other people's words as plain text."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from playwright.sync_api import sync_playwright
from streamlit.testing.v1 import AppTest

from core.errors import UserError
from feedback_db import pilots
from feedback_db.database import connect
from feedback_db.permits import LOCAL
from pages.parts.text import JOINER, moment_of, plain
from tests.browser import chromium, running_app

HOSTILE = (
    "<img src=x onerror=alert(1)> <b>bold</b> <!-- -->",
    "&lt;b&gt; &amp;",
    "[tap](javascript:alert(1)) ![](https://evil.example/x.png)",
    "https://evil.example/x www.evil.example a@evil.example",
    "HTTPS://EVIL.EXAMPLE WWW.EVIL.EXAMPLE",
    ":material/home: :streamlit: :smile: :red[red] :blue-background[x]",
    "a -> b <- c <-> d -- e --- f >= g <= h ~= i",
    "**bold** __bold__ *it* _it_ ~~gone~~ `code` $x^2$ x~1~ y^2^ ==m==",
    "# heading",
    "1. one",
    "- item",
    "+ item",
    "> quote",
    "| a | b |",
    "---",
    "===",
    "[^1] [ref]: x",
    "back\\slash \\* C:\\Users\\new",
    "{braces} {0}",
    "温度[℃] 荷重(kN) 08:00:00 3号機・A",
)


def test_other_peoples_words_reach_the_reader_as_they_are_and_do_nothing(tmp_path):
    """In a real browser, because only Streamlit's own renderer knows what it makes of a text."""
    db = connect(f"sqlite:///{(tmp_path / 'pilot.db').as_posix()}")
    db.upgrade()
    with db.session(LOCAL) as session:
        for text in HOSTILE:
            pilots.create(session, question=text, team="")
    db.close()
    with running_app(tmp_path, has_engine=False) as app, sync_playwright() as playwright:
        page = chromium(playwright).new_page()
        page.goto(f"{app.address}/?lang=en")
        page.get_by_role("button", name="Continue").nth(len(HOSTILE) - 1).wait_for()
        questions = page.locator(".stMain .stColumn strong")
        shown = [text.replace(JOINER, "") for text in questions.all_inner_texts()]
        assert sorted(shown) == sorted(HOSTILE)
        assert questions.locator("*").count() == 0  # no link, picture, icon or formula inside


def test_plain_text_is_one_line():
    assert plain("a\n\n# b\t c") == plain("a # b c")


def test_anything_can_be_shown_as_text():
    assert plain(12_345) == "12345"
    assert plain(None) == "None"


@pytest.mark.parametrize("text", ["", "温度", "line 3", "3号機・A"])
def test_harmless_words_stay_as_they_are(text):
    assert plain(text) == text


# A script that says one thing: language() and what follows from it need a session.


def heard(call: str, **query: str) -> str:
    imports = "import streamlit as st\nfrom pages.parts.text import *\nfrom tests.test_text import an_error\n"
    at = AppTest.from_string(f"{imports}st.text({call})")
    at.context = {"locale": query.pop("browser", None)}
    if "chosen" in query:
        at.session_state["language"] = query.pop("chosen")
    at.query_params.update(query)
    at.run()
    assert not at.exception, at.exception
    return at.text[0].value


@pytest.mark.parametrize(
    ("asked", "read"),
    [
        ({"chosen": "en", "lang": "ja", "browser": "ja-JP"}, "en"),
        ({"lang": "en", "browser": "ja-JP"}, "en"),
        ({"lang": "ja", "browser": "en-US"}, "ja"),
        ({"browser": "en-US"}, "en"),
        ({"browser": "ja"}, "ja"),
        ({"browser": "pt-BR"}, "en"),
        ({"lang": "xx"}, "en"),
        ({}, "ja"),
    ],
)
def test_the_header_comes_before_the_address_and_the_address_before_the_browser(asked, read):
    assert heard("language()", **asked) == read


def an_error() -> UserError:
    return UserError("The file has no column “{column}”.", "Choose a step from 1 to {length}.", column="*x*", length=9)


def test_an_error_is_said_in_the_readers_language_with_its_facts_as_text():
    english = "**The file has no column “\\*x\\*”.**  \nChoose a step from 1 to 9."
    assert heard("say(an_error())", lang="en") == english
    japanese = heard("say(an_error())", lang="ja")
    assert "\\*x\\*" in japanese
    assert "9" in japanese
    assert "column" not in japanese


def test_a_fact_with_braces_or_a_whole_message_is_only_filled_in():
    assert heard("fill('Map {n}', {'n': '{n} {0}'})", lang="en") == "Map \\{n\\} \\{0\\}"
    assert heard("fill('Map {n}', {'n': 'Home'})", lang="ja") == "地図Home"


def test_nothing_is_said_where_nothing_was_written():
    assert heard("bare('', {})", lang="ja") == ""


def test_sentences_stand_together_as_their_language_writes_them():
    assert heard("together('A.', 'B.')", lang="en") == "A. B."
    assert heard("together('A。', 'B。')", lang="ja") == "A。B。"


def test_a_moment_is_shown_in_this_computers_time_whatever_zone_it_came_in():
    at = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
    assert (
        moment_of(at) == moment_of(at.astimezone(timezone(timedelta(hours=9)))) == f"{at.astimezone():%Y/%m/%d %H:%M}"
    )
    assert moment_of(datetime(2026, 1, 2, 3, 4).astimezone()) == "2026/01/02 03:04"
