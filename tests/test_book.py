"""A document's pages, read back with another library: its words in their order, its room, contents and bookmarks."""

import io
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pypdfium2
import pytest
from PIL import Image
from pypdfium2 import raw

from core.book import pdf
from core.document import Block, Bullets, Document, Grid, Paragraphs, Picture, Section
from core.paper import UNKNOWN, shown
from tests.test_structure import ROOT

MM = 72 / 25.4  # points
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><text font-family="IPAexGothic">a</text></svg>'


def picture(width: int = 400, height: int = 240, caption: str = "") -> Picture:
    file = io.BytesIO()
    Image.new("RGB", (width, height), (90, 90, 90)).save(file, "png")
    return Picture(file.getvalue(), SVG, "grey", caption)


JAPANESE = Document(
    title="プレス3号機の波形は読み取れるか",
    facts=["製造一課", "第2回"],
    headline="続けることを勧めます。わかりやすさは0.9点上がりました。",
    sections=[
        Section(
            "数字と意見",
            [Paragraphs(["離れたかたまりの距離は比べられません。"]), picture(caption="点は1つの地図です。")],
        ),
        Section(
            "すべての地図",
            [Grid([["地図", "誤差", "意見"], ["第1回", "0.42", "髙橋：よい"], ["第2回", "0.33", ""]], "誤差の表")],
        ),
        Section("次に", [Bullets(["続ける。", "前処理を見直す。"]), Paragraphs(["以上。"])]),
    ],
    footer=["データの指紋 3f9a1c", "作成 2026/11/28 14:05"],
    language="ja",
)
ENGLISH = Document(
    title="Can press 3 be read from its waveforms?",
    facts=["Production section 1", "round 2"],
    headline="Go on: understandability rose by 0.9 points.",
    sections=[
        Section("Numbers beside opinions", [Paragraphs(["Gaps tell nothing."]), picture(caption="A dot is one map.")]),
        Section("All maps", [Grid([["map", "error"], ["plain", "0.42"], ["tuned", "0.33"]], "Errors")]),
        Section("Next", [Bullets(["Go on.", "Review preparation."]), Paragraphs(["That is all."])]),
    ],
    footer=["data fingerprint 3f9a1c", "made 2026/11/28 14:05"],
    language="en",
)
BARE = Document("title", [], "headline", [], [], "en")
HOSTILE = [
    *(
        "<script>alert(1)</script>",
        "=1+1",
        "a\x00b\x1bc",
        "\u202eright to left\u2066",
        "W" * 200,
        "good 😀",
        "a\u200bb\ufeffc",
    ),
    *(
        "{braces} {0} %s %(x)d",
        "&amp; &lt; \"double\" 'single'",
        "]]> <!-- --> <b>",
        "_x0041_",
        "half \ud800",
        "\ufffe",
    ),
    *("one\r\ntwo\x0bthree", "שלום", "か\u3099 cafe\u0301", "\\ ) ( % /etc/passwd"),
]
ENDLESS = "鑑" * 3000 + "W" * 3000


def hostile() -> Document:
    """Each of the strings in every place where text can stand."""
    places = [
        Section(
            one, [Paragraphs([one]), Bullets([one]), replace(picture(caption=one), alt=one), Grid([[one] * 3] * 3, one)]
        )
        for one in HOSTILE
    ]
    return Document(HOSTILE[0], HOSTILE[:4], HOSTILE[5], places, HOSTILE[5:9], "ja")


def words(block: Block, bullet: str = "•") -> list[str]:
    """What a block says, in its order."""
    match block:
        case Paragraphs():
            return list(block.lines)
        case Bullets():
            return [part for line in block.lines for part in (bullet, line)]
        case Grid():
            return [block.caption, *(cell for row in block.rows for cell in row)]
        case Picture():
            return [block.caption]


def squeezed(said: str) -> str:
    """Without spaces and line ends: where lines are broken is not what is said."""
    return re.sub(r"\s", "", said)


def pages(document: Document) -> list[pypdfium2.PdfPage]:
    return list(pypdfium2.PdfDocument(pdf(document)))


def bodies(made: Sequence[pypdfium2.PdfPage], title: str) -> list[str]:
    """The pages' text without spaces, and without their feet, which all of them have."""
    found = []
    for i, page in enumerate(made, 1):
        said, foot = squeezed(page.get_textpage().get_text_range()), squeezed(f"{title}{i}/{len(made)}")
        assert said.endswith(foot)
        found.append(said.removesuffix(foot))
    return found


def n_pictures(page: pypdfium2.PdfPage) -> int:
    return len(list(page.get_objects([raw.FPDF_PAGEOBJ_IMAGE])))


