"""The one page that a manager prints, as a PDF: A4, real text, every letter embedded, black on white."""

import html
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import zip_longest

from reportlab.lib.colors import Color, black
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Frame, HRFlowable, Image, PageTemplate, Paragraph, Spacer, Table
from reportlab.platypus.flowables import Flowable, TopPadder

from core.pictures import FONT, font_file

MARGIN = 20 * mm  # of A4 on every side; the page's number stands within the lower one
WIDTH, HEIGHT = A4[0] - 2 * MARGIN, A4[1] - 2 * MARGIN
SMALLEST = 8.0  # points; nothing is ever set smaller
GREY = Color(0.3, 0.3, 0.3)  # dark enough for a copier
BETWEEN = " · "  # facts on one line
UNKNOWN = "〓"  # what Japanese printers set for a letter that they lack
# Letters that the font lacks, and what Japan prints in their place.
STAND_INS = {"≥": "≧", "≤": "≦"}
NUMBER = re.compile(r"(?:[A-Z]{3} )?\W{0,3}\d.{0,24}")  # "+0.7 (0.2–1.2)", "JPY 1,200", "12 s"
COMBINED = re.compile(r".[\u0300-\u036f\u3099\u309a]+")  # a letter and its accents, as some systems store them
INVISIBLE = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")  # choose between shapes of the letter before
# What no line begins with, and what none ends with. W3C, Requirements for Japanese Text Layout, 3.1.7 and 3.1.8.
CLOSING = re.escape(
    ")]},.:;!?%’”°′″、。，．・：；？！）］｝〕〉》」』】％℃ー々ゝゞヽヾ゛゜〜～…‥"
    "ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ､｡･｣ﾞﾟｰｧｨｩｪｫｬｭｮｯ"
)
OPENING = re.escape("([{‘“（［｛〔〈《「『【｢¥$€£￥＄")
WIDE = "\u2e80-\U0010ffff"  # Japanese letters: a line may end after each
UNIT = re.compile(rf"[{OPENING}]*(?:[^\s{WIDE}{OPENING}]+|[^\s{OPENING}])?[{CLOSING}]*\s*")


@dataclass(frozen=True, slots=True)
class Paper:
    """What the page says, from its top to its bottom. All of it is shown as it is: nothing in it is markup."""

    title: str
    facts: Sequence[str]  # one small line below the title
    headline: str  # one sentence, large
    picture: bytes | None  # PNG
    picture_caption: str  # only shown with a picture
    table: Sequence[Sequence[str]]  # the first row has the heads, the first column names the rows
    sections: Sequence[tuple[str, Sequence[str]]]  # heading, lines
    footer: Sequence[str]  # what the page was made of, and when


@dataclass(frozen=True, slots=True)
class Size:
    """How large a page is set."""

    type: float  # points, of ordinary text
    picture: float  # greatest height, as a share of the room between the margins


# From comfortable to tight: the picture gives way first, then the type.
SIZES = [Size(10, share) for share in (0.40, 0.34, 0.28)] + [Size(points, 0.28) for points in (9.5, 9, 8.5, SMALLEST)]


def pdf(paper: Paper) -> bytes:
    """One page where it fits, else several at the most comfortable size. The same paper gives the same bytes."""
    for size in SIZES:
        made, n_pages = _set(paper, size, 1)
        if n_pages == 1:
            return made
    _, n_pages = _set(paper, SIZES[0], 1)
    return _set(paper, SIZES[0], n_pages)[0]


def _set(paper: Paper, size: Size, of: int) -> tuple[bytes, int]:
    """The file, and how many pages it has; `of` is the number that the pages say they are of."""
    file = io.BytesIO()
    said = {"title": _shown(paper.title), "author": "", "subject": "", "creator": ""}
    document = BaseDocTemplate(file, pagesize=A4, invariant=1, initialFontName=FONT, **said)
    frame = Frame(MARGIN, MARGIN, WIDTH, HEIGHT, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0)
    document.addPageTemplates(PageTemplate(frames=[frame], onPageEnd=partial(_number, of=of)))
    document.build(list(_story(paper, size)))
    return file.getvalue(), int(document.page)


def _number(canvas: Canvas, document: BaseDocTemplate, of: int) -> None:
    canvas.setFont(FONT, SMALLEST)
    canvas.setFillColor(GREY)
    canvas.drawRightString(MARGIN + WIDTH, MARGIN / 2, f"{document.page} / {of}")


def _story(paper: Paper, size: Size) -> Iterator[Flowable]:
    body = _style(size.type, after=size.type * 0.25)
    small = _style(max(size.type - 1.5, SMALLEST), colour=GREY)
    yield _text(paper.title, _style(size.type * 1.2))
    if paper.facts:
        yield _text(BETWEEN.join(paper.facts), small)
    yield HRFlowable(width="100%", thickness=1, color=black, spaceBefore=4, spaceAfter=size.type)
    yield _text(paper.headline, _style(size.type * 1.7, after=size.type))
    if paper.picture is not None:
        yield _picture(paper.picture, HEIGHT * size.picture)
        yield _text(paper.picture_caption, small)
        yield Spacer(0, size.type)
    if paper.table:
        yield _table(paper.table, size.type)
    for heading, lines in paper.sections:
        yield Spacer(0, size.type)
        yield _text(heading, _style(size.type * 1.15, after=size.type * 0.3, keep=True))
        yield from (_text(line, body) for line in lines)
    if paper.footer:
        yield Spacer(0, size.type)
        yield TopPadder(_text(BETWEEN.join(paper.footer), small))


