"""Bytes → table, in two steps that a person can come between: `guess` how to read a file, then `read` it so.

Nothing is dropped, shifted or replaced unseen: a row is kept or rejected with its line and a reason, a kept number
equals the text it came from, and whatever else was decided is in the table's notices.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import pyarrow.compute as pc

from core import archives, layouts, notices, timeline, workbooks
from core.cells import Kind, Numbers, Survey, held, marks_in, n_distinct, survey
from core.columns import roles
from core.delimited import Strings
from core.dialects import likely
from core.encodings import blocks, check, check_size, encoding_of
from core.errors import N_, UserError
from core.grids import NO_FAULT, Grid, Rejected, grid
from core.layouts import Layout, Parts
from core.notices import Notice
from core.readings import Reading
from core.series import Series
from core.timeline import Timeline

PREVIEW_ROWS = 50
MOST_WRONG = 9  # rows that do not fit, for each that does


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """What stands in one column of the kept rows."""

    name: str
    kind: Kind
    n_values: int
    n_missing: int  # empty, a missing mark, infinite or unreadable
    n_infinite: int  # of the missing: ±inf, or too large a number
    n_unreadable: int  # of the missing: a text that is neither a number nor a missing mark
    minimum: float | None  # of a column of numbers
    maximum: float | None
    constant: bool  # one and the same value throughout


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A file as read."""

    names: tuple[str, ...]  # of all columns
    preview: tuple[tuple[str, ...], ...]  # the first kept rows, as text
    facts: tuple[ColumnFacts, ...]  # of all columns
    n_rows: int  # kept; with the rejected and the heading ones, all rows of the file
    rejected: tuple[Rejected, ...]  # in order of the file
    heading: tuple[int, ...]  # lines of the rows that name the columns
    notices: tuple[Notice, ...]
    series: tuple[Series, ...]  # in order of first appearance
    sheets: tuple[str, ...]  # of a workbook


def guess(data: bytes, **said: Any) -> Reading:
    """How to read a file, as far as it tells.

    Args:
        said: what a person has already said about it is taken as said: encoding, sheet, delimiter, quote, comment,
            notation, skip, header, site.

    Raises:
        UserError: the file cannot be read in any way.
    """
    return open_file(data, **said)[0]


def read(data: bytes, reading: Reading) -> Table:
    """Read a file as told.

    Raises:
        UserError: the file, or a chosen column, cannot be read so.
    """
    return read_text(opened(data, reading.encoding, reading.sheet), reading)


class Text(NamedTuple):
    """A file that is open. Its bytes go as its text is read: a large file's would be in the way."""

    pieces: Iterator[str]  # of whole lines
    encoding: str
    sheet: str = ""  # of a workbook
    sheets: tuple[str, ...] = ()
    book: workbooks.Workbook | None = None  # where nobody has chosen the sheet


def opened(data: bytes, encoding: str = "", sheet: str = "") -> Text:
    """A file's text. How its characters are written, and which sheet of a workbook, is guessed where nobody says it."""
    check_size(len(data))
    if workbooks.is_workbook(data):
        book = workbooks.Workbook(data)
        chosen = sheet or book.first()
        return Text(book.texts(chosen), "utf-8", chosen, book.sheets, None if sheet else book)
    check(data)
    encoding = encoding or encoding_of(data)
    return Text(blocks(data, encoding), encoding)


def read_text(text: Text, reading: Reading) -> Table:
    """`read`, of a file that is open."""
    if reading.layout == "ts":
        return _archive_table(archives.read_ts(text.pieces))
    cells = grid(text.pieces, reading.dialect)
    check_rows(cells)
    _check_choice(cells, reading)
    return _table(cells, reading, _surveys(cells, reading), text.sheets)


def open_file(data: bytes, **said: Any) -> tuple[Reading, Table]:
    """`guess`, and `read` what was guessed, in one go."""
    return open_text(opened(data, said.pop("encoding", ""), said.pop("sheet", "")), **said)


def open_text(text: Text, **said: Any) -> tuple[Reading, Table]:
    """`open_file`, of a file that is open: a workbook's first sheet that is a table, which may have a cover."""
    try:
        return _guessed(text, **said)
    except UserError:
        if text.book is None:
            raise
        for sheet in text.sheets[text.sheets.index(text.sheet) + 1 :]:
            with suppress(UserError):
                return _guessed(text._replace(pieces=text.book.texts(sheet), sheet=sheet), **said)
        raise


