"""What a tablet does with what the server says: nothing leaves its outbox but what was kept or refused for good."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.test_rating import LANDSCAPE, Server, Tablet, checks, material, rate


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.stop()


@pytest.fixture
def tablet(browser: Browser, server: Server) -> Iterator[Tablet]:
    context = browser.new_context(viewport={"width": LANDSCAPE[0], "height": LANDSCAPE[1]}, has_touch=True)
    made = Tablet(context.new_page(), server, material(checks(4)))
    yield made
    context.close()
    assert made.wrong == []


def always(status: int) -> Callable[[object], int]:
    return lambda _answers: status


def waiting(tablet: Tablet) -> list[int]:
    return [answer["score"] for answer in tablet.kept()["outbox"]]


@pytest.mark.parametrize("status", [400, 403, 404, 413, 429, 500, 502, 503])
def test_what_is_neither_kept_nor_refused_stays_and_is_called_not_saved(tablet, server, status):
    server.failing = always(status)
    rate(tablet, 2)
    expect(tablet.status).to_have_text(tablet.words["waiting"].replace("{n}", "1"))
    assert waiting(tablet) == [2]
    server.failing = always(200)
    tablet.page.evaluate("window.dispatchEvent(new Event('online'))")
    assert [answer["score"] for answer in tablet.arrived(1)] == [2]
    expect(tablet.status).to_have_text(tablet.words["saved"])


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_says_when_to_ask_again_is_asked_then(tablet, server, status):
    tablet.with_a_clock_of_ours()
    server.failing, server.headers = always(status), {"Retry-After": "20"}
    rate(tablet, 2)
    tries = tablet.tries
    tablet.page.clock.fast_forward(18_000)
    tablet.page.wait_for_timeout(100)
    assert tablet.tries == tries
    server.failing = always(200)
    tablet.page.clock.fast_forward(2_000)
    assert [answer["score"] for answer in tablet.arrived(1)] == [2]


def test_a_tablet_that_is_no_longer_known_opens_its_own_address_and_sends_again(tablet, server):
    opened = tablet.opened
    server.failing = lambda _answers: 401 if tablet.opened == opened else 200
    rate(tablet, 4)
    assert [answer["score"] for answer in tablet.arrived(1)] == [4]
    assert (tablet.opened, tablet.tries) == (opened + 1, 2)


def test_a_tablet_that_stays_unknown_keeps_its_answers_and_asks_once_a_try(tablet, server):
    opened = tablet.opened
    server.failing = always(401)
    rate(tablet, 4)
    expect(tablet.status).to_have_text(tablet.words["waiting"].replace("{n}", "1"))
    assert (waiting(tablet), tablet.opened, tablet.tries) == ([4], opened + 1, 2)


@pytest.mark.parametrize("status", [400, 413, 500])
def test_an_answer_that_the_server_cannot_digest_holds_back_no_other(tablet, server, status):
    server.failing = lambda answers: status if any(one["score"] == 1 for one in answers) else 200
    tablet.with_a_clock_of_ours()
    server.stop()
    for score in (1, 2, 3):
        rate(tablet, score)
    server.start()
    for _ in range(6):
        tablet.page.clock.fast_forward(30_000)
        tablet.page.wait_for_timeout(100)
    assert [answer["score"] for answer in tablet.arrived(2)] == [2, 3]
    assert waiting(tablet) == [1]
    expect(tablet.status).to_have_text(tablet.words["waiting"].replace("{n}", "1"))


def test_many_answers_go_in_several_requests(tablet, server):
    server.stop()
    more = """n => { const [name] = Object.keys(localStorage), state = JSON.parse(localStorage.getItem(name));
        state.outbox = Array.from({ length: n }, (_, i) => ({ id: `${i}`, score: i }));
        localStorage.setItem(name, JSON.stringify(state)); }"""
    tablet.page.evaluate(more, 45)
    server.start()
    tablet.reload()
    assert [answer["score"] for answer in tablet.arrived(45)] == list(range(45))
    assert [len(one["answers"]) for one in server.requests] == [20, 20, 5]
