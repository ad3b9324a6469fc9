"""Datasets know which files look like them, and pilots keep recipes."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

ID, HASH, TIME = sa.String(32), sa.String(64), sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("dataset") as dataset:
        dataset.add_column(sa.Column("look", HASH, nullable=False, server_default=""))
        dataset.add_column(sa.Column("corrected", sa.Boolean(), nullable=False, server_default=sa.false()))
        dataset.add_column(sa.Column("read_like", sa.String(), nullable=False, server_default=""))
    op.create_index(op.f("ix_dataset_look"), "dataset", ["look"])
    op.create_table(
        "recipe",
        sa.Column("id", ID, nullable=False),
        sa.Column("pilot_id", ID, nullable=False),
        sa.Column("fingerprint", HASH, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["pilot_id"], ["pilot.id"], name=op.f("fk_recipe_pilot_id_pilot")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recipe")),
        sa.UniqueConstraint("pilot_id", "fingerprint", name=op.f("uq_recipe_pilot_id_fingerprint")),
    )
