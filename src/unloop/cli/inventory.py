"""``unloop inventory``: check what an inventory says, and probe which host answers where."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict

import click
from rich.table import Table

from unloop.cli.console import stdout
from unloop.cli.options import (
    config_option,
    json_option,
    read_inventory,
    select_hosts,
    select_option,
    victims_option,
)
from unloop.cli.output import complain, emit_json, say
from unloop.errors import Problem
from unloop.inventory.probe import Answer, Sign, probe
from unloop.model.host import Host
from unloop.settings.load import load

MOST_ROWS = 100


@click.group()
def group() -> None:
    """Check an inventory, or probe which host answers where."""


@group.command()
@click.argument("source")
@config_option
@select_option
@victims_option
@json_option
def check(source: str, config: str | None, selection: str, victims: str | None, as_json: bool) -> None:
    """Read SOURCE, report every problem at once, and count its hosts by system, site and channel."""
    inventory = read_inventory(source, load(config), victims=victims)
    hosts, unknown = select_hosts(inventory, selection)
    warnings = (*inventory.warnings, *unknown)
    if as_json:
        emit_json(
            {
                "source": source,
                "hosts": len(hosts),
                "counts": {name: dict(counter) for name, counter in _counts(hosts).items()},
                "warnings": [asdict(warning) for warning in warnings],
            }
        )
        return
    _warn(warnings)
    _show_counts(source, hosts)


@group.command("probe")
@click.argument("source")
@config_option
@select_option
@click.option("--timeout", type=click.FloatRange(0.05, 60), default=2.0, show_default=True, help="Seconds per port.")
@json_option
def probe_command(source: str, config: str | None, selection: str, timeout: float, as_json: bool) -> None:
    """Ask every port of SOURCE's hosts and BMCs once whether it answers; logs on nowhere, changes nothing."""
    settings = load(config)
    inventory = read_inventory(source, settings)
    hosts, warnings = select_hosts(inventory, selection)
    signs = asyncio.run(probe(hosts, timeout=timeout, tls_ca=settings.trust.tls_ca))
    if as_json:
        emit_json({"source": source, "hosts": len(hosts), "signs": [asdict(sign) for sign in signs]})
        return
    _warn((*inventory.warnings, *warnings))
    _show_signs(signs)


def _counts(hosts: Sequence[Host]) -> dict[str, Counter[str]]:
    return {
        "system": Counter(str(host.system) for host in hosts),
        "site": Counter(host.site or "(none)" for host in hosts),
        "channel": Counter(endpoint.channel for host in hosts for endpoint in host.endpoints),
        "bmc": Counter(host.bmc.channel if host.bmc else "(none)" for host in hosts),
        "credential": Counter("given" if _has_credentials(host) else "(none)" for host in hosts),
        "broken": Counter("named by a victim list" if host.reported_broken_at else "(not known)" for host in hosts),
    }


def _has_credentials(host: Host) -> bool:
    return any(endpoint.credentials for endpoint in host.endpoints)


def _show_counts(source: str, hosts: Sequence[Host]) -> None:
    table = Table(title=f"{source}: {len(hosts):,} hosts", title_justify="left")
    table.add_column("by")
    table.add_column("value")
    table.add_column("hosts", justify="right")
    for name, counter in _counts(hosts).items():
        for value, count in counter.most_common(20):
            table.add_row(name, value, f"{count:,}")
        table.add_section()
    stdout().print(table)


def _show_signs(signs: Sequence[Sign]) -> None:
    console = stdout()
    table = Table()
    for heading in ("host", "channel", "address", "port", "answer"):
        table.add_column(heading, no_wrap=heading == "host", overflow="fold")
    for sign in signs[:MOST_ROWS]:
        answer = f"{sign.answer} ({sign.note})" if sign.note else str(sign.answer)
        table.add_row(sign.host, sign.channel, sign.address, str(sign.port), answer)
    console.print(table)
    if len(signs) > MOST_ROWS:
        say(f"{len(signs) - MOST_ROWS:,} more; --json shows all")
    totals = Table("channel", *map(str, Answer))
    for channel in sorted({sign.channel for sign in signs}):
        counts = Counter(sign.answer for sign in signs if sign.channel == channel)
        totals.add_row(channel, *(f"{counts[answer]:,}" for answer in Answer))
    console.print(totals)


def _warn(warnings: Iterable[Problem]) -> None:
    for warning in warnings:
        complain(f"warning: {warning}")
