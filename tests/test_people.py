"""Leads and managers, their links and logins, on both databases."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from feedback_db import logins, models, people, raters
from feedback_db.database import Database
from feedback_db.people import Person
from feedback_db.permits import APP, LOCAL
from tests import test_feedback_db as shared
from tests.test_feedback_db import a_pilot, a_study, a_view

url, database, db = shared.url, shared.database, shared.db  # fixtures
WORDS = "correct horse 電池"


def somebody(db: Session, name: str = "Sato", role: people.Role = "lead", email: str = "") -> Person:
    """Who has come in with a link."""
    person = people.settle(db, people.invite(db, name, role, email), "", people.hashed(WORDS))
    assert person is not None
    return person


# Passphrases


def test_a_passphrase_matches_its_hash_alone_and_the_hash_tells_nothing() -> None:
    kept = people.hashed(WORDS)
    assert people.matches(kept, WORDS)
    assert not people.matches(kept, WORDS + " ")
    assert kept != people.hashed(WORDS)  # a salt each
    assert kept.startswith("$argon2id$")
    assert WORDS not in kept


def test_nobody_gets_in_where_no_passphrase_was_chosen() -> None:
    assert not people.matches("", "")
    assert not people.matches("", WORDS)
    assert not people.matches("no hash", WORDS)


# Links


def test_a_link_works_once(db: Session) -> None:
    token = people.invite(db, "Sato", "manager")
    found = people.linked(db, token)
    assert found is not None
    assert (found.name, found.role) == ("Sato", "manager")
    assert people.linked(db, token) == found  # looking uses nothing up: programs look at links in mails
    assert people.settle(db, token, "", people.hashed(WORDS)) is not None
    assert people.linked(db, token) is None
    assert people.settle(db, token, "", people.hashed("another one")) is None
    person, kept = people.sign_in(db, "Sato") or (None, "")
    assert person == found
    assert people.matches(kept, WORDS)


def test_of_two_who_use_a_link_at_once_one_gets_in(database: Database) -> None:
    with database.session(LOCAL) as db:
        token = people.invite(db, "Sato", "lead")
    start = threading.Barrier(4)

    def use(n: int) -> bool:
        start.wait()
        with database.session(APP) as db:
            return people.settle(db, token, "", f"hash {n}") is not None

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(use, range(4))) == [False, False, False, True]


def test_a_link_lapses_after_a_day_and_a_newer_one_makes_it_void(db: Session) -> None:
    first = people.invite(db, "Sato", "lead")
    person = people.linked(db, first)
    assert person is not None
    second = people.link(db, person.id)
    assert people.linked(db, first) is None
    assert people.linked(db, second) == person
    db.execute(update(models.Link).values(expires_at=models.now() - timedelta(seconds=1)))
    assert people.linked(db, second) is None


def test_what_is_kept_opens_nothing(db: Session) -> None:
    """Whoever reads the database, or a backup of it, has no link, no login and no passphrase."""
    link = people.invite(db, "Sato", "lead")
    cookie = logins.begin(db, somebody(db, "Tanaka").id)
    kept = str([db.execute(select(*table.columns)).all() for table in models.Base.metadata.sorted_tables])
    assert link not in kept
    assert cookie not in kept
    assert WORDS not in kept


def test_the_first_lead_chooses_a_name_and_there_is_one_first_lead(db: Session) -> None:
    assert not people.has_lead(db)
    lapsed, token = people.first_link(db), people.first_link(db)
    assert people.linked(db, lapsed) is None
    assert not people.has_lead(db)
    person = people.settle(db, token, " 佐藤 ", people.hashed(WORDS))
    assert person is not None
    assert (person.name, person.role) == ("佐藤", "lead")
    assert people.has_lead(db)
    assert [one.name for one in people.everybody(db)] == ["佐藤"]


# Names


def test_no_name_is_nobodys(db: Session) -> None:
    """The first lead has none yet, and those who left have theirs no more."""
    people.first_link(db)
    somebody(db)
    assert people.revoke(db, somebody(db, "Mori").id)
    assert people.sign_in(db, " ") is None


@pytest.mark.parametrize("typed", ["sato", " SATO ", "ＳＡＴＯ"])
def test_a_name_is_found_however_it_is_typed(db: Session, typed: str) -> None:
    person = somebody(db)
    found = people.sign_in(db, typed)
    assert found is not None
    assert found[0] == person


def test_two_people_have_two_names_and_one_who_left_gives_the_name_back(database: Database) -> None:
    with database.session(LOCAL) as db:
        somebody(db, "Suzuki")
        person = somebody(db)
    with pytest.raises(IntegrityError), database.session(LOCAL) as db:
        people.invite(db, "sato", "manager")
    with database.session(LOCAL) as db:
        assert people.revoke(db, person.id)
        assert people.sign_in(db, "Sato") is None
        assert somebody(db).id != person.id


def test_a_company_account_is_known_by_its_address_until_its_owner_leaves(db: Session) -> None:
    somebody(db, "Suzuki")
    person = somebody(db, email="Sato@Example.com ")
    assert people.by_email(db, "sato@example.com") == person
    assert people.by_email(db, "") is None
    assert people.revoke(db, person.id)
    assert people.by_email(db, "sato@example.com") is None


def test_a_name_is_the_same_however_wide_it_is_written_and_spaced(db: Session) -> None:
    """A Japanese keyboard writes a wide space as easily as a narrow one."""
    ken = somebody(db, "田中 Ken")
    for typed in ("田中　ｋｅｎ", "田中ken", " 田中\u200b KEN "):
        found = people.sign_in(db, typed)
        assert found is not None
        assert found[0].id == ken.id


def test_what_a_lead_sees_of_everybody(db: Session) -> None:
    """Links that still work, and when somebody last signed in."""
    sato = somebody(db)
    people.invite(db, "Mori", "manager")
    [mori] = [one for one in people.everybody(db) if one.name == "Mori"]
    assert [*people.open_links(db)] == [mori.id]
    assert logins.last_begun(db) == {}
    logins.begin(db, sato.id)
    logins.end_all(db, sato.id)
    logins.begin(db, sato.id)
    [latest] = [one for one in logins.alive(db) if one.person_id == sato.id]
    assert logins.last_begun(db) == {sato.id: latest.created_at}
    db.execute(update(models.Link).values(expires_at=models.now()))
    assert people.open_links(db) == {}


# The last lead


def test_the_last_lead_stays(db: Session) -> None:
    lead, manager = somebody(db), somebody(db, "Mori", "manager")
    assert not people.revoke(db, lead.id)
    assert not people.set_role(db, lead.id, "manager")
    assert people.set_role(db, manager.id, "lead")
    assert people.revoke(db, lead.id)
    assert [one.name for one in people.everybody(db) if one.revoked_at is None] == ["Mori"]


def test_a_lead_who_has_not_come_in_yet_is_not_the_one_who_stays(db: Session) -> None:
    lead = somebody(db)
    people.invite(db, "Mori", "lead")
    assert not people.revoke(db, lead.id)
    people.settle(db, people.link(db, people.everybody(db)[-1].id), "", "hash")
    assert people.revoke(db, lead.id)


def test_two_leads_who_let_each_other_go_do_not_leave_none(database: Database) -> None:
    with database.session(LOCAL) as db:
        both = [somebody(db, name).id for name in ("Sato", "Mori")]
    start = threading.Barrier(2)

    def let_go(person_id: str) -> bool:
        start.wait()
        with database.session(LOCAL) as db:
            return people.revoke(db, person_id)

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(let_go, both)) == [False, True]


# Logins


def test_a_login_is_known_by_its_secret_until_it_ends(db: Session) -> None:
    person = somebody(db)
    here, there = logins.begin(db, person.id), logins.begin(db, person.id)
    found = logins.of(db, here)
    assert found is not None
    assert (found.name, found.role, found.person_id, found.study_id) == ("Sato", "lead", person.id, None)
    assert logins.get(db, found.id) == found
    assert logins.of(db, here + "x") is None
    logins.end(db, found.id)
    assert (logins.of(db, here), logins.get(db, found.id)) == (None, None)
    assert [one.id for one in logins.alive(db)] != [found.id]
    logins.end_all(db, person.id)
    assert logins.of(db, there) is None
    assert logins.alive(db) == []


def test_a_login_lasts_a_long_day(db: Session) -> None:
    token = logins.begin(db, somebody(db).id)
    found = logins.of(db, token)
    assert found is not None
    assert found.expires_at - found.created_at <= timedelta(hours=12, seconds=1)
    db.execute(update(models.Login).values(expires_at=models.now() - timedelta(seconds=1)))
    assert logins.of(db, token) is None


def test_a_login_ends_with_its_person_and_a_tablets_with_its_invitation(db: Session) -> None:
    somebody(db)
    person = somebody(db, "Mori", "manager")
    pilot_id = a_pilot(db)
    study = a_study(db, pilot_id, [a_view(db, pilot_id)])
    invitation = raters.invite(db, study.id, name="田中")
    office, tablet = logins.begin(db, person.id), logins.begin_rating(db, invitation.id)
    found = logins.of(db, tablet)
    assert found is not None
    assert (found.role, found.name, found.study_id, found.invitation_id) == ("rater", "田中", study.id, invitation.id)
    assert {one.role for one in logins.alive(db)} == {"manager", "rater"}
    assert people.revoke(db, person.id)
    raters.revoke(db, invitation)
    assert (logins.of(db, office), logins.of(db, tablet)) == (None, None)


def test_the_role_of_a_login_is_its_persons_role_now(db: Session) -> None:
    somebody(db)
    person = somebody(db, "Mori", "manager")
    token = logins.begin(db, person.id)
    assert people.set_role(db, person.id, "lead")
    found = logins.of(db, token)
    assert found is not None
    assert found.role == "lead"
