"""Which points lie inside a lasso. Pure: a screen passes what was drawn and gets row numbers."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.series import Ints


def in_polygon(xy: NDArray[np.floating], polygon: ArrayLike) -> Ints:
    """Row numbers, in order, of the points inside a polygon that closes by itself: even-odd rule.

    A point is inside if a ray from it to the right crosses the outline an odd number of times; so a loop that overlaps
    another takes the overlap out. Left and lower edges belong to the polygon, right and upper ones do not: polygons
    that share an edge share no point. With the points in order of height an edge meets only those beside it, so the
    cost is n log n for the order and n times the few edges that lie at one height.

    Args:
        xy: (n, 2), finite.
        polygon: (m, 2) corners in the order in which they were drawn; fewer than 3 hold no point.
    Source: the pnpoly test of W. R. Franklin, https://wrfranklin.org/Research/Short_Notes/pnpoly.html
    """
    corners = np.asarray(polygon, dtype=np.float64).reshape(-1, 2)
    if len(corners) < 3:
        return np.arange(0)
    (left, low), (right, high) = corners.min(axis=0), corners.max(axis=0)
    x, y = np.ascontiguousarray(xy.T)
    near = np.flatnonzero((left <= x) & (x < right) & (low <= y) & (y < high))
    near = near[np.argsort(y[near])]
    x, y = x[near].astype(np.float64), y[near].astype(np.float64)

    inside = np.zeros(len(near), dtype=bool)
    ends = np.roll(corners, -1, axis=0)
    firsts, lasts = np.searchsorted(y, np.sort(np.column_stack([corners[:, 1], ends[:, 1]]))).T
    for (x0, y0), (x1, y1), first, last in zip(corners, ends, firsts, lasts, strict=True):
        if first < last:  # so the edge is not level
            beside = slice(first, last)
            inside[beside] ^= x[beside] < x0 + (y[beside] - y0) * ((x1 - x0) / (y1 - y0))
    found = np.zeros(len(xy), dtype=bool)
    found[near[inside]] = True
    return np.flatnonzero(found)
