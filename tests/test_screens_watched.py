"""What came into a folder that is watched stands on the screens beside what was placed by hand."""

from dataclasses import replace

import pytest

from core import watching
from core.document import Grid
from core.drift import VERDICTS
from core.watching import Watch
from pages.parts import known, placed, records, work
from pages.parts.beside import unbroken
from pages.parts.over_time import ALT
from pages.parts.text import plain, speaking
from tests.screens import Person, Place
from tests.test_screens_after import Trial, headline, wave
from tests.test_watching import press


class Watched(Trial):
    """A pilot with a map, and a folder that is watched for it."""

    def __init__(self, someone: Person, recording: bytes | None = None) -> None:
        super().__init__(someone, recording)
        self.inbox = someone.place.folder / "inbox"
        self.inbox.mkdir()

    def come(self, name: str, data: bytes) -> None:
        """A file arrives, and the command sees to it."""
        (self.inbox / name).write_bytes(data)
        watching.once(Watch(self.inbox, {"Map 1": self.spec}, work.store(), every=0.01), lambda _event: None)


@pytest.fixture
def reader(place: Place) -> Person:
    return Person(place, "en")


def test_a_file_that_has_drifted_is_an_alert_on_the_evidence_screen_and_one_that_fits_is_none(anyone):
    trial = Watched(anyone, press(7))
    trial.come("june.csv", press(8))
    assert trial.alerts() == []
    trial.come("july.csv", press(9, vibration=9))
    anyone.open("evidence", pilot=trial.pilot.id)
    [alert] = [one.value for one in anyone.at.warning]
    assert alert == trial.alerts()[0]
    assert anyone.word(VERDICTS["ask again"]) in alert
    trial.open()
    assert headline(anyone) == "ask again"
    assert any(plain("july.csv") in one.value for one in anyone.at.caption)


def test_a_file_that_cannot_be_placed_is_told_with_what_to_do_until_a_newer_one_can(reader):
    trial = Watched(reader)
    trial.come("june.csv", wave(1, level=6))
    trial.come("*july*.csv", b"no table")
    drifted, refused = trial.alerts()
    assert reader.word(VERDICTS["ask again"]) in drifted  # it still holds
    assert reader.word("Map {n}", n=1) in refused
    assert plain("*july*.csv") in refused
    reader.open("evidence", pilot=trial.pilot.id)
    assert refused in [one.value for one in reader.at.warning]
    assert headline(trial.open()) == "ask again"  # of the file before
    trial.come("august.csv", wave(2))
    assert trial.alerts() == []


def test_by_hand_and_watched_stand_in_one_list_in_the_order_of_time(reader):
    trial = Watched(reader)
    trial.come("a.csv", wave(1, level=6))
    trial.new(wave(2), "b.csv")
    trial.come("c.csv", b"no table")
    trial.open()
    [table] = [one.value for one in reader.at.table if "new data" in one.value]
    assert table["new data"].tolist() == [plain(f"{name}.csv") for name in "cba"]
    assert table["placed"].tolist() == [unbroken(way) for way in ("watched folder", "by hand", "watched folder")]
    assert table["does the map still fit?"].tolist()[1:] == [VERDICTS["fits"], VERDICTS["ask again"]]
    assert table["does the map still fit?"][0].startswith("It could not be placed.")
    assert reader.at.multiselect[0].value == [one.id for one in trial.place.datasets(trial.pilot)[1:]]
    grid = trial.told()[0]
    assert isinstance(grid, Grid)
    assert [row[1] for row in grid.rows[1:]] == ["a.csv", "b.csv", "c.csv"]


def test_the_tables_to_take_along_hold_the_figures_of_both(reader):
    trial = Watched(reader)
    trial.come("a.csv", wave(1, level=6))
    trial.new(wave(2), "b.csv")
    trial.come("c.csv", b"no table")
    with speaking("en"):
        found = known.of_pilot(trial.pilot.id)
        every = records.tables(trial.pilot, found)
        first, second, third = placed.checked(trial.pilot.id, found)
    table, channels = every["placements"], every["placement_channels"]
    assert table["way"].tolist() == ["watched folder", "by hand", "watched folder"]
    assert table["watched_file"].fillna("").tolist() == ["a.csv", "", "c.csv"]
    assert table["outside"].tolist()[:2] == [first.found.outside, second.found.outside]
    assert third.found is None
    assert table["verdict"][2].startswith("It could not be placed.")
    assert channels["placement"].tolist() == [1] * 3 + [2] * 3


def test_a_limit_that_everybody_set_here_holds_for_what_was_watched(reader):
    trial = Watched(reader)
    trial.come("a.csv", wave(1, level=0.7))
    assert len(trial.alerts()) == 1
    lenient = replace(placed.Bounds().drift, outside=1.0, model=2.0, inputs=1.0)
    with speaking("en"):
        placed.use(trial.pilot.id, placed.Bounds(lenient))
    assert trial.alerts() == []


def test_of_three_placements_the_course_is_drawn_with_its_limits(reader):
    trial = Watched(reader)
    (trial.inbox / "a.csv").write_bytes(wave(2))
    trial.come("b.csv", wave(3))
    trial.open()
    assert len(reader.at.get("vega_lite_chart")) == 1
    trial.come("c.csv", wave(1, level=6))
    trial.open()
    _map, share, model = [one.proto.alt for one in reader.at.get("vega_lite_chart")]
    facts = {"n": 3, "above": 1, "limit": "5.0%", "newest": "100.0%"}
    title = reader.word("Stretches like nothing in the pilot")
    assert share == reader.word(ALT, title=title, **facts)
    assert model.startswith(reader.word("Difference for the model (squared MMD)"))


@pytest.mark.parametrize(("n", "words"), [(0, ""), (1, "1 older one is"), (2, "2 older ones are")])
def test_a_list_that_is_not_whole_says_so(n, words):
    with speaking("en"):
        told = placed.left_out(placed.SHOWN + n)
    assert told == (words and f"{words} not listed. All are in the tables to take along.")
