"""What is fixed about a simulated host: data only, so that scenario and expectation need nothing that moves."""

from dataclasses import dataclass
from enum import StrEnum

from unloop.model.host import Role, System


class Kind(StrEnum):
    """What is wrong with a simulated host, and so how it answers."""

    LOOPING = "looping"
    PARKED = "parked"
    LOCKED = "locked"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105
    UNREACHABLE = "unreachable"
    HEALTHY_CLOSED = "healthy_closed"
    WRONG_BMC = "wrong_bmc"
    TARPIT = "tarpit"
    HEALTHY = "healthy"
    HELD = "held"
    """It loops, and a driver holds the faulty file open: only in safe mode, without that driver, can it be moved."""


@dataclass(frozen=True, slots=True)
class Service:
    """One in-band service: its channel, its port, and how long after the network came up it opens (seconds)."""

    channel: str
    port: int
    delay: float = 0.0
    is_tarpit: bool = False
    """It accepts connections and never says a word."""
    is_tls: bool = False
    """It speaks through TLS, with the fleet's certificate (WinRM over HTTPS)."""


@dataclass(frozen=True, slots=True)
class MachineSpec:
    """Everything that is fixed about a simulated host. Times in seconds."""

    name: str
    address: str
    bmc_address: str
    system: System
    kind: Kind
    uuid: str
    bmc_uuid: str
    username: str
    password: str
    services: tuple[Service, ...]
    boot_seconds: float
    boot_jitter: float
    window_seconds: float
    window_jitter: float
    off_seconds: float = 0.3
    park_after: int | None = None
    """Park in recovery after this many crashes in a row; a reset by hand starts the count anew."""
    crashes_after_fix: bool = False
    """The driver has read the bad file before the window: this boot ends in a crash even if the file is gone."""
    bmc_channel: str = "redfish"
    """ipmi or redfish; '' when the host has no BMC."""
    bmc_port: int = 8443
    bmc_username: str = "admin"
    bmc_password: str = ""
    is_bmc_busy: bool = False
    """The BMC answers now and then that it is busy and wants to be asked again."""
    refuses: bool = False
    """Closed ports answer with a reset instead of silence; for hosts whose services never open."""
    on_seconds: float = 0.2
    shutdown_seconds: float = 0.3
    """How long an orderly restart takes to go down."""
    inventory_password: str = ""
    """What the inventory believes the password to be; '' when it knows the right one."""
    site: str = ""
    rack: str = ""
    power_domain: str = ""
    tier: int | None = None
    role: Role = Role.PLAIN
    bitlocker: bool = False
    reported_broken_at: str = ""
    """When a victim list named the host; '' when none did."""
