"""What each column of a file is for: time, channel, label, line or site. Guessed from its name and its cells."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from core.cells import Survey, marks_in, n_distinct, sentinels
from core.delimited import Strings
from core.errors import N_, UserError
from core.grids import Grid
from core.layouts import Layout, distinct, looks_like_rows
from core.series import Floats, Times

MOST_LABELS, MOST_DOMAINS, MOST_VARIABLES = 20, 50, 500  # distinct values, beyond which a column is none by itself
LONGEST_LABEL = 100  # characters; longer texts are remarks
EVEN = 0.01  # of a step: how far the steps of an elapsed time may differ for it to have a rate

# Names as `_key` leaves them.
_LABELS = frozenset(
    "label labels class target anomaly isanomaly anomalylabel outlier fault failure defect state status condition "
    "judgement judgment result ラベル 異常 異常有無 判定 区分 状態 正解 クラス 良否 故障 不良 結果".split()
)
_EVENTS = frozenset("changepoint event flag alarm trigger フラグ イベント 変化点 警報 アラーム".split())
_DOMAINS = frozenset(
    "line site plant factory machine unit station asset equipment device domain "
    "ライン 拠点 工場 号機 設備 装置 機械 サイト 事業所".split()
)
_VARIABLES = frozenset(
    "variable variables parameter param tag tagname item channel sensor sensorname signal measure metric measurement "
    "項目 測定項目 計測項目 変数 タグ チャンネル チャネル センサー センサ 信号 種別 パラメータ".split()
)
_COUNTERS = frozenset(
    "time timestamp datetime date t sec second seconds index idx id no row sample step "
    "時刻 時間 日時 日付 経過時間 秒 連番 番号 通番 行番号".split()
)


def _key(name: str) -> str:
    """A header without its unit, case, spaces and signs: "Line_ID" → "lineid", "時刻 [s]" → "時刻"."""
    bare = re.sub(r"[\[(].*?[\])]", "", unicodedata.normalize("NFKC", name)).casefold()
    return re.sub(r"[\W_]", "", bare)


def _named(name: str, words: Iterable[str]) -> bool:
    key = _key(name)
    return key in words or re.sub(r"(id|no|name|code|flag|番号|名|コード|フラグ)$", "", key) in words


@dataclass(frozen=True, slots=True)
class Roles:
    """The part that columns play."""

    layout: Layout
    time: str | None
    clock: str | None  # the time of day, where `time` has the date alone
    rate: float | None  # samples a second, where a column of elapsed seconds or milliseconds shows it
    channels: tuple[str, ...]  # at least one; of a long table: the variables
    label: str | None
    domain: str | None
    variable: str | None  # of a long table: the column that names the channel, and that of its values
    value: str | None
    missing: tuple[str, ...]  # missing marks found in columns of numbers


def roles(cells: Grid, found: Mapping[str, Survey], has_header: bool) -> Roles:
    """The part each column plays. `found` are the columns by name, surveyed with whatever missing marks they hold.

    Raises:
        UserError: no column holds measurements.
    """
    columns = dict(cells.items())
    if not has_header and (rows := _rows(columns, found)):
        return rows
    time, clock = _time(found)
    words = [n for n, one in found.items() if one.kind == "text" and not one.ways and n != clock]
    measured = {n: one.numbers.values for n, one in found.items() if one.kind == "number" and n != clock}
    few = [n for n, values in measured.items() if _whole(values) and n_distinct(columns[n]) <= MOST_LABELS]
    domain = _domain(columns, words, few)
    label = _label(columns, [n for n in words if n != domain], [n for n in few if n != domain])
    judged = {n for n in few if _named(n, _LABELS | _EVENTS)}  # by somebody, not measured by a sensor
    useless = {n for n, values in measured.items() if np.isnan(values).all()}
    candidates = [n for n in measured if n not in {domain, label} | judged | useless]
    channels = [n for n in candidates if not _is_counter(n, measured[n])] or candidates
    if not channels:
        raise UserError(
            N_("The file has no column of measurements, only words, times or marks."),
            N_("Choose a file with at least one column of numbers that were measured over time."),
        )
    missing = _missing(columns, found, channels)
    rate = None if time else _rate({n: v for n, v in measured.items() if n not in channels})
    if variable := _variable(columns, [n for n in words if n != domain], channels, time, domain):
        label = None if label == variable else label
        each = tuple(distinct(columns[variable]))
        return Roles("long", time, clock, rate, each, label, domain, variable, channels[0], missing)
    return Roles("wide", time, clock, rate, tuple(channels), label, domain, None, None, missing)


def _rows(columns: Mapping[str, Strings], found: Mapping[str, Survey]) -> Roles | None:
    """A series a row, as the UCR archive writes them: the class first or last, then the samples."""
    numeric = {n: one.numbers.values for n, one in found.items() if one.kind == "number"}
    if not looks_like_rows(list(numeric.values()), len(columns)):
        return None
    first, *_, last = columns
    classes = [n for n in (first, last) if found[n].kind in ("number", "text") and _few_words(columns[n])]
    classes.sort(key=lambda n: n in numeric)  # a word is rather a class than a whole number, which may be a sample
    label = next((n for n in classes if n not in numeric or _whole(numeric[n])), None)
    channels = tuple(n for n in columns if n != label)  # one without any number too: the samples after it stay in place
    if any(found[n].kind not in ("number", "empty") for n in channels):
        return None
    return Roles("rows", None, None, None, channels, label, None, None, None, _missing(columns, found, channels))


def _time(found: Mapping[str, Survey]) -> tuple[str | None, str | None]:
    """The first column of times; where it has dates alone, also the one of the times of day.

    Times of day without a date are the time only where they never run backwards: within a day.
    """
    times = {name: one.ways[0] for name, one in found.items() if one.kind == "time"}
    time = next((name for name, way in times.items() if way.code != "clock"), None)
    if time is None:
        rising = (name for name, way in times.items() if bool(np.all(way.times[1:] >= way.times[:-1])))
        return next(rising, None), None
    if not _are_days(times[time].times):
        return time, None
    return time, next((name for name, way in times.items() if way.code == "clock"), None)


def _are_days(times: Times) -> bool:
    known = times[~np.isnat(times)]
    return bool(np.all(known == known.astype("datetime64[D]")))


def _missing(columns: Mapping[str, Strings], found: Mapping[str, Survey], channels: Iterable[str]) -> tuple[str, ...]:
    marks = {mark for n, one in found.items() if one.kind in ("number", "empty") for mark in marks_in(columns[n])}
    for name in channels:
        marks |= sentinels(columns[name], found[name].numbers)
    return tuple(sorted(marks))


def _domain(columns: Mapping[str, Strings], words: Iterable[str], few: Iterable[str]) -> str | None:
    """A column named so; else one of words whose cells read like ids. Every row has a value, each value several."""
    words = list(words)
    spread = {n: _spread(columns[n]) for n in (*words, *few)}
    candidates = [n for n, k in spread.items() if k <= MOST_DOMAINS and not pc.any(pc.equal(columns[n], "")).as_py()]
    named = (n for n in candidates if _named(n, _DOMAINS))
    return next(named, None) or next((n for n in candidates if n in words and _like_ids(columns[n])), None)


def _label(columns: Mapping[str, Strings], words: Iterable[str], few: Iterable[str]) -> str | None:
    """A column named so; else one of words with a few different values."""
    words = list(words)
    possible = [n for n in (*words, *few) if _few_words(columns[n])]
    named = (n for n in possible if _named(n, _LABELS))
    return next(named, None) or next((n for n in possible if n in words and 1 < _spread(columns[n]) < np.inf), None)


def _few_words(column: Strings) -> bool:
    """Whether a column can be a label: a few different texts, none of them long."""
    return n_distinct(column) <= MOST_LABELS and max(map(len, distinct(column)), default=0) <= LONGEST_LABEL


def _variable(
    columns: Mapping[str, Strings],
    words: Iterable[str],
    channels: list[str],
    time: str | None,
    domain: str | None,
) -> str | None:
    """The column that names the channel of each row, where a file has one value a row.

    It is called so; or else times come several times, but each only once for a variable (of a line or site).
    """
    if len(channels) != 1:
        return None
    candidates = [n for n in words if 1 < n_distinct(columns[n]) <= MOST_VARIABLES and not _named(n, _LABELS | _EVENTS)]
    if named := next((n for n in candidates if _named(n, _VARIABLES)), None):
        return named
    if time is None:
        return None
    n = len(columns[time])
    once = [columns[time], *([columns[domain]] if domain else [])]
    if _n_together(once) > 0.6 * n:
        return None
    return next((name for name in candidates if _n_together([*once, columns[name]]) > 0.99 * n), None)


def _n_together(columns: Iterable[Strings]) -> int:
    """How many different rows there are."""
    codes: Floats | None = None
    for column in columns:
        coded = column.dictionary_encode()
        mine = coded.indices.to_numpy().astype(np.float64)
        codes = mine if codes is None else codes * len(coded.dictionary) + mine
    return len(np.unique(codes)) if codes is not None else 0


def _rate(counters: Mapping[str, Floats]) -> float | None:
    """Samples a second, as a column of elapsed seconds or milliseconds shows them; None where its steps are uneven."""
    for name, values in counters.items():
        unit = re.search(r"(?i)(m?s|m?sec|ミリ秒|秒)(onds?)?\b[\])）]?$", unicodedata.normalize("NFKC", name).strip())
        with np.errstate(over="ignore"):
            steps = np.diff(values)
        if unit is None or len(steps) < 2 or np.isnan(steps).any():
            continue
        step = float(np.median(steps))
        if step > 0 and np.percentile(np.abs(steps - step), 95) <= EVEN * step:
            milli = unit.group(1).lower().startswith(("ms", "ミリ"))
            return float(f"{(1000 if milli else 1) / step:.6g}")
    return None


def _spread(column: Strings) -> float:
    """How many different cells a column has; infinitely many where they hardly repeat."""
    n = n_distinct(column)
    return n if 2 * n <= len(column) else np.inf


def _whole(values: Floats) -> bool:
    return bool(np.all(np.isnan(values) | (values == np.round(values))))


def _like_ids(column: Strings) -> bool:
    """Whether cells read like "L1", "Line-2" or "3号機"; their own name says that they number something."""
    return all(re.fullmatch(r"[^\W\d]+[-_ #]?\d+|\d+(号機|ライン|号|番)", cell) for cell in distinct(column))


def _is_counter(name: str, values: Floats) -> bool:
    """Whether a column of numbers only counts the rows or the seconds: it always rises, and its name says so."""
    if _named(re.sub(r"[ _](m?s|sec)$", "", name), _COUNTERS):
        return bool(np.all(values[1:] > values[:-1]))
    unnamed = re.fullmatch(r"column 1|unnamed: 0", name, re.IGNORECASE)
    return bool(unnamed) and bool(np.all(values[1:] == values[:-1] + 1))
