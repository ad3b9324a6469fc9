"""Text cells → numbers and times. Strict: what cannot be read for certain stays text, and is counted."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.series import Floats, Times

Kind = Literal["time", "number", "text", "empty"]

# What machines and spreadsheets write for "no value", in small letters, capitals and as a word.
_MARKS = "- -- --- ? * na n/a #n/a nan null none err error fail #value! #div/0! #ref! #name? 欠測 欠損 なし"
MISSING_MARKS = frozenset(form for mark in _MARKS.split() for form in (mark, mark.upper(), mark.capitalize())) | {"NaN"}
ENOUGH = 0.9  # share of a column that one way of writing times must fit; the rest are rejected row by row
MOSTLY = 0.8  # share of a column's texts that must be numbers for it to be a column of numbers
_WIDE = str.maketrans("０１２３４５６７８９．，－＋−", "0123456789.,-+-")


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """A column as numbers, row by row; NaN where there is none."""

    values: Floats  # (n,), exactly float(text)
    n_infinite: int  # ±inf, written so or too large (1e400); NaN in values
    unreadable: NDArray[np.int64]  # rows that hold a text that is neither a number nor a missing mark; NaN in values


def number(text: str, decimal: str) -> float | None:
    """The number that a text says, or None. NaN and infinity are numbers here."""
    text = text.translate(_WIDE)
    if "_" in text or (decimal == "," and "." in text):  # float() would take 1_000; 1.234,5 has a thousands mark
        return None
    try:
        return float(text.replace(",", ".") if decimal == "," else text)
    except ValueError:
        return None


def numbers(cells: Sequence[str], decimal: str, missing: Sequence[str] = ()) -> Numbers:
    """Read a column of numbers. `missing` are the texts that mean "no value", beside the empty cell."""
    if decimal == "." and not missing and (values := _plain(cells)) is not None:
        return Numbers(*_finite(values), np.arange(0))
    absent = {"", *missing}
    known = {text: number(text, decimal) for text in set(cells) - absent}
    strange = {text for text, value in known.items() if value is None}
    table = {text: np.nan if value is None else value for text, value in known.items()}
    table |= dict.fromkeys(absent, np.nan)
    values = np.array([table[cell] for cell in cells], dtype=np.float64)
    unreadable = np.array([i for i, cell in enumerate(cells) if cell in strange], dtype=np.int64)
    return Numbers(*_finite(values), unreadable)


def _plain(cells: Sequence[str]) -> Floats | None:
    """The fast way for a column of nothing but plain numbers."""
    try:
        values = np.array(list(map(float, cells)))
    except ValueError:
        return None
    return None if any("_" in cell for cell in cells) else values


def _finite(values: Floats) -> tuple[Floats, int]:
    infinite = np.isinf(values)
    return np.where(infinite, np.nan, values), int(infinite.sum())


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """All that a column's texts can be."""

    kind: Kind  # going by most of its cells; "time" only where they can be read in one way
    numbers: Numbers
    times: list[Times]  # as `times` says; empty for a column of numbers


def survey(cells: Sequence[str], decimal: str, missing: Sequence[str] = ()) -> Survey:
    """Look at a column once, for whoever asks afterwards."""
    if ways := times(cells):  # no text that looks like a time is a number
        kind: Kind = "time" if len(ways) == 1 else "text"
        return Survey(kind, Numbers(np.full(len(cells), np.nan), 0, np.arange(len(cells))), ways)
    found = numbers(cells, decimal, missing)
    n_texts = len(cells) - sum(map(cells.count, {"", *missing}))
    if n_texts == 0:
        return Survey("empty", found, [])
    numeric = n_texts - len(found.unreadable) >= MOSTLY * n_texts
    return Survey("number" if numeric else "text", found, [])


_DATE = r"(\d{4})年\s*(\d{1,2})月\s*(\d{1,2})日"
_COLONS = r"(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*(Z|[+-]\d{2}:?\d{2})?"
_KANJI = r"(\d{1,2})時\s*(\d{1,2})分(?:\s*(\d{1,2})(?:[.,](\d{1,9}))?秒)?()"
_CLOCK = rf"(?:(?:T|\s+){_COLONS})?"


