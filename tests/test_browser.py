"""Whole journeys, as people make them: a real server, a real engine, a real browser."""

import json
import time
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from core.charts import CUD
from core.steps import Deseason, Impute, Resample, Scale, Step
from pages.parts.steps import NAMES
from tests.browser import App, Rater, Visitor, new_pilot, picked, rows, running_app, until, upload

pytestmark = pytest.mark.usefixtures("leave")

TABLET, PC = (1024, 768), (1280, 800)
LAST_VIEW = "FROM job WHERE kind = 'view' ORDER BY created_at DESC LIMIT 1"


@pytest.mark.parametrize(("language", "size"), [("ja", TABLET), ("en", PC)])
def test_from_a_csv_to_a_rating_beside_the_loss(browser, app, shoot, shared_data, language, size):
    someone = Rater(browser, app, language, size)
    question = {"ja": "バルブの異常を地図で見つけられるか", "en": "Can our people see valve faults on the map?"}[
        language
    ]
    new_pilot(someone, question)
    someone.sees("No data yet. Upload a CSV, or try the press-line example.")
    upload(someone, shared_data / "skab" / "valve1" / "0.csv")
    someone.sees("This is what I read:")
    shoot(someone, "data")

    someone.press("Use this data")
    someone.sees("Keep this map")
    shoot_maps(someone, shoot)
    someone.press("Keep this map")
    someone.sees("Kept as map {n}.", n=1)

    someone.press("Ask people about it")
    someone.sees("Open the study")
    someone.press("Open the study")
    someone.sees("People who have finished")

    someone.press("Rate on this screen")
    someone.sees("How understandable are these maps?")
    someone.press("Begin")
    someone.sees("One point is one short stretch of a waveform")
    for screens in (someone.introduce(), *(someone.item() for _ in range(n_asked(app, question)))):
        for _screen in screens:
            pass
    someone.sees("Thank you very much!")

    [(score, spoken, seconds, loss)] = rows(
        app,
        "SELECT score, language, seconds, loss FROM rating JOIN study_item ON study_item.id = item_id "
        "JOIN view ON view.id = study_item.view_id JOIN pilot ON pilot.id = pilot_id "
        "WHERE question = ? AND kind = 'view'",
        question,
    )
    assert (score, spoken) == (4, language)
    assert 0 < seconds < 120
    assert loss > 0

    someone.open("/")
    someone.sees("Map {n} was rated {mean:.1f} of 5 by {people}.", n=1, mean=4, people=people(someone, 1))
    shoot(someone, "home")
    someone.press("Continue")
    someone.sees("Go on, improve or stop?")
    expect(someone.charts().first).to_contain_text(someone.word("Map {n}", n=1))
    shoot(someone, "evidence")
    with someone.page.expect_download() as download:
        someone.press("Answers (CSV)")
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    assert f"{loss}"[:6] in text
    someone.page.get_by_role("link", name=someone.word("Read what people say")).click()
    someone.sees("Can these answers be trusted?")
    someone.page.get_by_role("link", name=f"4 {someone.word('Evidence')}").click()

    someone.page.get_by_role("link", name=someone.word("Change one thing and ask again")).click()
    someone.sees("What do I change next?")
    shoot(someone, "improve")
    someone.press("Start round {n}", n=2)
    someone.sees("Can I see something?")
    assert someone.complaints == []
    if app.memory_maps.exists():  # Linux tells what a process has loaded
        assert "libtorch" not in app.memory_maps.read_text()


def n_asked(app: App, question: str) -> int:
    query = "SELECT json_array_length(asked) FROM rater JOIN study ON study.id = study_id JOIN pilot "
    return rows(app, query + "ON pilot.id = pilot_id WHERE question = ?", question)[0][0]


def people(visitor: Visitor, n: int) -> str:
    return {"ja": f"{n}人", "en": f"{n} person"}[visitor.language]


def shoot_maps(someone: Visitor, shoot) -> None:
    """Picked points mark their stretches on the series, and a picked stretch lights up its points."""
    series = someone.charts().nth(1)  # below the map
    assert shaded(series) == 0
    someone.drag(someone.charts().first, (0.35, 0.3), (0.6, 0.6))
    on_the_map = picked(someone)
    assert 0 < on_the_map < 156
    until(lambda: shaded(series) > 0)
    expect(someone.charts()).to_have_count(3)  # the map, the series, the waveforms over each other
    shoot(someone, "maps")
    someone.drag(series, (0.5, 0.3), (0.6, 0.3))
    until(lambda: picked(someone) != on_the_map)
    assert 0 < picked(someone) < 40


def shaded(chart) -> int:
    return chart.locator(f"path[fill='{CUD[3]}']").count()


