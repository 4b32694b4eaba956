"""Campaign rows: create one with its frozen targets, move it between states, open its waves, count its outcomes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping, func, insert, select, update

from unloop.errors import StoreError
from unloop.model.host import Host
from unloop.model.host_run import Progress
from unloop.model.outcome import Outcome
from unloop.model.state import CampaignState, State
from unloop.store import schema
from unloop.store.database import Database
from unloop.store.rows import OWES, progress_columns

BATCH = 500


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as it was approved. ``options`` are the timings, budgets and limits that were in force (JSON)."""

    id: str
    name: str
    playbook_path: str
    playbook: str
    playbook_digest: str
    variables: Mapping[str, str]
    selection: str
    inventory: str
    targets: int
    targets_digest: str
    options: Mapping[str, Any]
    operator: str
    created_at: float
    state: CampaignState = CampaignState.RUNNING
    reason: str = ""
    wave: int = 0
    waves: int = 1
    ended_at: float | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """One host of a new campaign: where it starts and in which wave and queue."""

    host: Host
    progress: Progress
    wave: int
    queue: str


def create(database: Database, campaign: Campaign, targets: Sequence[Target]) -> None:
    """Write a campaign and all its targets in one transaction; wave 0 is due at once."""
    with database.begin() as connection:
        connection.execute(insert(schema.campaign), _columns(campaign))
        rows = [_target_columns(campaign, target) for target in targets]
        for start in range(0, len(rows), BATCH):
            connection.execute(insert(schema.host_run), rows[start : start + BATCH])
        connection.execute(
            insert(schema.event),
            {
                "campaign_id": campaign.id,
                "at": campaign.created_at,
                "kind": "campaign created",
                "data": {"targets": len(targets), "digest": campaign.targets_digest, "operator": campaign.operator},
            },
        )


def load(database: Database, campaign_id: str) -> Campaign:
    """One campaign by its id, a unique start of it, or its name ('latest' is the newest); raises StoreError."""
    table = schema.campaign
    with database.read() as connection:
        if campaign_id == "latest":
            rows = connection.execute(select(table).order_by(table.c.created_at.desc()).limit(1)).mappings().all()
        else:
            wanted = (table.c.id.startswith(campaign_id, autoescape=True)) | (table.c.name == campaign_id)
            rows = connection.execute(select(table).where(wanted)).mappings().all()
    if not rows and campaign_id == "latest":
        raise StoreError(f"no campaign yet in store {database.label}; is this the right directory, or -c FILE?")
    if not rows:
        raise StoreError(f"no campaign {campaign_id!r} in store {database.label}; `unloop campaign list` shows them")
    if len(rows) > 1:
        raise StoreError(f"{campaign_id!r} names {len(rows)} campaigns: {', '.join(sorted(row['id'] for row in rows))}")
    return _campaign(rows[0])


def list_all(database: Database) -> tuple[Campaign, ...]:
    """Every campaign, newest first."""
    with database.read() as connection:
        rows = connection.execute(select(schema.campaign).order_by(schema.campaign.c.created_at.desc())).mappings()
        return tuple(_campaign(row) for row in rows)


def in_motion(database: Database) -> tuple[Campaign, ...]:
    """The campaigns that are to be steered: running ones, and aborted ones whose hosts have not all ended."""
    table, run = schema.campaign, schema.host_run
    unended = select(run.c.id).where(run.c.campaign_id == table.c.id, run.c.state != State.ENDED).exists()
    aborted = (table.c.state == CampaignState.ABORTED) & unended
    with database.read() as connection:
        rows = connection.execute(select(table).where((table.c.state == CampaignState.RUNNING) | aborted)).mappings()
        return tuple(_campaign(row) for row in rows)


def open_campaigns(database: Database) -> Mapping[str, CampaignState]:
    """The campaigns in which work may come due: running ones, and any with a host that owes something."""
    table, run, owed = schema.campaign, schema.host_run, schema.obligation
    owing = (
        select(run.c.campaign_id)
        .join(owed, owed.c.host_run_id == run.c.id)
        .where(owed.c.discharged_at.is_(None), run.c.state != State.ENDED)
    )
    query = select(table.c.id, table.c.state).where((table.c.state == CampaignState.RUNNING) | table.c.id.in_(owing))
    with database.read() as connection:
        return {campaign: CampaignState(state) for campaign, state in connection.execute(query)}


def state_of(database: Database, campaign_id: str) -> CampaignState:
    """The state alone, which workers poll."""
    with database.read() as connection:
        found = connection.execute(select(schema.campaign.c.state).where(schema.campaign.c.id == campaign_id)).scalar()
    if found is None:
        raise StoreError(f"campaign {campaign_id} is gone from store {database.label}")
    return CampaignState(found)


def move(
    database: Database,
    campaign_id: str,
    state: CampaignState,
    *,
    reason: str,
    now: float,
    only_from: Collection[CampaignState] = tuple(CampaignState),
) -> bool:
    """Set a campaign's state and log it; True if it moved. It moves from these states only, whoever else moves it."""
    table = schema.campaign
    with database.begin() as connection:
        moved = connection.execute(
            update(table)
            .where(table.c.id == campaign_id, table.c.state != state, table.c.state.in_(only_from))
            .values(state=state, reason=reason, ended_at=now if state is CampaignState.ENDED else None)
        ).rowcount
        if moved:
            data = {"state": state, "reason": reason}
            row = {"campaign_id": campaign_id, "at": now, "kind": f"campaign {state}", "data": data}
            connection.execute(insert(schema.event), row)
    return bool(moved)


