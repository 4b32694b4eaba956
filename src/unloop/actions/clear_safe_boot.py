"""clear_safe_boot: let the next boots be ordinary ones again."""

from collections.abc import Mapping
from typing import Any

from unloop.actions.base import Action, BootEdit, OfflineChange
from unloop.model.host import System


class ClearSafeBoot(Action):
    """Takes the flag off the default entry and off the one that is running."""

    verb = "clear_safe_boot"
    title = "Let the next boots be ordinary ones again"
    systems = frozenset({System.WINDOWS})

    def powershell_step(self) -> Mapping[str, Any]:
        """A boot step of remedy.ps1."""
        return {"kind": "safe_boot", "mode": ""}

    def command_line(self) -> str:
        """Bcdedit on the entry that boots by default; it fails where there is no flag."""
        return "bcdedit /deletevalue {default} safeboot"

    def offline(self) -> tuple[OfflineChange, ...]:
        """An element of the default boot entry."""
        return (BootEdit("safeboot", ""),)
