"""Victim lists: which hosts somebody else saw break, and when. They are evidence for a first reset."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from unloop.errors import Problem
from unloop.inventory import values
from unloop.inventory.inventory import Inventory, refuse
from unloop.inventory.table import Table, parse_table, text_of
from unloop.inventory.values import Unfit

NAME_COLUMNS = (
    "name",
    "hostname",
    "host",
    "computername",
    "computer name",
    "computer",
    "device",
    "device name",
    "aid_name",
)
TIME_COLUMNS = (
    "reported_broken_at",
    "time",
    "timestamp",
    "@timestamp",
    "_time",
    "last seen",
    "last_seen",
    "lastseen",
    "date",
)
_EPOCH = re.compile(r"\d{10}(?:\.\d+)?|\d{13}")


@dataclass(frozen=True, slots=True)
class Victim:
    """One line of a victim list."""

    name: str
    reported_broken_at: str
    place: tuple[str, int]


def read_victims(path: str) -> tuple[Victim, ...]:
    """The victims of a CSV export: a column with the host's name and one with the time; raises InputError."""
    table = parse_table(text_of(path), path, lambda name: name in NAME_COLUMNS or name in TIME_COLUMNS)
    problems = list(table.problems)
    name_at = _column(table, NAME_COLUMNS, "name", problems)
    time_at = _column(table, TIME_COLUMNS, "time", problems)
    victims: list[Victim] = []
    if name_at is not None and time_at is not None:
        for line, cells in table.rows:
            try:
                victims.append(Victim(values.name(cells[name_at]), _time(cells[time_at]), (path, line)))
            except Unfit as unfit:
                problems.append(Problem(unfit.what, path, line, hint=unfit.hint))
    if problems:
        raise refuse(problems)
    return tuple(victims)


def merge(inventory: Inventory, victims: Sequence[Victim]) -> Inventory:
    """The inventory with the latest time at which each victim was named; names it doesn't know become warnings.

    Names are compared whole and without case. A short name is never taken for a longer one, only hinted at.
    """
    known = {host.name.casefold() for host in inventory.hosts}
    latest: dict[str, str] = {}
    unknown: dict[str, Victim] = {}
    for victim in victims:
        key = victim.name.casefold()
        if key in known:
            latest[key] = max(latest.get(key, ""), victim.reported_broken_at)
        else:
            unknown.setdefault(key, victim)
    hosts = tuple(
        replace(host, reported_broken_at=max(latest[key], host.reported_broken_at)) if key in latest else host
        for host in inventory.hosts
        for key in (host.name.casefold(),)
    )
    warnings = _unknown(unknown, inventory)
    return replace(inventory, hosts=hosts, warnings=(*inventory.warnings, *warnings))


def _unknown(unknown: dict[str, Victim], inventory: Inventory) -> list[Problem]:
    by_short: dict[str, list[str]] = {}
    for host in inventory.hosts:
        by_short.setdefault(host.name.casefold().partition(".")[0], []).append(host.name)
    return [
        Problem(
            f"victim {victim.name!r} is not in the inventory",
            *victim.place,
            hint=f"it has {', '.join(near[:3])}" if (near := by_short.get(key.partition(".")[0])) else "",
        )
        for key, victim in unknown.items()
    ]


def _column(table: Table, names: Sequence[str], what: str, problems: list[Problem]) -> int | None:
    found = next((name for name in names if name in table.header), None)
    if found is None:
        hint = f"unloop knows: {', '.join(names)}"
        problems.append(Problem(f"no column with the {what}", table.path, table.header_line, hint=hint))
        return None
    return table.header.index(found)


def _time(text: str) -> str:
    """ISO 8601 with a zone, or seconds or milliseconds since 1970, as EDR consoles export."""
    if not text:
        raise Unfit("the time is empty")
    if _EPOCH.fullmatch(text):
        seconds = int(text) / 1000 if len(text) == 13 and "." not in text else float(text)
        return values.iso(datetime.fromtimestamp(seconds, UTC))
    return values.time(text)
