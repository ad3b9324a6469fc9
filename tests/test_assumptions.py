"""What is assumed, and what the records tell of the work, on a database of its own."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from feedback_db import assumptions, datasets, jobs, models, pilots, runs, studies, views
from feedback_db.assumptions import Assumption
from feedback_db.database import connect
from feedback_db.studies import Item

BEGAN = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def minutes(n: float) -> timedelta:
    return timedelta(minutes=n)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Session]:
    database = connect(f"sqlite:///{(tmp_path / 'pilot.db').as_posix()}")
    database.upgrade()
    with database.session() as db:
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
    jobs.submit(db, fingerprint, "view", {})
    if until is not None:
        jobs.finish(db, fingerprint)
    times = {"created_at": at, "ended_at": until}
    db.execute(update(models.Job).where(models.Job.fingerprint == fingerprint).values(**times))


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


def test_pauses_between_records_are_the_leads_work_unless_they_are_long(db: Session) -> None:
    """Nine o'clock, and then after pauses of 4, 12, 20 and 45 minutes."""
    pilot_id = a_pilot(db)
    sizes = {"reading": {}, "n_rows": 1, "n_channels": 1, "n_series": 1}
    datasets.add(db, pilot_id, sha256="s", file_name="a.csv", **sizes)
    db.execute(update(models.Dataset).values(created_at=BEGAN + minutes(4)))
    a_view(db, pilot_id, "f", BEGAN + minutes(16))
    runs.keep(db, pilot_id, fingerprint="r", spec={})
    db.execute(update(models.Run).values(created_at=BEGAN + minutes(36)))
    assumptions.put(db, pilot_id, Assumption("months", 1, 1, 1, "x", BEGAN + minutes(81)))
    assert assumptions.worked(db, pilot_id).lead_seconds == (4 * 60, 16 * 60, 36 * 60)


def test_what_is_done_to_a_study_counts_as_work_and_other_pilots_do_not(db: Session) -> None:
    pilot_id, other = a_pilot(db), a_pilot(db)
    study = {
        one: studies.open_with(db, one, [a_view(db, one, "f", BEGAN)], 1, {}, [Item(0, "check")])
        for one in (pilot_id, other)
    }
    for one, later in ((pilot_id, 3), (other, 2)):
        of_study = models.StudyEvent.study_id == study[one].id
        db.execute(update(models.StudyEvent).where(of_study).values(at=BEGAN + minutes(later)))
    assert assumptions.worked(db, pilot_id).lead_seconds == (180, 180, 180)


def test_nothing_is_known_of_a_pilot_that_has_just_begun(db: Session) -> None:
    found = assumptions.worked(db, a_pilot(db))
    assert (found.lead_seconds, found.compute_seconds, found.n_timed, found.n_untimed) == ((0, 0, 0), 0, 0, 0)


def test_calculations_of_the_pilots_maps_and_training_are_timed_and_no_others(db: Session) -> None:
    pilot_id = a_pilot(db)
    a_view(db, pilot_id, "mine", BEGAN)
    runs.keep(db, pilot_id, fingerprint="trained", spec={})
    a_view(db, a_pilot(db), "theirs", BEGAN)
    for fingerprint, seconds in (("mine", 40), ("trained", 300), ("theirs", 1000), ("nobody's", 2000)):
        a_job(db, fingerprint, BEGAN + minutes(1), BEGAN + minutes(1) + timedelta(seconds=seconds))
    found = assumptions.worked(db, pilot_id)
    assert (found.compute_seconds, found.n_timed, found.n_untimed) == (340, 2, 0)


def test_a_calculation_under_way_or_begun_again_has_no_known_time(db: Session) -> None:
    pilot_id = a_pilot(db)
    for fingerprint in ("running", "again", "done"):
        a_view(db, pilot_id, fingerprint, BEGAN)
    a_job(db, "running", BEGAN, None)
    a_job(db, "again", BEGAN, BEGAN + minutes(1))
    jobs.redo(db, "again")
    jobs.finish(db, "again")
    a_job(db, "done", BEGAN, BEGAN + minutes(1))
    found = assumptions.worked(db, pilot_id)
    assert (found.compute_seconds, found.n_timed, found.n_untimed) == (60, 1, 2)


def test_what_another_pilot_had_made_before_costs_nothing(db: Session) -> None:
    pilot_id = a_pilot(db)
    a_view(db, pilot_id, "shared", BEGAN)
    a_job(db, "shared", BEGAN - minutes(9), BEGAN - minutes(4))
    found = assumptions.worked(db, pilot_id)
    assert (found.compute_seconds, found.n_timed, found.lead_seconds) == (0, 0, (0, 0, 0))
