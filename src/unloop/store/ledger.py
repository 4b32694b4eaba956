"""The effect ledger: an INSERT that is the permission to send, and the obligations that come with it.

The primary key (host run, attempt, kind) makes every effect happen at most once per attempt. An opening effect needs
a running campaign, a host that no person holds, a valid lease, the spacing since the last power-off of this host, and
room in its groups' limits.
A discharging effect needs the lease alone. Nothing is sent before the transaction of its permit has been committed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, bindparam, exists, func, insert, select, update

from unloop.model.effect import EffectKind
from unloop.model.host_run import HostRun
from unloop.store import schema
from unloop.store.database import Database
from unloop.store.events import event_of, log_all
from unloop.store.limits import Room
from unloop.store.rows import leases_of


class Permission(StrEnum):
    """What the ledger answers to somebody who wants to send an effect."""

    GRANTED = "granted"
    ALREADY = "already"
    """It was permitted before for this attempt: observe, never repeat."""
    LEASE_LOST = "lease_lost"
    NOT_RUNNING = "not_running"
    HELD = "held"
    """A person holds the host."""
    TOO_SOON = "too_soon"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class Limits:
    """How many hosts of one group may be between off and on at once (0: no limit), and the spacing of resets in seconds."""

    spacing: float = 30.0
    per_group: Mapping[str, int] = field(default_factory=dict)
    """Column of the group (``rack``, ``power_domain``, ``site``) to how many at once."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One effect that somebody wants to send, in one attempt."""

    run: HostRun
    kind: EffectKind
    attempt: int
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of one effect: ``confirmed``, ``refused``, ``unknown``, ``not_sent``, or ``given_up``: left to people."""

    run: HostRun
    kind: EffectKind
    attempt: int
    result: str = "confirmed"


_EFFECT, _OBLIGATION = schema.effect, schema.obligation
_ENDS = frozenset({"confirmed", "given_up"})
"""Results after which nothing is owed any more."""
_SETTLE = (
    update(_EFFECT)
    .where(
        _EFFECT.c.host_run_id == bindparam("run"),
        _EFFECT.c.attempt == bindparam("of_attempt"),
        _EFFECT.c.kind == bindparam("of_kind"),
    )
    .values(state=bindparam("result"))
)
_DISCHARGE = (
    update(_OBLIGATION)
    .where(
        _OBLIGATION.c.host_run_id == bindparam("run"),
        _OBLIGATION.c.kind == bindparam("of_kind"),
        _OBLIGATION.c.discharged_at.is_(None),
        exists().where(schema.host_run.c.id == bindparam("run"), schema.host_run.c.fence == bindparam("held")),
    )
    .values(discharged_at=bindparam("now"))
)


def permit(
    database: Database, run: HostRun, kind: EffectKind, *, attempt: int, limits: Limits, now: float, margin: float = 2.0
) -> Permission:
    """Ask for the permission to send one effect; GRANTED means that it is written down and may be sent once.

    ``margin`` is how many seconds of the lease must be left, so that what is permitted is also sent under the lease.
    """
    return permit_all(database, [Wanted(run, kind, attempt, limits)], now=now, margin=margin)[0]


def permit_all(
    database: Database, wanted: Sequence[Wanted], *, now: float, margin: float = 2.0
) -> tuple[Permission, ...]:
    """The same for many effects in one transaction, in order: an earlier one counts for the limits of a later one."""
    with database.begin() as connection:
        judge = _Judge(connection, database, wanted, now=now, margin=margin)
        answers = tuple(judge.judge(effect) for effect in wanted)
        granted = [effect for effect, answer in zip(wanted, answers, strict=True) if answer is Permission.GRANTED]
        if granted:
            connection.execute(insert(_EFFECT), [_effect_row(effect, now) for effect in granted])
            owing = [row for effect in granted if (row := _obligation_row(effect, now)) is not None]
            if owing:
                connection.execute(insert(_OBLIGATION), owing)
            log_all(
                connection,
                [
                    event_of(effect.run, f"{effect.kind} permitted", attempt=effect.attempt, now=now)
                    for effect in granted
                ],
            )
    return answers


def settle(database: Database, run: HostRun, kind: EffectKind, *, attempt: int, result: str, now: float) -> None:
    """Record what came of an effect: ``confirmed``, ``refused``, ``unknown``, ``not_sent`` or ``given_up``.

    A confirmed discharge ends what is owed, and so does one that is given up; an effect that was not sent owes nothing.
    Whose lease was lost ends nothing: a successor may owe anew what he saw paid.
    """
    settle_all(database, [Settled(run, kind, attempt, result)], now=now)


def settle_all(database: Database, settled: Sequence[Settled], *, now: float) -> None:
    """The same for many effects in one transaction."""
    with database.begin() as connection:
        rows = [
            {"run": item.run.id, "of_attempt": item.attempt, "of_kind": item.kind, "result": item.result}
            for item in settled
        ]
        connection.execute(_SETTLE, rows)
        paid = [
            {"run": item.run.id, "of_kind": item.kind, "held": item.run.fence, "now": now}
            for item in settled
            if item.result in _ENDS
        ]
        if paid:
            connection.execute(_DISCHARGE, paid)
        for item in settled:
            if item.result == "not_sent" and item.kind.owes is not None:
                _forgive(connection, item.run.id, item.kind.owes, attempt=item.attempt, now=now)
        log_all(
            connection,
            [event_of(item.run, f"{item.kind} {item.result}", attempt=item.attempt, now=now) for item in settled],
        )


def effects(database: Database, run_id: int, attempt: int) -> Mapping[EffectKind, str]:
    """The effects permitted for one attempt so far, with what is known of each."""
    query = select(_EFFECT.c.kind, _EFFECT.c.state).where(_EFFECT.c.host_run_id == run_id, _EFFECT.c.attempt == attempt)
    with database.read() as connection:
        return {EffectKind(kind): state for kind, state in connection.execute(query)}


def owed(database: Database, run_id: int) -> Mapping[EffectKind, float]:
    """The discharging effects that this host run still owes, and since when at the latest."""
    query = (
        select(_OBLIGATION.c.kind, func.max(_OBLIGATION.c.created_at))
        .where(_OBLIGATION.c.host_run_id == run_id, _OBLIGATION.c.discharged_at.is_(None))
        .group_by(_OBLIGATION.c.kind)
    )
    with database.read() as connection:
        return {EffectKind(kind): since for kind, since in connection.execute(query)}


def off_by_us(database: Database, run_ids: Sequence[int]) -> frozenset[int]:
    """The host runs among these that owe a power-on."""
    query = select(_OBLIGATION.c.host_run_id).where(
        _OBLIGATION.c.host_run_id.in_(run_ids),
        _OBLIGATION.c.kind == EffectKind.POWER_ON,
        _OBLIGATION.c.discharged_at.is_(None),
    )
    with database.read() as connection:
        return frozenset(connection.execute(query).scalars())


class _Judge:
    """What the store says of many wanted effects, asked once; and the judgement of each in turn."""

    def __init__(
        self, connection: Connection, database: Database, wanted: Sequence[Wanted], *, now: float, margin: float
    ) -> None:
        self._now, self._margin = now, margin
        ids = sorted({effect.run.id for effect in wanted})
        self._leases = leases_of(connection, ids)
        query = select(_EFFECT.c.host_run_id, _EFFECT.c.attempt, _EFFECT.c.kind).where(_EFFECT.c.host_run_id.in_(ids))
        self._done = {(run, attempt, kind) for run, attempt, kind in connection.execute(query)}
        opening = [effect for effect in wanted if effect.kind.is_opening]
        self._running = _running(connection, {effect.run.campaign for effect in opening})
        offs = [effect for effect in opening if effect.kind is EffectKind.POWER_OFF]
        self._room = Room(connection, database, [(effect.run, effect.limits.per_group) for effect in offs])
        self._last = _last_resets(connection, [effect.run.host.name for effect in offs])

    def judge(self, effect: Wanted) -> Permission:
        """The answer to one; what is granted counts from now on."""
        run, key = effect.run, (effect.run.id, effect.attempt, str(effect.kind))
        lease = self._leases.get(run.id)
        if lease is None or not lease.is_held(run.fence, until=self._now + self._margin):
            return Permission.LEASE_LOST
        if key in self._done:
            return Permission.ALREADY
        if effect.kind.is_opening and run.campaign not in self._running:
            return Permission.NOT_RUNNING
        if effect.kind.is_opening and lease.hold:
            return Permission.HELD
        if effect.kind is EffectKind.POWER_OFF:
            last = self._last.get(run.host.name)
            if last is not None and self._now - last < effect.limits.spacing:
                return Permission.TOO_SOON
            if not self._room.take(run, effect.limits.per_group):
                return Permission.LIMIT
            self._last[run.host.name] = self._now
        self._done.add(key)
        return Permission.GRANTED


def _running(connection: Connection, campaigns: set[str]) -> frozenset[str]:
    """Which of these campaigns run; held in that state until the end of the transaction."""
    if not campaigns:
        return frozenset()
    table = schema.campaign
    query = select(table.c.id, table.c.state).where(table.c.id.in_(sorted(campaigns))).with_for_update(read=True)
    return frozenset(campaign for campaign, state in connection.execute(query) if state == "running")


def _last_resets(connection: Connection, names: Sequence[str]) -> dict[str, float]:
    """When each of these hosts was last ordered off, by whichever campaign."""
    if not names:
        return {}
    table = schema.host_run
    query = (
        select(table.c.name, func.max(_EFFECT.c.at).label("latest"))
        .join(_EFFECT, _EFFECT.c.host_run_id == table.c.id)
        .where(table.c.name.in_(sorted(set(names))), _EFFECT.c.kind == EffectKind.POWER_OFF)
        .group_by(table.c.name)
    )
    return {row.name: row.latest for row in connection.execute(query)}


def _effect_row(effect: Wanted, now: float) -> dict[str, Any]:
    return {
        "host_run_id": effect.run.id,
        "attempt": effect.attempt,
        "kind": effect.kind,
        "state": "intended",
        "fence": effect.run.fence,
        "at": now,
    }


def _obligation_row(effect: Wanted, now: float) -> dict[str, Any] | None:
    if effect.kind.owes is None:
        return None
    detail = {"attempt": effect.attempt}
    return {"host_run_id": effect.run.id, "kind": effect.kind.owes, "detail": detail, "created_at": now}


def _forgive(connection: Connection, run_id: int, kind: EffectKind, *, attempt: int, now: float) -> None:
    """End what one attempt alone would owe; what earlier attempts owe stays."""
    open_ones = select(_OBLIGATION.c.id, _OBLIGATION.c.detail).where(
        _OBLIGATION.c.host_run_id == run_id, _OBLIGATION.c.kind == kind, _OBLIGATION.c.discharged_at.is_(None)
    )
    ids = [number for number, detail in connection.execute(open_ones) if detail.get("attempt") == attempt]
    connection.execute(update(_OBLIGATION).where(_OBLIGATION.c.id.in_(ids)).values(discharged_at=now))
