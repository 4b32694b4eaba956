"""``unloop host``: one host's timeline, and lists of hosts by state and outcome."""

import csv
import io
import time
from collections.abc import Sequence
from typing import Any

import click
from rich.text import Text

from unloop.cli.console import stdout
from unloop.cli.forecast import forecast
from unloop.cli.hints import command
from unloop.cli.listing import show_listing
from unloop.cli.options import config_option, json_option
from unloop.cli.output import emit, emit_json, say
from unloop.cli.rows import chosen_rows
from unloop.cli.timeline import instructions_of, timeline_table
from unloop.dispatch.context import make_context
from unloop.errors import EmptySelection
from unloop.inventory.ranges import fold
from unloop.model.outcome import ExitCode
from unloop.model.state import State
from unloop.settings.load import load as load_settings
from unloop.store import campaigns, queries, retries
from unloop.store.database import Database
from unloop.store.queries import HostRow

COLUMNS = ("name", "site", "state", "outcome", "rung", "attempts", "resets", "windows", "caught", "cause")
SPARE = ("caught", "windows", "rung", "resets", "attempts", "site", "state", "outcome")
"""What a narrow terminal does not show, least important first; the name and the cause are always there."""


@click.group("host")
def group() -> None:
    """One host's timeline, hosts by state and outcome, and a person's hold on some."""


@group.command("show")
@click.argument("name")
@click.option("--campaign", help="In this campaign; default: the newest that knows the host.")
@config_option
@json_option
def show_command(name: str, campaign: str | None, config: str | None, *, as_json: bool) -> int:
    """Show everything that was done to one host and what it answered: resets, windows, strikes, evidence, outcome."""
    database = make_context(load_settings(config)).database
    campaign_id = campaigns.load(database, campaign).id if campaign else None
    run = queries.find_host(database, name, campaign_id)
    lines, ahead = queries.timeline(database, run.id), forecast(database, run)
    if as_json:
        head = {"name": run.host.name, "campaign": run.campaign, "state": run.state, "outcome": run.outcome}
        told = {"cause": run.cause, "note": run.progress.note, "forecast": ahead.to_json() if ahead else None}
        emit_json({**head, **told, "timeline": lines})
        return ExitCode.GOOD
    console = stdout()
    now = f" in {run.campaign}: {run.outcome or run.state} — {run.cause or run.progress.note}"
    console.print(Text.assemble((run.host.name, "bold"), now), overflow="fold")
    if ahead is not None:
        console.print(f"Forecast: {ahead}", overflow="fold", highlight=False)
    console.print(timeline_table(lines))
    if instructions := instructions_of(lines):
        console.print(Text("\nWhat a person has to do:", style="bold"))
        emit(instructions)
    return ExitCode.GOOD


@group.command("list")
@click.argument("campaign", default="latest")
@click.option("--state", type=click.Choice([state.value for state in State]), help="Only hosts in this state.")
@click.option("--where", default="", help="Which hosts, e.g. 'outcome=needs_hands', 'not good and rack=A1'.")
@click.option("-o", "--output", type=click.Choice(["table", "csv", "json", "hostlist"]), default="table")
@config_option
def list_command(campaign: str, state: str | None, where: str, output: str, config: str | None) -> int:
    """List a campaign's hosts, on stdout in every form; a table leaves out what a narrow terminal has no room for."""
    database = make_context(load_settings(config)).database
    found = campaigns.load(database, campaign)
    rows = [row for row in chosen_rows(database, found.id, where) if state is None or row.run.state == state]
    if not rows:
        told = " and ".join(part for part in (f"state={state}" if state else "", where) if part)
        raise EmptySelection(f"campaign {found.id}: no host matches {told!r}")
    _print(rows, output)
    return ExitCode.GOOD


@group.command("hold")
@click.argument("campaign", default="latest")
@click.option("--where", required=True, help="Which hosts, e.g. 'name in db[01-04]' or 'rack=A1'.")
@click.option("--reason", required=True, help="Why; it stands in the record.")
@config_option
def hold_command(campaign: str, where: str, reason: str, config: str | None) -> int:
    """Keep hosts from being worked on until they are released; what is in mid-change there is finished first."""
    database = make_context(load_settings(config)).database
    rows = _open_rows(database, campaign, where)
    held = retries.hold(database, [row.run.id for row in rows], reason=reason, now=time.time())
    words = () if campaign == "latest" else (campaign,)
    say(f"{held} hosts are held: {reason}. Let them go on with: {command('host release', *words, '--where', where)}")
    return ExitCode.GOOD


@group.command("release")
@click.argument("campaign", default="latest")
@click.option("--where", required=True, help="Which hosts, e.g. 'state=held'.")
@config_option
def release_command(campaign: str, where: str, config: str | None) -> int:
    """Let held hosts go on where they stopped."""
    database = make_context(load_settings(config)).database
    rows = [row for row in _open_rows(database, campaign, where) if row.run.hold]
    if not rows:
        raise EmptySelection(f"no host that matches {where!r} is held; nothing was changed")
    released = retries.release(database, [row.run.id for row in rows], now=time.time())
    say(f"{released} hosts go on")
    return ExitCode.GOOD


def _open_rows(database: Database, campaign: str, where: str) -> list[HostRow]:
    """The hosts that a selection matches and that have not ended; raises EmptySelection."""
    found = campaigns.load(database, campaign)
    rows = [row for row in chosen_rows(database, found.id, where) if row.run.outcome is None]
    if not rows:
        raise EmptySelection(f"campaign {found.id}: no host that has not ended matches {where!r}; nothing was changed")
    return rows


def _print(rows: Sequence[HostRow], output: str) -> None:
    records = [row_of(row) for row in rows]
    if output == "json":
        emit_json(records)
    elif output == "hostlist":
        emit(fold([row.run.host.name for row in rows]))
    elif output == "csv":
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)
        emit(text.getvalue().rstrip("\n"))
    else:
        left_out = show_listing(records, stdout(), columns=COLUMNS, spare=SPARE)
        told = f"; no room for {', '.join(left_out)} (-o csv has them)" if left_out else ""
        say(f"{len(records)} hosts{told}")


def row_of(row: HostRow) -> dict[str, Any]:
    """One host run as the columns of listings."""
    run = row.run
    return {
        "name": run.host.name,
        "site": run.host.site,
        "state": str(run.state),
        "outcome": str(run.outcome or ""),
        "rung": str(run.progress.rung),
        "attempts": run.progress.attempt,
        "resets": row.resets,
        "windows": row.windows,
        "caught": row.caught,
        "cause": run.cause or run.progress.note,
    }
