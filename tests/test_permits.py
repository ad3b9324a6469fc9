"""Who may do what in the database: every function × every kind of actor, and what happens once rights are taken away.

`manage.py test tests/test_permits.py -s` prints the matrix.
"""

import importlib
import inspect
import pkgutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

import feedback_db
from feedback_db import logins, models, people, pilots, raters, ratings, studies
from feedback_db.database import Database
from feedback_db.permits import APP, LOCAL, NOBODY, Actor, Forbidden
from feedback_db.raters import Rater, Refused
from feedback_db.ratings import Rating
from feedback_db.studies import Study
from tests import test_feedback_db as shared
from tests.test_feedback_db import a_pilot, a_study, a_view

url, database = shared.url, shared.database  # fixtures
PLUMBING = {"rows", "permits"}  # used by the modules beside them, never by a screen

# Written down here once more, so that a permit that is given by mistake is a difference between two lists.
APPS = """
    jobs.progress jobs.finish jobs.fail jobs.cancel jobs.begin_again people.link people.first_link people.has_lead
    people.linked people.settle people.sign_in people.by_email logins.begin logins.begin_rating logins.of logins.get
    logins.end logins.end_all raters.invited raters.admitted raters.behind studies.get holdings.now jobs.counts
    jobs.longest_queued
""".split()
RATERS = """
    raters.invited raters.begin raters.admitted raters.shared raters.keep_literacy ratings.save ratings.answered_by
    studies.get studies.items studies.item
""".split()
MANAGERS_CHANGE = "assumptions.put misreadings.put ledger.append".split()
MANAGERS_READ = """
    assumptions.history assumptions.now assumptions.worked datasets.get datasets.of_pilot jobs.get ledger.of_pilot
    ledger.verify misreadings.history misreadings.now pilots.get pilots.cards pilots.card placements.of_pilot
    raters.invitations raters.of_study ratings.of_study ratings.of_pilot recipes.get recipes.saved runs.of_pilot
    runs.states studies.current studies.of_pilot studies.history views.get views.of_pilot visits.touch visits.of_pilot
""".split()
ALSO_LEADS = """
    people.link logins.end logins.end_all raters.invited raters.admitted studies.get holdings.now jobs.counts
    jobs.longest_queued
""".split()  # of the app's


def functions() -> dict[str, Callable[..., Any]]:
    """Everything that takes a session."""
    found = {}
    for module in pkgutil.iter_modules(feedback_db.__path__):
        if module.ispkg or module.name in PLUMBING:
            continue
        of = importlib.import_module(f"feedback_db.{module.name}")
        for name, one in inspect.getmembers(of, inspect.isfunction):
            first = next(iter(inspect.signature(one).parameters.values()), None)
            if one.__module__ == of.__name__ and not name.startswith("_") and first and first.annotation is Session:
                found[f"{module.name}.{name}"] = one
    return found


FUNCTIONS = functions()
MAY: dict[str, set[str]] = {
    "local": {*FUNCTIONS},
    "lead": {*FUNCTIONS} - {*APPS} | {*ALSO_LEADS},
    "manager": {*MANAGERS_READ, *MANAGERS_CHANGE, *RATERS},
    "rater": {*RATERS},
    "app": {*APPS},
    "nobody": set(),
}


class Cast(NamedTuple):
    """A pilot with two studies, and everybody who could be there."""

    actors: dict[str, Actor]  # by who it is and what became of it
    study: Study  # of the rater
    other: Study  # of another pilot
    rater: Rater
    stranger: Rater  # in the other study


def login_of(db: Session, token: str) -> Actor:
    found = logins.of(db, token)
    assert found is not None
    return Actor("login", found.id)


