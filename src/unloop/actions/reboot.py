"""reboot: restart the host from inside, in order."""

from collections.abc import Mapping
from typing import Any

from unloop.actions.base import Action, OfflineChange, WmiCall
from unloop.model.host import System


class Reboot(Action):
    """Restarts the host when an action before it changed something, or when it stands alone. Always the last action."""

    verb = "reboot"
    title = "Restart the host from inside"
    ends_boot = True

    def powershell_step(self) -> Mapping[str, Any] | None:
        """A restart step of remedy.ps1."""
        return {"kind": "reboot"} if self.context.system is System.WINDOWS else None

    def sh_step(self) -> tuple[str, ...] | None:
        """A call of remedy.sh."""
        return ("restart",) if self.context.system is System.LINUX else None

    def command_line(self) -> str:
        """The system's own command."""
        return "shutdown /r /t 5 /f" if self.context.system is System.WINDOWS else "shutdown -r now"

    def wmi_call(self) -> WmiCall | None:
        """Win32_OperatingSystem.Win32Shutdown, forced restart."""
        if self.context.system is not System.WINDOWS:
            return None
        return WmiCall("Win32_OperatingSystem", "Win32Shutdown", {"Flags": 6, "Reserved": 0})

    def offline(self) -> tuple[OfflineChange, ...]:
        """Nothing: whoever mounts a disk boots it afterwards anyway."""
        return ()
