"""A document as a PDF of many pages: contents, bookmarks, tables that go on overleaf. Set like `core.paper`."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from reportlab.lib.colors import black
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Frame,
    HRFlowable,
    KeepTogether,
    NextPageTemplate,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
)
from reportlab.platypus.flowables import Flowable, TopPadder

from core.document import BETWEEN, Block, Bullets, Document, Grid, Picture, Section, clean, says, squared
from core.paper import (
    GREY,
    HEAD_LINES,
    HEIGHT,
    MARGIN,
    SMALLEST,
    WIDTH,
    column_widths,
    fits,
    marked_up,
    paragraph,
    picture,
    shortened,
    shown,
    style,
    table,
)
from core.pictures import FONT

POINTS = 10.0  # of ordinary text
TABLE_SIZES = (9.5, 9.0, 8.5, SMALLEST)  # from comfortable to tight
MANY = 6  # sections; more of them need contents
HIGHEST = 0.5  # of a page, for a picture
BEFORE = POINTS * 2  # points above a heading
INDENT = POINTS * 1.4  # of what stands behind a bullet
BODY = style(POINTS, after=POINTS * 0.5)
BULLET = ParagraphStyle("", BODY, leftIndent=INDENT, bulletFontName=FONT, bulletFontSize=POINTS)
SPARE = 2.0  # points that a table's rules add
HEADING = style(POINTS * 1.4, after=POINTS * 0.5)
SMALL = style(8.5, colour=GREY)
CAPTION = style(8.5, colour=GREY, after=POINTS * 0.4)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A4, either way up; points between the margins."""

    name: str
    width: float
    height: float


TALL, LONG = _Sheet("tall", WIDTH, HEIGHT), _Sheet("long", HEIGHT, WIDTH)


@dataclass(slots=True)
class _Found:
    """What is only known when the pages are set."""

    pages: dict[int, int] = field(default_factory=dict)  # the number of the page on which each section begins
    of: int = 1


def pdf(document: Document) -> bytes:
    """The same document gives the same bytes."""
    _, found = _set(document, _Found())
    return _set(document, found)[0]  # page numbers take no room of their own: nothing moves


def _set(document: Document, told: _Found) -> tuple[bytes, _Found]:
    """The file whose pages say the numbers told, and the numbers that are right."""
    file, found = io.BytesIO(), _Found()
    said = {"title": clean(document.title), "author": "", "subject": "", "creator": ""}
    book = BaseDocTemplate(
        file, pagesize=A4, invariant=1, initialFontName=FONT, lang=document.language, displayDocTitle=True, **said
    )
    foot = partial(_foot, title=shown(document.title), of=told.of)
    for sheet, size in [(TALL, A4), (LONG, landscape(A4))]:
        frame = Frame(MARGIN, MARGIN, sheet.width, sheet.height, 0, 0, 0, 0)
        book.addPageTemplates(PageTemplate(sheet.name, [frame], onPageEnd=foot, pagesize=size))
    book.build(list(_story(document, told, found)))
    found.of = int(book.page)
    return file.getvalue(), found


def _foot(canvas: Canvas, book: BaseDocTemplate, title: str, of: int) -> None:
    right = book.pageTemplate.pagesize[0] - MARGIN
    number = f"{book.page} / {of}"
    canvas.setFont(FONT, SMALLEST)
    canvas.setFillColor(GREY)
    canvas.drawString(MARGIN, MARGIN / 2, shortened(title, SMALLEST, right - MARGIN - 60))
    canvas.drawRightString(right, MARGIN / 2, number)


def _story(document: Document, told: _Found, found: _Found) -> Iterator[Flowable]:
    yield paragraph(document.title, style(POINTS * 2))
    if document.facts:
        yield paragraph(BETWEEN.join(document.facts), SMALL)
    yield HRFlowable(width="100%", thickness=1, color=black, spaceBefore=4, spaceAfter=POINTS)
    yield paragraph(document.headline, style(POINTS * 1.5, after=POINTS))
    if len(document.sections) > MANY:
        yield _contents(document.sections, told)
    sheet = TALL
    for i, section in enumerate(document.sections):
        needed = _sheet(section)
        if needed is not sheet:
            yield from (NextPageTemplate(needed.name), PageBreak())
            sheet = needed
        yield from _section(section, sheet, _Mark(i, clean(section.heading), found))
    if document.footer:
        yield Spacer(0, POINTS * 2)
        yield TopPadder(paragraph(BETWEEN.join(document.footer), SMALL, sheet.width))


