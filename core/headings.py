"""The rows above a table's data → one name a column, with its unit."""

import re
from collections import Counter
from collections.abc import Sequence

from core.delimited import Row
from core.errors import N_, UserError

MOST_COLUMNS = 1000


def check_width(n_columns: int) -> None:
    if n_columns > MOST_COLUMNS:
        raise UserError(
            N_("The file has {n} columns; the most is {most}."),
            N_("Keep only the columns you want to look at. If each row is one recording, swap rows and columns."),
            n=n_columns,
            most=MOST_COLUMNS,
        )


UNIT = re.compile(
    r"[\[(]?\s*(-|%|‰|℃|°[CF]?|Ω|[µμumkMGTncdh]?(m|g|s|A|V|W|Wh|Pa|N|Nm|N·m|J|Hz|l|L|ℓ|bar|rpm|min|h|t|S|T|F|B|K|C)"
    r"([/·*.]?(m|mm|cm|s|sec|min|h|kg|g|l|L|K|rev))?[²³23]?|mmHg|psi|rpm|r/min|m/s[²2]|G|dB|ppm|ppb|pcs|"
    r"個|秒|分|時|時間|回|枚|本|人|円|度|時刻|日時|YYYY.*|yyyy.*|hh:mm.*)\s*[\])]?"
)


def last_named(row: Sequence[str]) -> int:
    """How many columns up to the last one that has text."""
    return max((i + 1 for i, cell in enumerate(row) if cell), default=0)


def looks_like_units(row: Sequence[str]) -> bool:
    """Whether a row below the names holds units, such as "℃", "[mm/s]" or "-"."""
    cells = [cell for cell in row if cell and cell != "-"]
    known = sum(bool(UNIT.fullmatch(cell) or re.fullmatch(r"\[.{1,12}\]|\(.{1,12}\)", cell)) for cell in cells)
    return bool(cells) and known >= 0.6 * len(cells)


def names_of(rows: Sequence[Row]) -> list[str]:
    """One name a column from the rows of a heading; the last row may hold units: "load" above "kN" → "load [kN]"."""
    width = max(map(len, rows))
    padded = [row + [""] * (width - len(row)) for row in rows]
    units = padded.pop() if len(padded) > 1 and looks_like_units(padded[-1]) else [""] * width
    named = [" ".join(dict.fromkeys(filter(None, cells))) for cells in zip(*padded, strict=True)]
    bare = (unit.strip("[]() ") for unit in units)
    pairs = zip(named, bare, strict=True)
    return [f"{name} [{unit}]" if name and unit and unit != "-" else name for name, unit in pairs]


def unique_names(heading: Sequence[str]) -> tuple[str, ...]:
    """Header texts; a repeated one gets " (2)", an empty one becomes "column 3"."""
    known, names, taken = set(filter(None, heading)), [], set[str]()
    turn: Counter[str] = Counter()
    for i, cell in enumerate(heading, 1):
        name = chosen = cell or f"column {i}"
        while chosen in taken or (chosen in known and chosen != cell):
            turn[name] += 1
            chosen = f"{name} ({turn[name] + 1})"
        names.append(chosen)
        taken.add(chosen)
    return tuple(names)
