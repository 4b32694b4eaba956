"""Commands that look at campaigns, and the one that pauses them: they work on nothing themselves."""

from datetime import UTC, datetime

import click
from rich.table import Table

from unloop.campaign import control
from unloop.cli.console import stderr, stdout
from unloop.cli.drive import is_local
from unloop.cli.follow import code_of, final_table, follow, standing
from unloop.cli.hints import command
from unloop.cli.listing import show_listing
from unloop.cli.options import config_option, json_option
from unloop.cli.output import emit_json, say
from unloop.cli.standing import left_alone, standing_as_json, tell_what_is_next
from unloop.dispatch.context import Context, make_context
from unloop.model.outcome import ExitCode
from unloop.settings.load import load as load_settings
from unloop.store import campaigns, queries
from unloop.store.campaigns import Campaign

COLUMNS = ("campaign", "state", "hosts", "created", "operator", "name")
SPARE = ("operator", "created", "hosts", "state")
"""What a narrow terminal does not show, least important first."""
CAMPAIGN = click.argument("campaign", default="latest")


@click.command("list")
@config_option
@json_option
def list_command(config: str | None, *, as_json: bool) -> int:
    """List every campaign, newest first."""
    context = _context(config)
    found = campaigns.list_all(context.database)
    if as_json:
        emit_json([standing_as_json(standing(context.database, campaign.id)) for campaign in found])
        return ExitCode.GOOD
    if not found:
        say(f"no campaign yet; start one with: {command('run')}")
        return ExitCode.GOOD
    left_out = show_listing([_row(campaign) for campaign in found], stdout(), columns=COLUMNS, spare=SPARE)
    if left_out:
        say(f"no room for {', '.join(left_out)} (--json has more)")
    return ExitCode.GOOD


@click.command("show")
@CAMPAIGN
@config_option
@json_option
def show_command(campaign: str, config: str | None, *, as_json: bool) -> int:
    """Show where a campaign stands. The exit code is the campaign's, and 0 while it runs."""
    context = _context(config)
    now = standing(context.database, campaigns.load(context.database, campaign).id)
    if as_json:
        events = [
            {"at": event["at"], "kind": event["kind"], "data": event["data"]}
            for event in queries.campaign_events(context.database, now.campaign.id)
        ]
        emit_json({**standing_as_json(now), "events": events})
        return code_of(now)
    console = stdout()
    console.print(_facts(now.campaign))
    console.print(final_table(now))
    alone = left_alone(context.database, now.campaign.id)
    tell_what_is_next(now, alone=alone, has_workers=not is_local(context.settings))
    return code_of(now)


@click.command("watch")
@CAMPAIGN
@config_option
def watch_command(campaign: str, config: str | None) -> int:
    """Watch a campaign that another process works on; Ctrl-C only stops watching."""
    context = _context(config)
    found = campaigns.load(context.database, campaign)
    now = follow(context.database, found.id, console=stderr(), drives=False, has_workers=not is_local(context.settings))
    stderr().print(final_table(now))
    return code_of(now)


@click.command("pause")
@CAMPAIGN
@config_option
def pause_command(campaign: str, config: str | None) -> int:
    """Pause: nothing new starts within a second, what is in mid-change is finished."""
    context = _context(config)
    paused = control.pause(context.database, campaign, reason="paused by an operator", now=datetime.now(UTC))
    now = standing(context.database, paused.id)
    say(
        f"{paused.id} is paused; {sum(now.states.values())} hosts, right now {now.tally.owing or 'none off by our hand'}"
    )
    return ExitCode.GOOD


def _context(config: str | None) -> Context:
    return make_context(load_settings(config))


def _row(campaign: Campaign) -> dict[str, object]:
    created = datetime.fromtimestamp(campaign.created_at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    return {
        "campaign": campaign.id,
        "state": campaign.state,
        "hosts": campaign.targets,
        "created": created,
        "operator": campaign.operator,
        "name": campaign.name,
    }


def _facts(campaign: Campaign) -> Table:
    table = Table(show_header=False, box=None)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("playbook", f"{campaign.playbook_path} (sha256 {campaign.playbook_digest[:16]}…)")
    table.add_row("inventory", f"{campaign.inventory}  selection: {campaign.selection or 'all'}")
    table.add_row("targets", f"{campaign.targets}, frozen as sha256 {campaign.targets_digest[:16]}…")
    table.add_row("wave", f"{campaign.wave + 1} of {campaign.waves}")
    table.add_row("operator", campaign.operator)
    if campaign.reason:
        table.add_row("reason", campaign.reason)
    return table
