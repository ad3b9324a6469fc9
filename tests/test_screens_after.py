"""After the pilot without a browser: new data of which it is known how they differ, and people who are asked again."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from core.alignment import holm
from core.charts import CUD, FAINT
from core.document import Block, Bullets, Grid, Paragraphs
from core.drift import VERDICTS, Limits
from core.lasting import FALL, LESS, ONCE
from core.map_charts import laid_over
from core.placing import PlacedSpec
from core.steps import Impute, Scale
from core.tellings import p_of
from feedback_db import ledger, placements
from feedback_db.ledger import Entry
from feedback_db.permits import LOCAL
from feedback_db.pilots import Pilot
from feedback_db.views import View
from pages.parts import known, placed, work
from pages.parts.text import speaking
from tests.screens import Person, Place, csv
from tests.test_charts import drawn, rows

PLACE, ASK = "Place the new data on the map", "Ask people again"
HIGH, LOW = (5, 4, 5, 4, 5, 5, 4, 5), (3, 3, 2, 3, 3, 4, 2, 3)


def wave(seed: int, *, level: float = 0.0, n: int = 1600) -> bytes:
    """One channel: a wave that is over within twenty samples, and noise."""
    at = np.arange(n)
    values = level + np.sin(at / 3) + np.random.default_rng(seed).normal(size=n)
    return "\n".join(["load", *(f"{one:.4f}" for one in values)]).encode()


class Trial:
    """A pilot that keeps one map of a recording, in whose preparation all series share one scale."""

    def __init__(self, someone: Person, recording: bytes | None = None) -> None:
        self.someone, self.place = someone, someone.place
        self.pilot = self.place.pilot()
        data = self.place.data(self.pilot, recording or wave(0))
        spec = self.place.spec(data)
        recipe = replace(spec.recipe, steps=(Impute("linear", 64), Scale("z-score", "all")), training=1.0)
        self.spec = replace(spec, recipe=replace(recipe, window=replace(recipe.window, stride=8)))
        self.view = self.place.view(self.pilot, self.spec)

    def open(self, **address: str) -> Person:
        return self.someone.open("after", pilot=self.pilot.id, **address)

    def new(self, data: bytes, name: str = "new.csv") -> Person:
        """Uploaded, placed by the button, done by the engine, and looked at."""
        self.place.data(self.pilot, data, name)
        self.open().press(PLACE)
        self.place.work(wanted(self.someone)[-1])
        return self.someone.run()

    def ask(self, view: View, scores: Sequence[int]) -> None:
        study = self.place.study(self.pilot, view)
        for i, score in enumerate(scores):
            self.place.rate(study, view, f"r{i}", score)

    def alerts(self) -> list[str]:
        with speaking(self.someone.language):
            return placed.alerts(self.pilot, known.of_pilot(self.pilot.id))

    def told(self) -> list[Block]:
        with speaking(self.someone.language):
            return placed.told(self.pilot, known.of_pilot(self.pilot.id))

    def settled(self) -> list[Entry]:
        with work.database().session(LOCAL) as db:
            return ledger.of_pilot(db, self.pilot.id)


def wanted(someone: Person) -> list[PlacedSpec]:
    asked = (wish[-1] for wish in someone.place.desk.wishes)
    return list(dict.fromkeys(spec for spec in asked if isinstance(spec, PlacedSpec)))


def headline(someone: Person) -> str:
    """Which verdict stands on top."""
    titles = [one.value for one in someone.at.markdown if one.value.startswith("#### ")]
    [state] = [state for state, words in VERDICTS.items() if f"#### {someone.word(words)}" in titles]
    return state


@pytest.fixture
def reader(place: Place) -> Person:
    return Person(place, "en")


# Nothing there yet


def test_before_a_map_is_kept_the_next_step_is_offered(anyone):
    anyone.open("after", pilot=anyone.place.pilot().id)
    assert anyone.sees("No map is kept yet, so there is nothing to place new data on.")
    assert anyone.word("Go to the maps") in anyone.links()


def test_without_a_new_file_the_way_to_upload_one_is_offered(anyone):
    Trial(anyone).open()
    assert anyone.sees("This map was drawn from all files that there are. Upload the new data first.")
    assert anyone.word("Upload more data") in anyone.links()
    assert not anyone.has_button(PLACE)
    assert anyone.sees("Nothing was placed yet. What comes of it will stand here.")


def test_other_channels_are_told_before_anything_is_placed(anyone):
    trial = Trial(anyone)
    trial.place.data(trial.pilot, csv(), "other.csv")
    trial.open()
    [said] = anyone.errors()
    assert (
        anyone.word(
            "The files do not have the same channels: {first} here, {other} there.", first="load", other="ramp, wave"
        )
        in said
    )
    assert not anyone.has_button(PLACE)
    assert trial.place.rows("SELECT count(*) FROM placement") == [(0,)]


def test_no_file_chosen_is_told(anyone):
    trial = Trial(anyone)
    trial.place.data(trial.pilot, wave(1), "new.csv")
    trial.open().set("new-", [])
    assert any(anyone.word("No file is chosen.") in said for said in anyone.errors())


# New data


def test_new_data_at_another_level_no_longer_fit_and_that_is_an_alert(anyone):
    trial = Trial(anyone)
    trial.new(wave(1, level=6))
    assert headline(anyone) == "ask again"
    assert anyone.has_button(ASK)
    assert anyone.button(ASK).proto.type == "primary"
    assert anyone.button(PLACE).proto.type == "secondary"  # one next step at a time
    [alert] = trial.alerts()
    assert alert.startswith(anyone.word("Map {n}", n=1))
    assert anyone.word(VERDICTS["ask again"]) in alert


def test_new_data_of_the_same_process_fit_and_raise_no_alert(anyone):
    trial = Trial(anyone)
    trial.new(wave(2))
    assert headline(anyone) == "fits"
    assert not anyone.has_button(ASK)
    assert anyone.word("Back to the evidence") in anyone.links()
    assert trial.alerts() == []


def test_too_little_new_data_cannot_be_told(reader):
    trial = Trial(reader)
    trial.new(wave(2, n=100))
    assert headline(reader) == "cannot tell"
    assert trial.alerts() == []


def test_the_picture_holds_old_and_new_stretches_and_the_table_every_number_with_its_limit(reader):
    trial = Trial(reader)
    trial.new(wave(1, level=6))
    found = work.made(wanted(reader)[0])
    assert len(reader.at.get("vega_lite_chart")) == 1
    [whole, channels, *_] = [one.value for one in reader.at.table]
    limits = Limits()
    assert whole["limit"].tolist() == [f"{limits.outside:.1%}", f"{limits.model:.3f}"]
    p = holm([found.found.outside_p, found.found.embedding.p])  # by which the verdict goes
    assert whole["p (Holm)"].tolist() == [p_of(one) for one in p]
    assert whole["difference"].tolist() == [f"{found.found.outside:.1%}", f"{found.found.embedding.value:.3f}"]
    assert channels["what is compared"].tolist() == ["load: level", "load: spread", "load: roughness (shape)"]
    assert channels["difference"][0] == "1.000"  # no stretch is as low as any of the pilot's


def test_a_reload_shows_what_was_asked_and_a_job_under_way_goes_on(reader):
    trial = Trial(reader)
    trial.place.data(trial.pilot, wave(2), "new.csv")
    address = trial.open().press(PLACE).at.query_params
    assert [one.split(" ")[0] for one in reader.place_in_line()] == ["Getting"]
    assert reader.has_button("Stop")
    again = Person(trial.place, "en").open(
        "after", **{name: value for name, value in address.items() if name != "lang"}
    )
    assert again.has_button("Stop")
    trial.place.work(wanted(reader)[0])
    assert headline(again.run()) == "fits"


def test_a_job_that_fails_says_why_and_the_rest_of_the_screen_stays(reader):
    trial = Trial(reader)
    trial.place.data(trial.pilot, wave(2, n=12), "short.csv")  # shorter than one stretch
    trial.open().press(PLACE)
    trial.place.work(wanted(reader)[0])
    reader.run()
    assert any("No series is as long as one stretch" in said for said in reader.errors())
    assert reader.has_button("Try again")
    assert reader.sees("Do people still find it as clear?")


def test_a_limit_of_ones_own_changes_the_verdict_and_the_alert(reader):
    trial = Trial(reader)
    trial.new(wave(1, level=0.7))
    assert headline(reader) == "ask again"
    for name, value in (("limit-outside", 100.0), ("limit-model", 2.0), ("limit-inputs", 1.0)):
        reader.at.number_input(key=name).set_value(value)
    reader.press("Use these limits")
    assert headline(reader) == "fits"
    assert trial.alerts() == []
    other = Person(reader.place, "en").open("after", pilot=trial.pilot.id)
    assert headline(other) == "fits"  # they are the same for everybody
    assert [one.kind for one in trial.settled()] == ["limits"]


def test_what_was_placed_stays_in_a_table_and_the_newest_data_of_a_map_counts(reader):
    trial = Trial(reader)
    trial.new(wave(1, level=6), "june.csv")
    assert len(trial.alerts()) == 1
    trial.new(wave(2), "july.csv")
    [table] = [one.value for one in reader.at.table if "does the map still fit?" in one.value]
    assert table["new data"].tolist() == [r"july\.csv", r"june\.csv"]
    assert table["does the map still fit?"].tolist() == [VERDICTS["fits"], VERDICTS["ask again"]]
    assert trial.alerts() == []
    [first, _second] = placements_of(trial.pilot)
    assert headline(trial.open(placed=first)) == "ask again"


def placements_of(pilot: Pilot) -> list[str]:
    with work.database().session(LOCAL) as db:
        return [one.id for one in placements.of_pilot(db, pilot.id)]


def test_the_files_that_nobody_has_placed_yet_are_proposed(reader):
    trial = Trial(reader)
    trial.new(wave(1), "june.csv")
    july = trial.place.data(trial.pilot, wave(2), "july.csv")
    trial.open()
    assert reader.at.multiselect[0].value == [july.id]
    assert reader.button(PLACE).proto.type == "primary"


def test_names_of_files_are_words_only(reader):
    trial = Trial(reader)
    trial.new(wave(2), "**x**.csv")
    assert any(r"\*\*x\*\*" in one.value for one in reader.at.caption)
    [table] = [one.value for one in reader.at.table if "new data" in one.value]
    assert table["new data"].tolist() == [r"\*\*x\*\*\.csv"]


# What people say, over time


def test_the_map_that_was_rated_highest_is_proposed(reader):
    trial = Trial(reader)
    other = trial.place.view(trial.pilot, trial.place.spec(trial.place.datasets(trial.pilot)[0], length=24))
    study = trial.place.study(trial.pilot, trial.view, other)
    for view, score in ((trial.view, 5), (other, 2)):
        trial.place.rate(study, view, "Ken", score)
    trial.open()
    assert reader.at.selectbox(key="on-map").value == trial.view.id


def test_people_who_find_the_map_less_clear_later_raise_an_alert(anyone):
    trial = Trial(anyone)
    trial.ask(trial.view, HIGH)
    trial.open()
    assert anyone.sees(ONCE)
    assert trial.alerts() == []
    trial.ask(trial.view, LOW)
    trial.open()
    assert anyone.has_button(ASK)
    [alert] = trial.alerts()
    fell = known.of_pilot(trial.pilot.id)
    [told] = placed.again(trial.pilot, fell).values()
    assert alert.endswith(anyone.word(LESS, **told.lasting.because.facts))
    assert told.lasting.because.facts["steps"] == 1.75
    [table] = [one.value for one in anyone.at.table if anyone.word("change (steps)") in one.value]
    assert table[anyone.word("people")].tolist() == [8]


def test_a_limit_above_the_fall_silences_it(reader):
    trial = Trial(reader)
    trial.ask(trial.view, HIGH)
    trial.ask(trial.view, LOW)
    trial.open()
    assert reader.at.number_input(key="limit-fall").value == FALL
    reader.at.number_input(key="limit-fall").set_value(2.0)
    reader.press("Use these limits")
    assert not reader.has_button(ASK)


# For paper


def test_the_report_gets_every_placement_and_what_people_say(reader):
    trial = Trial(reader)
    [nothing] = trial.told()
    assert nothing == Paragraphs(["No new data were placed on a map yet."])
    trial.ask(trial.view, HIGH)
    trial.new(wave(1, level=6), "a*b.csv")
    table, lines = trial.told()
    assert isinstance(table, Grid)
    assert table.rows[1][1:] == ["a*b.csv", "by hand", "Map 1", VERDICTS["ask again"]]
    assert isinstance(lines, Bullets)
    assert lines.lines[-1] == f"Map 1: {ONCE}"


# The picture


def test_new_points_differ_from_old_ones_in_colour_and_in_shape():
    old, new, outside = np.zeros((3, 2)), np.ones((2, 2)), np.full((1, 2), 9.0)
    spec = drawn(laid_over({"old": old, "new": new, "outside": outside}, 300))
    assert [row["group"] for row in rows(spec, "group")] == ["old"] * 3 + ["new"] * 2 + ["outside"]
    scales = [spec["encoding"][name]["scale"] for name in ("color", "shape")]
    assert scales[0] == {"domain": ["old", "new", "outside"], "range": [FAINT, CUD[0], CUD[1]]}
    assert len(set(scales[1]["range"])) == 3
