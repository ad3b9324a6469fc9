"""The times of a grid's rows: one column or two, in the way that they are written, with what people should know."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from core import clocks
from core.cells import Survey
from core.delimited import Strings
from core.errors import N_, UserError
from core.grids import Grid, Rejected
from core.layouts import groups_of
from core.notices import Notice
from core.readings import Reading
from core.series import Bools, Ints, Times
from core.zones import localised


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    times: Times | None  # (n,), NaT where a row has none; None: the file has no times
    late: dict[int, Rejected]  # rows whose time cannot be told
    notices: tuple[Notice, ...]

    def without(self, rows: Mapping[int, Rejected]) -> Self:
        if self.times is None:
            return self
        keep = np.ones(len(self.times), dtype=bool)
        keep[list(rows)] = False
        return replace(self, times=self.times[keep], late={})


def of(cells: Grid, found: Mapping[str, Survey], reading: Reading) -> Timeline:
    """The times of all rows."""
    time, clock, zone = reading.time, reading.clock, reading.zone
    if time is None:
        return Timeline(None, {}, tuple(_unused(found)))
    column = cells.column(time)
    times, utc = _read(time, found[time], column, reading.written)
    texts = [column]
    if clock is not None:
        texts.append(cells.column(clock))
        times = _joined(times, time, texts[-1], clock)
    notices = []
    if utc:
        message = N_("The times in “{column}” are shown in UTC: they count from 1970, or have different offsets.")
        notices.append(Notice(message, {"column": time}))
    late = _late(cells, texts, np.isnat(times), N_("Its time “{text}” cannot be read like the others."))
    if zone and not utc:
        times, skipped, twice = _in_utc(times, zone, groups_of(cells, reading.domain).values())
        late |= _late(cells, texts, skipped, N_("Its time “{text}” did not exist: summer time began."))
        late |= _late(cells, texts, twice, N_("Its time “{text}” came twice: summer time ended."))
        notices.append(Notice(N_("The times were taken as those of {zone}, and are shown in UTC."), {"zone": zone}))
    return Timeline(times, late, tuple(notices))


def _read(name: str, found: Survey, column: Strings, written: str) -> tuple[Times, bool]:
    """(n,) the times of a column, NaT where a cell is not written like the others; whether they are UTC."""
    if written:
        way = next((way for way in found.ways if way.code == written), None) or clocks.read_as(column, written)
        if way is not None:
            return way.times, way.utc
    elif len(found.ways) == 1:
        return found.ways[0].times, found.ways[0].utc
    elif found.ways:
        raise UserError(
            N_("The dates in “{column}” can be read in several ways: in “{example}”, which is the year or the month?"),
            N_("Say how they are written, or choose no time column."),
            column=name,
            example=next((text for text in column[:1000].to_pylist() if text), ""),
        )
    raise UserError(
        N_("The times in “{column}” are not written in one way that can be read."),
        N_("Write them like 2026/11/23 14:05, or choose no time column."),
        column=name,
    )


def _joined(dates: Times, time: str, column: Strings, name: str) -> Times:
    """Dates of one column and times of day of another."""
    clock = clocks.clock_of(column)
    if clock is None:
        raise UserError(
            N_("“{column}” does not hold times of day."),
            N_("Choose a column with times such as 14:05, or none."),
            column=name,
        )
    times = clocks.joined(dates, clock)
    if times is None:
        raise UserError(
            N_("“{column}” has times of day already, so those of “{clock}” cannot be added to it."),
            N_("Choose a column with dates alone, or no column for the time of day."),
            column=time,
            clock=name,
        )
    return times


def _in_utc(times: Times, zone: str, each: Iterable[Ints]) -> tuple[Times, Bools, Bools]:
    """Series by series: that a clock was put back is told from the order of the rows in one."""
    utc = np.full(len(times), np.datetime64("NaT"), "datetime64[ns]")
    skipped, twice = np.zeros((2, len(times)), dtype=np.bool_)
    for rows in each:
        utc[rows], skipped[rows], twice[rows] = localised(times[rows], zone)
    return utc, skipped, twice


def _late(cells: Grid, texts: list[Strings], which: Bools, reason: str) -> dict[int, Rejected]:
    """Rows whose time cannot be used, with the texts that tell it."""
    found = {}
    for i in np.flatnonzero(which).tolist():
        text = " ".join(filter(None, (column[i].as_py() for column in texts)))[:60]
        line = int(cells.lines[i])
        found[i] = Rejected(line, reason, {"text": text}) if text else Rejected(line, N_("It has no time."))
    return found


def _unused(found: Mapping[str, Survey]) -> list[Notice]:
    message = N_("“{column}” may hold dates, but which is the year or the month is not clear; it is not used as time.")
    return [Notice(message, {"column": name}) for name, one in found.items() if len(one.ways) > 1]
