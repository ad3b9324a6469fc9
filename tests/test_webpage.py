"""A document's page for a browser, parsed: its words in their order, and that it can neither run nor fetch anything."""

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from core.document import Bullets, Document, Grid, Paragraphs, Section, clean
from core.webpage import html
from tests.test_book import BARE, ENGLISH, HOSTILE, JAPANESE, hostile, picture, words

EMPTY = {"meta", "img"}  # elements that are never closed


class Parsed(HTMLParser):
    """Every element with what it says of itself, and every text with the elements that it stands in."""

    def __init__(self, document: Document) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.inside: list[str] = []
        self.source = html(document).decode()
        self.feed(self.source)
        self.close()
        assert self.inside == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in EMPTY:
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.inside.pop() == tag

    def handle_data(self, data: str) -> None:
        if "body" in self.inside and data.strip():
            self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [looks for name, looks in self.elements if name == tag]


@pytest.mark.parametrize("document", [JAPANESE, ENGLISH], ids=["ja", "en"])
def test_the_page_says_what_went_in_and_in_that_order(document):
    parts = [
        word for one in document.sections for word in (one.heading, *(w for b in one.blocks for w in words(b, "")))
    ]
    said = [document.title, " · ".join(document.facts), document.headline, *parts, " · ".join(document.footer)]
    page = Parsed(document)
    assert page.texts == list(filter(None, said))
    assert page.all("html") == [{"lang": document.language}]
    assert page.all("meta")[0] == {"charset": "utf-8"}
    assert re.search("<title>(.*)</title>", page.source)[1] == document.title


@pytest.mark.parametrize("document", [JAPANESE, hostile()], ids=["ja", "hostile"])
def test_nothing_runs_and_nothing_is_fetched(document):
    page = Parsed(document)
    tags = {tag for tag, _ in page.elements}
    assert tags <= set(
        "html head meta title style body header main nav section footer h1 h2 p ul li a figure figcaption img".split()
        + "div table caption thead tbody tr th td".split()
    )
    for tag, looks in page.elements:
        assert not {name for name in looks if name.startswith("on") or name in ("style", "srcset")}
        assert looks.get("src", "data:image/svg+xml;base64,").startswith("data:image/svg+xml;base64,"), tag
        assert looks.get("href", "#section-0").startswith("#section-"), tag
    [style] = re.findall("<style>(.*?)</style>", page.source, re.DOTALL)
    assert not re.search(r"url\(|@import|//|expression", style)
    [policy] = [one["content"] for one in page.all("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.split(maxsplit=1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    assert not {"script-src", "connect-src", "font-src"} & set(rules)


def test_what_people_typed_is_shown_as_it_is():
    document = hostile()
    page = Parsed(document)
    for one in HOSTILE:
        assert page.texts.count(clean(one)) >= 14, one  # 9 cells, 2 captions, paragraph, bullet, heading
        assert [looks["alt"] for looks in page.all("img")].count(clean(one)) >= 1
    assert not {letter for letter in page.source if ord(letter) < 32} - {"\n"}
    assert "\u202e" not in page.source


def test_pictures_are_the_drawings_with_fonts_that_readers_have():
    [image] = Parsed(JAPANESE).all("img")
    drawing = base64.b64decode(image["src"].partition(",")[2]).decode()
    [fonts] = re.findall('font-family="(.*?)"', drawing)
    first, *others = fonts.split(",")
    assert first == "IPAexGothic"
    assert {"'Yu Gothic'", "'Noto Sans JP'", "Meiryo", "sans-serif"} <= set(others)
    assert image["alt"] == "grey"


def test_tables_say_which_cells_are_heads_of_what():
    grid = Grid([["map", "error"], ["plain", "0.42"], ["tuned", "0.33"]], "Errors")
    page = Parsed(replace(BARE, sections=[Section("All maps", [grid, replace(grid, caption="")])]))
    scopes = [looks["scope"] for looks in page.all("th")]
    assert scopes == ["col", "col", "row", "row"] * 2
    assert len(page.all("caption")) == 1
    assert [looks["aria-label"] for looks in page.all("div")] == ["Errors", "All maps"]
    assert {looks.get("class") for looks in page.all("td")} == {"number"}


def test_many_sections_have_contents_that_lead_to_each_of_them():
    sections = [Section("same heading", [Paragraphs(["text"])])] * 9
    page = Parsed(replace(BARE, sections=sections))
    assert [looks["href"] for looks in page.all("a")] == [f"#{looks['id']}" for looks in page.all("h2")]
    assert len({looks["id"] for looks in page.all("h2")}) == 9
    assert Parsed(JAPANESE).all("a") == []


def test_the_same_document_gives_the_same_bytes():
    assert html(JAPANESE) == html(replace(JAPANESE))
    assert html(replace(JAPANESE, headline="別の")) != html(JAPANESE)


def test_what_says_nothing_breaks_nothing():
    empty = [Section("Section", []), Section("Another", [Paragraphs([]), Bullets([]), Grid([]), Grid([[], []])])]
    assert Parsed(replace(BARE, sections=empty)).texts == ["title", "headline", "Section", "Another"]
    uneven = Grid([["a"], ["b", "1", "2"], []])
    page = Parsed(replace(BARE, sections=[Section("Section", [uneven, picture()])]))
    assert len(page.all("td")) + len(page.all("th")) == 9
