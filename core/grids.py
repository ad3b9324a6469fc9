"""Rows → a grid of text cells. Every row is kept, or rejected with its line and a reason; none moves its neighbours."""

import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from core.delimited import SPACES, Dialect, Lines, Record, Row, Strings, empty, open_quotation, records
from core.errors import N_, UserError
from core.headings import check_width, last_named, names_of, unique_names
from core.plain import plain_columns
from core.series import Bools

MOST_ROWS, MOST_CELLS = 20_000_000, 30_000_000  # what fits in a gigabyte as text and as numbers
MOST_REJECTED = 100_000  # a file that has more, and fewer that are kept, is no table of this form
BATCH = 20_000  # rows read one by one, between two steps to columns
FIRST = 200  # rows that show how wide a table without names is

EMPTY = N_("It is empty.")
ABOVE = N_("It stands above the table.")
COMMENT = N_("It is a comment.")
NO_FAULT = (EMPTY, ABOVE, COMMENT)  # reasons for which nobody needs to put the file right
TOO_FEW = N_("It has too few cells: {found} instead of {expected}.")
TOO_MANY = N_("It has too many cells: {found} instead of {expected}.")
NO_FACTS: Mapping[str, object] = {}


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
    columns: tuple[Strings, ...]  # (n_columns) of (n_rows,)
    lines: NDArray[np.int32]  # (n_rows,), from 1
    rejected: tuple[Rejected, ...]  # in order of the file
    heading: tuple[int, ...] = ()  # lines of the rows that name the columns

    def column(self, name: str) -> Strings:
        return self.columns[self.names.index(name)]

    def items(self) -> Iterator[tuple[str, Strings]]:
        return zip(self.names, self.columns, strict=True)

    def without(self, late: Mapping[int, Rejected]) -> Self:
        """The same grid, where some of its rows turned out to be unusable."""
        if not late:
            return self
        keep = np.ones(len(self.lines), dtype=bool)
        keep[list(late)] = False
        rejected = sorted((*self.rejected, *late.values()), key=lambda r: r.line)
        columns = tuple(column.filter(pa.array(keep)) for column in self.columns)
        return replace(self, columns=columns, lines=self.lines[keep], rejected=tuple(rejected))


def grid(texts: Iterable[str], dialect: Dialect) -> Grid:
    """All rows of a file, as columns.

    Args:
        texts: pieces of whole lines.
    """
    return _Builder(texts, dialect).build()


