"""The inner loops of the search for neighbours, compiled. Only core/neighbours.py calls them."""

from typing import Any

from core.parallel import compiled


@compiled
def keep_least(values: Any, first: int, own: Any, kept: Any, ids: Any) -> None:
    """Keep the least values of each row of a block, and where they are.

    Args:
        values: (r, m) float32, of the columns first, first + 1, … of a wide matrix that comes block by block.
        own: (r,), a column that does not count; -1: all count.
        kept, ids: (r, c), a heap each row, the greatest first; `kept` starts at infinity.
    """
    for r in range(values.shape[0]):
        row, places = kept[r], ids[r]
        c = len(row)
        greatest = row[0]
        for m in range(values.shape[1]):
            value = values[r, m]
            if value >= greatest or first + m == own[r]:
                continue
            i = 0
            while 2 * i + 1 < c:
                child = 2 * i + 1
                if child + 1 < c and row[child + 1] > row[child]:
                    child += 1
                if row[child] <= value:
                    break
                row[i], places[i] = row[child], places[child]
                i = child
            row[i], places[i] = value, first + m
            greatest = row[0]


@compiled
def squared_distances(first: int, last: int, asked: Any, known: Any, ids: Any, squares: Any) -> None:
    """Of each row first … last - 1 of `asked` (m, d) to its rows ids (m, c) of `known` (n, d), in float64."""
    d = known.shape[1]
    even = d - d % 4
    for i in range(first, last):
        for c in range(ids.shape[1]):
            j = ids[i, c]
            s0 = s1 = s2 = s3 = 0.0  # four sums that do not wait for each other
            for f in range(0, even, 4):
                d0 = float(asked[i, f]) - float(known[j, f])
                d1 = float(asked[i, f + 1]) - float(known[j, f + 1])
                d2 = float(asked[i, f + 2]) - float(known[j, f + 2])
                d3 = float(asked[i, f + 3]) - float(known[j, f + 3])
                s0, s1, s2, s3 = s0 + d0 * d0, s1 + d1 * d1, s2 + d2 * d2, s3 + d3 * d3
            for f in range(even, d):
                d0 = float(asked[i, f]) - float(known[j, f])
                s0 += d0 * d0
            squares[i, c] = (s0 + s1) + (s2 + s3)
