"""A run is known by what it makes; its state is its job's, its losses lie with the model that came of it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.drop_table("run")  # no version before this one wrote to it
    op.create_table(
        "run",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("pilot_id", sa.String(32), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["pilot_id"], ["pilot.id"], name=op.f("fk_run_pilot_id_pilot")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
        sa.UniqueConstraint("pilot_id", "fingerprint", name=op.f("uq_run_pilot_id_fingerprint")),
        sa.UniqueConstraint("pilot_id", "number", name=op.f("uq_run_pilot_id_number")),
    )
