"""An S3 server on this computer, for stores that several computers share."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
from moto.server import ThreadedMotoServer

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
        self._client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            aws_access_key_id="anybody",
            aws_secret_access_key="anything",  # noqa: S106 — anything will do
            region_name="us-east-1",
        )
        self._client.create_bucket(Bucket=BUCKET)

    def names(self, prefix: str = "") -> list[str]:
        """Of all that lies in the bucket; fewer than a thousand."""
        told = self._client.list_objects_v2(Bucket=BUCKET, Prefix=prefix)
        return [one["Key"] for one in told.get("Contents", [])]

    def remove(self, name: str) -> None:
        self._client.delete_object(Bucket=BUCKET, Key=name)


@contextmanager
def serving() -> Iterator[Server]:
    """For this process too, and for those that it starts."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # else a line for every request
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    server = Server(f"http://{host}:{port}")
    before = {name: os.environ.get(name) for name in server.environment}
    os.environ.update(server.environment)
    try:
        yield server
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        moto.stop()
