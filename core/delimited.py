"""Bytes → a grid of text cells, or a refusal that says what to do. Nothing is replaced, shifted or dropped unseen."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress
from typing import Self

from core.cells import MISSING_MARKS, looks_like_time, number, survey
from core.errors import N_, UserError

ENCODINGS = ("utf-8", "utf-8-sig", "cp932")
DELIMITERS = (",", ";", "\t")
DECIMALS = (".", ",")
MOST_BYTES = 200 * 1024 * 1024
MOST_COLUMNS = 1000
SAMPLE_CHARACTERS = 131_072  # csv's longest field, so that no sample can overflow it
SAMPLE_ROWS = 200

_SAVE_AS_UTF8 = N_("Open it in the program that made it and save it as “CSV UTF-8”, then upload that file.")
_EXPORT_CSV = N_("Open it in Excel and save it as “CSV UTF-8 (comma delimited)”, then upload that file.")
_UNPACK = N_("Unpack it, then upload the CSV file that is inside.")
_FROM_SOURCE = N_("Export the measurements as CSV from the program that recorded them, then upload that file.")
_MAGIC = (
    (b"%PDF", N_("This is a PDF document, not a CSV file."), _FROM_SOURCE),
    (b"\x89PNG", N_("This is a picture, not a CSV file."), _FROM_SOURCE),
    (b"\xff\xd8\xff", N_("This is a picture, not a CSV file."), _FROM_SOURCE),
    (b"\xd0\xcf\x11\xe0", N_("This is an Excel file, not a CSV file."), _EXPORT_CSV),
    (b"PK\x03\x04", N_("This is a ZIP file, not a CSV file."), _UNPACK),
    (b"\x1f\x8b", N_("This is a compressed (gz) file, not a CSV file."), _UNPACK),
    (b"BZh", N_("This is a compressed (bz2) file, not a CSV file."), _UNPACK),
    (b"7z\xbc\xaf", N_("This is a compressed (7z) file, not a CSV file."), _UNPACK),
    (b"PAR1", N_("This is a Parquet file, not a CSV file."), _FROM_SOURCE),
    (b"\xff\xfe", N_("This file is written in UTF-16 (Excel calls it Unicode text)."), _SAVE_AS_UTF8),
    (b"\xfe\xff", N_("This file is written in UTF-16 (Excel calls it Unicode text)."), _SAVE_AS_UTF8),
)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was left out, and why."""

    line: int  # where it begins in the file, from 1
    reason: str  # a gettext id, to be filled with the facts
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Text cells without the spaces around them. Row i of every column stands in line `lines[i]` of the file."""

    names: tuple[str, ...]  # unique
    columns: tuple[tuple[str, ...], ...]  # (n_columns)(n_rows)
    lines: tuple[int, ...]  # (n_rows,), from 1
    rejected: tuple[Rejected, ...]  # in order of the file

    def column(self, name: str) -> tuple[str, ...]:
        return self.columns[self.names.index(name)]

    def items(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        return zip(self.names, self.columns, strict=True)

    def without(self, late: Mapping[int, Rejected]) -> Self:
        """The same grid, where some of its rows turned out to be unusable."""
        keep = [i not in late for i in range(len(self.lines))]
        rejected = sorted((*self.rejected, *late.values()), key=lambda r: r.line)
        columns = tuple(tuple(compress(column, keep)) for column in self.columns)
        return replace(self, columns=columns, lines=tuple(compress(self.lines, keep)), rejected=tuple(rejected))


def check(data: bytes) -> None:
    """Refuse what cannot be a CSV file, before any work is spent on it."""
    if len(data) > MOST_BYTES:
        raise UserError(
            N_("The file has {size} MB; the most is {most} MB."),
            N_("Split it into shorter periods, or leave out columns you do not need."),
            size=-(-len(data) // 1024**2),
            most=MOST_BYTES // 1024**2,
        )
    for magic, problem, remedy in _MAGIC:
        if data.startswith(magic):
            if magic == b"PK\x03\x04" and b"xl/" in data:
                raise UserError(N_("This is an Excel file, not a CSV file."), _EXPORT_CSV)
            raise UserError(problem, remedy)
    if b"\0" in data:
        raise UserError(N_("This is not a text file: it has bytes that no text has."), _SAVE_AS_UTF8)


def encoding_of(data: bytes) -> str:
    """Byte order mark, else strict UTF-8, else strict cp932 (Japanese Windows)."""
    if data.startswith(b"\xef\xbb\xbf"):
        candidates: tuple[str, ...] = ("utf-8-sig",)
    else:
        candidates = ("utf-8", "cp932")
    for encoding in candidates:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        # Python's cp932 lets bytes through that are no characters in it: another encoding, then.
        if encoding != "cp932" or not re.search("[\x80\xa0\uf8f0-\uf8f3]", text):
            return encoding
    raise UserError(N_("The characters in this file cannot be read."), _SAVE_AS_UTF8)


def decode(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise UserError(
            N_("The characters in this file cannot be read as {encoding}."),
            N_("Choose another character encoding, or save the file as “CSV UTF-8”."),
            encoding=encoding,
        ) from None


def sample(text: str, delimiter: str) -> list[list[str]]:
    """The first rows that are not blank, read leniently: enough to guess by, quick whatever the file holds."""
    reader = csv.reader(io.StringIO(text[:SAMPLE_CHARACTERS], newline=""), delimiter=delimiter, skipinitialspace=True)
    rows = []
    for row in reader:
        cells = [cell.strip() for cell in row]
        if any(cells):
            rows.append(cells)
        if len(rows) == SAMPLE_ROWS:
            return rows
    return rows[:-1] if len(text) > SAMPLE_CHARACTERS and len(rows) > 1 else rows  # the last may be cut short


def dialect_of(text: str) -> tuple[str, str]:
    """Delimiter and decimal mark under which rows are equally long and most cells are numbers or times."""
    scored = []
    for delimiter in DELIMITERS:
        rows = sample(text, delimiter)
        if not rows:
            raise empty()
        width, named = len(rows[0]), _named(rows[0])
        even = sum(_fits(row, width, named) for row in rows) / len(rows)
        texts = Counter(c for row in rows[1:] for c in row if c and c not in MISSING_MARKS)
        for decimal in DECIMALS:
            if delimiter == decimal == "," and not _surely_decimal_comma(texts):
                continue
            read = sum(n for c, n in texts.items() if number(c, decimal) is not None or looks_like_time(c))
            scored.append((even * read / max(1, texts.total()), width, delimiter, decimal))
    _, width, delimiter, decimal = max(scored, key=lambda s: s[:2])  # the first of equals: comma and point
    if width > MOST_COLUMNS:  # said with the whole row's number: the sample may end in the middle of it
        grid(text, delimiter, header=True)
    return delimiter, decimal


def _surely_decimal_comma(texts: Counter[str]) -> bool:
    """In a comma-separated file, "1,234" is a thousand; only "0,5" or "12,25" shows that the comma is decimal."""
    return any(re.fullmatch(r"[+-]?(0,\d+|\d+,(\d{1,2}|\d{4,}))", text) for text in texts)


def has_header(rows: Sequence[Sequence[str]], decimal: str) -> bool:
    """Whether the first row names the columns: it does not look like what stands below it."""
    first, body, votes = rows[0], rows[1:], 0
    for i, cell in enumerate(first):
        column = [row[i] for row in body if i < len(row) and row[i] not in MISSING_MARKS]
        below = survey(column, decimal)
        if below.times:
            return not looks_like_time(cell)  # a time column decides: sensors may be called 1, 2, 3
        if cell and cell not in MISSING_MARKS and below.kind == "number":
            votes += 1 if number(cell, decimal) is None else -1
    return votes >= 0 and not all(number(cell, decimal) is not None for cell in first if cell)


def grid(text: str, delimiter: str, header: bool) -> Grid:
    """All rows of the file, as columns. A row that does not fit is rejected; it never moves its neighbours."""
    records = list(_records(text, delimiter))
    while records and (row := records[-1][1]) is not None and not any(row):
        records.pop()  # blank lines at the end are no rows
    first = next((i for i, (_, row) in enumerate(records) if row is None or any(row)), None)
    if first is None:
        raise empty()
    line, heading = records[first]
    if heading is None:
        raise _open_quotation(line)
    body = records[:first] + records[first + 1 :] if header else records
    if not body:
        raise UserError(
            N_("The file has only a header and no values."), N_("Choose a file that has measurements below its header.")
        )
    width = len(heading) if header else Counter(len(row) for _, row in body if row).most_common(1)[0][0]
    named = _named(heading) if header else width
    kept, lines, rejected = [], [], []
    for line, row in body:
        if row is not None and _fits(row, width, named) and any(row):
            kept.append(row[:width] + [""] * (width - len(row)))
            lines.append(line)
        else:
            rejected.append(_rejected(line, row, width))
    columns = tuple(zip(*kept, strict=True)) or ((),) * width
    names = unique_names(heading if header else [""] * width)
    return Grid(names, columns, tuple(lines), tuple(rejected))


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str] | None]]:
    """Each row with the line it begins in; None for a line whose quotation marks do not match."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True)
    line, checked = 1, False
    while True:
        try:
            row: list[str] | None = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error:
            if reader.line_num > line:  # the lines below were swallowed: more than a row is lost
                raise _open_quotation(line) from None
            row = None
        if row and not checked:  # before the rest is read
            check_width(len(row))
            checked = True
        yield line, row
        line = reader.line_num + 1


