"""Text cells → numbers. Strict: what cannot be read for certain stays text, and is counted."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core import clocks
from core.clocks import Way
from core.delimited import Strings
from core.series import Floats, Ints

Kind = Literal["time", "number", "text", "empty"]

DECIMALS = (".", ",")
THOUSANDS = ("", ",", ".", " ", "'")
# What machines and spreadsheets write for "no value", in small letters, capitals and as a word.
_MARKS = (
    "- -- --- ? * . na n/a #n/a #na nan null none nil err error fail bad #value! #div/0! #ref! #name? #num! #null! "
    "over under ovr ----- ***** 欠測 欠損 なし 無し 異常値 未計測 測定不能 ― ー － "
)
MISSING_MARKS = frozenset(form for mark in _MARKS.split() for form in (mark, mark.upper(), mark.capitalize())) | {"NaN"}
MOSTLY = 0.8  # share of a column's texts that must be numbers for it to be a column of numbers
# Written by machines for "no value": nines, and the ends of the integers that they compute with.
# And what instruments say for it (SCPI: 9.91E+37).
SENTINEL = re.compile(
    r"[+-]?(9{3,}|9+\.9+|32767|32768|65535|2147483647|2147483648|9\.91?e\+?37|9\.90+e\+?37)(\.0*)?", re.IGNORECASE
)
# Full-width forms, spaces of other kinds, a minus sign of its own: the same characters in other dress. Nothing else is:
# 10² is not 102.
_PLAIN = str.maketrans(
    {chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F)}
    | dict.fromkeys("\xa0\u2007\u2009\u202f\u3000", " ")
    | {"\u2212": "-", "∞": "inf"}
)
_IN_OTHER_DRESS = r"(?i)[^\x00-\x7f]|inf|nan"  # what a number has in it that is no plain one
_SHAPES = {  # thousands mark → the whole part of a number; "" also without one
    "": r"\d+",
    **{mark: rf"(?:[1-9]\d{{0,2}}(?:{re.escape(mark)}\d{{3}})+|\d+)" for mark in THOUSANDS if mark},
}


@dataclass(frozen=True, slots=True)
class Notation:
    """How numbers are written."""

    decimal: str = "."  # one of DECIMALS
    thousands: str = ""  # one of THOUSANDS

    def __post_init__(self) -> None:
        if self.decimal not in DECIMALS or self.thousands not in THOUSANDS or self.decimal == self.thousands:
            raise ValueError(f"no such way of writing numbers: {self.decimal!r}, {self.thousands!r}")

    @property
    def number(self) -> re.Pattern[str]:
        """A plain number, for Python and for Arrow."""
        return _number(self.decimal, self.thousands)

    def simple(self, text: str) -> str:
        """As Python and Arrow write it."""
        bare = text.replace(self.thousands, "") if self.thousands else text
        return bare.replace(",", ".") if self.decimal == "," else bare


@cache
def _number(decimal: str, thousands: str) -> re.Pattern[str]:
    whole, point = _SHAPES[thousands], re.escape(decimal)
    return re.compile(rf"[+-]?(?:{whole}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?", re.ASCII)


NOTATIONS = tuple(Notation(decimal, mark) for mark in THOUSANDS for decimal in DECIMALS if decimal != mark)


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """A column as numbers, row by row; NaN where there is none."""

    values: Floats  # (n,), exactly float(text)
    n_infinite: int  # ±inf, written so or too large (1e400); NaN in values
    unreadable: Ints  # rows that hold a text that is neither a number nor a missing mark; NaN in values
    n_absent: int  # rows that are empty or hold a missing mark


def number(text: str, notation: Notation) -> float | None:
    """The number that a text says, or None. NaN and infinity are numbers here."""
    text = text.translate(_PLAIN)
    if not text.isascii():
        return None
    if notation.number.fullmatch(text):
        return float(notation.simple(text))
    return float(text) if re.fullmatch(r"[+-]?(inf|infinity|nan)", text, re.IGNORECASE) else None


def looks_like_number(text: str) -> bool:
    """Whether a text is a number in some notation."""
    return any(notation.number.fullmatch(text.translate(_PLAIN)) for notation in NOTATIONS)


def numbers(cells: Strings, notation: Notation, missing: Iterable[str] = ()) -> Numbers:
    """Read a column of numbers.

    Args:
        cells: (n,) texts.
        missing: texts that mean "no value", beside the empty cell.
    """
    absent = pc.is_in(cells, value_set=pa.array(["", *missing], pa.string()))
    n_absent = int(pc.sum(absent).as_py() or 0)
    present = pc.if_else(absent, None, cells) if n_absent else cells
    values = None if notation.thousands else _plain(present, notation.decimal)
    if values is not None and np.count_nonzero(np.isnan(values)) == n_absent:
        return Numbers(*_finite(values), np.arange(0), n_absent)
    regular = pc.fill_null(pc.match_substring_regex(present, rf"^(?:{notation.number.pattern})$"), False)
    values = _cast(_simple(pc.if_else(regular, present, None), notation))
    values, unreadable = _one_by_one(values, cells, pc.and_not(pc.invert(absent), regular), notation)
    return Numbers(*_finite(values), unreadable, n_absent)


def _one_by_one(values: Floats, cells: Strings, strange: Strings, notation: Notation) -> tuple[Floats, Ints]:
    """Fill in what only Python can read; each different text is looked at once. Also the rows that nobody can read."""
    dressed = pc.match_substring_regex(cells, _IN_OTHER_DRESS)
    rows, hopeless = (
        np.flatnonzero(which.to_numpy(zero_copy_only=False))
        for which in (pc.and_(strange, dressed), pc.and_not(strange, dressed))
    )
    if not len(rows):
        return values, hopeless
    texts = cells.take(pa.array(rows)).dictionary_encode()
    each = [number(text, notation) for text in texts.dictionary.to_pylist()]
    found = np.array([np.nan if one is None else one for one in each], dtype=np.float64)
    known = np.array([one is not None for one in each], dtype=bool)
    which = texts.indices.to_numpy()
    values = values.copy()
    values[rows] = found[which]
    return values, np.sort(np.concatenate([hopeless, rows[~known[which]]]))


def _simple(cells: Strings, notation: Notation) -> Strings:
    if notation.thousands:
        cells = pc.replace_substring(cells, notation.thousands, "")
    return pc.replace_substring(cells, ",", ".") if notation.decimal == "," else cells


def _plain(cells: Strings, decimal: str) -> Floats | None:
    """Where all cells are numbers or null; None: one is not."""
    if decimal == ",":
        if pc.any(pc.match_substring(cells, ".")).as_py():
            return None
        cells = pc.replace_substring(cells, ",", ".")
    try:
        return _cast(cells)
    except pa.ArrowInvalid:
        return None


def _cast(cells: Strings) -> Floats:
    """Exactly what float() says; NaN where there is none."""
    found: Floats = pc.cast(cells, pa.float64()).to_numpy(zero_copy_only=False)
    return found


def _finite(values: Floats) -> tuple[Floats, int]:
    infinite = np.isinf(values)
    if not infinite.any():
        return values, 0
    return np.where(infinite, np.nan, values), int(infinite.sum())


def notation_of(texts: Counter[str], delimiter: str) -> Notation:
    """How numbers are written in cells such as these.

    "1,234" alone can be a thousand and more, or one and a bit: then where cells are separated by semicolons the comma
    is taken for a decimal mark, as it is where such files come from, elsewhere for a thousands mark.
    """
    thousands = Notation(".", ",")
    first = (Notation(), Notation(",")) if delimiter == ";" else (Notation(), thousands)
    candidates = (*first, *(one for one in NOTATIONS if one not in first))
    plain = Counter({text.translate(_PLAIN): n for text, n in texts.items()})
    marked = {text: n for text, n in plain.items() if re.search(r"\d[.,' ]\d", text)}
    read = [sum(n for text, n in marked.items() if one.number.fullmatch(text)) for one in candidates]
    return candidates[read.index(max(read))]


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """All that a column's texts can be."""

    kind: Kind  # going by most of its cells; "time" only where they can be read in one way
    numbers: Numbers
    ways: list[Way]  # of reading it as times; several: only a person can tell


