"""The rules of feedback_db, on SQLite always and on PostgreSQL where PILOT_TEST_POSTGRES_URL names a server."""

import dataclasses
import importlib
import pkgutil
import sqlite3
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import delete, func, inspect, select, text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Session

import feedback_db
from feedback_db import datasets, jobs, models, pilots, raters, ratings, runs, studies, views, visits
from feedback_db.database import MIGRATIONS, Database, connect, journal
from feedback_db.permits import LOCAL
from feedback_db.raters import Rater, Refused
from feedback_db.ratings import Preference, Rating, TaskAnswer
from feedback_db.studies import Item, Study
from feedback_db.visits import Visit

HOSTILE = 'Robert\'); DROP TABLE rating;-- 圧力 🏭 "%s" :x {y} \\ \n\t<b>**太字**</b>'
REPO = Path(__file__).parents[1]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database: a file, or a schema of its own on the server."""
    if request.param == "sqlite":
        return f"sqlite:///{(tmp_path / 'pilot.db').as_posix()}"
    return str(request.getfixturevalue("postgresql"))


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = connect(url)
    database.upgrade()
    yield database
    database.close()


@pytest.fixture
def db(database: Database) -> Iterator[Session]:
    with database.session(LOCAL) as db:
        yield db


def a_pilot(db: Session) -> str:
    return pilots.create(db, question="Do the maps help?", team="Press line 2").id


def a_view(db: Session, pilot_id: str, fingerprint: str = "f" * 64) -> str:
    return views.keep(db, pilot_id, fingerprint=fingerprint, spec={"encoder": "raw"}, n_windows=9).id


def a_study(db: Session, pilot_id: str, view_ids: list[str], *more: Item) -> Study:
    """One item a view, and whatever else is asked."""
    items = [Item(i, "view", view_id) for i, view_id in enumerate(view_ids)]
    return studies.open_with(db, pilot_id, view_ids, 1, {"n_items": 12}, [*items, *more])


def a_rater(db: Session, study: Study, name: str = "田中") -> Rater:
    invitation = raters.invite(db, study.id, is_shared=True)
    return raters.begin(db, invitation, name, raters.new_token(), lambda _seat: range(len(studies.items(db, study.id))))


def a_rating(db: Session, score: int | None = 4, name: str = "田中", **other: Any) -> Rating:
    """A form filled in but not saved, about the only view of a new study."""
    pilot_id = a_pilot(db)
    study = a_study(db, pilot_id, [a_view(db, pilot_id)])
    [item] = studies.items(db, study.id)
    ids = {"id": str(uuid.uuid4()), "study_id": study.id, "item_id": item.id, "rater_id": a_rater(db, study, name).id}
    return dataclasses.replace(Rating(**ids, score=score, seconds=12.5, language="ja"), **other)


def count(db: Session, model: type[models.Base]) -> int:
    return db.execute(select(func.count()).select_from(model)).scalar_one()


# Ratings


def test_a_form_sent_twice_is_one_rating_and_the_first_receipt_stays(db: Session) -> None:
    form = a_rating(db, score=4, comment="clear", reasons=["groups"], previs={"layout": {"messy": 7, "crowd": None}})
    receipt = ratings.save(db, form)
    assert receipt == form
    assert ratings.save(db, dataclasses.replace(form, score=1, comment="changed my mind")) == receipt
    [standing] = ratings.of_study(db, form.study_id)
    assert (standing.rating, standing.task, standing.preference) == (receipt, None, None)


def test_a_form_sent_eight_times_at_once_is_one_rating(database: Database) -> None:
    with database.session(LOCAL) as db:
        form = a_rating(db)

    def send(_: int) -> Rating:
        with database.session(LOCAL) as db:
            return ratings.save(db, form)

    with ThreadPoolExecutor(8) as people:
        assert list(people.map(send, range(8))) == [form] * 8
    with database.session(LOCAL) as db:
        assert count(db, models.Rating) == 1


def test_i_cannot_tell_is_stored_as_nothing_and_not_as_three(db: Session) -> None:
    form = a_rating(db, score=None)
    assert ratings.save(db, form).score is None
    assert db.execute(text("SELECT score IS NULL FROM rating")).scalar_one()


@pytest.mark.parametrize("wrong", [{"score": 6}, {"score": 0}, {"seconds": -0.1}, {"language": "de"}])
def test_an_impossible_rating_is_refused(db: Session, wrong: dict[str, Any]) -> None:
    form = a_rating(db, **wrong)
    with pytest.raises(IntegrityError), db.begin_nested():
        ratings.save(db, form)
    assert count(db, models.Rating) == 0


@pytest.mark.parametrize("foreign", ["item_id", "rater_id", "study_id"])
def test_an_answer_belongs_to_an_item_and_a_person_of_one_study(db: Session, foreign: str) -> None:
    form, elsewhere = a_rating(db), a_rating(db)
    with pytest.raises(IntegrityError), db.begin_nested():
        ratings.save(db, dataclasses.replace(form, **{foreign: getattr(elsewhere, foreign)}))


def test_what_a_rater_has_answered_is_known_whatever_was_asked(db: Session) -> None:
    pilot_id = a_pilot(db)
    a, b = a_view(db, pilot_id, "a" * 64), a_view(db, pilot_id, "b" * 64)
    study = a_study(db, pilot_id, [a, b], Item(2, "plain", a, task={"kind": "odd"}), Item(3, "pair", a, b))
    items = studies.items(db, study.id)
    rater, other = a_rater(db, study), a_rater(db, study, "佐藤")

    def ids(i: int) -> dict[str, Any]:
        return {"id": str(uuid.uuid4()), "study_id": study.id, "item_id": items[i].id, "rater_id": rater.id}

    common: dict[str, Any] = {"seconds": 1.0, "language": "en"}
    rating = ratings.save(db, Rating(**ids(0), **common, score=2))
    task = ratings.save(db, TaskAnswer(**ids(2), **common, choice={"choice": 7}, right=True, chance=0.2, confidence=3))
    better = ratings.save(db, Preference(**ids(3), **common, view_id=b))
    assert ratings.answered_by(db, rater) == {items[0].id, items[2].id, items[3].id}
    assert ratings.answered_by(db, other) == frozenset()
    found = ratings.of_study(db, study.id)
    assert [(one.item.kind, one.rating, one.task, one.preference) for one in found] == [
        ("view", rating, None, None),
        ("plain", None, task, None),
        ("pair", None, None, better),
    ]


def test_a_correction_is_a_row_more_and_the_last_word_counts(db: Session) -> None:
    first = ratings.save(db, a_rating(db, score=1))
    second = dataclasses.replace(first, id=str(uuid.uuid4()), score=5, corrects=first.id, rated_at=models.now())
    third = dataclasses.replace(second, id=str(uuid.uuid4()), score=3, corrects=second.id, rated_at=models.now())
    for one in (second, third):
        ratings.save(db, one)
    assert count(db, models.Rating) == 3
    assert [one.rating for one in ratings.of_study(db, first.study_id)] == [third]
    assert [one.score for one in ratings.of_pilot(db, _pilot_of(db, first))] == [3]


def test_of_two_devices_that_answer_the_same_item_the_first_counts_and_nobody_corrects_somebody_else(
    db: Session,
) -> None:
    first = ratings.save(db, a_rating(db, score=2))
    ratings.save(db, dataclasses.replace(first, id=str(uuid.uuid4()), score=5, rated_at=models.now()))
    study = studies.get(db, first.study_id)
    assert study is not None
    stranger = a_rater(db, study, "鈴木")
    ratings.save(db, dataclasses.replace(first, id=str(uuid.uuid4()), rater_id=stranger.id, score=4, corrects=first.id))
    assert sorted(one.score or 0 for one in ratings.of_pilot(db, _pilot_of(db, first))) == [2, 4]


def test_only_ratings_of_views_count_as_such(db: Session) -> None:
    pilot_id = a_pilot(db)
    view_id = a_view(db, pilot_id)
    study = a_study(db, pilot_id, [view_id], Item(1, "repeat", view_id), Item(2, "null"))
    rater = a_rater(db, study)
    for item in studies.items(db, study.id):
        ids = {"id": str(uuid.uuid4()), "study_id": study.id, "item_id": item.id, "rater_id": rater.id}
        ratings.save(db, Rating(**ids, score=4, seconds=1.0, language="ja"))
    assert [(one.view_id, one.rater) for one in ratings.of_pilot(db, pilot_id)] == [(view_id, "田中")]
    assert [card.n_ratings for card in pilots.cards(db)] == [1]


# Raters


def test_each_person_takes_the_next_seat_also_when_many_begin_at_once(database: Database) -> None:
    with database.session(LOCAL) as db:
        pilot_id = a_pilot(db)
        study = a_study(db, pilot_id, [a_view(db, pilot_id)])
        shared = raters.invite(db, study.id, is_shared=True)

    def begin(i: int) -> Rater:
        with database.session(LOCAL) as db:
            return raters.begin(db, shared, f"r{i}", raters.new_token(), lambda seat: [seat])

    with ThreadPoolExecutor(8) as people:
        begun = list(people.map(begin, range(8)))
    assert sorted(one.seat for one in begun) == list(range(8))
    assert all(one.asked == [one.seat] for one in begun)
    assert len({one.token for one in begun}) == 8
    with database.session(LOCAL) as db:
        assert [one.seat for one in raters.of_study(db, study.id)] == list(range(8))


def test_somebody_invited_in_person_keeps_seat_and_name_on_every_device(db: Session) -> None:
    pilot_id = a_pilot(db)
    study = a_study(db, pilot_id, [a_view(db, pilot_id)])
    own = raters.invite(db, study.id, name="田中")
    first = raters.begin(db, own, "somebody else", "1", lambda _seat: [0])
    assert raters.begin(db, own, "", "2", lambda _seat: [1, 2]) == first
    assert (first.name, first.seat, first.asked) == ("田中", 0, [0])
    assert raters.admitted(db, first.token) == (study, first)


def refusal(call: Any, *args: Any) -> str:
    with pytest.raises(Refused) as refused:
        call(*args)
    return refused.value.why


def test_who_is_let_in_and_who_is_not(db: Session) -> None:
    pilot_id = a_pilot(db)
    study = a_study(db, pilot_id, [a_view(db, pilot_id)])
    yesterday, tomorrow = (models.now() + timedelta(days=days) for days in (-1, 1))
    good = raters.invite(db, study.id, is_shared=True, expires_at=tomorrow)
    late = raters.invite(db, study.id, name="A", expires_at=yesterday)
    assert raters.invited(db, good.token) == (study, good)
    assert refusal(raters.invited, db, "made up") == refusal(raters.admitted, db, "made up") == "unknown"
    assert refusal(raters.invited, db, late.token) == "expired"
    rater = raters.begin(db, late, "", "3", lambda _seat: [0])  # began in time
    assert raters.invited(db, late.token)[1] == late
    assert raters.admitted(db, rater.token)[1] == rater
    raters.revoke(db, late)
    assert refusal(raters.invited, db, late.token) == refusal(raters.admitted, db, rater.token) == "withdrawn"
    other = raters.begin(db, good, "B", "4", lambda _seat: [0])
    assert raters.begin(db, good, "B", "4", lambda _seat: [0]) == other  # pressed twice
    studies.close(db, study.id)
    assert refusal(raters.invited, db, good.token) == refusal(raters.admitted, db, other.token) == "ended"


def test_the_first_answers_about_reading_a_map_stay(db: Session) -> None:
    pilot_id = a_pilot(db)
    rater = a_rater(db, a_study(db, pilot_id, [a_view(db, pilot_id)]))
    assert rater.literacy is None
    for right in (1, 3):
        raters.keep_literacy(db, rater, {"right": right})
    assert raters.admitted(db, rater.token)[1].literacy == {"right": 1}


def test_every_change_of_a_study_is_in_its_history(db: Session) -> None:
    pilot_id = a_pilot(db)
    view_id = a_view(db, pilot_id)
    study = a_study(db, pilot_id, [view_id])
    own = raters.invite(db, study.id, name=HOSTILE)
    for _ in range(2):  # a second time changes nothing
        raters.revoke(db, own)
        studies.close(db, study.id)
    told = studies.history(db, study.id)
    assert [one.what for one in told] == ["opened", "invited", "withdrawn", "closed"]
    assert told[0].detail == {"views": [view_id], "seed": 1, "design": {"n_items": 12}, "n_items": 1}
    assert (told[1].detail["name"], told[2].detail["name"]) == (HOSTILE, HOSTILE)
    a_study(db, pilot_id, [view_id])
    another = a_study(db, pilot_id, [view_id])  # closes the one before
    assert [[one.what for one in studies.history(db, other.id)] for other in studies.of_pilot(db, pilot_id)] == [
        ["opened"],
        ["opened", "closed"],
        ["opened", "invited", "withdrawn", "closed"],
    ]
    assert studies.current(db, pilot_id) == another


# One transaction


def test_a_script_that_is_aborted_leaves_no_half_of_its_transaction(database: Database) -> None:
    with database.session(LOCAL) as db:
        form = a_rating(db)

    def aborted() -> None:
        with database.session(LOCAL) as db:
            ratings.save(db, form)
            raise KeyboardInterrupt  # like Streamlit's own aborts, not an Exception

    with pytest.raises(KeyboardInterrupt):
        aborted()
    with database.session(LOCAL) as db:
        assert count(db, models.Rating) == 0


def test_a_rating_survives_kill_9_after_its_receipt_and_half_a_rating_never_appears(
    database: Database, url: str
) -> None:
    with database.session(LOCAL) as db:
        form = a_rating(db)
    script = f"""if True:
        import dataclasses, datetime, time
        from feedback_db import database, ratings
        from feedback_db.permits import LOCAL
        from feedback_db.ratings import Rating
        base, form = database.connect({url!r}), {form!r}
        with base.session(LOCAL) as db:
            receipt = ratings.save(db, form)
        with base.session(LOCAL) as db:
            ratings.save(db, dataclasses.replace(form, id="half"))
            print(receipt.id, flush=True)
            time.sleep(60)
    """
    app = subprocess.Popen([sys.executable, "-c", script], cwd=REPO, stdout=subprocess.PIPE, text=True)
    assert app.stdout is not None
    with app.stdout:
        assert app.stdout.readline().strip() == form.id
        app.kill()
        app.wait()
    with database.session(LOCAL) as db:
        assert [one.rating for one in ratings.of_study(db, form.study_id)] == [form]


def _pilot_of(db: Session, form: Rating) -> str:
    study = studies.get(db, form.study_id)
    assert study is not None
    return study.pilot_id


# Text, times and numbers


def test_hostile_text_comes_back_unchanged(db: Session) -> None:
    pilot = pilots.create(db, question=HOSTILE, team=HOSTILE)
    reading = {"channels": [HOSTILE], HOSTILE: {"unit": HOSTILE}}
    sizes = {"n_rows": 1, "n_channels": 1, "n_series": 1}
    dataset = datasets.add(db, pilot.id, sha256="a" * 64, file_name=HOSTILE, reading=reading, **sizes)
    receipt = ratings.save(db, a_rating(db, name=HOSTILE, comment=HOSTILE))
    [rated] = ratings.of_pilot(db, _pilot_of(db, receipt))
    assert (pilot.question, pilot.team, rated.rater, receipt.comment, rated.comment) == (HOSTILE,) * 5
    assert (dataset.file_name, dataset.reading) == (HOSTILE, reading)


def test_times_are_aware_and_utc_wherever_they_were_taken(db: Session) -> None:
    in_japan = datetime(2026, 11, 23, 14, 5, 1, 234567, tzinfo=timezone(timedelta(hours=9)))
    receipt = ratings.save(db, a_rating(db, rated_at=in_japan))
    assert receipt.rated_at == in_japan
    assert receipt.rated_at.tzinfo == UTC
    with pytest.raises(StatementError, match="without a time zone"):
        ratings.save(db, a_rating(db, rated_at=in_japan.replace(tzinfo=None)))


@pytest.mark.parametrize(
    "wrong", [{"loss": float("nan")}, {"loss": float("inf")}, {"loss_detail": {"x": float("nan")}}]
)
def test_a_loss_that_went_wrong_is_never_stored_as_no_loss(db: Session, wrong: dict[str, Any]) -> None:
    pilot_id = a_pilot(db)
    with pytest.raises((StatementError, ValueError)):
        views.keep(db, pilot_id, fingerprint="f" * 64, spec={}, n_windows=1, **wrong)


# Pilots, datasets, views, studies


def test_a_pilot_keeps_what_was_typed_and_negative_money_is_refused(db: Session) -> None:
    day = date(2027, 3, 31)
    pilot = pilots.create(db, question="q", team="t", decision_on=day, wage_per_hour=2800, machine_per_hour=12000.5)
    assert pilots.get(db, pilot.id) == pilot
    assert (pilot.decision_on, pilot.currency, pilot.wage_per_hour, pilot.round) == (day, "JPY", 2800, 1)
    assert pilots.get(db, "nowhere") is None
    for wrong in ({"wage_per_hour": -1}, {"machine_per_hour": -1}, {"currency": "円"}):
        with pytest.raises(IntegrityError), db.begin_nested():
            pilots.create(db, question="q", team="t", **wrong)


def test_home_shows_the_newest_pilot_first_with_what_each_has(db: Session) -> None:
    form = ratings.save(db, a_rating(db))
    older = _pilot_of(db, form)
    studies.close(db, form.study_id)
    study = a_study(db, older, [views.of_pilot(db, older)[0].id])
    [item], rater = studies.items(db, study.id), a_rater(db, study)
    ids = {"id": str(uuid.uuid4()), "study_id": study.id, "item_id": item.id, "rater_id": rater.id}
    ratings.save(db, dataclasses.replace(form, **ids, score=None))
    a_view(db, older, "e" * 64)
    newer = a_pilot(db)
    datasets.add(db, newer, sha256="a" * 64, file_name="0.csv", reading={}, n_rows=1, n_channels=1, n_series=1)
    cards = [(card.pilot.id, card.n_datasets, card.n_views, card.n_ratings) for card in pilots.cards(db)]
    assert cards == [(newer, 1, 0, 0), (older, 0, 2, 2)]


def test_asking_twice_for_the_next_round_begins_one_round(db: Session) -> None:
    pilot_id = a_pilot(db)
    assert [pilots.next_round(db, pilot_id, after=1).round for _ in range(2)] == [2, 2]
    view = views.keep(db, pilot_id, fingerprint="f" * 64, spec={}, n_windows=1)
    assert view.round == a_study(db, pilot_id, [view.id]).round == 2


def test_the_same_bytes_are_one_dataset_and_keep_their_corrected_reading(db: Session) -> None:
    pilot_id, sizes = a_pilot(db), {"n_rows": 10, "n_channels": 2, "n_series": 1}
    first = datasets.add(db, pilot_id, sha256="a" * 64, file_name="0.csv", reading={"sep": ","}, **sizes)
    better = datasets.update_reading(db, first.id, reading={"sep": ";"}, n_rows=9, n_channels=3, n_series=1)
    assert (better.id, better.reading, better.n_rows, better.n_channels) == (first.id, {"sep": ";"}, 9, 3)
    assert datasets.add(db, pilot_id, sha256="a" * 64, file_name="1.csv", reading={}, **sizes) == better
    other = datasets.add(db, pilot_id, sha256="b" * 64, file_name="1.csv", reading={}, **sizes)
    assert datasets.of_pilot(db, pilot_id) == [better, other]
    assert datasets.get(db, first.id) == better


def test_the_same_map_is_one_view_in_a_pilot_and_may_be_in_two(db: Session) -> None:
    one, two = a_pilot(db), a_pilot(db)
    kept = {"spec": {"encoder": "moment", "seed": 1}, "n_windows": 7, "loss": 0.25, "loss_detail": {"mask": 0.5}}
    first = views.keep(db, one, fingerprint="a" * 64, **kept)
    assert views.keep(db, one, fingerprint="a" * 64, **kept) == first == views.get(db, first.id)
    assert (first.number, first.spec, first.loss, first.loss_detail) == (1, kept["spec"], 0.25, {"mask": 0.5})
    second = views.keep(db, one, fingerprint="b" * 64, spec={}, n_windows=7)
    assert (second.number, second.loss, second.loss_detail) == (2, None, None)
    assert views.keep(db, two, fingerprint="a" * 64, **kept).number == 1
    assert views.of_pilot(db, one) == [first, second]


def test_what_was_said_when_a_map_was_kept_stays_as_it_was_said(db: Session) -> None:
    pilot_id = a_pilot(db)
    said = {"why": HOSTILE, "expects": {"clarity": "clearer"}}
    first = views.keep(db, pilot_id, fingerprint="a" * 64, spec={}, n_windows=7, **said)
    assert (first.why, first.expects) == (HOSTILE, {"clarity": "clearer"})
    later = {"why": "I knew it", "expects": {"clarity": "less", "error": "falls"}}
    assert views.keep(db, pilot_id, fingerprint="a" * 64, spec={}, n_windows=7, **later) == first
    silent = views.keep(db, pilot_id, fingerprint="b" * 64, spec={}, n_windows=7)
    assert (silent.why, silent.expects) == ("", None)


def test_runs_are_numbered_asked_for_once_and_kept_however_they_end(db: Session) -> None:
    pilot_id, other = a_pilot(db), a_pilot(db)
    for key in ("a", "b", "a", "c"):
        runs.keep(db, pilot_id, fingerprint=key * 64, spec={"rate": key})
    runs.keep(db, other, fingerprint="b" * 64, spec={"rate": "b"})
    assert [(one.number, one.fingerprint[0], one.spec["rate"]) for one in runs.of_pilot(db, pilot_id)] == [
        (1, "a", "a"),
        (2, "b", "b"),
        (3, "c", "c"),
    ]
    for key in "ab":
        jobs.submit(db, key * 64, "run", {})
    jobs.fail(db, "a" * 64, "It diverged.", "Choose a lower rate.", {})
    assert runs.states(db, pilot_id) == {"a" * 64: "failed", "b" * 64: "queued"}
    assert runs.states(db, other) == {"b" * 64: "queued"}
    assert len(runs.of_pilot(db, pilot_id)) == 3


def test_a_pilot_asks_one_thing_at_a_time(db: Session) -> None:
    pilot_id = a_pilot(db)
    a, b = a_view(db, pilot_id, "a" * 64), a_view(db, pilot_id, "b" * 64)
    assert studies.current(db, pilot_id) is None
    first = studies.open_with(db, pilot_id, [b, a], 2**40, {"n_items": 12}, [Item(0, "view", a)])
    assert studies.current(db, pilot_id) == studies.get(db, first.id) == first
    assert first.view_ids == (b, a)
    second = a_study(db, pilot_id, [a])
    assert studies.current(db, pilot_id) == second
    closed = studies.get(db, first.id)
    assert closed is not None
    assert closed.closed_at is not None
    studies.close(db, second.id)
    assert studies.current(db, pilot_id) is None
    for wrong in ([], [a_view(db, a_pilot(db))]):
        with pytest.raises(ValueError, match="needs views of this pilot"):
            a_study(db, pilot_id, wrong)


def test_deleting_is_not_offered_and_what_was_rated_cannot_be_pulled_away(db: Session) -> None:
    modules = [importlib.import_module(f"feedback_db.{m.name}") for m in pkgutil.iter_modules(feedback_db.__path__)]
    names = [name for module in modules for name in vars(module)]
    assert "save" in names
    assert not [name for name in names if {"delete", "remove", "drop"} & set(name.split("_"))]
    ratings.save(db, a_rating(db))
    for model in (models.Pilot, models.View, models.Study, models.StudyView, models.StudyItem, models.Rater):
        with pytest.raises(IntegrityError), db.begin_nested():
            db.execute(delete(model))


# Visits


def minutes(*numbers: float) -> list[datetime]:
    """After nine o'clock."""
    return [datetime(2026, 11, 2, 9, tzinfo=UTC) + timedelta(minutes=n) for n in numbers]


