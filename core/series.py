"""Series: channels on one time axis. What a table is made of, what preprocessing changes, what windows are cut from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Times = NDArray[np.datetime64]


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Channels on one time axis, in order of time; rows of one time keep the order of the file."""

    domain: str | None  # line, site or file
    time: Times | None  # (n,) datetime64[ns], the clock as written
    values: Floats  # (n, n_channels), units of the source; NaN where missing
    channels: tuple[str, ...]
    label: NDArray[np.str_] | None  # (n,), as written; "" where missing
    step: float | None = None  # seconds from one sample to the next, where somebody told the rate and no clock does
    filled: Bools | None = None  # (n, n_channels), True where preprocessing put a value in a gap; None: nowhere
