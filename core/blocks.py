"""The blocks of a Parquet or CSV file: pieces of it that can be read by themselves."""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as pq

from core.errors import N_, UserError
from core.series import Floats, Ints

LINES = 4 * 1024 * 1024  # bytes of a CSV file in a block
CHUNK = 8 * 1024 * 1024  # bytes that are hashed at a time


@dataclass(frozen=True, slots=True)
class Block:
    at: int  # number of the row group; of a CSV file the first byte
    size: int  # bytes, of a CSV file
    n: int  # rows


def of(file: IO[bytes], name: str, columns: Sequence[str]) -> tuple[str, list[Block]]:
    """SHA-256 of a file, and its blocks.

    Raises:
        UserError: it cannot be read, or lacks one of the columns.
    """
    hashed = hashlib.sha256()
    while data := file.read(CHUNK):
        hashed.update(data)
    try:
        there = _header(file) if name.endswith(".csv") else _parquet(file).schema_arrow.names
    except (pa.ArrowInvalid, UnicodeDecodeError) as e:
        raise _unreadable(name) from e
    for column in columns:
        if column not in there:
            raise UserError(
                N_("“{file}” has no column “{column}”; it has {columns}."),
                N_("Let all files of a folder have the same columns, or name others."),
                file=name,
                column=column,
                columns=", ".join(there[:20]),
            )
    return hashed.hexdigest(), _lines(file, name) if name.endswith(".csv") else _groups(file)


def _groups(file: IO[bytes]) -> list[Block]:
    known = _parquet(file).metadata
    return [Block(i, 0, known.row_group(i).num_rows) for i in range(known.num_row_groups)]


def _lines(file: IO[bytes], name: str) -> list[Block]:
    """Cut after a line's end, every few megabytes."""
    first = _header(file)[:1]
    found: list[Block] = []
    file.seek(0)
    at = len(file.readline())
    while True:
        file.seek(at)
        data = file.read(LINES)
        if not data:
            return found
        size = len(data) + (0 if data.endswith(b"\n") else len(file.readline()))
        n = len(read(file, name, Block(at, size, 0), first))  # as it is read, so without empty lines
        found.append(Block(at, size, n))
        at += size


def _header(file: IO[bytes]) -> list[str]:
    file.seek(0)
    line = file.readline().decode("utf-8-sig").strip()
    return [name.strip().strip('"') for name in line.split(",")]


def _parquet(file: IO[bytes]) -> pq.ParquetFile:
    file.seek(0)
    return pq.ParquetFile(file)


def read(file: IO[bytes], name: str, block: Block, columns: Sequence[str]) -> pa.Table:
    """These columns of a block."""
    try:
        if not name.endswith(".csv"):
            return _parquet(file).read_row_group(block.at, list(columns))
        if not columns:
            return pa.table({})
        names = _header(file)
        file.seek(block.at)
        return csv.read_csv(
            io.BytesIO(file.read(block.size)),
            csv.ReadOptions(column_names=names),
            convert_options=csv.ConvertOptions(include_columns=list(columns)),
        )
    except pa.ArrowInvalid as e:
        raise _unreadable(name) from e


def _unreadable(name: str) -> UserError:
    return UserError(
        N_("“{file}” cannot be read."),
        N_("Write it again as Parquet, or as plain CSV: one line of names, commas, decimal points."),
        file=name,
    )


def numbers(table: pa.Table, channels: Sequence[str], name: str) -> Floats:
    """(n, n_channels), NaN where a value is missing or infinite."""
    values = np.empty((len(table), len(channels)))
    for c, channel in enumerate(channels):
        column = table.column(channel)
        try:
            values[:, c] = pc.fill_null(column.cast(pa.float64(), safe=False), np.nan).to_numpy()
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as e:
            raise UserError(
                N_("In “{file}”, “{channel}” has {kind} in it, not numbers."),
                N_("Write numbers with a decimal point, and nothing where a value is missing."),
                file=name,
                channel=channel,
                kind=str(column.type),
            ) from e
    values[~np.isfinite(values)] = np.nan
    return values


def nanoseconds(table: pa.Table, column: str, name: str) -> Ints:
    """(n,) since 1970; of times with an offset, in UTC."""
    told = table.column(column)
    if not (pa.types.is_timestamp(told.type) or pa.types.is_date(told.type)) or told.null_count:
        raise UserError(
            N_("In “{file}”, “{column}” is not a time in every row."),
            N_("Write times as timestamps (in CSV like 2026-11-23T14:05:00), or leave the time column out."),
            file=name,
            column=column,
        )
    return np.asarray(told.cast(pa.timestamp("ns")).cast(pa.int64()).to_numpy())
