"""People who run a pilot or decide on it. Raters need no account: their invitation is theirs (raters.py)."""

import base64
import hashlib
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import argon2
from sqlalchemy import ColumnElement, func, insert, select, update
from sqlalchemy.orm import Session

from feedback_db import models
from feedback_db.permits import may
from feedback_db.rows import every, maybe, one, select_as

Role = Literal["lead", "manager"]
LINK_LASTS = timedelta(hours=24)
# RFC 9106 asks for as much memory and time as one can spare: 64 MiB, and about 0.1 s on an office PC.
HASHER = argon2.PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    name: str  # to sign in with; "" of a first lead who has not chosen one yet
    role: Role
    email: str | None  # by which a company account is known
    created_at: datetime
    revoked_at: datetime | None  # from then on they get in no more


def hashed(passphrase: str) -> str:
    """With salt (argon2id). It takes its time, so not inside a transaction."""
    return HASHER.hash(passphrase)


def matches(kept: str, passphrase: str) -> bool:
    """Likewise. A passphrase that was never chosen ("") takes as long, and matches nothing."""
    try:
        return HASHER.verify(kept or _never(), passphrase) and bool(kept)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


def token_hash(token: str) -> str:
    """What is kept of a secret that was drawn with more than 128 random bits, which needs no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def _never() -> str:
    """A hash of nothing: for a name that nobody has to take as long to refuse as one that somebody has."""
    salt, digest = (
        base64.b64encode(secrets.token_bytes(n)).decode().rstrip("=") for n in (HASHER.salt_len, HASHER.hash_len)
    )
    return f"$argon2id$v=19$m={HASHER.memory_cost},t={HASHER.time_cost},p={HASHER.parallelism}${salt}${digest}"


@may("lead")
def invite(db: Session, name: str, role: Role, email: str = "") -> str:
    """Somebody new. Returns: the token of a link that works once, to choose a passphrase with.

    A name or an address that somebody else has raises IntegrityError.
    """
    person_id = models.new_id()
    known = {"id": person_id, "name": name.strip(), "key": _key(name), "role": role, "email": _address(email)}
    db.execute(insert(models.Person).values(known))
    return _link(db, person_id)


@may("lead", "app")
def link(db: Session, person_id: str) -> str:
    """Another link for somebody, who has forgotten the passphrase or let the last link lapse; those before are void."""
    return _link(db, person_id)


@may("app")
def first_link(db: Session) -> str:
    """For the lead who is the first to come. Whoever reads this machine's console is trusted with it."""
    m = models.Person
    person_id = db.scalars(select(m.id).where(m.name == "", m.revoked_at.is_(None))).one_or_none()
    if person_id is None:
        person_id = models.new_id()
        db.execute(insert(m).values(id=person_id, name="", role="lead"))
    return _link(db, person_id)


@may("app")
def has_lead(db: Session) -> bool:
    """Whether anybody can sign in who may let others in."""
    return db.scalars(select(func.count()).select_from(models.Person).where(*_able_lead())).one() > 0


@may("app")
def linked(db: Session, token: str) -> Person | None:
    """Whose link this is, as long as it works."""
    p, k = models.Person, models.Link
    works = k.token_hash == token_hash(token), k.used_at.is_(None), k.expires_at > models.now()
    return maybe(db, Person, select_as(Person, p).join(k, k.person_id == p.id).where(*works, p.revoked_at.is_(None)))


@may("app")
def settle(db: Session, token: str, name: str, passphrase: str) -> Person | None:
    """Use a link up: the person's passphrase (hashed) is set, and the name if there was none. None: it works no more.

    A name that somebody else has raises IntegrityError.
    """
    person = linked(db, token)
    if person is None:
        return None
    k = models.Link
    used = update(k).where(k.token_hash == token_hash(token), k.used_at.is_(None)).values(used_at=models.now())
    if not db.scalars(used.returning(k.id)).all():
        return None
    name = person.name or name.strip()
    chosen = {"name": name, "key": _key(name), "passphrase": passphrase}
    db.execute(update(models.Person).where(models.Person.id == person.id).values(chosen))
    return _get(db, person.id)


@may("app")
def sign_in(db: Session, name: str) -> tuple[Person, str] | None:
    """Who has this name, and the hash of their passphrase ("": none was chosen)."""
    m = models.Person
    row = db.execute(select(m.id, m.passphrase).where(m.key == (_key(name) or ""))).one_or_none()
    return None if row is None else (_get(db, row.id), row.passphrase)


@may("app")
def by_email(db: Session, email: str) -> Person | None:
    """Whose company account this is."""
    m = models.Person
    return maybe(db, Person, select_as(Person, m).where(m.email == (_address(email) or "")))


@may("lead")
def everybody(db: Session) -> list[Person]:
    """Also those who were let go, the oldest first."""
    query = select_as(Person, models.Person)
    return every(db, Person, query.order_by(models.Person.created_at, models.Person.id))


@may("lead")
def open_links(db: Session) -> dict[str, datetime]:
    """Until when somebody's link still works, by person."""
    k = models.Link
    works = k.used_at.is_(None), k.expires_at > models.now()
    return {row.person_id: row.expires_at for row in db.execute(select(k.person_id, k.expires_at).where(*works))}


@may("lead")
def revoke(db: Session, person_id: str) -> bool:
    """Let somebody in no more; their logins end with it. The last lead stays: False, and nothing was changed."""
    return _change(db, person_id, revoked_at=models.now(), key=None, email=None)


@may("lead")
def set_role(db: Session, person_id: str, role: Role) -> bool:
    """Likewise."""
    return _change(db, person_id, role=role)


def _change(db: Session, person_id: str, **values: object) -> bool:
    m = models.Person
    # Two leads who let each other go in the same moment must not leave none.
    leads = db.scalars(select(m.id).where(*_able_lead()).with_for_update()).all()
    if list(leads) == [person_id] and values.get("role") != "lead":
        return False
    db.execute(update(m).where(m.id == person_id, m.revoked_at.is_(None)).values(values))
    return True


def _able_lead() -> tuple[ColumnElement[bool], ...]:
    """One who can sign in: a link that nobody has used yet may never be."""
    m = models.Person
    return m.role == "lead", m.revoked_at.is_(None), (m.passphrase != "") | m.email.is_not(None)


def _link(db: Session, person_id: str) -> str:
    token, k = secrets.token_urlsafe(24), models.Link
    db.execute(update(k).where(k.person_id == person_id, k.used_at.is_(None)).values(used_at=models.now()))
    made = {"person_id": person_id, "token_hash": token_hash(token), "expires_at": models.now() + LINK_LASTS}
    db.execute(insert(k).values(made))
    return token


def _get(db: Session, person_id: str) -> Person:
    return one(db, Person, select_as(Person, models.Person).where(models.Person.id == person_id))


def _key(name: str) -> str | None:
    """Equal for names that look alike, however wide a keyboard writes their letters, and the space between them."""
    letters = unicodedata.normalize("NFKC", name).casefold()
    return "".join(one for one in letters if one.isprintable() and not one.isspace()) or None


def _address(email: str) -> str | None:
    return email.strip().casefold() or None
