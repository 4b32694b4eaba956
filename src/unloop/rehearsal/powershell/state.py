"""What a running program knows: its scopes, its environment, what it may still do, and the host it is on."""

from collections.abc import Callable
from dataclasses import dataclass, field

from unloop.rehearsal.machine import Machine
from unloop.rehearsal.powershell.errors import Category, ErrorRecord, NotUnderstood
from unloop.rehearsal.powershell.syntax import ScriptBlock
from unloop.rehearsal.powershell.values import Value

MOST_STEPS = 1_000_000
"""A remedy takes a few thousand. All hosts of a rehearsal share one process."""
MOST_CALLS = 40
"""How deep functions may call each other."""
MOST_ERRORS = 1000
LONGEST = 4 * 1024 * 1024
"""Characters of a text, bytes of an array."""
MOST_ITEMS = 200_000
_WORK_PER_STEP = 64
DRIVE = "C:"
ROOT = "C:\\Windows"
VERSION = "10.0.20348"
SHELL_VERSION = "5.1.20348.2582"


@dataclass(slots=True)
class Budget:
    """What a program may do in all."""

    steps: int = 0

    def spend(self, work: int = 0) -> None:
        """One more step, or this much looked at; raises NotUnderstood when it is too much."""
        self.steps += 1 + work // _WORK_PER_STEP
        if self.steps > MOST_STEPS:
            raise limit("a program that takes too long for a simulated host")


def limit(what: str) -> NotUnderstood:
    """That a program wants too much."""
    return NotUnderstood(what, error_id="LimitsExceeded", category=Category.LIMITS_EXCEEDED)


@dataclass(slots=True)
class Scope:
    """Variables and functions of one call; what is not here is looked for in the caller's."""

    parent: "Scope | None" = None
    variables: dict[str, Value] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    functions: dict[str, ScriptBlock] = field(default_factory=dict)

    def find(self, name: str) -> "Scope | None":
        """The nearest scope that has a variable."""
        scope: Scope | None = self
        while scope is not None and name not in scope.variables:
            scope = scope.parent
        return scope

    def function(self, name: str) -> ScriptBlock | None:
        """The nearest function of a name."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.functions:
                return scope.functions[name]
            scope = scope.parent
        return None


@dataclass(frozen=True, slots=True, eq=False)
class OpenFile:
    """A file that the program holds open: its place in lowercase, what it does there, and what it lets others do."""

    key: tuple[str, ...]
    access: int
    share: int


@dataclass(slots=True)
class Session:
    """One PowerShell on a machine. ``later`` restarts it so many seconds from now; nobody waits for ``waited``."""

    machine: Machine
    later: Callable[[float], None]
    is_safe_mode: bool = False
    root: Scope = field(default_factory=Scope)
    environment: dict[str, str] = field(default_factory=dict)
    """By names in lowercase."""
    budget: Budget = field(default_factory=Budget)
    waited: float = 0.0
    errors: list[ErrorRecord] = field(default_factory=list)
    output: list[Value] = field(default_factory=list)
    said: list[tuple[int, str]] = field(default_factory=list)
    """What Write-Host wrote, and how much had been put out before."""
    open_files: list[OpenFile] = field(default_factory=list)
    given: tuple[str, ...] | None = None
    """The lines of the standard input; None where there is none, as in a remote session."""

    @property
    def home(self) -> str:
        """The directory in which a remote session begins."""
        return f"C:\\Users\\{self.account}\\Documents"

    @property
    def account(self) -> str:
        """The account without its domain."""
        return self.machine.spec.username.rpartition("\\")[2]

    def report(self, record: ErrorRecord) -> None:
        """Write to the error stream; raises NotUnderstood when it is too much."""
        if len(self.errors) >= MOST_ERRORS:
            raise limit("a program with too many errors for a simulated host")
        self.errors.append(record)


def environment_of(session: Session) -> dict[str, str]:
    """The environment of a log-on."""
    profile = f"C:\\Users\\{session.account}"
    return {
        "allusersprofile": "C:\\ProgramData",
        "appdata": f"{profile}\\AppData\\Roaming",
        "computername": session.machine.spec.name.upper(),
        "comspec": f"{ROOT}\\system32\\cmd.exe",
        "localappdata": f"{profile}\\AppData\\Local",
        "os": "Windows_NT",
        "path": f"{ROOT}\\system32;{ROOT};{ROOT}\\System32\\Wbem;{ROOT}\\System32\\WindowsPowerShell\\v1.0\\",
        "processor_architecture": "AMD64",
        "programdata": "C:\\ProgramData",
        "programfiles": "C:\\Program Files",
        "systemdrive": DRIVE,
        "systemroot": ROOT,
        "temp": f"{profile}\\AppData\\Local\\Temp",
        "tmp": f"{profile}\\AppData\\Local\\Temp",
        "username": session.account,
        "userprofile": profile,
        "windir": ROOT,
    }
