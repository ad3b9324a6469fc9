"""Folders of Parquet or CSV files that are larger than memory: what is in them, and any stretch of a series.

A file is a row of blocks (row groups, or a few megabytes of lines), and a series a row of stretches of blocks, in order
of time. Files are looked through once, each by itself; after that any samples are read by reading their blocks alone.
CSV is the plain kind that machines write: UTF-8, one line of names, commas, decimal points, ISO times, no line breaks
in cells. Whatever people made is read by core.tables, from uploads.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from core import blocks
from core.artifacts import fingerprint
from core.blocks import Block
from core.errors import N_, UserError
from core.remote import Folder, Found
from core.series import Floats, Ints, Series

ENDINGS = (".parquet", ".csv")


@dataclass(frozen=True, slots=True)
class FolderSpec:
    """Where the files are, and which columns are what."""

    url: str  # a path, or an address that fsspec knows
    channels: tuple[str, ...]
    time: str = ""  # column; "": there is no clock, rows are in order
    series: tuple[str, ...] = ()  # folders named "sensor=17" or columns that tell a series; (): each file is one

    def __post_init__(self) -> None:
        if not self.channels:
            raise UserError(N_("No channel is named for this folder."), N_("Name the columns that hold values."))
        named = [*self.channels, *self.series, *filter(None, [self.time])]
        twice = [name for name in named if named.count(name) > 1]
        if twice:
            raise UserError(
                N_("The column “{column}” is named for two things."),
                N_("Name each column once: as time, as a channel, or as what tells the series."),
                column=twice[0],
            )

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"channels": list(self.channels), "series": list(self.series)}

    @classmethod
    def from_json(cls, d: Mapping[str, Any]) -> Self:
        return cls(d["url"], tuple(d["channels"]), d.get("time", ""), tuple(d.get("series", ())))

    def columns(self) -> dict[str, Any]:
        """What of the spec decides which numbers are read: all but where the folder is."""
        return {name: value for name, value in self.to_json().items() if name != "url"}


@dataclass(frozen=True, slots=True)
class Stretch:
    """Samples of one series in one block, all rows of which belong to it unless a column tells."""

    file: str
    block: Block
    n: int  # samples
    first: int  # time of the first and the last one, in nanoseconds since 1970; 0 without a clock
    last: int


@dataclass(frozen=True, slots=True)
class Whole:
    """One series of a folder, or a part of it: where its samples lie, in order of time."""

    name: str
    stretches: tuple[Stretch, ...]
    begin: int = 0  # number, in the series, of the first sample of these stretches

    @property
    def n(self) -> int:
        return sum(one.n for one in self.stretches)

    def between(self, first: int, end: int) -> "Whole":
        """No more stretches than it takes to read samples first … end - 1."""
        edges = self.begin + np.cumsum([0, *(one.n for one in self.stretches)])
        inside = np.flatnonzero((edges[:-1] < end) & (edges[1:] > first))
        if not len(inside):
            return Whole(self.name, (), first)
        return Whole(self.name, self.stretches[inside[0] : inside[-1] + 1], int(edges[inside[0]]))


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """What a folder holds."""

    digest: str  # of the files' names and bytes: the same content has the same one anywhere
    series: tuple[Whole, ...]  # in order of their names
    files: Mapping[str, Found]  # by name
    hashes: Mapping[str, str]  # SHA-256 of each

    @property
    def n_bytes(self) -> int:
        return sum(one.size for one in self.files.values())


# --- looking a file through, on a worker


def looked_through(spec: FolderSpec, name: str) -> dict[str, Any]:
    """What is in a file, ready for JSON: its SHA-256, and (series, block, n, first, last) of each stretch.

    Raises:
        UserError: it lacks a column, its times go back, or it is no such file.
    """
    folder = Folder(spec.url)
    told = _told_by_path(spec, name)
    inside = [column for column in spec.series if column not in told]
    with folder.open(name) as file:
        sha256, found = blocks.of(file, name, (*spec.channels, *inside, *filter(None, [spec.time])))
        stretches: list[list[Any]] = []
        latest: dict[str, int] = {}
        for block in found:
            if not block.n:
                continue
            table = blocks.read(file, name, block, [*inside, *filter(None, [spec.time])])
            for key, rows in _groups(table, inside, block.n):
                first, last = _ends(spec, name, table, rows, latest.get(key))
                latest[key] = last
                series = _name(spec, name, told, key)
                stretches.append([series, [block.at, block.size, block.n], len(rows), first, last])
    return {"sha256": sha256, "stretches": stretches}


def _told_by_path(spec: FolderSpec, name: str) -> dict[str, str]:
    """Values of those of the spec's series columns that the path tells, as in sensor=17/2026-01.parquet."""
    parts = dict(part.split("=", 1) for part in name.split("/")[:-1] if "=" in part)
    return {column: parts[column] for column in spec.series if column in parts}


