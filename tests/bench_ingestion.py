"""How fast, frugal and safe is reading files? `python3 manage.py bench ingestion`.

Large files of plain numbers, side by side: read as an upload is (how the file is written is guessed, the table is
checked and kept), and by pandas and pyarrow, which are told how it is written. Each in a process of its own, in turn.

With `--hostile FOLDER ...` every file below is read instead: each must come to a table that accounts for every row,
or to a refusal in words.
"""

import argparse
import csv
import io
import json
import math
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import dropwhile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv as arrow

from core.artifacts import Store
from core.cells import Notation
from core.delimited import SPACES, Dialect
from core.errors import UserError
from core.reader import MOST_SECONDS, Reader, Source, table_of
from core.tables import Table

MOST_MEMORY = 1e9  # bytes, of any file
BAR_SECONDS, BAR_MEGABYTES = 5.0, 200
READERS = ("ours", "pandas", "pyarrow")
ROUNDS = 3


def main() -> None:
    words = argparse.ArgumentParser(prog="manage.py bench ingestion", description=__doc__)
    words.add_argument(
        "--megabytes", type=int, default=BAR_MEGABYTES, help="how large the files are (default: %(default)s)"
    )
    words.add_argument("--hostile", nargs="+", type=Path, metavar="FOLDER", help="read every file below instead")
    words.add_argument("--json", type=Path, metavar="FILE", help="write every number there")
    words.add_argument("--one", nargs=3, help=argparse.SUPPRESS)  # a process of its own
    said = words.parse_args()
    if said.one:
        reader, form, file = said.one
        print(json.dumps(measured(reader, FORMS[form], Path(file))))
        return
    rows, passed = sweep(said.hostile) if said.hostile else side_by_side(said.megabytes)
    if said.json:
        said.json.write_text(json.dumps(rows, indent=1, ensure_ascii=False), encoding="utf-8")
    sys.exit(not passed)


# --- a large file, side by side


@dataclass(frozen=True, slots=True)
class Form:
    """A way of writing numbers down."""

    time: bool = False
    delimiter: str = ","
    decimal: str = "."
    encoding: str = "utf-8"
    names: tuple[str, ...] = tuple(f"sensor {i}" for i in range(1, 11))


FORMS = {
    "plain numbers": Form(),
    "with ISO times": Form(time=True),
    "; and decimal commas, cp932": Form(
        delimiter=";", decimal=",", encoding="cp932", names=tuple(f"温度{i}℃" for i in range(1, 11))
    ),
}


def side_by_side(megabytes: int) -> tuple[list[dict[str, Any]], bool]:
    """A row for each form; whether ours is within the bar, which is meant for files of 200 MB."""
    rows = []
    heads = ("", "ours", "pandas", "pyarrow", "ours : pandas", f"bar at {BAR_MEGABYTES} MB")
    line = "{:<34}{:>18}{:>18}{:>18}{:>18}   {}"
    print(line.format(*heads))
    for name, form in FORMS.items():
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "numbers.csv"
            write(file, form, megabytes * 1024 * 1024)
            found = in_turn(name, file)
        seconds, peaks = ({who: each[i] for who, each in found.items()} for i in (0, 1))
        passed = seconds["ours"] <= BAR_SECONDS and peaks["ours"] <= MOST_MEMORY
        cells = [f"{seconds[who]:.2f} s {peaks[who] / 1e9:.2f} GB" for who in READERS]
        ratio = f"{seconds['ours'] / seconds['pandas']:.2f} x {peaks['ours'] / peaks['pandas']:.2f}"
        bar = f"{BAR_SECONDS:g} s {MOST_MEMORY / 1e9:g} GB  {'ok' if passed else 'ABOVE THE BAR'}"
        print(line.format(name, *cells, ratio, bar), flush=True)
        rows.append({"what": name, "megabytes": megabytes, "seconds": seconds, "bytes": peaks, "passed": passed})
    return rows, all(row["passed"] for row in rows)


def write(file: Path, form: Form, n_bytes: int) -> None:
    """Ten channels to four decimals, one row a second: 8 bytes a cell, a few more a row with times."""
    rng, n, first = np.random.default_rng(0), 100_000, np.datetime64("2026-01-01", "s")
    options = arrow.WriteOptions(include_header=False)
    with file.open("wb") as out:
        names = [*(["time"] if form.time else []), *form.names]
        out.write((form.delimiter.join(names) + "\n").encode(form.encoding))
        for at in range(0, n_bytes, n):  # more than enough
            columns = [*np.round(50 + 10 * rng.normal(size=(10, n)), 4)]
            if form.time:
                columns.insert(0, first + np.arange(at, at + n))
            piece = io.BytesIO()
            arrow.write_csv(pa.table(columns, names=list(map(str, range(len(columns))))), piece, options)
            text = piece.getvalue().replace(b",", form.delimiter.encode())
            if form.decimal != ".":
                text = text.replace(b".", form.decimal.encode())
            if out.tell() + len(text) > n_bytes:
                out.write(text[: text.rfind(b"\n", 0, n_bytes - out.tell()) + 1])
                return
            out.write(text)


