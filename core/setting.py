"""Where on slides a document's blocks go, and what goes on to another slide. All lengths are points.

PowerPoint breaks lines itself and a file can hardly bring fonts along, so the room that texts take is estimated from
another font, with some to spare.
"""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, takewhile
from typing import Self

from reportlab.lib.utils import ImageReader

from core.document import Block, Bullets, Grid, Paragraphs, Picture, Section, clean, is_numeric, says, squared
from core.paper import GAP, broken, column_widths, fits, shortened

ACROSS, UP = 960.0, 540.0  # 16:9, as large as PowerPoint's own
EDGE = 48.0  # free at the left and the right
WIDTH = ACROSS - 2 * EDGE
BOTTOM = UP - 60  # below it stands the footer; room for one line more than was estimated
LEADING = 1.35  # height of a line, in heights of its letters
TITLE_TOP, TITLE_SIZES, TITLE_ROOM, BELOW_TITLE = 44.0, (26.0, 22.0, 18.0, 14.0), UP / 4, 16.0
NUMBER_ROOM = 110.0  # at the end of a heading for "(12/34)", and of a footer for "12 / 34"
SLIDE = BOTTOM - TITLE_TOP - TITLE_SIZES[0] * LEADING - BELOW_TITLE  # room below a heading of one line
SLACK = 1.1  # letters may be this much wider than in the font that is measured: in bold, or in another font
TEXT, SIDE, SMALL = 16.0, 14.0, 12.0  # ordinary type, beside a picture, everything else: nothing is smaller
TABLE_SIZES = (14.0, SMALL)
AFTER = 0.5  # below a paragraph, in heights of its letters
BETWEEN_BLOCKS = 16.0
GUTTER = 28.0  # between a picture and the text beside it
INDENT = 16.0  # of what stands behind a bullet
PAD = 3.0  # above and below the text of a cell
PICTURE_SHARE = 0.6  # of the width, beside text
FLAT = 2.2  # across / up; from there on a picture has its text below
LEAST_PICTURE = 0.55  # of its full height; where there is less room, a picture begins another slide
MOST_LINES = 6  # of a caption or a table's head; a longer one ends in "…"


def high(text: str, points: float, width: float) -> float:
    return len(broken(text, points * SLACK, width)) * points * LEADING


def fitted(text: str, sizes: Sequence[float], width: float, room: float) -> tuple[str, float]:
    """The text and the first size in which it is no higher than the room; if there is none, it ends in "…"."""
    points = next((points for points in sizes if high(text, points, width) <= room), sizes[-1])
    return shortened(text, points * SLACK, width, int(room / points / LEADING)), points


def captioned(text: str, width: float) -> str:
    return shortened(clean(text), SMALL * SLACK, width, MOST_LINES)


# --- what stands on a slide


@dataclass(frozen=True, slots=True)
class Line:
    """A paragraph."""

    text: str
    bulleted: bool


@dataclass(frozen=True, slots=True)
class Text:
    lines: Sequence[Line]
    points: float
    width: float

    @property
    def height(self) -> float:
        return sum(map(self._height, self.lines)) - self.points * AFTER

    def cut(self, room: float) -> tuple[Self | None, Self | None]:
        """The paragraphs that fit, and the others."""
        n = _n_within(map(self._height, self.lines), room + self.points * AFTER)
        some, others = (replace(self, lines=lines) if lines else None for lines in (self.lines[:n], self.lines[n:]))
        return some, others

    def breakable(self, room: float) -> Self:
        """No paragraph of it is higher than the room."""
        most = int(room / self.points / LEADING)
        pieces = ((line, _pieces(line.text, self.points, self._inner(line), most)) for line in self.lines)
        return replace(self, lines=[replace(line, text=piece) for line, some in pieces for piece in some])

    def _height(self, line: Line) -> float:
        return high(line.text, self.points, self._inner(line)) + self.points * AFTER

    def _inner(self, line: Line) -> float:
        return self.width - INDENT if line.bulleted else self.width


