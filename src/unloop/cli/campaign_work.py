"""Commands that go on with a campaign's work in this process, or end it."""

from datetime import UTC, datetime

import click

from unloop.campaign import control
from unloop.cli.drive import drive, is_local, ready
from unloop.cli.follow import Standing, standing
from unloop.cli.hints import command
from unloop.cli.options import config_option, json_option
from unloop.cli.output import say
from unloop.cli.rows import chosen_rows
from unloop.dispatch.context import Context, make_context
from unloop.dispatch.owner import is_dead, process_of
from unloop.errors import EmptySelection, InputError, Problem
from unloop.model.host_run import Rung
from unloop.model.outcome import ExitCode
from unloop.model.state import CampaignState, State
from unloop.secrets.resolve import accounts_of
from unloop.settings.load import load as load_settings
from unloop.store import accounts, campaigns, claims, retries
from unloop.store.campaigns import Campaign

CAMPAIGN = click.argument("campaign", default="latest")


@click.command("resume")
@CAMPAIGN
@config_option
@json_option
def resume_command(campaign: str, config: str | None, *, as_json: bool) -> int:
    """Go on with a campaign that was paused, stopped, or whose process died; the work is done in this process."""
    context = ready(load_settings(config))
    _refuse_beside_another(context, campaigns.load(context.database, campaign))
    resumed = control.resume(context.database, campaign, now=datetime.now(UTC))
    freed = claims.release_dead(context.database, is_dead, now=context.now())
    if freed:
        say(f"{freed} hosts were in the hands of a process that died; they are taken over now")
    return drive(context, resumed, as_json=as_json)


def _refuse_beside_another(context: Context, campaign: Campaign) -> None:
    """A campaign that a living process drives is watched, not driven twice; raises InputError."""
    if campaign.state is not CampaignState.RUNNING or not is_local(context.settings):
        return
    living = [owner for owner in claims.owners(context.database, campaign.id) if owner and not is_dead(owner)]
    if living:
        what = f"campaign {campaign.id} is being worked on by process {process_of(living[0])}"
        raise InputError(Problem(what, hint=f"look on with: {command('campaign watch', campaign.id)}"))


@click.command("abort")
@CAMPAIGN
@config_option
@click.option("--yes", is_flag=True, help="Don't ask.")
def abort_command(campaign: str, config: str | None, *, yes: bool) -> int:
    """End a campaign; hosts that are off or in safe mode by our hand are brought back first.

    What has not ended is cancelled, also where the remedy has landed and is not proven yet. `retry` queues it again.
    """
    context = _context(config)
    found = campaigns.load(context.database, campaign)
    before = standing(context.database, found.id)
    if not yes and not click.confirm(_question(before), err=True):
        say(f"{found.id} goes on as it was")
        return ExitCode.GOOD
    claims.release_dead(context.database, is_dead, now=context.now())
    aborted, cancelled = control.abort(context.database, found.id, now=datetime.now(UTC))
    now = standing(context.database, aborted.id)
    say(f"{aborted.id} is aborted: {cancelled} idle hosts cancelled, {now.tally.owing or 'none off by our hand'}")
    if now.states[State.WORKING]:
        say(
            f"{now.states[State.WORKING]} are in the hands of processes that end what they have begun, and undo first what "
            "they owe; should one of them have died elsewhere, give the command again in a minute"
        )
    elif now.tally.open_obligations:
        return drive(context, aborted, as_json=False)
    return ExitCode.STOPPED


@click.command("retry")
@CAMPAIGN
@click.option("--where", required=True, help="Which hosts, e.g. 'outcome=needs_hands and site=LHR'.")
@config_option
@json_option
def retry_command(campaign: str, where: str, config: str | None, *, as_json: bool) -> int:
    """Queue ended hosts again with a fresh budget, and work on them; their refused accounts may be tried once more."""
    context = ready(load_settings(config))
    found = campaigns.load(context.database, campaign)
    rows = [row for row in chosen_rows(context.database, found.id, where) if row.run.outcome is not None]
    if not rows:
        raise EmptySelection(f"campaign {found.id}: no ended host matches {where!r}; nothing was queued")
    control.check_free(context.database, [row.run.host.name for row in rows])
    theirs = accounts_of(context.settings, [row.run.host for row in rows])
    for account, _ in accounts.stopped(context.database):
        if account in theirs:
            accounts.forget(context.database, account)
            say(f"account {account} was refused and may be tried again")
    first = Rung(str(found.options.get("ladder", ["in_band"])[0]))
    queued = retries.retry(context.database, [row.run.id for row in rows], rung=first, now=context.now())
    campaigns.move(
        context.database, found.id, CampaignState.RUNNING, reason=f"resumed: {queued} queued again", now=context.now()
    )
    say(f"{queued} hosts are queued again")
    return drive(context, campaigns.load(context.database, found.id), as_json=as_json)


def _question(now: Standing) -> str:
    open_hosts = now.campaign.targets - now.states[State.ENDED]
    landed = f", {now.landed} of them with the remedy landed and not proven yet" if now.landed else ""
    return f"Abort {now.campaign.id}? {open_hosts} hosts have not ended{landed}; they will be cancelled."


def _context(config: str | None) -> Context:
    return make_context(load_settings(config))
