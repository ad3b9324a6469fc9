"""Bytes → table, in two steps that a person can come between: `guess` how to read a file, then `read` it so.

Nothing is dropped, shifted or replaced unseen: a row is kept or rejected with its line and a reason, a kept number
equals the text it came from, and whatever else was decided is in the table's notices.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.cells import MISSING_MARKS, Kind, Numbers, Survey, survey
from core.columns import roles
from core.delimited import (
    DECIMALS,
    DELIMITERS,
    ENCODINGS,
    Grid,
    Rejected,
    check,
    decode,
    dialect_of,
    encoding_of,
    grid,
    has_header,
    sample,
)
from core.errors import N_, UserError
from core.series import Series, Times

PREVIEW_ROWS = 50
MOST_SERIES = 100  # one picture each


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file's bytes become a table. Every field is a guess that a person can correct."""

    encoding: str  # one of ENCODINGS
    delimiter: str  # one of DELIMITERS
    decimal: str  # one of DECIMALS
    header: bool
    time: str | None  # column name; None: no time column, samples are counted
    channels: tuple[str, ...]  # numeric columns to use
    label: str | None
    domain: str | None  # one series for each of its values (line or site)
    missing: tuple[str, ...]  # texts that mean "no value" in a channel, beside the empty cell

    def __post_init__(self) -> None:
        for value, known in ((self.encoding, ENCODINGS), (self.delimiter, DELIMITERS), (self.decimal, DECIMALS)):
            if value not in known:
                raise ValueError(f"{value!r} is none of {known}")

    def to_json(self) -> dict[str, object]:
        return asdict(self) | {"channels": list(self.channels), "missing": list(self.missing)}

    @classmethod
    def from_json(cls, d: Mapping[str, Any]) -> Self:
        return cls(**{**d, "channels": tuple(d["channels"]), "missing": tuple(d["missing"])})


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """What stands in one column of the kept rows."""

    name: str
    kind: Kind
    n_values: int
    n_missing: int  # empty, a missing mark, infinite or unreadable
    n_infinite: int  # of the missing: ±inf, or too large a number
    n_unreadable: int  # of the missing: a text that is neither a number nor a missing mark
    n_distinct: int
    minimum: float | None  # of a column of numbers
    maximum: float | None
    constant: bool  # one and the same value throughout


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that was decided while reading, which the user should know."""

    message: str  # a gettext id, to be filled with the facts
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A file as read."""

    names: tuple[str, ...]  # of all columns
    preview: tuple[tuple[str, ...], ...]  # the first kept rows, as text
    facts: tuple[ColumnFacts, ...]  # of all columns
    n_rows: int  # kept; with the rejected ones, all rows of the file
    rejected: tuple[Rejected, ...]  # in order of the file
    notices: tuple[Notice, ...]
    series: tuple[Series, ...]  # in order of first appearance


def guess(
    data: bytes,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    header: bool | None = None,
) -> Reading:
    """How to read a file, as far as it tells. What a person has already said about it is taken as said.

    Raises:
        UserError: the file cannot be read in any way.
    """
    check(data)
    encoding = encoding or encoding_of(data)
    text = decode(data, encoding)
    likely = dialect_of(text)
    delimiter, decimal = delimiter or likely[0], decimal or likely[1]
    header = has_header(sample(text, delimiter), decimal) if header is None else header
    cells = grid(text, delimiter, header)
    _check_rows(cells)
    found = {n: survey(column, decimal, tuple(MISSING_MARKS.intersection(column))) for n, column in cells.items()}
    part = roles(cells, found)
    reading = Reading(encoding, delimiter, decimal, header, **asdict(part))
    _check_rows(cells.without(_unusable(cells, reading, found)))  # what `read` would refuse is refused here
    return reading


def read(data: bytes, reading: Reading) -> Table:
    """Read a file as told.

    Raises:
        UserError: the file, or a chosen column, cannot be read so.
    """
    check(data)
    cells = grid(decode(data, reading.encoding), reading.delimiter, reading.header)
    _check_rows(cells)
    return _table(cells, reading)