def test_a_visit_goes_on_while_something_is_done_at_least_every_five_minutes(db: Session) -> None:
    pilot_id = a_pilot(db)
    visit_id = None
    ids = [visit_id := visits.touch(db, pilot_id, "maps", visit_id, at) for at in minutes(0, 5, 9, 14.1, 15)]
    assert [ids.index(one) for one in ids] == [0, 0, 0, 3, 3]
    assert visits.of_pilot(db, pilot_id) == [Visit("maps", *minutes(0, 9)), Visit("maps", *minutes(14.1, 15))]


def test_the_way_to_another_screen_belongs_to_the_one_that_is_left_unless_it_was_left_long_ago(db: Session) -> None:
    pilot_id = a_pilot(db)
    visit_id = None
    for screen, at in zip(("data", "maps", "data"), minutes(0, 4, 20), strict=True):
        visit_id = visits.touch(db, pilot_id, screen, visit_id, at)
    spans = [Visit("data", *minutes(0, 4)), Visit("maps", *minutes(4, 4)), Visit("data", *minutes(20, 20))]
    assert visits.of_pilot(db, pilot_id) == spans


def test_time_is_never_given_to_another_pilot_and_a_clock_put_back_takes_none_away(db: Session) -> None:
    pilot_id, other = a_pilot(db), a_pilot(db)
    first = visits.touch(db, pilot_id, "maps", None, minutes(0)[0])
    assert visits.touch(db, pilot_id, "maps", first, minutes(3)[0]) == first
    assert visits.touch(db, pilot_id, "maps", first, minutes(-30)[0]) == first
    assert visits.touch(db, other, "maps", first, minutes(4)[0]) != first
    assert visits.of_pilot(db, pilot_id) == [Visit("maps", *minutes(0, 3))]
    assert visits.of_pilot(db, other) == [Visit("maps", *minutes(4, 4))]


