"""A folder that is watched: each new file is placed on maps as it arrives, and a journal beside each map tells of it.

A line of the journal is written last, when all else is on the disk: whenever a watcher ends, a file has its line and
is done with, or has none and is taken up by the next. What was finished of it by then is in the store.
"""

import json
import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Self

from core import placing, views
from core.artifacts import Store, fingerprint
from core.drift import Drift, Judged, Limits, judge
from core.encodings import check_size
from core.errors import N_, UserError
from core.placing import PlacedSpec
from core.reader import Reader, Source
from core.views import Progress, ViewSpec

ENDINGS = (".csv", ".tsv", ".txt", ".ts", ".xlsx", ".xlsm")  # of files that are looked at
HIDDEN = (".", "~")  # first characters of files that some program uses for itself
logger = logging.getLogger(__name__)


class Mark(NamedTuple):
    """By which a file is known to be as it was, without reading it."""

    size: int  # bytes
    changed: int  # ns


@dataclass(frozen=True, slots=True)
class Seen:
    """A file that came, and what became of it on one map: either what was found, or why there is nothing."""

    at: datetime  # when this was known, UTC
    file: str  # its name in the folder
    mark: Mark
    sha256: str  # "": too large to be read
    placed: str = ""  # fingerprint of the new data on the map
    source: Source | None = None
    found: Drift | None = None
    error: UserError | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "at": self.at.isoformat(),
            "file": self.file,
            "mark": self.mark,
            "sha256": self.sha256,
            "placed": self.placed,
            "source": self.source and self.source.to_json(),
            "found": self.found and self.found.to_json(),
            "error": self.error
            and {"problem": self.error.problem, "remedy": self.error.remedy, "facts": self.error.facts},
        }

    @classmethod
    def from_json(cls, d: Mapping[str, Any]) -> Self:
        source, found, error = d["source"], d["found"], d["error"]
        return cls(
            datetime.fromisoformat(d["at"]),
            d["file"],
            Mark(*d["mark"]),
            d["sha256"],
            d["placed"],
            source and Source.from_json(source),
            found and Drift.from_json(found),
            error and UserError(error["problem"], error["remedy"], **error["facts"]),
        )


def journal(view: str, store: Store) -> tuple[Seen, ...]:
    """All that came to a map, oldest first: each content once.

    Args:
        view: the map's fingerprint.
    """
    return _read(view, store)[0]


def _read(view: str, store: Store) -> tuple[tuple[Seen, ...], int]:
    """And the number of lines that are not whole: the power was cut while they were written."""
    seen: dict[object, Seen] = {}
    n_torn = 0
    for line in store.lines(view):
        try:
            one = Seen.from_json(json.loads(line))
        except (ValueError, KeyError, TypeError):
            n_torn += 1
        else:
            seen.setdefault(one.sha256 or (one.file, one.mark), one)
    return tuple(seen.values()), n_torn


# --- to watch


@dataclass(frozen=True, slots=True)
class Watch:
    """What is watched, and for which maps."""

    folder: Path
    views: Mapping[str, ViewSpec]  # by the name that they are told by
    store: Store
    limits: Limits = field(default_factory=Limits)
    every: float = 5.0  # seconds between two looks


@dataclass(frozen=True, slots=True)
class Event:
    """A file is done with, on one map."""

    view: str  # its name
    seen: Seen
    judged: Judged | None  # None: it could not be placed


Tell = Callable[[Event], None]


def quiet(_stage: str, _done: int, _total: int) -> None:
    """Progress that nobody looks at."""


def run(watch: Watch, tell: Tell, progress: Progress = quiet) -> None:
    """Watch until Ctrl-C, which ends it without a word.

    Raises UserError where there is no such folder, a map cannot be drawn, or another watcher is at work here.
    """
    with suppress(KeyboardInterrupt), _watcher(watch, progress) as watcher:
        while True:
            for event in watcher.look():
                tell(event)
            time.sleep(watch.every)


def once(watch: Watch, tell: Tell, progress: Progress = quiet) -> None:
    """Do what is there and end; what is still being written is left to the next time. Otherwise as `run`."""
    with suppress(KeyboardInterrupt), _watcher(watch, progress) as watcher:
        for _none in watcher.look():
            pass
        time.sleep(watch.every)
        for event in watcher.look():
            tell(event)


@contextmanager
def _watcher(watch: Watch, progress: Progress) -> Iterator["_Watcher"]:
    """Alone on this folder and store."""
    if not watch.folder.is_dir():
        raise UserError(
            N_("There is no folder {folder}."), N_("Name the folder that new files come into."), folder=watch.folder
        )
    watch.store.root.mkdir(parents=True, exist_ok=True)
    name = fingerprint("watched", str(watch.folder.resolve()))[:16]
    with (watch.store.root / f"watching-{name}.lock").open("wb") as lock, closing(Reader()) as reader:
        if not _locked(lock):
            raise UserError(
                N_("The folder {folder} is watched already."), N_("Stop the other one first."), folder=watch.folder
            )
        for view in watch.views.values():
            views.build(view, watch.store, progress)  # what is wrong with a map is not the fault of a file
        yield _Watcher(watch, reader, progress)


