"""A recipe: preparation steps, then windows. What is prepared comes from core/preparation.py; here it is cut."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from core import steps
from core.errors import N_, UserError
from core.fitting import scale_windows
from core.series import Floats, Ints, Series
from core.steps import Impute, Resample, Scale, Smooth, Step, Winsorise

Align = Literal["start", "label"]
Rest = Literal["leave", "shift"]
IN_UNITS = (Impute, Resample, Smooth, Winsorise)  # steps after which values are still in the units of the file
FIRST_LOOK = 5000  # windows: a map of more takes a while
TRAINING = 0.7  # share of each series, from its start, that statistics are fitted on unless somebody says otherwise


@dataclass(frozen=True, slots=True)
class WindowSpec:
    """How to cut a series. Lengths count samples, never seconds."""

    length: int = 512  # MOMENT's context
    stride: int = 256
    align: Align = "start"  # label: begin anew wherever the label changes, so that no window has two
    rest: Rest = "leave"  # samples at an end that fill no window: leave them out, or shift one window back over them
    most: int = 0  # for a first look: so many windows, evenly spread over all; 0: all of them

    def __post_init__(self) -> None:
        if self.align not in ("start", "label") or self.rest not in ("leave", "shift"):
            raise ValueError(f"no such way to cut: {self.align!r}, {self.rest!r}")
        if self.length < 2:
            raise UserError(
                N_("A stretch of {length} samples has no shape."),
                N_("Choose a length of 16 or more."),
                length=self.length,
            )
        if not 1 <= self.stride <= self.length:
            raise UserError(
                N_("A step of {stride} would stall or skip samples."),
                N_("Choose a step from 1 to {length}."),
                stride=self.stride,
                length=self.length,
            )


@dataclass(frozen=True, slots=True)
class Recipe:
    """What happens to series before a model sees them, in this order."""

    steps: tuple[Step, ...] = (Impute("linear", 64), Scale("z-score", "series"))
    training: float = TRAINING
    window: WindowSpec = WindowSpec()

    def __post_init__(self) -> None:
        steps.check_order(self.steps)
        if not 0 < self.training <= 1:
            raise UserError(
                N_("A share of {share:g} of the data is nothing to fit on."),
                N_("Choose more than 0, and 1 at most."),
                share=self.training,
            )

    def to_json(self) -> dict[str, Any]:
        return {
            "steps": [steps.to_json(one) for one in self.steps],
            "training": self.training,
            "window": asdict(self.window),
        }

    @classmethod
    def from_json(cls, d: Mapping[str, Any]) -> Self:
        window = WindowSpec(**d["window"])
        if "normalise" in d:  # as written when there was one step to choose
            scale = (Scale("z-score", "series"),) if d["normalise"] == "z-score" else ()
            return cls((Impute("linear", 10**9), *scale), 1.0, window)
        return cls(tuple(steps.from_json(one) for one in d["steps"]), d["training"], window)

    def in_units(self) -> Self:
        """The same samples in the units of the file: without the steps that bend, scale or take away."""
        return replace(self, steps=tuple(one for one in self.steps if isinstance(one, IN_UNITS)))

    @property
    def scaled_by_window(self) -> Scale | None:
        last = self.steps[-1] if self.steps else None
        return last if isinstance(last, Scale) and last.over == "window" else None


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Where each window lies, and its values for whoever asks. Row i of every array is window i.

    Series by series, and in time order within each.
    """

    prepared: Sequence[Series]  # what they are cut from
    series: Ints  # (n_windows,), which series it was cut from
    start: Ints  # (n_windows,), its first sample in that series
    length: int  # samples
    label: NDArray[np.str_] | None  # (n_windows,), the commonest label inside, where every series has labels
    scale: Scale | None = None  # done to each window

    def __len__(self) -> int:
        return len(self.start)

    def values(self, ids: Ints | None = None) -> Floats:
        """(n, n_channels, length) of the windows asked for, or of all, after the recipe."""
        series, start = (self.series, self.start) if ids is None else (self.series[ids], self.start[ids])
        values = np.empty((len(start), self.prepared[0].values.shape[1], self.length))
        for i in np.unique(series):
            every = np.lib.stride_tricks.sliding_window_view(self.prepared[i].values, self.length, axis=0)
            values[series == i] = every[start[series == i]]
        return scale_windows(values, self.scale.method) if self.scale else values

    def times(self) -> NDArray[Any]:
        """(n_windows,) when each starts; its sample number where a series has no clock."""
        clocks = [one.time for one in self.prepared if one.time is not None]
        if len(clocks) < len(self.prepared):
            return self.start.astype(float)
        times = np.empty(len(self), dtype="datetime64[ns]")
        for i, clock in enumerate(clocks):
            times[self.series == i] = clock[self.start[self.series == i]]
        return times


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where the windows lie, series by series and in time order within each."""

    series: Ints  # (n_windows,)
    start: Ints  # (n_windows,)
    n_left: int  # samples that fill no window
    n_gappy: int  # windows that are left out because a value is missing in them
    n_spared: int  # windows that are left out for a first look


def places(series: Sequence[Series], window: WindowSpec) -> Places:
    """Where windows can be cut."""
    n_left = n_gappy = 0
    which: list[Ints] = []
    starts: list[Ints] = []
    for i, one in enumerate(series):
        start, left = _starts(one, window)
        whole = _without_gaps(one.values, start, window.length)
        n_left, n_gappy = n_left + left, n_gappy + int((~whole).sum())
        starts.append(start[whole])
        which.append(np.full(int(whole.sum()), i))
    all_series, all_starts = np.concatenate(which), np.concatenate(starts)
    n = len(all_starts)
    if window.most and n > window.most:
        some = np.unique(np.linspace(0, n - 1, window.most).round().astype(np.int64))
        all_series, all_starts = all_series[some], all_starts[some]
    return Places(all_series, all_starts, n_left, n_gappy, n - len(all_starts))


def _starts(one: Series, window: WindowSpec) -> tuple[Ints, int]:
    """First samples of the windows of one series, and how many samples are in none."""
    starts, left = [np.arange(0)], 0
    for first, end in _runs(one, window.align):
        n = end - first
        own = first + starts_of(np.arange(n_starts(n, window)), n, window)
        starts.append(own)
        left += end - (int(own[-1]) + window.length) if len(own) else n
    return np.concatenate(starts), left


def n_starts(n: int, window: WindowSpec) -> int:
    """How many windows n samples on end are cut into."""
    whole = max(0, (n - window.length) // window.stride + 1)
    return whole + int(window.rest == "shift" and whole > 0 and (n - window.length) % window.stride > 0)


def starts_of(number: Ints, n: int, window: WindowSpec) -> Ints:
    """First samples of the windows that bear these numbers, from 0, in n samples on end."""
    return np.minimum(number * window.stride, n - window.length)


def _runs(one: Series, align: Align) -> list[tuple[int, int]]:
    """(first sample, one past the last) of each stretch that windows stay within."""
    n = len(one.values)
    if align == "start":
        return [(0, n)]
    if one.label is None:
        raise UserError(
            N_("The data has no label that stretches could begin with."),
            N_("Choose a label on the Data screen, or let stretches begin at the start."),
        )
    edges = np.flatnonzero(one.label[1:] != one.label[:-1]) + 1
    return list(pairwise([0, *edges.tolist(), n]))


def _without_gaps(values: Floats, start: Ints, length: int) -> NDArray[np.bool_]:
    """(n_windows,) whether a window has a value everywhere."""
    missing = np.isnan(values).any(axis=1)
    if not missing.any():
        return np.ones(len(start), dtype=bool)
    before = np.concatenate([[0], np.cumsum(missing)])
    whole: NDArray[np.bool_] = before[start + length] == before[start]
    return whole


def propose(lengths: Sequence[int], patch: int = 8, most: int = 512) -> WindowSpec:
    """A first guess that shows something.

    Many short series: one window each, as long as the shortest has it. Else about a twentieth of the shortest series,
    overlapping, some 2,000 windows; of a very long recording a first look.

    Args:
        lengths: samples in each series.
        patch: lengths are multiples of it, so that MOMENT drops no samples.
        most: the longest window that MOMENT takes.
    """
    if len(lengths) >= 10 and max(lengths) <= 2 * most:
        length = int(np.clip(min(lengths) // patch * patch, patch, most))
        return WindowSpec(length=length, stride=length)
    length = int(np.clip(min(lengths) // 20 // patch * patch, 2 * patch, most))
    stride = min(length, max(length // 8, 1, -(-sum(lengths) // 2000)))
    return WindowSpec(length=length, stride=stride, most=0 if sum(lengths) // stride <= FIRST_LOOK else FIRST_LOOK)


def cut(series: Sequence[Series], recipe: Recipe) -> Windows:
    """All windows of all series, which are prepared and share their channels."""
    found, length = Cutting(series, recipe, size=1).places, recipe.window.length
    labels = [one.label for one in series if one.label is not None]
    label = None
    if len(labels) == len(series):
        own = [_commonest(one, found.start[found.series == i], length) for i, one in enumerate(labels)]
        label = np.concatenate(own)
    return Windows(series, found.series, found.start, length, label, recipe.scaled_by_window)


class Cutting:
    """The windows of `cut`, in its order, some at a time and never all in memory. Can be gone through again."""

    def __init__(self, series: Sequence[Series], recipe: Recipe, size: int) -> None:
        """Find the places.

        Args:
            series: prepared.
            size: windows in a batch, at most.
        """
        check_same_channels(series)
        self.channels = series[0].channels
        self.places = places(series, recipe.window)
        self.n_windows = len(self.places.start)
        if not self.n_windows:
            raise _none(series, recipe.window, self.places)
        self._series, self._size, self._length = series, size, recipe.window.length
        self._scale = recipe.scaled_by_window

    def __iter__(self) -> Iterator[Floats]:
        """(m, n_channels, length)"""
        for i, one in enumerate(self._series):
            starts = self.places.start[self.places.series == i]
            if not len(starts):
                continue
            every = np.lib.stride_tricks.sliding_window_view(one.values, self._length, axis=0)
            for first in range(0, len(starts), self._size):
                values = np.ascontiguousarray(every[starts[first : first + self._size]])
                yield scale_windows(values, self._scale.method) if self._scale else values


def _none(series: Sequence[Series], window: WindowSpec, found: Places) -> UserError:
    if found.n_gappy:
        return UserError(
            N_("Every stretch of {length} samples has a missing value in it."),
            N_("Fill longer gaps in the preparation, choose a shorter stretch, or leave a channel out."),
            length=window.length,
        )
    return UserError(
        N_("No series is as long as one stretch of {length} samples; the longest has {longest}."),
        N_("Choose a shorter stretch, or upload a longer recording."),
        length=window.length,
        longest=max(len(s.values) for s in series),
    )


def _commonest(label: NDArray[np.str_], start: Ints, length: int) -> NDArray[np.str_]:
    """(n_windows,) the commonest label in each; of several that are as common, the first in the alphabet."""
    names, codes = np.unique(label, return_inverse=True)
    most, found = np.zeros(len(start), dtype=np.int64), np.zeros(len(start), dtype=np.int64)
    for code in range(len(names)):
        before = np.concatenate([[0], np.cumsum(codes == code)])
        counted = before[start + length] - before[start]
        found, most = np.where(counted > most, code, found), np.maximum(counted, most)
    return names[found]


def check_same_channels(series: Sequence[Series]) -> None:
    for one in series[1:]:
        if one.channels != series[0].channels:
            raise UserError(
                N_("The files do not have the same channels: {first} here, {other} there."),
                N_("Choose the same channels for every file on the Data screen, or use one file at a time."),
                first=", ".join(series[0].channels),
                other=", ".join(one.channels),
            )
