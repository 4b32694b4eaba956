"""``unloop campaign``: list, show, watch, pause, resume, abort and retry campaigns, from any terminal."""

from datetime import UTC, datetime

import click
from rich.table import Table

from unloop.campaign import control
from unloop.cli.console import stderr
from unloop.cli.drive import drive, standing_as_json, tell_what_is_next
from unloop.cli.follow import code_of, final_table, follow, standing
from unloop.cli.options import config_option, json_option
from unloop.cli.output import emit_json, say
from unloop.cli.rows import chosen_rows
from unloop.dispatch.context import Context, make_context
from unloop.dispatch.owner import is_dead
from unloop.errors import EmptySelection
from unloop.model.host_run import Rung
from unloop.model.outcome import ExitCode
from unloop.model.state import CampaignState
from unloop.settings.load import load as load_settings
from unloop.store import accounts, campaigns, claims, queries, retries
from unloop.store.campaigns import Campaign

CAMPAIGN = click.argument("campaign", default="latest")


@click.group("campaign")
def group() -> None:
    """List, show, watch, pause, resume, abort and retry campaigns. CAMPAIGN is an id, the start of one, or a name."""


@group.command("list")
@config_option
@json_option
def list_command(config: str | None, *, as_json: bool) -> int:
    """List every campaign, newest first."""
    context = _context(config)
    found = campaigns.list_all(context.database)
    if as_json:
        emit_json([standing_as_json(standing(context.database, campaign.id)) for campaign in found])
        return ExitCode.GOOD
    table = Table("campaign", "name", "state", "hosts", "operator", "created")
    for campaign in found:
        created = datetime.fromtimestamp(campaign.created_at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        table.add_row(campaign.id, campaign.name, campaign.state, str(campaign.targets), campaign.operator, created)
    stderr().print(table if found else "no campaign yet; start one with `unloop run`")
    return ExitCode.GOOD


@group.command("show")
@CAMPAIGN
@config_option
@json_option
def show_command(campaign: str, config: str | None, *, as_json: bool) -> int:
    """Show where a campaign stands. The exit code is the campaign's."""
    context = _context(config)
    now = standing(context.database, campaigns.load(context.database, campaign).id)
    if as_json:
        events = [
            {"at": event["at"], "kind": event["kind"], "data": event["data"]}
            for event in queries.campaign_events(context.database, now.campaign.id)
        ]
        emit_json({**standing_as_json(now), "events": events})
        return code_of(now)
    console = stderr()
    console.print(_facts(now.campaign))
    console.print(final_table(now))
    tell_what_is_next(now)
    return code_of(now)


@group.command("watch")
@CAMPAIGN
@config_option
def watch_command(campaign: str, config: str | None) -> int:
    """Watch a campaign that another process works on; Ctrl-C only stops watching."""
    context = _context(config)
    found = campaigns.load(context.database, campaign)
    now = follow(context.database, found.id, console=stderr(), drives=False)
    stderr().print(final_table(now))
    return code_of(now) if now.campaign.state is not CampaignState.RUNNING else ExitCode.GOOD


@group.command("pause")
@CAMPAIGN
@config_option
def pause_command(campaign: str, config: str | None) -> int:
    """Pause: nothing new starts within a second, what is in mid-change is finished."""
    context = _context(config)
    paused = control.pause(context.database, campaign, reason="paused by an operator", now=datetime.now(UTC))
    now = standing(context.database, paused.id)
    say(
        f"{paused.id} is paused; {sum(now.states.values())} hosts, {now.tally.open_obligations} off by our hand right now"
    )
    return ExitCode.GOOD


@group.command("resume")
@CAMPAIGN
@config_option
@json_option
def resume_command(campaign: str, config: str | None, *, as_json: bool) -> int:
    """Go on with a campaign that was paused, stopped, or whose process died; the work is done in this process."""
    context = _context(config)
    resumed = control.resume(context.database, campaign, now=datetime.now(UTC))
    freed = claims.release_dead(context.database, is_dead, now=context.now())
    if freed:
        say(f"{freed} hosts were in the hands of a process that died; they are taken over now")
    return drive(context, resumed, as_json=as_json)


@group.command("abort")
@CAMPAIGN
@config_option
@click.option("--yes", is_flag=True, help="Don't ask.")
def abort_command(campaign: str, config: str | None, *, yes: bool) -> int:
    """Stop a campaign for good; hosts that are off by our hand are switched on first."""
    context = _context(config)
    found = campaigns.load(context.database, campaign)
    if not yes:
        click.confirm(f"Abort {found.id} with {found.targets} hosts?", abort=True, err=True)
    aborted, cancelled = control.abort(context.database, found.id, now=datetime.now(UTC))
    now = standing(context.database, aborted.id)
    say(
        f"{aborted.id} is aborted: {cancelled} idle hosts cancelled, {now.tally.open_obligations} still to be switched on"
    )
    claims.release_dead(context.database, is_dead, now=context.now())
    now = standing(context.database, aborted.id)
    if now.tally.open_obligations and not any(count.state == "working" for count in now.counts):
        return drive(context, aborted, as_json=False)
    return ExitCode.STOPPED


@group.command("retry")
@CAMPAIGN
@click.option("--where", required=True, help="Which hosts, e.g. 'outcome=needs_hands and site=LHR'.")
@config_option
@json_option
def retry_command(campaign: str, where: str, config: str | None, *, as_json: bool) -> int:
    """Queue ended hosts again with a fresh budget, and work on them; refused accounts may be tried once more."""
    context = _context(config)
    found = campaigns.load(context.database, campaign)
    rows = [row for row in chosen_rows(context.database, found.id, where) if row.run.outcome is not None]
    if not rows:
        raise EmptySelection(f"campaign {found.id}: no ended host matches {where!r}; nothing was queued")
    for account, _ in accounts.stopped(context.database):
        accounts.forget(context.database, account)
    first = Rung(str(found.options.get("ladder", ["in_band"])[0]))
    queued = retries.retry(context.database, [row.run.id for row in rows], rung=first, now=context.now())
    campaigns.move(
        context.database, found.id, CampaignState.RUNNING, reason=f"resumed: {queued} queued again", now=context.now()
    )
    say(f"{queued} hosts are queued again")
    return drive(context, campaigns.load(context.database, found.id), as_json=as_json)


def _context(config: str | None) -> Context:
    return make_context(load_settings(config))


def _facts(campaign: Campaign) -> Table:
    table = Table(show_header=False, box=None)
    table.add_row("playbook", f"{campaign.playbook_path} (sha256 {campaign.playbook_digest[:16]}…)")
    table.add_row("inventory", f"{campaign.inventory}  selection: {campaign.selection or 'all'}")
    table.add_row("targets", f"{campaign.targets}, frozen as sha256 {campaign.targets_digest[:16]}…")
    table.add_row("wave", f"{campaign.wave + 1} of {campaign.waves}")
    table.add_row("operator", campaign.operator)
    if campaign.reason:
        table.add_row("reason", campaign.reason)
    return table
