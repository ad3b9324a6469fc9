"""How times are written: the ways that are known, and where the parts of a time stand in a text.

Texts are looked at by shape: with 0 for every digit. Millions of cells have few shapes; what is found out about a shape
holds for all its cells, so that only their digits are left to read.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

LONGEST = 64  # characters of a stamp

# Character for character, so that places stay the same: full-width forms, ideographic space, minus sign.
_PLAIN = str.maketrans({chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F)} | {"\u3000": " ", "−": "-"})
_ZEROS = str.maketrans("123456789１２３４５６７８９", "0" * 9 + "０" * 9)

_FRACTION = r"(?:(?:[.,]|:(?=\d{3}(?!\d)))(?P<f>\d{1,9}))?"  # a colon: loggers write milliseconds so, always three
_ZONE = r"(?:\s*(?P<z>Z|UTC|GMT|(?P<sign>[+-])(?P<zh>\d\d)(?::?(?P<zm>\d\d))?))?"
_COLONS = rf"(?P<H>\d{{1,2}}):(?P<M>\d\d)(?::(?P<S>\d\d){_FRACTION})?"
_KANJI = rf"(?P<H>\d{{1,2}})時(?:\s*(?P<M>\d{{1,2}})分(?:\s*(?P<S>\d{{1,2}}){_FRACTION}秒)?)?"
_CLOCKS = (
    rf"{_COLONS}(?:\s*(?P<half>[AP]\.?M\.?))?",
    rf"(?P<half>午前|午後|[AP]M)\s*{_COLONS}",
    rf"(?:(?P<half>午前|午後)\s*)?{_KANJI}",
)
_THEN_CLOCK = tuple(rf"(?:T|,?\s+|(?<=[日)])){clock}{_ZONE}" for clock in _CLOCKS)
_BASIC = rf"(?:T|\s)(?P<H>\d\d)(?P<M>\d\d)(?:(?P<S>\d\d){_FRACTION})?{_ZONE}"
_RUN_ON = r"(?P<H>\d\d)(?P<M>\d\d)(?:(?P<S>\d\d)(?:(?:\.|(?=\d{3}\Z))(?P<f>\d{1,9}))?)?"

_WEEKDAY = r"(?:\s*\((?:[日月火水木金土]|Sun|Mon|Tue|Wed|Thu|Fri|Sat)\))?"
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_NAME = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:t(?:ember)?)?"
    r"|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\.?"
)
_ERA = r"(?P<era>令和|平成|昭和|[㋿㍻㍼]|(?-i:[RHS]))\s*"


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """One way of writing. Groups a, b and c are the parts of a date; n is a number; the others are a clock's."""

    codes: tuple[str, ...]  # several where only the cells themselves can tell the order of year, month and day
    date: re.Pattern[str]
    clocks: tuple[re.Pattern[str], ...]  # what may follow


def _form(codes: str, date: str, clocks: Sequence[str] = ("", *_THEN_CLOCK)) -> Form:
    flags = re.ASCII | re.IGNORECASE
    return Form(tuple(codes.split()), re.compile(date, flags), tuple(re.compile(clock, flags) for clock in clocks))


def _date(a: str, sep: str, b: str, sep2: str, c: str, end: str = "") -> str:
    return rf"(?P<a>{a}){sep}(?P<b>{b}){sep2}(?P<c>{c}){end}{_WEEKDAY}"


