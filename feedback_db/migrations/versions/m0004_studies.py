"""Studies have items, raters, invitations and a history; what was rated before becomes items and raters of its own."""

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

ID, TOKEN, TIME, SPEC = sa.String(32), sa.String(64), sa.DateTime(timezone=True), sa.JSON()
KINDS = "kind IN ('view', 'repeat', 'null', 'check', 'quiz', 'plain', 'pair')"


def upgrade() -> None:
    before = [dict(row) for row in op.get_bind().execute(sa.text("SELECT * FROM rating ORDER BY rated_at")).mappings()]
    op.drop_table("rating")
    with op.batch_alter_table("study") as study:
        study.add_column(sa.Column("design", SPEC, nullable=False, server_default="{}"))
    _who_is_asked_what()
    _what_people_say()
    _bring_over(before)


def _who_is_asked_what() -> None:
    op.create_table(
        "study_item",
        sa.Column("id", ID, nullable=False),
        sa.Column("study_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("view_id", ID),
        sa.Column("other_view_id", ID),
        sa.Column("task", SPEC),
        sa.CheckConstraint(KINDS, name=op.f("ck_study_item_kind")),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_study_item_study_id_study")),
        sa.ForeignKeyConstraint(
            ["study_id", "view_id"],
            ["study_view.study_id", "study_view.view_id"],
            name=op.f("fk_study_item_study_id_view_id_study_view"),
        ),
        sa.ForeignKeyConstraint(
            ["study_id", "other_view_id"],
            ["study_view.study_id", "study_view.view_id"],
            name=op.f("fk_study_item_study_id_other_view_id_study_view"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_study_item")),
        sa.UniqueConstraint("study_id", "number", name=op.f("uq_study_item_study_id_number")),
        sa.UniqueConstraint("study_id", "id", name=op.f("uq_study_item_study_id_id")),
    )
    op.create_table(
        "invitation",
        sa.Column("id", ID, nullable=False),
        sa.Column("study_id", ID, nullable=False),
        sa.Column("token", TOKEN, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("is_shared", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME),
        sa.Column("revoked_at", TIME),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_invitation_study_id_study")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("token", name=op.f("uq_invitation_token")),
    )
    op.create_index(op.f("ix_invitation_study_id"), "invitation", ["study_id"])
    op.create_table(
        "rater",
        sa.Column("id", ID, nullable=False),
        sa.Column("study_id", ID, nullable=False),
        sa.Column("invitation_id", ID),
        sa.Column("seat", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("token", TOKEN, nullable=False),
        sa.Column("asked", SPEC, nullable=False),
        sa.Column("literacy", SPEC),
        sa.Column("began_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_rater_study_id_study")),
        sa.ForeignKeyConstraint(["invitation_id"], ["invitation.id"], name=op.f("fk_rater_invitation_id_invitation")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rater")),
        sa.UniqueConstraint("study_id", "seat", name=op.f("uq_rater_study_id_seat")),
        sa.UniqueConstraint("study_id", "id", name=op.f("uq_rater_study_id_id")),
        sa.UniqueConstraint("token", name=op.f("uq_rater_token")),
    )
    op.create_table(
        "study_event",
        sa.Column("id", ID, nullable=False),
        sa.Column("study_id", ID, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("detail", SPEC, nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_study_event_study_id_study")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_study_event")),
    )
    op.create_index(op.f("ix_study_event_study_id"), "study_event", ["study_id"])


def _what_people_say() -> None:
    _table_of_answers(
        "rating",
        sa.Column("score", sa.Integer()),
        sa.Column("reasons", SPEC, nullable=False),
        sa.Column("comment", sa.String(), nullable=False),
        sa.Column("previs", SPEC),
        sa.CheckConstraint("score IN (1, 2, 3, 4, 5)", name=op.f("ck_rating_score")),
    )
    _table_of_answers(
        "task_answer",
        sa.Column("choice", SPEC),
        sa.Column("right", sa.Boolean(), nullable=False),
        sa.Column("chance", sa.Float(), nullable=False),
        sa.Column("confidence", sa.Integer()),
        sa.CheckConstraint("confidence IN (1, 2, 3)", name=op.f("ck_task_answer_confidence")),
    )
    _table_of_answers(
        "preference",
        sa.Column("view_id", ID),
        sa.ForeignKeyConstraint(["view_id"], ["view.id"], name=op.f("fk_preference_view_id_view")),
    )


def _table_of_answers(name: str, *own: Any) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("study_id", ID, nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("rater_id", ID, nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("corrects", sa.String(36)),
        sa.Column("rated_at", TIME, nullable=False),
        *own,
        sa.CheckConstraint("seconds >= 0", name=op.f(f"ck_{name}_seconds")),
        sa.CheckConstraint("language IN ('ja', 'en')", name=op.f(f"ck_{name}_language")),
        sa.ForeignKeyConstraint(
            ["study_id", "item_id"],
            ["study_item.study_id", "study_item.id"],
            name=op.f(f"fk_{name}_study_id_item_id_study_item"),
        ),
        sa.ForeignKeyConstraint(
            ["study_id", "rater_id"],
            ["rater.study_id", "rater.id"],
            name=op.f(f"fk_{name}_study_id_rater_id_rater"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
    op.create_index(op.f(f"ix_{name}_item_id"), name, ["item_id"])
    op.create_index(op.f(f"ix_{name}_rater_id"), name, ["rater_id"])


def _bring_over(before: list[dict[str, Any]]) -> None:
    """Every view of an old study is an item; everybody who rated sits in a seat, in the order of beginning.

    A study that was open ends: the new rating screen asks for items that it does not have.
    """
    bind = op.get_bind()
    bind.execute(sa.text("UPDATE study SET closed_at = opened_at WHERE closed_at IS NULL"))
    metadata = sa.MetaData()
    tables = {name: sa.Table(name, metadata, autoload_with=bind) for name in ("study_item", "rater", "rating")}
    places = bind.execute(sa.text("SELECT study_id, view_id, position FROM study_view")).all()
    items = {(study, view): uuid.uuid4().hex for study, view, _ in places}
    for study, view, position in places:
        row = {"id": items[study, view], "study_id": study, "number": position, "kind": "view", "view_id": view}
        bind.execute(tables["study_item"].insert().values(**row))
    raters: dict[tuple[str, str], str] = {}
    seats: dict[str, int] = {}
    for old in before:
        study, name, at = old["study_id"], old["rater"], _moment(old["rated_at"])
        if (study, name) not in raters:
            raters[study, name] = uuid.uuid4().hex
            seat = seats[study] = seats.get(study, -1) + 1
            row = {"id": raters[study, name], "study_id": study, "seat": seat, "name": name}
            row |= {"token": uuid.uuid4().hex, "asked": [], "began_at": at}
            bind.execute(tables["rater"].insert().values(**row))
        kept = {key: old[key] for key in ("id", "study_id", "score", "comment", "seconds", "language")}
        own = {"item_id": items[study, old["view_id"]], "rater_id": raters[study, name], "reasons": [], "rated_at": at}
        bind.execute(tables["rating"].insert().values(**kept, **own))


def _moment(at: Any) -> Any:
    """SQLite hands a time over as text."""
    return datetime.fromisoformat(at) if isinstance(at, str) else at