class _Builder:
    """Goes through the text once: the heading, then the rows below, piece by piece."""

    def __init__(self, texts: Iterable[str], dialect: Dialect) -> None:
        self._text = Lines(texts)
        self._dialect = dialect
        self._width = self._named = 0
        self._chunks: list[list[Strings]] = []
        self._lines: list[NDArray[np.int32]] = []
        self._n_rows = 0
        self._rejected: list[Rejected] = []

    def build(self) -> Grid:
        names, heading = self._heading()
        first = self._text.n + 1
        while piece := self._text.piece():
            if not self._quickly(piece, first):
                self._row_by_row(piece, first)
            first = self._text.n + 1
        columns = tuple(self._joined(c) for c in range(self._width))
        lines = np.concatenate([*self._lines, np.zeros(0, np.int32)])
        last = max([int(lines[-1]) if len(lines) else 0, *heading])
        while self._rejected and self._rejected[-1].line > last and self._rejected[-1].reason == EMPTY:
            self._rejected.pop()  # blank lines at the end are no rows
        return Grid(names, columns, lines, tuple(self._rejected), heading)

    def _heading(self) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """Names of the columns, and the lines they stand in."""
        rows = records(self._text, self._dialect)
        for line, row in islice(rows, self._dialect.skip):
            self._reject(line, ABOVE if row is None or any(row) else EMPTY)
        if not self._dialect.header:
            self._keep_unnamed(rows)
            return unique_names([""] * self._width), ()
        top = list(islice(self._names(rows), self._dialect.header))
        if len(top) < self._dialect.header:
            raise empty()
        lines, names = zip(*top, strict=True)
        self._set_width(max(map(len, names)), max(map(last_named, names)))
        return unique_names(names_of(names)), lines

    def _names(self, rows: Iterator[Record]) -> Iterator[tuple[int, Row]]:
        """Rows of the heading; the first one may be written as a comment: "# time load"."""
        first = True
        for line, row in rows:
            if row is None:
                raise open_quotation(line)
            if not any(row):
                self._reject(line, EMPTY)
            elif self._dialect.is_comment(row) and not (first and any(self._uncommented(row))):
                self._reject(line, COMMENT)
            else:
                yield line, self._uncommented(row)
                first = False

    def _uncommented(self, row: Row) -> Row:
        if not self._dialect.is_comment(row):
            return row
        first = row[0].removeprefix(self._dialect.comment).strip()
        return [first, *row[1:]] if first or self._dialect.delimiter != SPACES else row[1:]

    def _keep_unnamed(self, rows: Iterator[Record]) -> None:
        """Without names, rows are as wide as most of the first ones are."""
        first: list[Record] = []
        widths: Counter[int] = Counter()
        while not widths:
            some = list(islice(rows, FIRST))
            if not some:
                raise empty()
            first += some
            widths.update(len(row) for _, row in some if row and any(row) and not self._dialect.is_comment(row))
        [(width, _)] = widths.most_common(1)
        self._set_width(width, width)
        self._keep(first)

    def _set_width(self, width: int, named: int) -> None:
        check_width(width)
        self._width, self._named = width, named
        self._chunks = [[] for _ in range(width)]

    def _quickly(self, piece: str, first: int) -> bool:
        """Keep plain rows of one width, hundreds of megabytes a second; False: they are not, and nothing was done."""
        found = plain_columns(piece, self._dialect, self._text.n + 1 - first)
        if found is None or len(found) < self._width:
            return False
        if any(pc.any(pc.not_equal(column, "")).as_py() for column in found[self._width :]):
            return False
        if self._dialect.comment and pc.any(pc.starts_with(found[0], self._dialect.comment)).as_py():
            return False
        lines = np.arange(first, self._text.n + 1, dtype=np.int32)
        found = found[: self._width]
        blank = _blank(found)
        if blank.any():
            keep = pa.array(~blank)
            found = [column.filter(keep) for column in found]
        self._append(found, lines[~blank])
        for line in lines[blank].tolist():
            self._reject(line, EMPTY)
        return True

    def _row_by_row(self, piece: str, first: int) -> None:
        rows = records(io.StringIO(piece, newline=""), self._dialect, first, self._text)
        while batch := list(islice(rows, BATCH)):
            self._keep(batch)

    def _keep(self, batch: Sequence[Record]) -> None:
        kept, lines = [], []
        others: list[Any] = []  # as _reject takes them, once all that are kept are counted
        for line, row in batch:
            if row is None:
                others.append((line, N_("Its quotation marks do not match.")))
            elif not any(row):
                others.append((line, EMPTY))
            elif self._dialect.is_comment(row):
                others.append((line, COMMENT))
            elif any(row[self._width :]):
                others.append((line, TOO_MANY, {"found": len(row), "expected": self._width}))
            elif len(row) < self._named:
                others.append((line, TOO_FEW, {"found": len(row), "expected": self._width}))
            else:  # empty cells beyond the last name, such as trailing delimiters make, are no cells
                kept.append(row[: self._width] + [""] * (self._width - len(row)))
                lines.append(line)
        if kept:
            columns = [pa.array(column, pa.string()) for column in zip(*kept, strict=True)]
            self._append(columns, np.array(lines, dtype=np.int32))
        for one in others:
            self._reject(*one)

    def _append(self, columns: Sequence[Strings], lines: NDArray[np.int32]) -> None:
        self._n_rows += len(lines)
        if self._n_rows > MOST_ROWS or self._n_rows * self._width > MOST_CELLS:
            raise UserError(
                N_("The file has more rows than can be read at once: over {n:,} in {columns} columns."),
                N_("Split it into shorter periods, or leave out columns you do not need."),
                n=self._n_rows,
                columns=self._width,
            )
        for chunks, column in zip(self._chunks, columns, strict=True):
            chunks.append(column)
        self._lines.append(lines)

    def _joined(self, c: int) -> Strings:
        chunks, self._chunks[c] = self._chunks[c], []  # the pieces go as soon as the whole is there
        return pa.concat_arrays(chunks) if chunks else pa.array([], pa.string())

    def _reject(self, line: int, reason: str, facts: Mapping[str, object] = NO_FACTS) -> None:
        self._rejected.append(Rejected(line, reason, facts))
        if len(self._rejected) > MOST_REJECTED and len(self._rejected) > self._n_rows:
            raise UserError(
                N_("More rows cannot be used than can; line {line} is the first that cannot."),
                N_("Check how the columns are separated, and that every row has as many cells as the first one."),
                line=next((r.line for r in self._rejected if r.reason not in NO_FAULT), line),
            )


def _blank(columns: Sequence[Strings]) -> Bools:
    """(n,) rows without any text."""
    blank = pc.equal(columns[0], "")
    for column in columns[1:]:
        if not pc.any(blank).as_py():
            break
        blank = pc.and_(blank, pc.equal(column, ""))
    found: Bools = blank.to_numpy(zero_copy_only=False)
    return found