_Y, _N, _2 = r"\d{4}", r"\d{1,2}", r"\d\d"
FORMS = (
    *(_form("ymd", _date(_Y, sep, _N, sep, _N)) for sep in ("-", "/", r"\.")),
    _form("ymd", _date(_Y, r"年\s*", _N, r"月\s*", _N, "日")),
    *(_form("era", _ERA + _date(_N, sep, _N, sep, _N)) for sep in ("/", r"\.")),
    _form("era", rf"(?=.+[:時]){_ERA}" + _date(_N, "-", _N, "-", _N)),  # R2-1-15 by itself is a place in a rack
    _form("era", _ERA + _date(rf"{_N}|元", r"年\s*", _N, r"月\s*", _N, "日")),
    _form("dmy", _date(_N, r"\.", _N, r"\.", _Y)),  # points: only ever day first
    *(_form("dmy mdy", _date(_N, sep, _N, sep, _Y)) for sep in ("-", "/")),
    *(_form("ymd dmy mdy", _date(_N, sep, _N, sep, _2)) for sep in ("-", "/")),
    # 1.2.10 by itself is a version, and 1.2.10 14:05 a day
    _form("ymd dmy mdy", r"(?=\d\d\.\d\d\.|.+[:時])" + _date(_N, r"\.", _N, r"\.", _2)),
    *(_form("dmy", _date(_N, sep, _NAME, sep, _Y)) for sep in ("-", "/", r"\s+")),
    *(_form("ymd", _date(_Y, sep, _NAME, sep, _N)) for sep in ("-", "/", r"\s+")),
    *(_form("dmy ymd", _date(_N, sep, _NAME, sep, _2)) for sep in ("-", "/", r"\s+")),
    _form("mdy", _date(_NAME, r"\s+", _N, r",?\s+", _Y)),
    _form("ymd", _date(_Y, "", _2, "", _2), (_BASIC, *_THEN_CLOCK)),
    _form("clock", "", _CLOCKS),
    _form("compact", _date(_Y, "", _2, "", _2), ("", _RUN_ON)),
    _form("epoch-s", r"(?P<n>\d{9,10})(?:[.,](?P<f>\d{1,9}))?", ("",)),
    _form("epoch-ms", r"(?P<n>\d{12,13})(?:[.,](?P<f>\d{1,6}))?", ("",)),
    _form("epoch-us", r"(?P<n>\d{15,16})(?:[.,](?P<f>\d{1,3}))?", ("",)),
    _form("epoch-ns", r"(?P<n>\d{18,19})", ("",)),
    _form("excel", r"(?P<n>\d{5})(?:[.,](?P<f>\d{1,18}))?", ("",)),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How all texts of one shape are read."""

    places: Mapping[str, tuple[int, ...]]  # part → which bytes (UTF-8) tell its digits, by their last 4 bits
    known: Mapping[str, int]  # parts that are words: a month's name, the first year of an era
    era: str  # its first character; "" without one
    half: str  # "a" before noon, "p" after; "" where the clock has 24 hours
    zone: str  # "+", "-" or "Z"; "" without a UTC offset

    @property
    def style(self) -> tuple[bool, bool] | None:
        """What kind of clock there is: a column has one kind, beside dates without any."""
        return (self.half != "", self.zone != "") if "H" in self.places else None


def shape_of(text: str) -> str:
    return text.translate(_ZEROS)


def plan(shape: str, form: Form) -> Plan | None:
    """How to read texts of a shape; None where they are not written in that form."""
    if len(shape) > LONGEST:
        return None
    plain = shape.translate(_PLAIN)
    date = form.date.match(plain)
    clock = date and next((found for one in form.clocks if (found := one.fullmatch(plain, date.end()))), None)
    if date is None or clock is None:
        return None
    ends = np.cumsum([len(character.encode()) for character in shape]).tolist()
    places: dict[str, tuple[int, ...]] = {}
    words: dict[str, str] = {}
    for match in (date, clock):
        for name, text in match.groupdict("").items():
            if text.startswith("0"):  # a digit is told by the last byte of its character: ５ is EF BC 95, 5 is 35
                places[name] = tuple(end - 1 for end in ends[slice(*match.span(name))])
            elif text:
                words[name] = text
    if words.get("sign") == "-" and "S" not in places and clock[0][0] not in "Tt":
        return None  # 2026/11/23 09:00-10:00 is from nine to ten
    known = {n: 1 if words[n] == "元" else 1 + _MONTHS.index(words[n][:3].lower()) for n in words if n in "ab"}
    half = words.get("half", "").replace("午前", "a").replace("午後", "p")[:1].lower()
    return Plan(places, known, words.get("era", "")[:1], half, words.get("sign", "Z" if "z" in words else ""))