# Jobs


def test_a_job_submitted_twice_is_one_job(db: Session) -> None:
    first = jobs.submit(db, "a" * 64, "view", {"length": 512})
    assert (first.state, first.attempt, first.spec, first.total) == ("queued", 1, {"length": 512}, 0)
    assert jobs.submit(db, "a" * 64, "view", {"length": 512}) == first == jobs.get(db, "a" * 64)
    running = jobs.progress(db, "a" * 64, "embedding", 3, 10)
    assert jobs.submit(db, "a" * 64, "view", {"length": 512}) == running
    assert (running.state, running.stage, running.done, running.total) == ("running", "embedding", 3, 10)
    assert running.heartbeat_at is not None


def test_a_done_job_stays_done_until_it_is_asked_for_anew(db: Session) -> None:
    jobs.submit(db, "a" * 64, "view", {})
    jobs.progress(db, "a" * 64, "drawing", 9, 10)
    done = jobs.finish(db, "a" * 64)
    assert (done.state, done.done, done.ended_at is None) == ("done", 10, False)
    assert jobs.submit(db, "a" * 64, "view", {}) == done
    assert jobs.begin_again(db) == []
    anew = jobs.redo(db, "a" * 64)
    assert (anew.state, anew.attempt, anew.done, anew.ended_at) == ("queued", 2, 0, None)
    assert jobs.redo(db, "a" * 64) == anew


