"""Every guess about how a file is read, as something that can be changed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from core.cells import DECIMALS, THOUSANDS, Notation
from core.delimited import COMMENTS, DELIMITERS, QUOTES
from core.encodings import ENCODINGS
from core.errors import N_
from core.layouts import LAYOUTS, REPEATS
from core.reader import Source
from core.tables import Reading, Table
from core.zones import zones
from feedback_db.datasets import Dataset
from pages.parts.guard import guard
from pages.parts.intake import guess_again, read_again
from pages.parts.text import _

NONE = ""  # the choice “there is no such column”
LAYOUT_NAMES = {
    "wide": N_("a column for each channel"),
    "long": N_("a row for each value"),
    "rows": N_("a row for each series"),
    "ts": N_("a .ts file"),
}
WRITTEN = {
    "": N_("as the cells show it"),
    "ymd": N_("year, month, day"),
    "dmy": N_("day, month, year"),
    "mdy": N_("month, day, year"),
    "compact": N_("digits only, such as 20261123140500"),
    "epoch-s": N_("seconds since 1970"),
    "epoch-ms": N_("milliseconds since 1970"),
    "epoch-us": N_("microseconds since 1970"),
    "epoch-ns": N_("nanoseconds since 1970"),
    "excel": N_("days, as Excel counts them"),
}
REPEAT_NAMES = {
    "keep": N_("keep all rows"),
    "first": N_("keep the first row"),
    "last": N_("keep the last row"),
    "mean": N_("take their mean"),
}
MARKS = {
    ",": N_("comma ,"),
    ";": N_("semicolon ;"),
    "\t": N_("tab"),
    "|": N_("bar |"),
    ".": N_("point ."),
    " ": N_("spaces"),
    '"': N_("double quotes"),
    "'": N_("single quotes"),
    "": N_("none"),
}
CHARACTERS = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 (BOM)",
    "utf-16": "UTF-16",
    "cp932": "Shift-JIS (cp932)",
    "euc_jp": "EUC-JP",
    "iso2022_jp": "ISO-2022-JP (JIS)",
    "cp1252": "Windows-1252",
}


def form(one: Dataset, reading: Reading, table: Table) -> None:
    """A change that does not work says why, and keeps the old reading."""
    with st.expander(_("Not right? Correct it here"), icon=":material/tune:", key=f"correct-{one.id}"):
        if reading.layout == "ts":
            st.caption(_("A .ts file says itself how it is to be read."))
            return
        key = f"{one.id}-{Source(one.sha256, reading).table_fingerprint()[:8]}"
        columns, time, written = st.tabs([_("Columns"), _("Time"), _("How the file is written")])
        with columns:
            wanted = _columns(reading, table, key)
        with time:
            wanted = _time(wanted, table, key)
        with written, guard():
            wanted = _written(one, reading, table, key) or wanted
        if wanted != reading:
            with guard():
                read_again(one, wanted)
                st.rerun()


def _columns(reading: Reading, table: Table, key: str) -> Reading:
    left, right = st.columns(2)
    with left:
        layout = st.selectbox(
            _("Layout"),
            LAYOUTS[:3],
            LAYOUTS.index(reading.layout),
            format_func=lambda c: _(LAYOUT_NAMES[c]),
            key=f"layout-{key}",
        )
        label = _column(_("Label (for example good / bad)"), table, reading.label, f"label-{key}")
    with right:
        domain = _column(_("Line or site"), table, reading.domain, f"domain-{key}")
        site = reading.site
        if domain is None:
            site = st.text_input(_("Name of the line or site"), reading.site, max_chars=100, key=f"site-{key}").strip()
    variable, value = reading.variable, reading.value
    if layout == "long":
        variable = _column(_("Column that names the channel"), table, variable, f"variable-{key}")
        value = _column(_("Column that holds the value"), table, value, f"value-{key}")
    channels = _channels(reading, table, layout, {reading.time, reading.clock, label, domain}, key)
    missing = st.text_input(
        _("Marks for a missing value, separated by spaces"), " ".join(reading.missing), key=f"missing-{key}"
    )
    if (layout, variable) != (reading.layout, reading.variable):
        channels = _new_channels(layout, variable, table)
    return replace(
        reading,
        layout=layout,
        label=label,
        domain=domain,
        site=site,
        variable=variable,
        value=value,
        channels=channels,
        missing=tuple(missing.split()),
    )


def _channels(reading: Reading, table: Table, layout: str, taken: set[str | None], key: str) -> tuple[str, ...]:
    numbers = [f.name for f in table.facts if f.kind == "number"]
    if layout == "long":
        numbers = list(table.series[0].channels)
    if len(numbers) > 200:  # a row a series: nobody picks samples one by one
        return tuple(n for n in reading.channels if n not in taken)
    options = list(dict.fromkeys([*reading.channels, *numbers]))
    chosen = st.multiselect(
        _("Channels (sensors)"), options, list(reading.channels), placeholder=_("choose"), key=f"channels-{key}"
    )
    order = options if layout == "long" else table.names
    return tuple(n for n in order if n in chosen and n not in taken) or reading.channels


def _new_channels(layout: str, variable: str | None, table: Table) -> tuple[str, ...]:
    """What a layout that was just chosen has for channels; of a long table what its first rows name."""
    if layout != "long":
        return tuple(f.name for f in table.facts if f.kind == "number")
    if variable is None:
        return tuple(f.name for f in table.facts if f.kind == "number")[:1]
    at = table.names.index(variable)
    return tuple(dict.fromkeys(row[at] for row in table.preview if row[at]))


def _time(reading: Reading, table: Table, key: str) -> Reading:
    left, right = st.columns(2)
    clock, written, zone, rate = reading.clock, reading.written, reading.zone, reading.rate
    with left:
        time = _column(_("Time"), table, reading.time, f"time-{key}")
        if time is None:
            rate = st.number_input(
                _("Samples a second, if you know it"), 0.0, None, reading.rate or 0.0, key=f"rate-{key}", format="%g"
            )
        else:
            clock = _column(_("Time of day, if it has a column of its own"), table, clock, f"clock-{key}")
            written = _code(_("How times are written"), list(WRITTEN), written, WRITTEN, f"written-{key}")
    repeats, ordered = reading.repeats, reading.ordered
    with right:
        if time is not None:
            names = ["", *zones()]
            zone = st.selectbox(
                _("Time zone, to undo summer time"),
                names,
                names.index(zone) if zone in names else 0,
                format_func=lambda z: z or _("leave the times as they are"),
                key=f"zone-{key}",
            )
            repeats = _code(_("Rows of one time"), list(REPEATS), repeats, REPEAT_NAMES, f"repeats-{key}")
            ordered = st.toggle(_("Put rows in order of time"), ordered, key=f"ordered-{key}")
    return replace(
        reading,
        time=time,
        clock=clock if time else None,
        written=written if time else "",
        zone=zone if time else "",
        rate=None if time or not rate else rate,
        repeats=repeats,
        ordered=ordered,
        channels=tuple(n for n in reading.channels if n not in (time, clock)) or reading.channels,
    )


def _written(one: Dataset, reading: Reading, table: Table, key: str) -> Reading | None:
    """How the bytes are split. Other marks make other columns, so these are guessed again; None: nothing changed."""
    told = marks(
        {
            "sheet": reading.sheet,
            "encoding": reading.encoding,
            "delimiter": reading.dialect.delimiter,
            "quote": reading.dialect.quote,
            "comment": reading.dialect.comment,
            "skip": reading.dialect.skip,
            "header": reading.dialect.header,
            "notation": reading.notation,
        },
        table.sheets,
        key,
    )
    return guess_again(one, told) if told else None


def marks(now: Mapping[str, Any], sheets: Sequence[str], key: str, *, everything: bool = False) -> dict[str, Any]:
    """Ask how a file is written.

    Returns:
        What is now to be taken as said: nothing where all is as before, unless everything is wanted. Where the columns
        come out otherwise, where the table begins and how numbers are written is left to be guessed.
    """
    first = st.columns(4)
    if sheets:
        new = {"sheet": _code(_("Sheet"), list(sheets), now["sheet"], {}, f"sheet-{key}", first[0])}
    else:
        encoding, quote = now["encoding"], now["quote"]
        separator = _("Columns are separated by")
        new = {
            "encoding": _code(_("Characters"), list(ENCODINGS), encoding, CHARACTERS, f"encoding-{key}", first[0]),
            "delimiter": _mark(separator, DELIMITERS, now["delimiter"], f"delimiter-{key}", first[1]),
            "quote": _mark(_("Quotation mark"), QUOTES, quote, f"quote-{key}", first[2]),
            "comment": _mark(_("A comment begins with"), COMMENTS, now["comment"], f"comment-{key}", first[3]),
        }
    second = st.columns(4)
    notation = now["notation"]
    decimal = _mark(_("Decimal mark"), DECIMALS, notation.decimal, f"decimal-{key}", second[0])
    others = [mark for mark in THOUSANDS if mark != decimal]
    thousands = notation.thousands if notation.thousands in others else ""
    thousands = _mark(_("Thousands mark"), others, thousands, f"thousands-{key}", second[1])
    skip = second[2].number_input(_("Rows above the table"), 0, 1000, now["skip"], key=f"skip-{key}")
    header = second[3].number_input(_("Rows that hold the names"), 0, 3, now["header"], key=f"header-{key}")
    rest = {"notation": Notation(decimal, thousands), "skip": skip, "header": header}
    if everything:
        return new | rest
    if all(now[name] == value for name, value in (new | rest).items()):
        return {}
    if any(now[name] != value for name, value in new.items()):
        return new
    return new | rest


def _column(label: str, table: Table, value: str | None, key: str) -> str | None:
    names = [NONE, *table.names]
    at = names.index(value) if value in names else 0
    return st.selectbox(label, names, index=at, format_func=lambda n: n or _("(none)"), key=key) or None


def _code(label: str, codes: list[str], value: str, names: Mapping[str, str], key: str, where: Any = st) -> Any:
    words: Callable[[str], str] = lambda code: _(names[code]) if code in names else code  # noqa: E731
    return where.selectbox(label, codes, codes.index(value) if value in codes else 0, format_func=words, key=key)


def _mark(label: str, marks_: Sequence[str], value: str, key: str, where: Any) -> str:
    return _code(label, list(marks_), value, MARKS, key, where)