def _contents(sections: Sequence[Section], told: _Found) -> Table:
    """Headings that lead to their sections, and the pages where these begin."""
    plain, right, room = style(POINTS), ParagraphStyle("", style(POINTS), alignment=TA_RIGHT), 30.0
    heads = [shortened(shown(section.heading), POINTS, WIDTH - room, HEAD_LINES) for section in sections]
    rows = [
        [
            Paragraph(f'<a href="#{_key(i)}">{marked_up(head, POINTS, WIDTH - room)}</a>', plain),
            Paragraph(str(told.pages.get(i, "")), right),
        ]
        for i, head in enumerate(heads)
    ]
    looks = [
        ("FONTNAME", (0, 0), (-1, -1), FONT),
        ("VALIGN", (0, 0), (-1, -1), "BOTTOM"),
        *((f"{side}PADDING", (0, 0), (-1, -1), room) for side, room in [("LEFT", 0), ("RIGHT", 0)]),
        *((f"{side}PADDING", (0, 0), (-1, -1), 1.5) for side in ("TOP", "BOTTOM")),
        ("LINEBELOW", (0, 0), (-1, -1), 0.3, GREY),
    ]
    return Table(rows, [WIDTH - room, room], style=looks, spaceAfter=POINTS)


def _key(i: int) -> str:
    return f"section-{i}"


class _Mark(Flowable):  # type: ignore[misc]  # reportlab ships no types
    """Nothing to see: where a section begins, for bookmarks and contents."""

    def __init__(self, i: int, heading: str, found: _Found) -> None:
        super().__init__()
        self.i, self.heading, self.found = i, heading, found
        self.spaceBefore = BEFORE  # none at the top of a page

    def draw(self) -> None:
        self.canv.bookmarkHorizontal(_key(self.i), 0, HEADING.leading)
        self.canv.addOutlineEntry(self.heading, _key(self.i))
        self.found.pages[self.i] = self.canv.getPageNumber()


def _section(section: Section, sheet: _Sheet, mark: _Mark) -> Iterator[Flowable]:
    heading = paragraph(section.heading, HEADING)
    blocks = [_block(block, sheet) for block in section.blocks if says(block)]
    first = blocks[0].start if blocks else BODY.leading
    yield CondPageBreak(min(BEFORE + _height(heading) + HEADING.spaceAfter + first, sheet.height * 0.9))
    yield mark
    yield heading
    for block in blocks:
        yield CondPageBreak(min(block.start, sheet.height * 0.9))
        yield from block.parts


@dataclass(frozen=True, slots=True)
class _Block:
    parts: Sequence[Flowable]
    start: float  # points: the least of it that may stand at a page's foot


def _block(block: Block, sheet: _Sheet) -> _Block:
    if isinstance(block, Grid):
        return _grid(block, sheet)
    if isinstance(block, Picture):
        image = picture(block.png, WIDTH, sheet.height * HIGHEST)
        whole = [image, paragraph(block.caption, CAPTION)] if block.caption else [image]
        return _Block([KeepTogether(whole)], sum(map(_height, whole)))
    if isinstance(block, Bullets):
        parts = [_bullet(line) for line in block.lines]
    else:
        parts = [paragraph(line, BODY) for line in block.lines]
    return _Block(parts, min(_height(parts[0]), 2 * BODY.leading))


def _bullet(line: str) -> Paragraph:
    return Paragraph(marked_up(line, POINTS, WIDTH - INDENT), BULLET, bulletText="•")


def _grid(grid: Grid, sheet: _Sheet) -> _Block:
    columns = _columns(grid)
    points = _table_size(columns, sheet) or SMALLEST
    widths = column_widths(columns, points, sheet.width)
    caption = [paragraph(grid.caption, CAPTION, sheet.width)] if grid.caption else []
    first, whole = (table(some, widths, points) for some in ([column[:2] for column in columns], columns))
    whole.spaceAfter = POINTS
    return _Block([*caption, whole], sum(map(_height, [*caption, first])) + CAPTION.spaceAfter + SPARE)


def _columns(grid: Grid) -> list[list[str]]:
    return squared([[shown(cell) for cell in row] for row in grid.rows])


def _sheet(section: Section) -> _Sheet:
    """On its side where one of its tables would be cramped, with its heading and all that belongs to it."""
    grids = [block for block in section.blocks if isinstance(block, Grid) and says(block)]
    return TALL if all(_table_size(_columns(grid), TALL) for grid in grids) else LONG


def _table_size(columns: Sequence[Sequence[str]], sheet: _Sheet) -> float | None:
    """The largest type in which the table is easy to read, points."""
    return next((points for points in TABLE_SIZES if fits(columns, points, sheet.width)), None)


def _height(part: Flowable) -> float:
    return float(part.wrap(WIDTH, HEIGHT)[1])
