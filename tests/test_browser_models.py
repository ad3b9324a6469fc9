"""Journeys through what a model adds: maps compared, the ladder, planted truths, extra training."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from core.demo import EXAMPLES
from tests.browser import Visitor, new_pilot, picked, shoot_whole, until, upload

pytestmark = pytest.mark.usefixtures("leave")

TABLET, PC = (1024, 768), (1280, 800)
EXAMPLES_SHOWN = ("press_line", "weekly_demand", "regimes", "outliers", "trends", "pump")


@pytest.mark.parametrize(("language", "size"), [("ja", TABLET), ("en", PC)])
def test_maps_are_compared_and_it_is_told_what_the_model_did(request, browser, app, shoot, shared_data, language, size):
    if language == "en" and not request.config.getoption("--pictures"):
        pytest.skip("walked in Japanese; in English on the example below")
    someone = Visitor(browser, app, language, size)
    new_pilot(someone, f"Did the model do it? {language}")
    upload(someone, shared_data / "skab" / "valve1" / "0.csv")
    someone.press("Use this data")
    someone.sees("Keep this map")
    compared(someone, shoot, "skab")
    assert someone.complaints == []


def test_maps_of_an_example_are_compared(request, browser, app, shoot):
    """One, in one language; for the README's pictures all of them, in both."""
    if not request.config.getoption("--pictures"):
        compare_example(Visitor(browser, app, "en", PC), shoot, "press_line")
        return
    for code in EXAMPLES_SHOWN:
        for language, size in (("ja", TABLET), ("en", PC)):
            compare_example(Visitor(browser, app, language, size), shoot, code)


def test_extra_training_tells_what_changed_and_what_did_not(request, browser, app, shoot, shared_data, tmp_path):
    """On a tablet in Japanese, of one channel; for the README's pictures of whole recordings, also in English."""
    files = sorted((shared_data / "skab" / "valve1").glob("*.csv"))
    if not request.config.getoption("--pictures"):
        train_further(Visitor(browser, app, "ja", TABLET), shoot, [narrow(files[0], tmp_path)], steps=40)
        return
    for language, size in (("ja", TABLET), ("en", PC)):
        train_further(Visitor(browser, app, language, size), shoot, files, steps=16)


def narrow(file: Path, folder: Path) -> Path:
    """Its time, the first of its eight channels, and its labels."""
    rows = [line.split(";") for line in file.read_text(encoding="utf-8").splitlines()]
    (folder / file.name).write_text("\n".join(";".join((row[0], row[1], row[9])) for row in rows), encoding="utf-8")
    return folder / file.name


def train_further(someone: Visitor, shoot, files: list[Path], steps: int) -> None:
    new_pilot(someone, f"Does training help? {someone.language}")
    upload(someone, *files)
    someone.press("Use this data")
    someone.sees("Keep this map")
    someone.page.get_by_role("link", name=someone.word("Train the model further")).click()
    someone.sees("No training yet. What comes of it will stand here.")
    someone.page.get_by_text(someone.word("and that stretches of one label belong together")).first.click()
    someone.settle()
    someone.open_fold("Details")
    field = someone.page.get_by_label(someone.word("Steps at most"))
    field.fill(f"{steps}")
    field.press("Enter")
    someone.settle()
    someone.page.get_by_role("button", name=someone.word("Start the training")).click()
    someone.sees("The map before and after")
    someone.sees("From before to after")
    told = someone.page.get_by_role("heading", level=4).first.inner_text()
    share, changed = re.findall(r"[+-]?[\d.]+(?=%)", told)  # the error's change, and how many neighbours are others
    assert share[0] in "+-"
    assert 0 < float(changed) < 100
    slider = someone.page.locator(".vega-bind input[type=range]")
    slider.scroll_into_view_if_needed()
    before = someone.charts().last.screenshot()
    slider.fill("1")
    until(lambda: someone.charts().last.screenshot() != before)
    someone.sees("the same without shapes, after training")
    shoot_whole(someone, shoot, "tune")
    assert someone.complaints == []
    someone.page.close()


def compare_example(someone: Visitor, shoot, code: str) -> None:
    new_pilot(someone, f"{code} {someone.language}")
    someone.open_fold("More example data, with what is planted in it")
    someone.page.get_by_role("button", name=someone.word("Add to this pilot")).nth([*EXAMPLES].index(code)).click()
    someone.sees("This is what I read:")
    someone.settle()
    someone.press("Use this data")
    someone.sees("Keep this map")
    compared(someone, shoot, code)
    assert someone.complaints == []
    someone.page.close()


def compared(someone: Visitor, shoot, name: str) -> None:
    """Ways of drawing, the ladder, and planted truths."""
    someone.page.get_by_role("link", name=someone.word("Compare with others")).click()
    someone.sees("Pick points on one map: they light up on all. The maps are turned so that they lie alike.")
    someone.settle()
    expect(someone.charts()).to_have_count(4)
    someone.drag(someone.charts().first, (0.3, 0.3), (0.6, 0.6))
    assert picked(someone) > 0
    expect(someone.charts()).to_have_count(5)  # and the waveforms
    shoot_whole(someone, shoot, f"ways-{name}")
    for section, words, n in (("Models", "ladder", 4), ("Planted truths", "truths", 8)):
        someone.page.get_by_role("radio", name=someone.word(section)).click()
        expect(someone.charts()).to_have_count(n)
        someone.settle()
        shoot_whole(someone, shoot, f"{words}-{name}")
