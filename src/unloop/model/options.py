"""The timings, budgets and limits of one campaign, frozen when it is created. Times in seconds."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class CampaignOptions:
    """What bounds a campaign. Stored with it, so that a resumed campaign keeps the bounds it was approved with."""

    ladder: tuple[str, ...] = ("in_band", "race", "hands_on")
    resets: int = 15
    """Attempts of the race before the host climbs."""
    look: float = 5.0
    """How long in_band and verification look for an open port at each visit."""
    watch: float = 300.0
    """How long one boot is watched for its first open port."""
    interval: float = 0.25
    """Between two probes of one port, where nothing is known of when it opens."""
    hot: float = 0.05
    """The same while the port is due, and once the host has given a sign."""
    cold: float = 1.0
    """The same while the port can't be open yet."""
    window: float = 120.0
    """How long after the first open port the host is watched for its crash; one that is up longer stays up."""
    strike: float = 20.0
    """The time allowed to one strike."""
    spacing: float = 30.0
    """Between two power-offs of one host, at least."""
    observe: float = 600.0
    """How long a host without evidence is watched for a crash of its own before it is given up."""
    crash_silence: float = 15.0
    """How long a host must stay silent after an open port for that to count as a crash that was seen."""
    elapsed: float = 7200.0
    """Budget of the race for a host without power control."""
    silent_boots: int = 3
    """Boots in a row without an open port after which a powered-on host counts as parked."""
    power: float = 120.0
    """The time allowed to one off-and-on sequence."""
    power_poll: float = 1.0
    """Between two looks at the power state during a reset."""
    verify: float = 1800.0
    """How long after landing the proof may take."""
    verify_poll: float = 10.0
    restart_after: float = 180.0
    """A host still up in the boot in which the remedy landed is restarted in an orderly way after this time."""
    lease: float = 30.0
    in_flight: int = 200
    """Hosts worked on at once by one worker process."""
    limits: Mapping[str, int] = field(default_factory=dict)
    """Hosts of one group (``rack``, ``power_domain``, ``site``) between off and on at once; 0 or missing: no limit."""
    max_failed: int = 5
    """So many hosts that ended ``failed`` stop the campaign; 0: never."""
    dsrepair: bool = False
    """The playbook permits safe mode on domain controllers, as directory services repair mode."""
    reset_silent: bool = False
    """The operator permits resets of hosts without any evidence of a crash loop."""
    reset_roles: tuple[str, ...] = ()
    """Roles whose hosts the plan may reset (domain_controller, hypervisor, cluster_member)."""

    def to_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {**asdict(self), "limits": dict(self.limits)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of to_json; fields that an older version did not know keep their defaults."""
        known = {name.name for name in fields(cls)}
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in data.items() if key in known
        }
        return cls(**values)
