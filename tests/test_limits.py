"""How much one may ask of the app: what is beyond it waits or is refused, and nobody else notices."""

import time
from collections.abc import Callable
from dataclasses import replace
from math import inf

import anyio
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from streamlit.proto.BackMsg_pb2 import BackMsg

from pages.entrance import cookies, hosts
from pages.entrance.cookies import Scope
from pages.entrance.gate import TOO_MUCH, Gate
from pages.entrance.limits import Bucket, Buckets, Pace
from pages.entrance.stream import Message, Stream
from pages.entrance.visits import MANY, NOBODY, Visitor, Visits
from pages.entrance.ways import PRODUCT
from tests.client import Client, serving

MB = 1_000_000


class Known:
    """Whoever has a cookie is a lead of that name."""

    async def visitor(self, scope: Scope) -> Visitor:
        name = cookies.token(scope)
        return Visitor("lead", name, name) if name else NOBODY

    async def invited(self, _scope: Scope, _visitor: Visitor) -> str | None:
        return None


async def answer(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("here")


def spent(take: Callable[[], float]) -> int:
    """How often it can be taken at once."""
    return next(n for n in range(10_000) if take() > 0)


def test_a_bucket_gives_what_it_holds_and_then_as_fast_as_it_fills():
    bucket = Bucket(Pace(a_second=100, at_once=3))
    assert [bucket.take() for _ in range(3)] == [0, 0, 0]
    wait = bucket.take()
    assert 0 < wait <= 0.01
    time.sleep(wait)
    assert bucket.take() == 0
    assert bucket.take(4) == inf  # never


def test_what_one_takes_is_not_taken_from_another_and_the_longest_unseen_is_forgotten():
    buckets = Buckets(Pace(0.001, 1), most=2)
    waits = [(name, buckets.take(name) > 0) for name in "abacba"]
    assert [name for name, waited in waits if waited] == ["a"]


def test_on_ones_own_computer_nothing_has_a_bound():
    bucket = Bucket(Pace(0, inf))
    assert [bucket.take(1e12) for _ in range(3)] == [0, 0, 0]


def test_who_asks_without_end_is_told_to_wait_and_the_others_are_not():
    few = Visits(replace(MANY, requests=Pace(0.01, 5), strangers=Pace(0.01, 3)))
    settings = {"hosts": hosts.here(), "people": Known(), "ways": PRODUCT, "visits": few}
    with serving(Starlette(routes=[Route("/data", answer)], middleware=[Middleware(Gate, **settings)])) as address:
        one, other = (Client(address, cookies={"pilot_login": name}) for name in ("one", "other"))
        assert [one.get("/data").status for _ in range(6)] == [200] * 5 + [429]
        refused = one.get("/data")
        assert TOO_MUCH in refused.body
        assert 1 <= int(refused.headers["retry-after"]) <= 100
        assert other.get("/data").status == 200
        assert [Client(address).get("/data").status for _ in range(4)] == [303] * 3 + [429]
        assert other.get("/data").status == 200  # at the same address


@pytest.mark.parametrize(("pace", "is_slow"), [(Pace(20, 5), True), (MANY.messages, False)])
def test_messages_beyond_what_a_person_sends_wait_and_none_is_lost(pace: Pace, is_slow: bool):
    sent = [BackMsg(rerun_script={"page_name": str(n)}).SerializeToString() for n in range(20)]
    left = iter(sent)

    async def receive() -> Message:
        return {"type": "websocket.receive", "bytes": next(left)}

    async def send(_message: Message) -> None:
        raise AssertionError("nothing is refused")

    async def look() -> Visitor:
        return Visitor("rater", "one")

    async def run() -> float:
        stream = Stream(Visits(replace(MANY, messages=pace)).of(await look()), receive, send, look)
        began = time.monotonic()
        assert [(await stream.receive())["bytes"] for _ in sent] == sent
        return time.monotonic() - began

    assert (anyio.run(run) > 0.7) is is_slow  # 15 messages at 20 a second


def test_uploads_of_a_day_have_a_bound_for_each_person():
    day = Buckets(MANY.uploads)
    assert spent(lambda: day.take("one", 100 * MB)) == 40
    assert day.take("other", 100 * MB) == 0
