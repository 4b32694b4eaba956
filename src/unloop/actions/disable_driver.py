"""disable_driver: keep a driver or service from loading, in every control set."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unloop.actions.base import Action, HiveEdit, OfflineChange
from unloop.actions.kinds import SERVICE
from unloop.actions.options import option
from unloop.actions.set_registry import value_step
from unloop.model.host import System

DISABLED = 4
"""SERVICE_DISABLED."""


class DisableDriver(Action):
    """Start=4 in every control set, so that a fall-back to the last known good one does not load it again."""

    verb = "disable_driver"
    title = "Keep a driver or service from loading"
    systems = frozenset({System.WINDOWS})

    @dataclass(frozen=True, slots=True)
    class Options:
        """Options of disable_driver."""

        name: str = option(SERVICE, "name of the driver or service: its key below Services")

    def powershell_step(self) -> Mapping[str, Any]:
        """A driver step of remedy.ps1."""
        return {"kind": "driver", "driver": self.options.name, **value_step("Start", "REG_DWORD", DISABLED)}

    def offline(self) -> tuple[OfflineChange, ...]:
        """One edit for all control sets of SYSTEM in which the driver is."""
        key = f"ControlSet*\\Services\\{self.options.name}"
        return (HiveEdit("SYSTEM", key, "Start", "REG_DWORD", DISABLED, only_if_key=True),)