def test_what_was_under_way_is_begun_again_and_the_time_it_lay_is_not_counted(db: Session) -> None:
    for key in "ab":
        jobs.submit(db, key * 64, "view", {})
    jobs.progress(db, "b" * 64, "embedding", 3, 10)
    assert [(one.fingerprint, one.state) for one in jobs.begin_again(db)] == [
        ("a" * 64, "queued"),
        ("b" * 64, "queued"),
    ]
    assert db.scalars(select(models.Job.began_at)).all() == [None, None]


def test_a_failed_or_cancelled_job_is_queued_for_another_attempt(db: Session) -> None:
    jobs.submit(db, "a" * 64, "view", {})
    failed = jobs.fail(db, "a" * 64, "{name} is empty.", "Choose another file.", {"name": HOSTILE})
    said = {"problem": "{name} is empty.", "remedy": "Choose another file.", "facts": {"name": HOSTILE}}
    assert (failed.state, failed.error, failed.ended_at is None) == ("failed", said, False)
    again = jobs.submit(db, "a" * 64, "view", {})
    assert (again.state, again.attempt, again.error, again.ended_at) == ("queued", 2, None, None)
    assert jobs.cancel(db, "a" * 64).state == "cancelled"
    assert jobs.submit(db, "a" * 64, "view", {}).attempt == 3


