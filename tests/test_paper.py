"""The printed page, read back with another library: its words, its letters' shapes, its room at the edges."""

import ctypes
import io
import os
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pypdfium2
import pytest
from PIL import Image
from pypdfium2 import raw

from core import paper as papers
from core import pictures
from core.paper import UNKNOWN, Paper, pdf
from tests.test_structure import ROOT

MM = 72 / 25.4  # points
HOSTILE = "<b>bold</b> <img src='/etc/passwd'/> &lt; &#60; & \\ ) % {x} <br/>"


def png(width: int = 400, height: int = 200) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), (90, 90, 90)).save(file, "png")
    return file.getvalue()


JAPANESE = Paper(
    title="プレス3号機の波形は読み取れるか",
    facts=["製造一課", "第2回"],
    headline="続けることを勧めます。わかりやすさは0.9点上がりました（ばらつきの幅 0.4〜1.4、10人）。",
    picture=png(),
    picture_caption="点は1つの地図です。",
    table=[["項目", "第1回", "第2回"], ["わかりやすさ", "3.3", "4.2"], ["1年の効果", "—", "¥1,240,000"]],
    sections=[
        ("誤解しやすい点", ["離れたかたまりの距離は比べられません。", "担当：髙橋、﨑山。"]),
        ("次に", ["続ける。"]),
    ],
    footer=["データの指紋 3f9a1c", "作成 2026/11/28 14:05"],
)
ENGLISH = Paper(
    title="Can press 3 be read from its waveforms?",
    facts=["Production section 1", "round 2"],
    headline="Go on: understandability rose by 0.9 points (range of uncertainty 0.4 to 1.4, 10 people).",
    picture=png(),
    picture_caption="A dot is one map.",
    table=[["", "Round 1", "Round 2"], ["Understandability", "3.3", "4.2"], ["Effect", "—", "JPY 1,240,000"]],
    sections=[
        ("What could mislead", ["Gaps between far groups tell nothing.", "Ten people rated."]),
        ("Next", ["Go on."]),
    ],
    footer=["data fingerprint 3f9a1c", "made 2026/11/28 14:05"],
)
BARE = Paper("title", [], "headline", None, "", [], [], [])


def pages(paper: Paper) -> list[pypdfium2.PdfPage]:
    return list(pypdfium2.PdfDocument(pdf(paper)))


def text(page: pypdfium2.PdfPage) -> str:
    return page.get_textpage().get_text_range()


def squeezed(words: str) -> str:
    """Without spaces and line ends: where lines are broken is not what is said."""
    return re.sub(r"\s", "", words)


def said(paper: Paper) -> str:
    """Everything that goes in, from top to bottom."""
    cells = [cell for row in paper.table for cell in row]
    lines = [words for heading, lines in paper.sections for words in (heading, *lines)]
    facts, footer = " · ".join(paper.facts), " · ".join(paper.footer)
    return squeezed("".join([paper.title, facts, paper.headline, paper.picture_caption, *cells, *lines, footer]))


def picture_size(page: pypdfium2.PdfPage) -> tuple[float, float]:
    [picture] = page.get_objects([raw.FPDF_PAGEOBJ_IMAGE])
    left, bottom, right, top = picture.get_bounds()
    return right - left, top - bottom


def type_sizes(page: pypdfium2.PdfPage) -> set[float]:
    words = page.get_textpage()
    return {round(raw.FPDFText_GetFontSize(words, i), 2) for i in range(words.count_chars())} - {1.0}  # line ends


def edges(page: pypdfium2.PdfPage, words: str) -> tuple[float, float]:
    """Left and right of where the words stand, in points."""
    found = page.get_textpage()
    start, n = found.search(words).get_next()
    return found.get_charbox(start)[0], found.get_charbox(start + n - 1)[2]


@pytest.mark.parametrize("paper", [JAPANESE, ENGLISH], ids=["ja", "en"])
def test_the_page_says_what_went_in_and_in_that_order(paper):
    [page] = pages(paper)
    assert squeezed(text(page)) == said(paper) + "1/1"


def test_a_long_paper_goes_on_over_several_pages_each_with_its_number():
    long = replace(ENGLISH, sections=[("Heading", [f"line {i}" for i in range(150)])])
    made = pages(long)
    assert len(made) > 2
    assert [text(page).split("\r\n")[-1] for page in made] == [f"{i + 1} / {len(made)}" for i in range(len(made))]
    numbers = re.compile(r"\d+ / \d+$")
    assert squeezed("".join(numbers.sub("", text(page)) for page in made)) == said(long)


def test_a_long_table_shows_its_heads_on_every_page():
    made = pages(replace(BARE, table=[["head", "n"], *([f"row {i}", "1"] for i in range(120))]))
    assert len(made) > 2
    assert all("head n row" in " ".join(text(page).split()) for page in made)


def test_a_row_that_is_taller_than_a_page_goes_on_as_well():
    made = pages(replace(BARE, table=[["head"], ["字" * 4000]]))
    assert len(made) > 1
    assert sum(text(page).count("字") for page in made) == 4000


