"""Which windows a gesture means. Pure: a screen passes what was drawn and gets window ids."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.recipes import Windows
from core.series import Floats, Ints

Frame = tuple[float, float, float]  # of a map: its middle (x, y), and half of its shorter side


def frame_of(xy: Floats) -> Frame:
    """The frame that holds these points, with a little room around them."""
    x, y = (xy.max(axis=0) + xy.min(axis=0)) / 2
    return float(x), float(y), float(0.54 * max(np.ptp(xy[:, 0]), np.ptp(xy[:, 1]), 1e-9))


def in_box(xy: Floats, x: tuple[float, float], y: tuple[float, float]) -> Ints:
    """Ids of the windows whose points lie in a box on the map, edges included."""
    inside = (min(x) <= xy[:, 0]) & (xy[:, 0] <= max(x)) & (min(y) <= xy[:, 1]) & (xy[:, 1] <= max(y))
    return np.flatnonzero(inside)


def in_stretch(windows: Windows, series: int, first: float, last: float) -> Ints:
    """Ids of the windows of one series that share at least a sample with samples first … last."""
    first, last = min(first, last), max(first, last)
    touches = (windows.series == series) & (windows.start <= last) & (windows.start + windows.length > first)
    return np.flatnonzero(touches)


def spans(windows: Windows, series: int, picked: Iterable[int]) -> list[tuple[int, int]]:
    """Where the picked windows lie in one series: (first, last) sample of each unbroken run."""
    length = windows.length
    starts = sorted(int(windows.start[i]) for i in picked if windows.series[i] == series)
    runs: list[tuple[int, int]] = []
    for start in starts:
        if runs and start <= runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], max(runs[-1][1], start + length - 1))
        else:
            runs.append((start, start + length - 1))
    return runs


def stretches(windows: Windows, series: int, group: Ints) -> list[tuple[int, int, int]]:
    """Groups of windows drawn back on one series: (first, last, group) of each unbroken run.

    A sample belongs to the group that most of the windows over it are in; of several, to the lowest.

    Args:
        group: (n_windows,), from 0; below 0 for none.
    """
    n = len(windows.prepared[series].values)
    mine = (windows.series == series) & (group >= 0)
    if not mine.any():
        return []
    over = np.zeros((int(group.max()) + 1, n + 1), dtype=np.int32)
    np.add.at(over, (group[mine], windows.start[mine]), 1)
    np.add.at(over, (group[mine], windows.start[mine] + windows.length), -1)
    over = over.cumsum(axis=1)[:, :n]
    of = np.where(over.max(axis=0) > 0, over.argmax(axis=0), -1)
    edges = [0, *(np.flatnonzero(of[1:] != of[:-1]) + 1).tolist(), n]
    return [(a, b - 1, int(of[a])) for a, b in pairwise(edges) if of[a] >= 0]


def thin(n: int, most: int) -> NDArray[np.int64]:
    """Evenly spaced row numbers, at most `most` of n, first and last among them."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(np.int64)) if n else np.arange(0)


@dataclass(frozen=True, slots=True)
class Zoom:
    """How far somebody has gone into a map: frames, each inside the one before, that can be gone back and forth."""

    frames: tuple[Frame, ...] = ()
    at: int = 0  # of these many the last one is shown; 0: the whole map

    def into(self, xy: Floats) -> Self:
        """To these points, a little room around them."""
        return type(self)((*self.frames[: self.at], frame_of(xy)), self.at + 1)

    def back(self) -> Self:
        return type(self)(self.frames, max(self.at - 1, 0))

    def forward(self) -> Self:
        return type(self)(self.frames, min(self.at + 1, len(self.frames)))

    def shown(self, xy: Floats) -> Frame:
        return self.frames[self.at - 1] if self.at else frame_of(xy)
