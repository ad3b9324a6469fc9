"""Recipes: preprocessing that a pilot has used, some of it under a name."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from feedback_db import models
from feedback_db.models import Json
from feedback_db.permits import may
from feedback_db.rows import every, insert_once, maybe, one, select_as


@dataclass(frozen=True, slots=True)
class Recipe:
    id: str
    pilot_id: str
    fingerprint: str  # of the spec
    name: str  # "": used, but not saved by anybody
    spec: Json
    created_at: datetime


@may("lead")
def keep(db: Session, pilot_id: str, *, fingerprint: str, spec: Json) -> Recipe:
    """The pilot's recipe with this fingerprint, kept before or now."""
    values = {"pilot_id": pilot_id, "fingerprint": fingerprint, "spec": spec}
    insert_once(db, models.Recipe, ["pilot_id", "fingerprint"], values)
    same = models.Recipe.pilot_id == pilot_id, models.Recipe.fingerprint == fingerprint
    return one(db, Recipe, select_as(Recipe, models.Recipe).where(*same))


@may("lead")
def rename(db: Session, recipe_id: str, name: str) -> None:
    """Save it under a name; "" takes it from the list of saved ones."""
    db.execute(update(models.Recipe).where(models.Recipe.id == recipe_id).values(name=name))


@may("lead", "manager")
def get(db: Session, pilot_id: str, recipe_id: str) -> Recipe | None:
    this = models.Recipe.pilot_id == pilot_id, models.Recipe.id == recipe_id
    return maybe(db, Recipe, select_as(Recipe, models.Recipe).where(*this))


@may("lead", "manager")
def saved(db: Session, pilot_id: str) -> list[Recipe]:
    """The ones with a name, oldest first."""
    of_pilot = models.Recipe.pilot_id == pilot_id, models.Recipe.name != ""
    query = select_as(Recipe, models.Recipe).where(*of_pilot)
    return every(db, Recipe, query.order_by(models.Recipe.created_at, models.Recipe.id))
