"""What happened to a simulated host, in order: the raw material of the witness."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Happening(StrEnum):
    """What can happen to a simulated host."""

    POWER_OFF = "power_off"
    """A command took a powered-on host down: a reset, as the campaign's promises count them."""
    POWER_ON = "power_on"
    POWER_REFUSED = "power_refused"
    """A power command that changed nothing: off while off, on while on, cycle while off."""
    BOOT = "boot"
    OPEN = "open"
    """A service opened its port."""
    CRASH = "crash"
    STAYED_UP = "stayed_up"
    PARKED = "parked"
    RESTART = "restart"
    """An orderly restart, ordered from inside."""
    REPAIRED = "repaired"
    """The fault was there when last looked at and is gone now."""
    SAFE_BOOT = "safe_boot"
    """The boot entry was changed: ``mode`` is that of the next boot, '' for the usual one."""
    LOGON_REFUSED = "logon_refused"
    """A service judged the proof of an account and refused it: what a host's account policy counts."""


@dataclass(frozen=True, slots=True)
class MachineEvent:
    """One thing that happened; ``at`` is on the monotonic clock of the simulation."""

    host: str
    what: Happening
    at: float
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass
class EventLog:
    """The events of one host, each told to ``listener`` as it comes."""

    host: str
    listener: Callable[[MachineEvent], None] | None = None
    events: list[MachineEvent] = field(default_factory=list)

    def note(self, what: Happening, **detail: Any) -> None:
        """Add what happened now."""
        event = MachineEvent(self.host, what, time.monotonic(), detail)
        self.events.append(event)
        if self.listener is not None:
            self.listener(event)

    def times(self, what: Happening) -> tuple[float, ...]:
        """When this happened, on the monotonic clock."""
        return tuple(event.at for event in self.events if event.what is what)
