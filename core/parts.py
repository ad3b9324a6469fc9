"""A folder's windows in parts: each has the windows that start in it, and is prepared as its whole series would be.

A part reads as many samples beyond both of its edges as the steps and the last window look at. Steps that look at the
whole series at once cannot be done so, and are refused; what a step learns is learnt once a series, before.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import cast

import numpy as np

from core import fitting, folders
from core.encoders import nobody
from core.errors import N_, UserError
from core.fitting import Fill, State, scale_windows, shared_by, training_length
from core.folders import Contents, FolderSpec, Whole
from core.preparation import filler
from core.recipes import Recipe, n_starts, starts_of
from core.series import Floats, Ints, Series, Times
from core.steps import Bend, Deseason, Detrend, Impute, Resample, Scale, Smooth, Step, Winsorise

FARTHEST = 100_000  # samples that a step may look beyond the edges of a part
CHUNK = 1_048_576  # samples of a training part that are prepared at a time
MOST_LEARNT = 4_194_304  # samples of a series that a step learns from; of a longer training part every k-th
CONTEXT = 512  # samples around a gap that a model looks at when it fills it


@dataclass(frozen=True, slots=True)
class Piece:
    """Windows of one series: those that bear the numbers first … end - 1 in it."""

    series: Whole  # as much of it as is read for them
    n: int  # samples in the whole series
    start: int  # time of its first sample, in nanoseconds
    last: int  # and of its last
    first: int
    end: int
    states: tuple[State, ...]  # what the steps learnt from the series

    @property
    def n_windows(self) -> int:
        return self.end - self.first


@dataclass(frozen=True, slots=True)
class Part:
    number: int
    pieces: tuple[Piece, ...]

    @property
    def n_windows(self) -> int:
        return sum(one.n_windows for one in self.pieces)


@dataclass(frozen=True, slots=True, eq=False)
class Filled:
    """The windows of a part that have a value everywhere. Row i of every array is window i."""

    values: Floats  # (n_windows, n_channels, length)
    series: list[str]  # its name
    start: Ints  # (n_windows,), first sample in the series, after a grid in time on that grid
    time: Ints | None  # (n_windows,), of the first sample, nanoseconds since 1970


# --- which steps can be done


def check(folder: FolderSpec, recipe: Recipe) -> None:
    """Refuse, in a sentence, what cannot be done part by part."""
    for step in recipe.steps:
        if shared_by(step) == "all":
            raise UserError(
                N_("What looks at the values of all series at once, as Box-Cox does, cannot be done in parts."),
                N_("Choose the same over each series, or the logarithm."),
            )
        _look(step)
    grids = [step for step in recipe.steps if isinstance(step, Resample)]
    if len(grids) > 1:
        raise UserError(
            N_("Of two even grids in time one is enough, and in parts there can be only one."), N_("Leave one out.")
        )
    if grids and not folder.time:
        raise UserError(
            N_("This folder has no time column, so there is no even grid in time."),
            N_("Name the time column, or leave out the even grid."),
        )
    if recipe.window.align == "label":
        raise UserError(
            N_("Stretches that begin at a label cannot be cut in parts."),
            N_("Let them begin at the start of each series."),
        )
    if recipe.window.most:
        raise UserError(
            N_("A first look at some stretches only is not for a folder in parts."),
            N_("Take all stretches: maps of very many are drawn on a sample of them anyway."),
        )


def _look(step: Step) -> int:
    """How many samples a step looks to either side, or why nobody can say."""
    match step:
        case Impute(method="seasonal"):
            raise UserError(
                N_("Filling gaps by season looks at a whole series at once, so it cannot be done in parts."),
                N_("Fill them by a straight line or by the last value."),
            )
        case Impute():
            if step.longest > FARTHEST:
                raise UserError(
                    N_("Gaps without a limit of their length cannot be filled in parts."),
                    N_("Choose a longest gap of 100,000 samples or fewer."),
                )
            return step.longest + (CONTEXT if step.method == "model" else 0)
        case Smooth(method="exponential"):
            raise UserError(
                N_("Exponential smoothing looks back over the whole series, so it cannot be done in parts."),
                N_("Smooth by the median or by Savitzky–Golay."),
            )
        case Smooth():
            return step.width
        case Deseason():
            raise UserError(
                N_("Taking out the season looks at a whole series at once, so it cannot be done in parts."),
                N_("Leave that step out, or take each value less the one before instead."),
            )
        case Resample(method="linear"):
            raise UserError(
                N_("An even grid of straight lines needs samples however far away, so it cannot be had in parts."),
                N_("Use the mean or the nearest sample for the even grid."),
            )
        case Detrend(method="difference"):
            return 1
        case Resample() | Winsorise() | Detrend() | Scale() | Bend():
            return 0


@dataclass(frozen=True, slots=True)
class _Way:
    """The steps of a recipe, and how far those before and after the even grid look to either side."""

    before: int  # samples, as recorded
    grid: Resample | None
    after: int  # samples, of the grid where there is one

    @classmethod
    def of(cls, steps: Sequence[Step]) -> "_Way":
        at = next((i for i, step in enumerate(steps) if isinstance(step, Resample)), None)
        if at is None:
            return cls(0, None, sum(map(_look, steps)))
        return cls(sum(map(_look, steps[:at])), cast(Resample, steps[at]), sum(map(_look, steps[at + 1 :])))

    def n(self, piece: Piece) -> int:
        """Samples that the whole series has after the steps."""
        return piece.n if self.grid is None else (piece.last - piece.start) // _pace(self.grid) + 1


def _pace(grid: Resample) -> int:
    """Nanoseconds, as core.signals.on_grid counts them."""
    return max(round(grid.seconds * 1e9), 1)


# --- which parts there are


def parts(inside: Contents, recipe: Recipe, states: Mapping[str, Sequence[State]], size: int) -> Iterator[Part]:
    """All windows of a folder, up to `size` in a part: a long series in several, ends and short series together in one.

    Each series is cut by itself, so that one that has grown changes the parts of few others.

    Args:
        states: what the steps learnt from each series, by its name; series that are not there are left out.
    """
    number, room, waiting = 0, size, list[Piece]()
    for series in inside.series:
        if series.name not in states:
            continue
        for piece in _pieces(of_series(series, tuple(states[series.name])), recipe, size):
            if piece.n_windows == size:
                yield Part(number, (piece,))
                number += 1
                continue
            if piece.n_windows > room:
                yield Part(number, tuple(waiting))
                number, room, waiting = number + 1, size, []
            room -= piece.n_windows
            waiting.append(piece)
    if waiting:
        yield Part(number, tuple(waiting))


def n_windows(series: Whole, recipe: Recipe) -> int:
    """Of one series, also those that lack a value."""
    return n_starts(_Way.of(recipe.steps).n(of_series(series, ())), recipe.window)


def of_series(series: Whole, states: tuple[State, ...]) -> Piece:
    """A piece with nothing in it yet."""
    return Piece(series, series.n, series.stretches[0].first, series.stretches[-1].last, 0, 0, states)


def _pieces(empty: Piece, recipe: Recipe, size: int) -> Iterator[Piece]:
    """The windows of a series, `size` at a time."""
    total = n_windows(empty.series, recipe)
    for first in range(0, total, size):
        yield piece_of(empty, recipe, first, min(first + size, total))


def piece_of(empty: Piece, recipe: Recipe, first: int, end: int) -> Piece:
    """These windows of a series, and no more of it than they need."""
    some = replace(empty, first=first, end=end)
    return replace(some, series=empty.series.between(*_recorded(some, _Way.of(recipe.steps), *span(some, recipe))))


def starts(piece: Piece, recipe: Recipe, numbers: Ints) -> Ints:
    """First samples, after the steps, of windows of its series that bear these numbers."""
    return starts_of(numbers, _Way.of(recipe.steps).n(piece), recipe.window)


def span(piece: Piece, recipe: Recipe) -> tuple[int, int]:
    """First sample of its windows, and one past their last."""
    low, high = starts(piece, recipe, np.array([piece.first, piece.end - 1])).tolist()
    return low, high + recipe.window.length


def _recorded(piece: Piece, way: _Way, low: int, high: int) -> tuple[int, int]:
    """Which samples, as recorded, decide samples low … high - 1 after the steps."""
    low, high = max(0, low - way.after), high + way.after
    if way.grid is None:
        return low, min(high, piece.n)
    pace = _pace(way.grid)
    touched = _at(piece.series, piece.start + (low - 1) * pace, piece.start + (high + 1) * pace)
    return max(0, touched[0] - way.before), min(touched[1] + way.before, piece.n)


def _at(series: Whole, since: int, until: int) -> tuple[int, int]:
    """Samples that hold all of a span of time: whole stretches, because only their ends are known."""
    at = series.begin
    first, end = None, at
    for one in series.stretches:
        if one.last >= since and one.first <= until:
            first, end = at if first is None else first, at + one.n
        at += one.n
    return (series.begin, series.begin) if first is None else (first, end)


# --- on a worker


def filled(spec: FolderSpec, recipe: Recipe, piece: Piece) -> Filled:
    """The windows of a piece, but for those that lack a value."""
    low, high = span(piece, recipe)
    series = prepared(spec, recipe.steps, piece, low, high)
    start = starts(piece, recipe, np.arange(piece.first, piece.end))
    every = np.lib.stride_tricks.sliding_window_view(series.values, recipe.window.length, axis=0)
    missing = np.concatenate([[0], np.cumsum(np.isnan(series.values).any(axis=1))])
    start = start[missing[start - low + recipe.window.length] == missing[start - low]]
    values = np.ascontiguousarray(every[start - low])
    if recipe.scaled_by_window:
        values = scale_windows(values, recipe.scaled_by_window.method)
    time = None if series.time is None else series.time[start - low].astype("datetime64[ns]").astype(np.int64)
    return Filled(values, [piece.series.name] * len(start), start, time)


def prepared(spec: FolderSpec, steps: Sequence[Step], piece: Piece, low: int, high: int) -> Series:
    """Samples low … high - 1 of a series after the steps, as if the whole of it had been prepared."""
    way = _Way.of(steps)
    first, end = _recorded(piece, way, low, high)
    series = folders.read(spec, piece.series, first, end)
    at = first
    for step, state in zip(steps, piece.states, strict=False):
        if isinstance(step, Resample):
            series, at = _on_the_grid(step, series, piece)
            continue
        fill = _filler(step) if isinstance(step, Impute) and step.method == "model" else None
        [series] = fitting.apply(step, _moved(step, state, at), [series], fill)
    inside = slice(low - at, high - at)
    return replace(
        series,
        values=series.values[inside],
        time=None if series.time is None else series.time[inside],
        filled=None,
    )


def _on_the_grid(step: Resample, series: Series, piece: Piece) -> tuple[Series, int]:
    """A part on the grid that begins with its series; and which point of that grid it begins with.

    A row without values, on the grid's own beat, comes first: the grid of a part begins with its earliest time.
    """
    pace, time = _pace(step), cast(Times, series.time)  # `check` saw to it
    point = (int(time[0].astype(np.int64)) - piece.start) // pace
    begin = np.array([piece.start + point * pace]).view("datetime64[ns]")
    nothing = np.full((1, series.values.shape[1]), np.nan)
    beat = replace(
        series,
        time=np.concatenate([begin, time]),
        values=np.concatenate([nothing, series.values]),
        filled=None,
    )
    return fitting.apply(step, {}, [beat])[0], point


def _moved(step: Step, state: State, at: int) -> State:
    """What was learnt, for samples that are counted from `at`: only a line in time depends on that."""
    if not isinstance(step, Detrend) or not state:
        return state
    return {
        group: {channel: [level + slope * at, slope] for channel, (level, slope) in own.items()}
        for group, own in state.items()
    }


@cache
def _filler(step: Impute) -> Fill | None:
    return filler([step], nobody)


def learnt(spec: FolderSpec, recipe: Recipe, series: Whole) -> list[State]:
    """What each step learns from the first `training` of a series; of a very long one, from every k-th sample of it."""
    states: list[State] = []
    for i, step in enumerate(recipe.steps):
        if shared_by(step) is None:
            states.append({})
            continue
        piece = of_series(series, tuple(states))
        n = training_length(_Way.of(recipe.steps[:i]).n(piece), recipe.training)
        every = math.ceil(n / MOST_LEARNT)
        some = np.concatenate(
            [
                prepared(spec, recipe.steps[:i], piece, low, min(low + CHUNK, n)).values[-low % every :: every]
                for low in range(0, n, CHUNK)
            ]
        )
        state = fitting.fit(step, [Series(series.name, None, some, spec.channels, None)], 1.0)
        states.append(_stretched(step, state, every))
    return states


def _stretched(step: Step, state: State, every: int) -> State:
    """A line over every k-th sample, as a line over all of them."""
    if not isinstance(step, Detrend) or every == 1:
        return state
    return {
        group: {channel: [level, slope / every] for channel, (level, slope) in own.items()}
        for group, own in state.items()
    }
