"""Where the input and output of a simulated program go: memory, always."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from unloop.rehearsal.filetree import FileTree

LONGEST = 4 * 1024 * 1024


@dataclass(slots=True)
class Source:
    """Input that is read once."""

    data: bytes = b""
    place: int = 0

    def line(self) -> bytes | None:
        """The next line without its end; None when there is none."""
        if self.place >= len(self.data):
            return None
        end = self.data.find(b"\n", self.place)
        end = len(self.data) if end < 0 else end
        line, self.place = self.data[self.place : end], end + 1
        return line

    def rest(self) -> bytes:
        """All that is left."""
        rest, self.place = self.data[self.place :], len(self.data)
        return rest


@dataclass(slots=True)
class Sink:
    """Output that is collected, up to a length."""

    data: bytearray = field(default_factory=bytearray)

    def write(self, data: bytes) -> None:
        """Take more."""
        self.data += data[: LONGEST - len(self.data)]


@dataclass(slots=True)
class Nowhere(Sink):
    """/dev/null."""

    def write(self, data: bytes) -> None:
        """Take it and forget it."""


@dataclass(slots=True)
class FileSink(Sink):
    """A file in the tree."""

    files: FileTree = field(default_factory=lambda: FileTree(case_sensitive=True))
    path: tuple[str, ...] = ()

    def write(self, data: bytes) -> None:
        """Add to the file."""
        content = self.files.stat(self.path).content + data
        self.files.write(self.path, content[:LONGEST], modified=datetime.now(UTC))


Stream = Source | Sink