@pytest.fixture
def cast(database: Database) -> Cast:
    """Rights that were there and are gone were gone before anything is tried."""
    actors = {"local": LOCAL, "app": APP, "nobody": NOBODY, "nobody, unknown login": Actor("login", "0" * 32)}
    with database.session(LOCAL) as db:
        both = []
        for _ in range(2):
            pilot_id = a_pilot(db)
            study = a_study(db, pilot_id, [a_view(db, pilot_id)])
            invitation = raters.invite(db, study.id, is_shared=True)
            rater = raters.begin(db, invitation, "田中", raters.new_token(), lambda _seat: [0])
            both.append((study, invitation, rater))
        for role in ("lead", "manager"):
            for state in ("active", "let go", "expired", "signed out"):
                token = people.invite(db, f"{role} {state}", role)
                person = people.settle(db, token, "", "not a hash")
                assert person is not None
                actors[f"{role}, {state}"] = login_of(db, logins.begin(db, person.id))
        for state in ("active", "withdrawn", "expired"):
            own = raters.invite(db, both[0][0].id, is_shared=True) if state == "withdrawn" else both[0][1]
            actors[f"rater, {state}"] = login_of(db, logins.begin_rating(db, own.id))
            if state == "withdrawn":
                raters.revoke(db, own)
        for role in ("lead", "manager"):
            [let_go] = [one for one in people.everybody(db) if one.name == f"{role} let go"]
            assert people.revoke(db, let_go.id)
            logins.end(db, actors[f"{role}, signed out"].login_id)
        expired = [one.login_id for name, one in actors.items() if "expired" in name]
        past = models.now() - timedelta(seconds=1)
        db.execute(update(models.Login).where(models.Login.id.in_(expired)).values(expires_at=past))
    return Cast(actors, both[0][0], both[1][0], both[0][2], both[1][2])


@contextmanager
def undone(database: Database, actor: Actor) -> Iterator[Session]:
    """What is tried here leaves nothing behind."""

    class Enough(Exception):  # noqa: N818 — nothing went wrong
        pass

    try:
        with database.session(actor) as db:
            yield db
            raise Enough
    except Enough:
        pass


def is_let_in(db: Session, one: Callable[..., Any]) -> bool:
    """Without further arguments a function that lets the actor in fails over them; one that does not fails before."""
    try:
        one(db)
    except Forbidden:
        return False
    except TypeError:  # arguments are missing
        pass
    return True


def test_every_function_that_takes_a_session_says_who_may_call_it() -> None:
    assert len(FUNCTIONS) > 60
    assert {name for name, one in FUNCTIONS.items() if not hasattr(one, "may")} == set()
    named = {*APPS, *RATERS, *MANAGERS_CHANGE, *MANAGERS_READ}
    assert named - {*FUNCTIONS} == set()


def test_every_actor_may_call_its_own_functions_and_no_other(database: Database, cast: Cast) -> None:
    rows = []
    for who, actor in cast.actors.items():
        kind, _, state = who.partition(", ")
        allowed = MAY[kind] if state in ("", "active") else set()
        with undone(database, actor) as db:
            let_in = {name for name, one in FUNCTIONS.items() if is_let_in(db, one)}
        assert let_in == allowed, who
        rows.append((who, let_in))
    for name in FUNCTIONS:
        print(f"{name:28}", *(f"{who}: {'yes' if name in let_in else 'no':3}" for who, let_in in rows))  # noqa: T201
    print(f"{len(FUNCTIONS) * len(rows)} cells")  # noqa: T201


# A rater and the other study


def an_answer(study: Study, rater: Rater, item_id: str) -> Rating:
    number = str(uuid.uuid4())
    ids = {"id": number, "study_id": study.id, "item_id": item_id, "rater_id": rater.id}
    return Rating(**ids, score=4, seconds=3.0, language="ja")


def test_a_rater_reaches_its_own_study(database: Database, cast: Cast) -> None:
    with database.session(cast.actors["rater, active"]) as db:
        study, rater = raters.admitted(db, cast.rater.token)
        [item] = studies.items(db, study.id)
        ratings.save(db, an_answer(study, rater, item.id))
        assert ratings.answered_by(db, rater) == {item.id}
        assert studies.item(db, study.id, item.id) == item


