"""Each hostile string through everything that leaves the product: files, charts and the store. Screens: the browser."""

import ast
import io
import re
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from lxml import etree

from core import charts, map_charts, pictures
from core.document import Bullets, Document, Grid, Paragraphs, Section, clean
from core.encoders import EncoderSpec, facts
from core.errors import UserError
from core.paper import shown
from core.report import formula_safe
from feedback_db import ratings
from feedback_db.permits import LOCAL
from pages.parts import export, post
from pages.parts.text import JOINER
from pages.parts.work import database
from tests.hostile import EVERYTHING, MARK, SHOWN
from tests.screens import Person, csv
from tests.test_book import bodies, pages, squeezed
from tests.test_slides import said, slides
from tests.test_structure import parsed, python_files
from tests.test_unsafe import PEOPLES
from tests.test_webpage import Parsed

KEPT = tuple(post.storable(text) for text in EVERYTHING)  # as a database has them
SIGNS = tuple("=+-@＝＋－＠\t\r\n")
SVG = "{http://www.w3.org/2000/svg}"
DOCUMENT = Document(
    "title",
    EVERYTHING[:2],
    "headline",
    [Section("heading", [Paragraphs(EVERYTHING), Bullets(EVERYTHING), Grid([[one] for one in EVERYTHING])])],
    EVERYTHING[2:4],
    "ja",
)


# --- tables


def read_back(table: pd.DataFrame) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(export.csv(table)), encoding="utf-8-sig", keep_default_na=False)


def test_no_cell_of_a_table_begins_as_a_formula_does():
    cells = read_back(pd.DataFrame({"text": [*KEPT, *(f" {one}" for one in KEPT)]}))["text"]
    assert [cell for cell in cells if cell.lstrip().startswith(SIGNS)] == []


def test_who_takes_one_apostrophe_away_has_what_was_written_but_for_line_ends():
    """As the codebook says."""
    cells = read_back(pd.DataFrame({"text": KEPT}))["text"]
    assert [cell.removeprefix("'") for cell in cells] == [re.sub(r"\s*[\r\n]+\s*", " / ", text) for text in KEPT]
    assert sum(cell != text for cell, text in zip(cells, KEPT, strict=True)) < len(KEPT) / 2  # most are left alone


def test_numbers_stay_numbers():
    table = pd.DataFrame({"n": [-1.5, 2.0], "m": pd.array([-1, None], dtype="Int64"), "text": ["-1.5", "x"]})
    assert export.csv(table).decode("utf-8-sig").splitlines() == ["n,m,text", "-1.5,-1,'-1.5", "2.0,,x"]


@pytest.mark.parametrize("text", ["=1", "＝1", " =1", "\t1", "'=1", "'quoted'", "\u00a0@x"])
def test_one_apostrophe_comes_before_whatever_could_begin_a_formula(text):
    assert formula_safe(text) == f"'{text}"


# --- documents


def test_a_page_for_a_browser_says_each_and_has_no_element_of_theirs():
    page = Parsed(DOCUMENT)
    assert [text for text in EVERYTHING if page.texts.count(clean(text)) < 3] == []
    assert MARK not in {name for _tag, looks in page.elements for name in looks}
    assert not {"script", "iframe", "b", "svg"} & {tag for tag, _looks in page.elements}


def test_a_pdf_says_each():
    everything = "".join(bodies(pages(DOCUMENT), "title"))
    assert [text for text in EVERYTHING if everything.count(squeezed(shown(text))) < 3] == []


def test_slides_say_each():
    everything = squeezed("".join(one for slide in slides(DOCUMENT) for one in said(slide)))
    assert [text for text in EVERYTHING if everything.count(squeezed(clean(text))) < 3] == []


# --- charts


def drawn_with(name: str) -> Iterator[charts.Chart]:
    """Charts in which people's words stand as a band's name, the title of an axis, a legend and a tooltip."""
    at, wave = np.arange(30.0), np.arange(30.0)[:, None] % 7
    yield charts.traces(at, wave, [name], name)
    yield charts.series_line(charts.Line(at, wave[:, 0], name, name), [(3, 9)], [], 150)
    xy, labels = np.random.default_rng(0).normal(size=(9, 2)), np.array([name, *"abcdefgh"])
    frame = map_charts.frame_of(xy)
    nobody = np.array([], dtype=int)
    coloured = map_charts.Map(xy, map_charts.Colouring(name, labels), nobody, frame)
    yield map_charts.waveform_map(coloured, 400, {name: list(labels)}).properties(width=500)