def assert_sides_are_free(page: pypdfium2.PdfPage) -> None:
    """Nothing is nearer to the left, the right or the upper edge than the margin."""
    ink = np.asarray(page.render(scale=2).to_pil().convert("L")) < 250
    near = round(19.5 * MM * 2)
    assert ink.any()
    assert not ink[:near].any()
    assert not ink[:, :near].any()
    assert not ink[:, -near:].any()


@pytest.mark.parametrize("document", [JAPANESE, ENGLISH], ids=["ja", "en"])
def test_the_pages_say_what_went_in_and_in_that_order(document):
    parts = [word for one in document.sections for word in (one.heading, *(w for b in one.blocks for w in words(b)))]
    said = [document.title, " · ".join(document.facts), document.headline, *parts, " · ".join(document.footer)]
    assert "".join(bodies(pages(document), document.title)) == squeezed("".join(said))


def test_what_people_typed_is_shown_and_not_obeyed():
    document = hostile()
    made = pages(document)
    said = "".join(bodies(made, shown(document.title)))
    assert UNKNOWN in said
    for one in HOSTILE:
        assert said.count(squeezed(shown(one))) >= 13, one  # 9 cells, 2 captions, paragraph, bullet
    for page in made:
        assert_sides_are_free(page)


def test_the_same_document_gives_the_same_bytes_now_and_in_another_process():
    first = pdf(JAPANESE)
    program = "import sys\nfrom tests.test_book import JAPANESE, pdf\nsys.stdout.buffer.write(pdf(JAPANESE))"
    settings = {**os.environ, "PYTHONHASHSEED": "7"}
    again = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=settings, capture_output=True, check=True)
    assert again.stdout == first
    assert pdf(replace(JAPANESE, footer=["作成 2026/11/28 14:06"])) != first


def test_many_sections_have_contents_that_name_the_page_on_which_each_begins():
    sections = [Section(f"Heading {i:02}.", [Paragraphs(["Some words. " * 60] * (i % 4 + 1))]) for i in range(12)]
    file = pypdfium2.PdfDocument(pdf(replace(BARE, sections=sections)))
    first, *others = bodies(list(file), "title")
    told = [int(re.search(rf"Heading{i:02}\.(\d+?)(?=Heading)", first)[1]) for i in range(12)]
    shown_on = [max(p for p, page in enumerate([first, *others], 1) if f"Heading{i:02}." in page) for i in range(12)]
    assert told == shown_on
    assert len(set(told)) > 3
    marks = list(file.get_toc())
    assert [mark.get_title() for mark in marks] == [one.heading for one in sections]
    assert [mark.get_dest().get_index() + 1 for mark in marks] == shown_on


def test_few_sections_have_none_but_bookmarks_all_the_same():
    file = pypdfium2.PdfDocument(pdf(JAPANESE))
    assert squeezed(file[0].get_textpage().get_text_range()).count("次に") == 1
    assert [mark.get_title() for mark in file.get_toc()] == ["数字と意見", "すべての地図", "次に"]


def test_the_file_knows_its_title_and_its_language():
    file = pdf(JAPANESE)
    assert pypdfium2.PdfDocument(file).get_metadata_value("Title") == JAPANESE.title
    assert pypdfium2.PdfDocument(file).get_metadata_value("Author") == ""
    assert b"/Lang (ja)" in file


def test_a_long_table_shows_its_heads_on_every_page_and_every_row_once():
    rows = [["head", "n"], *([f"row{i:03}", "1"] for i in range(120))]
    made = pages(replace(BARE, sections=[Section("Section", [Grid(rows, "caption")])]))
    assert len(made) > 2
    texts = bodies(made, "title")
    assert all("headnrow" in said for said in texts)
    assert re.findall(r"row(\d{3})", "".join(texts)) == [f"{i:03}" for i in range(120)]


@pytest.mark.parametrize(
    ("block", "is_with_it"),
    [
        (Paragraphs(["last " * 300]), lambda page, said: "secondlast" in said),
        (Bullets(["last"] * 9), lambda page, said: "second•last" in said),
        (
            Grid([["head"], *(["last"] for _ in range(9))], "caption"),
            lambda page, said: "secondcaptionheadlast" in said,
        ),
        (picture(caption="caption"), lambda page, said: "secondcaption" in said and n_pictures(page) == 1),
    ],
    ids=["paragraphs", "bullets", "table", "picture"],
)
def test_a_heading_is_never_alone_at_the_foot_of_a_page(block, is_with_it):
    breaks = set()
    for n in range(12, 36):
        sections = [Section("first", [Paragraphs(["line"] * n)]), Section("second", [block])]
        made = pages(replace(BARE, sections=sections))
        [(i, said)] = [(i, said) for i, said in enumerate(bodies(made, "title")) if "second" in said]
        assert is_with_it(made[i], said), n
        breaks.add(i)
    assert breaks == {0, 1}, "no break was ever near"