def test_an_attempt_begins_with_its_first_report_and_the_next_attempt_begins_anew(db: Session) -> None:
    def began() -> datetime | None:
        return db.scalars(select(models.Job.began_at)).one()

    jobs.submit(db, "a" * 64, "view", {})
    assert began() is None
    before = models.now()
    jobs.progress(db, "a" * 64, "embedding", 0, 10)
    first = began()
    assert first is not None
    assert before <= first <= models.now()
    jobs.progress(db, "a" * 64, "embedding", 9, 10)
    jobs.finish(db, "a" * 64)
    assert began() == first
    jobs.redo(db, "a" * 64)
    assert began() is None
    jobs.progress(db, "a" * 64, "embedding", 0, 10)
    assert (began() or first) > first


def test_a_report_that_comes_late_does_not_wake_a_job_that_has_ended(db: Session) -> None:
    jobs.submit(db, "a" * 64, "view", {})
    ended = jobs.cancel(db, "a" * 64)
    assert jobs.progress(db, "a" * 64, "embedding", 5, 10) == ended
    assert jobs.finish(db, "a" * 64) == jobs.fail(db, "a" * 64, "p", "r", {}) == ended


# The database itself


def test_eight_people_who_read_and_then_write_all_get_through(database: Database) -> None:
    with database.session(LOCAL) as db:
        pilot_id = a_pilot(db)

    def keep_25(person: int) -> None:
        for i in range(25):
            with database.session(LOCAL) as db:
                a_view(db, pilot_id, f"{person}-{i}")

    with ThreadPoolExecutor(8) as people:
        list(people.map(keep_25, range(8)))
    with database.session(LOCAL) as db:
        assert [view.number for view in views.of_pilot(db, pilot_id)] == list(range(1, 201))


