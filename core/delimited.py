"""Text → rows of text cells. What cannot be told apart for certain is refused, with its line."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from core.encodings import LONGEST_LINE
from core.errors import N_, UserError

SPACES = " "  # any number of spaces or tabs
DELIMITERS = (",", ";", "\t", "|", SPACES)
QUOTES = ('"', "'", "")
COMMENTS = ("", "#", "%", "//")
MOST_HEADINGS = 3  # rows that name the columns
csv.field_size_limit(2 * LONGEST_LINE)  # a quotation that goes on for longer was never closed


@dataclass(frozen=True, slots=True)
class Dialect:
    """How rows and cells are told apart."""

    delimiter: str = ","  # one of DELIMITERS
    quote: str = '"'  # one of QUOTES
    comment: str = ""  # one of COMMENTS: lines that begin so are no rows
    skip: int = 0  # rows above the table, blank ones too
    header: int = 1  # rows that name the columns; of several, the last may hold units

    def __post_init__(self) -> None:
        for value, known in ((self.delimiter, DELIMITERS), (self.quote, QUOTES), (self.comment, COMMENTS)):
            if value not in known:
                raise ValueError(f"{value!r} is none of {known}")
        if self.skip < 0 or not 0 <= self.header <= MOST_HEADINGS:
            raise ValueError(f"no such heading: {self.skip}, {self.header}")

    def is_comment(self, row: "Row") -> bool:
        return bool(self.comment and row) and row[0].startswith(self.comment)


Strings = Any  # a column: pa.StringArray (n,), no nulls; "" where a cell is empty
Row = list[str]  # cells without the spaces around them; a blank line has none
Record = tuple[int, Row | None]  # the line it begins in; None where its quotation marks do not match


class Lines:
    """The physical lines of a text that comes in pieces of whole lines: one by one, or what is left of a piece."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = filter(None, texts)
        self._piece = io.StringIO()
        self.n = 0  # taken so far

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        while not (line := self._piece.readline()):
            self._piece = io.StringIO(next(self._texts), newline="")
        self.n += 1
        return line

    def piece(self) -> str:
        """What has not been taken of the piece that is open, else all of the next one; "" at the end."""
        text = self._piece.read() or next(self._texts, "")
        self._piece = io.StringIO()  # it takes four times the memory of its text
        self.n += count_lines(text)
        return text


def count_lines(text: str) -> int:
    """Physical lines, the last one also without an end; \\r\\n is one end."""
    ends = text.count("\n")
    if "\r" in text:
        ends += text.count("\r") - text.count("\r\n")
    return ends + (bool(text) and text[-1] not in "\r\n")


def records(lines: Iterator[str], dialect: Dialect, line: int = 1, more: Iterable[str] = ()) -> Iterator[Record]:
    """Each row, with the line it begins in.

    Args:
        lines: physical lines with their ends; taken one by one, as rows need them.
        line: number of the first.
        more: the lines below; taken only while a row that began above has not ended.
    """
    if dialect.delimiter == SPACES:
        for number, text in enumerate(lines, line):
            yield number, text.split()
        return
    below, read = iter(more), 0

    def of_open_row() -> Iterator[str]:
        while reader.line_num > read and (text := next(below, "")):
            yield text

    reader = _reader(chain(lines, of_open_row()), dialect)
    while True:
        try:
            row: Row | None = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error:
            if reader.line_num - read > 1:  # the lines below were swallowed: more than a row is lost
                raise open_quotation(line + read) from None
            row = None
        yield line + read, row
        read = reader.line_num


def _reader(lines: Iterator[str], dialect: Dialect) -> Any:
    if not dialect.quote:
        return csv.reader(lines, delimiter=dialect.delimiter, quoting=csv.QUOTE_NONE)
    return csv.reader(lines, delimiter=dialect.delimiter, quotechar=dialect.quote, strict=True, skipinitialspace=True)


def lenient(text: str, delimiter: str, quote: str) -> Iterator[Row]:
    """Rows to guess by: quick, and never refused."""
    lines = io.StringIO(text, newline="")
    if delimiter == SPACES:
        yield from (line.split() for line in lines)
        return
    quoting: dict[str, Any] = {"quotechar": quote, "skipinitialspace": True} if quote else {"quoting": csv.QUOTE_NONE}
    for row in csv.reader(lines, delimiter=delimiter, **quoting):
        yield [cell.strip() for cell in row]


def empty() -> UserError:
    return UserError(N_("The file is empty."), N_("Choose a file that has measurements in it."))


def open_quotation(line: int) -> UserError:
    return UserError(
        N_("A quotation mark in line {line} is never closed, so the rows below it cannot be told apart."),
        N_("Remove or close that quotation mark, or choose another quotation mark, then try again."),
        line=line,
    )
