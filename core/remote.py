"""A folder here, or anywhere that fsspec knows (s3://bucket/plant): listed, read, and written whole or not at all."""

import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

IGNORED = (".", "_")  # what engines leave beside the data begins with one of these: _SUCCESS, .crc, .writing-…


@dataclass(frozen=True, slots=True)
class Found:
    """A file as a listing tells of it."""

    name: str  # relative to the folder, / between folders
    size: int  # bytes
    state: str  # another one as soon as it was written again


class Folder:
    """Files under one address. Opened anew in each process: what travels between processes is the address.

    Faults of a network are UserErrors.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        with _told(url):
            self.fs, self.root = _opened(url)

    def files(self, *endings: str) -> list[Found]:
        """All files with one of these endings, in order of their names; none where there is no folder."""
        with _told(self.url):
            self.fs.invalidate_cache()
            found = self.fs.find(self.root, detail=True)
        relative = {str(PurePosixPath(path).relative_to(self.root)): info for path, info in found.items()}
        return [
            Found(name, int(info["size"]), _state(info))
            for name, info in sorted(relative.items())
            if name.endswith(endings) and not any(part.startswith(IGNORED) for part in name.split("/"))
        ]

    def found(self, name: str) -> Found:
        with _told(self.url):
            info = self.fs.info(self.path(name))
        return Found(name, int(info["size"]), _state(info))

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """To be read from any place in it."""
        with _told(self.url), self.fs.open(self.path(name), "rb") as file:
            yield file

    def get(self, name: str) -> bytes | None:
        with _told(self.url):
            try:
                return cast(bytes, self.fs.cat_file(self.path(name)))
            except FileNotFoundError:
                return None

    def put(self, name: str, data: bytes) -> None:
        """Whole or not at all, whoever writes the same name at the same time: object stores do that by themselves."""
        if "file" not in self.fs.protocol:
            with _told(self.url):
                self.fs.pipe_file(self.path(name), data)
            return
        file = Path(self.path(name))
        file.parent.mkdir(parents=True, exist_ok=True)
        written = file.with_name(f".writing-{uuid.uuid4().hex}")
        with written.open("wb") as f:
            f.write(data)
            f.flush()
            os.fsync(f.fileno())
        written.replace(file)

    def path(self, name: str) -> str:
        return f"{self.root}/{name}"


def _told(url: str) -> AbstractContextManager[None]:
    if "://" not in url:
        return nullcontext()
    from core import bucket  # here, because it takes half a second to load

    return bucket.told(url, bucket.FOLDER)


def absolute(url: str) -> str:
    """The same, for processes that were started in other folders."""
    return url if "://" in url else str(Path(url).absolute())


@lru_cache(maxsize=16)
def _opened(url: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    fs, root = url_to_fs(url, use_listings_cache=False) if "://" in url else url_to_fs(absolute(url))
    return fs, str(root).rstrip("/")


def _state(info: Mapping[str, Any]) -> str:
    return str(next(info[key] for key in ("ETag", "LastModified", "mtime", "created", "size") if key in info))
