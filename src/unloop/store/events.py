"""The event log: append-only rows, one for each thing that happened to a host run or a campaign."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert

from unloop.model.host_run import HostRun
from unloop.store import schema

_INSERT = insert(schema.event)


def event_of(
    run: HostRun, kind: str, *, attempt: int, now: float, data: Mapping[str, object] | None = None
) -> dict[str, Any]:
    """The row of something that happened to a host run."""
    return {
        "campaign_id": run.campaign,
        "host_run_id": run.id,
        "at": now,
        "kind": kind,
        "fence": run.fence,
        "attempt": attempt,
        "data": dict(data or {}),
    }


def log_all(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append rows."""
    if rows:
        connection.execute(_INSERT, list(rows))
