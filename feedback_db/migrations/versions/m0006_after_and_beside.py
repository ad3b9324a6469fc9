"""What a report tells beside the numbers: expectations, misreadings, hours on screens, and new data on old maps."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

ID, HASH, TIME = sa.String(32), sa.String(64), sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("view") as view:
        view.add_column(sa.Column("why", sa.String(), nullable=False, server_default=""))
        view.add_column(sa.Column("expects", sa.JSON(), nullable=True))
    with op.batch_alter_table("job") as job:
        job.add_column(sa.Column("began_at", TIME, nullable=True))
    op.create_table(
        "misreading",
        sa.Column("id", ID, nullable=False),
        sa.Column("pilot_id", ID, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("cost", sa.String(), nullable=False),
        sa.Column("guard", sa.String(), nullable=False),
        sa.Column("is_gone", sa.Boolean(), nullable=False),
        sa.Column("set_at", TIME, nullable=False),
        sa.CheckConstraint("cost IN ('small', 'middling', 'large')", name=op.f("ck_misreading_cost")),
        sa.ForeignKeyConstraint(["pilot_id"], ["pilot.id"], name=op.f("fk_misreading_pilot_id_pilot")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_misreading")),
    )
    op.create_index(op.f("ix_misreading_pilot_id"), "misreading", ["pilot_id"])
    op.create_table(
        "placement",
        sa.Column("id", ID, nullable=False),
        sa.Column("view_id", ID, nullable=False),
        sa.Column("fingerprint", HASH, nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["view_id"], ["view.id"], name=op.f("fk_placement_view_id_view")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_placement")),
        sa.UniqueConstraint("view_id", "fingerprint", name=op.f("uq_placement_view_id_fingerprint")),
    )
    op.create_table(
        "visit",
        sa.Column("id", ID, nullable=False),
        sa.Column("pilot_id", ID, nullable=False),
        sa.Column("screen", sa.String(), nullable=False),
        sa.Column("began_at", TIME, nullable=False),
        sa.Column("last_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["pilot_id"], ["pilot.id"], name=op.f("fk_visit_pilot_id_pilot")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit")),
    )
    op.create_index(op.f("ix_visit_pilot_id"), "visit", ["pilot_id"])
