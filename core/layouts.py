"""The columns of a grid → series: a column a channel (wide), a row a value (long), or a row a series."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from core.delimited import Strings
from core.errors import N_, UserError
from core.grids import Grid
from core.series import Floats, Ints, Series, Times

Layout = Literal["wide", "long", "rows", "ts"]
Repeats = Literal["keep", "first", "last", "mean"]
LAYOUTS: tuple[Layout, ...] = ("wide", "long", "rows", "ts")
REPEATS: tuple[Repeats, ...] = ("keep", "first", "last", "mean")
MOST_SERIES = 10_000
FEWEST_SAMPLES = 20  # columns that a file with a series a row has at least
MOST_VALUES = 60_000_000  # of all series together, missing ones too: half a gigabyte

Groups = Mapping[str | None, Ints]  # rows of each series, in order of first appearance


def groups_of(cells: Grid, column: str | None) -> Groups:
    """Rows of each value of a column; all rows together where there is none."""
    if column is None:
        return {None: np.arange(len(cells.lines))}
    coded = cells.column(column).dictionary_encode()
    names = coded.dictionary.to_pylist()
    if len(names) > MOST_SERIES:
        raise UserError(
            N_("“{column}” has {n} different values, too many to be lines or sites."),
            N_("Choose a column with {most} different values at most, or none."),
            column=column,
            n=len(names),
            most=MOST_SERIES,
        )
    codes = coded.indices.to_numpy()
    order = np.argsort(codes, kind="stable")
    edges = np.searchsorted(codes[order], np.arange(len(names) + 1))
    return {name: order[edges[i] : edges[i + 1]] for i, name in enumerate(names)}


def texts_of(column: Strings) -> NDArray[np.str_]:
    coded = column.dictionary_encode()
    names = np.array(coded.dictionary.to_pylist(), dtype=np.str_)
    return names[coded.indices.to_numpy()] if len(names) else np.zeros(len(column), dtype=np.str_)


def distinct(column: Strings) -> list[str]:
    """Different texts of a column, the empty one aside, in order of first appearance."""
    return [text for text in pc.unique(column).to_pylist() if text]


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """What the columns of a grid come to. Row i of every array is row i of the grid."""

    channels: tuple[str, ...]
    values: Floats  # (n, n_channels)
    time: Times | None  # (n,)
    label: NDArray[np.str_] | None  # (n,)
    step: float | None


# --- a column a channel


def wide(parts: Parts, groups: Groups, repeats: Repeats, *, ordered: bool) -> list[Series]:
    """A column a channel, a row a point in time.

    Args:
        ordered: put rows in order of time; else they stay as they stand in the file.
    """
    return [_wide(domain, parts, rows, repeats, ordered=ordered) for domain, rows in groups.items()]


def _wide(domain: str | None, parts: Parts, rows: Ints, repeats: Repeats, *, ordered: bool) -> Series:
    if parts.time is not None and ordered:
        rows = _in_order(parts.time, rows)
    time = None if parts.time is None else parts.time[rows]
    whole = len(rows) == len(parts.values) and bool(np.all(rows[1:] > rows[:-1]))
    values = parts.values if whole else parts.values[rows]  # half a gigabyte need not be copied
    label = None if parts.label is None else parts.label[rows]
    if time is not None and repeats != "keep":
        keep, values = _merged(time, values, repeats)
        time, label = time[keep], None if label is None else label[keep]
    return Series(domain, time, values, parts.channels, label, parts.step)


def _in_order(time: Times, rows: Ints) -> Ints:
    mine = time[rows]
    return rows[np.argsort(mine, kind="stable")] if np.any(mine[1:] < mine[:-1]) else rows


def _merged(time: Times, values: Floats, repeats: Repeats) -> tuple[Ints, Floats]:
    """One row for all that have the same time: which row it is, and its values. Their order stays."""
    order = np.argsort(time, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(time[order]) != np.timedelta64(0)])
    ends = np.r_[starts[1:], len(time)] - 1
    keep = order[ends if repeats == "last" else starts]
    merged = _means(values[order], starts) if repeats == "mean" else values[keep]
    back = np.argsort(keep)
    return keep[back], merged[back]


def _means(values: Floats, starts: Ints) -> Floats:
    """Of runs of rows that begin at `starts`, missing values aside."""
    known = ~np.isnan(values)
    n = np.add.reduceat(known, starts, axis=0, dtype=np.int64)
    each = np.repeat(np.maximum(n, 1), np.diff(np.r_[starts, len(values)]), axis=0)
    means = np.add.reduceat(np.where(known, values / each, 0.0), starts, axis=0)  # their sum may be too large a number
    return np.where(n, means, np.nan)


def n_repeated(time: Times) -> int:
    """Rows beyond the first one of each time."""
    return int((np.diff(np.sort(time)) == np.timedelta64(0)).sum())


# --- a row a value


def long(
    parts: Parts, groups: Groups, variable: Strings, chosen: Sequence[str], repeats: Repeats
) -> tuple[list[Series], int]:
    """A row a value: (line or site, time, variable, value) → a column for each variable.

    Args:
        parts: with the values in its one channel.
        variable: (n,) which channel each row belongs to.
        chosen: the variables to use; rows of others are left aside.

    Returns:
        The series, and how many rows had a value before them for the same time and variable.
    """
    coded = variable.dictionary_encode()
    place = {name: i for i, name in enumerate(chosen)}
    which = np.array([place.get(name, -1) for name in coded.dictionary.to_pylist()])[coded.indices.to_numpy()]
    found, repeated, size = [], 0, 0
    for domain, everything in groups.items():
        rows = everything[which[everything] >= 0]
        if not len(rows):
            continue
        time, at = _places(None if parts.time is None else parts.time[rows], which[rows], len(chosen))
        n = int(at.max()) + 1
        size += n * len(chosen)
        check_values(size)
        cell = at * len(chosen) + which[rows]
        repeated += len(cell) - len(np.unique(cell))
        values = _spread(cell, parts.values[rows, 0], n * len(chosen), repeats).reshape(n, len(chosen))
        label = None
        if parts.label is not None:
            label = np.zeros(n, dtype=parts.label.dtype)
            label[at[::-1]] = parts.label[rows][::-1]  # the first one of each time
        found.append(Series(domain, time, values, tuple(chosen), label, parts.step))
    return found, repeated


def _places(time: Times | None, which: Ints, n_variables: int) -> tuple[Times | None, Ints]:
    """Where each row goes: its time among all times, or without a clock its turn among those of its variable."""
    if time is not None:
        times, at = np.unique(time, return_inverse=True)
        return times, at
    order = np.argsort(which, kind="stable")
    counts = np.bincount(which, minlength=n_variables)
    turn = np.empty(len(which), dtype=np.int64)
    turn[order] = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
    return None, turn


def _spread(cell: Ints, values: Floats, size: int, repeats: Repeats) -> Floats:
    """Values in their cells; several for one cell are brought together. Empty cells are NaN."""
    found = np.full(size, np.nan)
    if repeats == "mean":
        known = ~np.isnan(values)
        n = np.bincount(cell[known], minlength=size)
        means = np.bincount(cell[known], values[known] / n[cell[known]], size)
        return np.where(n, means, np.nan)
    order = slice(None) if repeats == "last" else slice(None, None, -1)  # the last one written stays
    found[cell[order]] = values[order]
    return found


def check_values(n: int) -> None:
    if n > MOST_VALUES:
        raise UserError(
            N_("Its series would have {n:,} values together; the most is {most:,}."),
            N_("Choose fewer channels, or split the file; channels that hardly ever share a time need one each."),
            n=n,
            most=MOST_VALUES,
        )


# --- a row a series


def rows_as_series(parts: Parts, names: Sequence[str] | None, name: str) -> list[Series]:
    """A row a series, its columns the samples in order of time; empty cells at its end are no samples.

    Args:
        parts: values (n_series, n_samples), label and domain one a row.
        names: of the series; else they are numbered.
        name: of the channel.
    """
    check_series(len(parts.values))
    found = []
    for i, row in enumerate(parts.values):
        n = int(np.flatnonzero(~np.isnan(row)).max(initial=-1)) + 1
        label = None if parts.label is None else np.repeat(parts.label[i], n)
        domain = names[i] if names is not None else str(i + 1)
        found.append(Series(domain, None, row[:n, None].copy(), (name,), label, parts.step))
    return found


def check_series(n: int) -> None:
    if n > MOST_SERIES:
        raise UserError(
            N_("The file has {n:,} series; the most is {most:,}."),
            N_("Split the file, or keep only the series you want to look at."),
            n=n,
            most=MOST_SERIES,
        )


def looks_like_rows(values: Sequence[Floats], n_columns: int) -> bool:
    """Whether a grid without names and clock has a series a row: far wider than a table of channels usually is.

    Args:
        values: (n_rows,) of each numeric column.
        n_columns: of all kinds.
    """
    if n_columns < FEWEST_SAMPLES or len(values) < n_columns - 2:
        return False
    first, rest = values[0], np.column_stack(values[1:])
    if len(rest) < 3:
        return len(rest) == 1 or bool(np.all(first == np.round(first)))
    with np.errstate(over="ignore"):  # numbers too far apart for their difference
        along, across = _typical(np.diff(rest, axis=1)), _typical(np.diff(rest, axis=0))
    return along < across


def _typical(steps: Floats) -> float:
    known = np.abs(steps[~np.isnan(steps)])
    return float(np.median(known)) if len(known) else np.inf
