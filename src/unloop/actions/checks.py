"""The checks of ``assess`` and ``verify``: their options, and the records that channels and programs answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from unloop.actions.base import NoOptions
from unloop.actions.kinds import ANY_FILE, DURATION, GUARD, KB, PATTERN, REGISTRY_PATH, SCALAR, SERVICE
from unloop.actions.options import OptionSpec, option, option_specs, read_options
from unloop.errors import InputError, did_you_mean
from unloop.model.files import FileGuard
from unloop.model.host import System
from unloop.model.order import Check, CheckKind
from unloop.model.patterns import is_posix
from unloop.playbook.document import Step


@dataclass(frozen=True, slots=True)
class FileOptions:
    """Options of the file checks."""

    path: str = option(PATTERN, "full path of the files; * and ? in the last component")
    guard: FileGuard = option(  # noqa: RUF009 - a field specifier
        GUARD, "what must hold of a file before it counts", default=ANY_FILE
    )


@dataclass(frozen=True, slots=True)
class RegistryOptions:
    """Options of registry_value."""

    path: str = option(REGISTRY_PATH, "path of the value: HKLM\\key\\...\\name")
    equals: Any = option(SCALAR, "what it must hold")  # noqa: RUF009 - a field specifier


@dataclass(frozen=True, slots=True)
class ServiceOptions:
    """Options of service_running."""

    name: str = option(SERVICE, "name of the service")


@dataclass(frozen=True, slots=True)
class UpdateOptions:
    """Options of update_absent."""

    kb: str = option(KB, "number of the update, such as KB5034441")


@dataclass(frozen=True, slots=True)
class BugcheckOptions:
    """Options of no_bugcheck."""

    within: float = option(DURATION, "how far back to look; without it, since the remedy landed", default=0.0)


@dataclass(frozen=True, slots=True)
class UpOptions:
    """Options of up_for."""

    time: float = option(DURATION, "how long the host must have stayed up")


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """One check of the language: its word, its options, and how it becomes a record."""

    kind: CheckKind
    title: str
    options: type[Any]
    build: Callable[[CheckKind, Any], Check]
    systems: frozenset[System] = frozenset(System)
    assesses: bool = True
    """Whether it may stand in ``assess``: it tells of a state, not of what happened since a remedy."""

    WINDOWS: ClassVar[frozenset[System]] = frozenset({System.WINDOWS})

    def option_specs(self) -> tuple[OptionSpec, ...]:
        """The options, for docs, help and the checker."""
        return option_specs(self.options)


def _file(kind: CheckKind, options: FileOptions) -> Check:
    return Check(kind, pattern=options.path, guard=options.guard)


def _registry(kind: CheckKind, options: RegistryOptions) -> Check:
    expected = "\n".join(options.equals) if isinstance(options.equals, tuple) else str(options.equals)
    return Check(kind, name=options.path, expected=expected)


def _specs() -> tuple[CheckSpec, ...]:
    kind, windows = CheckKind, CheckSpec.WINDOWS
    return (
        CheckSpec(kind.FILE_ABSENT, "No file matches the pattern and its guard", FileOptions, _file),
        CheckSpec(kind.FILE_PRESENT, "A file matches the pattern and its guard", FileOptions, _file),
        CheckSpec(kind.REGISTRY_VALUE, "A registry value holds a content", RegistryOptions, _registry, windows),
        CheckSpec(
            kind.SERVICE_RUNNING, "A service runs", ServiceOptions, lambda kind, options: Check(kind, name=options.name)
        ),
        CheckSpec(
            kind.UPDATE_ABSENT,
            "An update is not installed",
            UpdateOptions,
            lambda kind, options: Check(kind, name=options.kb),
            windows,
        ),
        CheckSpec(
            kind.NO_BUGCHECK,
            "No crash was logged or dumped, but for the one under way when the remedy landed",
            BugcheckOptions,
            lambda kind, options: Check(kind, seconds=options.within),
            assesses=False,
        ),
        CheckSpec(
            kind.BOOT_CHANGED,
            "The host is in a later boot than the one in which the remedy landed",
            NoOptions,
            lambda kind, _: Check(kind),
            assesses=False,
        ),
        CheckSpec(
            kind.UP_FOR,
            "The host stays up for a time",
            UpOptions,
            lambda kind, options: Check(kind, seconds=options.time),
            assesses=False,
        ),
    )


CHECKS: Mapping[str, CheckSpec] = MappingProxyType({spec.kind.value: spec for spec in _specs()})
"""Every check of the language by its word."""


def make_check(step: Step, system: System, *, assessing: bool) -> Check:
    """Make the record of a rendered check; raises InputError with every problem."""
    spec = CHECKS.get(step.verb)
    if spec is None:
        raise InputError(step.place.problem(f"there is no check {step.verb!r}", did_you_mean(step.verb, CHECKS)))
    check = spec.build(spec.kind, read_options(spec.options, step))
    if system not in spec.systems:
        raise InputError(step.place.problem(f"{step.verb} can't be asked of a {system} host"))
    if assessing and not spec.assesses:
        raise InputError(step.place.problem(f"{step.verb} says nothing before a remedy", "it belongs into verify"))
    if check.pattern and is_posix(check.pattern) is not (system is System.LINUX):
        raise InputError(step.at("path").problem(f"{check.pattern!r} is no path of a {system} host"))
    return check
