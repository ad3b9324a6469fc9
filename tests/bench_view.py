"""How soon is a map there, and how soon is it known what was picked? `python3 manage.py bench view`.

A screen with nothing but a map, in a headless Chromium that draws in software. Ready: from the start of the script
until the last point is drawn. Picked: from the mouse button's release until Python has the ids.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from tests.browser import PATIENCE, chromium, running_app

SCREEN = """
import json
import time
from pathlib import Path

import numpy as np
import streamlit as st

from core import map_charts, selections
from core.map_charts import Colouring, Map
from pages.parts.scatter import Cloud, scatter

began, here = time.time(), Path(__file__).parent
ask = st.query_params
xy, values = np.load(here / "xy.npy"), np.load(here / "values.npy")
colouring = Colouring(ask.get("title", "state"), values)
none = np.arange(0)


def tell(**facts):
    with (here / "told.jsonl").open("a") as file:
        file.write(json.dumps(facts) + "\\n")


def picked(ids):
    at = time.time()
    np.save(here / "picked.npy", ids)
    tell(picked=at, n=len(ids), gesture=dict(st.session_state.map.gesture))
    st.session_state.picked = ids


def boxed():
    box = st.session_state.map.selection["box"]
    if box:
        ids = selections.in_box(xy, box["x"], box["y"])
        tell(picked=time.time(), n=len(ids), gesture={"kind": "box", "points": list(zip(box["x"], box["y"]))})


st.button("again", on_click=tell, kwargs={"again": True})
if st.toggle("more"):
    st.write("A line above the map.")
tell(began=began)
if st.toggle("away"):
    st.stop()
if "altair" in ask:
    drawn = Map(xy.astype(float), colouring, none, selections.frame_of(xy.astype(float)))
    st.altair_chart(map_charts.waveform_map(drawn, 480, {}), key="map", on_select=boxed, theme=None)
else:
    chosen = st.session_state.get("picked", none)
    scatter(Cloud(xy, colouring, ask.get("alt", "A map")), chosen, picked, "map", 480)
    st.text(f"{len(chosen)} picked")
"""
NAMES = np.array(["other", "ring"])


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one map. Seconds."""

    what: str
    n: int
    ready: float
    picked: float
    bars: tuple[float, float]  # infinite where there is none

    @property
    def passed(self) -> bool:
        return self.ready <= self.bars[0] and self.picked <= self.bars[1]


def main() -> None:
    words = argparse.ArgumentParser(prog="manage.py bench view", description=__doc__)
    words.add_argument("--json", type=Path, metavar="FILE", help="write every number there")
    said = words.parse_args()
    none = float("inf")
    wanted = [
        ("Altair", 10_000, (none, none)),
        ("ours", 10_000, (none, none)),
        ("ours", 100_000, (5.0, 0.5)),
        ("ours", 1_000_000, (12.0, none)),
    ]
    line = "{:<8}{:>12}{:>12}{:>12}   {}"
    print(line.format("", "points", "ready", "picked", "bars"))
    found = []
    with sync_playwright() as playwright:
        browser = chromium(playwright)
        for what, n, bars in wanted:
            one = Figures(what, n, *measured(browser, what, n), bars)
            told = " and ".join(f"{bar:g} s" for bar in bars if bar < none)
            verdict = "" if not told else f"{told}  {'ok' if one.passed else 'ABOVE THE BAR'}"
            print(line.format(what, f"{n:,}", f"{one.ready:.2f} s", f"{one.picked:.2f} s", verdict), flush=True)
            found.append(one)
        browser.close()
    if said.json:
        rows = [
            asdict(one) | {"passed": one.passed, "bars": [b if b < none else None for b in one.bars]} for one in found
        ]
        said.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    sys.exit(not all(one.passed for one in found))