def open_wave(database: Database, campaign_id: str, wave: int, *, now: float) -> int:
    """Make every queued host of waves up to this one due now, once; returns how many became due."""
    table = schema.host_run
    with database.begin() as connection:
        opened = connection.execute(
            update(schema.campaign)
            .where(schema.campaign.c.id == campaign_id, schema.campaign.c.wave < wave)
            .values(wave=wave)
        ).rowcount
        if not opened:
            return 0
        due = connection.execute(
            update(table)
            .where(
                table.c.campaign_id == campaign_id,
                table.c.wave <= wave,
                table.c.state == State.QUEUED,
                table.c.due_at.is_(None),
            )
            .values(due_at=now)
        ).rowcount
        data = {"wave": wave, "hosts": due}
        connection.execute(
            insert(schema.event), {"campaign_id": campaign_id, "at": now, "kind": "wave opened", "data": data}
        )
    return due


def widen_wave(database: Database, campaign_id: str, wave: int, hosts: int, *, now: float) -> int:
    """Take so many hosts of the waves after into this one, due now; returns how many it were.

    Nobody is taken in while a host of this wave has not ended: somebody else has widened it in this moment.
    """
    table, campaign = schema.host_run, schema.campaign
    later = (table.c.campaign_id == campaign_id) & (table.c.wave > wave) & (table.c.state == State.QUEUED)
    mine = (table.c.campaign_id == campaign_id) & (table.c.wave <= wave) & (table.c.state != State.ENDED)
    with database.begin() as connection:
        connection.execute(select(campaign.c.id).where(campaign.c.id == campaign_id).with_for_update())
        if connection.execute(select(table.c.id).where(mine).limit(1)).first() is not None:
            return 0
        chosen = select(table.c.id).where(later).order_by(table.c.wave, table.c.id).limit(hosts)
        ids = list(connection.execute(chosen).scalars())
        connection.execute(update(table).where(table.c.id.in_(ids)).values(wave=wave, due_at=now))
        data = {"wave": wave, "hosts": len(ids)}
        row = {"campaign_id": campaign_id, "at": now, "kind": "wave widened", "data": data}
        connection.execute(insert(schema.event), row)
    return len(ids)


@dataclass(frozen=True, slots=True)
class Count:
    """How many host runs of one wave share a state, an outcome and whether the remedy has landed."""

    wave: int
    state: State
    outcome: Outcome | None
    landed: bool
    hosts: int


def counts(database: Database, campaign_id: str) -> tuple[Count, ...]:
    """The host runs of a campaign, counted; the counts add up to its targets."""
    table = schema.host_run
    landed = table.c.landed_at.is_not(None).label("landed")
    columns = (table.c.wave, table.c.state, table.c.outcome, landed)
    query = select(*columns, func.count()).where(table.c.campaign_id == campaign_id).group_by(*columns)
    with database.read() as connection:
        return tuple(
            Count(wave, State(state), Outcome(outcome) if outcome else None, bool(is_landed), hosts)
            for wave, state, outcome, is_landed, hosts in connection.execute(query)
        )


@dataclass(frozen=True, slots=True)
class Due:
    """A queue of a campaign with work due, and for how many hosts."""

    campaign: str
    queue: str
    hosts: int


def due_queues(database: Database, *, now: float) -> tuple[Due, ...]:
    """Where work is due: of running campaigns, and whatever has an open obligation."""
    table = schema.host_run
    query = (
        select(table.c.campaign_id, table.c.queue, func.count())
        .join(schema.campaign, schema.campaign.c.id == table.c.campaign_id)
        .where(table.c.due_at <= now)
        .where((schema.campaign.c.state == CampaignState.RUNNING) | OWES)
        .group_by(table.c.campaign_id, table.c.queue)
    )
    with database.read() as connection:
        return tuple(Due(campaign, queue, hosts) for campaign, queue, hosts in connection.execute(query))


def _columns(campaign: Campaign) -> dict[str, Any]:
    values = {field: getattr(campaign, field) for field in Campaign.__dataclass_fields__}
    return {**values, "variables": dict(campaign.variables), "options": dict(campaign.options)}


def _campaign(row: RowMapping) -> Campaign:
    return Campaign(**{**row, "state": CampaignState(row["state"])})


def _target_columns(campaign: Campaign, target: Target) -> dict[str, Any]:
    host = target.host
    return {
        "campaign_id": campaign.id,
        "name": host.name,
        "host": host.to_json(),
        "site": host.site,
        "rack": host.rack,
        "power_domain": host.power_domain,
        "queue": target.queue,
        "wave": target.wave,
        "state": State.QUEUED,
        "due_at": campaign.created_at if target.wave == 0 else None,
        "changed_at": campaign.created_at,
        **progress_columns(target.progress),
    }
