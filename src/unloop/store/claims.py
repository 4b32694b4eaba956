"""Leases: one actor per host at a time, with owner, fence and expiry. Every write elsewhere carries the fence."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, and_, bindparam, exists, insert, or_, select, update

from unloop.model.host_run import HostRun
from unloop.model.state import CampaignState, State
from unloop.store import schema
from unloop.store.database import Database
from unloop.store.events import event_of, log_all
from unloop.store.rows import host_run_of

CLAIMABLE = (State.QUEUED, State.WAITING, State.WORKING)
_RUN = schema.host_run
_BEGIN = update(_RUN).where(_RUN.c.id == bindparam("run")).values(attempt=bindparam("number"), attempt_open=True)
_RENEW = (
    update(_RUN)
    .where(_RUN.c.id == bindparam("run"), _RUN.c.fence == bindparam("held"), _RUN.c.state == State.WORKING)
    .values(lease_until=bindparam("until"), due_at=bindparam("until"))
)


def claim(
    database: Database, *, campaign_id: str, queue: str, owner: str, limit: int, ttl: float, now: float
) -> tuple[HostRun, ...]:
    """Take up to ``limit`` due host runs: raise the fence, set the lease, and make them due again when it expires.

    A host run that is to be repaired begins its next attempt with it, written down before anything is done; one that a
    predecessor left unfinished is continued. Of a campaign that is not running only host runs with an open obligation
    are taken, so that it can be discharged; they are draining.
    """
    owed = exists().where(schema.obligation.c.host_run_id == _RUN.c.id, schema.obligation.c.discharged_at.is_(None))
    running = exists().where(schema.campaign.c.id == campaign_id, schema.campaign.c.state == CampaignState.RUNNING)
    due = and_(
        _RUN.c.campaign_id == campaign_id,
        _RUN.c.queue == queue,
        _RUN.c.due_at <= now,
        or_(and_(_RUN.c.state.in_(CLAIMABLE), running), owed),
    )
    chosen = select(_RUN.c.id).where(due).order_by(_RUN.c.due_at).limit(limit).with_for_update(skip_locked=True)
    taken = (
        update(_RUN)
        .where(_RUN.c.id.in_(chosen))
        .values(
            state=State.WORKING,
            fence=_RUN.c.fence + 1,
            owner=owner,
            lease_until=now + ttl,
            due_at=now + ttl,
            changed_at=now,
        )
        .returning(_RUN)
    )
    with database.begin() as connection:
        rows = connection.execute(taken).mappings().all()
        if not rows:
            return ()
        drains = bool(connection.execute(select(~running)).scalar_one())
        runs = tuple(replace(host_run_of(row), is_draining=drains) for row in rows)
        runs = _begin_attempts(connection, runs, now=now)
        told = {"owner": owner}
        log_all(
            connection, [event_of(run, "claimed", attempt=run.progress.attempt, now=now, data=told) for run in runs]
        )
    return runs


def renew(database: Database, leases: Sequence[tuple[int, int]], *, ttl: float, now: float) -> frozenset[int]:
    """Prolong leases given as (host run, fence); returns the host runs that are still ours."""
    if not leases:
        return frozenset()
    with database.begin() as connection:
        rows = [{"run": run_id, "held": fence, "until": now + ttl} for run_id, fence in sorted(leases)]
        connection.execute(_RENEW, rows)
        ids = [run_id for run_id, _ in leases]
        query = select(_RUN.c.id, _RUN.c.fence).where(_RUN.c.id.in_(ids), _RUN.c.state == State.WORKING)
        held: dict[int, int] = {row.id: row.fence for row in connection.execute(query)}
    return frozenset(run_id for run_id, fence in leases if held.get(run_id) == fence)


def release_dead(database: Database, is_dead: Callable[[str], bool], *, now: float) -> int:
    """Make host runs due at once whose owner is known to be dead; returns how many."""
    with database.begin() as connection:
        owners = connection.execute(select(_RUN.c.owner).where(_RUN.c.state == State.WORKING).distinct()).scalars()
        dead = [owner for owner in owners if is_dead(owner)]
        if not dead:
            return 0
        return connection.execute(
            update(_RUN)
            .where(_RUN.c.state == State.WORKING, _RUN.c.owner.in_(dead))
            .values(due_at=now, lease_until=now)
        ).rowcount


def _begin_attempts(connection: Connection, runs: Sequence[HostRun], *, now: float) -> tuple[HostRun, ...]:
    begun = tuple(run.in_next_attempt() if run.begins_attempt else run for run in runs)
    new = [run for run, before in zip(begun, runs, strict=True) if run is not before]
    if new:
        connection.execute(_BEGIN, [{"run": run.id, "number": run.progress.attempt} for run in new])
        connection.execute(insert(schema.attempt), [_attempt_row(run, now) for run in new])
    return begun


def _attempt_row(run: HostRun, now: float) -> dict[str, Any]:
    return {"host_run_id": run.id, "number": run.progress.attempt, "rung": run.progress.rung, "started_at": now}
