"""Leases: one actor per host at a time, with owner, fence and expiry. Every write elsewhere carries the fence."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlalchemy import RowMapping, and_, exists, insert, or_, select, update

from unloop.model.host_run import HostRun
from unloop.model.state import CampaignState, State
from unloop.store import schema
from unloop.store.database import Database
from unloop.store.rows import host_run_of

CLAIMABLE = (State.QUEUED, State.WAITING, State.WORKING)


def claim(
    database: Database, *, campaign_id: str, queue: str, owner: str, limit: int, ttl: float, now: float
) -> tuple[HostRun, ...]:
    """Take up to ``limit`` due host runs: raise the fence, set the lease, and make them due again when it expires.

    Of a campaign that is not running only host runs with an open obligation are taken, so that it can be discharged;
    they are draining.
    """
    table = schema.host_run
    owed = exists().where(schema.obligation.c.host_run_id == table.c.id, schema.obligation.c.discharged_at.is_(None))
    running = exists().where(schema.campaign.c.id == campaign_id, schema.campaign.c.state == CampaignState.RUNNING)
    due = and_(
        table.c.campaign_id == campaign_id,
        table.c.queue == queue,
        table.c.due_at <= now,
        or_(and_(table.c.state.in_(CLAIMABLE), running), owed),
    )
    chosen = select(table.c.id).where(due).order_by(table.c.due_at).limit(limit).with_for_update(skip_locked=True)
    taken = (
        update(table)
        .where(table.c.id.in_(chosen))
        .values(
            state=State.WORKING,
            fence=table.c.fence + 1,
            owner=owner,
            lease_until=now + ttl,
            due_at=now + ttl,
            changed_at=now,
        )
        .returning(table)
    )
    with database.begin() as connection:
        rows: Sequence[RowMapping] = connection.execute(taken).mappings().all()
        drains = bool(rows) and connection.execute(select(~running)).scalar_one()
        runs = tuple(replace(host_run_of(row), is_draining=bool(drains)) for row in rows)
        events = [
            {
                "campaign_id": run.campaign,
                "host_run_id": run.id,
                "at": now,
                "kind": "claimed",
                "fence": run.fence,
                "attempt": run.progress.attempt,
                "data": {"owner": owner},
            }
            for run in runs
        ]
        if events:
            connection.execute(insert(schema.event), events)
    return runs


def renew(database: Database, leases: Sequence[tuple[int, int]], *, ttl: float, now: float) -> frozenset[int]:
    """Prolong leases given as (host run, fence); returns the host runs that are still ours."""
    table = schema.host_run
    ours: set[int] = set()
    with database.begin() as connection:
        for run_id, fence in sorted(leases):
            renewed = connection.execute(
                update(table)
                .where(table.c.id == run_id, table.c.fence == fence, table.c.state == State.WORKING)
                .values(lease_until=now + ttl, due_at=now + ttl)
            ).rowcount
            if renewed:
                ours.add(run_id)
    return frozenset(ours)


def release_dead(database: Database, is_dead: Callable[[str], bool], *, now: float) -> int:
    """Make host runs due at once whose owner is known to be dead; returns how many."""
    table = schema.host_run
    with database.begin() as connection:
        owners = connection.execute(select(table.c.owner).where(table.c.state == State.WORKING).distinct()).scalars()
        dead = [owner for owner in owners if is_dead(owner)]
        if not dead:
            return 0
        return connection.execute(
            update(table)
            .where(table.c.state == State.WORKING, table.c.owner.in_(dead))
            .values(due_at=now, lease_until=now)
        ).rowcount