def _guessed(text: Text, **said: Any) -> tuple[Reading, Table]:
    site = said.pop("site", "")
    head = next(text.pieces, "")
    if not said and archives.is_ts(head[:200_000]):
        archive = archives.read_ts(chain([head], text.pieces))
        reading = Reading(text.encoding, layout="ts", channels=archive.series[0].channels, site=site)
        return reading, _archive_table(archive)
    dialect, notation = likely(head, **(said | workbooks.WRITTEN if text.sheet else said))
    cells = grid(chain([head], text.pieces), dialect)
    check_rows(cells)
    marks = {name: marks_in(column) for name, column in cells.items()}
    found = {name: survey(column, notation, marks[name]) for name, column in cells.items()}
    part = roles(cells, found, has_header=dialect.header > 0)
    reading = Reading(text.encoding, text.sheet, dialect, notation, site=site, **asdict(part))
    for name, column in cells.items():  # marks of one column count in all, and sentinels came to light
        if held(column, reading.missing) != marks[name]:
            found[name] = survey(column, notation, reading.missing)
    return reading, _table(cells, reading, found, text.sheets)


def check_rows(cells: Grid, layout: Layout | None = None) -> None:
    """Refuse what has hardly a row that fits; prose has one here and there.

    Args:
        layout: where it is known; a row alone may be a series.
    """
    n, wrong = len(cells.lines), [one.line for one in cells.rejected if one.reason not in NO_FAULT]
    alone = n == 1 and len(cells.names) >= layouts.FEWEST_SAMPLES and layout in (None, "rows")
    if (n >= 2 or alone) and len(wrong) <= MOST_WRONG * n:
        return
    if wrong:
        raise UserError(
            N_("Almost no row of the file can be used; line {line} is the first that cannot."),
            N_("Check that the first line names the columns, and that every row has as many cells as it and a time."),
            line=wrong[0],
        )
    problems = (N_("The file has only a header, and no rows below it."), N_("The file has only one row of values."))
    raise UserError(problems[n], N_("Choose a file with one row for each point in time."))


# --- a grid, as told


def _table(cells: Grid, reading: Reading, found: dict[str, Survey], sheets: tuple[str, ...]) -> Table:
    check_rows(cells, reading.layout)
    when = timeline.of(cells, found, reading)
    late = when.late | _homeless(cells, reading) | _without_samples(cells, reading, found)
    if late:
        cells, when = cells.without(late), when.without(late)
        check_rows(cells, reading.layout)
        found = _surveys(cells, reading)
    measured = {name: found[name].numbers for name in reading.measured}
    _check_channels(reading, measured)
    told = [*notices.on_format(cells, reading, measured), *notices.on_numbers(cells, measured), *when.notices]
    facts = tuple(_facts(name, column, found[name]) for name, column in cells.items())
    found.clear()  # a large file's numbers are in memory once, or twice while they are put side by side
    parts = _parts(cells, reading, measured, when)
    series, more = _arranged(cells, reading, parts)
    preview = zip(*(column[:PREVIEW_ROWS].to_pylist() for column in cells.columns), strict=True)
    return Table(
        names=cells.names,
        preview=tuple(preview),
        facts=facts,
        n_rows=len(cells.lines),
        rejected=cells.rejected,
        heading=cells.heading,
        notices=(*told, *more),
        series=tuple(_named(one, reading.site) for one in series),
        sheets=sheets,
    )


def _parts(cells: Grid, reading: Reading, measured: dict[str, Numbers], when: Timeline) -> Parts:
    """What was read, side by side. The numbers move: nothing is left in `measured`."""
    names = tuple(measured)
    values = np.empty((len(cells.lines), len(names)))
    for i, name in enumerate(names):
        values[:, i] = measured.pop(name).values
    label = None if reading.label is None else layouts.texts_of(cells.column(reading.label))
    step = 1 / reading.rate if reading.rate and reading.time is None else None
    return Parts(names, values, when.times, label, step)


def _surveys(cells: Grid, reading: Reading) -> dict[str, Survey]:
    return {name: survey(column, reading.notation, reading.missing) for name, column in cells.items()}


def _check_choice(cells: Grid, reading: Reading) -> None:
    if not reading.channels:
        raise UserError(N_("No channel is chosen."), N_("Choose at least one column of numbers."))
    if reading.layout == "long" and not (reading.variable and reading.value):
        raise UserError(
            N_("It is not said which column names the channel and which one holds its value."), N_("Choose both.")
        )
    others = (reading.time, reading.clock, reading.label, reading.domain, reading.variable)
    for name in (*filter(None, others), *reading.measured):
        if name not in cells.names:
            raise UserError(
                N_("The file has no column “{column}”."),
                N_("Choose one of its columns: {columns}."),
                column=name,
                columns=", ".join(cells.names[:20]),
            )
    if reading.layout == "long" and reading.variable:
        there = layouts.distinct(cells.column(reading.variable))
        for name in set(reading.channels) - set(there):
            raise UserError(
                N_("“{column}” never names the channel “{channel}”."),
                N_("Choose one of its channels: {channels}."),
                column=reading.variable,
                channel=name,
                channels=", ".join(there[:20]),
            )


