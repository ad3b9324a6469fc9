"""A document's slides, read back with python-pptx: its words in their order, and that nothing leaves its slide."""

import io
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import pytest
from lxml import etree
from pptx import Presentation
from pptx.oxml.ns import qn
from pptx.shapes.base import BaseShape
from pptx.slide import Slide

from core.document import Bullets, Document, Grid, Paragraphs, Section, clean
from core.paper import broken
from core.setting import SLACK
from core.slides import pptx
from tests.test_book import BARE, ENDLESS, ENGLISH, HOSTILE, JAPANESE, hostile, picture, squeezed, words
from tests.test_structure import ROOT

PT = 12700  # English metric units
LONG = "この課では、プレス3号機の荷重波形を時系列モデルで地図にし、10人に2回見てもらいました。"
WIDE = Grid([[f"質問{i}の回答とその理由" for i in range(12)]] + [["だいたい読み取れるが一部不明"] * 12] * 9, "表")
RICH = replace(
    JAPANESE,
    sections=[
        Section("文章", [Paragraphs([LONG * 4] * 9)]),
        Section("箇条書き", [Bullets([LONG] * 30)]),
        Section(
            "表",
            [Paragraphs([LONG]), Grid([["地図", "値", "意見"]] + [[f"地図{i}", f"{i}.5", LONG] for i in range(40)])],
        ),
        Section("広い表", [WIDE, Bullets([LONG])]),
        Section("図と長い文章", [Paragraphs([LONG * 5]), picture(caption=LONG * 2), Bullets([LONG * 2] * 3)]),
        Section("図だけ", [picture(300, 900), picture(900, 300), picture(400, 300)]),
        Section("とても長い見出し" * 40, [Grid([[LONG * 3] * 3] * 3, LONG * 9), picture(caption=LONG * 9)]),
        Section("終わりのない語", [Paragraphs([ENDLESS]), Bullets([ENDLESS]), Grid([["W" * 500] * 3, [ENDLESS] * 3])]),
    ],
)


def slides(document: Document) -> list[Slide]:
    return list(Presentation(io.BytesIO(pptx(document))).slides)


def cells(shape: BaseShape) -> list[str]:
    return [cell.text_frame.text for row in shape.table.rows for cell in row.cells]


def said(slide: Slide) -> list[str]:
    """What is read aloud, in that order, but for the footer and the number."""
    found = []
    for shape in slide.shapes:
        if shape.has_table:
            found += cells(shape)
        elif shape.has_text_frame:
            found += [paragraph.text for paragraph in shape.text_frame.paragraphs]
    return found


def tables(made: list[Slide]) -> list[list[list[str]]]:
    found = [shape.table for slide in made for shape in slide.shapes if shape.has_table]
    return [[[cell.text_frame.text for cell in row.cells] for row in table.rows] for table in found]


def box(shape: BaseShape) -> tuple[float, float, float, float]:
    """Left, top, right, bottom in points."""
    return tuple(one / PT for one in (shape.left, shape.top, shape.left + shape.width, shape.top + shape.height))


def points(part: etree._Element) -> list[float]:
    return [int(run.get("sz")) / 100 for run in part.iter(qn("a:rPr"))]


def high(part: etree._Element, width: float) -> float:
    """What a text's paragraphs need in points, if their letters are as wide as we take them."""
    total = after = 0.0
    for one in part.iter(qn("a:p")):
        [size, *_] = points(one)
        look = one.find(qn("a:pPr"))
        inner = width - int(look.get("marL")) / PT
        text = "".join(letters.text or "" for letters in one.iter(qn("a:t")))
        leading, after = (int(look.find(qn(name))[0].get("val")) / 100 for name in ("a:lnSpc", "a:spcAft"))
        total += len(broken(text, size * SLACK, inner)) * leading + after
    return total - after


def fitting(slide: Slide) -> Iterator[tuple[str, float, float]]:
    """Every text with the height that it needs and the one that it has."""
    for shape in slide.shapes:
        left, top, right, bottom = box(shape)
        if shape.has_table:
            for row in shape.table.rows:
                for cell, column in zip(row.cells, shape.table.columns, strict=True):
                    across, up = cell.margin_left + cell.margin_right, cell.margin_top + cell.margin_bottom
                    needed = high(cell._tc, (column.width - across) / PT)
                    yield cell.text_frame.text, needed, (row.height - up) / PT
        elif shape.has_text_frame:
            yield shape.text_frame.text, high(shape.element, right - left), bottom - top


