"""Which windows a gesture means. Pure: a screen passes what was drawn and gets window ids."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from core.recipes import Windows
from core.series import Floats, Ints


def in_box(xy: Floats, x: tuple[float, float], y: tuple[float, float]) -> Ints:
    """Ids of the windows whose points lie in a box on the map, edges included."""
    inside = (min(x) <= xy[:, 0]) & (xy[:, 0] <= max(x)) & (min(y) <= xy[:, 1]) & (xy[:, 1] <= max(y))
    return np.flatnonzero(inside)


def in_stretch(windows: Windows, series: int, first: float, last: float) -> Ints:
    """Ids of the windows of one series that share at least a sample with samples first … last."""
    length = windows.values.shape[2]
    first, last = min(first, last), max(first, last)
    touches = (windows.series == series) & (windows.start <= last) & (windows.start + length > first)
    return np.flatnonzero(touches)


def spans(windows: Windows, series: int, picked: Iterable[int]) -> list[tuple[int, int]]:
    """Where the picked windows lie in one series: (first, last) sample of each unbroken run."""
    length = windows.values.shape[2]
    starts = sorted(int(windows.start[i]) for i in picked if windows.series[i] == series)
    runs: list[tuple[int, int]] = []
    for start in starts:
        if runs and start <= runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], max(runs[-1][1], start + length - 1))
        else:
            runs.append((start, start + length - 1))
    return runs


def thin(n: int, most: int) -> NDArray[np.int64]:
    """Evenly spaced row numbers, at most `most` of n, first and last among them."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(np.int64)) if n else np.arange(0)
