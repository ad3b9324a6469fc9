"""A shared store that is no file system: folders and small files under an fsspec address, for example s3://bucket/pilot.

Where it answers and with which keys one gets in is said by its own settings, which s3fs reads: never by ours.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import botocore.exceptions
from fsspec.core import url_to_fs

from core.errors import N_, UserError

META = "meta.json"
FAULTS = (OSError, aiohttp.ClientError, botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError)
STORE = N_("The shared store of files and results cannot be used: it does not answer, or lets nobody in.")
FOLDER = N_("The folder “{address}” cannot be used: it does not answer, or lets nobody in.")
logger = logging.getLogger(__name__)


class Bucket:
    """Every fault of the network, and every refusal, is a UserError."""

    def __init__(self, address: str) -> None:
        with told(address):
            # What others put there a moment ago must be seen, so no listing is remembered.
            self._files, self._prefix = url_to_fs(address, use_listings_cache=False)
        self.address = address

    def has(self, key: str) -> bool:
        """Whether a folder is there, whole."""
        with told(self.address):
            try:
                self._files.info(self._path(f"{key}/{META}"))
            except FileNotFoundError:
                return False
            return True

    def take(self, name: str, folder: Path) -> None:
        """Fetch what lies in a folder, into one that is here; no folder there is an empty one."""
        with told(self.address):
            for file in self._listed(name):
                self._files.get_file(file, str(folder / file.rsplit("/", 1)[1]))

    def leave(self, name: str, folder: Path) -> None:
        """Put a folder there in the place of what it held: JSON after what it speaks of, and meta.json after all."""
        files = sorted(folder.iterdir(), key=lambda file: (file.suffix == ".json", file.name == META))
        with told(self.address):
            for file in files:
                self._files.put_file(str(file), self._path(f"{name}/{file.name}"))
            kept = {self._path(f"{name}/{file.name}") for file in files}
            for former in [file for file in self._listed(name) if file not in kept]:
                self._files.rm_file(former)

    def clear(self, name: str) -> None:
        with told(self.address):
            for file in self._listed(name):
                self._files.rm_file(file)

    def put(self, name: str, data: bytes) -> None:
        with told(self.address):
            self._files.pipe_file(self._path(name), data)

    def get(self, name: str) -> bytes | None:
        with told(self.address):
            try:
                return bytes(self._files.cat_file(self._path(name)))
            except FileNotFoundError:
                return None

    def append(self, name: str, line: bytes) -> None:
        """Add a line: the whole file anew, because a bucket's files do not grow; it has it all, or has it as before."""
        self.put(name, (self.get(name) or b"") + line + b"\n")

    def size(self, name: str) -> int:
        with told(self.address):
            try:
                return int(self._files.info(self._path(name))["size"])
            except FileNotFoundError:
                return 0

    def drop(self, name: str) -> None:
        with told(self.address):
            self._files.rm_file(self._path(name))

    def _path(self, name: str) -> str:
        return f"{self._prefix.rstrip('/')}/{name}"

    def _listed(self, name: str) -> list[str]:
        return [str(file) for file in self._files.find(self._path(f"{name}/"))]


@contextmanager
def told(address: str, problem: str = STORE) -> Iterator[None]:
    """What a network does not do, in words for people."""
    try:
        yield
    except (*FAULTS, ImportError, ValueError) as error:  # the latter: an address that fsspec does not know
        logger.warning("the shared store %s: %s: %s", address, type(error).__name__, error)
        raise UserError(
            problem,
            N_("Ask the person who runs it to look at it, at its address and at its keys; then try again."),
            address=address,
        ) from error
