"""Placements on a database of their own."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from feedback_db import models, pilots, placements, views
from feedback_db.database import connect
from feedback_db.permits import LOCAL


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Session]:
    database = connect(f"sqlite:///{(tmp_path / 'pilot.db').as_posix()}")
    database.upgrade()
    with database.session(LOCAL) as db:
        yield db
    database.close()


def a_view(db: Session) -> tuple[str, str]:
    """Of a pilot of its own. Returns: the pilot's id, and the view's."""
    pilot = pilots.create(db, question="Q", team="T").id
    return pilot, views.keep(db, pilot, fingerprint="v", spec={}, n_windows=9).id


def test_the_same_placement_is_kept_once_with_what_was_first_written(db: Session) -> None:
    pilot, view = a_view(db)
    first = placements.keep(db, view, "f", {"sources": [1]})
    assert placements.keep(db, view, "f", {"sources": [2]}) == first
    assert placements.of_pilot(db, pilot) == [first]
    assert (first.view_id, first.fingerprint, first.spec) == (view, "f", {"sources": [1]})


def test_the_newest_comes_last_and_another_pilots_are_not_among_them(db: Session) -> None:
    pilot, view = a_view(db)
    other_pilot, other_view = a_view(db)
    kept = [placements.keep(db, view, name, {}) for name in "abc"]
    theirs = placements.keep(db, other_view, "a", {})
    for day, one in zip((3, 1, 2), kept, strict=True):
        at = datetime(2026, 11, day, tzinfo=UTC)
        db.execute(update(models.Placement).where(models.Placement.id == one.id).values(created_at=at))
    assert [one.fingerprint for one in placements.of_pilot(db, pilot)] == ["b", "c", "a"]
    assert placements.of_pilot(db, other_pilot) == [theirs]


def test_there_is_no_placement_on_a_view_that_is_not_there(db: Session) -> None:
    with pytest.raises(IntegrityError), db.begin_nested():
        placements.keep(db, "nowhere", "f", {})
