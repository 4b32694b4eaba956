"""Where the input and output of a simulated program go: memory, always, and no more than a length of it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from unloop.rehearsal.filetree import FileTree
from unloop.rehearsal.posix.syntax import NotUnderstood

LONGEST = 4 * 1024 * 1024


@dataclass(slots=True)
class Source:
    """Input that is read once."""

    data: bytes = b""
    place: int = 0

    def line(self) -> tuple[bytes, bool]:
        """The next line without its end, and whether it had one."""
        end = self.data.find(b"\n", self.place)
        start, has_end = self.place, end >= 0
        end = end if has_end else len(self.data)
        self.place = end + has_end
        return self.data[start:end], has_end

    def rest(self) -> bytes:
        """All that is left."""
        rest, self.place = self.data[self.place :], len(self.data)
        return rest


@dataclass(slots=True)
class Sink:
    """Output that is collected."""

    data: bytearray = field(default_factory=bytearray)

    def weight(self) -> int:
        """How many bytes are moved to write one more."""
        return 0

    def write(self, data: bytes) -> None:
        """Take more; raises NotUnderstood when it is too much."""
        bound(len(self.data) + len(data))
        self.data += data


@dataclass(slots=True)
class Nowhere(Sink):
    """/dev/null."""

    def write(self, data: bytes) -> None:
        """Take it and forget it."""


@dataclass(slots=True)
class FileSink(Sink):
    """A file in the tree, written where the last write ended, or at its end."""

    files: FileTree = field(default_factory=lambda: FileTree(case_sensitive=True))
    path: tuple[str, ...] = ()
    appends: bool = False
    place: int = 0

    def weight(self) -> int:
        """The whole file: each write makes a new one."""
        return len(self.files.stat(self.path).content) if self.files.exists(self.path) else 0

    def write(self, data: bytes) -> None:
        """Change the file; raises NotUnderstood when it has another name by now."""
        if not data:
            return
        try:
            content = self.files.stat(self.path).content
        except FileNotFoundError as error:
            raise NotUnderstood("writing to a file that was moved or deleted while it was open") from error
        start = len(content) if self.appends else self.place
        bound(start + len(data))
        made = content[:start].ljust(start, b"\0") + data + content[start + len(data) :]
        self.files.write(self.path, made, modified=datetime.now(UTC))
        self.place = start + len(data)


Stream = Source | Sink


def bound(length: int) -> None:
    """Raise NotUnderstood for what is too long to be kept."""
    if length > LONGEST:
        raise NotUnderstood(f"more than {LONGEST >> 20} MiB in one place")
