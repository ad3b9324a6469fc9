"""The content-addressed store: what was computed, under the fingerprint of everything that made it."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

META = "meta.json"
ORIGINAL = "original"
JOURNAL = ".watched.jsonl"


def fingerprint(*parts: object) -> str:
    """SHA-256 over JSON-able parts: equal content gives equal fingerprints, in every process and on every machine."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


class Store:
    """Folders named by fingerprint, each with a meta.json that says what made it. A folder is whole or absent."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def has(self, key: str) -> bool:
        return (self.folder(key) / META).is_file()

    def meta(self, key: str) -> dict[str, Any]:
        return cast("dict[str, Any]", json.loads((self.folder(key) / META).read_text(encoding="utf-8")))

    def array(self, key: str, name: str, *, mapped: bool = False) -> NDArray[Any]:
        """Read-only and in its file where mapped; else in memory."""
        file = self.folder(key) / f"{name}.npy"
        return cast("NDArray[Any]", np.load(file, mmap_mode="r" if mapped else None, allow_pickle=False))

    def holds(self, key: str, name: str) -> bool:
        return (self.folder(key) / f"{name}.npy").is_file()

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
        self.root.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".writing-", dir=self.root))
        try:
            meta = fill(folder)
            (folder / META).write_text(json.dumps(meta, ensure_ascii=False, indent=1), encoding="utf-8")
            for file in folder.iterdir():
                _sync(file)
            try:
                folder.rename(self.folder(key))
            except OSError:
                if not self.has(key):  # another process finished the same key first: its copy is as good
                    raise
            _sync(self.root)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def sketch(self, key: str, done: int, values: NDArray[Any]) -> None:
        """Show whoever waits for a result how far it has come; the last sketch counts."""
        with tempfile.NamedTemporaryFile("wb", dir=self.root, prefix=".writing-", delete=False) as file:
            np.savez(file, done=done, values=values)
        Path(file.name).replace(self._sketch(key))

    def sketched(self, key: str) -> tuple[int, NDArray[Any]] | None:
        """How far a result has come, and what it looks like there."""
        try:
            with np.load(self._sketch(key), allow_pickle=False) as file:
                return int(file["done"]), file["values"]
        except FileNotFoundError:
            return None

    def forget_sketch(self, key: str) -> None:
        self._sketch(key).unlink(missing_ok=True)

    def desk(self, key: str) -> Path:
        """Where work that takes long leaves what it needs to go on, should it be stopped; not there yet at first."""
        folder = self.folder(key)
        return folder.with_name(f"{folder.name}.desk")

    def clear_desk(self, key: str) -> None:
        shutil.rmtree(self.desk(key), ignore_errors=True)

    def _sketch(self, key: str) -> Path:
        folder = self.folder(key)
        return folder.with_name(f"{folder.name}.sketch.npz")

    def append_line(self, key: str, line: str) -> None:
        """Add a line to what is told about a result over time: on the disk when this returns, in one write."""
        self.root.mkdir(parents=True, exist_ok=True)
        with self._journal(key).open("a+b") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - 1, 0))
            whole = file.read(1) in (b"", b"\n")  # else the one before was cut off, which must not cost this one
            file.write((b"" if whole else b"\n") + line.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        _sync(self.root)

    def lines(self, key: str) -> tuple[str, ...]:
        """What was told about a result, oldest first; a line that was cut off is among them."""
        file = self._journal(key)
        text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
        return tuple(line for line in text.split("\n") if line)

    def n_told(self, key: str) -> int:
        """Bytes of these lines, which only ever grow: by them whoever has read the lines knows if there are more."""
        file = self._journal(key)
        return file.stat().st_size if file.is_file() else 0

    def _journal(self, key: str) -> Path:
        folder = self.folder(key)
        return folder.with_name(f"{folder.name}{JOURNAL}")

    def note(self, name: str, value: float) -> None:
        """Keep a measurement of this installation; the last one counts."""
        with tempfile.NamedTemporaryFile("w", dir=self.root, prefix=".writing-", delete=False) as file:
            json.dump(value, file)
        Path(file.name).replace(self.root / f"{name}.json")

    def noted(self, name: str) -> float | None:
        file = self.root / f"{name}.json"
        return float(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else None

    def size(self) -> int:
        """Bytes of all files, also of what is being written."""
        total = 0
        for folder, _folders, files in os.walk(self.root):
            for file in files:
                with suppress(FileNotFoundError):  # it was finished meanwhile, and lies elsewhere
                    total += Path(folder, file).stat().st_size
        return total

    def original(self, key: str) -> bytes:
        return (self.folder(key) / ORIGINAL).read_bytes()

    def folder(self, key: str) -> Path:
        """Where a result lies, or will lie, with files that other programs read."""
        if len(key) != 64 or not set(key) <= set("0123456789abcdef"):
            raise ValueError(f"not a fingerprint: {key!r}")  # a path is never built from anything else
        return self.root / key


def _sync(path: Path) -> None:
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open a folder; its rename is journalled
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
