"""The content-addressed store: what was computed, under the fingerprint of everything that made it."""

import hashlib
import io
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from core.bucket import Bucket

META = "meta.json"
ORIGINAL = "original"
REMOTE = ".remote"  # in the folder of a cache: the address of the store that it is one of
KEY = re.compile(r"[0-9a-f]{64}")
ANYWHERE = "artifact:"  # in a meta.json, before the key of a folder that lies elsewhere on every computer


def fingerprint(*parts: object) -> str:
    """SHA-256 over JSON-able parts: equal content gives equal fingerprints, in every process and on every machine."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def moved(value: Any, old: str, new: str) -> Any:
    """The same spec or JSON-able value; where it names a folder of a store after `old`, it then does after `new`."""
    if isinstance(value, str):
        key = value.removeprefix(old)
        return f"{new}{key}" if key != value and KEY.fullmatch(key) else value
    if isinstance(value, Mapping):
        return {name: moved(one, old, new) for name, one in value.items()}
    if isinstance(value, list | tuple):
        each = (moved(one, old, new) for one in value)
        return tuple(each) if isinstance(value, tuple) else list(each)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{one.name: moved(getattr(value, one.name), old, new) for one in fields(value)})
    return value


def brought(folder: Path) -> Path:
    """The same folder. If it is one of a store that lies elsewhere, and is not here yet, it is fetched."""
    told = folder.parent / REMOTE
    if KEY.fullmatch(folder.name) and not folder.exists() and told.is_file():
        Store(folder.parent, told.read_text(encoding="utf-8")).here(folder.name)
    return folder


class Store:
    """Folders named by fingerprint, each with a meta.json that says what made it. A folder is whole or absent.

    They lie in `root`, for everybody on this file system. Or they lie at `remote`, an fsspec address, for computers
    that share no disk, and `root` has copies of what this one has used or made. Faults of the network are UserErrors.
    """

    def __init__(self, root: Path, remote: str = "") -> None:
        self.root, self.remote = root.absolute(), remote  # workers may be started in another folder
        self._board: _Board | Bucket = _Board(self.root)
        self._bucket: Bucket | None = None
        if remote:
            from core import bucket  # here, because it takes half a second to load

            self._board = self._bucket = bucket.Bucket(remote)
            self.root.mkdir(parents=True, exist_ok=True)
            (self.root / REMOTE).write_text(remote, encoding="utf-8")

    def has(self, key: str) -> bool:
        return (self.folder(key) / META).is_file() or (self._bucket is not None and self._bucket.has(key))

    def here(self, key: str) -> Path:
        """The folder of a result, its files on this computer. None of them is there where nobody has made it."""
        folder = self.folder(key)
        if self._bucket is not None and not (folder / META).is_file() and self._bucket.has(key):
            bucket = self._bucket
            self._write(key, lambda new: bucket.take(key, new))
        return folder

    def meta(self, key: str) -> dict[str, Any]:
        told = json.loads((self.here(key) / META).read_text(encoding="utf-8"))
        return cast("dict[str, Any]", moved(told, ANYWHERE, self._prefix))

    def array(self, key: str, name: str, *, mapped: bool = False) -> NDArray[Any]:
        """Read-only and in its file where mapped; else in memory."""
        file = self.here(key) / f"{name}.npy"
        return cast("NDArray[Any]", np.load(file, mmap_mode="r" if mapped else None, allow_pickle=False))

    def holds(self, key: str, name: str) -> bool:
        return (self.here(key) / f"{name}.npy").is_file()

    def save(self, key: str, meta: Mapping[str, object], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Write once; saving the same key again keeps the first."""

        def fill(folder: Path) -> Mapping[str, object]:
            for name, values in arrays.items():
                np.save(folder / f"{name}.npy", values, allow_pickle=False)
            return meta

        self.make(key, fill)

    def keep(self, data: bytes, meta: Mapping[str, object]) -> str:
        """Keep an upload untouched under its SHA-256, and return that."""
        key = hashlib.sha256(data).hexdigest()

        def fill(folder: Path) -> Mapping[str, object]:
            (folder / ORIGINAL).write_bytes(data)
            return meta

        self.make(key, fill)
        return key

    def make(self, key: str, fill: Callable[[Path], Mapping[str, object]]) -> None:
        """Write once what may be too large for memory: `fill` writes files into a folder and returns the meta."""
        if self.has(key):
            return

        def write(folder: Path) -> None:
            meta = moved(fill(folder), self._prefix, ANYWHERE)
            (folder / META).write_text(json.dumps(meta, ensure_ascii=False, indent=1), encoding="utf-8")
            if self._bucket is not None:  # first there: what is here counts as being there
                self._bucket.leave(key, folder)

        self._write(key, write)

    def _write(self, key: str, write: Callable[[Path], None]) -> None:
        """Have a folder on this computer, whole, or not at all."""
        self.root.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".writing-", dir=self.root))
        try:
            write(folder)
            for file in folder.iterdir():
                _sync(file)
            try:
                folder.rename(self.folder(key))
            except OSError:
                if not (self.folder(key) / META).is_file():
                    raise
                # else another process finished the same key first: its copy is as good
            _sync(self.root)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def sketch(self, key: str, done: int, values: NDArray[Any]) -> None:
        """Show whoever waits for a result how far it has come; the last sketch counts."""
        file = io.BytesIO()
        np.savez(file, done=done, values=values)
        self._board.put(self._beside(key, "sketch.npz"), file.getvalue())

    def sketched(self, key: str) -> tuple[int, NDArray[Any]] | None:
        """How far a result has come, and what it looks like there."""
        data = self._board.get(self._beside(key, "sketch.npz"))
        if data is None:
            return None
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            return int(file["done"]), file["values"]

    def forget_sketch(self, key: str) -> None:
        self._board.drop(self._beside(key, "sketch.npz"))

    def desk(self, key: str) -> Path:
        """Where work that takes long finds what it needs to go on, should it have been stopped; not there at first."""
        desk = self.root / self._beside(key, "desk")
        if self._bucket is not None:  # it may have gone on elsewhere since it was here
            shutil.rmtree(desk, ignore_errors=True)
            desk.mkdir()
            self._bucket.take(desk.name, desk)
        return desk

    def leave_desk(self, key: str) -> None:
        """Keep what lies on the desk now for whoever goes on."""
        desk = self.root / self._beside(key, "desk")
        if self._bucket is not None and desk.is_dir():
            self._bucket.leave(desk.name, desk)

    def clear_desk(self, key: str) -> None:
        desk = self.root / self._beside(key, "desk")
        shutil.rmtree(desk, ignore_errors=True)
        if self._bucket is not None:
            self._bucket.clear(desk.name)

    def begin(self, name: str) -> None:
        """Count that a job was begun. A worker that is killed has counted, and can tell no more."""
        file = f"{name}.runs"
        self._board.put(file, (self._board.get(file) or b"") + b".")

    def begun(self, name: str) -> int:
        return len(self._board.get(f"{name}.runs") or b"")

    def forget_begun(self, name: str) -> None:
        self._board.drop(f"{name}.runs")

    def append_line(self, key: str, line: str) -> None:
        """Add a line to what is told about a result over time: kept when this returns. One process at a time may."""
        self._board.append(self._journal(key), line.encode())

    def lines(self, key: str) -> tuple[str, ...]:
        """What was told about a result, oldest first; a line that was cut off is among them."""
        text = (self._board.get(self._journal(key)) or b"").decode(errors="replace")
        return tuple(line for line in text.split("\n") if line)

    def n_told(self, key: str) -> int:
        """Bytes of these lines, which only ever grow: by them whoever has read the lines knows if there are more."""
        return self._board.size(self._journal(key))

    def _journal(self, key: str) -> str:
        return self._beside(key, "watched.jsonl")

    def note(self, name: str, value: float) -> None:
        """Keep a measurement of this installation; the last one counts."""
        self._board.put(f"{name}.json", json.dumps(value).encode())

    def noted(self, name: str) -> float | None:
        data = self._board.get(f"{name}.json")
        return None if data is None else float(json.loads(data))

    def size(self) -> int:
        """Bytes of all files on this computer, also of what is being written."""
        total = 0
        for folder, _folders, files in os.walk(self.root):
            for file in files:
                with suppress(FileNotFoundError):  # it was finished meanwhile, and lies elsewhere
                    total += Path(folder, file).stat().st_size
        return total

    def original(self, key: str) -> bytes:
        return (self.here(key) / ORIGINAL).read_bytes()

    def folder(self, key: str) -> Path:
        """Where a result lies, or will lie, with files that other programs read; see `here`."""
        if not KEY.fullmatch(key):
            raise ValueError(f"not a fingerprint: {key!r}")  # a path is never built from anything else
        return self.root / key

    def moved_here(self, spec: Any, root: Path) -> Any:
        """A spec from a computer where the store lies in `root`, with the folders that it names as they are here."""
        return moved(spec, f"{root}{os.sep}", self._prefix)

    @property
    def _prefix(self) -> str:
        return f"{self.root}{os.sep}"

    def _beside(self, key: str, what: str) -> str:
        return f"{self.folder(key).name}.{what}"


class _Board:
    """Small files that everybody on this file system sees; the last one of a name counts."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, name: str, data: bytes) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("wb", dir=self._root, prefix=".writing-", delete=False) as file:
            file.write(data)
        Path(file.name).replace(self._root / name)

    def get(self, name: str) -> bytes | None:
        file = self._root / name
        return file.read_bytes() if file.is_file() else None

    def append(self, name: str, line: bytes) -> None:
        """Add a line, on the disk when this returns, in one write."""
        self._root.mkdir(parents=True, exist_ok=True)
        with (self._root / name).open("a+b") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - 1, 0))
            whole = file.read(1) in (b"", b"\n")  # else the one before was cut off, which must not cost this one
            file.write((b"" if whole else b"\n") + line + b"\n")
            file.flush()
            os.fsync(file.fileno())
        _sync(self._root)

    def size(self, name: str) -> int:
        file = self._root / name
        return file.stat().st_size if file.is_file() else 0

    def drop(self, name: str) -> None:
        (self._root / name).unlink(missing_ok=True)


def _sync(path: Path) -> None:
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open a folder; its rename is journalled
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
