"""The per-host table of a report, as CSV and as JSON."""

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

from unloop.report.ledger import Ledger
from unloop.store.queries import HostRow

COLUMNS = (
    "name",
    "site",
    "rack",
    "outcome",
    "state",
    "cause",
    "rung",
    "attempts",
    "resets",
    "windows",
    "caught",
    "landed_via",
    "files",
    "proof",
)


def as_csv(ledger: Ledger) -> str:
    """One line for each host, with a header; text that a spreadsheet would take for a formula is quoted away."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in ledger.hosts:
        record = record_of(ledger, row)
        writer.writerow({key: _harmless(record[key]) for key in COLUMNS})
    return text.getvalue()


def as_json(ledger: Ledger) -> str:
    """The whole record as one JSON document."""
    campaign = ledger.campaign
    document = {
        "campaign": campaign.id,
        "name": campaign.name,
        "state": campaign.state,
        "operator": campaign.operator,
        "playbook": {"path": campaign.playbook_path, "sha256": campaign.playbook_digest},
        "targets": {"hosts": campaign.targets, "sha256": campaign.targets_digest},
        "created_at": campaign.created_at,
        "ended_at": campaign.ended_at,
        "made_at": ledger.made_at,
        "outcomes": dict(ledger.outcomes),
        "resets": ledger.tally.resets,
        "windows_seen": ledger.tally.windows,
        "windows_caught": ledger.tally.caught,
        "hosts": [
            {
                **record_of(ledger, row),
                "evidence": [_plain(item) for item in ledger.evidence.get(row.run.host.name, ())],
            }
            for row in ledger.hosts
        ],
        "windows": [_plain(window) for window in ledger.windows],
    }
    return json.dumps(document, indent=2, default=str) + "\n"


def record_of(ledger: Ledger, row: HostRow) -> dict[str, Any]:
    """One host as the columns of the table."""
    run = row.run
    return {
        "name": run.host.name,
        "site": run.host.site,
        "rack": run.host.rack,
        "outcome": str(run.outcome or ""),
        "state": str(run.state),
        "cause": run.cause or run.progress.note,
        "rung": str(run.progress.rung),
        "attempts": run.progress.attempt,
        "resets": row.resets,
        "windows": row.windows,
        "caught": row.caught,
        "landed_via": run.progress.landed_via,
        "files": "; ".join(files_of(ledger, run.host.name)),
        "proof": proof_of(ledger, run.host.name),
    }


def files_of(ledger: Ledger, name: str) -> tuple[str, ...]:
    """The files that the remedy changed on a host: path, SHA-256 and where it went."""
    told: dict[str, str] = {}
    for item in ledger.evidence.get(name, ()):
        if item["kind"] != "remedy":
            continue
        for action in item["data"].get("actions", ()):
            if action["status"] != "changed":
                continue
            for entry in action["files"]:
                if entry["judgement"] == "match":
                    went = f" → {entry['moved_to']}" if entry["moved_to"] else ""
                    told[entry["path"]] = (
                        f"{entry['path']} (sha256 {entry['sha256'][:12] or 'unread'}, {entry['size']} B){went}"
                    )
    return tuple(told.values())


def proof_of(ledger: Ledger, name: str) -> str:
    """The last verification of a host in one line."""
    found = [item for item in ledger.evidence.get(name, ()) if item["kind"] == "verification"]
    if not found:
        return ""
    data = found[-1]["data"]
    checks = [f"{check['check']}: {_word(check['holds'])}" for check in data["checks"]]
    boot = data["boot"]
    return "; ".join([*checks, f"boot {boot['value']}" if boot else "boot unknown"])


def _word(holds: bool | None) -> str:
    return "unknown" if holds is None else "holds" if holds else "does not hold"


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in {"id", "host_run_id"}}


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value[:1] in {"=", "+", "-", "@"} else value
