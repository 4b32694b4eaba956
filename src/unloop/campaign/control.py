"""Creating, pausing, resuming, aborting and retrying campaigns, each by one write that every worker sees."""

import getpass
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime

from unloop.campaign.plan import HostPlan, Plan
from unloop.errors import InputError, Problem
from unloop.model.host_run import Progress, Rung, queue_of
from unloop.model.state import CampaignState
from unloop.store import campaigns, retries
from unloop.store.campaigns import Campaign, Target
from unloop.store.database import Database

_VERBS = {CampaignState.PAUSED: "paused", CampaignState.RUNNING: "resumed", CampaignState.ABORTED: "aborted"}


def new_campaign_id(now: datetime) -> str:
    """A short id that sorts by time: ``20240719-0409-3fa2``."""
    return f"{now:%Y%m%d-%H%M}-{secrets.token_hex(2)}"


def create(
    database: Database,
    plan: Plan,
    *,
    name: str,
    playbook: Mapping[str, str],
    variables: Mapping[str, str],
    origin: Mapping[str, str],
    now: datetime,
) -> Campaign:
    """Freeze a plan into rows and start it. ``playbook`` holds path, text, digest; ``origin`` inventory and selection."""
    check_free(database, [planned.host.name for planned in plan.hosts])
    campaign = Campaign(
        id=new_campaign_id(now),
        name=name,
        playbook_path=playbook["path"],
        playbook=playbook["text"],
        playbook_digest=playbook["digest"],
        variables=dict(variables),
        selection=origin["selection"],
        inventory=origin["inventory"],
        targets=len(plan.hosts),
        targets_digest=plan.digest,
        options=plan.options.to_json(),
        operator=getpass.getuser(),
        created_at=now.timestamp(),
        waves=len(plan.waves),
    )
    campaigns.create(database, campaign, [_target(planned, now) for planned in plan.hosts])
    return campaign


def check_free(database: Database, names: Sequence[str]) -> None:
    """See that no host among these has still to end in a campaign; raises InputError."""
    busy = retries.busy_elsewhere(database, names)
    if busy:
        shown = ", ".join(f"{host} ({campaign})" for host, campaign in busy[:5])
        what = f"{len(busy)} hosts are in another campaign that has not ended: {shown}"
        raise InputError(Problem(what, hint="resume or abort that campaign first"))


def _target(planned: HostPlan, now: datetime) -> Target:
    host = planned.host
    evidence = f"reported broken at {host.reported_broken_at}" if host.reported_broken_at else ""
    first = planned.rungs[0] if planned.rungs else Rung.HANDS_ON
    progress = Progress(rung=first, rung_since=now, broken_evidence=evidence)
    return Target(host, progress, planned.wave, queue_of(progress))


def pause(database: Database, campaign_id: str, *, reason: str, now: datetime) -> Campaign:
    """Keep every worker from opening anything new; what is in mid-change is finished."""
    return _move(database, campaign_id, CampaignState.PAUSED, of={CampaignState.RUNNING}, reason=reason, now=now)


def resume(database: Database, campaign_id: str, *, now: datetime) -> Campaign:
    """Let a paused or stopped campaign, or one whose process died, go on."""
    states = {CampaignState.PAUSED, CampaignState.STOPPED, CampaignState.RUNNING}
    return _move(database, campaign_id, CampaignState.RUNNING, of=states, reason="resumed by an operator", now=now)


def abort(database: Database, campaign_id: str, *, now: datetime) -> tuple[Campaign, int]:
    """Stop for good: idle hosts are cancelled at once, working ones when they have paid what they owe.

    An aborted campaign may be aborted again, so that what is still owed is paid.
    """
    states = set(CampaignState) - {CampaignState.ENDED}
    campaign = _move(database, campaign_id, CampaignState.ABORTED, of=states, reason="aborted by an operator", now=now)
    return campaign, retries.cancel_idle(database, campaign.id, now=now.timestamp())


def _move(
    database: Database, campaign_id: str, state: CampaignState, *, of: set[CampaignState], reason: str, now: datetime
) -> Campaign:
    """Move a campaign that is in one of these states; raises InputError for any other."""
    campaign = campaigns.load(database, campaign_id)
    campaigns.move(database, campaign.id, state, reason=reason, now=now.timestamp(), only_from=of)
    campaign = campaigns.load(database, campaign.id)
    if campaign.state is not state:
        hint = f"`unloop campaign show {campaign.id}` tells why"
        raise InputError(Problem(f"campaign {campaign.id} is {campaign.state} and can't be {_VERBS[state]}", hint=hint))
    return campaign
