"""Turning rows into records and records into columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, exists, select

from unloop.model.attempt import StrikeRecord, Window
from unloop.model.host import Host
from unloop.model.host_run import HostRun, Progress, Rung, Stage
from unloop.model.outcome import Outcome
from unloop.model.power import BootIdentity
from unloop.model.state import CampaignState, State
from unloop.store import schema


def seconds(moment: datetime | None) -> float | None:
    """A time as the store keeps it."""
    return None if moment is None else moment.timestamp()


def moment(value: float | None) -> datetime | None:
    """A time as records keep it."""
    return None if value is None else datetime.fromtimestamp(value, UTC)


def host_run_of(row: RowMapping) -> HostRun:
    """A host_run row as a record."""
    return HostRun(
        id=row["id"],
        campaign=row["campaign_id"],
        host=Host.from_json(row["host"]),
        wave=row["wave"],
        state=State(row["state"]),
        progress=_progress_of(row),
        fence=row["fence"],
        owner=row["owner"],
        hold=row["hold"],
        outcome=Outcome(row["outcome"]) if row["outcome"] else None,
        cause=row["cause"],
        is_attempt_open=row["attempt_open"],
    )


def window_of(row: RowMapping) -> Window:
    """A window row as a record."""
    return Window(
        opened_at=datetime.fromtimestamp(row["opened_at"], UTC),
        opened_after=row["opened_after"],
        closed_after=row["closed_after"],
        struck_after=row["struck_after"],
        channel=row["channel"],
        caught=row["caught"],
        first_ports=row["first_ports"],
        lag=row["lag"],
        strikes=tuple(StrikeRecord(**strike) for strike in row["strikes"]),
    )


def _progress_of(row: RowMapping) -> Progress:
    return Progress(
        rung=Rung(row["rung"]),
        stage=Stage(row["stage"]),
        attempt=row["attempt"],
        rung_attempts=row["rung_attempts"],
        rung_since=moment(row["rung_since"]),
        broken_evidence=row["broken_evidence"],
        silent_boots=row["silent_boots"],
        refused_channels=row["refused_channels"],
        slow_channels=row["slow_channels"],
        landed_at=moment(row["landed_at"]),
        landed_via=row["landed_via"],
        landed_boot=_boot(row["landed_boot"], row["landed_boot_source"]),
        gone_at=moment(row["gone_at"]),
        proof_boot=_boot(row["proof_boot"], row["proof_boot_source"]),
        proof_since=moment(row["proof_since"]),
        verify_until=moment(row["verify_until"]),
        restarts=row["restarts"],
        ending=row["ending"],
        note=row["note"],
    )


def progress_columns(progress: Progress) -> dict[str, Any]:
    """A progress as the columns of host_run."""
    return {
        "rung": progress.rung,
        "stage": progress.stage,
        "attempt": progress.attempt,
        "rung_attempts": progress.rung_attempts,
        "rung_since": seconds(progress.rung_since),
        "broken_evidence": progress.broken_evidence,
        "silent_boots": progress.silent_boots,
        "refused_channels": progress.refused_channels,
        "slow_channels": progress.slow_channels,
        "landed_at": seconds(progress.landed_at),
        "landed_via": progress.landed_via,
        "landed_boot": progress.landed_boot.value if progress.landed_boot else None,
        "landed_boot_source": progress.landed_boot.source if progress.landed_boot else None,
        "gone_at": seconds(progress.gone_at),
        "proof_boot": progress.proof_boot.value if progress.proof_boot else None,
        "proof_boot_source": progress.proof_boot.source if progress.proof_boot else None,
        "proof_since": seconds(progress.proof_since),
        "verify_until": seconds(progress.verify_until),
        "restarts": progress.restarts,
        "ending": progress.ending,
        "note": progress.note,
    }


PROGRESS_COLUMNS = tuple(progress_columns(Progress(Rung.IN_BAND)))
"""Their names."""


def _boot(value: str | None, source: str | None) -> BootIdentity | None:
    return None if value is None else BootIdentity(value, source or "")


@dataclass(frozen=True, slots=True)
class Lease:
    """Who holds a host run, and what its next save has to mind."""

    state: State
    fence: int
    until: float
    hold: str
    campaign_state: CampaignState

    @property
    def stops(self) -> bool:
        """Whether the host run stops here, once it owes nothing."""
        return bool(self.hold) or self.campaign_state is CampaignState.ABORTED

    def is_held(self, fence: int, *, until: float | None = None) -> bool:
        """Whether an actor with this fence holds it, and still will at that time."""
        return self.state is State.WORKING and self.fence == fence and (until is None or self.until > until)


_RUN = schema.host_run
OWES = exists().where(schema.obligation.c.host_run_id == _RUN.c.id, schema.obligation.c.discharged_at.is_(None))
"""Whether a host run owes something, as a condition on its row."""
_LEASES = (
    select(_RUN.c.id, _RUN.c.state, _RUN.c.fence, _RUN.c.lease_until, _RUN.c.hold, schema.campaign.c.state)
    .join(schema.campaign, schema.campaign.c.id == _RUN.c.campaign_id)
    .where(_RUN.c.id.in_(bindparam("runs", expanding=True)))
    .order_by(_RUN.c.id)
    .with_for_update(of=_RUN)
)


def leases_of(connection: Connection, run_ids: Sequence[int]) -> dict[int, Lease]:
    """The leases of host runs, locked in the order of their ids until the end of the transaction."""
    return {
        number: Lease(State(state), fence, until, hold, CampaignState(running))
        for number, state, fence, until, hold, running in connection.execute(_LEASES, {"runs": run_ids})
    }
