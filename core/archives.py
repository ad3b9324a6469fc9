"""The .ts files of the UCR/UEA archive → series, a line each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
import pyarrow as pa

from core.cells import Notation, numbers
from core.delimited import empty
from core.errors import N_, UserError
from core.grids import ABOVE, COMMENT, EMPTY, NO_FACTS, TOO_FEW, TOO_MANY, Rejected
from core.headings import check_width
from core.layouts import check_series, check_values
from core.series import Floats, Ints, Series

MISSING = "?"
Problem = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Archive:
    """A .ts file as read."""

    series: tuple[Series, ...]
    lines: Ints  # (n_series,) where each stands in the file, from 1
    heading: tuple[int, ...]  # lines with keywords
    rejected: tuple[Rejected, ...]  # in order of the file
    n_infinite: int


def is_ts(text: str) -> bool:
    """Whether a text is a .ts file: comments and @ keywords, of which @data is the last one."""
    if "@" not in text:
        return False
    lines = [line for line in map(str.strip, text.splitlines()) if line and not line.startswith(("#", "%"))]
    words = [line.lower() for line in lines if line.startswith("@")]
    is_arff = any(word.startswith("@attribute") for word in words)  # its columns are attributes, a row is a case
    return "@data" in words and lines[0].startswith("@") and not is_arff


def read_ts(texts: Iterable[str]) -> Archive:
    """A .ts file: a line a series, its dimensions apart by colons, the class at the end.

    Source of the format: aeon's documentation, "The .ts file format". Series with stamps of their own are refused.
    """
    keys: dict[str, str] = {}
    heading, rejected = [], []
    lines = _numbered(texts)
    for at, line in lines:
        if line.startswith("@"):
            heading.append(at)
            key, _, value = line[1:].partition(" ")
            keys[key.lower()] = value.strip().lower()
            if "data" in keys:
                break
        else:
            rejected.append(Rejected(at, ABOVE if line else EMPTY))
    if keys.get("timestamps", "").startswith("true"):
        raise UserError(
            N_("This .ts file has a time with each value, which cannot be read here."),
            N_("Save it with evenly spaced values and without the times."),
        )
    return _series(lines, keys, tuple(heading), rejected)


def _numbered(texts: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Physical lines, with their numbers."""
    at = count(1)
    for text in texts:
        for line in text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n"):
            yield next(at), line.strip()


def _series(
    lines: Iterator[tuple[int, str]], keys: Mapping[str, str], heading: tuple[int, ...], rejected: list[Rejected]
) -> Archive:
    labelled = keys.get("classlabel", keys.get("targetlabel", "")).startswith("true")
    expected = _n_dimensions(keys)
    series: list[Series] = []
    kept: list[int] = []
    n_infinite = total = 0
    for at, line in lines:
        if not line or line.startswith(("#", "%")):
            rejected.append(Rejected(at, COMMENT if line else EMPTY))
            continue
        *cells, last = line.split(":")
        cells = cells if labelled else [*cells, last]
        expected = expected or max(1, len(cells))
        values, infinite, problem = _case(cells, expected)
        if problem is not None:
            rejected.append(Rejected(at, *problem))
            continue
        n_infinite += infinite
        total += values.size
        check_values(total)
        names = ("value",) if expected == 1 else tuple(f"dimension {i + 1}" for i in range(expected))
        label = np.repeat(np.array(last.strip(), dtype=np.str_), len(values)) if labelled else None
        series.append(Series(str(len(series) + 1), None, values, names, label))
        kept.append(at)
        check_series(len(series))
    while rejected and rejected[-1].reason == EMPTY and rejected[-1].line > max([0, *kept]):
        rejected.pop()  # blank lines at the end are no rows
    if not series:
        raise _nothing([one for one in rejected if one.line > heading[-1]])
    return Archive(tuple(series), np.array(kept), heading, tuple(rejected), n_infinite)


def _n_dimensions(keys: Mapping[str, str]) -> int | None:
    """As the file says; None: its first line shows it."""
    told = keys.get("dimensions", keys.get("dimension", ""))
    if told.isdecimal() and int(told):
        check_width(int(told))
        return int(told)
    return 1 if keys.get("univariate") == "true" else None


def _case(cells: Sequence[str], expected: int) -> tuple[Floats, int, Problem | None]:
    """(n, n_channels) of one line, how many of it are infinite, and why it cannot be used if it cannot."""
    nothing = np.empty((0, expected))
    if len(cells) != expected:
        facts = {"found": len(cells), "expected": expected}
        return nothing, 0, (TOO_FEW if len(cells) < expected else TOO_MANY, facts)
    columns, n_infinite = [], 0
    for cell in cells:
        texts = [text.strip() for text in cell.split(",")]
        found = numbers(pa.array(texts, pa.string()), Notation(), (MISSING,))
        wrong = [texts[i] for i in found.unreadable] + [text for text in texts if not text]
        if wrong:
            return nothing, 0, (N_("“{text}” is no number."), {"text": wrong[0][:40]})
        columns.append(found.values)
        n_infinite += found.n_infinite
    if len({len(column) for column in columns}) > 1:
        return nothing, 0, (N_("Its dimensions are not equally long."), NO_FACTS)
    if all(np.isnan(column).all() for column in columns):
        return nothing, 0, (N_("It has no values."), NO_FACTS)
    return np.column_stack(columns), n_infinite, None


def _nothing(rejected: Sequence[Rejected]) -> UserError:
    if not rejected:
        return empty()
    return UserError(
        N_("No series of the file can be used; line {line} is the first that cannot."),
        N_("Check how many dimensions it should have, and that each is numbers with commas between them."),
        line=rejected[0].line,
    )
