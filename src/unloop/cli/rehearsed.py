"""Judging a rehearsal: what the store says against what was expected, and against what the simulated BMCs counted."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from unloop.rehearsal import witness as witness_file
from unloop.store import queries
from unloop.store.database import Database

TITLE = "Against what was expected before the campaign began"


@dataclass(frozen=True, slots=True)
class Judgement:
    """How a rehearsal went. ``mismatches`` are (host, expected, found); the rest is what the simulated hosts saw."""

    hosts: int
    outcomes: Mapping[str, int]
    expected_outcomes: Mapping[str, int]
    mismatches: tuple[tuple[str, str, str], ...]
    resets: int
    double_resets: int
    windows_seen: int
    windows_caught: int
    safe_boots: int = 0
    left_in_safe_mode: tuple[str, ...] = ()

    @property
    def is_right(self) -> bool:
        """Every host is in the bucket expected, none was reset twice, and none is in safe mode or on its way there."""
        return not (self.mismatches or self.double_resets or self.left_in_safe_mode)

    def to_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            "hosts": self.hosts,
            "outcomes": dict(self.outcomes),
            "expected_outcomes": dict(self.expected_outcomes),
            "mismatches": [
                {"host": host, "expected": expected, "found": found} for host, expected, found in self.mismatches
            ],
            "resets": self.resets,
            "double_resets": self.double_resets,
            "windows_seen": self.windows_seen,
            "windows_caught": self.windows_caught,
            "safe_boots": self.safe_boots,
            "left_in_safe_mode": list(self.left_in_safe_mode),
        }


def judge(database: Database, campaign_id: str, expected_path: Path, witness: Path, *, spacing: float) -> Judgement:
    """Compare the store with the expectation's file and the witness's file."""
    expected: Mapping[str, str] = json.loads(expected_path.read_text(encoding="utf-8"))["outcomes"]
    rows = queries.host_rows(database, campaign_id)
    found = {row.run.host.name: str(row.run.outcome or row.run.state) for row in rows}
    names = sorted({*expected, *found})
    missing = "missing"
    mismatches = tuple(
        (name, expected.get(name, missing), found.get(name, missing))
        for name in names
        if expected.get(name, missing) != found.get(name, missing)
    )
    heard = witness_file.read(witness).values()
    tally = queries.tally(database, campaign_id)
    return Judgement(
        hosts=len(rows),
        outcomes=dict(sorted(Counter(found.values()).items())),
        expected_outcomes=dict(sorted(Counter(expected.values()).items())),
        mismatches=mismatches,
        resets=sum(len(testimony.resets) for testimony in heard),
        double_resets=sum(testimony.double_resets(spacing) for testimony in heard),
        windows_seen=tally.windows,
        windows_caught=tally.caught,
        safe_boots=sum(testimony.safe_boots for testimony in heard),
        left_in_safe_mode=tuple(sorted(testimony.host for testimony in heard if testimony.is_left_in_safe_mode)),
    )


def show_judgement(judgement: Judgement, console: Console) -> None:
    """The judgement for people."""
    table = Table(title=TITLE, title_justify="left", min_width=len(TITLE))
    for column in ("outcome", "expected", "found"):
        table.add_column(column, justify="left" if column == "outcome" else "right")
    for name in sorted({*judgement.outcomes, *judgement.expected_outcomes}):
        wanted, had = judgement.expected_outcomes.get(name, 0), judgement.outcomes.get(name, 0)
        table.add_row(name, str(wanted), str(had), style="" if wanted == had else "red")
    console.print(table)
    for host, expected, found in judgement.mismatches[:20]:
        console.print(f"[red]{host}: expected {expected}, found {found}")
    console.print(
        f"The simulated BMCs counted {judgement.resets} resets, {judgement.double_resets} of them double; "
        f"{judgement.windows_caught} of {judgement.windows_seen} windows were caught."
    )
    if judgement.safe_boots:
        left = ", ".join(judgement.left_in_safe_mode) or "none is left there"
        console.print(f"Hosts started {judgement.safe_boots} times into safe mode; {left}.")
