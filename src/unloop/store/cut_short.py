"""Attempts that were cut short: their actor died or let go, so a strike of theirs may have landed without a record."""

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select, update

from unloop.model.effect import EffectKind
from unloop.model.host_run import HostRun
from unloop.store import schema

_EFFECT = schema.effect
UNKNOWN = "unknown"


def note_cut_short(connection: Connection, runs: Sequence[HostRun], *, now: float) -> None:
    """Write down that the open attempts of these host runs may have struck their hosts."""
    opened = {run.id: run for run in runs if run.is_attempt_open}
    if not opened:
        return
    query = select(_EFFECT.c.host_run_id, _EFFECT.c.attempt).where(
        _EFFECT.c.host_run_id.in_(sorted(opened)), _EFFECT.c.kind == EffectKind.STRIKE
    )
    known = {(run_id, attempt) for run_id, attempt in connection.execute(query)}
    rows = [
        {
            "host_run_id": run.id,
            "attempt": run.progress.attempt,
            "kind": EffectKind.STRIKE,
            "state": UNKNOWN,
            "fence": run.fence,
            "at": now,
        }
        for run in opened.values()
        if (run.id, run.progress.attempt) not in known
    ]
    if rows:
        connection.execute(insert(_EFFECT), rows)


def may_have_struck(connection: Connection, run_ids: Sequence[int]) -> frozenset[int]:
    """The host runs among these of which some attempt was cut short."""
    query = (
        select(_EFFECT.c.host_run_id)
        .where(_EFFECT.c.host_run_id.in_(run_ids), _EFFECT.c.kind == EffectKind.STRIKE, _EFFECT.c.state == UNKNOWN)
        .distinct()
    )
    return frozenset(connection.execute(query).scalars())


def forget_cut_short(connection: Connection, run_ids: Sequence[int]) -> None:
    """What was cut short before these host runs ended says nothing about a fresh try."""
    mine = _EFFECT.c.host_run_id.in_(run_ids) & (_EFFECT.c.kind == EffectKind.STRIKE)
    connection.execute(update(_EFFECT).where(mine).values(state="past"))
