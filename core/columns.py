"""What each column of a file is for: time, channel, label, line or site. Guessed from its name and its cells."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.cells import MISSING_MARKS, Survey
from core.delimited import Grid
from core.errors import N_, UserError
from core.series import Floats

MOST_LABELS, MOST_DOMAINS = 20, 50  # distinct values, beyond which a column is no label or domain by itself

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

    time: str | None
    channels: tuple[str, ...]  # at least one
    label: str | None
    domain: str | None
    missing: tuple[str, ...]  # missing marks found in columns of numbers


def roles(cells: Grid, found: Mapping[str, Survey]) -> Roles:
    """The part each column plays. `found` are the columns by name, surveyed with whatever missing marks they hold.

    Raises:
        UserError: no column holds measurements.
    """
    columns = dict(cells.items())
    words = [name for name, one in found.items() if one.kind == "text" and not one.times]
    measured = {n: one.numbers.values for n, one in found.items() if one.kind == "number"}
    few = [n for n, values in measured.items() if _whole(values) and len(set(columns[n])) <= MOST_LABELS]
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
    marks = set[str]().union(*(MISSING_MARKS.intersection(columns[n]) for n, one in found.items() if _may_lack(one)))
    time = next((name for name, one in found.items() if one.kind == "time"), None)
    return Roles(time, tuple(channels), label, domain, tuple(sorted(marks)))


def _may_lack(one: Survey) -> bool:
    return one.kind in ("number", "empty")


def _domain(columns: Mapping[str, Sequence[str]], words: Sequence[str], few: Sequence[str]) -> str | None:
    """A column named so; else one of words whose cells read like ids. Every row has a value, each value several."""
    candidates = [n for n in (*words, *few) if "" not in columns[n] and _spread(columns[n]) <= MOST_DOMAINS]
    named = (n for n in candidates if _named(n, _DOMAINS))
    return next(named, None) or next((n for n in candidates if n in words and _like_ids(columns[n])), None)


def _label(columns: Mapping[str, Sequence[str]], words: Sequence[str], few: Sequence[str]) -> str | None:
    """A column named so; else one of words with a few different values."""
    named = (n for n in (*words, *few) if len({*columns[n]} - {""}) <= MOST_LABELS and _named(n, _LABELS))
    return next(named, None) or next((n for n in words if 1 < _spread(columns[n]) <= MOST_LABELS), None)


def _spread(column: Sequence[str]) -> float:
    """How many different cells a column has; infinitely many where they hardly repeat."""
    n = len({*column} - {""})
    return n if 2 * n <= len(column) else np.inf


def _whole(values: Floats) -> bool:
    return bool(np.all(np.isnan(values) | (values == np.round(values))))


def _like_ids(column: Sequence[str]) -> bool:
    """Whether cells read like "L1", "Line-2" or "3号機"; their own name says that they number something."""
    return all(re.fullmatch(r"[^\W\d]+[-_ #]?\d+|\d+(号機|ライン|号|番)", cell) for cell in set(column))


def _is_counter(name: str, values: Floats) -> bool:
    """Whether a column of numbers only counts the rows or the seconds: it always rises, and its name says so."""
    steps = np.diff(values)
    if _named(name, _COUNTERS):
        return bool(np.all(steps > 0))
    unnamed = re.fullmatch(r"column 1|unnamed: 0", name, re.IGNORECASE)
    return bool(unnamed) and bool(np.all(steps == 1))