def in_turn(form: str, file: Path) -> dict[str, tuple[float, float]]:
    """Median seconds and peak memory of each, measured one after the other, round by round."""
    found: dict[str, list[tuple[float, float]]] = {who: [] for who in READERS}
    for _ in range(ROUNDS):
        for who, each in found.items():
            command = [sys.executable, "-m", "tests.bench_ingestion", "--one", who, form, str(file)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            each.append(tuple(json.loads(done.stdout.splitlines()[-1])))
    return {who: tuple(map(statistics.median, zip(*each, strict=True))) for who, each in found.items()}


def measured(who: str, form: Form, file: Path) -> tuple[float, int]:
    """Seconds, and peak memory in bytes of the process that reads. Libraries are loaded before."""
    if who == "ours":
        seconds = ours(file)
        return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    began = time.perf_counter()
    {"pandas": pandas, "pyarrow": pyarrow}[who](file, form)
    return time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def ours(file: Path) -> float:
    """From bytes in the store to a table in the store; the process that reads is there already, as in the app."""
    with tempfile.TemporaryDirectory() as folder:
        store, reader = Store(Path(folder)), Reader()
        reader.open(store, store.keep(b"a,b\n1,2\n3,4\n", {}))
        key = store.keep(file.read_bytes(), {})
        began = time.perf_counter()
        reader.open(store, key)
        seconds = time.perf_counter() - began
        reader.close()
    return seconds


def pandas(file: Path, form: Form) -> pd.DataFrame:
    dates = ["time"] if form.time else False
    return pd.read_csv(file, sep=form.delimiter, decimal=form.decimal, encoding=form.encoding, parse_dates=dates)


def pyarrow(file: Path, form: Form) -> pa.Table:
    return arrow.read_csv(
        file,
        read_options=arrow.ReadOptions(encoding=form.encoding),
        parse_options=arrow.ParseOptions(delimiter=form.delimiter),
        convert_options=arrow.ConvertOptions(decimal_point=form.decimal),
    )


# --- hostile files


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a file."""

    file: str
    came_to: str  # "table", "refusal" or "failure"
    words: str = ""  # the refusal's first sentence before it is filled in, or what failed
    wrong: str = ""  # what the table does not account for
    seconds: float = 0.0
    peak: int = 0  # bytes, of the process that reads; 0 where it had to be killed

    @property
    def is_well(self) -> bool:
        return self.came_to != "failure" and not self.wrong


def sweep(folders: Sequence[Path]) -> tuple[list[dict[str, Any]], bool]:
    """Every file below the folders, one after the other; whether each is a table or a refusal as it should be."""
    files = sorted(file for folder in folders for file in folder.rglob("*") if file.is_file())
    reader, outcomes = Reader(), []
    for file in files:
        outcomes.append(outcome(reader, file))
        if not outcomes[-1].is_well:
            print(f"{outcomes[-1].words}{outcomes[-1].wrong}: {file}", flush=True)
    reader.close()
    counts = Counter(one.came_to for one in outcomes)
    print(f"{len(files):,} files: " + ", ".join(f"{n:,} {name}" for name, n in counts.most_common()))
    print(f"tables that do not account for every row: {sum(bool(one.wrong) for one in outcomes)}")
    for one in sorted(outcomes, key=lambda one: -one.seconds)[:3]:
        print(f"slow: {one.seconds:.2f} s, {one.came_to}, {one.file}")
    for one in sorted(outcomes, key=lambda one: -one.peak)[:3]:
        print(f"large: {one.peak / 1e9:.2f} GB, {one.came_to}, {one.file}")
    killed = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024  # of any process that has ended
    peak = max([killed, *(one.peak for one in outcomes)])
    print(f"largest peak, of processes that had to be ended too: {peak / 1e9:.2f} GB")
    for words, n in Counter(one.words for one in outcomes if one.came_to == "refusal").most_common():
        print(f"{n:6,}  {words}")
    return [asdict(one) for one in outcomes], all(one.is_well for one in outcomes) and peak <= MOST_MEMORY


def outcome(reader: Reader, file: Path) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        store, data = Store(Path(folder)), file.read_bytes()
        key = store.keep(data, {})
        reader.start()
        forget_peak(reader)
        began = time.perf_counter()
        came_to, words, wrong = "table", "", ""
        try:
            source = reader.open(store, key, {"site": file.stem[:100]})
        except UserError as error:
            came_to, words = "refusal", error.problem
        except Exception as error:  # noqa: BLE001  whatever it is: that is what we are looking for
            came_to, words = "failure", f"{type(error).__name__}: {error}"
        seconds, peak = time.perf_counter() - began, peak_of(reader)
        if seconds > MOST_SECONDS + 2:  # it takes a moment to end a process
            came_to, words = "failure", f"{words} took {seconds:.0f} seconds".strip()
        if came_to == "table":
            wrong = unaccounted(data, source, table_of(source, store))
    return Outcome(str(file), came_to, words, wrong, seconds, peak)


def forget_peak(reader: Reader) -> None:
    """Linux: a process's peak memory counts from here on."""
    if reader._process is not None and Path("/proc/self/clear_refs").exists():
        Path(f"/proc/{reader._process.pid}/clear_refs").write_text("5")


def peak_of(reader: Reader) -> int:
    if reader._process is None or not Path("/proc/self/status").exists():
        return 0
    found = re.search(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{reader._process.pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0


# --- the same file, read in another and simpler way


MOST_BYTES = 60_000_000  # beyond which Python's lists of rows are too large


def unaccounted(data: bytes, source: Source, table: Table) -> str:
    """What of a table is not as a plain reading of its file has it; "" where all is, or nothing can be said."""
    reading = source.reading
    if reading.sheet or len(data) > MOST_BYTES or any("quotation" in one.reason for one in table.rejected):
        return ""
    if reading.layout == "ts":
        rows = dict(enumerate(([line.strip()] for line in lines_of(data.decode(reading.encoding))), 1))
    else:
        rows = dict(rows_of(data.decode(reading.encoding), reading.dialect))
    last = next(dropwhile(lambda line: not any(rows[line]), reversed(rows)))
    n = sum(line <= last for line in rows)
    told = Counter([*table.heading, *(one.line for one in table.rejected)])
    if n != told.total() + table.n_rows:
        return f"{n} rows are not {len(table.heading)} + {table.n_rows} kept + {len(table.rejected)} rejected"
    if told.total() > len(told) or not told.keys() <= rows.keys():
        return "a heading or a rejected row stands in a line where no row begins, or is told twice"
    kept = [row for line, row in rows.items() if line <= last and line not in told]
    if reading.layout == "ts":
        return ""
    width = len(table.names)
    for seen, row in zip(table.preview, kept, strict=False):
        if list(seen) != [*row[:width], *[""] * (width - len(row))]:
            return f"a row shows {seen}, but the file has {row}"
    return wrong_values(kept, source, table) if reading.layout == "wide" else ""


def lines_of(text: str) -> Iterator[str]:
    return iter(re.split(r"\r\n|\r|\n", text))


def rows_of(text: str, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """Each row, with the line it begins in."""
    if dialect.delimiter == SPACES:
        yield from ((line, row.split()) for line, row in enumerate(lines_of(text), 1))
        return
    quoting: dict[str, Any] = {"quotechar": dialect.quote} if dialect.quote else {"quoting": csv.QUOTE_NONE}
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=dialect.delimiter, skipinitialspace=True, **quoting)
    line = 1
    for row in reader:
        yield line, [cell.strip() for cell in row]
        line = reader.line_num + 1


def wrong_values(kept: list[list[str]], source: Source, table: Table) -> str:
    """A number that is not what its cell says: cell by cell where rows stay in order, else all of them together."""
    reading, unreadable = source.reading, {one.name: one.n_unreadable for one in table.facts}
    in_order = len(table.series) == 1 and not any("run backwards" in one.message for one in table.notices)
    for c, name in list(enumerate(table.series[0].channels))[:: max(1, len(reading.channels) // 8)]:
        at = table.names.index(name)
        cells = [row[at] if at < len(row) else "" for row in kept]
        expected = np.array([math.nan if cell in reading.missing else said(cell, reading.notation) for cell in cells])
        found = np.concatenate([one.values[:, c] for one in table.series])
        if reading.repeats != "keep" or (not in_order and unreadable[name]):
            continue
        if not in_order:
            found, expected = np.sort(found), np.sort(expected)
        different = ~np.isnan(found) & (found != expected)
        lost = np.isnan(found) & ~np.isnan(expected)
        if different.any() or lost.sum() > unreadable[name]:
            i = int(np.flatnonzero(different | lost)[0])
            return f"“{name}” has {found[i]} for {expected[i]} ({cells[i] if in_order else 'in any row'})"
    return ""


def said(text: str, notation: Notation) -> float:
    """What a cell says, NaN where it says no finite number."""
    plain = "".join(chr(ord(c) - 0xFEE0) if "！" <= c <= "～" else c for c in text).replace("−", "-")
    plain = re.sub("[\xa0\u2007\u2009\u202f\u3000]", " ", plain)
    plain = plain.replace(notation.thousands, "") if notation.thousands else plain
    if notation.decimal == ",":
        plain = plain.replace(".", "?").replace(",", ".")
    try:
        value = float(plain) if plain.isascii() and "_" not in plain else math.nan
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


if __name__ == "__main__":
    main()