def test_a_caption_is_never_without_its_table():
    for n in range(12, 36):
        grid = Grid([["head"], *(["last"] for _ in range(9))], "caption")
        made = pages(replace(BARE, sections=[Section("first", [Paragraphs(["line"] * n), grid])]))
        assert "captionheadlast" in "".join(said for said in bodies(made, "title") if "caption" in said), n


def test_a_table_of_twelve_columns_is_read_from_a_page_on_its_side_in_no_less_than_8_points():
    wide = Grid([[f"質問{i}の回答とその理由" for i in range(12)]] + [["だいたい読み取れるが一部不明"] * 12] * 9)
    sections = [
        Section("before", [Paragraphs(["tall"])]),
        Section("wide", [wide]),
        Section("after", [Paragraphs(["tall"])]),
    ]
    made = pages(replace(BARE, sections=sections))
    assert [page.get_width() > page.get_height() for page in made] == [False, True, False]
    assert [
        said for said, where in zip(["before", "wide", "after"], bodies(made, "title"), strict=True) if said in where
    ] == [
        "before",
        "wide",
        "after",
    ]
    letters = made[1].get_textpage()
    sizes = {round(raw.FPDFText_GetFontSize(letters, i), 2) for i in range(letters.count_chars())} - {1.0}
    assert min(sizes) >= 8
    for page in made:
        assert_sides_are_free(page)


def test_twelve_columns_of_numbers_stay_on_an_upright_page():
    grid = Grid([["channel", *(f"line {i}" for i in range(11))]] + [[f"sensor {r}", *["0.5"] * 11] for r in range(9)])
    [page] = pages(replace(BARE, sections=[Section("wide", [grid])]))
    assert page.get_width() < page.get_height()
    assert_sides_are_free(page)


def test_what_is_endless_goes_on_over_pages():
    blocks = [Paragraphs([ENDLESS]), Bullets([ENDLESS]), Grid([["head", "head"], [ENDLESS, "x"]])]
    made = pages(replace(BARE, sections=[Section("Section", blocks)]))
    assert sum(said.count("鑑") for said in bodies(made, "title")) == 3000 * 3
    for page in made:
        assert_sides_are_free(page)


def test_heads_and_headings_that_are_endless_leave_room_for_what_is_below_them():
    grid = Grid([[ENDLESS, ENDLESS], *[["row", "1"]] * 99])
    made = pages(replace(BARE, sections=[Section(ENDLESS, [grid])] * 7))
    assert sum(said.count("row") for said in bodies(made, "title")) == 7 * 99


@pytest.mark.parametrize("size", [(2000, 100), (100, 2000), (400, 300)])
def test_a_picture_keeps_its_proportions_and_fits(size):
    [page, *_] = pages(replace(BARE, sections=[Section("Section", [picture(*size)])]))
    [found] = page.get_objects([raw.FPDF_PAGEOBJ_IMAGE])
    left, bottom, right, top = found.get_bounds()
    assert (right - left) / (top - bottom) == pytest.approx(size[0] / size[1], rel=0.02)
    assert left >= 20 * MM - 1
    assert right <= 190 * MM + 1


def test_no_page_is_empty():
    wide = Grid([[f"質問{i}の回答とその理由" for i in range(12)]] + [["だいたい読み取れるが一部不明"] * 12] * 3)
    for n in range(20, 40):
        sections = [Section("first", [Paragraphs(["line"] * n)]), Section("wide", [wide])]
        assert all(bodies(pages(replace(BARE, sections=sections)), "title")), n


def test_every_letter_comes_with_the_file():
    file = pdf(JAPANESE)
    assert set(re.findall(rb"/BaseFont /(\S+)", file)) == {b"AAAAAA+IPAexGothic"}
    for page in pypdfium2.PdfDocument(file):
        for one in page.get_objects([raw.FPDF_PAGEOBJ_TEXT]):
            assert raw.FPDFFont_GetIsEmbedded(raw.FPDFTextObj_GetFont(one)) == 1
            assert raw.FPDFTextObj_GetTextRenderMode(one) == raw.FPDF_TEXTRENDERMODE_FILL


def test_what_says_nothing_takes_no_room_and_breaks_nothing():
    empty = [Section("Section", []), Section("Another", [Paragraphs([]), Bullets([]), Grid([]), Grid([[], []])])]
    assert bodies(pages(replace(BARE, sections=empty)), "title") == ["titleheadlineSectionAnother"]


def test_a_crowded_table_with_an_empty_column_can_be_drawn():
    grid = Grid([[*["long words " * 9] * 5, "", *["long words " * 9] * 6]] * 3)
    [page] = pages(replace(BARE, sections=[Section("Section", [grid])]))[1:]
    assert_sides_are_free(page)