def measured(browser: Browser, what: str, n: int) -> tuple[float, float]:
    """Seconds until it is ready, and from a pick until Python has its ids. The server has shown a small map before."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plant(folder, 1000)
        with served(folder) as address:
            altair = "?altair" if what == "Altair" else ""
            wait = drawn_by_altair if altair else drawn
            for n_shown in (1000, n):
                plant(folder, n_shown)
                page = browser.new_page(viewport={"width": 1280, "height": 800})
                page.add_init_script("addEventListener('pointerup', () => window.released = Date.now(), true)")
                page.goto(address + altair)
                ready = wait(page, n_shown) - last(folder, "began")["began"]
                picked = pick(page, folder, bool(altair)) if n_shown == n else 0.0
                page.close()
    return ready, picked


def plant(folder: Path, n: int) -> NDArray[np.float32]:
    """A cloud, and a ring around it of every twentieth point, in random order; (n, 2)."""
    rng = np.random.default_rng(0)
    xy, is_ring = rng.normal(size=(n, 2)), np.arange(n) % 20 == 0
    angle = rng.uniform(0, 2 * np.pi, n)
    ring = rng.uniform(7.5, 8.5, n)[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    points = np.where(is_ring[:, None], ring, xy).astype(np.float32)
    np.save(folder / "xy.npy", points)
    np.save(folder / "values.npy", NAMES[is_ring.astype(int)])
    return points


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The screen, on a server of its own; its address."""
    script = folder / "screen.py"
    script.write_text(SCREEN, encoding="utf-8")
    with running_app(folder, script) as app:
        yield f"{app.address}/"


def drawn(page: Page, _n: int) -> float:
    """When the last point was on the canvas: reading a pixel back waits for the drawing."""
    page.wait_for_selector(".scatter[data-state=ready]", timeout=PATIENCE)
    at: float = page.locator(".scatter canvas").evaluate(
        """canvas => {
            const gl = canvas.getContext('webgl2');
            gl?.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
            return Date.now() / 1000;
        }"""
    )
    return at


def drawn_by_altair(page: Page, _n: int) -> float:
    """Vega draws all points in one go: as SVG, or many of them on a canvas."""
    page.wait_for_function(
        """() => {
            const marks = document.querySelector('[data-testid=stVegaLiteChart] .marks');
            if (marks?.tagName !== 'CANVAS') return marks?.querySelector('.mark-symbol path');
            const middle = marks.getContext('2d').getImageData(marks.width / 2, marks.height / 2 - 40, 1, 1).data;
            return middle[2] - middle[0] > 99;  // blue
        }""",
        timeout=PATIENCE,
    )
    return float(page.evaluate("Date.now() / 1000"))


def told(folder: Path) -> list[dict[str, Any]]:
    """What the screen wrote down, oldest first."""
    return [json.loads(line) for line in (folder / "told.jsonl").read_text(encoding="utf-8").splitlines()]


def last(folder: Path, fact: str) -> dict[str, Any]:
    return next(one for one in reversed(told(folder)) if fact in one)


def pick(page: Page, folder: Path, by_altair: bool) -> float:
    """Half of the middle, by lasso or box; seconds from the release until Python has the ids."""
    if by_altair:
        drag(page, page.locator("[data-testid=stVegaLiteChart] .marks"), np.array([[0.3, 0.4], [0.7, 0.6]]))
    else:
        turn = np.linspace(0, np.pi, 60)
        lasso = 0.5 + 0.2 * np.column_stack([np.cos(turn), np.sin(turn) - 0.5])
        drag(page, page.locator(".scatter canvas"), lasso)
    for _ in range(PATIENCE // 20):
        page.wait_for_timeout(20)
        if any("picked" in one for one in told(folder)):
            break
    found = last(folder, "picked")
    assert found["n"] > 0
    return float(found["picked"] - page.evaluate("window.released / 1000"))


def drag(page: Page, chart: Locator, path: NDArray[np.float64]) -> None:
    """With the mouse along (m, 2) shares of the chart's width and height."""
    box: Any = chart.bounding_box()
    places = np.array([box["x"], box["y"]]) + path * [box["width"], box["height"]]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place)
    page.mouse.up()


if __name__ == "__main__":
    main()
