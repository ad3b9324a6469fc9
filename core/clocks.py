"""Texts and numbers → times. Strict: what is not certain is left for a person to say, or not read; never guessed."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core.series import Floats, Ints, Times
from core.stamps import FORMS, LONGEST, Form, Plan, plan, shape_of

Days = NDArray[np.datetime64]  # datetime64[D]
Clocks = NDArray[np.timedelta64]  # timedelta64[ns] since midnight

ENOUGH = 0.9  # share of a column that one way of writing must fit; the rest are rejected row by row
_LOOK = 50  # cells that are looked at first, which spares reading columns of words in full
_BLOCK = 65_536  # cells that are read at once: their parts fit in a processor's cache

_UNITS = {"epoch-s": 9, "epoch-ms": 6, "epoch-us": 3, "epoch-ns": 0}  # one is ten to that power of nanoseconds
_NUMBERS = (*_UNITS, "excel", "compact")  # they are numbers as well, and most numbers are no times
CODES = ("ymd", "dmy", "mdy", "era", "clock", *_NUMBERS)

_SECOND, _MINUTE, _HOUR, _DAY = (n * 10**9 for n in (1, 60, 3600, 86_400))  # nanoseconds
_1970 = np.datetime64(0, "ns")
_EXCEL_0 = np.datetime64("1899-12-30", "ms")  # not the 31st: Excel has a 29 February 1900
# First character → the year before the first one, first and last day. Source: the edicts of 1926, 1989 and 2019.
_ERAS = {
    **dict.fromkeys("令R㋿", (2018, np.datetime64("2019-05-01"), np.datetime64("2200-01-01"))),
    **dict.fromkeys("平H㍻", (1988, np.datetime64("1989-01-08"), np.datetime64("2019-04-30"))),
    **dict.fromkeys("昭S㍼", (1925, np.datetime64("1926-12-25"), np.datetime64("1989-01-07"))),
}
_NO_OFFSET = 9999  # minutes


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """A column, read in one way."""

    code: str  # one of CODES; stays the same, so that a person's choice can be kept
    times: Times  # (n,) datetime64[ns], NaT where a cell is not written so; of a "clock", on 1970-01-01
    utc: bool = False  # whether they are UTC: they count from 1970, or their offsets differ; else the clock as written
    offset: str = ""  # like "+09:00", where every stamp says the same: it is left out of the times


# ---- columns of texts


def ways(column: pa.StringArray) -> list[Way]:
    """Every way in which a column can be read as times: none, one (certain), or several (ambiguous).

    One way of writing must fit the whole column, but for one cell in ten at most, which become NaT. Where the order
    of day, month and year is open, an order is out as soon as one cell can be read only in another. Numbers are times
    only where they can hardly be anything else; `read_as` reads the others.

    Args:
        column: (n,) texts without nulls and without spaces around them; "" where there is none.
    """
    forms = _likely(column)
    cells = _by_shape(column if forms else column[:0])
    for form in forms:
        found = _told_apart(_read(cells, form))
        if form.codes[0] in _NUMBERS:
            found = [way for way in found if _certain(way, cells.n_texts)]
        if found:
            return found
    return []


def read_as(column: pa.StringArray, code: str) -> Way | None:
    """A column, read as a person says; None where that does not fit nine cells in ten."""
    forms = [form for form in _likely(column) if code in form.codes]
    cells = _by_shape(column if forms else column[:0])
    found = (way for form in forms for way in _read(cells, form) if way.code == code and _fits(way))
    return next(found, None)


def looks_like_time(text: str) -> bool:
    """Whether a cell by itself is written like a time. A plain number is not, though it may be one."""
    return len(text) <= LONGEST and _is_stamp(shape_of(text))


@lru_cache(maxsize=4096)
def _is_stamp(shape: str) -> bool:
    if "0" not in shape and "０" not in shape:  # most words, and quick to see
        return False
    return any(plan(shape, form) for form in FORMS if form.codes[0] not in _NUMBERS)


def clock_of(column: pa.StringArray) -> Clocks | None:
    """(n,) a column of times of day; None where it is none."""
    found = read_as(column, "clock")
    return None if found is None else found.times - _1970


def joined(dates: Times, clocks: Clocks) -> Times | None:
    """(n,) a column of dates and one of times of day in one; None where the dates have times of day already."""
    there = dates[~np.isnat(dates)]
    return None if np.any(there != there.astype("datetime64[D]")) else dates + clocks


def _fits(way: Way) -> bool:
    return int((~np.isnat(way.times)).sum()) >= max(1, ENOUGH * len(way.times))


def _told_apart(found: list[Way]) -> list[Way]:
    """Without the orders that do not fit, that a cell rules out, or that mean the same as one before."""
    readable = [~np.isnat(way.times) for way in found]
    n_anyhow = np.logical_or.reduce(readable).sum() if found else 0
    kept: list[Way] = []
    for way, cells in zip(found, readable, strict=True):
        new = not any(np.array_equal(way.times, other.times, equal_nan=True) for other in kept)
        if new and cells.sum() == n_anyhow and _fits(way):
            kept.append(way)
    return kept


def _likely(column: pa.StringArray) -> list[Form]:
    """The forms that at least half of some cells are written in."""
    places = np.arange(_LOOK) * 0.6180339887 % 1 * len(column)  # golden section: in step with no rhythm of the rows
    texts = column.take(pa.array(np.unique(places.astype(np.int64)))).to_pylist() if len(column) else []
    shapes = Counter(shape_of(text) for text in texts if len(text) <= LONGEST)
    fitting = [(form, sum(n for shape, n in shapes.items() if plan(shape, form))) for form in FORMS]
    return [form for form, n in fitting if 2 * n >= len(texts) > 0]


# ---- cells of one shape


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """A column, sorted by shape."""

    data: NDArray[np.uint8]  # the bytes of all cells
    starts: Ints  # (n,) where in them each cell begins
    shapes: list[str]
    rows: list[Ints]  # of each shape
    n_texts: int  # cells that are not empty


def _by_shape(column: pa.StringArray) -> _Cells:
    bounds = np.frombuffer(column.buffers()[1], np.int32)[column.offset : column.offset + len(column) + 1]
    data = np.frombuffer(column.buffers()[2] or b"", np.uint8)[bounds[0] : bounds[-1]]
    bounds = bounds - bounds[0]
    zeros = np.arange(256, dtype=np.uint8)
    zeros[ord("1") : ord("9") + 1] = ord("0")
    shaped = zeros[data]
    wide = (data[:-2] == 0xEF) & (data[1:-1] == 0xBC) & (data[2:] >= 0x90) & (data[2:] <= 0x99)  # ０ is EF BC 90
    shaped[2:][wide] = 0x90
    texts = pa.StringArray.from_buffers(len(column), pa.py_buffer(bounds), pa.py_buffer(shaped)).dictionary_encode()
    codes = texts.indices.to_numpy()
    rows = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    n_texts = int(np.count_nonzero(np.diff(bounds)))
    return _Cells(data, bounds[:-1].astype(np.int64), texts.dictionary.to_pylist(), rows, n_texts)


def _read(cells: _Cells, form: Form) -> list[Way]:
    """A form in each of its orders, whether it fits or not."""
    plans = _of_one_style(cells, form)
    n = len(cells.starts)
    if sum(len(rows) for rows, _ in plans) < ENOUGH * n:
        return []
    times = {code: np.full(n, np.datetime64("NaT"), "datetime64[ns]") for code in form.codes}
    offsets = np.full(n, _NO_OFFSET)  # minutes
    for rows, part_of, how in _blocks(cells, plans):
        for code, found in times.items():
            found[rows] = _instants(part_of, how, code)
        if how.zone:
            offsets[rows] = _offset(part_of, how.zone)
    if any(how.zone for _, how in plans):
        return [_in_zone(code, found, offsets) for code, found in times.items()]
    return [Way(code, found, utc=code in _UNITS) for code, found in times.items()]


def _of_one_style(cells: _Cells, form: Form) -> list[tuple[Ints, Plan]]:
    """Rows of each shape that is written so; of clocks with and without am and pm, or UTC offsets, the more usual."""
    plans = [(rows, how) for shape, rows in zip(cells.shapes, cells.rows, strict=True) if (how := plan(shape, form))]
    counts: Counter[tuple[bool, bool]] = Counter()
    for rows, how in plans:
        if how.style:
            counts[how.style] += len(rows)
    usual = counts.most_common(1)[0][0] if counts else None
    return [(rows, how) for rows, how in plans if how.style in (None, usual)]


def _blocks(cells: _Cells, plans: list[tuple[Ints, Plan]]) -> Iterator[tuple[Ints, Mapping[str, Ints], Plan]]:
    """Some rows at a time: the numbers that stand in each part of their cells, or the one that a word means."""
    for all_rows, how in plans:
        width = 1 + max((place for places in how.places.values() for place in places), default=0)
        texts = np.lib.stride_tricks.sliding_window_view(cells.data, width)
        known = {name: np.asarray(value, np.int64) for name, value in how.known.items()}
        for first in range(0, len(all_rows), _BLOCK):
            rows = all_rows[first : first + _BLOCK]
            digits = texts[cells.starts[rows]] & np.uint8(15)
            yield rows, known | {name: _number(digits, places) for name, places in how.places.items()}, how


def _number(digits: NDArray[np.uint8], places: tuple[int, ...]) -> Ints:
    value = digits[:, places[0]].astype(np.int64)
    for place in places[1:]:
        value = value * 10 + digits[:, place]  # 19 digits may overflow; that is below zero, and out of range
    return value


def _instants(part: Mapping[str, Ints], how: Plan, code: str) -> Times:
    n_decimals = len(how.places.get("f", ()))
    fraction = part.get("f", np.zeros((), np.int64))
    if code == "excel":
        return _serial(part["n"] + fraction / 10**n_decimals)
    fraction = fraction * 10 ** (_UNITS.get(code, 9) - n_decimals)
    if code in _UNITS:
        times: Times = _counted(part["n"], code) + fraction.astype("timedelta64[ns]")
    else:
        times = (_1970 if code == "clock" else _days(part, how, code)) + _clock(part, fraction, how.half)
    return times


def _days(part: Mapping[str, Ints], how: Plan, code: str) -> Days:
    """NaT where there is no such day."""
    order = code if code in ("dmy", "mdy") else "ymd"
    letter = dict(zip(order, "abc", strict=True))
    year, month, day = (part[letter[unit]] for unit in "ymd")
    n_digits = len(how.places.get(letter["y"], ()))
    before, first, last = _ERAS[how.era] if how.era else (0, np.datetime64("1700-01-01"), np.datetime64("2249-12-31"))
    if not how.era and n_digits == 2:  # the century that POSIX and Python's %y take
        year = np.where(year < 69, year + 2000, year + 1900)
    possible = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31) & (bool(how.era) or n_digits > 1)
    months = np.where(possible, (year + before - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (day - 1)
    possible &= (days.astype("datetime64[M]") == months) & (days >= first) & (days <= last)  # 31 June is not 1 July
    found: Days = np.where(possible, days, np.datetime64("NaT"))
    return found


def _clock(part: Mapping[str, Ints], nanoseconds: Ints, half: str) -> Clocks:
    """NaT where there is no such time of day. 24:00 is the midnight after."""
    hour, minute, second = (part.get(unit, np.zeros((), np.int64)) for unit in "HMS")
    possible = (minute < 60) & (second < 60)
    if half:
        possible &= hour <= 12  # 0:30 and 12:30 both are half an hour past noon, or midnight
        hour = hour % 12 + (12 if half == "p" else 0)
    since = (hour * 60 + minute) * _MINUTE + second * _SECOND + nanoseconds
    return np.where(possible & (since <= _DAY), since.astype("timedelta64[ns]"), np.timedelta64("NaT"))


def _offset(part: Mapping[str, Ints], zone: str) -> Ints:
    """Minutes before UTC; _NO_OFFSET where no clock on Earth is that far from it."""
    if zone == "Z":
        return np.zeros((), np.int64)
    hours, minutes = part["zh"], part.get("zm", np.zeros((), np.int64))
    total = hours * 60 + minutes
    return np.where((total <= 14 * 60) & (minutes < 60), -total if zone == "-" else total, _NO_OFFSET)


def _in_zone(code: str, times: Times, offsets: Ints) -> Way:
    """The clock as written, where all offsets are the same; else UTC. A stamp without one is not like the others."""
    times = np.where(offsets == _NO_OFFSET, np.datetime64("NaT"), times)
    there = offsets[~np.isnat(times)]
    if len(there) == 0 or there.min() < there.max():
        return Way(code, times - offsets.astype("timedelta64[m]"), utc=True)
    hours, minutes = divmod(abs(int(there[0])), 60)
    return Way(code, times, offset=f"{'-' if there[0] < 0 else '+'}{hours:02}:{minutes:02}")


# ---- numbers


def epochs(values: Floats | Ints, *, asked: bool = False) -> list[Way]:
    """Every way in which numbers can be read as times: since 1970, or as a spreadsheet's days. See `ways`.

    Args:
        values: (n,), NaN where there is none. Floats since 1970 are rounded to microseconds, and days to milliseconds:
            they tell no more. Nanoseconds since 1970 are no floats.
        asked: all that fit, for a person to choose from; else only one that can hardly be anything else.
    """
    whole = np.issubdtype(values.dtype, np.integer)
    found = [Way("excel", _serial(values.astype(np.float64)))]
    for code, power in _UNITS.items():
        if whole:
            found.append(Way(code, _counted(values.astype(np.int64), code), utc=True))
        elif power >= 3:
            microseconds = values * 10.0 ** (power - 3)
            exact = np.where(np.abs(microseconds) < 2.0**53, microseconds, 0)
            found.append(Way(code, _counted(np.rint(exact).astype(np.int64), "epoch-us"), utc=True))
    n_values = int((~np.isnan(values)).sum())
    return [way for way in found if _fits(way) and (asked or _certain(way, n_values))]


def _counted(n: Ints, code: str) -> Times:
    """Units since 1970 as times; NaT outside the years 2000 to 2099, where numbers of that size count other things."""
    unit = 10 ** _UNITS[code]
    possible = (n >= 946_684_800 * (_SECOND // unit)) & (n < 4_102_444_800 * (_SECOND // unit))
    return np.where(possible, (n * unit).astype("datetime64[ns]"), np.datetime64("NaT"))


def _serial(days: Floats) -> Times:
    """A spreadsheet's days as times, to the millisecond, as Excel shows them; NaT outside the years 1954 to 2099."""
    possible = (days >= 20_000) & (days < 73_051)
    milliseconds = np.rint(np.where(possible, days, 0) * 86_400_000).astype("timedelta64[ms]")
    return np.where(possible, (_EXCEL_0 + milliseconds).astype("datetime64[ns]"), np.datetime64("NaT"))


