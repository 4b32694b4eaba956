"""What a simulated shell knows: variables, functions, arguments, streams, and the host it is on."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from unloop.rehearsal.filetree import Node
from unloop.rehearsal.machine import Machine
from unloop.rehearsal.posix.bytetext import outside
from unloop.rehearsal.posix.streams import Nowhere, Sink, Source, Stream
from unloop.rehearsal.posix.syntax import Command, NotUnderstood

Path = tuple[str, ...]
MOST_STEPS = 50_000
"""The longest honest program takes a few thousand. All hosts of a rehearsal share one process."""
_LOOKED_AT, _COPIED = 512, 8192
"""Bytes that take as long as a command."""
UNKNOWN_HERE = frozenset({"LINENO", "PPID", "OPTIND", "OPTARG", "PS1", "PS2", "PS4", "RANDOM", "_"})
"""Variables that real shells set themselves, and this one does not."""


class Exit(Exception):
    """The shell ends."""

    def __init__(self, code: int) -> None:
        self.code = code & 0xFF
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
    """How long a program has slept, and its longest background job; nobody waits while it is carried out."""

    waited: float = 0.0
    background: float = 0.0


@dataclass(slots=True)
class Budget:
    """What all shells of one program may do together."""

    steps: int = 0

    def spend(self, work: int = 0) -> None:
        """One more command, or this many characters looked at; raises NotUnderstood when it is too much."""
        self.steps += 1 + work // _LOOKED_AT
        if self.steps > MOST_STEPS:
            raise NotUnderstood("a program that takes too long for a simulated host")

    def move(self, length: int) -> None:
        """This many bytes are copied, which costs less; raises NotUnderstood when it is too much."""
        self.spend(length // (_COPIED // _LOOKED_AT))


@dataclass(slots=True)
class Shell:
    """One shell. A subshell is a copy, so that what it changes stays with it."""

    machine: Machine
    later: Callable[[float], None]
    variables: dict[str, str] = field(default_factory=dict)
    exported: set[str] = field(default_factory=set)
    functions: dict[str, Command] = field(default_factory=dict)
    arguments: list[str] = field(default_factory=list)
    streams: dict[int, Stream] = field(default_factory=dict)
    directory: Path = ("root",)
    name: str = "sh"
    status: int = 0
    substituted: int = 0
    loops: int = 0
    has_background: bool = False
    refuses_unset: bool = False
    clock: Clock = field(default_factory=Clock)
    budget: Budget = field(default_factory=Budget)

    def copy(self) -> "Shell":
        """A subshell."""
        return replace(
            self,
            variables=dict(self.variables),
            exported=set(self.exported),
            functions=dict(self.functions),
            arguments=list(self.arguments),
            streams=dict(self.streams),
        )

    def place(self, path: str) -> Path:
        """The place in the tree that a path means; raises FileNotFoundError for none."""
        if not path:
            raise FileNotFoundError(2, "No such file or directory", path)
        place = () if path.startswith("/") else self.directory
        names = outside(path).split("/")
        for number, name in enumerate(names, 1):
            if name == "..":
                if self.node(place) is None:
                    raise FileNotFoundError(2, "No such file or directory", path)
                place = place[:-1]
            elif name not in {"", "."}:
                place = (*place, name)
            node = self.node(place) if number < len(names) or name in {"", "."} else None
            if node is not None and not node.is_directory:
                raise NotADirectoryError(20, "Not a directory", path)
        return place

    def node(self, place: Path) -> Node | None:
        """What is at a place of the tree."""
        files = self.machine.files
        return files.stat(place) if files.exists(place) else None

    def value(self, name: str) -> str | None:
        """A variable's value; None when it is not set. Raises NotUnderstood for one that only real shells know."""
        found = self.variables.get(name)
        if found is None and name in UNKNOWN_HERE:
            raise NotUnderstood(f"the variable {name}")
        return found

    def input(self) -> Source:
        """Standard input."""
        found = self.streams.get(0)
        if not isinstance(found, Source):
            raise NotUnderstood("standard input that can't be read")
        return found

    def output(self, descriptor: int = 1) -> Sink:
        """Standard output or error."""
        found = self.streams.get(descriptor)
        if found is None:
            return Nowhere()
        if not isinstance(found, Sink):
            raise NotUnderstood("standard output that can't be written")
        return found

    def write(self, data: bytes) -> None:
        """Write to standard output."""
        sink = self.output()
        self.budget.move(len(data) + sink.weight())
        sink.write(data)

    def say(self, text: str) -> None:
        """Write text to standard output."""
        self.write(text.encode("latin-1"))

    def complain(self, text: str) -> None:
        """Write a line to standard error."""
        self.output(2).write(f"{text}\n".encode("latin-1", "replace"))
