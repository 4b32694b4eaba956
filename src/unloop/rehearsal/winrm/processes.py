"""Win32_Process: a program is started, and its number told; what it prints, nobody sees."""

from collections.abc import Iterator

from unloop.rehearsal.cmd.paths import NoPath, path_of
from unloop.rehearsal.cmd.shell import start
from unloop.rehearsal.cmd.state import Cmd, Exit, Overrun
from unloop.rehearsal.cmd.surroundings import variables_of
from unloop.rehearsal.machine import Machine
from unloop.rehearsal.winrm.cim import Call, Instance, WmiClass
from unloop.rehearsal.winrm.query import Query

STARTED, NO_PATH, BAD_PARAMETER = 0, 9, 21
"""Return values of Win32_Process.Create."""


def _none(_machine: Machine, _query: Query | None) -> Iterator[Instance]:
    """What was started has ended before anybody can look."""
    return iter(())


def _create(call: Call) -> Instance:
    """The command line names a program, not a command of cmd's own."""
    line = call.arguments.get("commandline", "").strip()
    if not line:
        return {"ProcessId": None, "ReturnValue": BAD_PARAMETER}
    name, rest = _split(line)
    cmd = Cmd(call.machine, call.later, variables_of(call.machine, {}))
    try:
        cmd.directory = path_of(cmd, call.arguments.get("currentdirectory", "") or "C:\\Windows\\System32")
        is_known = start(cmd, name, rest)
    except NoPath:
        is_known = False
    except (Exit, Overrun, RecursionError):
        is_known = True
    if not is_known:
        return {"ProcessId": None, "ReturnValue": NO_PATH}
    return {"ProcessId": call.new_process(), "ReturnValue": STARTED}


def _split(line: str) -> tuple[str, str]:
    """The program, which may stand in quotes, and the text behind it (CreateProcess)."""
    if line.startswith('"'):
        name, _, rest = line[1:].partition('"')
        return name, rest
    name, space, rest = line.partition(" ")
    return name, space + rest


PROCESSES = WmiClass(
    "Win32_Process", ("Handle",), ("Handle", "Name", "ProcessId"), _none, static_methods={"Create": _create}
)