def _check_rows(cells: Grid) -> None:
    if len(cells.lines) >= 2:
        return
    if not cells.rejected:
        raise UserError(
            N_("The file has only one row of values, and a waveform needs many."),
            N_("Choose a file with one row for each point in time."),
        )
    raise UserError(
        N_("Almost no row of the file can be used; line {line} is the first that cannot."),
        N_("Check that the first line has the column names, and that every row has as many cells as it and a time."),
        line=cells.rejected[0].line,
    )


def _table(cells: Grid, reading: Reading) -> Table:
    _check_choice(cells, reading)
    found = _surveys(cells, reading)
    late = _unusable(cells, reading, found)
    if late:
        cells = cells.without(late)
        _check_rows(cells)
        found = _surveys(cells, reading)
    channels = {name: found[name].numbers for name in reading.channels}
    for name, channel in channels.items():
        _check_channel(name, channel)
    stamps = None if reading.time is None else _stamps(reading.time, found[reading.time], cells.column(reading.time))
    groups = _groups(cells, reading.domain)
    notices = [*_channel_notices(cells, channels), *_time_notices(found, stamps, groups)]
    facts = [_facts(name, cells.column(name), found[name]) for name in cells.names]
    preview = zip(*(column[:PREVIEW_ROWS] for column in cells.columns), strict=True)
    return Table(
        names=cells.names,
        preview=tuple(preview),
        facts=tuple(facts),
        n_rows=len(cells.lines),
        rejected=cells.rejected,
        notices=tuple(notices),
        series=_series(cells, reading.label, channels, stamps, groups),
    )


def _surveys(cells: Grid, reading: Reading) -> dict[str, Survey]:
    return {name: survey(column, reading.decimal, reading.missing) for name, column in cells.items()}


def _check_choice(cells: Grid, reading: Reading) -> None:
    if not reading.channels:
        raise UserError(N_("No channel is chosen."), N_("Choose at least one column of numbers."))
    for name in (reading.time, reading.label, reading.domain, *reading.channels):
        if name is not None and name not in cells.names:
            raise UserError(
                N_("The file has no column “{column}”."),
                N_("Choose one of its columns: {columns}."),
                column=name,
                columns=", ".join(cells.names[:20]),
            )


def _check_channel(name: str, found: Numbers) -> None:
    if not np.isnan(found.values).all():
        return
    if len(found.unreadable):
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


def _stamps(name: str, found: Survey, column: Sequence[str]) -> Times:
    """(n,) the times of a column, NaT where a cell is not written like the others."""
    if len(found.times) == 1:
        return found.times[0]
    if found.times:
        raise UserError(
            N_("The dates in “{column}” can be read in several ways: in “{example}”, which is the year or the month?"),
            N_("Write them like 2026/11/23 14:05, or choose no time column."),
            column=name,
            example=next(filter(None, column)),
        )
    raise UserError(
        N_("The times in “{column}” are not written in one way that can be read."),
        N_("Write them like 2026/11/23 14:05, or choose no time column."),
        column=name,
    )


def _unusable(cells: Grid, reading: Reading, found: Mapping[str, Survey]) -> dict[int, Rejected]:
    """Rows without the time or the domain that is asked for."""
    late: dict[int, Rejected] = {}
    if reading.domain is not None:
        for i, cell in enumerate(cells.column(reading.domain)):
            if not cell:
                reason = N_("It has no value in “{column}”.")
                late[i] = Rejected(cells.lines[i], reason, {"column": reading.domain})
    if reading.time is not None:
        column = cells.column(reading.time)
        for i in np.flatnonzero(np.isnat(_stamps(reading.time, found[reading.time], column))).tolist():
            reason = N_("Its time “{text}” cannot be read like the others.") if column[i] else N_("It has no time.")
            late[i] = Rejected(cells.lines[i], reason, {"text": column[i]})
    return late


