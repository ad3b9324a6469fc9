"""Preprocessing: series → prepared series → windows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from core.errors import N_, UserError
from core.series import Floats, Ints, Series

Normalise = Literal["none", "z-score"]


@dataclass(frozen=True, slots=True)
class WindowSpec:
    """How to cut a series. Lengths count samples, never seconds."""

    length: int = 512  # MOMENT's context
    stride: int = 256

    def __post_init__(self) -> None:
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
    """What happens to a series before a model sees it. Gaps are always bridged by a straight line."""

    normalise: Normalise = "z-score"  # per series and channel, over the whole series
    window: WindowSpec = WindowSpec()

    def __post_init__(self) -> None:
        if self.normalise not in ("none", "z-score"):
            raise ValueError(f"unknown normalisation: {self.normalise!r}")

    @classmethod
    def from_json(cls, d: dict[str, Any]) -> Self:
        return cls(normalise=d["normalise"], window=WindowSpec(**d["window"]))


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Row i of every array is window i, series by series and in time order within each."""

    values: Floats  # (n_windows, n_channels, length), after the recipe
    series: Ints  # (n_windows,), which series it was cut from
    start: Ints  # (n_windows,), its first sample in that series
    label: NDArray[np.str_] | None  # (n_windows,), the commonest label inside, where every series has labels
    filled: int  # samples that were missing and are now on a straight line


def count(n_samples: int, spec: WindowSpec) -> tuple[int, int]:
    """How many windows a series gives, and how many samples at its end fall into none."""
    if n_samples < spec.length:
        return 0, n_samples
    n_windows = (n_samples - spec.length) // spec.stride + 1
    return n_windows, n_samples - ((n_windows - 1) * spec.stride + spec.length)


def propose(lengths: Sequence[int], patch: int = 8, most: int = 512) -> WindowSpec:
    """A first guess that shows something: about a twentieth of the shortest series, overlapping, 2,000 windows at most.

    Args:
        lengths: samples in each series.
        patch: lengths are multiples of it, so that MOMENT drops no samples.
        most: the longest window that MOMENT takes.
    """
    length = int(np.clip(min(lengths) // 20 // patch * patch, 2 * patch, most))
    stride = max(length // 8, 1, -(-sum(lengths) // 2000))
    return WindowSpec(length=length, stride=min(stride, length))


def prepare(series: Series, normalise: Normalise) -> tuple[Floats, int]:
    """Bridge gaps and bring channels to one scale.

    Returns:
        (n_samples, n_channels) without a gap, and how many samples were filled.
    """
    values = np.array(series.values, dtype=np.float64)
    missing = np.isnan(values)
    for c, channel in enumerate(series.channels):
        values[:, c] = _bridged(values[:, c], missing[:, c], channel)
    if normalise == "z-score":
        values = standardised(values)
    return values, int(missing.sum())


def _bridged(values: Floats, missing: NDArray[np.bool_], channel: str) -> Floats:
    if missing.all():
        raise UserError(
            N_("“{channel}” has no values at all."),
            N_("Leave it out on the Data screen, or upload a file that has values for it."),
            channel=channel,
        )
    at = np.arange(len(values))
    return np.interp(at, at[~missing], values[~missing])


def standardised(values: Floats) -> Floats:
    """(n, channels) with mean 0 and standard deviation 1; a constant channel becomes 0, not noise."""
    spread = values.std(axis=0)
    flat = spread <= 1e-12 * np.maximum(1, np.abs(values).max(axis=0))
    return np.where(flat, 0.0, (values - values.mean(axis=0)) / np.where(flat, 1.0, spread))


def cut(series: Sequence[Series], recipe: Recipe) -> Windows:
    """All windows of all series, which must share their channels."""
    n_windows = [count(len(one.values), recipe.window)[0] for one in series]
    used = [i for i, n in enumerate(n_windows) if n]
    pieces = Batches(series, recipe, size=max(n_windows, default=1) or 1)
    values = np.concatenate(list(pieces))  # one piece a series
    starts = [np.arange(n_windows[i]) * recipe.window.stride for i in used]
    labels = [series[i].label for i in used]
    label = [
        np.array([_commonest(of[s : s + recipe.window.length]) for s in start])
        for of, start in zip(labels, starts, strict=True)
        if of is not None
    ]
    return Windows(
        values=values,
        series=np.repeat(used, [n_windows[i] for i in used]),
        start=np.concatenate(starts),
        label=np.concatenate(label) if len(label) == len(used) else None,
        filled=pieces.filled,
    )


class Batches:
    """The windows of `cut`, in its order, some at a time and never all in memory. Can be gone through again."""

    def __init__(self, series: Sequence[Series], recipe: Recipe, size: int) -> None:
        """Prepare all series.

        Args:
            size: windows in a batch, at most.
        """
        _check_same_channels(series)
        self._window, self._size = recipe.window, size
        long_enough = [one for one in series if len(one.values) >= recipe.window.length]  # the screen tells of others
        if not long_enough:
            raise UserError(
                N_("No series is as long as one stretch of {length} samples; the longest has {longest}."),
                N_("Choose a shorter stretch, or upload a longer recording."),
                length=recipe.window.length,
                longest=max(len(s.values) for s in series),
            )
        prepared = [prepare(one, recipe.normalise) for one in long_enough]
        self._series = [values for values, _ in prepared]
        self.filled = sum(n for _, n in prepared)  # samples that were missing and are now on a straight line
        self.n_windows = sum(count(len(values), recipe.window)[0] for values in self._series)

    def __iter__(self) -> Iterator[Floats]:
        """(m, n_channels, length)"""
        for values in self._series:
            every = np.lib.stride_tricks.sliding_window_view(values, self._window.length, axis=0)
            windows = every[:: self._window.stride]
            for first in range(0, len(windows), self._size):
                yield np.ascontiguousarray(windows[first : first + self._size])


def _commonest(labels: NDArray[np.str_]) -> str:
    names, counts = np.unique(labels, return_counts=True)
    return str(names[counts.argmax()])


def _check_same_channels(series: Sequence[Series]) -> None:
    for one in series[1:]:
        if one.channels != series[0].channels:
            raise UserError(
                N_("The files do not have the same channels: {first} here, {other} there."),
                N_("Choose the same channels for every file on the Data screen, or use one file at a time."),
                first=", ".join(series[0].channels),
                other=", ".join(one.channels),
            )
