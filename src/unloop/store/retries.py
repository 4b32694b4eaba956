"""Moving many host runs at once on an operator's word: cancel what is idle, queue again what ended, hold and release."""

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, Connection, and_, case, insert, select, update

from unloop.model.host_run import Queue, Rung, Stage
from unloop.model.outcome import Outcome
from unloop.model.state import CampaignState, State
from unloop.store import schema
from unloop.store.cut_short import forget_cut_short
from unloop.store.database import Database
from unloop.store.events import event_of, log_all
from unloop.store.rows import OWES, host_run_of

OPEN = tuple(state for state in CampaignState if state is not CampaignState.ENDED)
"""A campaign that was aborted is open as long as a host of it has not ended: it is paying what it owes."""
IDLE = (State.QUEUED, State.WAITING, State.HELD)
CHUNK = 500


def busy_elsewhere(database: Database, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Hosts among these that have not ended in a campaign that is open, as (host, campaign)."""
    table = schema.host_run
    found: list[tuple[str, str]] = []
    with database.read() as connection:
        for start in range(0, len(names), CHUNK):
            query = (
                select(table.c.name, table.c.campaign_id)
                .join(schema.campaign, schema.campaign.c.id == table.c.campaign_id)
                .where(table.c.name.in_(names[start : start + CHUNK]), table.c.state != State.ENDED)
                .where(schema.campaign.c.state.in_(OPEN))
            )
            found += [(name, campaign_id) for name, campaign_id in connection.execute(query)]
    return tuple(found)


def cancel_idle(database: Database, campaign_id: str, *, now: float) -> int:
    """End the host runs that nobody works on and that owe nothing; those that owe become due, to pay first.

    Nobody works on a host whose lease ran out: what its owner still writes, if it lives, is refused.
    """
    table = schema.host_run
    left = (table.c.state == State.WORKING) & (table.c.lease_until <= now)
    idle = (table.c.campaign_id == campaign_id) & (table.c.state.in_(IDLE) | left)
    with database.begin() as connection:
        connection.execute(update(table).where(idle, OWES).values(due_at=now, state=State.WAITING))
        cancelled = {
            "state": State.ENDED,
            "outcome": Outcome.CANCELLED,
            "cause": "the campaign was aborted",
            "due_at": None,
            "changed_at": now,
        }
        count = connection.execute(update(table).where(idle, ~OWES).values(**cancelled)).rowcount
        if count:
            row = {"campaign_id": campaign_id, "at": now, "kind": "idle hosts cancelled", "data": {"hosts": count}}
            connection.execute(insert(schema.event), row)
    return count


def retry(database: Database, run_ids: Sequence[int], *, rung: Rung, now: float) -> int:
    """Queue ended host runs again, from the first rung and with a fresh budget; what was recorded stays.

    So does a landing: where the remedy has landed and nothing is left to repair, it is the proof that is tried again.
    """
    table = schema.host_run
    fresh = {
        "state": State.QUEUED,
        "outcome": None,
        "cause": "",
        "hold": "",
        "due_at": now,
        "rung": rung,
        "stage": Stage.REPAIR,
        "attempt_open": False,
        "queue": Queue.RACE,
        "rung_attempts": 0,
        "rung_since": now,
        "silent_boots": 0,
        "refused_channels": "",
        "slow_channels": "",
        "proof_boot": None,
        "proof_since": None,
        "restarts": 0,
        "ending": "",
        "changed_at": now,
        "note": "queued again by an operator",
    }
    moved = 0
    with database.begin() as connection:
        for start in range(0, len(run_ids), CHUNK):
            chosen = table.c.id.in_(run_ids[start : start + CHUNK])
            forget_cut_short(connection, run_ids[start : start + CHUNK])
            moved += connection.execute(
                update(table).where(chosen, table.c.state == State.ENDED).values(**fresh)
            ).rowcount
    return moved


def hold(database: Database, run_ids: Sequence[int], *, reason: str, now: float) -> int:
    """Put a person's hold on host runs: idle ones stop at once, working ones at their next safe point.

    One that owes something stays due until it has paid.
    """
    table = schema.host_run
    chosen = table.c.id.in_(run_ids) & (table.c.state != State.ENDED)
    idle = chosen & table.c.state.in_((State.QUEUED, State.WAITING))
    with database.begin() as connection:
        _log(connection, chosen, "held", {"reason": reason}, now=now)
        count = connection.execute(update(table).where(chosen).values(hold=reason, changed_at=now)).rowcount
        connection.execute(update(table).where(idle).values(state=State.HELD, due_at=case((OWES, now), else_=None)))
    return count


def release(database: Database, run_ids: Sequence[int], *, now: float) -> int:
    """Take a hold back; the host runs are due at once, or with their wave where that has not been opened."""
    table = schema.host_run
    chosen = table.c.id.in_(run_ids) & (table.c.hold != "")
    opened = select(schema.campaign.c.wave).where(schema.campaign.c.id == table.c.campaign_id).scalar_subquery()
    waits = and_(table.c.wave > opened, table.c.attempt == 0)
    freed = {"state": case((waits, State.QUEUED), else_=State.WAITING), "due_at": case((waits, None), else_=now)}
    with database.begin() as connection:
        _log(connection, chosen, "released", {}, now=now)
        released = connection.execute(
            update(table)
            .where(table.c.id.in_(run_ids), table.c.state == State.HELD)
            .values(**freed, hold="", changed_at=now)
        ).rowcount
        connection.execute(update(table).where(chosen).values(hold="", changed_at=now))
    return released


def _log(
    connection: Connection, chosen: ColumnElement[bool], kind: str, data: Mapping[str, object], *, now: float
) -> None:
    """Append an event to each of these host runs, which are locked until the end of the transaction."""
    runs = connection.execute(select(schema.host_run).where(chosen).with_for_update()).mappings()
    log_all(connection, [event_of(host_run_of(row), kind, attempt=row["attempt"], now=now, data=data) for row in runs])