def test_the_migration_makes_exactly_the_models(database: Database) -> None:
    with database.engine.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), models.Base.metadata) == []
        migrated = _checks(connection)
        models.Base.metadata.drop_all(connection)
        models.Base.metadata.create_all(connection)
        assert migrated == _checks(connection)  # compare_metadata does not look at these


def _checks(connection: Any) -> set[tuple[str, str | None, str]]:
    inspector = inspect(connection)
    tables = models.Base.metadata.tables
    found = {(t, check["name"], check["sqltext"]) for t in tables for check in inspector.get_check_constraints(t)}
    assert len(found) == 22
    return found


def test_what_was_rated_before_studies_had_items_is_all_there(url: str) -> None:
    """A database as the version before left it: two people, two views, one who could not tell."""
    database = connect(url)
    config = Config()
    config.set_main_option("script_location", MIGRATIONS.as_posix())
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        for line in OLD.split(";"):
            connection.execute(text(line))
    database.upgrade()
    with database.session(LOCAL) as db:
        rated = [(one.view_id, one.rater, one.score, one.comment) for one in ratings.of_pilot(db, "p")]
        assert rated == [("v1", "田中", 4, "clear"), ("v2", "田中", None, ""), ("v1", "=SUM(1)", 2, "")]
        assert next(one.rated_at.isoformat() for one in ratings.of_pilot(db, "p")) == "2026-11-24T01:02:03.500000+00:00"
        assert [(one.seat, one.name) for one in raters.of_study(db, "s")] == [(0, "田中"), (1, "=SUM(1)")]
        study = studies.get(db, "s")
        assert study is not None
        assert (study.design, study.view_ids) == ({}, ("v2", "v1"))
        assert study.closed_at is not None
        assert [(one.number, one.kind, one.view_id) for one in studies.items(db, "s")] == [
            (0, "view", "v2"),
            (1, "view", "v1"),
        ]
    database.close()


