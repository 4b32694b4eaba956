"""Host runs chosen by a selection that also knows outcome, state, rung and good."""

from dataclasses import replace

from unloop.errors import EmptySelection
from unloop.inventory.selection import select
from unloop.model.host import Host
from unloop.model.outcome import GOOD
from unloop.store.database import Database
from unloop.store.queries import HostRow, host_rows


def chosen_rows(database: Database, campaign_id: str, where: str) -> tuple[HostRow, ...]:
    """The host runs of a campaign that a selection matches; none is an empty tuple, for the caller to judge."""
    rows = {row.run.host.name: row for row in host_rows(database, campaign_id)}
    try:
        found = select([_with_run(row) for row in rows.values()], where)
    except EmptySelection:
        return ()
    return tuple(rows[host.name] for host in found)


def _with_run(row: HostRow) -> Host:
    run = row.run
    known = {
        "run.outcome": str(run.outcome or ""),
        "run.state": str(run.state),
        "run.rung": str(run.progress.rung),
        "run.good": "true" if run.outcome in GOOD else "false",
    }
    return replace(run.host, labels={**run.host.labels, **known})
