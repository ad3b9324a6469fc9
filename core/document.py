"""What a document says, whichever form it takes: printed pages, slides or a page for a browser."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

UNKNOWN = "〓"  # what Japanese printers set for a letter that they lack
BETWEEN = " · "  # facts on one line
COMBINED = re.compile(r".[\u0300-\u036f\u3099\u309a]+")  # a letter and its accents, as some systems store them
NO_LETTER = re.compile("[\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")  # halves of letters, and what no file may hold
HOLDS = "\u00a0"  # a space that no line ends at
BLANK = re.compile(rf"[^\S{HOLDS}]+")
RANGE = re.compile(r"\([-+−]?\d[\d.,]*%? [–…] [-+−]?\d[\d.,]*%?\)|\d %")  # "(0.2 – 1.2)", "95 %": not torn apart
NUMBER = re.compile(r"(?:[A-Z]{3} )?\W{0,3}\d.{0,24}")  # "+0.7 (0.2–1.2)", "JPY 1,200", "12 s"


@dataclass(frozen=True, slots=True)
class Paragraphs:
    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class Bullets:
    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table."""

    rows: Sequence[Sequence[str]]  # the first row has the heads, the first column names the rows
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    png: bytes
    svg: bytes  # the same picture
    alt: str  # for who cannot see it
    caption: str = ""


Block = Paragraphs | Bullets | Grid | Picture


@dataclass(frozen=True, slots=True)
class Section:
    heading: str
    blocks: Sequence[Block]


@dataclass(frozen=True, slots=True)
class Document:
    """From its first line to its last. All of it is shown as it is: nothing in it is markup."""

    title: str
    facts: Sequence[str]  # one small line below the title
    headline: str  # one sentence, large
    sections: Sequence[Section]
    footer: Sequence[str]  # what it was made of, versions, fingerprint, when
    language: Literal["ja", "en"]


def clean(text: str) -> str:
    """One line without control characters, nor what turns the direction of letters; a mark for half a letter."""
    composed = COMBINED.sub(lambda match: unicodedata.normalize("NFC", match[0]), BLANK.sub(" ", text).strip())
    seen = (letter for letter in composed if unicodedata.category(letter) not in ("Cc", "Cf"))
    whole = RANGE.sub(lambda match: match[0].replace(" ", HOLDS), "".join(seen))
    return NO_LETTER.sub(UNKNOWN, whole)


def squared(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """The columns of a table, with empty cells where a row has too few."""
    return [list(column) for column in zip_longest(*rows, fillvalue="")]


def is_numeric(cells: Sequence[str]) -> bool:
    """Whether most of a column's cells that say something are numbers; the head is not among them."""
    told = [cell for cell in cells if any(letter.isalnum() for letter in cell)]
    return 2 * sum(NUMBER.fullmatch(cell) is not None for cell in told) > len(told)


def says(block: Block) -> bool:
    """Whether there is anything to see."""
    if isinstance(block, Picture):
        return True
    return any(block.rows) if isinstance(block, Grid) else bool(block.lines)