def _shape(sep: str, digits: tuple[str, str, str]) -> re.Pattern[str]:
    first, second, third = (rf"(\d{{{n}}})" for n in digits)
    return re.compile(f"{first}{sep}{second}{sep}{third}{_CLOCK}")


# Each shape: a pattern whose groups are three parts of a date, hour, minute, second, fraction, offset; and the orders
# of year, month and day that it can mean. Where there are several, only the cells themselves can tell which it is.
_SHAPES: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    *((_shape(sep, ("4", "1,2", "1,2")), ("ymd",)) for sep in ("-", "/", r"\.")),
    (re.compile(rf"{_DATE}(?:\s*{_KANJI})?"), ("ymd",)),
    (re.compile(rf"{_DATE}(?:\s*{_COLONS})?"), ("ymd",)),
    (_shape(r"\.", ("1,2", "1,2", "4")), ("dmy",)),  # points: only ever day first
    *((_shape(sep, ("1,2", "1,2", "4")), ("dmy", "mdy")) for sep in ("-", "/")),
    *((_shape(sep, ("1,2", "1,2", "2")), ("ymd", "dmy", "mdy")) for sep in ("-", "/", r"\.")),
)


def looks_like_time(text: str) -> bool:
    return any(pattern.fullmatch(text) for pattern, _ in _SHAPES)


def times(cells: Sequence[str]) -> list[Times]:
    """Every way in which a column can be read as times: none, one (certain), or several (ambiguous).

    One way of writing must fit the whole column, but for one cell in ten at most, which become NaT. Where the order
    of day, month and year is open, it must fit every cell that is not empty.

    Returns:
        (n,) datetime64[ns] each, the clock as written: a UTC offset must be the same in all cells, and is left out.
    """
    for pattern, orders in _SHAPES:
        probe = cells[:: max(1, len(cells) // 50)]  # a look at fifty cells spares reading columns of words in full
        if not probe or sum(bool(pattern.fullmatch(cell)) for cell in probe) < len(probe) / 2:
            continue
        matches = [pattern.fullmatch(cell) for cell in cells]
        rows = [i for i, match in enumerate(matches) if match]
        parts = [match.groups("") for match in matches if match]
        if len({part[7] for part in parts}) > 1:
            return []  # clocks of several time zones in one column
        n_texts = sum(bool(cell) for cell in cells)
        needed = max(ENOUGH * len(cells), n_texts if len(orders) > 1 else 0)
        ways: list[Times] = []
        for order in orders:
            found = np.full(len(cells), np.datetime64("NaT", "ns"))
            found[rows] = _instants(parts, order)
            if (~np.isnat(found)).sum() >= needed and not any(np.array_equal(found, w, equal_nan=True) for w in ways):
                ways.append(found)
        return ways
    return []


def _instants(parts: Sequence[tuple[str, ...]], order: str) -> Times:
    """Date and clock parts as instants; NaT where there is no such day or hour."""
    whole = np.array([[int(p or 0) for p in part[:6]] for part in parts], dtype=np.int64).reshape(-1, 6)
    nanoseconds = np.array([int(part[6].ljust(9, "0")) for part in parts], dtype=np.int64)
    year, month, day = (whole[:, order.index(letter)] for letter in "ymd")
    hour, minute, second = whole[:, 3:].T
    year = np.where(year < 100, year + 2000, year)
    possible = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31) & (hour < 24) & (minute < 60) & (second < 60)
    possible &= (year >= 1700) & (year < 2250)  # what 64-bit nanoseconds can hold
    months = np.where(possible, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (day - 1)
    possible &= days.astype("datetime64[M]") == months  # 31 June is not 1 July
    seconds = (hour * 60 + minute) * 60 + second
    clock = (seconds * 1_000_000_000 + nanoseconds).astype("timedelta64[ns]")
    days[~possible] = np.datetime64("NaT")
    instants: Times = days.astype("datetime64[ns]") + clock
    return instants
