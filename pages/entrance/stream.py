"""What travels between a browser and its Streamlit session: only what our screens send gets in."""

from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import anyio
from google.protobuf.message import DecodeError
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from pages.entrance.cookies import Scope, headers
from pages.entrance.visits import Visit, Visitor
from pages.entrance.ways import LEAD, STAFF, Role

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# Of what else Streamlit's browser side can send, some empties everybody's caches, installs files, or stops the server.
ALWAYS = {"rerun_script", "stop_script", "app_heartbeat"}
DOWNLOADS = {"deferred_file", "dataframe_chunk"}
MOST_BYTES = 1_000_000  # of a message; in all journeys none had 3,000, and a lasso drawn for a minute has 150,000
TOO_LARGE = 1009  # as a websocket says it
PROTOCOL = b"sec-websocket-protocol"
HOME = str(Path(__file__).parents[2]).encode()
RESUMES = 2  # the entry of the protocol's list that names a session to go on with


class Stream:
    """One socket of somebody who was let in; whether they still are is asked for every message."""

    def __init__(self, visit: Visit, receive: Receive, send: Send, look: Callable[[], Awaitable[Visitor]]) -> None:
        self.visit, self._receive, self._send, self.look = visit, receive, send, look
        self.session = ""  # Streamlit's, once it has said which

    async def receive(self) -> Message:
        """The next that the app may see."""
        while True:
            message = await self._receive()
            if message["type"] != "websocket.receive":
                return message
            data = message.get("bytes") or b""
            if len(data) > MOST_BYTES:
                await self._send({"type": "websocket.close", "code": TOO_LARGE})
                return {"type": "websocket.disconnect", "code": TOO_LARGE}
            if seen := await self._seen(data):
                return {"type": "websocket.receive", "bytes": seen}

    async def _seen(self, data: bytes) -> bytes:
        """What of a message the app sees; whoever sends many waits."""
        asked = read(data)
        if asked is None:
            return b""
        while wait := self.visit.messages.take():
            await anyio.sleep(wait)
        visitor = await self.look()
        if visitor.role == "nobody":
            return parting(asked)
        return data if is_wanted(asked, visitor.role) else b""

    async def send(self, message: Message) -> None:
        data = message.get("bytes") or b""
        if HOME in data:  # Streamlit says with each run where its script lies, which is nobody's business
            message = {**message, "bytes": _unplaced(ForwardMsg.FromString(data))}
        if not self.session and message["type"] == "websocket.send":
            self.session = ForwardMsg.FromString(data).new_session.initialize.session_id
            if self.session:
                self.visit.learn(self.session)
        await self._send(message)


def is_wanted(message: BackMsg, role: Role) -> bool:
    kind = message.WhichOneof("type")
    if kind == "file_urls_request":
        return role in LEAD
    if kind == "backend_operation_request":
        return role in STAFF and message.backend_operation_request.WhichOneof("payload") in DOWNLOADS
    return kind in ALWAYS


def read(data: bytes) -> BackMsg | None:
    """None: no message of Streamlit's."""
    try:
        return BackMsg.FromString(data)
    except DecodeError:
        return None


def parting(message: BackMsg) -> bytes:
    """Draw the screen anew, with nothing that was done on it: what somebody who is signed out can still ask for."""
    asked = message.rerun_script
    again = ClientState(
        query_string=asked.query_string,
        page_script_hash=asked.page_script_hash,
        page_name=asked.page_name,
        context_info=asked.context_info,
    )
    return BackMsg(rerun_script=again).SerializeToString()


def _unplaced(message: ForwardMsg) -> bytes:
    if message.HasField("new_session"):
        message.new_session.main_script_path = ""
    return message.SerializeToString()


def resumed(scope: Scope) -> str:
    """The session that a browser wants to go on with, or nothing."""
    entries = _entries(scope)
    return entries[RESUMES] if len(entries) > RESUMES else ""


def begun_anew(scope: Scope) -> Scope:
    """The request without that wish."""
    shorter = ", ".join(_entries(scope)[:RESUMES]).encode("latin-1")
    kept = [(name, shorter if name == PROTOCOL else value) for name, value in scope["headers"]]
    return {**scope, "headers": kept}


def _entries(scope: Scope) -> list[str]:
    return [entry.strip() for entry in ",".join(headers(scope, PROTOCOL)).split(",")]
