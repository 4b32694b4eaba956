"""A campaign's standing in words and as data."""

import time

from unloop.cli.follow import OVERDUE, Standing, code_of
from unloop.cli.hints import command
from unloop.cli.output import say
from unloop.dispatch.owner import is_dead
from unloop.model.outcome import GOOD
from unloop.model.state import CampaignState, State
from unloop.store import campaigns, claims
from unloop.store.database import Database


def left_alone(database: Database, campaign_id: str) -> int:
    """How many hosts of a running campaign are due for a while, or held by a process of this machine that has died."""
    due = campaigns.due_queues(database, now=time.time() - OVERDUE)
    dead = sum(hosts for owner, hosts in claims.owners(database, campaign_id).items() if is_dead(owner))
    return dead + sum(one.hosts for one in due if one.campaign == campaign_id)


def tell_what_is_next(now: Standing, *, alone: int = 0, has_workers: bool = False) -> None:
    """One or two lines: why it stopped and what to type next.

    ``alone``: hosts that nobody works on; ``has_workers``: workers do the work, not the process of a command.
    """
    campaign = now.campaign
    is_fine = campaign.state is CampaignState.RUNNING and not alone
    if campaign.state is CampaignState.RUNNING and alone:
        goes_on = command("worker") if has_workers else command("campaign resume", campaign.id)
        say(f"{alone} hosts are due and nobody works on them. Go on with: {goes_on}")
    elif campaign.state is CampaignState.RUNNING:
        watch, pause = command("campaign watch", campaign.id), command("campaign pause", campaign.id)
        say(f"It goes on. Watch it: {watch}; stop it: {pause}")
    if campaign.state in {CampaignState.PAUSED, CampaignState.STOPPED}:
        say(f"{campaign.state}: {campaign.reason}. Go on with: {command('campaign resume', campaign.id)}")
    if held := now.states[State.HELD]:
        words = ("--where", "state=held")
        say(f"{held} hosts are held, and the waves after theirs wait. Let them go on with: {_on(campaign.id, *words)}")
    if now.tally.owing and not is_fine:
        verb = "campaign abort" if campaign.state is CampaignState.ABORTED else "campaign resume"
        say(f"Right now {now.tally.owing}; that is undone first by: {command(verb, campaign.id)}")
    others = sum(hosts for outcome, hosts in now.outcomes.items() if outcome not in GOOD)
    if others:
        words = ("--where", "state=ended and not good")
        say(f"{others} hosts need more: {command('host list', campaign.id, *words)}")
    say(f"Report: {command('report', campaign.id, '--format', 'html')}")


def _on(campaign_id: str, *words: str) -> str:
    return command("host release", campaign_id, *words)


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
