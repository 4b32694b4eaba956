"""Turning rows into records and records into columns."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import RowMapping

from unloop.model.host import Host
from unloop.model.host_run import HostRun, Progress, Rung, Stage
from unloop.model.outcome import Outcome
from unloop.model.power import BootIdentity
from unloop.model.state import State


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


def _boot(value: str | None, source: str | None) -> BootIdentity | None:
    return None if value is None else BootIdentity(value, source or "")
