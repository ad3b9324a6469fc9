"""The map of very many points, on a screen of its own in a real browser; the screen is the bench's."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from core.charts import CUD, FAINT
from core.lasso import in_polygon
from core.map_charts import Colouring
from core.selections import frame_of
from pages.parts import scatter
from pages.parts.scatter import Cloud, meant
from tests.bench_view import drag, drawn, last, plant, served, told

N = 100_000
HEIGHT = 480  # of the screen's map
TURN = np.linspace(0, 2 * np.pi, 60)
CIRCLE = np.column_stack([np.cos(TURN), np.sin(TURN)])
XY = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])


# --- what a gesture means, and what goes down


@pytest.mark.parametrize(
    ("gesture", "ids"),
    [
        ({"kind": "tap", "id": 2}, [2]),
        ({"kind": "tap", "id": 4}, []),  # points that are no longer there
        ({"kind": "tap", "id": -1}, []),
        ({"kind": "lasso", "points": [[0.5, 0.5], [2.5, 0.5], [2.5, 2.5], [0.5, 2.5]]}, [1, 2]),
        ({"kind": "box", "points": [[2, 2], [0, 2], [0, 0], [2, 0]]}, [0, 1, 2]),  # its edges belong to a box
        ({"kind": "none"}, []),
    ],
)
def test_a_gesture_means_the_points_under_it(gesture, ids):
    assert meant(XY, gesture).tolist() == ids


def test_groups_keep_their_looks_and_those_beyond_a_byte_are_one():
    values = np.array(["b", "none", "a", "b"])
    codes, facts = scatter._coloured(Colouring("state", values, ("b", "a", "none"), "none"))
    assert [facts["names"][code] for code in codes] == values.tolist()
    assert (facts["names"], facts["colours"]) == (["b", "a", "none"], [*CUD[:2], FAINT])
    many = np.array([f"{i:03}" for i in range(300)])
    codes, facts = scatter._coloured(Colouring("state", many))
    assert [facts["names"][code] for code in codes[:255]] == many[:255].tolist()
    assert set(codes[255:]) == {255}
    assert len(facts["names"]) == len(facts["colours"]) == len(facts["shapes"]) == 256


def test_quantities_stay_what_they_are_and_times_are_seconds_since_the_first():
    sent, facts = scatter._coloured(Colouring("load", np.array([2.0, np.nan, 4.5, np.inf])))
    np.testing.assert_array_equal(sent, np.array([2.0, np.nan, 4.5, np.nan], dtype=np.float32))
    assert (facts["low"], facts["high"], facts["ends"], facts["gaps"]) == (2.0, 4.5, ["2", "4.5"], True)
    times = np.array(["2026-11-23T14:05", "NaT", "2026-11-25T14:05"], dtype="datetime64[ns]")
    sent, facts = scatter._coloured(Colouring("time", times))
    np.testing.assert_array_equal(sent, np.array([0, np.nan, 172_800], dtype=np.float32))
    assert (facts["since"], facts["ends"]) == (1_795_442_700_000, ["11/23 14:05", "11/25 14:05"])
    sent, facts = scatter._coloured(Colouring("load", np.array([np.nan, np.nan])))
    assert (facts["low"], facts["high"], facts["ends"]) == (0.0, 0.0, ["", ""])


def test_the_more_points_the_smaller_and_fainter_they_are():
    looks = [Cloud(np.zeros((n, 2)), Colouring("", np.zeros(n)), "").look for n in (10, 10_000, 100_000, 1_000_000)]
    assert looks == sorted(looks, reverse=True)
    assert min(looks) > (1.5, 0.1)


# --- in a browser


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    folder = tmp_path_factory.mktemp("screen")
    plant(folder, N)
    with served(folder) as address:
        yield folder, address


@contextmanager
def opened(browser: Browser, address: str) -> Iterator[Page]:
    """The map, drawn. Nothing may go wrong in the page."""
    page, wrong = browser.new_page(viewport={"width": 1280, "height": 900}), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.goto(address)
    drawn(page, N)
    yield page
    page.close()
    assert wrong == []


@pytest.fixture(scope="module")
def shared(browser: Browser, screen: tuple[Path, str]) -> Iterator[Page]:
    with opened(browser, screen[1]) as page:
        yield page


@pytest.fixture
def page(shared: Page, screen: tuple[Path, str]) -> Page:
    """As if just opened: starting Streamlit's page takes longer than all that is done with it here."""
    press(shared, "Lasso")
    canvas(shared).press("0")
    next_pick(shared, screen[0], lambda: canvas(shared).press("Escape"))  # of nothing; what a test picks comes after it
    expect(button(shared, "Zoom into the pick")).to_be_disabled()
    canvas(shared).blur()
    shared.mouse.move(0, 0)
    return shared