def _name(spec: FolderSpec, file: str, told: Mapping[str, str], key: str) -> str:
    if not spec.series:
        return file.rsplit(".", 1)[0]
    inside = iter(key.split("\0"))
    return "/".join(told[column] if column in told else next(inside) for column in spec.series)


def _groups(table: pa.Table, inside: Sequence[str], n: int) -> Iterable[tuple[str, Ints]]:
    """Row numbers of each series in a block, under the texts of the columns that tell it."""
    if not inside:
        return [("", np.arange(n))]
    codes = _keys(table, inside).dictionary_encode()
    order = np.argsort(codes.indices.to_numpy(), kind="stable")
    names = codes.dictionary.to_pylist()
    edges = np.searchsorted(codes.indices.to_numpy()[order], np.arange(len(names) + 1))
    return [(name, order[a:b]) for name, (a, b) in zip(names, pairwise(edges), strict=True)]


def _keys(table: pa.Table, inside: Sequence[str]) -> pa.Array:
    texts = [pc.fill_null(table.column(column).cast(pa.string()), "") for column in inside]
    joined = texts[0] if len(texts) == 1 else pc.binary_join_element_wise(*texts, "\0")
    return joined.combine_chunks()


def _ends(spec: FolderSpec, file: str, table: pa.Table, rows: Ints, before: int | None) -> tuple[int, int]:
    """First and last time of these rows, or why they are not in order."""
    if not spec.time:
        return 0, 0
    t = blocks.nanoseconds(table, spec.time, file)[rows]
    if (t[1:] < t[:-1]).any() or (before is not None and t[0] < before):
        raise UserError(
            N_("In “{file}”, the times of a series go back."),
            N_("Sort each series by time before it is written, or leave the file out."),
            file=file,
        )
    return int(t[0]), int(t[-1])


# --- all files together


def contents(spec: FolderSpec, files: Iterable[Found], looked: Mapping[str, Mapping[str, Any]]) -> Contents:
    """What the files come to.

    Args:
        looked: by name, what `looked_through` found in each.

    Raises:
        UserError: there is nothing, or two files of one series overlap in time.
    """
    found: dict[str, list[Stretch]] = {}
    for name in sorted(looked):
        for series, block, n, first, last in looked[name]["stretches"]:
            found.setdefault(series, []).append(Stretch(name, Block(*block), n, first, last))
    if not found:
        raise UserError(
            N_("There is no Parquet or CSV file with values in “{url}”."),
            N_("Check the address, and that the files end in .parquet or .csv."),
            url=spec.url,
        )
    hashes = {name: looked[name]["sha256"] for name in sorted(looked)}
    series = tuple(_in_order(name, found[name]) for name in sorted(found))
    return Contents(fingerprint("folder", list(hashes.items())), series, {one.name: one for one in files}, hashes)


def _in_order(name: str, stretches: list[Stretch]) -> Whole:
    ordered = sorted(stretches, key=lambda one: one.first)  # stable: without a clock, in order of the files' names
    for one, following in pairwise(ordered):
        if following.first < one.last:
            raise UserError(
                N_("The files “{first}” and “{second}” overlap in time."),
                N_("Let each file of a series begin where the one before has ended."),
                first=one.file,
                second=following.file,
            )
    return Whole(name, tuple(ordered))


# --- reading samples, on a worker


def read(spec: FolderSpec, one: Whole, first: int, end: int) -> Series:
    """Samples first … end - 1 of a series, from the blocks that hold them."""
    folder = Folder(spec.url)
    values: list[Floats] = []
    times: list[NDArray[np.datetime64]] = []
    part = one.between(first, end)
    at = part.begin
    for stretch in part.stretches:
        inside = slice(max(first - at, 0), min(end - at, stretch.n))
        at += stretch.n
        with folder.open(stretch.file) as file:
            table = _rows(
                spec, one.name, stretch, blocks.read(file, stretch.file, stretch.block, _wanted(spec, stretch))
            )
        table = table.slice(inside.start, inside.stop - inside.start)
        values.append(blocks.numbers(table, spec.channels, stretch.file))
        if spec.time:
            times.append(blocks.nanoseconds(table, spec.time, stretch.file).view("datetime64[ns]"))
    whole = np.concatenate(values) if values else np.zeros((0, len(spec.channels)))
    return Series(one.name, np.concatenate(times) if times else None, whole, spec.channels, None)


def _wanted(spec: FolderSpec, stretch: Stretch) -> list[str]:
    inside = [column for column in spec.series if column not in _told_by_path(spec, stretch.file)]
    return [*spec.channels, *filter(None, [spec.time]), *(inside if stretch.n < stretch.block.n else [])]


def _rows(spec: FolderSpec, name: str, stretch: Stretch, table: pa.Table) -> pa.Table:
    """Those of the series, where a block holds several."""
    if stretch.n == stretch.block.n:
        return table
    told = _told_by_path(spec, stretch.file)
    inside = [column for column in spec.series if column not in told]
    mine = [rows for key, rows in _groups(table, inside, len(table)) if _name(spec, stretch.file, told, key) == name]
    return table.take(pa.array(mine[0]))