def _locked(file: BinaryIO) -> bool:
    """Whether the file is ours now: the operating system holds it until it is closed, however the process ends."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # Linux, and Windows
        return False
    return True


class _Watcher:
    def __init__(self, watch: Watch, reader: Reader, progress: Progress) -> None:
        self._watch, self._reader, self._progress = watch, reader, progress
        self._store = watch.store
        self._before: dict[str, Mark] = {}  # at the last look
        self._done: dict[str, Mark] = {}
        self._contents: dict[str, set[str]] = {}  # that each map has: their SHA-256
        self._marks: dict[str, set[tuple[str, Mark]]] = {}
        self._said: set[str] = set()
        for name, view in watch.views.items():
            seen, n_torn = _read(view.fingerprint(), self._store)
            if n_torn:
                logger.warning("%s: %d lines of the journal are not whole; these files are placed again", name, n_torn)
            own = {one.sha256 for one in view.sources}  # which are no news
            self._contents[name] = own | {one.sha256 for one in seen if one.sha256}
            self._marks[name] = {(one.file, one.mark) for one in seen}

    def look(self) -> Iterator[Event]:
        """Place what has not changed since the last look, in the order in which it came."""
        now = self._there()
        ready = [name for name, mark in now.items() if self._before.get(name) == mark and self._done.get(name) != mark]
        self._before = now
        for name in sorted(ready, key=lambda one: (now[one].changed, one)):
            yield from self._take_up(name, now[name])

    def _take_up(self, file: str, mark: Mark) -> Iterator[Event]:
        wanting = [name for name in self._watch.views if (file, mark) not in self._marks[name]]
        if wanting:
            try:
                sha256, error = self._kept(file, mark), None
            except UserError as found:
                sha256, error = "", found
            if sha256 is None:
                return
            for name in wanting:
                self._marks[name].add((file, mark))
                if sha256 not in self._contents[name]:
                    shown = file.encode(errors="replace").decode()  # a name may be no text
                    yield self._entered(name, Seen(datetime.now(UTC), shown, mark, sha256, error=error))
        self._done[file] = mark

    def _kept(self, file: str, mark: Mark) -> str | None:
        """Its SHA-256, once its bytes are in the store; None: it is being changed, or cannot be opened yet."""
        check_size(mark.size)
        path = self._watch.folder / file
        try:
            data = path.read_bytes()
            if _mark(path) != mark:
                return None
        except OSError as error:
            self._complain(error)
            return None
        return self._store.keep(data, {"made": "watched", "bytes": len(data)})

    def _entered(self, name: str, came: Seen) -> Event:
        """Placed where that is possible, and in the journal."""
        view = self._watch.views[name]
        seen = came if came.error else self._placed(view, came)
        line = json.dumps(seen.to_json(), ensure_ascii=False, default=as_json)
        self._store.append_line(view.fingerprint(), line)
        if seen.sha256:
            self._contents[name].add(seen.sha256)
        return Event(name, seen, None if seen.found is None else judge(seen.found, self._watch.limits))

    def _placed(self, view: ViewSpec, came: Seen) -> Seen:
        try:
            source = self._source(view, came)
            spec = PlacedSpec(view, (source,))
            key = placing.build(spec, self._store, self._progress)
        except UserError as error:
            return replace(came, at=datetime.now(UTC), error=error)
        found = Drift.from_json(self._store.meta(key)["found"])
        return replace(came, at=datetime.now(UTC), placed=key, source=source, found=found)

    def _source(self, view: ViewSpec, came: Seen) -> Source:
        """Read as the map's own data are, newest first, where one of their ways fits; else as the file looks."""
        site = Path(came.file).stem[:100]  # as for an upload
        for reading in dict.fromkeys(replace(one.reading, site=site) for one in reversed(view.sources)):
            source = Source(came.sha256, reading)
            with suppress(UserError):
                self._reader.keep(self._store, source)
                return source
        return self._reader.open(self._store, came.sha256, {"site": site})

    def _there(self) -> dict[str, Mark]:
        """Each file that could be data; none while the folder is away, as one on a network may be."""
        try:
            every = [one for one in self._watch.folder.iterdir() if _may_be_data(one.name)]
        except OSError as error:
            self._complain(error)
            return {}
        found = {}
        for one in every:
            with suppress(OSError):  # it went meanwhile
                if one.is_file():
                    found[one.name] = _mark(one)
        return found

    def _complain(self, error: OSError) -> None:
        """Once of each: whatever it is, it is tried again at every look."""
        if str(error) not in self._said:
            self._said.add(str(error))
            logger.warning("cannot be read, and is tried again: %s", error)


def _may_be_data(name: str) -> bool:
    return name.lower().endswith(ENDINGS) and not name.startswith(HIDDEN)


def _mark(file: Path) -> Mark:
    told = file.stat()
    return Mark(told.st_size, told.st_mtime_ns)


def as_json(value: Any) -> Any:
    """A fact of an error that is a number of NumPy's, or a path."""
    return value.item() if hasattr(value, "item") else str(value)