OLD = """INSERT INTO pilot (id, question, team, currency, round, created_at)
    VALUES ('p', 'q', 't', 'JPY', 1, '2026-11-24');
INSERT INTO view (id, pilot_id, fingerprint, round, number, spec, n_windows, created_at)
    VALUES ('v1', 'p', 'a', 1, 1, '{}', 9, '2026-11-24'), ('v2', 'p', 'b', 1, 2, '{}', 9, '2026-11-24');
INSERT INTO study (id, pilot_id, round, seed, opened_at) VALUES ('s', 'p', 1, 7, '2026-11-24');
INSERT INTO study_view VALUES ('s', 'v2', 0), ('s', 'v1', 1);
INSERT INTO rating VALUES ('r1', 's', 'v1', '田中', 4, 'clear', 3.5, 'ja', '2026-11-24 01:02:03.500000'),
    ('r2', 's', 'v2', '田中', NULL, '', 2, 'ja', '2026-11-24 01:02:04.000000'),
    ('r3', 's', 'v1', '=SUM(1)', 2, '', 2, 'en', '2026-11-24 01:02:05.000000')"""


def test_apps_that_start_together_on_an_empty_database_all_start(url: str) -> None:
    script = f"from feedback_db.database import connect; db = connect({url!r}); print(); input(); db.upgrade()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    apps = [subprocess.Popen([sys.executable, "-uc", script], cwd=REPO, text=True, **pipes) for _ in range(3)]
    for app in apps:
        app.stdout.readline()  # all are loaded and waiting
    for app in apps:
        app.stdin.write("\n")
        app.stdin.flush()
    for app in apps:
        app.communicate(timeout=60)
    assert [app.returncode for app in apps] == [0, 0, 0]
    database = connect(url)
    database.upgrade()  # and once more, on what is there
    with database.session(LOCAL) as db:
        assert pilots.cards(db) == []
    database.close()


