"""Views: the maps a pilot keeps, numbered as people see them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from feedback_db import models
from feedback_db.models import Json
from feedback_db.permits import may
from feedback_db.rows import every, insert_once, lock_pilot, maybe, one, select_as


@dataclass(frozen=True, slots=True)
class View:
    id: str
    pilot_id: str
    fingerprint: str  # of all that made it; the artifact's name too
    round: int  # the pilot's, when it was kept
    number: int  # 1, 2, 3 … within the pilot: "Map 3"
    spec: Json  # dataset × recipe × encoder × projection
    loss: float | None  # None: this encoder cannot reconstruct
    loss_detail: Json | None
    n_windows: int
    why: str  # it was changed to this, in somebody's words
    expects: Json | None  # {"error": …, "clarity": …}, each where it was said; None: nothing was said
    created_at: datetime


@may("lead")
def keep(
    db: Session,
    pilot_id: str,
    *,
    fingerprint: str,
    spec: Json,
    n_windows: int,
    loss: float | None = None,
    loss_detail: Json | None = None,
    why: str = "",
    expects: Json | None = None,
) -> View:
    """The pilot's view with this fingerprint. New: it gets the next number. Kept before: that view, unchanged."""
    this_round = lock_pilot(db, pilot_id)
    last = select(func.coalesce(func.max(models.View.number), 0)).where(models.View.pilot_id == pilot_id)
    place = {"pilot_id": pilot_id, "round": this_round, "number": db.execute(last).scalar_one() + 1}
    content = {"fingerprint": fingerprint, "spec": spec, "n_windows": n_windows}
    values = place | content | {"loss": loss, "loss_detail": loss_detail, "why": why, "expects": expects}
    insert_once(db, models.View, ["pilot_id", "fingerprint"], values)
    same = models.View.pilot_id == pilot_id, models.View.fingerprint == fingerprint
    return one(db, View, select_as(View, models.View).where(*same))


@may("lead", "manager")
def get(db: Session, view_id: str) -> View | None:
    return maybe(db, View, select_as(View, models.View).where(models.View.id == view_id))


@may("lead", "manager")
def of_pilot(db: Session, pilot_id: str) -> list[View]:
    """The pilot's views, Map 1 first."""
    query = select_as(View, models.View).where(models.View.pilot_id == pilot_id)
    return every(db, View, query.order_by(models.View.number))
