"""The bounds that a rehearsal takes from the user's settings: all that is counted. Times are the simulated hosts' own."""

import json
from collections.abc import Mapping
from dataclasses import fields

from unloop.settings.schema import Settings

TABLES = ("race", "limits")
Bounds = Mapping[str, Mapping[str, int]]
"""Settings by table and name; bool is an int."""


def bounds_of(settings: Settings) -> dict[str, dict[str, int]]:
    """Every limit and count of the settings, whether it was set or is the default."""
    return {
        table: {
            item.name: getattr(getattr(settings, table), item.name)
            for item in fields(getattr(settings, table))
            if item.metadata["kind"] != "duration"
        }
        for table in TABLES
    }


def with_bounds(text: str, bounds: Bounds) -> str:
    """The text of a settings file with these bounds in place of its own; whatever else it says stays."""
    lines: list[str] = []
    table, left = "", {name: dict(values) for name, values in bounds.items()}
    for line in text.splitlines():
        if line.startswith("["):
            table = line.strip().strip("[]")
            added = [f"{name} = {json.dumps(value)}" for name, value in left.pop(table, {}).items()]
            lines += [line, *added]
        elif line.partition("=")[0].strip() not in bounds.get(table, {}):
            lines.append(line)
    for table, values in left.items():
        lines += [f"[{table}]", *(f"{name} = {json.dumps(value)}" for name, value in values.items())]
    return "\n".join([*lines, ""])


def in_words(settings: Settings) -> str:
    """Which of a user's settings are in force in a rehearsal, and which are not."""
    usual = bounds_of(Settings())
    own: list[str] = []
    default: list[str] = []
    for table, values in bounds_of(settings).items():
        for name, value in values.items():
            (default if value == usual[table][name] else own).append(f"{table}.{name} {json.dumps(value)}")
    source = ", ".join(map(str, settings.sources)) or "no settings file"
    return (
        f"In force from {source}: {', '.join(own) or 'nothing but defaults'}. Defaults: {', '.join(default)}.\n"
        "Every time is the rehearsal's own, since simulated boots take seconds; so are credentials, trust, store and broker."
    )
