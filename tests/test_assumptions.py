"""What is assumed, and what was measured of the work, on a database of its own."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from feedback_db import assumptions, jobs, models, pilots, runs, views, visits
from feedback_db.assumptions import Assumption
from feedback_db.database import connect
from feedback_db.permits import LOCAL

BEGAN = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def minutes(n: float) -> timedelta:
    return timedelta(minutes=n)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Session]:
    database = connect(f"sqlite:///{(tmp_path / 'pilot.db').as_posix()}")
    database.upgrade()
    with database.session(LOCAL) as db:
        yield db
    database.close()


def a_pilot(db: Session) -> str:
    """Begun at nine o'clock."""
    made = pilots.create(db, question="Q", team="T").id
    db.execute(update(models.Pilot).where(models.Pilot.id == made).values(created_at=BEGAN))
    return made


def a_view(db: Session, pilot_id: str, fingerprint: str, at: datetime) -> str:
    made = views.keep(db, pilot_id, fingerprint=fingerprint, spec={}, n_windows=9).id
    db.execute(update(models.View).where(models.View.id == made).values(created_at=at))
    return made


def a_job(db: Session, fingerprint: str, at: datetime, until: datetime | None) -> None:
    """Asked for at nine o'clock."""
    jobs.submit(db, fingerprint, "view", {})
    jobs.progress(db, fingerprint, "drawing", 0, 1)
    if until is not None:
        jobs.finish(db, fingerprint)
    times = {"created_at": BEGAN, "began_at": at, "ended_at": until}
    db.execute(update(models.Job).where(models.Job.fingerprint == fingerprint).values(**times))


def a_visit(db: Session, pilot_id: str, screen: str, *at: float) -> None:
    """Args: at: minutes after nine at which something was done there."""
    visit_id = None
    for n in at:
        visit_id = visits.touch(db, pilot_id, screen, visit_id, BEGAN + minutes(n))


def test_the_last_number_counts_and_all_are_kept(db: Session) -> None:
    pilot_id, other = a_pilot(db), a_pilot(db)
    first = Assumption("licences", 0, 10, 20, "a guess", BEGAN)
    second = Assumption("licences", 5, 6, 7, "the offer of 2 November", BEGAN + minutes(1))
    months = Assumption("months", 12, 12, 12, "the boss", BEGAN)
    for one in (second, first, months):
        assumptions.put(db, pilot_id, one)
    assert assumptions.now(db, pilot_id) == {"licences": second, "months": months}
    assert [one for one in assumptions.history(db, pilot_id) if one.name == "licences"] == [first, second]
    assert assumptions.now(db, other) == {}


def test_numbers_out_of_order_are_refused(db: Session) -> None:
    pilot_id = a_pilot(db)
    with pytest.raises(IntegrityError), db.begin_nested():
        assumptions.put(db, pilot_id, Assumption("licences", 3, 2, 9, "x"))
    assert assumptions.history(db, pilot_id) == []


def test_time_on_screens_is_the_leads_work_and_pauses_are_unless_they_are_long(db: Session) -> None:
    """Visits of 2, 3, 0 and 4 minutes; between them 4, 12 and 45 minutes of which nobody knows."""
    pilot_id = a_pilot(db)
    a_visit(db, pilot_id, "data", 0, 1, 2)
    a_visit(db, pilot_id, "maps", 6, 9)
    a_visit(db, pilot_id, "study", 21)
    a_visit(db, pilot_id, "evidence", 66, 70)
    a_visit(db, a_pilot(db), "maps", 0, 5, 10, 15, 20)
    assert assumptions.worked(db, pilot_id).lead_seconds == (13 * 60, 25 * 60, 25 * 60)


@pytest.mark.parametrize(
    ("other", "total"),
    [((1, 4), 10), ((8, 12), 12), ((0, 5, 10), 10), ((10, 12), 12), ((0, 5, 10, 15), 15)],
)
def test_what_two_windows_saw_at_once_counts_once(db: Session, other: tuple[float, ...], total: float) -> None:
    """Beside a visit from 0 to 10: within it, over its end, the same, right after it, around it."""
    pilot_id = a_pilot(db)
    a_visit(db, pilot_id, "maps", 0, 5, 10)
    a_visit(db, pilot_id, "evidence", *other)
    assert assumptions.worked(db, pilot_id).lead_seconds == (total * 60,) * 3


def test_a_short_visit_within_a_long_one_does_not_make_a_pause_of_its_rest(db: Session) -> None:
    pilot_id = a_pilot(db)
    a_visit(db, pilot_id, "maps", *range(0, 61, 5))
    a_visit(db, pilot_id, "evidence", 1, 2)
    a_visit(db, pilot_id, "study", 62, 63)
    assert assumptions.worked(db, pilot_id).lead_seconds == (63 * 60,) * 3


def test_nothing_is_known_of_a_pilot_that_has_just_begun(db: Session) -> None:
    found = assumptions.worked(db, a_pilot(db))
    assert (found.lead_seconds, found.compute_seconds, found.n_untimed) == ((0, 0, 0), 0, 0)


def test_calculations_of_the_pilots_maps_and_training_are_timed_and_no_others(db: Session) -> None:
    """From when they began, however long they had waited for their turn."""
    pilot_id = a_pilot(db)
    a_view(db, pilot_id, "mine", BEGAN)
    runs.keep(db, pilot_id, fingerprint="trained", spec={})
    a_view(db, a_pilot(db), "theirs", BEGAN)
    for fingerprint, seconds in (("mine", 40), ("trained", 300), ("theirs", 1000), ("nobody's", 2000)):
        a_job(db, fingerprint, BEGAN + minutes(50), BEGAN + minutes(50) + timedelta(seconds=seconds))
    found = assumptions.worked(db, pilot_id)
    assert (found.compute_seconds, found.n_untimed) == (340, 0)


def test_a_calculation_under_way_has_no_known_time_nor_has_one_that_never_said_that_it_began(db: Session) -> None:
    pilot_id = a_pilot(db)
    for fingerprint in ("running", "silent", "done"):
        a_view(db, pilot_id, fingerprint, BEGAN)
    a_job(db, "running", BEGAN, None)
    jobs.submit(db, "silent", "view", {})
    jobs.finish(db, "silent")
    a_job(db, "done", BEGAN, BEGAN + minutes(1))
    found = assumptions.worked(db, pilot_id)
    assert (found.compute_seconds, found.n_untimed) == (60, 2)


def test_of_a_calculation_that_was_begun_again_the_last_attempt_is_timed_and_the_others_are_counted(
    db: Session,
) -> None:
    pilot_id = a_pilot(db)
    a_view(db, pilot_id, "again", BEGAN)
    a_job(db, "again", BEGAN, BEGAN + minutes(1))
    for _ in range(2):
        jobs.redo(db, "again")
        jobs.progress(db, "again", "drawing", 0, 1)
        jobs.finish(db, "again")
    found = assumptions.worked(db, pilot_id)
    assert 0 <= found.compute_seconds < 60  # it began and ended just now
    assert found.n_untimed == 2


def test_what_another_pilot_had_made_before_costs_nothing(db: Session) -> None:
    pilot_id = a_pilot(db)
    a_view(db, pilot_id, "shared", BEGAN)
    a_job(db, "shared", BEGAN - minutes(9), BEGAN - minutes(4))
    db.execute(update(models.Job).values(created_at=BEGAN - minutes(9)))
    found = assumptions.worked(db, pilot_id)
    assert (found.compute_seconds, found.n_untimed) == (0, 0)
