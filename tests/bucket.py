"""An S3 server on this computer, for stores that several computers share."""

import logging
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from moto.server import ThreadedMotoServer
from s3fs import S3FileSystem

BUCKET = "pilot"


class Server:
    """Keeps what it is given in memory."""

    def __init__(self, endpoint: str) -> None:
        self.environment = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "anybody",
            "AWS_SECRET_ACCESS_KEY": "anything",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        keys = {"key": "anybody", "secret": "anything"}
        self._files = S3FileSystem(endpoint_url=endpoint, use_listings_cache=False, **keys)
        self._files.makedirs(BUCKET, exist_ok=True)  # a server begun anew in this process knows it

    def fresh(self) -> str:
        """The address of a store that nobody has used."""
        return f"s3://{BUCKET}/{uuid.uuid4().hex}"

    def names(self, prefix: str = "") -> list[str]:
        """Of all that lies in the bucket, or in a folder of it."""
        return [name.removeprefix(f"{BUCKET}/") for name in self._files.find(f"{BUCKET}/{prefix}")]

    def remove(self, name: str) -> None:
        self._files.rm_file(f"{BUCKET}/{name}")

    @contextmanager
    def out_of_reach(self) -> Iterator[None]:
        """For whoever opens a store meanwhile; nobody tries for long."""
        away = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}
        S3FileSystem.clear_instance_cache()
        with patch.dict(os.environ, away):
            yield
        S3FileSystem.clear_instance_cache()


@contextmanager
def serving() -> Iterator[Server]:
    """For this process too, and for those that it starts."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # else a line for every request
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    server = Server(f"http://{host}:{port}")
    S3FileSystem.clear_instance_cache()  # of another server, that this process has known
    try:
        with patch.dict(os.environ, server.environment):
            yield server
    finally:
        moto.stop()