def test_for_a_rater_another_study_is_as_if_it_were_not_there(database: Database, cast: Cast) -> None:
    with database.session(LOCAL) as db:
        [item] = studies.items(db, cast.other.id)
        [invitation] = raters.invitations(db, cast.other.id)
    rater = cast.actors["rater, active"]
    seat = (invitation, "", raters.new_token(), lambda _seat: [0])
    reached = {
        "items": lambda db: studies.items(db, cast.other.id),
        "item": lambda db: studies.item(db, cast.other.id, item.id),
        "begin": lambda db: raters.begin(db, *seat),
        "shared": lambda db: raters.shared(db, cast.stranger),
        "keep_literacy": lambda db: raters.keep_literacy(db, cast.stranger, {}),
        "save": lambda db: ratings.save(db, an_answer(cast.other, cast.stranger, item.id)),
        "answered_by": lambda db: ratings.answered_by(db, cast.stranger),
    }
    for name, act in reached.items():
        with undone(database, rater) as db:
            assert not is_let_in(db, act), name
    for looked_for in (cast.other.id, "0" * 32):
        with database.session(rater) as db:
            assert studies.get(db, looked_for) is None
    for token in (invitation.token, "nobody's"):
        with pytest.raises(Refused, match="unknown"), database.session(rater) as db:
            raters.invited(db, token)
    for token in (cast.stranger.token, "nobody's"):
        with pytest.raises(Refused, match="unknown"), database.session(rater) as db:
            raters.admitted(db, token)
    with database.session(LOCAL) as db:
        assert ratings.of_study(db, cast.other.id) == []
        assert len(raters.of_study(db, cast.other.id)) == 1


def test_one_who_answers_for_another_person_of_another_study_stores_nothing(database: Database, cast: Cast) -> None:
    """The two studies' ids in one answer: the database itself refuses what no function would send."""
    with database.session(LOCAL) as db:
        [item] = studies.items(db, cast.other.id)
    mixed = an_answer(cast.study, cast.stranger, item.id)
    with pytest.raises(Exception, match=r"(?i)foreign key"), database.session(cast.actors["rater, active"]) as db:
        ratings.save(db, mixed)
    with database.session(LOCAL) as db:
        assert db.scalars(select(func.count()).select_from(models.Rating)).one() == 0


# Rights that are taken away while somebody is at work


def test_rights_are_read_at_every_transaction(database: Database, cast: Cast) -> None:
    lead = cast.actors["lead, active"]
    with database.session(lead) as db:
        pilots.create(db, question="Q", team="")
        [me] = [one for one in people.everybody(db) if one.name == "lead active"]
    with database.session(LOCAL) as db:
        [other] = [one for one in people.everybody(db) if one.name == "manager active"]
        assert people.set_role(db, other.id, "lead")
    with database.session(lead) as db:
        assert people.set_role(db, me.id, "manager")
    with pytest.raises(Forbidden), database.session(lead) as db:
        pilots.create(db, question="Q", team="")
    with database.session(lead) as db:
        assert len(pilots.cards(db)) == 3  # a manager still reads
    with database.session(LOCAL) as db:
        assert people.revoke(db, me.id)
    with pytest.raises(Forbidden), database.session(lead) as db:
        pilots.cards(db)


def test_a_withdrawn_invitation_ends_what_its_tablets_may_do(database: Database, cast: Cast) -> None:
    rater = cast.actors["rater, active"]
    with database.session(LOCAL) as db:
        [item] = studies.items(db, cast.study.id)
        for invitation in raters.invitations(db, cast.study.id):
            raters.revoke(db, invitation)
    with pytest.raises(Forbidden), database.session(rater) as db:
        ratings.save(db, an_answer(cast.study, cast.rater, item.id))


@pytest.mark.usefixtures("cast")
def test_a_transaction_that_reads_does_not_wait_for_one_that_writes(database: Database) -> None:
    """SQLite: a reader would otherwise queue behind every writer; PostgreSQL reads beside them anyway."""
    with database.session(LOCAL) as writing:
        pilots.create(writing, question="not stored yet", team="")
        with database.reading(LOCAL) as db:
            assert len(pilots.cards(db)) == 2


@pytest.mark.parametrize("act", ["session", "reading"])
def test_whoever_may_nothing_sees_nothing_either_way(database: Database, act: str) -> None:
    with pytest.raises(Forbidden), getattr(database, act)(NOBODY) as db:
        pilots.cards(db)