def empty() -> UserError:
    return UserError(N_("The file is empty."), N_("Choose a file that has measurements in it."))


def _open_quotation(line: int) -> UserError:
    return UserError(
        N_("A quotation mark in line {line} is never closed, so the rows below it cannot be told apart."),
        N_("Remove or close that quotation mark, then upload the file again."),
        line=line,
    )


def check_width(n_columns: int) -> None:
    if n_columns > MOST_COLUMNS:
        raise UserError(
            N_("The file has {n} columns; the most is {most}."),
            N_("Keep only the columns you want to look at. If each row is one recording, swap rows and columns."),
            n=n_columns,
            most=MOST_COLUMNS,
        )


def _fits(row: Sequence[str], width: int, named: int) -> bool:
    """Whether no cell would be lost or invented: empty cells beyond the last name (trailing delimiters) don't count."""
    return named <= len(row) and not any(row[width:])


def _named(heading: Sequence[str]) -> int:
    """How many columns up to the last one that has a name."""
    return max((i + 1 for i, cell in enumerate(heading) if cell), default=0)


def _rejected(line: int, row: list[str] | None, width: int) -> Rejected:
    if row is None:
        return Rejected(line, N_("Its quotation marks do not match."))
    if not any(row):
        return Rejected(line, N_("It is empty."))
    facts = {"found": len(row), "expected": width}
    if len(row) > width:
        return Rejected(line, N_("It has too many cells: {found} instead of {expected}."), facts)
    return Rejected(line, N_("It has too few cells: {found} instead of {expected}."), facts)


def unique_names(heading: Sequence[str]) -> tuple[str, ...]:
    """Header texts; a repeated one gets " (2)", an empty one becomes "column 3"."""
    written = [cell or f"column {i}" for i, cell in enumerate(heading, 1)]
    names: list[str] = []
    taken: set[str] = set()
    for name in written:
        n, chosen = 1, name
        while chosen in taken or (n > 1 and chosen in written):
            n, chosen = n + 1, f"{name} ({n + 1})"
        names.append(chosen)
        taken.add(chosen)
    return tuple(names)
