"""Steering running campaigns: stop rules, waves, the end. Idempotent; any number of actors may do it at once."""

from unloop.campaign.waves import Decision, Ruling, rule
from unloop.model.state import CampaignState
from unloop.store import campaigns, retries
from unloop.store.campaigns import Campaign
from unloop.store.database import Database

RUNNING = (CampaignState.RUNNING,)


def steer(database: Database, campaign: Campaign, *, now: float) -> Decision:
    """Look at a running campaign's counts and do what they call for; a stop that an operator resumed is not repeated.

    What an operator or another actor has done since the counts were read stands.
    """
    counts = campaigns.counts(database, campaign.id)
    resumed = campaign.reason.startswith("resumed")
    max_failed = 0 if resumed else int(campaign.options.get("max_failed", 0))
    decision = rule(counts, wave=campaign.wave, waves=campaign.waves, max_failed=max_failed)
    overruled = resumed and decision.ruling is Ruling.STOP
    if decision.ruling is Ruling.OPEN_WAVE or overruled:
        campaigns.open_wave(database, campaign.id, campaign.wave + 1, now=now)
    elif decision.ruling is Ruling.WIDEN:
        campaigns.widen_wave(database, campaign.id, campaign.wave, decision.hosts, now=now)
    elif decision.ruling is Ruling.STOP:
        campaigns.move(database, campaign.id, CampaignState.STOPPED, reason=decision.reason, now=now, only_from=RUNNING)
    elif decision.ruling is Ruling.END:
        reason = "every host has an outcome"
        campaigns.move(database, campaign.id, CampaignState.ENDED, reason=reason, now=now, only_from=RUNNING)
    return decision


def steer_all(database: Database, *, now: float) -> None:
    """Steer every running campaign, and end what is left of aborted ones."""
    for campaign in campaigns.in_motion(database):
        if campaign.state is CampaignState.RUNNING:
            steer(database, campaign, now=now)
        else:
            retries.cancel_idle(database, campaign.id, now=now)
