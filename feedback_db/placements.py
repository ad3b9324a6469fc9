"""Placements: new data that a pilot has placed on a map it keeps; none is ever taken from the list."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from feedback_db import models
from feedback_db.models import Json
from feedback_db.permits import may
from feedback_db.rows import every, insert_once, one, select_as


@dataclass(frozen=True, slots=True)
class Placement:
    id: str
    view_id: str
    fingerprint: str  # of all that decides it; the artifact's name too
    spec: Json
    created_at: datetime


@may("lead")
def keep(db: Session, view_id: str, fingerprint: str, spec: Json) -> Placement:
    """The view's placement with this fingerprint. Asked for before: that one, unchanged."""
    m = models.Placement
    values = {"view_id": view_id, "fingerprint": fingerprint, "spec": spec}
    insert_once(db, m, ["view_id", "fingerprint"], values)
    return one(db, Placement, select_as(Placement, m).where(m.view_id == view_id, m.fingerprint == fingerprint))


@may("lead", "manager")
def of_pilot(db: Session, pilot_id: str) -> list[Placement]:
    """On any of the pilot's views, the newest last."""
    m, view = models.Placement, models.View
    query = select_as(Placement, m).join(view, view.id == m.view_id).where(view.pilot_id == pilot_id)
    return every(db, Placement, query.order_by(m.created_at, m.id))
