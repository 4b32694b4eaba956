"""A remedy rendered for one host, in every form that a channel can carry. Made by actions, carried by channels."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from unloop.model.files import FileGuard, FileOrder


class Shell(StrEnum):
    """The languages in which a host takes a program."""

    POWERSHELL = "powershell"
    CMD = "cmd"
    SH = "sh"


class CheckKind(StrEnum):
    """What a check looks at. The same checks serve ``assess`` and ``verify``."""

    FILE_ABSENT = "file_absent"
    FILE_PRESENT = "file_present"
    REGISTRY_VALUE = "registry_value"
    SERVICE_RUNNING = "service_running"
    UPDATE_ABSENT = "update_absent"
    NO_BUGCHECK = "no_bugcheck"
    BOOT_CHANGED = "boot_changed"
    UP_FOR = "up_for"


@dataclass(frozen=True, slots=True)
class Check:
    """One check. ``pattern`` and ``guard`` serve the file checks (a file that fails the guard does not count).

    ``name`` is a service, an update (KB number), or a registry path ``HKLM\\...\\value``; ``expected`` the registry value;
    ``seconds`` the time of UP_FOR, or how far back NO_BUGCHECK looks (0: since the remedy landed).
    """

    kind: CheckKind
    pattern: str = ""
    guard: FileGuard = field(default_factory=FileGuard)
    name: str = ""
    expected: str = ""
    seconds: float = 0.0

    @property
    def needs_files_only(self) -> bool:
        """Whether listing and reading files is enough to answer it."""
        return self.kind in {CheckKind.FILE_ABSENT, CheckKind.FILE_PRESENT}

    def __str__(self) -> str:
        detail = self.pattern or self.name or (f"{self.seconds:g} s" if self.seconds else "")
        return f"{self.kind} {detail}".rstrip()


@dataclass(frozen=True, slots=True)
class Order:
    """A remedy for one host: assessment, actions and checks, in every form.

    ``files`` is None when file operations alone can't carry it (the whole remedy: assessment included), else the file
    orders in sequence. ``programs`` holds, per shell, one whole program that assesses, acts, judging every guard itself,
    and prints one line ``unloop-report <JSON of RemedyReport>``. A shell that can't carry the remedy is missing.
    ``verifications`` holds, per shell, a program that answers the checks with one line ``unloop-checks <JSON list>``.
    """

    digest: str
    not_applicable_if: tuple[Check, ...] = ()
    already_good_if: tuple[Check, ...] = ()
    files: tuple[FileOrder, ...] | None = None
    programs: Mapping[Shell, str] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    verifications: Mapping[Shell, str] = field(default_factory=dict)
    case_sensitive: bool = False