@pytest.mark.parametrize("document", [JAPANESE, ENGLISH], ids=["ja", "en"])
def test_the_slides_say_what_went_in_and_in_that_order(document):
    first, *others = slides(document)
    footer = " · ".join(document.footer)
    assert said(first) == [document.title, " · ".join(document.facts), document.headline, footer]
    for number, (slide, section) in enumerate(zip(others, document.sections, strict=True), 2):
        heading, *rest, foot, count = said(slide)
        assert heading == section.heading == slide.shapes.title.text_frame.text
        wanted = [word for block in section.blocks for word in words(block, "")]
        assert list(filter(None, rest)) == list(filter(None, wanted))
        assert (foot, count) == (footer, f"{number} / {len(others) + 1}")


def test_blocks_are_read_in_their_order():
    blocks = [
        Paragraphs(["1"]),
        Bullets(["2"]),
        picture(caption="3"),
        Paragraphs(["4"]),
        Grid([["5"], ["6"]]),
        Bullets(["7"]),
    ]
    _, *made = slides(replace(BARE, sections=[Section("Section", blocks)]))
    assert [one for slide in made for one in said(slide) if one.isdigit()] == [*"1234567"]


def test_text_stands_beside_a_picture_or_below_a_flat_one():
    for size, beside in [((400, 300), True), ((900, 200), False)]:
        sections = [Section("Section", [picture(*size, caption="caption"), Bullets(["text"])])]
        _, slide = slides(replace(BARE, sections=sections))
        [image] = [box(shape) for shape in slide.shapes if not shape.has_text_frame]
        [text] = [box(shape) for shape in slide.shapes if shape.has_text_frame and shape.text_frame.text == "text"]
        assert (text[0] >= image[2], text[1] >= image[3]) == (beside, not beside)


def test_a_picture_keeps_its_proportions_and_says_what_it_shows():
    for across, up in [(300, 900), (900, 300), (400, 300)]:
        sections = [Section("Section", [replace(picture(across, up), alt='a "grey" <box>')])]
        _, slide = slides(replace(BARE, sections=sections))
        [image] = [shape for shape in slide.shapes if not shape.has_text_frame]
        assert image.width / image.height == pytest.approx(across / up, rel=0.01)
        assert image.element.nvPicPr.cNvPr.get("descr") == 'a "grey" <box>'


def test_what_is_too_long_goes_on_and_is_all_there():
    _, *made = slides(RICH)
    titles = [slide.shapes.title.text_frame.text for slide in made]
    parts = [title for title in titles if title.startswith("箇条書き")]
    assert len(parts) > 2
    assert parts == [f"箇条書き ({i}/{len(parts)})" for i in range(1, len(parts) + 1)]
    everything = "".join(one for slide in made for one in said(slide))
    assert everything.count("鑑") == 3000 * 5
    rows = [row for table in tables(made) if table[0] == ["地図", "値", "意見"] for row in table[1:]]
    assert [row[0] for row in rows] == [f"地図{i}" for i in range(40)]


def test_no_part_of_a_table_is_all_but_empty():
    for n in range(2, 60, 3):
        _, *made = slides(
            replace(BARE, sections=[Section("Section", [Grid([["head"], *(["row"] for _ in range(n))])])])
        )
        lengths = [len(table) - 1 for table in tables(made)]
        assert sum(lengths) == n
        assert lengths[-1] > max(lengths) / 2 - 1, lengths


@pytest.mark.parametrize("document", [JAPANESE, ENGLISH, RICH, hostile()], ids=["ja", "en", "rich", "hostile"])
def test_nothing_leaves_its_slide_or_lies_on_something_else(document):
    for slide in slides(document):
        boxes = [box(shape) for shape in slide.shapes]
        for left, top, right, bottom in boxes:
            assert min(left, top) >= 20
            assert right <= 960 - 20
            assert bottom <= 540 - 15
        for one, other in combinations(boxes, 2):
            apart = (
                one[2] <= other[0] + 0.1
                or other[2] <= one[0] + 0.1
                or one[3] <= other[1] + 0.1
                or other[3] <= one[1] + 0.1
            )
            assert apart, said(slide)
        for text, needed, given in fitting(slide):
            assert needed <= given + 0.1, text
        assert min(points(slide.element)) >= 12


