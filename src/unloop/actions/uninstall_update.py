"""uninstall_update: take a Windows update off again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unloop.actions.base import Action, OfflineChange, PackageRemoval
from unloop.actions.kinds import KB
from unloop.actions.options import option
from unloop.model.host import System


class UninstallUpdate(Action):
    """DISM where the component store names the update, else wusa; most updates are off only after a restart."""

    verb = "uninstall_update"
    title = "Uninstall a Windows update"
    systems = frozenset({System.WINDOWS})

    @dataclass(frozen=True, slots=True)
    class Options:
        """Options of uninstall_update."""

        kb: str = option(KB, "number of the update, such as KB5034441")

    def powershell_step(self) -> Mapping[str, Any]:
        """An update step of remedy.ps1."""
        return {"kind": "update", "kb": self.options.kb}

    def command_line(self) -> str:
        """Wusa; it refuses to work in a remote session, but not as a service."""
        return f"wusa.exe /uninstall /kb:{self.options.kb.removeprefix('KB')} /quiet /norestart"

    def offline(self) -> tuple[OfflineChange, ...]:
        """``dism /image: /remove-package`` in the rescue image."""
        return (PackageRemoval(self.options.kb),)
