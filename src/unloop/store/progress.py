"""Saving what a visit came to: one conditional UPDATE under the fence, with its events, attempt, window and evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, insert, select, update

from unloop.errors import LeaseLost
from unloop.model.attempt import AttemptResult, Window
from unloop.model.host_run import End, HostRun, Progress, Rung, Step, Wait
from unloop.model.outcome import Outcome
from unloop.model.state import CampaignState, Event, State, after
from unloop.store import schema
from unloop.store.database import Database
from unloop.store.rows import progress_columns


@dataclass(frozen=True, slots=True)
class Finding:
    """One piece of evidence: its kind, the channel that gave it, and the data (JSON types)."""

    kind: str
    data: Mapping[str, Any]
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """Everything that one visit leaves behind besides its step."""

    attempt_result: AttemptResult | None = None
    attempt_detail: str = ""
    windows: tuple[Window, ...] = ()
    findings: tuple[Finding, ...] = field(default=())


def start_attempt(database: Database, run: HostRun, number: int, rung: Rung, *, now: float) -> None:
    """Write an attempt down before it begins; a repeated call for the same number changes nothing. Raises LeaseLost."""
    with database.begin() as connection:
        _demand_lease(connection, run)
        table = schema.attempt
        known = select(table.c.number).where(table.c.host_run_id == run.id, table.c.number == number)
        if connection.execute(known).first() is None:
            row = {"host_run_id": run.id, "number": number, "rung": rung, "started_at": now}
            connection.execute(insert(table), row)
            columns = {"attempt": number, "changed_at": now}
            connection.execute(update(schema.host_run).where(schema.host_run.c.id == run.id).values(**columns))


def open_attempt(database: Database, run_id: int) -> tuple[int, float] | None:
    """The number and start of an attempt that was begun and never ended, or None."""
    table = schema.attempt
    query = select(table.c.number, table.c.started_at).where(table.c.host_run_id == run_id, table.c.ended_at.is_(None))
    with database.read() as connection:
        row = connection.execute(query.order_by(table.c.number.desc())).first()
    return None if row is None else (row[0], row[1])


def save(database: Database, run: HostRun, step: Step, visit: Visit, *, now: float) -> None:
    """Fold a visit into the store and give the lease back. Raises LeaseLost when the fence is not ours any more."""
    with database.begin() as connection:
        _demand_lease(connection, run)
        state, columns = _next(connection, run, step.then, now=now)
        connection.execute(
            update(schema.host_run)
            .where(schema.host_run.c.id == run.id, schema.host_run.c.fence == run.fence)
            .values(
                state=state, owner="", lease_until=0.0, changed_at=now, **columns, **progress_columns(step.progress)
            )
        )
        if visit.attempt_result is not None:
            table = schema.attempt
            connection.execute(
                update(table)
                .where(table.c.host_run_id == run.id, table.c.number == step.progress.attempt)
                .values(ended_at=now, result=visit.attempt_result, detail=visit.attempt_detail)
            )
        _insert_windows(connection, run, step.progress, visit.windows)
        _insert_findings(connection, run, step.progress, visit.findings, now=now)
        data = {"state": state, "rung": step.progress.rung, **step.detail}
        if isinstance(step.then, End):
            data |= {"outcome": step.then.outcome, "cause": step.then.cause}
        log(connection, run, step.event, attempt=step.progress.attempt, data=data, now=now)


def log(
    connection: Connection, run: HostRun, kind: str, *, attempt: int, data: Mapping[str, object], now: float
) -> None:
    """Append to the event log."""
    row = {
        "campaign_id": run.campaign,
        "host_run_id": run.id,
        "at": now,
        "kind": kind,
        "fence": run.fence,
        "attempt": attempt,
        "data": dict(data),
    }
    connection.execute(insert(schema.event), row)


def _demand_lease(connection: Connection, run: HostRun) -> None:
    table = schema.host_run
    query = select(table.c.state).where(table.c.id == run.id, table.c.fence == run.fence).with_for_update()
    if connection.execute(query).scalar() != State.WORKING:
        raise LeaseLost(f"{run.host.name}: another worker took over")


def _next(connection: Connection, run: HostRun, then: Wait | End, *, now: float) -> tuple[State, dict[str, Any]]:
    table = schema.host_run
    query = select(table.c.hold, schema.campaign.c.state).join(schema.campaign, schema.campaign.c.id == run.campaign)
    hold, campaign_state = connection.execute(query.where(table.c.id == run.id)).one()
    if isinstance(then, End):
        ended = {"outcome": then.outcome, "cause": then.cause, "due_at": None}
        return after(State.WORKING, Event.END), ended
    if campaign_state == CampaignState.ABORTED and not _owes(connection, run.id):
        cancelled = {"outcome": Outcome.CANCELLED, "cause": "the campaign was aborted", "due_at": None}
        return after(State.WORKING, Event.END), cancelled
    if hold:
        return after(State.WORKING, Event.HOLD), {"due_at": None}
    return after(State.WORKING, Event.WAIT), {"due_at": now + then.seconds}


def _owes(connection: Connection, run_id: int) -> bool:
    table = schema.obligation
    query = select(table.c.id).where(table.c.host_run_id == run_id, table.c.discharged_at.is_(None)).limit(1)
    return connection.execute(query).first() is not None


def _insert_windows(connection: Connection, run: HostRun, progress: Progress, windows: Sequence[Window]) -> None:
    rows = [
        {
            "host_run_id": run.id,
            "attempt": progress.attempt,
            "opened_at": window.opened_at.timestamp(),
            "opened_after": window.opened_after,
            "closed_after": window.closed_after,
            "struck_after": window.struck_after,
            "channel": window.channel,
            "caught": window.caught,
            "first_ports": window.first_ports,
        }
        for window in windows
    ]
    if rows:
        connection.execute(insert(schema.window), rows)


def _insert_findings(
    connection: Connection, run: HostRun, progress: Progress, findings: Sequence[Finding], *, now: float
) -> None:
    rows = [
        {
            "host_run_id": run.id,
            "attempt": progress.attempt,
            "at": now,
            "kind": finding.kind,
            "channel": finding.channel,
            "data": dict(finding.data),
        }
        for finding in findings
    ]
    if rows:
        connection.execute(insert(schema.evidence), rows)
