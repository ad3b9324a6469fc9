"""What a rater's browser gets: curves, points and lines as small whole numbers, each number a level of a picture.

Blind: no name, label, unit, time or method of anything is in here, and the order of the windows tells nothing.
"""

import base64
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.recognition import Where
from core.selections import thin
from core.series import Floats, Ints

MOST = 3000  # windows that are shown
MOST_CHANNELS = 3
SAMPLES, LINE_SAMPLES = 96, 2000  # of a curve and of a line at most, each channel
HIGHEST, MISSING = 254, 255  # levels of a curve
OUTSIDE, ROOM = 0.005, 0.5  # share of the values beyond either end of a channel's usual span; the span that is added
MARGIN = 0.04  # of a map, on each side
FINEST, LAST = 65535, 255  # of places, and of colours
SEED = 0

Levels = NDArray[np.uint8]


def shown(n: int) -> Ints:
    """Ids of the windows of a view that are shown, evenly thinned. A row of what is shown is a place in this order.

    The order is drawn by lot, so that a row does not tell when a window was, nor hence what it is.
    """
    return np.random.default_rng(SEED).permutation(thin(n, MOST))


def channels_shown(values: Floats) -> Ints:
    """The first three channels of windows (n, n_channels, length) that vary; the very first if none does."""
    low, high = (of(values, axis=(0, 2)) for of in (np.nanmin, np.nanmax))
    varying = np.flatnonzero(high > low)
    return varying[:MOST_CHANNELS] if len(varying) else np.arange(1)


def waves(values: Floats) -> dict[str, Any]:
    """Curves of the shown windows: uint8, n × channels × samples, 0 low and 254 high, 255 where a value is missing.

    Every channel has one scale for all windows. What lies far outside of the usual is drawn at the edge, so that a
    spike does not flatten everything else; of a window with many samples the extremes are kept, so that it stays.

    Args:
        values: (n, n_channels, length) of the channels to be shown.
    """
    levels = _squeezed(_levels(values), SAMPLES)
    n, channels, samples = levels.shape
    return {"n": n, "channels": channels, "samples": samples, "data": _text(levels)}


def points(xy: Floats, colour: Levels | None) -> dict[str, Any]:
    """A map: uint16 little-endian, n × 2, in a square with one scale for both directions; y points up.

    Who draws it has to turn y round, because on a screen it points down.

    Args:
        xy: (n, 2) of the shown windows.
        colour: (n,) as `ranks` makes them; None: all points look alike.
    """
    middle = (xy.max(axis=0) + xy.min(axis=0)) / 2
    side = float(np.ptp(xy, axis=0).max()) / (1 - 2 * MARGIN)
    places = np.rint((0.5 + (xy - middle) / (side or 1.0)) * FINEST).astype("<u2")
    return {"n": len(xy), "xy": _text(places), "colour": None if colour is None else _text(colour)}


def ranks(at: NDArray[Any]) -> Levels:
    """(n,) colours from 0, the earliest, to 255, the latest: by order, whatever the pauses.

    Args:
        at: (n,) when each window starts, samples or clock times.
    """
    order = np.unique(at, return_inverse=True)[1]
    return np.asarray(np.rint(order * (LAST / max(1, order.max(initial=0)))), np.uint8)


def line(values: Floats, series: int, where: Where) -> dict[str, Any]:
    """A whole series as a plain chart: uint8, channels × samples; and which shown windows lie where on it.

    Args:
        values: (n_samples, n_channels) of the channels to be shown.
        series: its number in `where`.
        where: all shown windows lie; any order.
    """
    levels = _squeezed(_levels(values.T[None]), LINE_SAMPLES)[0]
    ids = np.flatnonzero(where.series == series)
    ids = ids[np.argsort(where.start[ids], kind="stable")]
    at = np.rint((where.start[ids] + where.length / 2) / len(values) * FINEST).astype("<u2")
    channels, samples = levels.shape
    return {"channels": channels, "samples": samples, "data": _text(levels), "ids": ids.tolist(), "at": _text(at)}


def _levels(values: Floats) -> Levels:
    """(n, n_channels, length) → levels, each channel on a scale of its own; a constant in the middle."""
    levels = np.full(values.shape, MISSING, np.uint8)
    for c in range(values.shape[1]):
        own = values[:, c]
        known = np.isfinite(own)
        if known.any():
            low, high = _span(own[known])
            share = (own[known] - low) / (high - low) if high > low else np.full(known.sum(), 0.5)
            levels[:, c][known] = np.rint(HIGHEST * np.clip(share, 0, 1)).astype(np.uint8)
    return levels


def _span(known: Floats) -> tuple[float, float]:
    """What holds nearly all values (n,), with some room, and no more than the values need."""
    least, low, high, most = np.quantile(known, [0, OUTSIDE, 1 - OUTSIDE, 1]).tolist()
    if low == high:  # hardly anything varies: what does must be seen
        return least, most
    room = ROOM * (high - low)
    return max(least, low - room), min(most, high + room)


def _squeezed(levels: Levels, most: int) -> Levels:
    """(n, n_channels, length) to at most so many samples: lowest and highest of each of most/2 parts, as they come."""
    length = levels.shape[2]
    if length <= most:
        return levels
    missing = levels == MISSING
    low, high = np.where(missing, HIGHEST + 1, levels), np.where(missing, -1, levels.astype(np.int16))
    parts = []
    for a, b in pairwise(np.linspace(0, length, most // 2 + 1).astype(int)):
        ends = np.sort([low[..., a:b].argmin(axis=-1), high[..., a:b].argmax(axis=-1)], axis=0)
        parts += [np.take_along_axis(levels[..., a:b], one[..., None], axis=-1) for one in ends]
    return np.concatenate(parts, axis=-1)


def _text(numbers: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(numbers).tobytes()).decode("ascii")