def test_sqlite_runs_with_its_safe_settings(tmp_path: Path) -> None:
    database = connect(f"sqlite:///{(tmp_path / 'pilot.db').as_posix()}")
    mode, synchronous = journal(sqlite3.sqlite_version_info)
    asked = {"journal_mode": mode.lower(), "synchronous": {"FULL": 2, "EXTRA": 3}[synchronous]}
    asked |= {"foreign_keys": 1, "busy_timeout": 5000}
    with database.session(LOCAL) as db:
        assert {name: db.execute(text(f"PRAGMA {name}")).scalar_one() for name in asked} == asked
        with pytest.raises(sqlite3.OperationalError, match="locked"):  # BEGIN IMMEDIATE: the session holds the lock
            sqlite3.connect(tmp_path / "pilot.db", timeout=0).execute("BEGIN IMMEDIATE")
    database.close()


@pytest.mark.parametrize(
    ("version", "wal"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 0), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 0), False),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 52, 0), True),
        ((4, 0, 0), True),
    ],
)
def test_wal_is_used_only_where_its_reset_bug_is_fixed(version: tuple[int, int, int], wal: bool) -> None:
    assert journal(version) == (("WAL", "FULL") if wal else ("DELETE", "EXTRA"))


def test_eight_that_open_a_new_file_at_once_all_switch_it_to_wal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 51, 3))  # so that older machines try the other branch too
    together = threading.Barrier(8)

    def open_file(file: Path) -> str:
        database = connect(f"sqlite:///{file.as_posix()}")
        together.wait()
        with database.session(LOCAL) as db:
            mode = db.execute(text("PRAGMA journal_mode")).scalar_one()
        database.close()
        return mode

    with ThreadPoolExecutor(8) as apps:
        for i in range(10):
            assert set(apps.map(open_file, [tmp_path / f"{i}.db"] * 8)) == {"wal"}
