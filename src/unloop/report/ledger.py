"""The record of a campaign as one value, read from the store once; every format of the report is made from it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unloop.model.outcome import GOOD, Outcome
from unloop.model.state import State
from unloop.store import campaigns, queries
from unloop.store.campaigns import Campaign
from unloop.store.database import Database
from unloop.store.queries import HostRow, Tally, WindowFact


@dataclass(frozen=True, slots=True)
class Ledger:
    """Everything that a report tells. Times in seconds since the epoch."""

    campaign: Campaign
    hosts: tuple[HostRow, ...]
    windows: tuple[Mapping[str, Any], ...]
    facts: tuple[WindowFact, ...]
    attempts: tuple[Mapping[str, Any], ...]
    evidence: Mapping[str, tuple[Mapping[str, Any], ...]]
    tally: Tally
    made_at: float

    @property
    def outcomes(self) -> Counter[str]:
        """Hosts in each bucket: an outcome, or the state of a host that has none yet. They add up to the targets."""
        return Counter(str(row.run.outcome or f"not ended: {row.run.state}") for row in self.hosts)

    @property
    def good(self) -> int:
        """Hosts that ended well."""
        return sum(row.run.outcome in GOOD for row in self.hosts)

    @property
    def ended(self) -> int:
        """Hosts that have an outcome."""
        return sum(row.run.state is State.ENDED for row in self.hosts)

    def attempts_of_fixed(self) -> Counter[int]:
        """How many attempts the fixed hosts took, host by host."""
        return Counter(row.run.progress.attempt for row in self.hosts if row.run.outcome is Outcome.FIXED)


def read_ledger(database: Database, campaign_id: str, *, now: float) -> Ledger:
    """Read a campaign's record."""
    evidence: dict[str, list[Mapping[str, Any]]] = {}
    for row in queries.evidence_of(database, campaign_id):
        evidence.setdefault(row["name"], []).append(row)
    return Ledger(
        campaign=campaigns.load(database, campaign_id),
        hosts=queries.host_rows(database, campaign_id),
        windows=queries.windows_of(database, campaign_id),
        facts=queries.window_facts(database, campaign_id),
        attempts=queries.attempts_of(database, campaign_id),
        evidence={name: tuple(rows) for name, rows in evidence.items()},
        tally=queries.tally(database, campaign_id),
        made_at=now,
    )
