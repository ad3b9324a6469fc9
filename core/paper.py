"""The one page that a manager prints, as a PDF: A4, real text, every letter embedded, black on white."""

import html
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial

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

from core.document import BETWEEN, HOLDS, UNKNOWN, clean, is_numeric, squared
from core.pictures import FONT, font_file

MARGIN = 20 * mm  # of A4 on every side; the page's number stands within the lower one
WIDTH, HEIGHT = A4[0] - 2 * MARGIN, A4[1] - 2 * MARGIN
SMALLEST = 8.0  # points; nothing is ever set smaller
GAP, PILLAR = 0.8, 7.0  # between columns, and a column that is wide enough for any text; in heights of letters
HEAD_LINES = 12  # of a table's head, which stands on every page; a longer one ends in "…"
GREY = Color(0.3, 0.3, 0.3)  # dark enough for a copier
# Letters that the font lacks, and what Japan prints in their place.
STAND_INS = {"≥": "≧", "≤": "≦"}
INVISIBLE = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")  # choose between shapes of the letter before
# What no line begins with, and what none ends with. W3C, Requirements for Japanese Text Layout, 3.1.7 and 3.1.8.
CLOSING = re.escape(
    ")]},.:;!?%’”°′″、。，．・：；？！）］｝〕〉》」』】％℃ー々ゝゞヽヾ゛゜〜～…‥"
    "ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ､｡･｣ﾞﾟｰｧｨｩｪｫｬｭｮｯ"
)
OPENING = re.escape("([{‘“（［｛〔〈《「『【｢¥$€£￥＄")
WIDE = "\u2e80-\U0010ffff"  # Japanese letters: a line may end after each
QUOTED = re.compile(rf"“([^“”{WIDE}]*)”")  # the marks are as wide as a Japanese letter
WORD = rf"(?:[^\s{WIDE}{OPENING}]|{HOLDS}[{OPENING}]*)+"
UNIT = re.compile(rf"[{OPENING}]*(?:{WORD}|[^\s{OPENING}])?[{CLOSING}]*[^\S{HOLDS}]*")


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
    said = {"title": shown(paper.title), "author": "", "subject": "", "creator": ""}
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
    body = style(size.type, after=size.type * 0.25)
    small = style(max(size.type - 1.5, SMALLEST), colour=GREY)
    yield paragraph(paper.title, style(size.type * 1.2))
    if paper.facts:
        yield paragraph(BETWEEN.join(paper.facts), small)
    yield HRFlowable(width="100%", thickness=1, color=black, spaceBefore=4, spaceAfter=size.type)
    yield paragraph(paper.headline, style(size.type * 1.7, after=size.type))
    if paper.picture is not None:
        yield picture(paper.picture, WIDTH, HEIGHT * size.picture)
        yield paragraph(paper.picture_caption, small)
        yield Spacer(0, size.type)
    if paper.table:
        columns = squared([[shown(cell) for cell in row] for row in paper.table])
        yield table(columns, column_widths(columns, size.type, WIDTH), size.type)
    for heading, lines in paper.sections:
        yield Spacer(0, size.type)
        yield paragraph(heading, style(size.type * 1.15, after=size.type * 0.3, keep=True))
        yield from (paragraph(line, body) for line in lines)
    if paper.footer:
        yield Spacer(0, size.type)
        yield TopPadder(paragraph(BETWEEN.join(paper.footer), small))


def style(points: float, after: float = 0, colour: Color = black, keep: bool = False) -> ParagraphStyle:
    """
    Args:
        points: height of the letters; after: points of room below.
        keep: whether the next paragraph may not begin another page.
    """
    return ParagraphStyle(
        "", fontName=FONT, fontSize=points, leading=points * 1.5, textColor=colour, spaceAfter=after, keepWithNext=keep
    )


def paragraph(text: str, look: ParagraphStyle, width: float = WIDTH) -> Paragraph:
    """Without markup, its lines at most as wide as told (points)."""
    return Paragraph(marked_up(text, look.fontSize, width), look)


def marked_up(text: str, points: float, width: float) -> str:
    return "<br/>".join(html.escape(line.rstrip(), quote=False) for line in broken(shown(text), points, width))