@dataclass(frozen=True, slots=True)
class Table:
    caption: str
    rows: Sequence[Sequence[str]]  # the first has the heads
    widths: Sequence[float]
    numeric: Sequence[bool]  # the columns
    points: float
    width: float = WIDTH

    @property
    def pad(self) -> float:
        """At either side of a cell's text."""
        return self.points * SLACK * GAP / 2

    @property
    def heights(self) -> list[float]:
        return [self._height(row) for row in self.rows]

    @property
    def height(self) -> float:
        return caption_height(self.caption, self.width) + sum(self.heights)

    def cut(self, room: float) -> tuple[Self | None, Self | None]:
        """The rows that fit below the heads, and the others below them too. Heads alone are no table."""
        head, *rows = self.rows
        left = room - caption_height(self.caption, self.width) - self._height(head)
        n = _evenly(_n_within(map(self._height, rows), left), len(rows))
        if left < 0 or (rows and not n):
            return None, self
        rest = replace(self, caption="", rows=[head, *rows[n:]]) if rows[n:] else None
        return replace(self, rows=[head, *rows[:n]]), rest

    def breakable(self, room: float) -> Self:
        """No row of it is higher than the room below the heads: what is left of its cells stands in another row."""
        inner = [width - 2 * self.pad for width in self.widths]
        head = [
            shortened(cell, self.points * SLACK, width, MOST_LINES)
            for cell, width in zip(self.rows[0], inner, strict=True)
        ]
        free = room - caption_height(self.caption, self.width) - self._height(head) - 2 * PAD
        most = int(free / self.points / LEADING)
        rows = [
            row
            for cells in self.rows[1:]
            for row in squared(
                [_pieces(cell, self.points, width, most) for cell, width in zip(cells, inner, strict=True)]
            )
        ]
        return replace(self, rows=[head, *rows])

    def _height(self, row: Sequence[str]) -> float:
        inner = (width - 2 * self.pad for width in self.widths)
        return max(high(cell, self.points, width) for cell, width in zip(row, inner, strict=True)) + 2 * PAD


@dataclass(frozen=True, slots=True)
class Image:
    png: bytes
    alt: str
    caption: str
    across: float
    up: float
    width: float  # that it and its caption may take

    @property
    def height(self) -> float:
        return self.up + caption_height(self.caption, self.width)

    def cut(self, room: float) -> tuple[Self | None, Self | None]:
        """Whole, and somewhat smaller if need be."""
        small = self.breakable(room)
        return (small, None) if small.up >= self.up * LEAST_PICTURE else (None, self)

    def breakable(self, room: float) -> Self:
        """As large as the room lets it be."""
        scale = min(1, (room - caption_height(self.caption, self.width)) / self.up)
        return replace(self, across=self.across * scale, up=self.up * scale)


def caption_height(caption: str, width: float) -> float:
    return high(caption, SMALL, width) + SMALL * AFTER if caption else 0


def _n_within(heights: Iterable[float], room: float) -> int:
    return sum(1 for _ in takewhile(lambda height: height <= room + 1e-6, accumulate(heights)))


def _evenly(n: int, of: int) -> int:
    """How many of them now, where n fit: half where the others fit next time, so that no slide is all but empty."""
    return (of + 1) // 2 if n < of <= 2 * n else n


def _pieces(text: str, points: float, width: float, most: int) -> list[str]:
    """The text in parts of so many lines."""
    lines = broken(text, points * SLACK, width)
    return ["".join(lines[i : i + most]) for i in range(0, len(lines), most)]


Thing = Text | Table | Image
Texts = Paragraphs | Bullets


def _text(blocks: Iterable[Texts], points: float, width: float) -> Text:
    lines = [Line(clean(line), isinstance(block, Bullets)) for block in blocks for line in block.lines]
    return Text(lines, points, width)


def _image(picture: Picture, width: float) -> Image:
    across, up = ImageReader(io.BytesIO(picture.png)).getSize()
    caption = captioned(picture.caption, width)
    return Image(picture.png, clean(picture.alt), caption, width, width * up / across, width)


def _table(grid: Grid) -> Table:
    """In the larger type where it is easy to read and fits a slide."""
    columns = squared([[clean(cell) for cell in row] for row in grid.rows])
    numeric = [i > 0 and is_numeric(column[1:]) for i, column in enumerate(columns)]
    caption, rows = captioned(grid.caption, WIDTH), squared(columns)
    large, small = (
        Table(caption, rows, column_widths(columns, points * SLACK, WIDTH), numeric, points) for points in TABLE_SIZES
    )
    return large if fits(columns, large.points * SLACK, WIDTH) and large.height <= SLIDE else small