def test_what_people_typed_is_shown_as_it_is():
    made = slides(hostile())
    everything = squeezed("".join(one for slide in made for one in said(slide)))
    for one in HOSTILE:
        assert everything.count(squeezed(clean(one))) >= 13, one  # 9 cells, 2 captions, paragraph, bullet


@pytest.mark.parametrize(
    ("document", "language", "latin"), [(JAPANESE, "ja-JP", "Yu Gothic"), (ENGLISH, "en-GB", "Arial")]
)
def test_letters_are_of_fonts_that_office_has_and_their_language_is_told(document, language, latin):
    file = zipfile.ZipFile(io.BytesIO(pptx(document)))
    theme = etree.fromstring(file.read("ppt/theme/theme1.xml"))
    for kind in ("a:majorFont", "a:minorFont"):
        [fonts] = theme.iter(qn(kind))
        assert (fonts.find(qn("a:latin")).get("typeface"), fonts.find(qn("a:ea")).get("typeface")) == (
            latin,
            "Yu Gothic",
        )
    for slide in slides(document):
        runs = list(slide.element.iter(qn("a:r"), qn("a:fld")))
        assert {run.find(qn("a:rPr")).get("lang") for run in runs} == {language}
        assert list(slide.element.iter(qn("a:latin"), qn("a:ea"))) == []  # or the theme would not be asked


def test_only_the_heads_of_a_table_are_bold_and_numbers_stand_at_the_right():
    _, slide = slides(replace(BARE, sections=[Section("Section", [Grid([["a", "b"], ["x", "1.5"]])])]))
    [table] = [shape.table for shape in slide.shapes if shape.has_table]
    assert table.first_row
    assert not table.horz_banding
    [[a, b], [x, number]] = [[cell._tc for cell in row.cells] for row in table.rows]
    assert [next(cell.iter(qn("a:rPr"))).get("b") for cell in (a, b, x, number)] == ["1", "1", "0", "0"]
    assert [next(cell.iter(qn("a:pPr"))).get("algn") for cell in (a, b, x, number)] == ["l", "r", "l", "r"]


def test_the_same_document_gives_the_same_bytes_now_and_in_another_process():
    first = pptx(JAPANESE)
    program = "import sys\nfrom tests.test_slides import JAPANESE, pptx\nsys.stdout.buffer.write(pptx(JAPANESE))"
    settings = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    again = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=settings, capture_output=True, check=True)
    assert again.stdout == first
    assert {entry.date_time for entry in zipfile.ZipFile(io.BytesIO(first)).infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert pptx(replace(JAPANESE, footer=["作成 2026/11/28 14:06"])) != first


def test_nothing_of_a_template_is_left():
    file = pptx(replace(JAPANESE, title="A & B <C>"))
    deck = Presentation(io.BytesIO(file))
    about = deck.core_properties
    assert (about.title, about.author, about.last_modified_by, about.created) == ("A & B <C>", "", "", None)
    assert [layout.name for layout in deck.slide_layouts] == ["Title Only"]
    assert deck.slide_width * 9 == deck.slide_height * 16
    names = zipfile.ZipFile(io.BytesIO(file)).namelist()
    assert [name for name in names if re.search("thumbnail|printer|app.xml|notes", name)] == []
    assert b"4x3" not in zipfile.ZipFile(io.BytesIO(file)).read("ppt/presentation.xml")


def test_a_section_without_anything_is_a_slide_with_its_heading():
    empty = [Section("Section", []), Section("Another", [Paragraphs([]), Bullets([]), Grid([]), Grid([[], []])])]
    _, *made = slides(replace(BARE, sections=empty))
    assert [said(slide) for slide in made] == [["Section", "2 / 3"], ["Another", "3 / 3"]]


def test_python_pptx_is_loaded_when_it_is_asked_for():
    program = "import sys, core.slides\nassert not {name for name in sys.modules if name.split('.')[0] == 'pptx'}"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