def _facts(name: str, column: Sequence[str], found: Survey) -> ColumnFacts:
    if found.kind in ("time", "text"):
        texts = [cell for cell in column if cell]
        n_distinct = len(set(texts))
        return ColumnFacts(
            name, found.kind, len(texts), len(column) - len(texts), 0, 0, n_distinct, None, None, n_distinct == 1
        )
    values = found.numbers.values[~np.isnan(found.numbers.values)]
    n_distinct = len(set(values.tolist()))
    return ColumnFacts(
        name=name,
        kind=found.kind,
        n_values=len(values),
        n_missing=len(column) - len(values),
        n_infinite=found.numbers.n_infinite,
        n_unreadable=len(found.numbers.unreadable),
        n_distinct=n_distinct,
        minimum=float(values.min()) if len(values) else None,
        maximum=float(values.max()) if len(values) else None,
        constant=n_distinct == 1,
    )


Groups = dict[str | None, NDArray[np.int64]]


def _groups(cells: Grid, domain: str | None) -> Groups:
    """Rows of each domain, domains in order of first appearance."""
    if domain is None:
        return {None: np.arange(len(cells.lines))}
    rows: dict[str, list[int]] = {}
    for i, name in enumerate(cells.column(domain)):
        rows.setdefault(name, []).append(i)
    if len(rows) > MOST_SERIES:
        raise UserError(
            N_("“{column}” has {n} different values, too many to be lines or sites."),
            N_("Choose a column with {most} different values at most, or none."),
            column=domain,
            n=len(rows),
            most=MOST_SERIES,
        )
    return {name: np.array(those) for name, those in rows.items()}


def _series(
    cells: Grid, label: str | None, channels: Mapping[str, Numbers], stamps: Times | None, groups: Groups
) -> tuple[Series, ...]:
    values = np.column_stack([channel.values for channel in channels.values()])
    labels = None if label is None else np.array(cells.column(label), dtype=np.str_)
    series = []
    for domain, rows in groups.items():
        order = rows if stamps is None else rows[np.argsort(stamps[rows], kind="stable")]
        time = None if stamps is None else stamps[order]
        series.append(Series(domain, time, values[order], tuple(channels), None if labels is None else labels[order]))
    return tuple(series)


def _channel_notices(cells: Grid, channels: Mapping[str, Numbers]) -> list[Notice]:
    notices = []
    for name, found in channels.items():
        if found.n_infinite:
            message = N_("“{column}” has {n} infinite values; they count as missing.")
            notices.append(Notice(message, {"column": name, "n": found.n_infinite}))
        if len(found.unreadable):
            first = int(found.unreadable[0])
            message = N_(
                "“{column}” has {n} cells that are no numbers, such as “{text}” in line {line}; they count as missing."
            )
            facts = {
                "column": name,
                "n": len(found.unreadable),
                "text": cells.column(name)[first],
                "line": cells.lines[first],
            }
            notices.append(Notice(message, facts))
    return notices


def _time_notices(found: Mapping[str, Survey], stamps: Times | None, groups: Groups) -> list[Notice]:
    if stamps is None:
        message = N_(
            "“{column}” may hold dates, but which is the year or the month is not clear; it is not used as time."
        )
        return [Notice(message, {"column": name}) for name, one in found.items() if len(one.times) > 1]
    backward = sum(int((np.diff(stamps[rows]) < np.timedelta64(0)).sum()) for rows in groups.values())
    repeated = sum(int((np.diff(np.sort(stamps[rows])) == np.timedelta64(0)).sum()) for rows in groups.values())
    notices = []
    if backward:
        message = N_("The times run backwards in {n} places; the rows were put in order of time.")
        notices.append(Notice(message, {"n": backward}))
    if repeated:
        message = N_("{n} rows have the same time as another row; all were kept, in the order of the file.")
        notices.append(Notice(message, {"n": repeated}))
    return notices