# --- where it stands


@dataclass(frozen=True, slots=True)
class Placed:
    thing: Thing
    left: float
    top: float


@dataclass(frozen=True, slots=True)
class Plan:
    """A slide of a section."""

    heading: str
    points: float  # of the heading
    height: float  # of the heading
    things: Sequence[Placed]


def planned(section: Section) -> list[Plan]:
    width = WIDTH - NUMBER_ROOM
    heading, points = fitted(clean(section.heading), TITLE_SIZES, width, TITLE_ROOM)
    height = high(heading, points, width)
    slides = laid(section.blocks, TITLE_TOP + height + BELOW_TITLE)
    numbers = [f" ({i}/{len(slides)})" for i in range(1, len(slides) + 1)] if len(slides) > 1 else [""]
    return [Plan(heading + number, points, height, things) for number, things in zip(numbers, slides, strict=True)]


@dataclass(slots=True)
class _Flow:
    """Slides that fill from their tops."""

    top: float
    slides: list[list[Placed]] = field(default_factory=lambda: [[]])
    at: float = 0  # where the next thing goes, below `top`

    @property
    def room(self) -> float:
        return BOTTOM - self.top

    def add(self, whole: Thing) -> None:
        rest: Thing | None = whole.breakable(self.room)
        while rest is not None:
            part, rest = rest.cut(self.room - self.at)
            if part is not None:
                self.slides[-1].append(Placed(part, EDGE, self.top + self.at))
                self.at += part.height + BETWEEN_BLOCKS
            if rest is not None:
                self.turn()

    def put_beside(self, before: Text | None, image: Image, after: Text | None) -> None:
        """A slide with an image and a column of text at its right; the order is that in which they are read aloud."""
        self.turn()
        left, below = EDGE + image.width + GUTTER, self.top
        if before is not None:
            self.slides[-1].append(Placed(before, left, self.top))
            below += before.height + BETWEEN_BLOCKS
        self.slides[-1].append(Placed(image, EDGE, self.top))
        if after is not None:
            self.slides[-1].append(Placed(after, left, below))
        self.at = self.room

    def turn(self) -> None:
        if self.slides[-1]:
            self.slides.append([])
        self.at = 0


def laid(blocks: Sequence[Block], top: float) -> list[list[Placed]]:
    """What stands on each slide of a section, in the order of its blocks, from `top` on."""
    flow, left = _Flow(top), [block for block in blocks if says(block)]
    while left:
        texts, left = _texts(left)
        first = left.pop(0) if left else None
        if isinstance(first, Picture) and _image(first, WIDTH).up * FLAT > WIDTH:
            after, rest = _texts(left)
            if _beside(flow, texts, first, after):
                left = rest
            continue
        if texts:
            flow.add(_text(texts, TEXT, WIDTH))
        if isinstance(first, Picture):
            flow.add(_image(first, WIDTH))
        elif isinstance(first, Grid):
            flow.add(_table(first))
    return [slide for slide in flow.slides if slide] or [[]]


def _texts(blocks: Sequence[Block]) -> tuple[list[Texts], list[Block]]:
    """Those that it begins with, and the others."""
    texts: list[Texts] = []
    for block in blocks:
        if not isinstance(block, Paragraphs | Bullets):
            break
        texts.append(block)
    return texts, list(blocks[len(texts) :])


def _beside(flow: _Flow, before: list[Texts], picture: Picture, after: list[Texts]) -> bool:
    """A picture with its text beside it, as far as there is room: all, what comes after it, or what comes before.

    Whether what comes after it is done; what comes before it and has no room goes on slides of its own.
    """
    image = _image(picture, WIDTH * PICTURE_SHARE).breakable(flow.room)
    width = WIDTH - image.width - GUTTER
    for some, others in [(before, after), ([], after), (before, [])]:
        column = [_text(texts, SIDE, width) if texts else None for texts in (some, others)]
        heights = [text.height + BETWEEN_BLOCKS for text in column if text is not None]
        if heights and sum(heights) - BETWEEN_BLOCKS <= flow.room:
            if before and not some:
                flow.add(_text(before, TEXT, WIDTH))
            flow.put_beside(column[0], image, column[1])
            return bool(others)
    if before:
        flow.add(_text(before, TEXT, WIDTH))
    flow.add(_image(picture, WIDTH))
    return False
