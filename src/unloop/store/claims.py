"""Leases: one actor per host at a time, with owner, fence and expiry. Every write elsewhere carries the fence."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Float, and_, bindparam, case, exists, func, insert, or_, select, update

from unloop.model.host_run import HostRun
from unloop.model.state import CampaignState, State
from unloop.store import accounts, schema
from unloop.store.cut_short import may_have_struck, note_cut_short
from unloop.store.database import Database
from unloop.store.events import event_of, log_all
from unloop.store.rows import OWES, host_run_of, leases_of

CLAIMABLE = (State.QUEUED, State.WAITING, State.WORKING)
_RUN = schema.host_run
_BEGIN = update(_RUN).where(_RUN.c.id == bindparam("run")).values(attempt=bindparam("number"), attempt_open=True)
_HELD = (
    select(_RUN.c.id, _RUN.c.fence)
    .where(_RUN.c.id.in_(bindparam("runs", expanding=True)), _RUN.c.state == State.WORKING)
    .order_by(_RUN.c.id)
    .with_for_update()
)
_RENEW = (
    update(_RUN)
    .where(_RUN.c.id.in_(bindparam("runs", expanding=True)))
    .values(lease_until=bindparam("until"), due_at=bindparam("until"))
)
MOST = 500
"""Host runs of one statement."""
_GIVE_BACK = (
    update(_RUN)
    .where(_RUN.c.id == bindparam("run"), _RUN.c.fence == bindparam("held"), _RUN.c.state == State.WORKING)
    .values(
        state=case((_RUN.c.hold != "", State.HELD), else_=State.WAITING),
        due_at=case((and_(_RUN.c.hold != "", ~OWES), None), else_=bindparam("now", type_=Float)),
        owner="",
        lease_until=0.0,
        changed_at=bindparam("now", type_=Float),
    )
)


def claim(
    database: Database, *, campaign_id: str, queue: str, owner: str, limit: int, ttl: float, now: float
) -> tuple[HostRun, ...]:
    """Take up to ``limit`` due host runs: raise the fence, set the lease, and make them due again when it expires.

    A host run that is to be repaired begins its next attempt with it, written down before anything is done; one that a
    predecessor left unfinished is continued. Of a campaign that is not running, and of those that a person holds, only
    host runs with an open obligation are taken, so that it can be discharged; they are draining.
    """
    running = exists().where(schema.campaign.c.id == campaign_id, schema.campaign.c.state == CampaignState.RUNNING)
    chosen = _due(campaign_id, queue, running, now).limit(limit).with_for_update(skip_locked=True)
    with database.begin() as connection:
        before = {number: (State(state), holder) for number, state, holder in connection.execute(chosen)}
        if not before:
            return ()
        taken = _take(sorted(before), owner=owner, until=now + ttl, now=now)
        rows = connection.execute(taken).mappings().all()
        drains = bool(connection.execute(select(~running)).scalar_one())
        runs = [replace(host_run_of(row), is_draining=drains or bool(row["hold"])) for row in rows]
        left = {number: holder for number, (state, holder) in before.items() if state is State.WORKING}
        if left:
            note_cut_short(connection, [run for run in runs if run.id in left], now=now)
            names = [run.host.name for run in runs if run.id in left]
            accounts.release(connection, {holder for holder in left.values() if holder != owner}, hosts=names, now=now)
        struck = may_have_struck(connection, [run.id for run in runs])
        begun = _begin_attempts(connection, runs, now=now)
        told = {"owner": owner}
        log_all(
            connection, [event_of(run, "claimed", attempt=run.progress.attempt, now=now, data=told) for run in begun]
        )
    return tuple(replace(run, may_have_struck=run.id in struck) for run in begun)


def _due(campaign_id: str, queue: str, running: Any, now: float) -> Any:
    """What may be claimed, the longest due first; a held one whose actor died is taken, to be put down as held."""
    due = and_(
        _RUN.c.campaign_id == campaign_id,
        _RUN.c.queue == queue,
        _RUN.c.due_at <= now,
        or_(and_(_RUN.c.state.in_(CLAIMABLE), running, or_(_RUN.c.hold == "", _RUN.c.state == State.WORKING)), OWES),
    )
    return select(_RUN.c.id, _RUN.c.state, _RUN.c.owner).where(due).order_by(_RUN.c.due_at)


def _take(run_ids: Sequence[int], *, owner: str, until: float, now: float) -> Any:
    lease = {"state": State.WORKING, "owner": owner, "lease_until": until, "due_at": until, "changed_at": now}
    return update(_RUN).where(_RUN.c.id.in_(run_ids)).values(fence=_RUN.c.fence + 1, **lease).returning(_RUN)


def renew(database: Database, leases: Sequence[tuple[int, int]], *, ttl: float, now: float) -> frozenset[int]:
    """Prolong leases given as (host run, fence); returns the host runs that are still ours."""
    if not leases:
        return frozenset()
    fences, ours = dict(leases), list[int]()
    numbers = sorted(fences)
    with database.begin() as connection:
        for start in range(0, len(numbers), MOST):
            held = connection.execute(_HELD, {"runs": numbers[start : start + MOST]})
            kept = [number for number, fence in held if fences[number] == fence]
            if kept:
                connection.execute(_RENEW, {"runs": kept, "until": now + ttl})
            ours += kept
    return frozenset(ours)


def give_back(database: Database, runs: Sequence[HostRun], *, now: float) -> None:
    """Let go of host runs in the middle of a visit: they are due at once, for whoever claims next to continue.

    Only leases that are still ours are given back; what the visit has written down so far stays.
    """
    if not runs:
        return
    with database.begin() as connection:
        leases = leases_of(connection, sorted({run.id for run in runs}))
        held = [run for run in runs if (lease := leases.get(run.id)) and lease.is_held(run.fence)]
        if held:
            connection.execute(_GIVE_BACK, [{"run": run.id, "held": run.fence, "now": now} for run in held])
            note_cut_short(connection, held, now=now)
            names = [run.host.name for run in held]
            accounts.release(connection, {run.owner for run in held}, hosts=names, now=now)
        log_all(connection, [event_of(run, "handed back", attempt=run.progress.attempt, now=now) for run in held])


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


def owners(database: Database, campaign_id: str) -> Mapping[str, int]:
    """Who holds how many hosts of a campaign."""
    mine = (_RUN.c.campaign_id == campaign_id) & (_RUN.c.state == State.WORKING)
    with database.read() as connection:
        rows = connection.execute(select(_RUN.c.owner, func.count()).where(mine).group_by(_RUN.c.owner))
        return {owner: hosts for owner, hosts in rows}  # noqa: C416 - rows are no pairs to mypy


def _begin_attempts(connection: Connection, runs: Sequence[HostRun], *, now: float) -> tuple[HostRun, ...]:
    begun = tuple(run.in_next_attempt() if run.begins_attempt else _continued(run) for run in runs)
    new = [run for run in begun if run.is_attempt_open and not run.is_continued]
    if new:
        connection.execute(_BEGIN, [{"run": run.id, "number": run.progress.attempt} for run in new])
        connection.execute(insert(schema.attempt), [_attempt_row(run, now) for run in new])
    return begun


def _continued(run: HostRun) -> HostRun:
    return replace(run, is_continued=run.is_attempt_open)


def _attempt_row(run: HostRun, now: float) -> dict[str, Any]:
    return {"host_run_id": run.id, "number": run.progress.attempt, "rung": run.progress.rung, "started_at": now}
