"""Files are read in a process of their own, with limits on time and memory; what they say is kept as an artifact.

The process is this module as a program: a line of JSON in, a line of JSON out. It lives on between files.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self, TextIO, cast

import pyarrow as pa

from core.artifacts import Store, fingerprint
from core.cells import Notation
from core.errors import N_, UserError
from core.grids import Rejected
from core.notices import Notice
from core.readings import Reading
from core.shelf import packed, unpacked
from core.tables import ColumnFacts, Table, open_text, opened, read, read_text

VERSION = 1  # raise it when the same bytes would be read otherwise
MOST_MEMORY = 850 * 1024 * 1024  # bytes that the process may ask for; its code and libraries come on top
MOST_SECONDS = 30.0
FAILED, NO_MEMORY = (
    1,
    2,
)  # how the process ends: by an error of this program, which is Python's 1, or for want of memory
PACKED = ("series", "facts", "rejected", "notices")  # fields of a table that are not JSON as they are
# Memory that was freed goes back to the system at once: a large file took 640 MB instead of 980.
FRUGAL = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_MMAP_THRESHOLD_": "131072"}

_SMALLER = N_("Split it into shorter periods, or leave out columns you do not need.")
TOO_LARGE = UserError(N_("The file needs more memory to be read than it may have."), _SMALLER)


@dataclass(frozen=True, slots=True)
class Source:
    """One uploaded file, by content, and how its bytes are read."""

    sha256: str
    reading: Reading

    def to_json(self) -> dict[str, Any]:
        return {"sha256": self.sha256, "reading": self.reading.to_json()}

    @classmethod
    def from_json(cls, d: Mapping[str, Any]) -> Self:
        return cls(d["sha256"], Reading.from_json(d["reading"]))

    def table_fingerprint(self) -> str:
        return fingerprint("table", VERSION, self.sha256, self.reading.to_json())


def table_of(source: Source, store: Store) -> Table:
    """The table as kept, or read here and now where nobody has kept it yet."""
    key = source.table_fingerprint()
    if not store.has(key):
        _keep(read(store.original(source.sha256), source.reading), source, store)
    return _loaded(key, store)


def _keep(table: Table, source: Source, store: Store) -> None:
    series, arrays = packed(table.series)
    own = {f.name: getattr(table, f.name) for f in fields(table) if f.name not in PACKED}
    meta = {
        "made": "table",
        "source": source.sha256,
        "reading": source.reading.to_json(),
        **own,
        **series,
        "facts": [asdict(one) for one in table.facts],
        "rejected": [[one.line, one.reason, dict(one.facts)] for one in table.rejected],
        "notices": [[one.message, dict(one.facts)] for one in table.notices],
    }
    store.save(source.table_fingerprint(), meta, arrays)


def _loaded(key: str, store: Store) -> Table:
    meta = store.meta(key)
    return Table(
        names=tuple(meta["names"]),
        preview=tuple(map(tuple, meta["preview"])),
        facts=tuple(ColumnFacts(**one) for one in meta["facts"]),
        n_rows=meta["n_rows"],
        rejected=tuple(Rejected(*one) for one in meta["rejected"]),
        heading=tuple(meta["heading"]),
        notices=tuple(Notice(*one) for one in meta["notices"]),
        series=unpacked(meta, key, store),
        sheets=tuple(meta["sheets"]),
    )


class Reader:
    """A process that reads one file after the other; killed when a file takes too long, and begun anew for the next."""

    def __init__(self, most_seconds: float = MOST_SECONDS, most_memory: int = MOST_MEMORY) -> None:
        self._most_seconds, self._most_memory = most_seconds, most_memory
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def open(self, store: Store, sha256: str, said: Mapping[str, Any] | None = None) -> Source:
        """Guess how to read an original, read it so, and keep the table.

        Args:
            said: what a person has said about it, as core.tables.guess takes it.
        """
        told = {name: asdict(one) if isinstance(one, Notation) else one for name, one in (said or {}).items()}
        answer = self._ask({**_where(store), "sha256": sha256, "said": told})
        return Source(sha256, Reading.from_json(answer["reading"]))

    def keep(self, store: Store, source: Source) -> None:
        """Have the table of a source kept, unless it is."""
        if not store.has(source.table_fingerprint()):
            self._ask({**_where(store), "sha256": source.sha256, "reading": source.reading.to_json()})

    def start(self) -> None:
        """Have the process ready before somebody waits for it: it takes a second or two to start."""
        with self._lock:
            self._started()

    def close(self) -> None:
        with self._lock:
            self._end()

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        with self._lock:
            process = self._started()
            requests, answers = cast("tuple[TextIO, TextIO]", (process.stdin, process.stdout))
            late = threading.Event()
            timer = threading.Timer(self._most_seconds, _stop, (late, process))
            timer.start()
            try:
                requests.write(json.dumps(request) + "\n")
                requests.flush()
                line = answers.readline()
            except BrokenPipeError:
                line = ""
            finally:
                timer.cancel()
            if not line or late.is_set():
                ended = process.wait()
                self._end()
                if late.is_set():
                    raise _too_slow(self._most_seconds)
                if ended == FAILED:
                    raise RuntimeError("the process that reads files failed; its error is in the log")
                raise TOO_LARGE  # also where the system, or a library, ended a process that asked for too much
        answer: dict[str, Any] = json.loads(line)
        if error := answer.get("error"):
            raise UserError(error["problem"], error["remedy"], **error["facts"])
        return answer

    def _started(self) -> subprocess.Popen[str]:
        if self._process is not None and self._process.poll() is not None:
            self._end()  # somebody else ended it: its pipes are still open
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "core.reader", str(self._most_memory)],
                cwd=Path(__file__).parents[1],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                encoding="utf-8",
                env=os.environ | FRUGAL,
            )
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
            self._process = None


def _where(store: Store) -> dict[str, str]:
    return {"root": str(store.root), "remote": store.remote}


def _too_slow(seconds: float) -> UserError:
    return UserError(N_("Reading the file took longer than {seconds:.0f} seconds."), _SMALLER, seconds=seconds)


def _stop(late: threading.Event, process: subprocess.Popen[str]) -> None:
    late.set()
    process.kill()


# --- in that process


def serve(requests: TextIO, answers: TextIO) -> None:
    """Answer requests until there are no more. An error of this program ends it."""
    for line in requests:
        try:
            answer = _answer(json.loads(line))
        except UserError as error:
            answer = {"error": {"problem": error.problem, "remedy": error.remedy, "facts": dict(error.facts)}}
        except (MemoryError, pa.ArrowMemoryError):
            sys.exit(NO_MEMORY)  # what is still held would be missing for the next file
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _answer(request: Mapping[str, Any]) -> dict[str, Any]:
    store = Store(Path(request["root"]), request["remote"])
    original = store.original  # its bytes have no name here: they would stay until the end
    if "reading" in request:
        reading = Reading.from_json(request["reading"])
        table = read_text(opened(original(request["sha256"]), reading.encoding, reading.sheet), reading)
    else:
        said = _said(request["said"])
        text = opened(original(request["sha256"]), said.pop("encoding", ""), said.pop("sheet", ""))
        reading, table = open_text(text, **said)
    _keep(table, Source(request["sha256"], reading), store)
    return {"reading": reading.to_json()}


def _said(d: Mapping[str, Any]) -> dict[str, Any]:
    return {**d, "notation": Notation(**d["notation"])} if "notation" in d else dict(d)


def limit_memory(more: int) -> None:
    """Let this process ask for so many bytes beyond what it has."""
    try:
        import resource
    except ImportError:  # Windows: the limit on time is all there is
        return
    statm = Path("/proc/self/statm")  # threads and libraries have laid claim to more than they use
    claimed = int(statm.read_text().split()[5]) * resource.getpagesize() if statm.exists() else 0
    resource.setrlimit(resource.RLIMIT_DATA, (claimed + more,) * 2)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever asks, whose end is this one's too
    limit_memory(int(sys.argv[1]))
    serve(sys.stdin, sys.stdout)