@pytest.mark.parametrize("text", [*SHOWN, "two\r\nlines", "three\u2028lines"])
def test_a_picture_says_it_and_has_no_element_of_theirs(text):
    for chart in drawn_with(text):
        drawing = etree.fromstring(pictures.drawn(chart, "svg"))
        texts = [squeezed(one.text or "").replace(JOINER, "").rstrip("…") for one in drawing.iter(f"{SVG}text")]
        whole = squeezed(text).replace(JOINER, "")
        assert [one for one in texts if one and whole.startswith(one)], texts  # a long one ends in "…"
        names = {one.tag.removeprefix(SVG) for one in drawing.iter() if isinstance(one.tag, str)}
        assert names <= {"svg", "g", "rect", "path", "text", "line", "defs", "clipPath", "tspan"}
        looks = {name for one in drawing.iter() for name in one.attrib}
        assert [name for name in looks if name.startswith("on") or "href" in name or name == MARK] == []


# --- what is kept


def test_no_file_is_named_after_what_somebody_called_something(place):
    pilot = place.pilot(" ".join(KEPT))
    before = {path.name for path in place.folder.parent.iterdir()}
    for i, name in enumerate(KEPT):
        place.data(pilot, csv(40 + i), name)
    files = [path.relative_to(place.folder).as_posix() for path in place.folder.rglob("*")]
    assert [file for file in files if not re.fullmatch(r"pilot\.db(-\w+)?|artifacts(/[\w.-]+)*", file)] == []
    assert {path.name for path in place.folder.parent.iterdir()} == before
    assert [one.file_name for one in place.datasets(pilot)] == list(KEPT)


def test_no_path_is_put_together_from_what_people_wrote():
    """Nor is what a browser is told to call a download."""
    wrong = []
    for file in python_files("app.py", "pages", "core", "feedback_db"):
        for node in ast.walk(parsed(file)):
            parts = [node] if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) else named_by(node)
            fields = [one for part in parts for one in ast.walk(part) if isinstance(one, ast.Attribute)]
            wrong += [f"{file}:{one.lineno} {ast.unparse(one)}" for one in fields if one.attr in PEOPLES - OTHERS]
    assert wrong == []


OTHERS = {"name", "source", "label", "what", "guard", "reason", "own"}  # also names of other things than people's words
OPENING = {"Path", "open", "joinpath", "with_name", "folder", "save"}


def named_by(node: ast.AST) -> list[ast.AST]:
    """What decides the name of a file."""
    if not isinstance(node, ast.Call):
        return []
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name == "download_button":
        return [*node.args[2:3], *(one.value for one in node.keywords if one.arg == "file_name")]
    return list(node.args) if name in OPENING else []


@pytest.mark.parametrize("address", ["https://evil.example/x", "http://127.0.0.1:9/x", "file:///etc", "s3://x/y"])
def test_an_address_is_no_folder_of_a_model(address):
    with pytest.raises(UserError):
        facts(EncoderSpec("moment", address), 8)


# --- what a tablet sends


@pytest.mark.parametrize("text", EVERYTHING)
def test_whatever_stands_in_a_comment_is_kept_and_holds_up_no_outbox(place, text):
    _pilot, study, _kept = place.asked()
    someone = Person(place, "ja").begin(study)
    assert someone.send(item=first_rated(someone), score=3, comment=text, choice=None) == {}
    with database().session(LOCAL) as db:
        [said_of_it] = ratings.of_study(db, study.id)
    assert said_of_it.rating.comment == post.storable(text).strip()[:500]
    assert "\0" not in said_of_it.rating.comment


def test_what_was_never_asked_is_not_kept(place):
    _pilot, study, _kept = place.asked()
    someone = Person(place, "ja").begin(study)
    assert someone.send(literacy={"near": "alike\0", "__proto__": "x", "\0": "y"}) == {}
    refused = someone.send(item=first_rated(someone), score=3, choice=None, previs={"mine": {"x": 1}})
    assert list(refused.values()) == ["unreadable"]
    assert "__proto__" not in str(place.rows("SELECT literacy FROM rater"))


def first_rated(someone: Person) -> str:
    return next(one["id"] for one in someone.questionnaire()["items"] if one["steps"][0]["kind"] != "check")