def _certain(way: Way, n_values: int) -> bool:
    """Whether numbers that could be times can hardly be anything else. All of them fit, and they run one way."""
    there = way.times[~np.isnat(way.times)].astype(np.int64)
    steps = np.diff(there)
    steps = steps[steps != 0]  # a clock of seconds may say each of them several times
    if len(there) < n_values or len(steps) == 0:
        return False
    typical = float(np.median(steps))
    if np.mean(np.sign(steps) == np.sign(typical)) < ENOUGH:
        return False
    if way.code == "compact":
        return _no_serials(there)
    if way.code == "excel":
        return _no_decimals(there)
    # From 2 000 000 000 s (May 2033) on, numbers that begin with a year would pass; before 2005, round ones and counts
    # from them. A clock's steps are much alike, those of sorted numbers are not.
    in_use = there.min() >= 1_104_537_600 * _SECOND and there.max() < 2_000_000_000 * _SECOND
    return bool(in_use and np.mean(np.abs(steps - typical) <= abs(typical) / 2) >= 0.5)


def _no_serials(there: Ints) -> bool:
    """Whether digits that read as stamps are: 202611230001 is rather the first piece made on a day than a minute."""
    clock = there % _DAY
    seconds = bool(np.any(clock % _MINUTE))
    carried = clock.max() >= (_MINUTE if seconds else _HOUR)  # no count gets there: after 59 comes 60
    return bool(there.min() >= 0 and there.max() < 4_102_444_800 * _SECOND and (carried or not clock.any()))


def _no_decimals(there: Ints) -> bool:
    """Whether spreadsheet days were counted in seconds. Short decimals of a day are whole seconds only every 27 s."""
    beyond = (there + _SECOND // 1000) % _SECOND
    return bool(np.all(beyond <= _SECOND // 500) and np.mean(there % (27 * _SECOND) > _SECOND // 500) >= 0.5)
