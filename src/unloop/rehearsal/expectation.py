"""How every simulated host must end, told from its spec alone before a campaign begins; this code can't see the store."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from unloop.model.outcome import Outcome
from unloop.rehearsal.spec import Kind, MachineSpec

EXPECTED: Mapping[Kind, Outcome] = {
    Kind.LOOPING: Outcome.FIXED,
    Kind.TARPIT: Outcome.FIXED,
    Kind.HELD: Outcome.FIXED,
    Kind.HEALTHY: Outcome.ALREADY_GOOD,
    Kind.PARKED: Outcome.NEEDS_HANDS,
    Kind.LOCKED: Outcome.NEEDS_KEY,
    Kind.WRONG_PASSWORD: Outcome.NEEDS_HANDS,
    Kind.WRONG_BMC: Outcome.NEEDS_HANDS,
    Kind.UNREACHABLE: Outcome.UNREACHABLE,
    Kind.HEALTHY_CLOSED: Outcome.UNREACHABLE,
}
NEVER_RESET = frozenset({Kind.HEALTHY, Kind.HEALTHY_CLOSED, Kind.WRONG_BMC, Kind.UNREACHABLE})
"""Kinds that no campaign may ever take down."""


def expect(specs: Iterable[MachineSpec]) -> dict[str, Outcome]:
    """The outcome of every host by its name."""
    return {spec.name: EXPECTED[spec.kind] for spec in specs}


def never_reset(specs: Iterable[MachineSpec]) -> frozenset[str]:
    """The hosts that must not be reset once."""
    return frozenset(spec.name for spec in specs if spec.kind in NEVER_RESET)


def mismatches(expected: Mapping[str, str], outcomes: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """The hosts that ended otherwise than expected: what was expected, and what came ('' for nothing)."""
    return {
        name: (str(expected.get(name, "")), str(outcomes.get(name, "")))
        for name in sorted({*expected, *outcomes})
        if str(expected.get(name, "")) != str(outcomes.get(name, ""))
    }


def document(specs: Iterable[MachineSpec]) -> dict[str, Any]:
    """The expectation as JSON: outcomes by name, how many of each, how many of each kind, and who is never reset."""
    specs = tuple(specs)
    expected = expect(specs)
    return {
        "hosts": len(specs),
        "outcomes": {name: str(outcome) for name, outcome in expected.items()},
        "counts": dict(sorted(Counter(str(outcome) for outcome in expected.values()).items())),
        "kinds": dict(sorted(Counter(str(spec.kind) for spec in specs).items())),
        "never_reset": sorted(never_reset(specs)),
    }


def write(path: Path, specs: Iterable[MachineSpec]) -> None:
    """Write the expectation down, before anything begins."""
    path.write_text(json.dumps(document(specs), indent=1) + "\n", encoding="utf-8")