@pytest.mark.parametrize("n", range(75, 85))
def test_a_heading_is_never_the_last_line_of_a_page(n):
    made = pages(replace(BARE, sections=[("first", ["line"] * n), ("second", ["last"] * 20)]))
    assert len(made) > 1
    assert all(text(page).split("\r\n")[-2] != "second" for page in made)


def test_the_footer_stands_at_the_bottom_of_the_last_page():
    [page] = pages(ENGLISH)
    start, _ = page.get_textpage().search("data fingerprint").get_next()
    assert page.get_textpage().get_charbox(start)[1] == pytest.approx(20 * MM, abs=5)


def test_first_the_picture_gives_way_and_then_the_type_but_never_below_8_points():
    made = [
        pages(replace(ENGLISH, picture=png(400, 300), sections=[("Heading", ["line"] * n)])) for n in range(1, 40, 2)
    ]
    looks = [(round(picture_size(first)[1], 1), max(type_sizes(first))) for first, *_ in made]
    fitting = [look for look, found in zip(looks, made, strict=True) if len(found) == 1]
    heights, points = (set(values) for values in zip(*fitting, strict=True))
    assert fitting == sorted(fitting, reverse=True)
    assert len(heights) > 2
    assert len(points) > 2
    assert {height for height, points in fitting if points < fitting[0][1]} == {min(heights)}
    assert min(min(type_sizes(page)) for found in made for page in found) == 8
    assert len(made[-1]) == 2
    assert looks[-1] == looks[0], "what fills two pages anyway is comfortable to read"


def test_a_picture_keeps_its_proportions():
    width, height = picture_size(pages(replace(BARE, picture=png(300, 400)))[0])
    assert width / height == pytest.approx(3 / 4, abs=0.01)


def test_the_same_paper_gives_the_same_bytes_now_and_in_another_process():
    first = pdf(JAPANESE)
    pdf(ENGLISH)
    assert pdf(JAPANESE) == first
    program = "import sys\nfrom tests.test_paper import JAPANESE, pdf\nsys.stdout.buffer.write(pdf(JAPANESE))"
    settings = {**os.environ, "PYTHONHASHSEED": "7"}
    again = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=settings, capture_output=True, check=True)
    assert again.stdout == first
    assert pdf(replace(JAPANESE, footer=["作成 2026/11/28 14:06"])) != first


def test_markup_that_people_typed_is_shown_and_not_obeyed():
    bad = Paper(HOSTILE, [HOSTILE], HOSTILE, None, HOSTILE, [[HOSTILE]], [(HOSTILE, [HOSTILE])], [HOSTILE])
    assert squeezed("".join(map(text, pages(bad)))) == said(replace(bad, picture_caption="")) + "1/1"


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("a\x00b\x07c\u200bd\u202ee\ufefff", "abcdef"),  # controls, and what turns the direction of letters
        ("one\r\ntwo\tthree", "one two three"),
        ("good 😀", f"good {UNKNOWN}"),
        ("שלום", UNKNOWN * 4),
        ("𠮷野家", f"{UNKNOWN}野家"),
        ("\ud800", UNKNOWN),  # half a letter
        ("か\u3099 cafe\u0301", "が café"),
        ("葛\U000e0100飾", "葛飾"),
        ("髙橋 﨑山 ｶﾅ ①", "髙橋 﨑山 ｶﾅ ①"),  # no letter is exchanged for a plainer one that the font has too
        ("p ≤ 0.05, 5 µm", "p ≦ 0.05, 5 μm"),
        ("1\u202f000", "1 000"),
    ],
)
def test_what_cannot_be_drawn_leaves_a_mark_or_has_a_letter_of_the_same_meaning(typed, shown):
    [page] = pages(replace(BARE, headline=typed))
    assert text(page).split("\r\n")[1:-1] == [shown]


@pytest.mark.parametrize("n", range(20, 30))
def test_lines_are_full_and_begin_and_end_where_a_typesetter_would_have_them(n):
    """28 of these letters fill a line, so that every mark comes to stand at its end once."""
    [page] = pages(replace(BARE, headline="続" * n + "（ア「ー」）。" + "言" * 30))
    lines = text(page).split("\r\n")[1:-1]
    assert not any(line.startswith(tuple("ー」）。")) or line.endswith(tuple("（「")) for line in lines)
    assert all(23 <= len(line) <= 28 for line in lines[:-1])
    assert len(lines) <= 3


@pytest.mark.parametrize("n", range(1, 16))
def test_words_and_numbers_stay_whole(n):
    [page] = pages(replace(BARE, headline="x" * n + " understandability 1,240,000" * 4 + "は1,240,000円" * 4))
    assert text(page).count("understandability") == 4
    assert text(page).count("1,240,000") == 8


def test_an_endless_word_is_broken_wherever_it_stands():
    endless = "W" * 500
    made = pages(
        Paper(
            endless, [endless], endless, None, "", [["a", "b"], [endless, endless]], [(endless, [endless])], [endless]
        )
    )
    assert sum(text(page).count("W") for page in made) == 500 * 8
    for page in made:
        assert_edges_are_free(page)


