"""A host as the inventory describes it: how it is named, reached, powered and grouped."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self


class System(StrEnum):
    """The operating system that a host runs."""

    WINDOWS = "windows"
    LINUX = "linux"


class Role(StrEnum):
    """Roles whose hosts are reset only when the plan names them (design section 7, rule 9)."""

    PLAIN = ""
    DOMAIN_CONTROLLER = "domain_controller"
    HYPERVISOR = "hypervisor"
    CLUSTER_MEMBER = "cluster_member"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One channel of a host: where it answers and which credentials open it, in the order to try.

    ``port`` 0 means the channel's default. ``credentials`` are names of the settings' credentials, never secrets.
    ``options`` are the channel's own (see its Options dataclass), as strings.
    """

    channel: str
    address: str
    port: int = 0
    credentials: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Host:
    """One machine to repair."""

    name: str
    address: str
    system: System = System.WINDOWS
    endpoints: tuple[Endpoint, ...] = ()
    bmc: Endpoint | None = None
    macs: tuple[str, ...] = ()
    uuid: str = ""
    model: str = ""
    """Hardware or image model: hosts of one model boot alike."""
    site: str = ""
    rack: str = ""
    power_domain: str = ""
    tier: int | None = None
    role: Role = Role.PLAIN
    bitlocker: bool = False
    """Whether the system disk is known to be locked by BitLocker, so that offline repair needs a key."""
    reported_broken_at: str = ""
    """ISO 8601 time at which a dated victim list named this host as broken; evidence for a first reset."""
    dsrm_credentials: tuple[str, ...] = ()
    """Credentials of a domain controller in directory services repair mode, where no domain account logs on."""
    bmc_accepted: bool = False
    """The operator vouches that this BMC belongs to this host although its UUID can't be compared."""
    labels: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    """Where the inventory names it, for example ``hosts.csv:12``."""

    def endpoint(self, channel: str) -> Endpoint | None:
        """The endpoint of one channel, or None."""
        return next((endpoint for endpoint in self.endpoints if endpoint.channel == channel), None)

    def to_json(self) -> dict[str, Any]:
        """JSON types only, for the store."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of to_json."""
        values = dict(data)
        values["system"] = System(values["system"])
        values["role"] = Role(values["role"])
        values["endpoints"] = tuple(_endpoint(item) for item in values["endpoints"])
        values["bmc"] = _endpoint(values["bmc"]) if values["bmc"] else None
        values["macs"] = tuple(values["macs"])
        values["dsrm_credentials"] = tuple(values.get("dsrm_credentials", ()))
        return cls(**values)


def _endpoint(data: Mapping[str, Any]) -> Endpoint:
    return Endpoint(**{**data, "credentials": tuple(data["credentials"])})