@pytest.fixture
def xy(screen: tuple[Path, str]) -> np.ndarray:
    return np.load(screen[0] / "xy.npy")


def canvas(page: Page) -> Locator:
    return page.locator(".scatter canvas")


def shares(page: Page, places: np.ndarray, xy: np.ndarray) -> np.ndarray:
    """Data coordinates as shares of the canvas, while the whole map is in view."""
    x, y, half = frame_of(xy.astype(float))
    box = canvas(page).bounding_box()
    pixels = (places - [x, y]) * [1, -1] * min(box["width"], box["height"]) / 2 / half
    return 0.5 + pixels / [box["width"], box["height"]]


def outermost(xy: np.ndarray) -> int:
    """Of the cloud: a point with no other beside it."""
    return int(np.argmax(np.where(np.arange(N) % 20, np.hypot(*xy.T), 0)))


def next_pick(page: Page, folder: Path, act) -> tuple[list[int], dict[str, Any]]:
    """Ids and gesture of what `act` picks, once the picture shows it."""
    before = sum("picked" in one for one in told(folder)) if (folder / "told.jsonl").exists() else 0
    act()
    while sum("picked" in one for one in told(folder)) == before:
        page.wait_for_timeout(20)
    ids = np.load(folder / "picked.npy").tolist()
    expect(page.get_by_text(f"{len(ids)} picked")).to_be_visible()
    return ids, last(folder, "picked")["gesture"]


def in_view(page: Page, folder: Path) -> np.ndarray:
    """Corners of what is in view, in the data's units: Enter picks it."""
    canvas(page).focus()
    return np.array(next_pick(page, folder, lambda: page.keyboard.press("Enter"))[1]["points"])


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def press(page: Page, name: str) -> None:
    button(page, name).click()


def test_a_lasso_round_a_planted_ring_of_100_000_points_picks_exactly_the_ring(page, screen, xy):
    around = np.concatenate([9.1 * CIRCLE, 6 * CIRCLE[::-1]])  # once round outside, in, and back inside
    ids, gesture = next_pick(page, screen[0], lambda: drag(page, canvas(page), shares(page, around, xy)))
    assert ids == in_polygon(xy, gesture["points"]).tolist()
    assert ids == list(range(0, N, 20))
    assert gesture["kind"] == "lasso"


def test_a_box_and_a_tap_pick_what_lies_under_them_and_an_empty_place_picks_nothing(page, screen, xy):
    press(page, "Box")
    ids, _ = next_pick(
        page, screen[0], lambda: drag(page, canvas(page), shares(page, np.array([[7.0, 3.0], [8.6, -3.0]]), xy))
    )
    inside = (xy[:, 0] > 7) & (xy[:, 0] < 8.6) & (abs(xy[:, 1]) < 3)
    assert len(set(ids) ^ set(np.flatnonzero(inside))) < 0.03 * len(ids)  # a pixel is 0.04 wide
    loneliest = outermost(xy)
    at = shares(page, xy[[loneliest, loneliest]], xy)
    ids, gesture = next_pick(page, screen[0], lambda: drag(page, canvas(page), at))
    assert ids == [loneliest]
    assert gesture == {"kind": "tap", "id": loneliest}
    ids, _ = next_pick(
        page, screen[0], lambda: drag(page, canvas(page), shares(page, np.array([[-12.0, 8.0]] * 2), xy))
    )
    assert ids == []


def test_points_come_down_once_and_a_pick_costs_a_bit_a_point(browser, screen):
    page, got = browser.new_page(viewport={"width": 1280, "height": 900}), []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: got.append(("ws", len(frame)))))
    page.on("response", lambda answer: got.append(("http", answer)) if f"{screen[1]}media/" in answer.url else None)
    page.goto(screen[1])
    drawn(page, N)
    sizes = [len(answer.body()) for kind, answer in got if kind == "http"]
    assert sorted(sizes) == [N, 8 * N]  # a group is one byte, a point two float32
    assert sum(size for kind, size in got if kind == "ws") < 60_000

    def cost(act) -> tuple[int, int]:
        got.clear()
        act()
        page.wait_for_timeout(500)
        fetched = sum(len(answer.body()) for kind, answer in got if kind == "http")
        return fetched, sum(size for kind, size in got if kind == "ws")

    reruns = [cost(lambda: button(page, "again").click())]
    reruns.append(cost(lambda: page.get_by_text("more").click()))
    reruns.append(cost(lambda: page.get_by_text("away").click()))
    reruns.append(cost(lambda: page.get_by_text("away").click()))  # drawn anew, of what the page has already
    drawn(page, N)
    assert all(fetched == 0 and sent < 3000 for fetched, sent in reruns), reruns
    canvas(page).focus()
    fetched, _ = cost(lambda: next_pick(page, screen[0], lambda: page.keyboard.press("Enter")))
    assert fetched == N / 8
    page.close()


