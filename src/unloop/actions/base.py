"""A verb of the playbook: its options, and every way in which it can run."""

from abc import ABC
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

from unloop.actions.options import BadValue, OptionSpec, option_specs, read_options, write_options
from unloop.errors import InputError, Problem
from unloop.model.files import FileOrder
from unloop.model.host import System
from unloop.playbook.document import Place, Step


@dataclass(frozen=True, slots=True)
class NoOptions:
    """A verb without options."""


@dataclass(frozen=True, slots=True)
class Context:
    """What an action knows beside its options. ``directory`` is the playbook's, '' when it came from nowhere."""

    system: System
    campaign: str
    directory: str = ""
    at: Place = field(default_factory=Place)

    def quarantine(self, path: str) -> str:
        """The directory on the same volume into which a file is moved aside (design section 5.3)."""
        if self.system is System.WINDOWS:
            return f"{path[:2]}\\unloop-quarantine\\{self.campaign}"
        return f"/var/lib/unloop/quarantine/{self.campaign}"

    def source(self, name: str) -> bytes:
        """The content of a file beside the playbook; raises BadValue with a sentence when it can't be read."""
        path = Path(self.directory, name)
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise BadValue(f"{name!r} must lie beside the playbook")
        try:
            return path.read_bytes()
        except OSError as error:
            raise BadValue(f"{path} can't be read: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class WmiCall:
    """One WMI method call. ``selectors`` name the instance; a static method has none."""

    wmi_class: str
    method: str
    arguments: Mapping[str, Any]
    selectors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HiveEdit:
    """A value in a hive of a mounted disk. ``key`` is below the hive's root.

    A key that starts with ``CurrentControlSet`` means the set that ``Select\\Current`` names; one that starts with
    ``ControlSet*`` means every set in which ``only_if_key`` (below the set) exists.
    """

    hive: str
    key: str
    name: str
    type: str
    value: int | str | tuple[str, ...]
    only_if_key: bool = False


@dataclass(frozen=True, slots=True)
class BootEdit:
    """An element of the default boot entry of a mounted disk; ``value`` '' takes it away."""

    element: str
    value: str


@dataclass(frozen=True, slots=True)
class PackageRemoval:
    """An update to take off a mounted disk's image."""

    kb: str


OfflineChange = FileOrder | HiveEdit | BootEdit | PackageRemoval


class Action(ABC):
    """One verb. A way that it can't go is None; every verb has at least one way.

    Registered by an entry point in the group ``unloop.actions``; listing, option checks and docs follow from the class.
    """

    verb: ClassVar[str]
    title: ClassVar[str]
    """One line for listings and docs."""
    Options: ClassVar[type[Any]] = NoOptions
    systems: ClassVar[frozenset[System]] = frozenset(System)
    ends_boot: ClassVar[bool] = False
    """Whether the host goes down with it, so that nothing can follow."""
    removes: ClassVar[bool] = False
    """Whether it takes files away by a pattern."""

    def __init__(self, options: Any, context: Context) -> None:
        self.options = options
        self.context = context
        problems = self.problems()
        if problems:
            raise InputError(*problems)

    @classmethod
    def make(cls, step: Step, *, system: System, campaign: str, directory: str = "") -> Self:
        """Make an action from a rendered step; raises InputError with every problem."""
        return cls(read_options(cls.Options, step), Context(system, campaign, directory, step.place))

    @classmethod
    def option_specs(cls) -> tuple[OptionSpec, ...]:
        """The options of the verb, for docs, help and the checker."""
        return option_specs(cls.Options)

    def to_values(self) -> dict[str, Any]:
        """The YAML values that make this action again."""
        return write_options(self.options)

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the options as a whole; verbs extend it."""
        if self.context.system not in self.systems:
            systems = " and ".join(sorted(self.systems))
            return (self.context.at.problem(f"{self.verb} is for {systems} only, not for {self.context.system}"),)
        return ()

    def file_orders(self) -> tuple[FileOrder, ...] | None:
        """The action as plain file operations, for any channel with the Files ability."""
        return None

    def powershell_step(self) -> Mapping[str, Any] | None:
        """The action as one step (JSON types) for programs/remedy.ps1."""
        return None

    def sh_step(self) -> tuple[str, ...] | None:
        """The action as one call for programs/remedy.sh: a function and its arguments, unquoted."""
        return None

    def command_line(self) -> str | None:
        """The action as one command line (cmd on Windows, sh on Linux), only where no guard is needed."""
        return None

    def wmi_call(self) -> WmiCall | None:
        """The action as one WMI method call, only where no guard is needed."""
        return None

    def offline(self) -> tuple[OfflineChange, ...] | None:
        """The action as changes on a mounted disk; () when nothing is to be done there."""
        return None

    def ways(self) -> tuple[str, ...]:
        """The names of the ways that it can go."""
        found = {
            "files": self.file_orders(),
            "powershell": self.powershell_step(),
            "sh": self.sh_step(),
            "command_line": self.command_line(),
            "wmi": self.wmi_call(),
            "offline": self.offline(),
        }
        return tuple(name for name, way in found.items() if way is not None)
