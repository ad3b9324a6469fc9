"""The section about money, without a browser: what is missing, what was put in, and what it comes to."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from streamlit.testing.v1 import AppTest

from core.answers import Answer
from feedback_db import assumptions, jobs, models, pilots, views, visits
from feedback_db.assumptions import Assumption
from feedback_db.permits import LOCAL
from feedback_db.pilots import Pilot
from pages.parts import money, work
from pages.parts.text import plain
from tests.screens import Person, Place
from tests.test_roi import ON_PAPER, quizzes

HOSTILE = "**the boss** $5$ <b>x</b>"


def show(pilot_id, answers):
    """Runs as a script of its own, so it has to bring everything along."""
    from feedback_db import pilots
    from feedback_db.permits import LOCAL
    from pages.parts import money
    from pages.parts.guard import guard
    from pages.parts.work import database

    with database().session(LOCAL) as db:
        found = pilots.get(db, pilot_id)
    with guard():
        money.section(found, answers)


class Office(Person):
    """Somebody who reads the section about money."""

    def read(self, pilot: Pilot, answers: list[Answer] = []) -> "Office":  # noqa: B006 — never changed
        self.at = AppTest.from_function(show, args=(pilot.id, answers), default_timeout=30)
        self.at.context = {"locale": "en-GB"}
        self.at.query_params["lang"] = self.language
        self.run()
        return self

    def fill_in(self, name: str, low: float, likely: float, high: float, source: str = "the boss") -> "Office":
        self.at.selectbox[0].set_value(name)
        self.run()
        for end, value in (("low", low), ("likely", likely), ("high", high)):
            self.at.get_by_key(f"{end}-{name}").set_value(value)
        self.at.get_by_key(f"source-{name}").set_value(source)
        self.press("Use these numbers")
        return self

    def table(self, title: str) -> dict[str, list[str]]:
        """The one with this column, its rows by their first cell."""
        [found] = [one.value for one in self.at.table if title in one.value.columns]
        return {row[0]: list(row[1:]) for row in found.itertuples(index=False)}

    def bars(self) -> list[str]:
        return [one for one in self.texts() if "left over at the end" in one]


@pytest.fixture
def office(place: Place) -> Office:
    return Office(place, "en")


def a_pilot(**costs: object) -> Pilot:
    with work.database().session(LOCAL) as db:
        return pilots.create(db, question="Q", team="T", **costs)


def assume(pilot: Pilot, **ranges: float | tuple[float, float, float]) -> Pilot:
    """All as on paper, but for these."""
    with work.database().session(LOCAL) as db:
        for name, value in (ON_PAPER | ranges).items():
            low, likely, high = value if isinstance(value, tuple) else [value] * 3
            assumptions.put(db, pilot.id, Assumption(name, low, likely, high, HOSTILE))
    return pilot


def test_without_costs_it_says_what_is_missing_and_where_to_put_it_and_gives_no_total(office):
    office.read(a_pilot())
    [info] = [one.value for one in office.at.info]
    assert "An hour of the people who rate and decide" in info
    assert "Licences" in info
    assert "The numbers behind it" in info
    assert not office.at.table
    assert not any("pays" in text for text in office.texts())


def test_what_was_said_when_the_pilot_was_started_is_not_missing(office):
    office.read(a_pilot(wage_per_hour=4000.0, machine_per_hour=50.0))
    numbers = office.table("how it is known")
    assert numbers["An hour of the pilot lead"][:3] == ["4,000", "¥ an hour", "assumed"]
    assert numbers["An hour of the computer"][:1] == ["50"]
    assert "An hour of" not in office.at.info[0].value


def test_what_the_study_measured_is_marked_as_measured_and_can_be_corrected(office):
    answers = quizzes([8.0, 12.0, 9.0, 11.0, 10.0], [20.0] * 5)
    pilot = a_pilot()
    numbers = office.read(pilot, answers).table("how it is known")
    assert numbers["Work of the people who rate"][:3] == ["0\\.042", "hours", "measured"]
    assert numbers["Time that the map saves a decision"][1:3] == ["seconds", "measured"]
    office.fill_in("rater_hours", 2, 3, 4.5, HOSTILE)
    numbers = office.table("how it is known")
    assert numbers["Work of the people who rate"][1:3] == ["hours", "assumed"]
    with work.database().session(LOCAL) as db:
        kept = assumptions.now(db, pilot.id)["rater_hours"]
    assert (kept.low, kept.likely, kept.high, kept.source) == (2, 3, 4.5, HOSTILE)


def test_hours_on_screens_and_of_calculations_are_measured_and_can_be_corrected(office):
    """A quarter of an hour on a screen, and five seconds of the computer after a day in the queue."""
    pilot, nine = a_pilot(), datetime(2026, 11, 2, 9, tzinfo=UTC)
    with work.database().session(LOCAL) as db:
        visit_id = None
        for n in range(0, 16, 5):
            visit_id = visits.touch(db, pilot.id, "maps", visit_id, nine + timedelta(minutes=n))
        views.keep(db, pilot.id, fingerprint="f", spec={}, n_windows=1)
        jobs.submit(db, "f", "view", {})
        jobs.progress(db, "f", "drawing", 0, 1)
        jobs.finish(db, "f")
        took = {"created_at": models.now(), "began_at": nine, "ended_at": nine + timedelta(seconds=5)}
        db.execute(update(models.Job).values(took))
    numbers = office.read(pilot).table("how it is known")
    assert numbers["Work of the pilot lead"] == ["0\\.25", "hours", "measured", plain(money.FROM_SCREENS)]
    assert numbers["Computer time"] == ["5", "seconds", "measured", plain(money.FROM_JOBS)]
    office.fill_in("lead_hours", 1, 2, 3)
    assert office.table("how it is known")["Work of the pilot lead"][:3] == [plain("2 (1 … 3)"), "hours", "assumed"]


def test_numbers_come_to_what_they_come_to_on_paper(office):
    results = office.read(assume(a_pilot())).table("in the middle")
    assert office.sees(money.NOT_DISCOUNTED)
    assert results == {
        "Cost until it runs": ["¥107,000", "¥107,000"],
        "Cost a month": ["¥18,000", "¥18,000"],
        "Saved a month": ["¥65,000", "¥65,000"],
        "Left over at the end of the period": ["¥457,000", "¥457,000"],
        "Cost is back after": ["2.3 months", "2.3 months"],
    }
    assert office.sees("It pays for itself even if the map saves no time at all.")
    assert office.sees("It pays for itself: in 10,000 of 10,000 draws")
    assert not office.bars()  # nothing is uncertain


def test_money_is_in_the_pilots_currency(office):
    results = office.read(assume(a_pilot(currency="EUR"))).table("in the middle")
    assert results["Cost a month"][0] == "€18,000\\.00"


@pytest.mark.parametrize(
    ("ranges", "said"),
    [
        ({"avoided": (0, 0, 10)}, "It does not pay for itself: only in 0 of 10,000 draws"),
        ({"avoided": (0, 10_000, 40_000)}, "Whether it pays for itself is open"),
    ],
)
def test_the_sentence_says_no_more_than_the_draws(office, ranges, said):
    office.read(assume(a_pilot(), **ranges))
    assert office.sees(said)
    assert office.bars()


def test_break_even_is_said_even_where_nobody_knows_what_the_map_saves(office):
    pilot = assume(a_pilot(), avoided=0.0)
    office.read(pilot)
    said = "the map must save at least **53.8 seconds** a decision"
    assert office.sees(said)
    known = a_pilot()
    with work.database().session(LOCAL) as db:
        for one in assumptions.history(db, pilot.id):
            if one.name != "seconds_saved":
                assumptions.put(db, known.id, one)
    office.read(known)
    assert office.sees(said)
    assert "Time that the map saves a decision" in office.at.info[0].value
    assert not any("draws" in text for text in office.texts())


def test_everything_can_be_put_in_one_by_one_what_is_missing_first(office):
    office.read(a_pilot())
    for name, value in ON_PAPER.items():
        assert office.at.selectbox[0].value == name
        office.fill_in(name, value, value, value)
    assert office.sees("It pays for itself: in 10,000 of 10,000 draws")
    assert len(office.table("when")) >= 1


@pytest.mark.parametrize(
    ("numbers", "source", "problem"),
    [
        ((3, 2, 9), "x", "The three numbers are not in order."),
        ((1, 2, None), "x", "A number is missing."),
        ((1, 2, 3), " ", "It is not said where these numbers come from."),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do_and_not_kept(office, numbers, source, problem):
    pilot = a_pilot()
    office.read(pilot).fill_in("licences", *numbers, source)
    assert [problem in one for one in office.errors()] == [True]
    with work.database().session(LOCAL) as db:
        assert assumptions.history(db, pilot.id) == []


def test_what_somebody_typed_is_shown_as_text(office):
    office.read(assume(a_pilot()))
    cells = [row[-1] for row in office.table("how it is known").values()]
    assert cells
    assert all("**" not in cell and "<b>" not in cell and "$5$" not in cell for cell in cells)