def _style(points: float, after: float = 0, colour: Color = black, keep: bool = False) -> ParagraphStyle:
    """
    Args:
        points: height of the letters; after: points of room below.
        keep: whether the next paragraph may not begin another page.
    """
    return ParagraphStyle(
        "", fontName=FONT, fontSize=points, leading=points * 1.5, textColor=colour, spaceAfter=after, keepWithNext=keep
    )


def _text(text: str, style: ParagraphStyle, width: float = WIDTH) -> Paragraph:
    """A paragraph without markup, its lines at most as wide as told (points)."""
    lines = _lines(_shown(text), style.fontSize, width)
    return Paragraph("<br/>".join(html.escape(line, quote=False) for line in lines), style)


def _lines(text: str, points: float, width: float) -> list[str]:
    """Lines as full as they can be; one unit that is wider than a line is cut anywhere."""
    lines = [""]
    for unit in UNIT.findall(text):
        for part in [unit] if _wide(unit, points) <= width else unit:
            if lines[-1] and _wide(lines[-1] + part, points) > width:
                lines.append("")
            lines[-1] += part
    return [line.rstrip() for line in lines]


def _wide(text: str, points: float) -> float:
    """Of text on a line, in points; the space at its end does not count."""
    return float(pdfmetrics.stringWidth(text.rstrip(), FONT, points))


def _picture(png: bytes, height: float) -> Image:
    """As wide as the text or as high as it may be, whichever comes first."""
    wide, high = ImageReader(io.BytesIO(png)).getSize()
    scale = min(WIDTH / wide, height / high)
    picture = Image(io.BytesIO(png), wide * scale, high * scale, hAlign="CENTER")
    picture.keepWithNext = True  # its caption
    return picture


def _table(rows: Sequence[Sequence[str]], points: float) -> Table:
    columns = [[_shown(cell) for cell in column] for column in zip_longest(*rows, fillvalue="")]
    left = _style(points)
    right = ParagraphStyle("", left, alignment=TA_RIGHT)
    gap = points * 0.8
    looks = [
        ("FONTNAME", (0, 0), (-1, -1), FONT),  # else another font is named in the file, though not used
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), gap / 2),
        ("RIGHTPADDING", (0, 0), (-1, -1), gap / 2),
        ("LEFTPADDING", (0, 0), (0, -1), 0),  # flush with the text above and below
        ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
        ("TOPPADDING", (0, 0), (-1, -1), points * 0.3),
        ("BOTTOMPADDING", (0, 0), (-1, -1), points * 0.2),
        ("LINEBELOW", (0, 1), (-1, -2), 0.3, GREY),
        *(
            (name, (0, row), (-1, row), 0.8, black)
            for name, row in [("LINEABOVE", 0), ("LINEBELOW", 0), ("LINEBELOW", -1)]
        ),
    ]
    units = [[unit for cell in column for unit in UNIT.findall(cell)] for column in columns]
    least = [min(max(_wide(unit, points) for unit in column) + gap, WIDTH / 3) for column in units]  # no endless word
    most = [max(_wide(cell, points) for cell in column) + gap for column in columns]
    widths = _widths(least, most)
    cells = [
        [_text(cell, right if i and _is_numeric(column[1:]) else left, widths[i] - gap) for cell in column]
        for i, column in enumerate(columns)
    ]
    return Table(list(zip(*cells, strict=True)), widths, style=looks, repeatRows=1, splitInRow=1)


def _is_numeric(cells: Sequence[str]) -> bool:
    """Whether most of a column's cells that say something are numbers."""
    told = [cell for cell in cells if any(letter.isalnum() for letter in cell)]
    return 2 * sum(NUMBER.fullmatch(cell) is not None for cell in told) > len(told)


def _widths(least: Sequence[float], most: Sequence[float]) -> list[float]:
    """Widths of a table's columns that fill the page: first no unit is cut, then few cells need a second line."""
    given = _shared(least, WIDTH)
    more = _shared([high - low for low, high in zip(least, most, strict=True)], WIDTH - sum(given))
    spare = (WIDTH - sum(given) - sum(more)) / len(given)
    return [low + extra + spare for low, extra in zip(given, more, strict=True)]


def _shared(wanted: Sequence[float], room: float) -> list[float]:
    """To each what it wants; where there is too little room, the greediest get less, all of them the same."""
    for n_greedier, want in zip(range(len(wanted), 0, -1), sorted(wanted), strict=True):
        if want * n_greedier > room:
            return [min(one, room / n_greedier) for one in wanted]
        room -= want
    return list(wanted)


def _shown(text: str) -> str:
    """One line of letters that the font has: no control characters, a mark where it lacks one."""
    composed = COMBINED.sub(lambda match: unicodedata.normalize("NFC", match[0]), " ".join(text.split()))
    seen = (letter for letter in composed if unicodedata.category(letter) not in ("Cc", "Cf"))
    return "".join(_letter(letter) for letter in INVISIBLE.sub("", "".join(seen)))


def _letter(letter: str) -> str:
    """The letter, else one that means the same, else the mark."""
    known = _letters()
    plainer = STAND_INS.get(letter) or unicodedata.normalize("NFKC", letter)
    return next((one for one in (letter, plainer) if all(ord(sign) in known for sign in one)), UNKNOWN)


@cache
def _letters() -> frozenset[int]:
    """Code points that the font can draw. It is the only font, and with its first use it is there for all pages."""
    font = TTFont(FONT, str(font_file()))
    pdfmetrics.registerFont(font)
    return frozenset(font.face.charToGlyph)
