"""A campaign's standing in words and as data."""

import time

from unloop.cli.follow import OVERDUE, Standing, code_of
from unloop.cli.hints import command
from unloop.cli.output import say
from unloop.dispatch.owner import is_dead
from unloop.model.outcome import GOOD, ExitCode
from unloop.model.state import CampaignState
from unloop.store import campaigns, claims
from unloop.store.database import Database


def left_alone(database: Database, campaign_id: str) -> int:
    """How many hosts of a running campaign are due for a while, or held by a process of this machine that has died."""
    due = campaigns.due_queues(database, now=time.time() - OVERDUE)
    dead = sum(hosts for owner, hosts in claims.owners(database, campaign_id).items() if is_dead(owner))
    return dead + sum(one.hosts for one in due if one.campaign == campaign_id)


def tell_what_is_next(now: Standing, *, alone: int = 0) -> None:
    """One or two lines: why it stopped and what to type next; ``alone``: hosts that nobody works on."""
    campaign = now.campaign
    if campaign.state is CampaignState.RUNNING and alone:
        resume = command("campaign resume", campaign.id)
        say(f"{alone} hosts are due and nobody works on them. Go on with: {resume}, or start: {command('worker')}")
    elif campaign.state is CampaignState.RUNNING:
        watch, pause = command("campaign watch", campaign.id), command("campaign pause", campaign.id)
        say(f"It goes on. Watch it: {watch}; stop it: {pause}")
    if campaign.state in {CampaignState.PAUSED, CampaignState.STOPPED}:
        say(f"{campaign.state}: {campaign.reason}. Go on with: {command('campaign resume', campaign.id)}")
    if now.tally.owing:
        verb = "campaign abort" if campaign.state is CampaignState.ABORTED else "campaign resume"
        say(f"Hosts that may still be {now.tally.owing}. That is undone first by: {command(verb, campaign.id)}")
    if code_of(now) is ExitCode.NOT_ALL_GOOD:
        others = sum(hosts for outcome, hosts in now.outcomes.items() if outcome not in GOOD)
        say(f"{others} hosts need more: {command('host list', campaign.id, '--where', 'not good')}")
    say(f"Report: {command('report', campaign.id, '--format', 'html')}")


def standing_as_json(now: Standing) -> dict[str, object]:
    """A campaign's standing as one JSON document."""
    return {
        "campaign": now.campaign.id,
        "state": now.campaign.state,
        "reason": now.campaign.reason,
        "hosts": now.campaign.targets,
        "outcomes": {str(outcome): hosts for outcome, hosts in sorted(now.outcomes.items())},
        "states": {str(state): hosts for state, hosts in sorted(now.states.items())},
        "resets": now.tally.resets,
        "windows_seen": now.tally.windows,
        "windows_caught": now.tally.caught,
        "open_obligations": now.tally.open_obligations,
        "exit_code": int(code_of(now)),
    }
