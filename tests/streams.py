"""A browser's tab without a browser: the websocket to Streamlit, its messages as they are."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.client import Client

PATIENCE = 60.0  # seconds


class Tab:
    """One that is open."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.session = ""  # Streamlit's
        self.seen: list[ForwardMsg] = []  # since it was last asked for something

    def send(self, **message: Any) -> None:
        self.socket.send(BackMsg(**message).SerializeToString())

    def draw(self, **state: Any) -> str:
        """Have the screen drawn. Returns: whatever stands on it."""
        self.seen = []
        self.send(rerun_script=state)
        self.until("script_finished")
        return "\n".join(str(one.delta) for one in self.seen if one.WhichOneof("type") == "delta")

    def until(self, kind: str) -> ForwardMsg:
        give_up = time.monotonic() + PATIENCE
        while True:
            message = self.next(give_up - time.monotonic())
            if message.WhichOneof("type") == kind:
                return message

    def next(self, seconds: float) -> ForwardMsg:
        """Raises TimeoutError where nothing comes."""
        data = self.socket.recv(timeout=seconds)
        assert isinstance(data, bytes)
        message = ForwardMsg.FromString(data)
        self.seen.append(message)
        self.session = message.new_session.initialize.session_id or self.session
        return message

    def upload(self, client: Client, name: str, content: bytes) -> int:
        """As the uploader does. Returns: the HTTP status."""
        return send_file(client, f"/_stcore/upload_file/{self.session}/{name}", content)


def send_file(client: Client, path: str, content: bytes) -> int:
    client.get("/_stcore/health")  # a cookie against forged requests comes with it
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n' + content + b"\r\n--x--\r\n"
    token = {"X-Xsrftoken": client.cookies.get("_streamlit_xsrf", "")}
    return client.send("PUT", path, body, {"Content-Type": "multipart/form-data; boundary=x", **token}).status


@contextmanager
def tab(client: Client, resume: str = "", **headers: str) -> Iterator[Tab]:
    """Raises InvalidStatus where the gate refuses the handshake."""
    cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    protocols = ["streamlit", client.cookies.get("_streamlit_xsrf", "none"), *([resume] if resume else [])]
    told = {"Cookie": cookies, "Origin": client.address, **headers}
    where = f"ws://{urlsplit(client.address).netloc}/_stcore/stream"
    with connect(where, additional_headers=told, subprotocols=protocols, max_size=None) as socket:  # type: ignore[arg-type]
        yield Tab(socket)


def refusal(client: Client, **headers: str) -> int:
    """The status with which a websocket is refused; 101: it is not."""
    try:
        with tab(client, **headers):
            return 101
    except InvalidStatus as no:
        return no.response.status_code
