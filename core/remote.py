"""A folder here, or anywhere that fsspec knows (s3://bucket/plant): listed, read, and written whole or not at all."""

import os
import uuid
from collections.abc import Mapping
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
    """Files under one address. Opened anew in each process: what travels between processes is the address."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.fs, self.root = _opened(url)

    def files(self, *endings: str) -> list[Found]:
        """All files with one of these endings, in order of their names; none where there is no folder."""
        self.fs.invalidate_cache()
        found = self.fs.find(self.root, detail=True)
        relative = {str(PurePosixPath(path).relative_to(self.root)): info for path, info in found.items()}
        return [
            Found(name, int(info["size"]), _state(info))
            for name, info in sorted(relative.items())
            if name.endswith(endings) and not any(part.startswith(IGNORED) for part in name.split("/"))
        ]

    def open(self, name: str) -> IO[bytes]:
        """To be read from any place in it."""
        return cast("IO[bytes]", self.fs.open(self.path(name), "rb"))

    def get(self, name: str) -> bytes | None:
        try:
            return cast(bytes, self.fs.cat_file(self.path(name)))
        except FileNotFoundError:
            return None

    def put(self, name: str, data: bytes) -> None:
        """Whole or not at all, whoever writes the same name at the same time: object stores do that by themselves."""
        if "file" not in self.fs.protocol:
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


@lru_cache(maxsize=16)
def _opened(url: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs  # here, because s3fs takes a second to load

    fs, root = url_to_fs(url, use_listings_cache=False) if "://" in url else url_to_fs(str(Path(url).absolute()))
    return fs, str(root).rstrip("/")


def _state(info: Mapping[str, Any]) -> str:
    return str(next(info[key] for key in ("ETag", "LastModified", "mtime", "created", "size") if key in info))
