"""A campaign's standing in words and as data."""

from unloop.cli.follow import Standing, code_of
from unloop.cli.output import say
from unloop.model.outcome import GOOD, ExitCode
from unloop.model.state import CampaignState


def tell_what_is_next(now: Standing) -> None:
    """One or two lines: why it stopped and what to type next."""
    campaign = now.campaign
    if campaign.state is CampaignState.RUNNING:
        say(f"Watch it: unloop campaign watch {campaign.id}; stop it: unloop campaign pause {campaign.id}")
    if campaign.state in {CampaignState.PAUSED, CampaignState.STOPPED}:
        say(f"{campaign.state}: {campaign.reason}. Go on with: unloop campaign resume {campaign.id}")
    if now.tally.owing:
        again = "abort" if campaign.state is CampaignState.ABORTED else "resume"
        say(
            f"Hosts that may still be {now.tally.owing}. That is undone first by: unloop campaign {again} {campaign.id}"
        )
    if code_of(now) is ExitCode.NOT_ALL_GOOD:
        others = sum(hosts for outcome, hosts in now.outcomes.items() if outcome not in GOOD)
        say(f"{others} hosts need more: unloop host list {campaign.id} --where 'not good'")
    say(f"Report: unloop report {campaign.id} --format html")


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
