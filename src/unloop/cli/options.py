"""Options that several commands share, and what they stand for."""

from collections.abc import Callable
from typing import TypeVar

import click

from unloop.errors import EmptySelection, Problem
from unloop.inventory.inventory import Inventory
from unloop.inventory.read import read
from unloop.inventory.selection import Selection, parse, select
from unloop.inventory.victims import merge, read_victims
from unloop.model.host import Host
from unloop.settings.schema import Settings

CANARY = ("1", "5", "rest")
_Command = TypeVar("_Command", bound=Callable[..., object])


def config_option(command: _Command) -> _Command:
    """``--config FILE``; the command gets ``config``."""
    return click.option(
        "--config",
        "-c",
        metavar="FILE",
        help="Settings file. [default: $UNLOOP_CONFIG, else ./unloop.toml, else the defaults alone]",
    )(command)


def inventory_option(command: _Command) -> _Command:
    """``--inventory SOURCE``; the command gets ``inventory``."""
    return click.option(
        "--inventory",
        "-i",
        required=True,
        metavar="SOURCE",
        help="Inventory: CSV, Ansible INI or YAML, JSON, an executable, or '!command arguments'.",
    )(command)


def _said(_context: click.Context, _option: click.Parameter, value: str | None) -> str:
    """The selection, '' where none is given; one that is given and empty is an unset variable in somebody's script."""
    if value is not None and not value.strip():
        raise EmptySelection("--select is given and empty; leave it out to select every host")
    return value or ""


def select_option(command: _Command) -> _Command:
    """``--select TEXT``; the command gets ``selection``."""
    return click.option(
        "--select",
        "-s",
        "selection",
        callback=_said,
        metavar="TEXT",
        help="Which hosts, e.g. 'site=LHR and tier<=1 and not label.hold' or 'web[01-40] - web07'. [default: all]",
    )(command)


def waves_option(command: _Command) -> _Command:
    """``--waves TEXT``; the command gets ``waves``, the words of it."""
    return click.option(
        "--waves",
        default=" ".join(CANARY),
        show_default=True,
        callback=lambda _context, _option, value: tuple(value.replace(",", " ").split()),
        help="Sizes of the waves: numbers, shares, 'rest'.",
    )(command)


def victims_option(command: _Command) -> _Command:
    """``--victims FILE``; the command gets ``victims``."""
    return click.option(
        "--victims",
        metavar="FILE",
        help="CSV with names and times of hosts that were seen to break, for example an EDR's export.",
    )(command)


def json_option(command: _Command) -> _Command:
    """``--json``; the command gets ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout, nothing else.")(command)


def read_inventory(source: str, settings: Settings, *, victims: str | None = None) -> Inventory:
    """The inventory with the victim list merged into it."""
    found = read(source, settings)
    return merge(found, read_victims(victims)) if victims else found


def select_hosts(inventory: Inventory, text: str) -> tuple[tuple[Host, ...], tuple[Problem, ...]]:
    """The selected hosts, and a warning for names in the selection that no host has; raises EmptySelection."""
    selection: Selection = parse(text)
    hosts = select(inventory.hosts, selection)
    unknown = selection.unknown_names(inventory.hosts)
    shown = ", ".join(unknown[:10]) + (f" and {len(unknown) - 10} more" if len(unknown) > 10 else "")
    warnings = (Problem(f"the selection names hosts that {inventory.source} hasn't: {shown}"),) if unknown else ()
    return hosts, warnings