def _check_channels(reading: Reading, measured: Mapping[str, Numbers]) -> None:
    """A channel has numbers. A sample of a series a row need not have any: series may be shorter than others."""
    without = [name for name, found in measured.items() if np.isnan(found.values).all()]
    if not without or (reading.layout == "rows" and len(without) < len(measured)):
        return
    name = without[0]
    if len(measured[name].unreadable):
        raise UserError(
            N_("“{channel}” has words in it, not numbers."),
            N_("Leave it out of the channels, or correct the decimal mark."),
            channel=name,
        )
    raise UserError(
        N_("“{channel}” has no values at all."),
        N_("Leave it out on the Data screen, or upload a file that has values for it."),
        channel=name,
    )


def _homeless(cells: Grid, reading: Reading) -> dict[int, Rejected]:
    """Rows that belong to no line or site, or to no channel."""
    reason, found = N_("It has no value in “{column}”."), {}
    for column in filter(None, (reading.domain, reading.variable if reading.layout == "long" else None)):
        for i in np.flatnonzero(pc.equal(cells.column(column), "").to_numpy(zero_copy_only=False)).tolist():
            found[i] = Rejected(int(cells.lines[i]), reason, {"column": column})
    return found


def _without_samples(cells: Grid, reading: Reading, found: Mapping[str, Survey]) -> dict[int, Rejected]:
    """Of a file with a series a row, those without any."""
    if reading.layout != "rows":
        return {}
    missing = np.logical_and.reduce([np.isnan(found[name].numbers.values) for name in reading.channels])
    return {i: Rejected(int(cells.lines[i]), N_("It has no values.")) for i in np.flatnonzero(missing).tolist()}


def _arranged(cells: Grid, reading: Reading, parts: Parts) -> tuple[list[Series], list[Notice]]:
    if reading.layout == "rows":
        names = None if reading.domain is None else cells.column(reading.domain).to_pylist()
        return layouts.rows_as_series(parts, names, "value"), []
    groups = layouts.groups_of(cells, reading.domain)
    if reading.layout == "long":
        variable = cells.column(reading.variable or "")
        series, repeated = layouts.long(parts, groups, variable, reading.channels, reading.repeats)
        return series, notices.on_long(series, repeated, reading.repeats)
    told = [] if parts.time is None else notices.on_order(parts.time, groups, reading)
    return layouts.wide(parts, groups, reading.repeats, ordered=reading.ordered), told


def _named(one: Series, site: str) -> Series:
    return replace(one, domain=site) if site and one.domain is None else one


def _facts(name: str, column: Strings, found: Survey) -> ColumnFacts:
    if found.kind not in ("time", "text"):
        return _numeric_facts(name, found.kind, found.numbers)
    n_missing = int(pc.sum(pc.equal(column, "")).as_py() or 0)
    constant = n_distinct(column[:1000]) == 1 and n_distinct(column) == 1
    return ColumnFacts(name, found.kind, len(column) - n_missing, n_missing, 0, 0, None, None, constant)


def _numeric_facts(name: str, kind: Kind, found: Numbers) -> ColumnFacts:
    n_values = int(np.count_nonzero(~np.isnan(found.values)))
    low, high = (float(np.nanmin(found.values)), float(np.nanmax(found.values))) if n_values else (None, None)
    missing = (len(found.values) - n_values, found.n_infinite, len(found.unreadable))
    return ColumnFacts(name, kind, n_values, *missing, low, high, constant=n_values > 0 and low == high)


# --- .ts


def _archive_table(archive: archives.Archive) -> Table:
    names = archive.series[0].channels
    values = [np.concatenate([one.values[:, c] for one in archive.series]) for c in range(len(names))]
    numbers = [Numbers(one, 0, np.arange(0), 0) for one in values]
    first = [tuple(f"{v:g}" for v in row) for row in archive.series[0].values[:PREVIEW_ROWS]]
    return Table(
        names=names,
        preview=tuple(first),
        facts=tuple(_numeric_facts(name, "number", one) for name, one in zip(names, numbers, strict=True)),
        n_rows=len(archive.series),
        rejected=archive.rejected,
        heading=archive.heading,
        notices=(notices.infinite(names[0], archive.n_infinite),) if archive.n_infinite else (),
        series=archive.series,
        sheets=(),
    )
