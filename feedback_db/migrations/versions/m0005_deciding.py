"""What a decision rests on: numbers that people assume, and a ledger of what was settled."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

ID, HASH, TIME = sa.String(32), sa.String(64), sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "assumption",
        sa.Column("id", ID, nullable=False),
        sa.Column("pilot_id", ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("low", sa.Float(), nullable=False),
        sa.Column("likely", sa.Float(), nullable=False),
        sa.Column("high", sa.Float(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("set_at", TIME, nullable=False),
        sa.CheckConstraint("low <= likely AND likely <= high", name=op.f("ck_assumption_order")),
        sa.ForeignKeyConstraint(["pilot_id"], ["pilot.id"], name=op.f("fk_assumption_pilot_id_pilot")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assumption")),
    )
    op.create_index(op.f("ix_assumption_pilot_id"), "assumption", ["pilot_id"])
    op.create_table(
        "ledger",
        sa.Column("id", ID, nullable=False),
        sa.Column("pilot_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("before", HASH, nullable=False),
        sa.Column("hash", HASH, nullable=False),
        sa.ForeignKeyConstraint(["pilot_id"], ["pilot.id"], name=op.f("fk_ledger_pilot_id_pilot")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger")),
        sa.UniqueConstraint("pilot_id", "number", name=op.f("uq_ledger_pilot_id_number")),
    )