def test_an_endless_word_in_a_table_leaves_room_for_its_neighbours():
    [page] = pages(replace(BARE, table=[["", "word"], ["W" * 500, "読" * 40]]))
    assert max(line.count("読") for line in text(page).split("\r\n")) > 10


def assert_edges_are_free(page: pypdfium2.PdfPage) -> None:
    """Nothing is drawn nearer to an edge than the margin, but for the page's number."""
    assert (page.get_width(), page.get_height()) == pytest.approx((210 * MM, 297 * MM), abs=0.1)
    ink = np.asarray(page.render(scale=2).to_pil().convert("L")) < 250
    near = round(19.5 * MM * 2)
    assert ink.any()
    assert not ink[:near].any()
    assert not ink[:, :near].any()
    assert not ink[:, -near:].any()
    below = ink[-near:]
    assert not below[:, : below.shape[1] * 3 // 4].any()
    assert not below[-round(9 * MM * 2) :].any()


@pytest.mark.parametrize("paper", [JAPANESE, ENGLISH], ids=["ja", "en"])
def test_the_margins_stay_free_and_nothing_is_coloured_or_pale(paper):
    [page] = pages(paper)
    assert_edges_are_free(page)
    inks = {ink for one in page.get_objects([raw.FPDF_PAGEOBJ_TEXT, raw.FPDF_PAGEOBJ_PATH]) for ink in inks_of(one)}
    assert {(red, red, red, 255) for red, *_ in inks} == inks, "a colour, or something one can see through"
    assert max(red for red, *_ in inks) < 100


def inks_of(one: pypdfium2.PdfObject) -> list[tuple[int, ...]]:
    """Red, green, blue and opacity, each 0 to 255, of what it is filled and drawn with."""
    found = []
    for asked in (raw.FPDFPageObj_GetFillColor, raw.FPDFPageObj_GetStrokeColor):
        parts = [ctypes.c_uint() for _ in range(4)]
        assert asked(one, *parts)
        found.append(tuple(part.value for part in parts))
    return found


@pytest.mark.parametrize("paper", [JAPANESE, ENGLISH], ids=["ja", "en"])
def test_every_letter_comes_with_the_file_and_no_more_letters_than_it_needs(paper):
    file = pdf(paper)
    assert re.findall(rb"/BaseFont /(\S+)", file) == [b"AAAAAA+IPAexGothic"]
    words = pypdfium2.PdfDocument(file)[0].get_objects([raw.FPDF_PAGEOBJ_TEXT])
    assert {raw.FPDFFont_GetIsEmbedded(raw.FPDFTextObj_GetFont(one)) for one in words} == {1}
    assert len(file) < 300_000


def test_two_japanese_letters_have_shapes_of_their_own():
    """Where a font lacks both, both become the same box."""
    one, other = (np.asarray(pages(replace(BARE, headline=sign))[0].render().to_pil()) for sign in ("詰", "摩"))
    assert (one != other).any()


def test_numbers_end_at_one_edge_and_words_begin_at_one():
    table = [
        ["", "now", "why"],
        ["rating", "3.3", "alpha"],
        ["effect", "JPY 1,240,000", "beta"],
        ["change", "−0.9 (−1.2 to −0.6)", ""],
    ]
    [page] = pages(replace(BARE, table=table))
    ends = [edges(page, words)[1] for words in ("now", "3.3", "1,240,000", "−0.6)")]
    assert np.ptp(ends) < 1
    assert np.ptp([edges(page, words)[0] for words in ("why", "alpha", "beta")]) < 1
    assert edges(page, "rating")[0] == pytest.approx(edges(page, "headline")[0], abs=1.5)


def test_a_column_of_sentences_makes_room_for_the_numbers_beside_it():
    """Four equal columns would be too narrow for these numbers."""
    effect = "¥111,240,000,000"
    [page] = pages(replace(BARE, table=[["", "a", "b", "c", "last"], ["a long sentence " * 20, *[effect] * 4]]))
    assert text(page).count(effect) == 4
    assert edges(page, "last")[1] == pytest.approx(190 * MM, abs=1)


def test_rows_of_unlike_length_are_no_error():
    [page] = pages(replace(BARE, table=[["a"], ["b", "1", "2"], []]))
    assert text(page).split() == "title headline a b 1 2 1 / 1".split()


def test_without_the_font_it_fails_loudly(monkeypatch):
    monkeypatch.setattr(pictures.importlib.util, "find_spec", lambda _name: None)
    papers._letters.cache_clear()
    with pytest.raises(FileNotFoundError, match="font"):
        pdf(JAPANESE)
    papers._letters.cache_clear()


def test_a_range_in_brackets_is_never_torn_apart():
    assert papers.UNIT.findall(papers.shown("75% (53% – 89%) and more")) == [
        "75% ",
        "(53%\u00a0–\u00a089%) ",
        "and ",
        "more",
        "",
    ]


def test_quotation_marks_are_as_wide_as_the_letters_between_them():
    assert papers.shown("with “I can't tell” and “わからない”") == 'with "I can\'t tell" and “わからない”'
