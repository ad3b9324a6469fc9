"""What was decided while a file was read, in sentences for the user."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from core.cells import MISSING_MARKS, Notation, Numbers, number
from core.defects import STEADY, clock_of
from core.errors import N_
from core.grids import Grid
from core.layouts import Groups, Repeats, n_repeated
from core.readings import Reading
from core.series import Series, Times

SURE = ("utf-8", "utf-8-sig", "utf-16", "cp932", "iso2022_jp", "iso2022_jp_ext")  # hardly ever taken by mistake
UNEVEN = 0.5  # of the usual step: a step that differs more is not like the others


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that was decided while reading, which the user should know."""

    message: str  # a gettext id, to be filled with the facts
    facts: Mapping[str, object]


def on_format(cells: Grid, reading: Reading, measured: Mapping[str, Numbers]) -> list[Notice]:
    notices = []
    if reading.encoding not in SURE:
        message = N_("Which characters the file is written in is a guess: {encoding}. Check that the words look right.")
        notices.append(Notice(message, {"encoding": reading.encoding}))
    if (example := _open_to_doubt(cells, reading.notation, measured)) is not None:
        value = example.replace(",", "." if reading.notation.decimal == "," else "")
        message = N_("“{text}” was read as {value}; if that is wrong, correct the decimal and thousands marks.")
        notices.append(Notice(message, {"text": example, "value": value}))
    far = [mark for mark in reading.missing if mark not in MISSING_MARKS and number(mark, reading.notation) is not None]
    if far:
        message = N_(
            "{marks} lies far from all other values and looks like a mark for “no value”; it counts as missing."
        )
        notices.append(Notice(message, {"marks": ", ".join(far)}))
    return notices


def _open_to_doubt(cells: Grid, notation: Notation, measured: Mapping[str, Numbers]) -> str | None:
    """A number that could be a thousand times as large, where no other cell shows how numbers are written here."""
    if notation.decimal != "," and notation.thousands != ",":
        return None
    example: str | None = None
    for name in measured:
        column = cells.column(name)
        marked = pc.filter(column, pc.match_substring(column, ","))
        marked = pc.filter(marked, pc.match_substring_regex(marked, rf"^(?:{notation.number.pattern})$"))
        both = pc.match_substring_regex(marked, r"^[+-]?[1-9]\d{0,2},\d{3}$")
        if len(marked) and not pc.all(both).as_py():
            return None
        example = example or (marked[0].as_py() if len(marked) else None)
    return example


def on_numbers(cells: Grid, measured: Mapping[str, Numbers]) -> list[Notice]:
    notices = []
    for name, found in measured.items():
        if found.n_infinite:
            notices.append(infinite(name, found.n_infinite))
        if len(found.unreadable):
            first = int(found.unreadable[0])
            message = N_(
                "“{column}” has {n} cells that are no numbers, such as “{text}” in line {line}; they count as missing."
            )
            text, line = cells.column(name)[first].as_py(), int(cells.lines[first])
            facts = {"column": name, "n": len(found.unreadable), "text": text[:60], "line": line}
            notices.append(Notice(message, facts))
    return notices


def infinite(column: str, n: int) -> Notice:
    return Notice(N_("“{column}” has {n} infinite values; they count as missing."), {"column": column, "n": n})


def on_order(time: Times, groups: Groups, reading: Reading) -> list[Notice]:
    """Of a table with a row for each point in time, before its rows are put in order."""
    each = [time[rows] for rows in groups.values()]
    backward = sum(int((np.diff(one) < np.timedelta64(0)).sum()) for one in each)
    repeated = sum(map(n_repeated, each))
    uneven = sum(map(n_uneven, each))
    notices = []
    if backward:
        messages = {
            True: N_("The times run backwards in {n} places; the rows were put in order of time."),
            False: N_("The times run backwards in {n} places; the rows were left as they stand in the file."),
        }
        notices.append(Notice(messages[reading.ordered], {"n": backward}))
    if repeated:
        notices.append(Notice(REPEATED[reading.repeats], {"n": repeated}))
    if uneven:
        message = N_(
            "{n} steps in time are not like the others. Samples are taken as evenly spaced, "
            "unless the preparation brings them to an even grid."
        )
        notices.append(Notice(message, {"n": uneven}))
    return notices


def n_uneven(time: Times) -> int:
    """Pauses of an even clock, or of any other the steps that differ from the median one by more than half of it.

    A recorder that skips a second now and then because its clock is rounded is even. Repeated times are told otherwise.
    """
    clock = clock_of(np.sort(time))
    if clock is None or clock.jitter <= STEADY:
        return 0 if clock is None else clock.n_pauses
    steps = np.diff(np.sort(time)).astype(np.int64)
    steps = steps[steps > 0]
    usual = np.median(steps)
    return int((np.abs(steps - usual) > UNEVEN * usual).sum())


REPEATED: dict[Repeats, str] = {
    "keep": N_("{n} rows have the same time as another row; all were kept, in the order of the file."),
    "first": N_("{n} rows have the same time as another row; the first one of each time was kept."),
    "last": N_("{n} rows have the same time as another row; the last one of each time was kept."),
    "mean": N_("{n} rows have the same time as another row; their mean was taken."),
}
# In a long table two values of one channel and time cannot both stay.
REPEATED_LONG: dict[Repeats, str] = {
    "keep": N_("{n} rows have the same time and channel as another row; the first one of each was kept."),
    "first": N_("{n} rows have the same time and channel as another row; the first one of each was kept."),
    "last": N_("{n} rows have the same time and channel as another row; the last one of each was kept."),
    "mean": N_("{n} rows have the same time and channel as another row; their mean was taken."),
}


def on_long(series: Sequence[Series], repeated: int, repeats: Repeats) -> list[Notice]:
    """Of a table with a row for each value."""
    notices = [Notice(REPEATED_LONG[repeats], {"n": repeated})] if repeated else []
    gaps = sum(int(np.isnan(one.values).sum()) for one in series)
    if gaps:
        message = N_("Not every channel has a value at every time: {n} places are empty.")
        notices.append(Notice(message, {"n": gaps}))
    return notices
