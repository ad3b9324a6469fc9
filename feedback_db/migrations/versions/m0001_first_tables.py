"""The first tables. There is no way down: it would delete what people said."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ID, HASH, TIME, SPEC = sa.String(32), sa.String(64), sa.DateTime(timezone=True), sa.JSON()
STATES = "state IN ('queued', 'running', 'done', 'failed', 'cancelled')"
OPEN = sa.text("closed_at IS NULL")


def upgrade() -> None:
    _what_is_looked_at()
    _what_people_said()
    _what_runs()


def _what_is_looked_at() -> None:
    op.create_table(
        "pilot",
        sa.Column("id", ID, nullable=False),
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("decision_on", sa.Date()),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("wage_per_hour", sa.Float()),
        sa.Column("machine_per_hour", sa.Float()),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.CheckConstraint("length(currency) = 3", name=op.f("ck_pilot_currency")),
        sa.CheckConstraint("wage_per_hour >= 0", name=op.f("ck_pilot_wage")),
        sa.CheckConstraint("machine_per_hour >= 0", name=op.f("ck_pilot_machine")),
        sa.CheckConstraint("round >= 1", name=op.f("ck_pilot_round")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pilot")),
    )
    op.create_table(
        "dataset",
        sa.Column("id", ID, nullable=False),
        sa.Column("pilot_id", ID, nullable=False),
        sa.Column("sha256", HASH, nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("reading", SPEC, nullable=False),
        sa.Column("n_rows", sa.Integer(), nullable=False),
        sa.Column("n_channels", sa.Integer(), nullable=False),
        sa.Column("n_series", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.CheckConstraint("n_rows >= 0 AND n_channels >= 0 AND n_series >= 0", name=op.f("ck_dataset_sizes")),
        sa.ForeignKeyConstraint(["pilot_id"], ["pilot.id"], name=op.f("fk_dataset_pilot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset")),
        sa.UniqueConstraint("pilot_id", "sha256", name=op.f("uq_dataset_pilot_id_sha256")),
    )
    op.create_table(
        "view",
        sa.Column("id", ID, nullable=False),
        sa.Column("pilot_id", ID, nullable=False),
        sa.Column("fingerprint", HASH, nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("spec", SPEC, nullable=False),
        sa.Column("loss", sa.Float()),
        sa.Column("loss_detail", SPEC),
        sa.Column("n_windows", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.CheckConstraint("loss >= 0", name=op.f("ck_view_loss")),
        sa.CheckConstraint("n_windows >= 0", name=op.f("ck_view_n_windows")),
        sa.ForeignKeyConstraint(["pilot_id"], ["pilot.id"], name=op.f("fk_view_pilot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_view")),
        sa.UniqueConstraint("pilot_id", "fingerprint", name=op.f("uq_view_pilot_id_fingerprint")),
        sa.UniqueConstraint("pilot_id", "number", name=op.f("uq_view_pilot_id_number")),
    )


def _what_people_said() -> None:
    op.create_table(
        "study",
        sa.Column("id", ID, nullable=False),
        sa.Column("pilot_id", ID, nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("closed_at", TIME),
        sa.ForeignKeyConstraint(["pilot_id"], ["pilot.id"], name=op.f("fk_study_pilot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_study")),
    )
    op.create_index("ix_study_open", "study", ["pilot_id"], unique=True, sqlite_where=OPEN, postgresql_where=OPEN)
    op.create_table(
        "study_view",
        sa.Column("study_id", ID, nullable=False),
        sa.Column("view_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_study_view_study_id")),
        sa.ForeignKeyConstraint(["view_id"], ["view.id"], name=op.f("fk_study_view_view_id")),
        sa.PrimaryKeyConstraint("study_id", "view_id", name=op.f("pk_study_view")),
        sa.UniqueConstraint("study_id", "position", name=op.f("uq_study_view_study_id_position")),
    )
    op.create_table(
        "rating",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("study_id", ID, nullable=False),
        sa.Column("view_id", ID, nullable=False),
        sa.Column("rater", sa.String(), nullable=False),
        sa.Column("score", sa.Integer()),
        sa.Column("comment", sa.String(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("rated_at", TIME, nullable=False),
        sa.CheckConstraint("score IN (1, 2, 3, 4, 5)", name=op.f("ck_rating_score")),
        sa.CheckConstraint("seconds >= 0", name=op.f("ck_rating_seconds")),
        sa.CheckConstraint("language IN ('ja', 'en')", name=op.f("ck_rating_language")),
        sa.ForeignKeyConstraint(
            ["study_id", "view_id"],
            ["study_view.study_id", "study_view.view_id"],
            name=op.f("fk_rating_study_id_view_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating")),
    )
    op.create_index(op.f("ix_rating_study_id_rater"), "rating", ["study_id", "rater"])
    op.create_index(op.f("ix_rating_view_id"), "rating", ["view_id"])


def _what_runs() -> None:
    op.create_table(
        "run",
        sa.Column("id", ID, nullable=False),
        sa.Column("pilot_id", ID, nullable=False),
        sa.Column("spec", SPEC, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("losses", SPEC, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("ended_at", TIME),
        sa.CheckConstraint(STATES, name=op.f("ck_run_state")),
        sa.ForeignKeyConstraint(["pilot_id"], ["pilot.id"], name=op.f("fk_run_pilot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
    )
    op.create_table(
        "job",
        sa.Column("fingerprint", HASH, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("spec", SPEC, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("heartbeat_at", TIME),
        sa.Column("error", SPEC),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("ended_at", TIME),
        sa.CheckConstraint(STATES, name=op.f("ck_job_state")),
        sa.CheckConstraint("attempt >= 1", name=op.f("ck_job_attempt")),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_job")),
    )
