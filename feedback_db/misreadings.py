"""What people have put into the register of misreadings: their own entries, and changes to those that are proposed."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Literal

from sqlalchemy import insert
from sqlalchemy.orm import Session

from feedback_db import models
from feedback_db.permits import may
from feedback_db.rows import every, select_as

OWN = "own:"  # how keys of entries begin that nobody proposed


@dataclass(frozen=True, slots=True)
class Misreading:
    """An entry as somebody has put it."""

    key: str  # of an entry that the program proposes, or drawn by `own_key`
    what: str  # in somebody's words; "": as the program puts it
    cost: Literal["small", "middling", "large"]
    guard: str  # against it; "": as the program puts it
    is_gone: bool = False
    set_at: datetime = field(default_factory=models.now)


def own_key() -> str:
    """Of an entry that nobody proposed."""
    return OWN + models.new_id()


@may("lead", "manager")
def put(db: Session, pilot_id: str, one: Misreading) -> None:
    """It stands so from now on; how it stood before stays in the history."""
    db.execute(insert(models.Misreading).values(pilot_id=pilot_id, **asdict(one)))


@may("lead", "manager")
def history(db: Session, pilot_id: str) -> list[Misreading]:
    """All that was ever put in, oldest first."""
    query = select_as(Misreading, models.Misreading).where(models.Misreading.pilot_id == pilot_id)
    return every(db, Misreading, query.order_by(models.Misreading.set_at, models.Misreading.id))


@may("lead", "manager")
def now(db: Session, pilot_id: str) -> dict[str, Misreading]:
    """By key, the last one of each; those that were taken out too."""
    return {one.key: one for one in history(db, pilot_id)}
