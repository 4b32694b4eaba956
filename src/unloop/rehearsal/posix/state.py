"""What a simulated shell knows: variables, functions, arguments, streams, and the host it is on."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from unloop.rehearsal.machine import Machine
from unloop.rehearsal.posix.streams import Nowhere, Sink, Source, Stream
from unloop.rehearsal.posix.syntax import Command, ShellError

Path = tuple[str, ...]
MOST_STEPS = 200_000


class Exit(Exception):
    """The shell ends."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(str(code))


class Return(Exception):
    """A function ends."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(str(code))


class Jump(Exception):
    """A loop ends, or goes round again."""

    def __init__(self, levels: int, *, goes_on: bool) -> None:
        self.levels, self.goes_on = levels, goes_on
        super().__init__("break")


@dataclass(slots=True)
class Clock:
    """How long a program has slept; nobody waits for it while it is carried out."""

    waited: float = 0.0


@dataclass(slots=True)
class Budget:
    """What all shells of one program may do together."""

    steps: int = 0

    def spend(self) -> None:
        """One more command; raises ShellError when it is too many."""
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise ShellError("too many commands for a simulated shell")


@dataclass(slots=True)
class Shell:
    """One shell. A subshell is a copy, so that what it changes stays with it."""

    machine: Machine
    later: Callable[[float], None]
    variables: dict[str, str] = field(default_factory=dict)
    functions: dict[str, Command] = field(default_factory=dict)
    arguments: list[str] = field(default_factory=list)
    streams: dict[int, Stream] = field(default_factory=dict)
    directory: Path = ("root",)
    status: int = 0
    refuses_unset: bool = False
    clock: Clock = field(default_factory=Clock)
    budget: Budget = field(default_factory=Budget)

    def copy(self, **changes: object) -> "Shell":
        """A subshell."""
        copied = {
            "variables": dict(self.variables),
            "functions": dict(self.functions),
            "arguments": list(self.arguments),
            "streams": dict(self.streams),
        }
        return replace(self, **{**copied, **changes})  # type: ignore[arg-type]

    def place(self, path: str) -> Path:
        """The place in the tree that a path means."""
        parts = [] if path.startswith("/") else list(self.directory)
        for part in path.split("/"):
            if part == "..":
                parts = parts[:-1]
            elif part not in {"", "."}:
                parts.append(part)
        return tuple(parts)

    def input(self) -> Source:
        """Standard input."""
        found = self.streams.get(0)
        return found if isinstance(found, Source) else Source()

    def output(self, descriptor: int = 1) -> Sink:
        """Standard output or error."""
        found = self.streams.get(descriptor)
        return found if isinstance(found, Sink) else Nowhere()

    def say(self, text: str) -> None:
        """Write text to standard output."""
        self.output().write(text.encode("utf-8", "surrogateescape"))

    def complain(self, text: str) -> None:
        """Write a line to standard error."""
        self.output(2).write(f"{text}\n".encode("utf-8", "surrogateescape"))
