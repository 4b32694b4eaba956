"""Steering running campaigns: stop rules, waves, the end. Idempotent; any number of actors may do it at once."""

from unloop.campaign.waves import Decision, Ruling, rule
from unloop.model.state import CampaignState
from unloop.store import campaigns
from unloop.store.campaigns import Campaign
from unloop.store.database import Database


def steer(database: Database, campaign: Campaign, *, now: float) -> Decision:
    """Look at a running campaign's counts and do what they call for."""
    counts = campaigns.counts(database, campaign.id)
    max_failed = int(campaign.options.get("max_failed", 0))
    if campaign.reason.startswith("resumed"):
        max_failed = 0
    decision = rule(counts, wave=campaign.wave, waves=campaign.waves, max_failed=max_failed)
    if decision.ruling is Ruling.OPEN_WAVE or (
        decision.ruling is Ruling.STOP and campaign.reason.startswith("resumed")
    ):
        campaigns.open_wave(database, campaign.id, campaign.wave + 1, now=now)
    elif decision.ruling is Ruling.STOP:
        campaigns.move(database, campaign.id, CampaignState.STOPPED, reason=decision.reason, now=now)
    elif decision.ruling is Ruling.END:
        campaigns.move(database, campaign.id, CampaignState.ENDED, reason="every host has an outcome", now=now)
    return decision


def steer_all(database: Database, *, now: float) -> None:
    """Steer every running campaign."""
    for campaign in campaigns.list_all(database):
        if campaign.state is CampaignState.RUNNING:
            steer(database, campaign, now=now)
