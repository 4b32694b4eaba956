"""What a running cmd keeps: where it is, what it said, how its last command ended."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from unloop.rehearsal.machine import Machine

MOST_COMMANDS = 2000
LONGEST_OUTPUT = 1024 * 1024
NOT_RECOGNIZED = 9009
DRIVE = "C:"


class Exit(Exception):
    """The shell ends."""


class Overrun(Exception):
    """The line ran too much, or said too much."""


@dataclass
class Cmd:
    """One cmd.exe on a machine. ``later`` restarts the machine so many seconds from now."""

    machine: Machine
    later: Callable[[float], None]
    variables: Mapping[str, str] = field(default_factory=dict)
    """By their names in upper case."""
    directory: tuple[str, ...] = ()
    given: str = ""
    """What stands ready at the standard input."""
    output: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    code: int = 0
    waited: float = 0.0
    _commands: int = 0
    _said: int = 0

    def count(self) -> None:
        """One more command; raises Overrun."""
        self._commands += 1
        if self._commands > MOST_COMMANDS:
            raise Overrun("too many commands")

    def say(self, text: str) -> None:
        """Write to the standard output; raises Overrun."""
        self._keep(self.output, text)

    def complain(self, text: str, code: int | None = None) -> None:
        """Write a line to the error output, and say how the command ended."""
        self._keep(self.errors, f"{text}\r\n")
        if code is not None:
            self.code = code

    def _keep(self, where: list[str], text: str) -> None:
        self._said += len(text)
        if self._said > LONGEST_OUTPUT:
            raise Overrun("too much output")
        where.append(text)
