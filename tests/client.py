"""A browser without a screen: real HTTP, its cookies, and the forms of the pages it is shown. It follows nothing."""

import html
import http.client
import re
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit

import uvicorn

Sent = Mapping[str, str] | bytes | None  # a form's fields, or whatever else is sent


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def form(self) -> dict[str, str]:
        """What the page's form sends without anybody writing in it."""
        found = re.findall(r'<input type="hidden" name="(.*?)" value="(.*?)">', self.body)
        return {name: html.unescape(value) for name, value in found}

    @property
    def words(self) -> str:
        """What somebody reads, one after the other."""
        seen = re.sub(r"<style>.*?</style>", "", self.body, flags=re.DOTALL)
        return html.unescape(re.sub(r"<[^>]*>", " ", seen))


@dataclass
class Client:
    address: str
    language: str = "en"
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> Answer:
        return self.send("GET", path, None, headers)

    def post(self, path: str, **fields: str) -> Answer:
        return self.send("POST", path, fields, {})

    def fill(self, page: Answer, path: str, **fields: str) -> Answer:
        """Send the form that the page shows."""
        return self.post(path, **page.form, **fields)

    def send(self, method: str, path: str, sent: Sent, headers: Mapping[str, str]) -> Answer:
        is_form = isinstance(sent, Mapping)
        body = urlencode(sent) if is_form else sent
        told = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), "Origin": self.address}
        told |= {"Accept-Language": self.language, "Accept": "text/html"}
        told |= {"Content-Type": "application/x-www-form-urlencoded"} if is_form else {}
        told |= headers
        where = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=60)
        try:
            where.request(method, path, body, told)
            answer = where.getresponse()
            text = answer.read().decode(errors="replace")  # a picture is none
        finally:
            where.close()
        for line in answer.headers.get_all("Set-Cookie", []):
            for name, one in SimpleCookie(line).items():
                if one.value and one["max-age"] != "0":
                    self.cookies[name] = one.value
                else:
                    self.cookies.pop(name, None)
        return Answer(answer.status, answer.headers, text)  # type: ignore[arg-type]  # a message reads like a mapping


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """An ASGI app on loopback, in a thread. Yields its address."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen(200)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [s]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{s.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)
