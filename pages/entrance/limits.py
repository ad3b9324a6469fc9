"""How much one person may ask of the app, so that the others still get theirs. In memory: a restart begins anew."""

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from math import inf

MOST_ADDRESSES = 10_000  # remembered; whoever came longest ago is forgotten first


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast something may happen, and how much of it at once."""

    a_second: float
    at_once: float


@dataclass(slots=True)
class Bucket:
    """What is left of it: taken by what happens, refilled by time."""

    pace: Pace
    left: float = field(init=False)
    at: float = field(init=False)  # seconds of the monotonic clock

    def __post_init__(self) -> None:
        self.left, self.at = self.pace.at_once, time.monotonic()

    def take(self, amount: float = 1) -> float:
        """Take it, or nothing where that much is not there.

        Returns: the seconds until it is; 0: taken. More than fits at once is never there.
        """
        now = time.monotonic()
        self.left = min(self.pace.at_once, self.left + (now - self.at) * self.pace.a_second)
        self.at = now
        if amount <= self.left:
            self.left -= amount
            return 0.0
        return inf if amount > self.pace.at_once else (amount - self.left) / self.pace.a_second


class Buckets:
    """One for each name, up to so many names."""

    def __init__(self, pace: Pace, most: int = MOST_ADDRESSES) -> None:
        self.pace, self.most = pace, most
        self._of: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, name: str, amount: float = 1) -> float:
        bucket = self._of.setdefault(name, Bucket(self.pace))
        self._of.move_to_end(name)
        if len(self._of) > self.most:
            self._of.popitem(last=False)
        return bucket.take(amount)
