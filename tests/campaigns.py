"""Small campaigns in a store, for tests."""

from unloop.model.host import Endpoint, Host
from unloop.model.host_run import HostRun, Progress, Queue, Rung
from unloop.model.options import CampaignOptions
from unloop.store import campaigns, claims
from unloop.store.campaigns import Campaign, Target
from unloop.store.database import Database

START = 1_721_362_140.0
"""When the tests' campaigns begin, in seconds since the epoch."""


def host(name: str, **fields: object) -> Host:
    """A host with one SMB endpoint and a BMC."""
    values: dict[str, object] = {
        "address": "127.0.0.9",
        "endpoints": (Endpoint("smb", "127.0.0.9", credentials=("admin",)),),
        "bmc": Endpoint("redfish", "127.0.0.10", credentials=("bmc",)),
    }
    return Host(name=name, **{**values, **fields})  # type: ignore[arg-type]


def campaign_with(
    database: Database, *hosts: Host, waves: tuple[int, ...] = (), rung: Rung = Rung.RACE, campaign_id: str = "c1"
) -> Campaign:
    """A running campaign over these hosts; ``waves`` gives each host's wave."""
    wave_of = waves or (0,) * len(hosts)
    campaign = Campaign(
        id=campaign_id,
        name="test",
        playbook_path="test.yml",
        playbook="",
        playbook_digest="0" * 64,
        variables={},
        selection="",
        inventory="hosts.csv",
        targets=len(hosts),
        targets_digest="1" * 64,
        options=CampaignOptions().to_json(),
        operator="tester",
        created_at=START,
        waves=max(wave_of) + 1,
    )
    targets = [Target(item, Progress(rung=rung), wave, "race") for item, wave in zip(hosts, wave_of, strict=True)]
    campaigns.create(database, campaign, targets)
    return campaign


def claim(
    database: Database,
    *,
    now: float = START,
    owner: str = "me",
    limit: int = 10,
    ttl: float = 30.0,
    queue: Queue = Queue.RACE,
) -> tuple[HostRun, ...]:
    """Claim what is due of the campaign that campaign_with made."""
    return claims.claim(database, campaign_id="c1", queue=queue, owner=owner, limit=limit, ttl=ttl, now=now)
