"""Rows that are plainly written → columns, hundreds of megabytes a second. Exactly what core/delimited.py reads."""

import csv
import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as fast

from core.delimited import SPACES, Dialect, Strings

_ASCII_SPACES = " \t\v\f\x1c\x1d\x1e\x1f"  # what Python and Arrow trim, beside the ends of lines


def plain_columns(piece: str, dialect: Dialect, n: int) -> list[Strings] | None:
    """The cells of n lines that all have as many as the first one, trimmed; None where they are not as plain as that.

    Args:
        piece: whole lines, that no row goes beyond.
    """
    if piece.startswith("\ufeff") or ("\r" in piece and piece.count("\r") != piece.count("\r\n")):
        return None
    delimiter, quote = dialect.delimiter, dialect.quote
    if delimiter == SPACES:
        if not piece.isascii() or any(space in piece for space in _ASCII_SPACES[2:]):
            return None
        piece, delimiter, quote = _single_tabs(piece), "\t", ""
    raw = piece.encode()
    quoted = bool(quote) and quote in piece
    if quoted and not _around_cells(raw, ord(delimiter), ord(quote)):
        return None
    first = piece[: piece.find("\n")]
    cells = next(csv.reader([first], delimiter=delimiter, quotechar=quote), [""]) if quoted else first.split(delimiter)
    columns = _columns(raw, delimiter, quote if quoted else False, len(cells))
    if columns is None or len(columns[0]) != n:
        return None
    if piece.isascii() and not any(space in piece for space in _ASCII_SPACES if quoted or space != delimiter):
        return columns
    return [pc.utf8_trim_whitespace(column) for column in columns]


def _single_tabs(piece: str) -> str:
    """Cells that are apart by any number of spaces or tabs, apart by one tab."""
    bare = re.sub(r"[ \t]*\n[ \t]*", "\n", piece.replace("\r\n", "\n")).strip(" \t")
    return re.sub(r"[ \t]+", "\t", bare)


def _around_cells(raw: bytes, delimiter: int, quote: int) -> bool:
    """Whether all quotation marks stand around whole cells, that have no other ones and no line break in them."""
    end = ord("\n")
    text = np.frombuffer(b"\n" + raw + b"\n", np.uint8)
    at = np.flatnonzero(text == quote)
    if len(at) % 2:
        return False
    opens, closes = at[::2], at[1::2]
    before, after = text[opens - 1], text[closes + 1]
    breaks = np.flatnonzero(text == end)
    return bool(
        np.all((before == delimiter) | (before == end))
        and np.all((after == delimiter) | (after == end) | (after == ord("\r")))
        and np.array_equal(np.searchsorted(breaks, opens), np.searchsorted(breaks, closes))
    )


def _columns(raw: bytes, delimiter: str, quote: str | bool, width: int) -> list[Strings] | None:
    names = [str(i) for i in range(width)]
    try:
        table = fast.read_csv(
            pa.py_buffer(raw),
            read_options=fast.ReadOptions(column_names=names, block_size=2**30),
            parse_options=fast.ParseOptions(delimiter=delimiter, quote_char=quote, ignore_empty_lines=False),
            convert_options=fast.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), check_utf8=False),
        )
    except pa.ArrowInvalid:
        return None
    return [column.combine_chunks() for column in table.columns]
