"""Power as a BMC tells it, and the boot that a host reports."""

from dataclasses import dataclass
from enum import StrEnum

from unloop.model.text import fit

LONGEST = 200
"""Characters of a boot's identity at most."""


class PowerState(StrEnum):
    """What a BMC says of its host's power."""

    ON = "on"
    OFF = "off"
    CHANGING = "changing"


class BootDevice(StrEnum):
    """Where the next boot, and only that one, comes from."""

    NETWORK = "network"
    MEDIA = "media"
    DISK = "disk"


@dataclass(frozen=True, slots=True)
class BootIdentity:
    """Which boot a host is in: two equal values are one boot. ``source`` says how the host told it.

    The value is kept as the store can keep it, so that it compares with itself read back.
    """

    value: str
    source: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", fit(self.value)[:LONGEST])
