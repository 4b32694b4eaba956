"""The safe boot flag by one command of bcdedit, which also writes into a note what the boot entry says then.

A service command tells nothing back, so the note is what proves the flag. ``safeboot`` and its values are not translated
in the output of bcdedit. The flag is set on ``{default}``; taking it off also minds ``{current}``, the entry of a host
that is in safe mode.

In safe mode the service control manager starts only services whose names are keys below SafeBoot (Win32 error 1084
otherwise). So the name of the service which takes the flag off is registered before the flag is set, in the same command.
"""

import re
from typing import Protocol

from unloop.channels.base import Files, ServiceCommand
from unloop.errors import Changed, ChannelError, NotFound, ProtocolError

NOTE = "C:\\Windows\\Temp\\unloop-safe-boot.txt"
RESTART = "shutdown.exe /r /t 0 /f"
SERVICE = "unloop-safe-boot"
_KEY = f"HKLM\\SYSTEM\\CurrentControlSet\\Control\\SafeBoot\\{{mode}}\\{SERVICE}"
_KEYS = {"network": "Network", "minimal": "Minimal"}
"""The keys of services that start in each mode; directory services repair mode asks for none."""
LONGEST_NOTE = 65536
_ENTRY = re.compile(r"^-{5,}\s*$", re.MULTILINE)
_FLAG = re.compile(r"^safeboot\s+(\S+)\s*$", re.MULTILINE | re.IGNORECASE)


class CommandsOverFiles(ServiceCommand, Files, Protocol):
    """What setting the flag needs of a channel."""


def set_flag(mode: str) -> str:
    """The command line that sets the flag; ``mode`` is network, minimal or dsrepair."""
    setting = f"bcdedit.exe /set {{default}} safeboot {mode}"
    if mode in _KEYS:
        setting = f"reg.exe add {_KEY.format(mode=_KEYS[mode])} /ve /d Service /f && {setting}"
    return _noted(setting)


def clear_flag() -> str:
    """The command line that takes the flag off, wherever the host has it."""
    return _noted("bcdedit.exe /deletevalue {default} safeboot & bcdedit.exe /deletevalue {current} safeboot")


def restart_for_good() -> str:
    """The command line that restarts a host whose flag is off, and takes the registration of the service away."""
    forgotten = " & ".join(f"reg.exe delete {_KEY.format(mode=mode)} /f" for mode in _KEYS.values())
    return f'cmd.exe /d /c "{forgotten} & {RESTART}"'


def flag_in(note: str) -> str | None:
    """The flag that a note shows, '' for none; None when the note shows no boot entry."""
    if not _ENTRY.search(note):
        return None
    found = _FLAG.search(note)
    return found[1].lower() if found else ""


def change_flag(channel: CommandsOverFiles, mode: str) -> None:
    """Set the flag, or take it off ('' as mode), and see it done; raises ChannelError.

    ProtocolError means that the host took the order and does not show this flag: it may be in either state.
    """
    channel.run_service_command(set_flag(mode) if mode else clear_flag(), name=SERVICE)
    try:
        note = channel.read(NOTE, limit=LONGEST_NOTE).decode("latin-1")
    except NotFound as error:
        raise ProtocolError("the host took the order for the safe boot flag and left no note of it") from error
    except ChannelError as error:
        if error.changed is Changed.MAYBE:
            raise
        raise ProtocolError(f"the host took the order for the safe boot flag and does not show it: {error}") from error
    _forget_note(channel)
    found = flag_in(note)
    if found != mode:
        said = " ".join(note.split())[:120]
        raise ProtocolError(f"the safe boot flag is not {mode or 'gone'} after the order; the host says: {said}")


def _forget_note(channel: Files) -> None:
    """A note that stays behind is overwritten by the next one."""
    try:
        channel.delete(NOTE)
    except ChannelError:
        return


def _noted(command: str) -> str:
    return f'cmd.exe /d /c "{command} & bcdedit.exe /enum {{default}} > {NOTE} 2>&1"'
