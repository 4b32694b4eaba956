"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "account",
        sa.Column("name", sa.String(length=400), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("owner", sa.String(length=200), nullable=False),
        sa.Column("busy_until", sa.Float(), nullable=False),
        sa.Column("undecided", sa.Integer(), nullable=False),
        sa.Column("undecided_since", sa.Float(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_account")),
    )
    op.create_table(
        "campaign",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("playbook_path", sa.Text(), nullable=False),
        sa.Column("playbook", sa.Text(), nullable=False),
        sa.Column("playbook_digest", sa.String(length=64), nullable=False),
        sa.Column("variables", sa.JSON(), nullable=False),
        sa.Column("selection", sa.Text(), nullable=False),
        sa.Column("inventory", sa.Text(), nullable=False),
        sa.Column("targets", sa.Integer(), nullable=False),
        sa.Column("targets_digest", sa.String(length=64), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("wave", sa.Integer(), nullable=False),
        sa.Column("waves", sa.Integer(), nullable=False),
        sa.Column("operator", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
    )
    op.create_table(
        "host_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("host", sa.JSON(), nullable=False),
        sa.Column("site", sa.String(length=100), nullable=False),
        sa.Column("rack", sa.String(length=100), nullable=False),
        sa.Column("power_domain", sa.String(length=100), nullable=False),
        sa.Column("queue", sa.String(length=100), nullable=False),
        sa.Column("wave", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("hold", sa.Text(), nullable=False),
        sa.Column("due_at", sa.Float(), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(length=200), nullable=False),
        sa.Column("lease_until", sa.Float(), nullable=False),
        sa.Column("rung", sa.String(length=16), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("attempt_open", sa.Boolean(), nullable=False),
        sa.Column("rung_attempts", sa.Integer(), nullable=False),
        sa.Column("rung_since", sa.Float(), nullable=True),
        sa.Column("broken_evidence", sa.Text(), nullable=False),
        sa.Column("silent_boots", sa.Integer(), nullable=False),
        sa.Column("refused_channels", sa.String(length=200), nullable=False),
        sa.Column("slow_channels", sa.String(length=200), nullable=False),
        sa.Column("landed_at", sa.Float(), nullable=True),
        sa.Column("landed_via", sa.String(length=32), nullable=False),
        sa.Column("landed_boot", sa.String(length=200), nullable=True),
        sa.Column("landed_boot_source", sa.String(length=64), nullable=True),
        sa.Column("gone_at", sa.Float(), nullable=True),
        sa.Column("proof_boot", sa.String(length=200), nullable=True),
        sa.Column("proof_boot_source", sa.String(length=64), nullable=True),
        sa.Column("proof_since", sa.Float(), nullable=True),
        sa.Column("verify_until", sa.Float(), nullable=True),
        sa.Column("restarts", sa.Integer(), nullable=False),
        sa.Column("ending", sa.String(length=16), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_host_run_campaign_id_campaign")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_host_run")),
        sa.UniqueConstraint("campaign_id", "name", name=op.f("uq_host_run_campaign_id_name")),
    )
    with op.batch_alter_table("host_run", schema=None) as batch_op:
        batch_op.create_index("ix_host_run_due", ["campaign_id", "queue", "due_at"], unique=False)
        batch_op.create_index("ix_host_run_name", ["name"], unique=False)

    op.create_table(
        "attempt",
        sa.Column("host_run_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("rung", sa.String(length=16), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=False),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.Column("result", sa.String(length=16), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["host_run_id"], ["host_run.id"], name=op.f("fk_attempt_host_run_id_host_run")),
        sa.PrimaryKeyConstraint("host_run_id", "number", name=op.f("pk_attempt")),
    )
    op.create_table(
        "effect",
        sa.Column("host_run_id", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["host_run_id"], ["host_run.id"], name=op.f("fk_effect_host_run_id_host_run")),
        sa.PrimaryKeyConstraint("host_run_id", "attempt", "kind", name=op.f("pk_effect")),
    )
    with op.batch_alter_table("effect", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_effect_at"), ["at"], unique=False)

    op.create_table(
        "event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.String(length=32), nullable=False),
        sa.Column("host_run_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_event_campaign_id_campaign")),
        sa.ForeignKeyConstraint(["host_run_id"], ["host_run.id"], name=op.f("fk_event_host_run_id_host_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_event_campaign_id"), ["campaign_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_event_host_run_id"), ["host_run_id"], unique=False)

    op.create_table(
        "evidence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("host_run_id", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["host_run_id"], ["host_run.id"], name=op.f("fk_evidence_host_run_id_host_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence")),
    )
    with op.batch_alter_table("evidence", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_evidence_host_run_id"), ["host_run_id"], unique=False)

    op.create_table(
        "obligation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("host_run_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("discharged_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["host_run_id"], ["host_run.id"], name=op.f("fk_obligation_host_run_id_host_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_obligation")),
    )
    with op.batch_alter_table("obligation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_obligation_host_run_id"), ["host_run_id"], unique=False)
        batch_op.create_index("ix_obligation_open", ["discharged_at", "kind"], unique=False)

    op.create_table(
        "window",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("host_run_id", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.Float(), nullable=False),
        sa.Column("opened_after", sa.Float(), nullable=False),
        sa.Column("closed_after", sa.Float(), nullable=True),
        sa.Column("struck_after", sa.Float(), nullable=True),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("caught", sa.Boolean(), nullable=False),
        sa.Column("first_ports", sa.JSON(), nullable=False),
        sa.Column("lag", sa.Float(), nullable=True),
        sa.Column("strikes", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["host_run_id"], ["host_run.id"], name=op.f("fk_window_host_run_id_host_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_window")),
    )
    with op.batch_alter_table("window", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_window_host_run_id"), ["host_run_id"], unique=False)


def downgrade() -> None:
    """Take the schema back to the revision before."""
    with op.batch_alter_table("window", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_window_host_run_id"))

    op.drop_table("window")
    with op.batch_alter_table("obligation", schema=None) as batch_op:
        batch_op.drop_index("ix_obligation_open")
        batch_op.drop_index(batch_op.f("ix_obligation_host_run_id"))

    op.drop_table("obligation")
    with op.batch_alter_table("evidence", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_evidence_host_run_id"))

    op.drop_table("evidence")
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_event_host_run_id"))
        batch_op.drop_index(batch_op.f("ix_event_campaign_id"))

    op.drop_table("event")
    with op.batch_alter_table("effect", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_effect_at"))

    op.drop_table("effect")
    op.drop_table("attempt")
    with op.batch_alter_table("host_run", schema=None) as batch_op:
        batch_op.drop_index("ix_host_run_name")
        batch_op.drop_index("ix_host_run_due")

    op.drop_table("host_run")
    op.drop_table("campaign")
    op.drop_table("account")
