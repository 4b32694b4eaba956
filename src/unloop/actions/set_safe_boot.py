"""set_safe_boot: have every next boot go to safe mode, until clear_safe_boot."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unloop.actions.base import Action, BootEdit, OfflineChange
from unloop.actions.kinds import choice
from unloop.actions.options import option
from unloop.model.host import System


class SetSafeBoot(Action):
    """The flag stays until it is cleared: an obligation of whoever sets it."""

    verb = "set_safe_boot"
    title = "Make the next boots go to safe mode"
    systems = frozenset({System.WINDOWS})

    @dataclass(frozen=True, slots=True)
    class Options:
        """Options of set_safe_boot."""

        mode: str = option(
            choice("network", "minimal", "dsrepair"),
            "which safe mode; dsrepair is for domain controllers",
            default="network",
        )

    def powershell_step(self) -> Mapping[str, Any]:
        """A boot step of remedy.ps1."""
        return {"kind": "safe_boot", "mode": self.options.mode}

    def command_line(self) -> str:
        """Bcdedit on the entry that boots by default."""
        return f"bcdedit /set {{default}} safeboot {self.options.mode}"

    def offline(self) -> tuple[OfflineChange, ...]:
        """An element of the default boot entry."""
        return (BootEdit("safeboot", self.options.mode),)
