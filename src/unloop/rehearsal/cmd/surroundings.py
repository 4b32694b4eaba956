"""What a program finds around it on a simulated Windows host."""

from collections.abc import Mapping
from dataclasses import dataclass

from unloop.rehearsal.machine import Machine

VERSION = "10.0.20348.2582"
"""Of Windows Server 2022."""
ROOT = "C:\\Windows"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a cmd is started in: variables by their names, the directory, and what stands at its standard input."""

    variables: Mapping[str, str]
    directory: str = ""
    given: str = ""


NOTHING = Surroundings({})


def variables_of(machine: Machine, more: Mapping[str, str]) -> dict[str, str]:
    """The environment of a log-on."""
    spec = machine.spec
    found = {
        "SYSTEMROOT": ROOT,
        "WINDIR": ROOT,
        "SYSTEMDRIVE": "C:",
        "COMPUTERNAME": spec.name.upper(),
        "USERNAME": spec.username.rpartition("\\")[2],
        "USERPROFILE": home_of(machine),
        "PROGRAMDATA": "C:\\ProgramData",
        "PROGRAMFILES": "C:\\Program Files",
        "TEMP": f"{home_of(machine)}\\AppData\\Local\\Temp",
        "COMSPEC": f"{ROOT}\\system32\\cmd.exe",
        "OS": "Windows_NT",
        "ERRORLEVEL": "0",
    }
    return found | {name.upper(): value for name, value in more.items()}


def home_of(machine: Machine) -> str:
    """Where the account is at home, and a shell begins."""
    return "C:\\Users\\" + machine.spec.username.rpartition("\\")[2]
