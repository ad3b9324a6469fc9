"""How much the database holds, on both databases."""

from sqlalchemy.orm import Session

from feedback_db import holdings
from feedback_db.ratings import save
from tests import test_feedback_db as shared
from tests.test_feedback_db import a_rating

url, database, db = shared.url, shared.database, shared.db  # fixtures


def test_pilots_and_answers_are_counted_and_the_size_is_that_of_the_whole(db: Session) -> None:
    before = holdings.now(db)
    assert (before.n_pilots, before.n_answers) == (0, 0)
    save(db, a_rating(db))
    after = holdings.now(db)
    assert (after.n_pilots, after.n_answers) == (1, 1)
    assert after.kind == db.get_bind().dialect.name
    assert 10_000 < before.size <= after.size
