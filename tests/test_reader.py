"""Files are read in a process with limits; what is kept is what reading in this one gives."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core import reader as module
from core.artifacts import Store
from core.cells import Notation
from core.errors import UserError
from core.reader import Reader, Source, table_of
from core.tables import Table, guess, open_file, read

CLOCK = [f"2026-11-23 14:{i:02}" for i in range(30)]
WIDE = "time,load,temp\n" + "".join(f"{at},{i}.5,{i * 2}\n" for i, at in enumerate(CLOCK))
LINES = "line,time,load,state\n" + "".join(
    f"L{i % 2},{at},{i}.5,{['ok', '異常'][i % 2]}\n" for i, at in enumerate(CLOCK)
)
LONG = (
    "time,variable,value\n" + "".join(f"{CLOCK[i // 2]},{'pq'[i % 2]},{i}\n" for i in range(40)) + f"{CLOCK[25]},p,5\n"
)
ROWS = "\n".join(
    "\t".join([str(k % 2), *(f"{np.sin(i / 5) + 9 * k:.4f}" for i in range(40 - k))]) + "\tNaN" * k for k in range(6)
)
TS = "@univariate false\n@classLabel true a b\n@data\n1,2:3,4:a\n# note\n5:6:b\nx\n"
MESSY = WIDE + "\nsoon,1,2\n1\n2026-11-23 14:59,1e400,x\n"
FILES = {
    "wide": WIDE,
    "lines": LINES,
    "long": LONG,
    "rows": ROWS,
    "ts": TS,
    "messy": MESSY,
    "no time": "a\n1\n2\n\n3\n",
}


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    made = Reader()
    yield made
    made.close()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def kept(store: Store, data: bytes) -> str:
    return store.keep(data, {"made": "upload"})


def assert_same(one: Table, other: Table) -> None:
    for field in one.__slots__:
        if field != "series":
            assert getattr(one, field) == getattr(other, field), field
    assert len(one.series) == len(other.series)
    for a, b in zip(one.series, other.series, strict=True):
        assert (a.domain, a.channels, a.step) == (b.domain, b.channels, b.step)
        for x, y in ((a.values, b.values), (a.time, b.time), (a.label, b.label)):
            assert (x is None) == (y is None)
            assert x is None or np.array_equal(x, y, equal_nan=x.dtype.kind in "fM")


# ---- the same table


@pytest.mark.parametrize("name", FILES)
def test_the_table_that_was_kept_is_the_one_that_reading_gives(reader: Reader, store: Store, name: str):
    data = FILES[name].encode()
    source = reader.open(store, kept(store, data))
    assert source.reading == guess(data)
    assert_same(table_of(source, store), read(data, source.reading))


def test_a_table_is_read_here_where_nobody_has_kept_it_and_kept_then(store: Store):
    data = MESSY.encode()
    source = Source(kept(store, data), guess(data))
    table = table_of(source, store)
    assert store.has(source.table_fingerprint())
    assert_same(table, table_of(source, store))
    assert_same(table, open_file(data)[1])


def test_what_a_person_said_is_heeded_and_another_reading_is_another_table(reader: Reader, store: Store):
    sha256 = kept(store, b"a;b\n1,234;5\n2,345;6\n")
    told = reader.open(store, sha256, {"notation": Notation(".", ","), "site": "press 3"})
    assert (told.reading.notation, told.reading.site) == (Notation(".", ","), "press 3")
    assert table_of(told, store).series[0].values[0].tolist() == [1234, 5]
    other = Source(sha256, reader.open(store, sha256).reading)
    reader.keep(store, other)
    assert other.table_fingerprint() != told.table_fingerprint()
    assert store.has(other.table_fingerprint())
    assert table_of(other, store).series[0].values[0].tolist() == [1.234, 5]


def test_what_is_kept_is_not_read_again(reader: Reader, store: Store):
    source = reader.open(store, kept(store, WIDE.encode()))
    gone = store.root / source.sha256
    (gone / "original").unlink()
    reader.keep(store, source)
    assert table_of(source, store).n_rows == 30


def test_a_source_survives_the_database():
    source = Source("0" * 64, guess(LINES.encode()))
    assert Source.from_json(json.loads(json.dumps(source.to_json()))) == source


# ---- refusals


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7", b"a,b\n", b"x\ny\n", b"a,b\n1,\0\n", b'a,b\n"1,2\n3\n', b"x\n" * 9])
def test_a_refusal_is_the_same_sentence_as_here(reader: Reader, store: Store, data: bytes):
    with pytest.raises(UserError) as here:
        guess(data)
    with pytest.raises(UserError) as there:
        reader.open(store, kept(store, data))
    assert str(there.value) == str(here.value)
    assert there.value.facts == here.value.facts


def test_an_error_of_the_program_is_none_of_the_users(reader: Reader, store: Store):
    with pytest.raises(RuntimeError, match="its error is in the log"):
        reader.open(store, "0" * 64)
    assert table_of(reader.open(store, kept(store, WIDE.encode())), store).n_rows == 30


# ---- limits


def test_a_file_that_needs_too_much_memory_is_refused_and_the_next_one_works(store: Store):
    frugal = Reader(most_memory=60 * 1024**2)
    try:
        with pytest.raises(UserError, match="more memory"):
            frugal.open(store, kept(store, b"a,b\n" + b"1.5,2.5\n" * 3_000_000))
        assert table_of(frugal.open(store, kept(store, WIDE.encode())), store).n_rows == 30
    finally:
        frugal.close()


def test_a_file_that_takes_too_long_is_refused_and_the_next_one_works(store: Store):
    hasty = Reader(most_seconds=0.01)
    try:
        with pytest.raises(UserError, match="took longer than 0 seconds"):
            hasty.open(store, kept(store, LONG.encode()))
        hasty._most_seconds = module.MOST_SECONDS
        assert table_of(hasty.open(store, kept(store, WIDE.encode())), store).n_rows == 30
    finally:
        hasty.close()


def test_a_process_that_died_between_files_is_begun_anew(reader: Reader, store: Store):
    reader.start()
    assert reader._process is not None
    reader._process.kill()
    reader._process.wait()
    assert table_of(reader.open(store, kept(store, WIDE.encode())), store).n_rows == 30


def test_the_process_ends_when_it_is_closed_and_when_the_one_that_began_it_goes():
    begin = "from core.reader import Reader; r = Reader(); r.start(); print(r._process.pid, flush=True)"
    code = f"{begin}; import os; os._exit(0)"
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[1], capture_output=True, check=True)
    gone_in_time(int(done.stdout))
    own = Reader()
    own.start()
    assert own._process is not None
    pid = own._process.pid
    own.close()
    gone_in_time(pid)
    own.close()  # twice is once


def gone_in_time(pid: int) -> None:
    for _ in range(300):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    raise AssertionError("the process that reads files goes on by itself")
