"""How far work has come, for people at a terminal, in a notebook or with a log."""

import shutil
import sys
import time
import unicodedata
from dataclasses import dataclass, field
from typing import TextIO

from core.words import Voice

EVERY = 0.1  # seconds between two drawings of a bar
CELLS = 20  # of a bar


def wide(text: str) -> int:
    """Columns of a terminal that a text takes: Japanese letters take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def fitted(text: str, columns: int) -> str:
    """Exactly so wide: cut off, or filled up with spaces."""
    while wide(text) > columns:
        text = text[:-1]
    return text + " " * (columns - wide(text))


def in_notebook() -> bool:
    return "ipykernel" in sys.modules


@dataclass(slots=True)
class Reporter:
    """Draws one bar that is drawn over and over where somebody looks on; elsewhere writes a line for each stage."""

    voice: Voice
    out: TextIO
    _last: dict[str, str] = field(default_factory=dict)  # stage by what is being made
    _at: float = 0.0  # when the bar was drawn
    _drawn: bool = False

    def __call__(self, name: str, stage: str, done: int, total: int) -> None:
        """So many of all of a stage are done, of what is called `name` ("": of the only thing that is made)."""
        new = self._last.get(name) != stage
        self._last[name] = stage
        said = ": ".join(filter(None, (name, self.voice._(stage))))
        if not (self.out.isatty() or in_notebook()):
            if new:
                self.line(said)
        elif new or done == total or time.monotonic() - self._at >= EVERY:
            full = round(CELLS * done / max(total, 1))
            self._draw(f"[{'#' * full}{'.' * (CELLS - full)}] {100 * done // max(total, 1):3} % {said}")

    def line(self, text: str) -> None:
        """A line of its own, that stays."""
        self.clear()
        self.out.write(f"{text}\n")
        self.out.flush()

    def clear(self) -> None:
        """Take the bar away."""
        if self._drawn:
            self._draw("")
            self.out.write("\r")
            self._drawn = False

    def _draw(self, text: str) -> None:
        self.out.write(f"\r{fitted(text, shutil.get_terminal_size().columns - 1)}")
        self.out.flush()
        self._at, self._drawn = time.monotonic(), True