def broken(text: str, points: float, width: float) -> list[str]:
    """Lines as full as they can be; one unit that is wider than a line is cut anywhere. Together they are the text."""
    found = [""]
    for unit in UNIT.findall(text):
        for part in [unit] if wide(unit, points) <= width else unit:
            if found[-1] and wide(found[-1] + part, points) > width:
                found.append("")
            found[-1] += part
    return found


def shortened(text: str, points: float, width: float, n_lines: int = 1) -> str:
    """As much as stands on so many lines."""
    whole = broken(text, points, width)
    if len(whole) <= n_lines:
        return text
    *before, last = whole[:n_lines]
    return "".join(before) + broken(last, points, width - wide("…", points))[0].rstrip() + "…"


def wide(text: str, points: float) -> float:
    """Of text on a line, in points; the space at its end does not count."""
    _letters()  # the font is there
    return float(pdfmetrics.stringWidth(text.rstrip(), FONT, points))


def picture(png: bytes, width: float, height: float) -> Image:
    """As wide as the text or as high as it may be, whichever comes first."""
    across, up = ImageReader(io.BytesIO(png)).getSize()
    scale = min(width / across, height / up)
    image = Image(io.BytesIO(png), across * scale, up * scale, hAlign="CENTER")
    image.keepWithNext = True  # its caption
    return image


def table(columns: Sequence[Sequence[str]], widths: Sequence[float], points: float) -> Table:
    """Its heads are on every page; widths in points."""
    left = style(points)
    right = ParagraphStyle("", left, alignment=TA_RIGHT)
    gap = points * GAP
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
    heads = [shortened(column[0], points, widths[i] - gap, HEAD_LINES) for i, column in enumerate(columns)]
    cells = [
        [paragraph(cell, right if i and is_numeric(rest) else left, widths[i] - gap) for cell in (heads[i], *rest)]
        for i, (_, *rest) in enumerate(columns)
    ]
    tallest = max((cell.wrap(widths[i], HEIGHT)[1] for i, column in enumerate(cells) for cell in column), default=0)
    split = int(tallest > HEIGHT / 3)  # a lower row goes on to the next page as a whole
    return Table(list(zip(*cells, strict=True)), widths, style=looks, repeatRows=1, splitInRow=split)


def column_widths(columns: Sequence[Sequence[str]], points: float, width: float) -> list[float]:
    """Widths of a table's columns that fill the width, in points.

    First no unit is cut and no cell becomes a pillar of single letters, then few cells need a second line.
    """
    given = _shared([_least(column, points, width) for column in columns], width)
    most = [_most(column, points) for column in columns]
    more = _shared([max(high - low, 0) for low, high in zip(given, most, strict=True)], width - sum(given))
    spare = (width - sum(given) - sum(more)) / len(given)
    return [low + extra + spare for low, extra in zip(given, more, strict=True)]


def fits(columns: Sequence[Sequence[str]], points: float, width: float) -> bool:
    """Whether a table is easy to read at this size."""
    return sum(_least(column, points, width) for column in columns) <= width


def _least(column: Sequence[str], points: float, width: float) -> float:
    """What a column needs, in points; an endless word leaves room for its neighbours."""
    widest = max(points, *(wide(unit, points) for cell in column for unit in UNIT.findall(cell)))
    return min(max(widest + points * GAP, min(_most(column, points), PILLAR * points)), width / 3)


def _most(column: Sequence[str], points: float) -> float:
    return max(wide(cell, points) for cell in column) + points * GAP


def _shared(wanted: Sequence[float], room: float) -> list[float]:
    """To each what it wants; where there is too little room, the greediest get less, all of them the same."""
    for n_greedier, want in zip(range(len(wanted), 0, -1), sorted(wanted), strict=True):
        if want * n_greedier > room:
            return [min(one, room / n_greedier) for one in wanted]
        room -= want
    return list(wanted)


def shown(text: str) -> str:
    """One line of letters that the font has: no control characters, a mark where it lacks one."""
    return "".join(_letter(letter) for letter in QUOTED.sub(r'"\1"', INVISIBLE.sub("", clean(text))))


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