def survey(cells: Strings, notation: Notation, missing: Iterable[str] = ()) -> Survey:
    """Look at a column once, for whoever asks afterwards."""
    ways = clocks.ways(cells)
    found = numbers(cells, notation, missing)
    n_texts = len(cells) - found.n_absent
    if n_texts == 0:
        return Survey("empty", found, [])
    if ways:
        return Survey("time" if len(ways) == 1 else "text", found, ways)
    numeric = n_texts - len(found.unreadable) >= MOSTLY * n_texts
    return Survey("number" if numeric else "text", found, [])


def n_distinct(cells: Strings) -> int:
    """How many different texts a column has, the empty one aside."""
    return int(pc.count_distinct(cells).as_py()) - bool(pc.any(pc.equal(cells, "")).as_py())


def marks_in(cells: Strings) -> set[str]:
    """The missing marks that a column holds."""
    return held(cells, MISSING_MARKS)


def held(cells: Strings, texts: Collection[str]) -> set[str]:
    """Which of these texts a column holds."""
    if not texts:
        return set()
    found = pc.filter(cells, pc.is_in(cells, value_set=pa.array(list(texts), pa.string())))
    return set(pc.unique(found).to_pylist())


def sentinels(cells: Strings, found: Numbers) -> set[str]:
    """Texts such as "-9999" that look like a mark for "no value": the column's extreme, far from everything else.

    Far is over twice the spread of all other values (their whole range).
    """
    values = found.values[~np.isnan(found.values)]
    extremes = {float(values.min(initial=np.inf)), float(values.max(initial=-np.inf))} - {np.inf, -np.inf}
    likely = [one for one in extremes if SENTINEL.fullmatch(f"{one:.10g}")]
    rest = values[~np.isin(values, likely)]
    if not likely or len(rest) < 3:
        return set()
    low, high = float(rest.min()), float(rest.max())
    spread = max(high - low, 1e-3 * max(abs(low), abs(high)))
    far = [one for one in likely if min(abs(one - low), abs(one - high)) > 2 * spread]
    at = pa.array(np.flatnonzero(np.isin(found.values, far)))
    return set(pc.unique(cells.take(at)).to_pylist())


def texts(rows: Iterable[Sequence[str]]) -> Counter[str]:
    """What stands in these cells, empty ones and missing marks aside."""
    return Counter(cell for row in rows for cell in row if cell and cell not in MISSING_MARKS)