def test_several_files_at_once_and_a_bad_one_among_them(browser, app, shared_data, tmp_path):
    """The good ones go on; the bad one says in Japanese what it is and what to do."""
    someone = Visitor(browser, app, "ja", TABLET)
    new_pilot(someone, "4つのバルブを比べる")
    (tmp_path / "報告書.csv").write_bytes(b"%PDF-1.7\n" + bytes(range(256)))
    (tmp_path / "空.csv").write_bytes(b"")
    upload(someone, *(shared_data / "skab" / "valve1").glob("*.csv"), *tmp_path.glob("*.csv"))
    someone.sees("This is a PDF document, not a CSV file.")
    someone.sees("The file is empty.")
    someone.press("Use this data")
    someone.sees("Keep this map")
    kept = rows(app, "SELECT reading FROM dataset JOIN pilot ON pilot.id = pilot_id WHERE question LIKE '4つ%'")
    told = [json.loads(reading) for (reading,) in kept]
    assert sorted((one["site"], one["label"], len(one["channels"])) for one in told) == [
        (str(i), "anomaly", 8) for i in range(4)
    ]
    expect(someone.page.get_by_text("0.csv, 1.csv, 2.csv, 3.csv")).to_be_visible()
    expect(someone.charts().first.locator("text=anomaly")).to_have_count(1)  # the legend names the label
    assert someone.complaints == []


def test_each_preparation_step_shows_its_effect(browser, app, shared_data, shoot):
    """Every kind is added, drawn before and after, and taken back; by a second reader, in English, one of them."""
    someone = Visitor(browser, app, "ja", TABLET)
    new_pilot(someone, "What the preparation does")
    upload(someone, shared_data / "nab" / "ambient_temperature_system_failure.csv")
    someone.press("Use this data")
    someone.sees("Keep this map")
    reader = Visitor(browser, app, "en", PC)
    [(pilot,)] = rows(app, "SELECT id FROM pilot WHERE question = 'What the preparation does'")
    reader.open(f"/maps?pilot={pilot}")
    for visitor, kinds in ((someone, [*NAMES]), (reader, [Deseason])):
        visitor.open_fold("Preparation: {length} samples a stretch, step {stride}", length=360, stride=45)
        visitor.press("Change the preparation")
        try_out(visitor, kinds, shoot)
        visitor.press("Show the map")
        visitor.sees("Keep this map")
        searched = "404"  # below a deep link's own path Streamlit looks for its server first
        assert [one for one in visitor.complaints if searched not in one] == []


def try_out(someone: Visitor, kinds: list[type[Step]], shoot) -> None:
    measured(someone)
    before = at_rest(curve(someone))
    for kind in kinds:
        someone.pick("Add a step", NAMES[kind])
        expect(someone.page.get_by_role("button", name="✕")).to_have_count(3)
        measured(someone)
        if kind in (Impute, Scale):  # both are there already
            expect(curve(someone)).to_have_attribute("d", before)
        elif kind != Resample:  # hourly values stay what they are on an hourly grid, but for a pause or two
            expect(curve(someone)).not_to_have_attribute("d", before)
        someone.page.get_by_test_id("stMain").evaluate("e => e.scrollTo(0, 0)")
        shoot(someone, "prepare" if kind == Deseason else f"step-{kind.__name__}")
        someone.press("Undo")
        expect(curve(someone)).to_have_attribute("d", before)
        measured(someone)


def measured(visitor: Visitor) -> None:
    """Until it is known what each step changes."""
    visitor.sees("This step cannot change the map of this model: its view of the data stays the same.")  # the scaling
    expect(visitor.page.get_by_text(visitor.word("Measuring what this step changes for the model …"))).to_have_count(0)
    visitor.settle()


def curve(visitor: Visitor) -> Locator:
    """What is drawn below "After"."""
    return visitor.charts().last.locator("path[stroke-width='1.2']").first


def at_rest(drawn: Locator) -> str:
    """Its shape, once it has stayed the same for a second: a chart is drawn again when its width becomes known."""
    shape = ""
    while shape != (now := str(drawn.get_attribute("d"))):
        shape = now
        drawn.page.wait_for_timeout(1000)
    return shape


def test_the_example_needs_two_taps_to_a_map(browser, app):
    someone = Visitor(browser, app, "ja", TABLET)
    someone.open("/")
    someone.press("Try the press-line example")
    someone.sees("This is what I read:")
    someone.press("Use this data")
    someone.sees("Keep this map")
    expect(someone.charts().first.locator("text=詰まり")).to_have_count(1)  # the legend names the faults
    assert someone.complaints == []


