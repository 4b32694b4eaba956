"""The tables: campaigns, host runs, attempts, windows, effects, obligations, events, evidence, accounts.

Times are seconds since the epoch in UTC, so that SQLite and PostgreSQL compare them alike.
"""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from unloop.store.text import HostText

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

campaign = Table(
    "campaign",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("playbook_path", Text, nullable=False),
    Column("playbook", Text, nullable=False),
    Column("playbook_digest", String(64), nullable=False),
    Column("variables", JSON, nullable=False),
    Column("selection", Text, nullable=False),
    Column("inventory", Text, nullable=False),
    Column("targets", Integer, nullable=False),
    Column("targets_digest", String(64), nullable=False),
    Column("options", JSON, nullable=False),
    Column("wave", Integer, nullable=False, default=0),
    Column("waves", Integer, nullable=False, default=1),
    Column("operator", String(200), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("ended_at", Float),
)

host_run = Table(
    "host_run",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("campaign_id", String(32), ForeignKey("campaign.id"), nullable=False),
    Column("name", String(255), nullable=False),
    Column("host", JSON, nullable=False),
    Column("site", String(100), nullable=False, default=""),
    Column("rack", String(100), nullable=False, default=""),
    Column("power_domain", String(100), nullable=False, default=""),
    Column("queue", String(100), nullable=False),
    Column("wave", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("outcome", String(16)),
    Column("cause", HostText, nullable=False, default=""),
    Column("hold", HostText, nullable=False, default=""),
    Column("due_at", Float),
    Column("fence", Integer, nullable=False, default=0),
    Column("owner", String(200), nullable=False, default=""),
    Column("lease_until", Float, nullable=False, default=0.0),
    Column("rung", String(16), nullable=False),
    Column("stage", String(16), nullable=False),
    Column("attempt", Integer, nullable=False, default=0),
    Column("attempt_open", Boolean, nullable=False, default=False),
    Column("rung_attempts", Integer, nullable=False, default=0),
    Column("rung_since", Float),
    Column("broken_evidence", HostText, nullable=False, default=""),
    Column("silent_boots", Integer, nullable=False, default=0),
    Column("refused_channels", String(200), nullable=False, default=""),
    Column("slow_channels", String(200), nullable=False, default=""),
    Column("landed_at", Float),
    Column("landed_via", String(32), nullable=False, default=""),
    Column("landed_boot", HostText(200)),
    Column("landed_boot_source", String(64)),
    Column("gone_at", Float),
    Column("proof_boot", HostText(200)),
    Column("proof_boot_source", String(64)),
    Column("proof_since", Float),
    Column("verify_until", Float),
    Column("restarts", Integer, nullable=False, default=0),
    Column("ending", String(16), nullable=False, default=""),
    Column("note", HostText, nullable=False, default=""),
    Column("changed_at", Float, nullable=False),
    UniqueConstraint("campaign_id", "name"),
    Index("ix_host_run_due", "campaign_id", "queue", "due_at"),
    Index("ix_host_run_name", "name"),
)

attempt = Table(
    "attempt",
    metadata,
    Column("host_run_id", Integer, ForeignKey("host_run.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("rung", String(16), nullable=False),
    Column("started_at", Float, nullable=False),
    Column("ended_at", Float),
    Column("result", String(16)),
    Column("detail", HostText, nullable=False, default=""),
)

window = Table(
    "window",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("host_run_id", Integer, ForeignKey("host_run.id"), nullable=False, index=True),
    Column("attempt", Integer, nullable=False),
    Column("opened_at", Float, nullable=False),
    Column("opened_after", Float, nullable=False),
    Column("closed_after", Float),
    Column("struck_after", Float),
    Column("channel", String(32), nullable=False),
    Column("caught", Boolean, nullable=False),
    Column("first_ports", JSON, nullable=False),
    Column("lag", Float),
    Column("strikes", JSON, nullable=False, default=list),
)

effect = Table(
    "effect",
    metadata,
    Column("host_run_id", Integer, ForeignKey("host_run.id"), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("fence", Integer, nullable=False),
    Column("at", Float, nullable=False, index=True),
)

obligation = Table(
    "obligation",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("host_run_id", Integer, ForeignKey("host_run.id"), nullable=False, index=True),
    Column("kind", String(32), nullable=False),
    Column("detail", JSON, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("discharged_at", Float),
    Index("ix_obligation_open", "discharged_at", "kind"),
)

event = Table(
    "event",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("campaign_id", String(32), ForeignKey("campaign.id"), nullable=False, index=True),
    Column("host_run_id", Integer, ForeignKey("host_run.id"), index=True),
    Column("at", Float, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("fence", Integer),
    Column("attempt", Integer),
    Column("data", JSON, nullable=False),
)

evidence = Table(
    "evidence",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("host_run_id", Integer, ForeignKey("host_run.id"), nullable=False, index=True),
    Column("attempt", Integer, nullable=False),
    Column("at", Float, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("channel", String(32), nullable=False, default=""),
    Column("data", JSON, nullable=False),
)

account = Table(
    "account",
    metadata,
    Column("name", String(400), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("owner", String(200), nullable=False, default=""),
    Column("busy_until", Float, nullable=False, default=0.0),
    Column("undecided", Integer, nullable=False, default=0),
    Column("undecided_since", Float),
    Column("detail", HostText, nullable=False, default=""),
)
