"""Who tries again and again waits longer each time. In memory, and no more of it than a bound."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """So many tries are free; after that each one doubles the wait."""

    free: int
    first: float  # seconds
    most: float  # seconds

    def wait(self, tries: int) -> float:
        """Seconds between the last of so many tries and the next."""
        return 0.0 if tries < self.free else min(self.most, self.first * 2.0 ** min(tries - self.free, 30))


class Throttle:
    """Tries by key, the least lately tried forgotten first."""

    def __init__(self, pace: Pace, most_kept: int = 10_000, clock: Callable[[], float] = time.monotonic) -> None:
        self.pace, self.most_kept, self.clock = pace, most_kept, clock
        self._tries: OrderedDict[Hashable, tuple[int, float]] = OrderedDict()

    def wait(self, key: Hashable) -> float:
        """Seconds until this key may try; 0: now."""
        tries, last = self._of(key)
        return max(0.0, last + self.pace.wait(tries) - self.clock())

    def note(self, key: Hashable) -> None:
        """One more try."""
        tries, _ = self._of(key)
        self._tries[key] = tries + 1, self.clock()
        self._tries.move_to_end(key)
        while len(self._tries) > self.most_kept:
            self._tries.popitem(last=False)

    def forget(self, key: Hashable) -> None:
        """It was the right one."""
        self._tries.pop(key, None)

    def __len__(self) -> int:
        return len(self._tries)

    def _of(self, key: Hashable) -> tuple[int, float]:
        """Tries and when the last one was; a key that kept quiet for long starts anew."""
        tries, last = self._tries.get(key, (0, 0.0))
        quiet = self.clock() - last > 4 * self.pace.most
        return (0, 0.0) if quiet else (tries, last)
