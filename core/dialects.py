"""How a file is written, guessed from its first lines: what separates cells, where the table begins, its numbers."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice, takewhile

import pyarrow as pa
from clevercsv import Detector

from core.cells import MISSING_MARKS, Notation, looks_like_number, notation_of, number, survey, texts
from core.clocks import looks_like_time
from core.delimited import COMMENTS, DELIMITERS, MOST_HEADINGS, SPACES, Dialect, Row, empty, lenient
from core.headings import MOST_COLUMNS, check_width, last_named, looks_like_units

SAMPLE_LINES, SAMPLE_CHARACTERS = 400, 400_000
DETECTOR_CHARACTERS = 16_000  # CleverCSV weighs every form against every other: a few milliseconds a thousand
_LONG_WORD = re.compile(r"([^,;\t| '\"\r\n]{60})[^,;\t| '\"\r\n]+")  # of n letters, it takes n squared for addresses


def likely(
    text: str,
    delimiter: str | None = None,
    quote: str | None = None,
    comment: str | None = None,
    notation: Notation | None = None,
    skip: int | None = None,
    header: int | None = None,
) -> tuple[Dialect, Notation]:
    """How a text is written. What a person has already said about it is taken as said.

    Args:
        text: the first lines, whole ones.
    """
    lines = sample(text)
    if not lines:
        raise empty()
    comment = _comment(lines) if comment is None else comment
    if delimiter is None or quote is None:
        found = _separators([line for line in lines if not (comment and line.lstrip().startswith(comment))] or lines)
        delimiter, quote = delimiter or found[0], found[1] if quote is None else quote
    rows = list(islice(lenient("".join(lines), delimiter, quote), SAMPLE_LINES))
    first = next(filter(any, rows), None)
    if first is None:
        raise empty()
    dialect = Dialect(delimiter, quote, comment)
    check_width(max(len(first), _width(rows, dialect)))
    notation = notation or notation_of(texts(rows), delimiter)
    if skip is None:
        skip = _table_start(rows, dialect, notation)
    if header is None:
        below = [row for row in rows[skip:] if any(row)]
        header = _headings(below, dialect, notation) if below else 0
    return replace(dialect, skip=skip, header=header), notation


def sample(text: str) -> list[str]:
    """The first lines with something in them, and blank ones between; the last may not be cut short."""
    lines = re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$", text[:SAMPLE_CHARACTERS])[:SAMPLE_LINES]
    if len(text) > SAMPLE_CHARACTERS and len(lines) > 1 and sum(map(len, lines)) == SAMPLE_CHARACTERS:
        lines.pop()
    return lines if any(line.strip() for line in lines) else []


def _comment(lines: Sequence[str]) -> str:
    """The mark of a comment, where the first line is one, and not all are."""
    first, *rest = [line.lstrip() for line in lines if line.strip()]
    marks = (mark for mark in filter(None, COMMENTS) if first.startswith(mark))
    return next((mark for mark in marks if not all(line.startswith(mark) for line in rest)), "")


def _separators(lines: Sequence[str]) -> tuple[str, str]:
    """Delimiter and quotation mark, as CleverCSV sees them; a lone column has any delimiter that is not in it."""
    text, n = "", 0
    for line in lines:
        text, n = text + _LONG_WORD.sub(r"\1", line), n + 1
        if len(text) > DETECTOR_CHARACTERS and n >= 8:
            break
    found = Detector().detect(text[: 8 * DETECTOR_CHARACTERS], delimiters=list(DELIMITERS))
    delimiter, quote = (found.delimiter, found.quotechar) if found else (_commonest_delimiter(lines), '"')
    if quote not in ('"', "'"):
        quote = '"'
    if delimiter == "," and _one_column_of_decimals(lines):
        delimiter = ";"
    if delimiter == SPACES and _is_one_of_many(lines):
        delimiter = ""
    if delimiter not in DELIMITERS:
        delimiter = next((mark for mark in DELIMITERS[:-1] if mark not in text), ",")
    return _clearer(delimiter, quote, lines), quote


def _clearer(delimiter: str, quote: str, lines: Sequence[str]) -> str:
    """Another delimiter, where it leaves far more cells that are numbers or times: "2026/11/23 14:05;1'234,5"."""
    some = "".join(lines[len(lines) // 2 :])[:DETECTOR_CHARACTERS]

    def clear(mark: str) -> float:
        rows = [row for row in lenient(some, mark, quote) if any(row)]
        cells = [cell for row in rows for cell in row if cell]
        apart = 2 * sum(len(row) > 1 for row in rows) > len(rows)
        return sum(looks_like_number(cell) or looks_like_time(cell) for cell in cells) / len(cells) if apart else 0.0

    best = max(DELIMITERS, key=clear)  # of equals not the spaces: they stand within times and numbers too
    more = 0.0 if delimiter == SPACES else 0.1
    return best if 0.0 < clear(delimiter) <= clear(best) - more else delimiter


def _commonest_delimiter(lines: Sequence[str]) -> str:
    """The mark that most lines have equally many of."""

    def even(mark: str) -> tuple[int, int]:
        (n, times), *_ = Counter(line.count(mark) for line in lines if line.strip()).most_common(1)
        return (times if n else 0), n

    return max(DELIMITERS[:-1], key=even)


def _one_column_of_decimals(lines: Sequence[str]) -> bool:
    """ "1,5" below "load": a header without a comma over numbers that all have one."""
    first, *rest = [line.strip() for line in lines if line.strip()]
    return "," not in first and bool(rest) and all(re.fullmatch(r"[+-]?\d+(,\d+)?", line) for line in rest)


def _is_one_of_many(lines: Sequence[str]) -> bool:
    """Spaces within times or numbers, in a file of one column."""
    first, *rest = [line.strip() for line in lines if line.strip()]
    words = " " in first
    return bool(rest) and all(looks_like_time(text) or (not words and looks_like_number(text)) for text in rest)


def _width(rows: Sequence[Row], dialect: Dialect) -> int:
    """Columns up to the last one with text, in most rows; of those below the first lines, where there are enough."""
    filled = [row for row in rows if any(row) and not dialect.is_comment(row)] or [row for row in rows if any(row)]
    below = filled[len(filled) // 3 :]
    widths = Counter(map(last_named, below))
    most = max(widths.values())
    return max(width for width, n in widths.items() if n == most)


class _Body:
    """What the rows further down have in which column."""

    def __init__(self, rows: Sequence[Row], dialect: Dialect, notation: Notation) -> None:
        self.width = _width(rows, dialect)
        self._notation = notation
        filled = [row for row in rows if any(row) and not dialect.is_comment(row)]
        below = filled[len(filled) // 2 :]

        def mostly(fits: Callable[[str], bool]) -> list[int]:
            fitting = (sum(fits(row[i]) for row in below if i < len(row)) for i in range(self.width))
            return [i for i, n in enumerate(fitting) if 2 * n > len(below)]

        self._times, self._numbers = mostly(looks_like_time), mostly(self._is_number)

    def _is_number(self, cell: str) -> bool:
        return number(cell, self._notation) is not None

    def is_like(self, row: Row) -> bool:
        """No words where they have times, few where they have numbers."""
        if len(row) < self.width or self.names_a_time(row):
            return False
        found = sum(bool(row[i]) for i in self._times) + sum(self._is_number(row[i]) for i in self._numbers)
        return 2 * found > sum(row[i] not in MISSING_MARKS | {""} for i in (*self._times, *self._numbers))

    def names_a_time(self, row: Row) -> bool:
        cells = [row[i] for i in self._times if i < len(row)]
        return not all(looks_like_time(cell) or cell in MISSING_MARKS | {""} for cell in cells)


def _table_start(rows: Sequence[Row], dialect: Dialect, notation: Notation) -> int:
    """How many rows stand above the table: those narrower than it, or with hardly anything in them."""
    body = _Body(rows, dialect, notation)
    remarks = [dialect.is_comment(row) for row in rows]
    filled = sorted(sum(map(bool, row)) for row, remark in zip(rows, remarks, strict=True) if not remark and any(row))
    usual = filled[len(filled) // 2] if filled else 1
    wide = (i for i, row in enumerate(rows) if not remarks[i] and len(row) >= body.width)
    start = next((i for i in wide if 2 * sum(map(bool, rows[i])) > usual), 0)
    first = next((i for i, row in enumerate(rows) if not remarks[i] and body.is_like(row)), None)
    if first is not None:
        start = _top_of_heading(rows[:first], start, body, dialect)
    if start and not remarks[start - 1] and _is_heading_of(rows[start - 1], rows[start], body.width, notation):
        start -= 1
    if start and remarks[start - 1]:  # "# time, load": the heading may be written as a comment
        alone = rows[start - 1][0] == dialect.comment and dialect.delimiter == SPACES
        if len(rows[start - 1]) - alone == body.width:
            start -= 1
    return start if any(any(row) for row in rows[:start]) else 0


def _top_of_heading(above: Sequence[Row], start: int, body: _Body, dialect: Dialect) -> int:
    """Of the rows right above the first one with data, the first that names columns; else how many they are.

    What a machine says about itself may be as wide as the table, padded with empty cells. Between names and data there
    may be a blank line, a remark, and rows with words for what was not yet measured.
    """
    top, names = len(above), list[Row]()
    for i in range(len(above) - 1, start - 1, -1):
        row, n = above[i], last_named(above[i])
        told = any(looks_like_time(cell) or looks_like_number(cell) for cell in row)
        early = told and n == body.width and not body.names_a_time(row)
        if not names and not dialect.is_comment(row) and (early or (not told and n < min(2, body.width))):
            continue
        padded = n < body.width and all(row[:n])
        strange = (padded or (told and names)) and not (names and looks_like_units(names[-1]))
        if not any(row) or dialect.is_comment(row) or strange or len(names) == MOST_HEADINGS:
            break
        names.append(row)
        top = i
    return top


def _is_heading_of(row: Row, below: Row, width: int, notation: Notation) -> bool:
    """Whether a row that looks too short for a heading is one all the same.

    One column may have no name. And a heading with a cell too few is no line above the table: the rows below are then
    refused, not shifted.
    """
    words = [cell for cell in row if cell]
    no_numbers = all(number(cell, notation) is None and not looks_like_time(cell) for cell in words)
    data = any(number(cell, notation) is not None for cell in below)
    enough = bool(words) if len(row) == width else len(words) >= 2 and 2 * len(row) > width
    return enough and no_numbers and data


def _headings(rows: Sequence[Row], dialect: Dialect, notation: Notation) -> int:
    """How many rows at the top name the columns."""
    if dialect.is_comment(rows[0]):
        return 1
    rows = [row for row in rows if not dialect.is_comment(row)]
    words = list(takewhile(lambda row: not _has_data(row, notation), rows[:MOST_HEADINGS]))
    if units := next((i for i, row in enumerate(words) if i and looks_like_units(row)), 0):
        return units + 1
    if not has_header(rows, notation):
        return 0
    more = 1
    while more < MOST_HEADINGS and len(rows) > more + 2 and _describes(rows[more], rows[more + 1 :], notation):
        more += 1
    return more


def _has_data(row: Row, notation: Notation) -> bool:
    return any(number(cell, notation) is not None or looks_like_time(cell) for cell in row if cell)


def _describes(row: Row, below: Sequence[Row], notation: Notation) -> bool:
    """Whether a row under the names is another one of words: over every column of numbers there is a text."""
    if _has_data(row, notation):
        return False
    if looks_like_units(row):
        return True
    numeric = [
        i
        for i in range(max(map(len, below)))
        if sum(number(other[i], notation) is not None for other in below if i < len(other)) > 0.8 * len(below)
    ]
    named = sum(i < len(row) and bool(row[i]) and row[i] not in MISSING_MARKS for i in numeric)
    return bool(numeric) and 2 * named > len(numeric)


def has_header(rows: Sequence[Row], notation: Notation) -> bool:
    """Whether the first row names the columns: it does not look like what stands below it."""
    first, body, votes = rows[0], rows[1:], 0
    for i, cell in enumerate(first[:MOST_COLUMNS]):
        column = [row[i] for row in body if i < len(row) and row[i] not in MISSING_MARKS]
        below = survey(pa.array(column, pa.string()), notation)
        if below.ways:
            return number(cell, notation) is None and not looks_like_time(cell)  # a time column decides
        if cell and cell not in MISSING_MARKS and below.kind == "number":
            votes += 1 if number(cell, notation) is None else -1
    return votes >= 0 and not all(number(cell, notation) is not None for cell in first if cell)
