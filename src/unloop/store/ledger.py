"""The effect ledger: an INSERT that is the permission to send, and the obligations that come with it.

The primary key (host run, attempt, kind) makes every effect happen at most once per attempt. An opening effect needs
a running campaign, a valid lease, the spacing since the last power-off of this host, and room in its groups' limits.
A discharging effect needs the lease alone. Nothing is sent before the transaction of its permit has been committed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import Connection, func, insert, select, text, update

from unloop.model.effect import EffectKind
from unloop.model.host_run import HostRun
from unloop.model.state import CampaignState, State
from unloop.store import schema
from unloop.store.database import Database


class Permission(StrEnum):
    """What the ledger answers to somebody who wants to send an effect."""

    GRANTED = "granted"
    ALREADY = "already"
    """It was permitted before for this attempt: observe, never repeat."""
    LEASE_LOST = "lease_lost"
    NOT_RUNNING = "not_running"
    TOO_SOON = "too_soon"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class Limits:
    """How many hosts of one group may be between off and on at once (0: no limit), and the spacing of resets in seconds."""

    spacing: float = 30.0
    per_group: Mapping[str, int] = field(default_factory=dict)
    """Column of the group (``rack``, ``power_domain``, ``site``) to how many at once."""


def permit(
    database: Database, run: HostRun, kind: EffectKind, *, attempt: int, limits: Limits, now: float, margin: float = 2.0
) -> Permission:
    """Ask for the permission to send one effect; GRANTED means that it is written down and may be sent once.

    ``margin`` is how many seconds of the lease must be left, so that what is permitted is also sent under the lease.
    """
    with database.begin() as connection:
        refusal = _refusal(connection, database, run, kind, attempt=attempt, limits=limits, now=now, margin=margin)
        if refusal is not None:
            return refusal
        connection.execute(
            insert(schema.effect),
            {
                "host_run_id": run.id,
                "attempt": attempt,
                "kind": kind,
                "state": "intended",
                "fence": run.fence,
                "at": now,
            },
        )
        if kind.owes is not None:
            owed = {"host_run_id": run.id, "kind": kind.owes, "detail": {"attempt": attempt}, "created_at": now}
            connection.execute(insert(schema.obligation), owed)
        _log(connection, run, f"{kind} permitted", attempt=attempt, now=now, data={})
    return Permission.GRANTED


def settle(database: Database, run: HostRun, kind: EffectKind, *, attempt: int, result: str, now: float) -> None:
    """Record what came of an effect: ``confirmed``, ``refused``, ``unknown`` or ``not_sent``.

    A confirmed discharge ends what is owed; an effect that was not sent owes nothing.
    """
    table = schema.effect
    with database.begin() as connection:
        connection.execute(
            update(table)
            .where(table.c.host_run_id == run.id, table.c.attempt == attempt, table.c.kind == kind)
            .values(state=result)
        )
        if result == "confirmed":
            discharge(connection, run.id, kind, now=now)
        if result == "not_sent" and kind.owes is not None:
            _forgive(connection, run.id, kind.owes, attempt=attempt, now=now)
        _log(connection, run, f"{kind} {result}", attempt=attempt, now=now, data={})


def discharge(connection: Connection, run_id: int, kind: EffectKind, *, now: float) -> None:
    """End the open obligations that this effect discharges."""
    table = schema.obligation
    connection.execute(
        update(table)
        .where(table.c.host_run_id == run_id, table.c.kind == kind, table.c.discharged_at.is_(None))
        .values(discharged_at=now)
    )


def _forgive(connection: Connection, run_id: int, kind: EffectKind, *, attempt: int, now: float) -> None:
    """End what one attempt alone would owe; what earlier attempts owe stays."""
    table = schema.obligation
    open_ones = select(table.c.id, table.c.detail).where(
        table.c.host_run_id == run_id, table.c.kind == kind, table.c.discharged_at.is_(None)
    )
    ids = [number for number, detail in connection.execute(open_ones) if detail.get("attempt") == attempt]
    connection.execute(update(table).where(table.c.id.in_(ids)).values(discharged_at=now))


def effects(database: Database, run_id: int, attempt: int) -> Mapping[EffectKind, str]:
    """The effects permitted for one attempt so far, with what is known of each."""
    table = schema.effect
    query = select(table.c.kind, table.c.state).where(table.c.host_run_id == run_id, table.c.attempt == attempt)
    with database.read() as connection:
        return {EffectKind(kind): state for kind, state in connection.execute(query)}


def owed(database: Database, run_id: int) -> Mapping[EffectKind, float]:
    """The discharging effects that this host run still owes, and since when."""
    table = schema.obligation
    query = (
        select(table.c.kind, func.min(table.c.created_at))
        .where(table.c.host_run_id == run_id, table.c.discharged_at.is_(None))
        .group_by(table.c.kind)
    )
    with database.read() as connection:
        return {EffectKind(kind): since for kind, since in connection.execute(query)}


def _refusal(
    connection: Connection,
    database: Database,
    run: HostRun,
    kind: EffectKind,
    *,
    attempt: int,
    limits: Limits,
    now: float,
    margin: float,
) -> Permission | None:
    table = schema.host_run
    lease = select(table.c.state).where(
        table.c.id == run.id, table.c.fence == run.fence, table.c.lease_until > now + margin
    )
    if connection.execute(lease).scalar() != State.WORKING:
        return Permission.LEASE_LOST
    effect = schema.effect
    done = select(effect.c.state).where(
        effect.c.host_run_id == run.id, effect.c.attempt == attempt, effect.c.kind == kind
    )
    if connection.execute(done).first() is not None:
        return Permission.ALREADY
    if not kind.is_opening:
        return None
    state = select(schema.campaign.c.state).where(schema.campaign.c.id == run.campaign).with_for_update(read=True)
    if connection.execute(state).scalar() != CampaignState.RUNNING:
        return Permission.NOT_RUNNING
    if kind is EffectKind.POWER_OFF:
        return _power_refusal(connection, database, run, limits=limits, now=now)
    return None


def _power_refusal(
    connection: Connection, database: Database, run: HostRun, *, limits: Limits, now: float
) -> Permission | None:
    table, effect = schema.host_run, schema.effect
    same_name = select(table.c.id).where(table.c.name == run.host.name)
    last = select(func.max(effect.c.at)).where(
        effect.c.kind == EffectKind.POWER_OFF, effect.c.host_run_id.in_(same_name)
    )
    latest = connection.execute(last).scalar()
    if latest is not None and now - latest < limits.spacing:
        return Permission.TOO_SOON
    for column, most in limits.per_group.items():
        group = getattr(run.host, column)
        if not group or not most:
            continue
        if database.is_postgresql:
            lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:group, 0))")
            connection.execute(lock, {"group": f"{column}={group}"})
        off = (
            select(func.count(func.distinct(schema.obligation.c.host_run_id)))
            .join(table, table.c.id == schema.obligation.c.host_run_id)
            .where(
                schema.obligation.c.kind == EffectKind.POWER_ON,
                schema.obligation.c.discharged_at.is_(None),
                table.c[column] == group,
            )
        )
        if connection.execute(off).scalar_one() >= most:
            return Permission.LIMIT
    return None


def _log(
    connection: Connection, run: HostRun, kind: str, *, attempt: int, now: float, data: Mapping[str, object]
) -> None:
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