def test_the_view_is_zoomed_and_moved_and_one_can_go_back_and_forth(page, screen, xy):
    whole = in_view(page, screen[0])
    box = canvas(page).bounding_box()
    across, up = np.ptp(whole, axis=0)
    assert up == pytest.approx(2 * frame_of(xy.astype(float))[2])
    assert across / up == pytest.approx(box["width"] / box["height"], rel=0.01)  # a unit is as long across as up
    press(page, "Zoom in")
    closer = in_view(page, screen[0])
    np.testing.assert_allclose(closer.mean(axis=0), whole.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(np.ptp(closer, axis=0), np.ptp(whole, axis=0) / 1.6)
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(400)
    moved = in_view(page, screen[0])
    np.testing.assert_allclose(moved - closer, [[60 * up / 1.6 / HEIGHT, 0]] * 4, atol=0.01)
    for name, there in (("Zoom back", closer), ("Zoom back", whole), ("Zoom again", closer), ("Whole map", whole)):
        press(page, name)
        np.testing.assert_allclose(in_view(page, screen[0]), there, atol=1e-6)
    press(page, "Move")
    drag(page, canvas(page), np.array([[0.5, 0.5], [0.6, 0.5]]))
    np.testing.assert_allclose(in_view(page, screen[0])[:, 0] - whole[:, 0], -0.1 * across, rtol=0.02)


def test_the_wheel_scrolls_the_page_until_the_map_has_been_touched(page, screen, xy):
    place = canvas(page).bounding_box()
    page.mouse.move(place["x"] + 300, place["y"] + 200)
    page.mouse.wheel(0, -500)
    page.wait_for_timeout(400)
    before = in_view(page, screen[0])  # its key gives the map the focus
    assert np.ptp(before[:, 1]) == pytest.approx(2 * frame_of(xy.astype(float))[2])
    page.mouse.wheel(0, -500)
    page.wait_for_timeout(400)
    assert np.ptp(in_view(page, screen[0])[:, 1]) < 0.6 * np.ptp(before[:, 1])


def test_a_pick_can_be_zoomed_into(page, screen, xy):
    canvas(page).focus()
    next_pick(page, screen[0], lambda: drag(page, canvas(page), shares(page, [4, 7] + 1.9 * CIRCLE, xy)))
    ids = np.load(screen[0] / "picked.npy")
    press(page, "Zoom into the pick")
    seen = in_view(page, screen[0])
    x, y, half = frame_of(xy[ids].astype(float))
    np.testing.assert_allclose(seen.mean(axis=0), [x, y], atol=1e-4)
    assert np.ptp(seen[:, 1]) == pytest.approx(2 * half, rel=1e-4)


def test_fingers_draw_a_lasso_and_two_of_them_zoom(browser, screen, xy):
    context = browser.new_context(viewport={"width": 1024, "height": 900}, has_touch=True)
    page = context.new_page()
    page.goto(screen[1])
    drawn(page, N)
    touch = context.new_cdp_session(page)

    def move(*paths: np.ndarray) -> None:
        box = canvas(page).bounding_box()
        placed = [np.array([box["x"], box["y"]]) + path * [box["width"], box["height"]] for path in paths]
        for i, places in enumerate(zip(*placed, strict=True)):
            points = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(places)]
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove" if i else "touchStart", "touchPoints": points})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    ids, gesture = next_pick(page, screen[0], lambda: move(shares(page, 6 * CIRCLE, xy)))
    assert ids == [i for i in range(N) if i % 20]
    assert gesture["kind"] == "lasso"
    before = in_view(page, screen[0])
    apart = np.linspace(0.05, 0.2, 12)
    move(*(np.column_stack([0.5 + side * apart, np.full(12, 0.5)]) for side in (-1, 1)))
    page.wait_for_timeout(400)
    np.testing.assert_allclose(np.ptp(in_view(page, screen[0]), axis=0), np.ptp(before, axis=0) / 4, rtol=0.05)
    context.close()


def test_the_point_under_the_mouse_says_its_number_and_its_group(page, xy):
    farthest = outermost(xy)
    left, top = shares(page, xy[[farthest]], xy)[0]
    box = canvas(page).bounding_box()
    page.mouse.move(box["x"] + left * box["width"], box["y"] + top * box["height"])
    expect(page.locator(".scatter .tip")).to_have_text(f"Stretch {farthest + 1:,}\nstate: other")
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    expect(page.locator(".scatter .tip")).to_be_hidden()