def test_a_map_moves_while_it_is_drawn_and_is_zoomed_and_taken_along(browser, app, shared_data):
    someone = Visitor(browser, app, "ja", TABLET)
    new_pilot(someone, "動く地図")
    upload(someone, shared_data / "nab" / "machine_temperature_system_failure.csv")
    someone.press("Use this data")
    someone.sees("Keep this map")
    cut(someone, "64", "4")
    someone.open_fold("Way of drawing: {name}", name="")
    someone.page.get_by_text(someone.word("t-SNE (keeps neighbours)")).last.click()
    someone.sees("Good enough: keep it as it is now")
    look, deadline = picture(someone), time.monotonic() + 10
    while picture(someone) == look:
        assert time.monotonic() < deadline, "the map does not move"
    someone.press("Good enough: keep it as it is now")
    someone.sees("Draw it to the end")
    assert "stop=tsne-" in someone.page.url

    someone.drag(someone.charts().first, (0.35, 0.3), (0.6, 0.6))
    chosen, whole = picked(someone), picture(someone)
    assert chosen > 0
    someone.press("Zoom into the pick")
    until(lambda: picture(someone) != whole)
    assert picked(someone) == chosen
    someone.press("Zoom back")
    someone.sees("Neighbours kept")  # then nothing draws the screen anew under a download
    someone.press("Save picture")
    until(lambda: saved(someone).startswith(b"%PDF-"))
    assert someone.complaints == []


def saved(visitor: Visitor) -> bytes:
    """The picture; nothing where the screen was drawn anew in that moment, which cancels it: people press again."""
    with visitor.page.expect_download() as download:
        visitor.page.get_by_role("button", name="PDF", exact=True).click()
    return b"" if download.value.failure() else Path(download.value.path()).read_bytes()


def cut(visitor: Visitor, length: str, step: str) -> None:
    """Many short stretches, so that a neighbour map takes seconds."""
    fold = "Preparation: {length} samples a stretch, step {stride}"
    visitor.open_fold(fold, length=512, stride=64)
    for label, number, then in (
        ("Samples in a stretch", length, (length, 64)),
        ("Step from one stretch to the next", step, (length, step)),
    ):
        field = visitor.page.get_by_label(visitor.word(label))
        expect(field).to_have_count(1)  # while a page changes, what goes and what comes are both there
        field.fill(number)
        field.press("Enter")
        visitor.sees(fold, length=then[0], stride=then[1])
        visitor.settle()
    visitor.sees("Keep this map")


def picture(visitor: Visitor) -> str:
    """What is on the map's canvas."""
    return str(visitor.charts().first.locator("canvas").evaluate("canvas => canvas.toDataURL()"))


def test_a_calculation_is_found_again_after_a_reload_and_can_be_stopped(browser, app, shared_data):
    someone = Visitor(browser, app, "en", PC)
    new_pilot(someone, "A long calculation")
    upload(someone, shared_data / "nab" / "machine_temperature_system_failure.csv")
    someone.press("Use this data")
    someone.sees("Keep this map")
    cut(someone, "64", "5")  # another map than the one that was stopped above
    someone.page.get_by_text(someone.word("Way of drawing: {name}", name="")).first.click()
    someone.page.get_by_text(someone.word("t-SNE (keeps neighbours)")).last.click()
    stop = someone.page.get_by_role("button", name=someone.word("Stop"), exact=True)
    expect(stop).to_be_visible()
    someone.page.reload()
    expect(stop).to_be_visible()  # the address says which map it was
    until(lambda: rows(app, f"SELECT state {LAST_VIEW}") == [("running",)])
    stop.click()
    someone.sees("You stopped this calculation.")
    assert rows(app, f"SELECT state {LAST_VIEW}") == [("cancelled",)]
    someone.press("Try again")
    someone.sees("Keep this map")
    assert rows(app, f"SELECT state, attempt {LAST_VIEW}") == [("done", 2)]


def test_a_deep_link_first_and_a_killed_app_goes_on_with_what_it_was_doing(browser, tmp_path, shared_data):
    """The first visitor of a fresh server opens a link; then the app is killed in the middle of a calculation."""
    with running_app(tmp_path) as fresh:
        someone = Visitor(browser, fresh, "ja", TABLET)
        someone.open("/maps")
        someone.sees("Choose a pilot first, or start a new one. It takes a minute.")
        expect(someone.page.get_by_test_id("stSidebar")).to_have_count(0)  # Streamlit's own navigation would be there
        new_pilot(someone, "止まっても続くか")
        upload(someone, shared_data / "nab" / "nyc_taxi.csv")
        someone.page.get_by_role("button", name=someone.word("Use this data")).click()
        expect(someone.page.get_by_role("button", name=someone.word("Stop"), exact=True)).to_be_visible()
        fresh.kill()
        [(state,)] = rows(fresh, f"SELECT state {LAST_VIEW}")
        assert state in ("queued", "running")
        fresh.start()
        someone.page.reload()
        someone.sees("Keep this map")
        assert rows(fresh, f"SELECT state {LAST_VIEW}") == [("done",)]
