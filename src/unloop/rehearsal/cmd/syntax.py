"""What a cmd line says, as data."""

from dataclasses import dataclass


class CmdError(Exception):
    """The line can't be read; the message is what cmd says."""


@dataclass(frozen=True, slots=True)
class Redirection:
    """Where a stream goes: a file, ``nul``, or the other stream (``&1``)."""

    stream: int
    target: str
    appends: bool = False


@dataclass(frozen=True, slots=True)
class Simple:
    """One command with the text behind it."""

    name: str
    rest: str
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Commands in parentheses."""

    inner: "Chain"
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """What an IF asks: ``exist``, ``errorlevel`` or ``==``."""

    kind: str
    left: str
    right: str = ""
    is_negated: bool = False
    ignores_case: bool = False


@dataclass(frozen=True, slots=True)
class If:
    """IF with the command to run, and the one to run otherwise."""

    condition: Condition
    then: "Command"
    otherwise: "Command | None" = None


@dataclass(frozen=True, slots=True)
class Chain:
    """Commands one after the other; each but the first with ``&``, ``&&`` or ``||`` before it."""

    first: "Command"
    rest: "tuple[tuple[str, Command], ...]" = ()


Command = Simple | Group | If