def test_buttons_are_large_enough_and_the_map_says_what_it_shows(page):
    sizes = page.locator(".scatter .tools button").evaluate_all(
        "all => all.map(one => [one.offsetWidth, one.offsetHeight])"
    )
    assert len(sizes) == 10
    assert np.min(sizes) >= 44
    expect(page.get_by_role("application", name="A map")).to_have_accessible_description(re.compile("Arrow keys"))
    expect(page.locator(".scatter .legend")).to_have_text(re.compile("state.*other.*ring", re.DOTALL))


def test_the_picture_is_saved_on_white_with_its_legend(page, tmp_path):
    with page.expect_download() as download:
        press(page, "Save what is in view (PNG)")
    assert download.value.suggested_filename == "map.png"
    download.value.save_as(tmp_path / "map.png")
    picture = np.asarray(Image.open(tmp_path / "map.png").convert("RGB")).astype(int)
    assert picture[0, 0].tolist() == [255, 255, 255]
    blue, orange = ([int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in CUD[:2])
    assert is_there(blue, picture[:HEIGHT])
    assert is_there(blue, picture[HEIGHT:])
    assert is_there(orange, picture[HEIGHT:])


def is_there(colour: list[int], picture: np.ndarray) -> bool:
    return bool((abs(picture - colour).max(axis=-1) < 12).any())


def test_the_map_comes_back_when_the_graphics_driver_has_dropped_it_and_lets_go_when_it_is_away(browser, screen):
    with opened(browser, screen[1]) as page:
        lost = "canvas => canvas.getContext('webgl2').isContextLost()"
        handle = canvas(page).element_handle()
        handle.evaluate("canvas => window.extension = canvas.getContext('webgl2').getExtension('WEBGL_lose_context')")
        page.evaluate("extension.loseContext()")
        page.wait_for_timeout(200)
        assert handle.evaluate(lost)
        page.evaluate("extension.restoreContext()")
        page.wait_for_timeout(600)
        assert not handle.evaluate(lost)
        assert is_blue(middle_pixel(page))
        page.get_by_text("away").click()
        expect(canvas(page)).to_be_hidden()
        assert handle.evaluate(lost)


def is_blue(pixel: list[int]) -> bool:
    return max(abs(a - b) for a, b in zip(pixel, (0, 90, 255, 255), strict=True)) < 4


def middle_pixel(page: Page) -> list[int]:
    return canvas(page).evaluate(
        """canvas => {
            const gl = canvas.getContext('webgl2'), pixel = new Uint8Array(4);
            gl.readPixels(canvas.width / 2, canvas.height / 2, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
            return [...pixel];
        }"""
    )


def test_on_paper_the_buttons_are_gone_and_the_picture_is_not(page):
    page.emulate_media(media="print")
    expect(page.locator(".scatter .tools")).to_be_hidden()
    expect(canvas(page)).to_be_visible()
    assert is_blue(middle_pixel(page))
    page.emulate_media(media="screen")


def test_without_webgl_the_map_shows_density_says_so_and_can_be_picked(browser, screen, xy):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.add_init_script(
        """const real = HTMLCanvasElement.prototype.getContext;
        HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
            return kind === 'webgl2' ? null : real.call(this, kind, ...more);
        };"""
    )
    page.goto(screen[1])
    page.wait_for_selector(".scatter[data-state=ready]")
    expect(page.get_by_text("This browser cannot draw points one by one (no WebGL 2)")).to_be_visible()
    expect(page.locator(".scatter .legend")).to_be_hidden()
    before = coloured(page)
    assert before["blue"] > 1000
    assert before["orange"] == 0
    ids, _ = next_pick(page, screen[0], lambda: drag(page, canvas(page), shares(page, 6 * CIRCLE, xy)))
    assert ids == [i for i in range(N) if i % 20]
    page.wait_for_timeout(200)
    assert coloured(page)["orange"] > 1000
    assert coloured(page)["blue"] == 0
    page.close()


def coloured(page: Page) -> dict[str, int]:
    """How many pixels of a canvas are blue, and how many orange."""
    return canvas(page).evaluate(
        """canvas => {
            const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            const found = { blue: 0, orange: 0 };
            for (let i = 0; i < data.length; i += 4) {
                if (data[i + 3] && data[i] < 60 && data[i + 2] > 200) found.blue += 1;
                if (data[i + 3] && data[i] > 200 && data[i + 2] < 60) found.orange += 1;
            }
            return found;
        }"""
    )
