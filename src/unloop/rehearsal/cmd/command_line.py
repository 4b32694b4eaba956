"""A program started by its command line alone, as the service control manager starts one for the local system."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from unloop.rehearsal.cmd.paths import NoPath, path_of
from unloop.rehearsal.cmd.shell import start
from unloop.rehearsal.cmd.state import Cmd, Exit, Overrun
from unloop.rehearsal.cmd.surroundings import ROOT, variables_of
from unloop.rehearsal.machine import Machine

_VARIABLE = re.compile(r"%([^%\s]+)%")
_HOME = f"{ROOT}\\system32\\config\\systemprofile"


class NoProgram(Exception):
    """The command line names no program of this host."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended, and how long it took; it has done at once what it does."""

    code: int
    waited: float = 0.0


def run_command_line(machine: Machine, command_line: str, later: Callable[[float], None]) -> Ran:
    """Run a program on a machine; ``later`` restarts it so many seconds from now. Raises NoProgram."""
    variables = variables_of(machine, {"USERNAME": f"{machine.spec.name.upper()}$", "USERPROFILE": _HOME})
    variables["TEMP"] = f"{ROOT}\\TEMP"
    cmd = Cmd(machine, later, variables)
    name, rest = split(_VARIABLE.sub(lambda found: variables.get(found[1].upper(), found[0]), command_line.strip()))
    try:
        cmd.directory = path_of(cmd, f"{ROOT}\\System32")
        is_known = start(cmd, name, rest)
    except NoPath as error:
        raise NoProgram(name) from error
    except (Exit, Overrun, RecursionError):
        return Ran(1, cmd.waited)
    if not is_known:
        raise NoProgram(name)
    return Ran(cmd.code, cmd.waited)


def split(line: str) -> tuple[str, str]:
    """The program, which may stand in quotes, and the text behind it, as CreateProcess takes a command line apart."""
    if line.startswith('"'):
        name, _, rest = line[1:].partition('"')
        return name, rest
    name, space, rest = line.partition(" ")
    return name, space + rest
