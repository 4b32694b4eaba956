"""Saving what visits came to, under their fences: state, events, attempt, windows and evidence together, or nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from unloop.errors import LeaseLost
from unloop.model.attempt import AttemptResult, Window
from unloop.model.host_run import End, HostRun, Progress, Step, Wait, queue_of
from unloop.model.outcome import Outcome
from unloop.model.state import CampaignState, Event, State, after
from unloop.store import schema
from unloop.store.database import Database
from unloop.store.events import event_of, log_all
from unloop.store.rows import PROGRESS_COLUMNS, Lease, leases_of, progress_columns


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


@dataclass(frozen=True, slots=True)
class Kept:
    """What a visit knows already while it goes on: where the host run stands by now, and the evidence for it."""

    run: HostRun
    progress: Progress
    event: str
    attempt_result: AttemptResult
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Saved:
    """One visit to be saved: the host run as it was claimed, what was decided, and what is left behind."""

    run: HostRun
    step: Step
    visit: Visit = field(default_factory=Visit)


_RUN, _ATTEMPT, _OBLIGATION = schema.host_run, schema.attempt, schema.obligation
_MOVED = ("queue", "state", "owner", "lease_until", "changed_at", "outcome", "cause", "due_at", "attempt_open")
_UPDATE = (
    update(_RUN)
    .where(_RUN.c.id == bindparam("run"), _RUN.c.fence == bindparam("held"))
    .values(**{name: bindparam(name) for name in (*_MOVED, *PROGRESS_COLUMNS)})
)


def save(database: Database, run: HostRun, step: Step, visit: Visit, *, now: float) -> None:
    """Fold a visit into the store and give the lease back. Raises LeaseLost when the fence is not ours any more."""
    if run.id in save_all(database, [Saved(run, step, visit)], now=now):
        raise LeaseLost(f"{run.host.name}: another worker took over")


def save_all(database: Database, saved: Sequence[Saved], *, now: float) -> frozenset[int]:
    """The same for many visits in one transaction; the host runs whose lease was lost, of which nothing is saved."""
    with database.begin() as connection:
        leases = leases_of(connection, sorted({item.run.id for item in saved}))
        kept = [item for item in saved if (lease := leases.get(item.run.id)) and lease.is_held(item.run.fence)]
        owing = _owing(connection, [item.run.id for item in kept if leases[item.run.id].stops])
        moved = [_moved(item, leases[item.run.id], owes=item.run.id in owing, now=now) for item in kept]
        if kept:
            connection.execute(_UPDATE, moved)
        _end_attempts(connection, kept, now=now)
        _insert_windows(connection, kept)
        _insert_findings(connection, kept, now=now)
        log_all(connection, [_event(item, row["state"], now=now) for item, row in zip(kept, moved, strict=True)])
    return frozenset(item.run.id for item in saved) - {item.run.id for item in kept}


_KEEP = (
    update(_RUN)
    .where(_RUN.c.id == bindparam("run"), _RUN.c.fence == bindparam("held"))
    .values(**{name: bindparam(name) for name in ("queue", "attempt_open", *PROGRESS_COLUMNS)})
)


def keep_all(database: Database, kept: Sequence[Kept], *, now: float) -> frozenset[int]:
    """Write down what visits know while they go on, their leases kept; the host runs whose lease was lost.

    A worker that dies after this leaves a host run that is known to be repaired, and only has to be proven.
    """
    with database.begin() as connection:
        leases = leases_of(connection, sorted({item.run.id for item in kept}))
        held = [item for item in kept if (lease := leases.get(item.run.id)) and lease.is_held(item.run.fence)]
        if held:
            connection.execute(_KEEP, [_kept_columns(item) for item in held])
        as_saved = [
            Saved(
                item.run, Step(item.progress, Wait(0.0), item.event), Visit(item.attempt_result, findings=item.findings)
            )
            for item in held
        ]
        _end_attempts(connection, as_saved, now=now)
        _insert_findings(connection, as_saved, now=now)
        log_all(connection, [event_of(item.run, item.event, attempt=item.progress.attempt, now=now) for item in held])
    return frozenset(item.run.id for item in kept) - {item.run.id for item in held}


def _kept_columns(item: Kept) -> dict[str, Any]:
    placed = {"run": item.run.id, "held": item.run.fence, "queue": queue_of(item.progress), "attempt_open": False}
    return {**placed, **progress_columns(item.progress)}


def _moved(item: Saved, lease: Lease, *, owes: bool, now: float) -> dict[str, Any]:
    return {
        "run": item.run.id,
        "held": item.run.fence,
        "owner": "",
        "queue": queue_of(item.step.progress),
        "lease_until": 0.0,
        "changed_at": now,
        "attempt_open": item.run.is_attempt_open and item.visit.attempt_result is None,
        **_next(item, lease, owes=owes, now=now),
        **progress_columns(item.step.progress),
    }


def _next(item: Saved, lease: Lease, *, owes: bool, now: float) -> dict[str, Any]:
    """The state that follows, with outcome, cause and due time."""
    then, nothing = item.step.then, {"outcome": None, "cause": "", "due_at": None}
    if isinstance(then, End):
        return {"state": after(State.WORKING, Event.END), "outcome": then.outcome, "cause": then.cause, "due_at": None}
    if lease.campaign_state is CampaignState.ABORTED and not owes:
        cancelled = {"outcome": Outcome.CANCELLED, "cause": "the campaign was aborted", "due_at": None}
        return {"state": after(State.WORKING, Event.END), **cancelled}
    due = {"due_at": now + then.seconds}
    if lease.hold:
        return {"state": after(State.WORKING, Event.HOLD), **nothing, **(due if owes else {})}
    return {"state": after(State.WORKING, Event.WAIT), **nothing, **due}


def _owing(connection: Connection, run_ids: Sequence[int]) -> frozenset[int]:
    if not run_ids:
        return frozenset()
    query = select(_OBLIGATION.c.host_run_id).where(
        _OBLIGATION.c.host_run_id.in_(run_ids), _OBLIGATION.c.discharged_at.is_(None)
    )
    return frozenset(connection.execute(query).scalars())


def _event(item: Saved, state: State, *, now: float) -> dict[str, Any]:
    step = item.step
    data: dict[str, object] = {"state": state, "rung": step.progress.rung, **step.detail}
    if isinstance(step.then, End):
        data |= {"outcome": step.then.outcome, "cause": step.then.cause}
    return event_of(item.run, step.event, attempt=step.progress.attempt, now=now, data=data)


_END_ATTEMPT = (
    update(_ATTEMPT)
    .where(_ATTEMPT.c.host_run_id == bindparam("run"), _ATTEMPT.c.number == bindparam("of_attempt"))
    .values(ended_at=bindparam("now"), result=bindparam("came_to"), detail=bindparam("told"))
)


def _end_attempts(connection: Connection, saved: Sequence[Saved], *, now: float) -> None:
    rows = [
        {
            "run": item.run.id,
            "of_attempt": item.step.progress.attempt,
            "now": now,
            "came_to": item.visit.attempt_result,
            "told": item.visit.attempt_detail,
        }
        for item in saved
        if item.visit.attempt_result is not None
    ]
    if rows:
        connection.execute(_END_ATTEMPT, rows)


def _insert_windows(connection: Connection, saved: Sequence[Saved]) -> None:
    rows = [
        {
            "host_run_id": item.run.id,
            "attempt": item.step.progress.attempt,
            "opened_at": window.opened_at.timestamp(),
            "opened_after": window.opened_after,
            "closed_after": window.closed_after,
            "struck_after": window.struck_after,
            "channel": window.channel,
            "caught": window.caught,
            "first_ports": window.first_ports,
            "lag": window.lag,
            "strikes": [strike.to_json() for strike in window.strikes],
        }
        for item in saved
        for window in item.visit.windows
    ]
    if rows:
        connection.execute(insert(schema.window), rows)


def _insert_findings(connection: Connection, saved: Sequence[Saved], *, now: float) -> None:
    rows = [
        {
            "host_run_id": item.run.id,
            "attempt": item.step.progress.attempt,
            "at": now,
            "kind": finding.kind,
            "channel": finding.channel,
            "data": dict(finding.data),
        }
        for item in saved
        for finding in item.visit.findings
    ]
    if rows:
        connection.execute(insert(schema.evidence), rows)
