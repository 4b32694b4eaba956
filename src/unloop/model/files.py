"""Files on a host, and the guard that decides which of them a remedy may touch: pure, no IO.

The same judge serves SMB, SFTP and a mounted disk; the PowerShell and sh programs state the same rules in their language.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file as a directory listing shows it. ``modified`` is aware, in UTC. ``path`` is the full path on the host."""

    path: str
    name: str
    size: int
    modified: datetime
    is_directory: bool = False


@dataclass(frozen=True, slots=True)
class FileGuard:
    """Preconditions on a file; an empty one accepts every file. All of them must hold.

    ``header`` is compared with the first bytes of the file, as lowercase hex. ``modified_from`` is inclusive,
    ``modified_before`` exclusive. ``good_sibling_from``: when any file of the same glob is modified at or after this
    time, the host is already good and nothing is touched.
    """

    header: str = ""
    modified_from: datetime | None = None
    modified_before: datetime | None = None
    size_min: int | None = None
    size_max: int | None = None
    sha256: tuple[str, ...] = ()
    good_sibling_from: datetime | None = None

    @property
    def header_length(self) -> int:
        """How many bytes of the file's start the guard needs to see."""
        return len(self.header) // 2

    @property
    def wants_hash(self) -> bool:
        """Whether the whole file must be read to judge it."""
        return bool(self.sha256)


class Judgement(StrEnum):
    """What a guard says of one file."""

    MATCH = "match"
    """Every precondition holds: the action may touch it."""
    GOOD_SIBLING = "good_sibling"
    """A sibling is recent enough: the host is already good, whatever this file is."""
    OUT_OF_RANGE = "out_of_range"
    """Another date or size: not the file that is meant."""
    SUSPICIOUS = "suspicious"
    """Date and size fit, but header or hash differ: reported and climbed, never silently skipped."""


def judge_listing(guard: FileGuard, entry: FileEntry, siblings: tuple[FileEntry, ...]) -> Judgement:
    """Judge what a listing alone can tell; MATCH here still needs judge_content when the guard reads content."""
    if guard.good_sibling_from and any(sibling.modified >= guard.good_sibling_from for sibling in siblings):
        return Judgement.GOOD_SIBLING
    if guard.modified_from and entry.modified < guard.modified_from:
        return Judgement.OUT_OF_RANGE
    if guard.modified_before and entry.modified >= guard.modified_before:
        return Judgement.OUT_OF_RANGE
    if guard.size_min is not None and entry.size < guard.size_min:
        return Judgement.OUT_OF_RANGE
    if guard.size_max is not None and entry.size > guard.size_max:
        return Judgement.OUT_OF_RANGE
    return Judgement.MATCH


def judge_content(guard: FileGuard, *, head: bytes, sha256: str) -> Judgement:
    """Judge a file's first bytes and hash; ``sha256`` is lowercase hex, '' when the guard does not want it."""
    if guard.header and head[: guard.header_length].hex() != guard.header:
        return Judgement.SUSPICIOUS
    if guard.sha256 and sha256 not in guard.sha256:
        return Judgement.SUSPICIOUS
    return Judgement.MATCH


class Disposition(StrEnum):
    """What a file order does with each file that matches."""

    QUARANTINE = "quarantine"
    DELETE = "delete"
    PUT = "put"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True)
class FileOrder:
    """One file action, ready for any channel that can list, read and move files.

    ``pattern`` is a full path; wildcards (``*``, ``?``) stand in its last component only, and match without regard to
    case on Windows. PUT writes ``content`` (base64) to ``pattern``. RESTORE moves the newest file of ``source`` (a
    pattern) back to ``pattern``. ``quarantine`` is the directory into which QUARANTINE moves; the name there is the
    SHA-256 of the lowercase path, suffix ``.q``. Nothing is ever overwritten.
    """

    verb: str
    disposition: Disposition
    pattern: str
    guard: FileGuard = field(default_factory=FileGuard)
    quarantine: str = ""
    content: str = ""
    source: str = ""

    def to_json(self) -> dict[str, Any]:
        """JSON types only; times are ISO 8601 in UTC."""
        data = asdict(self)
        guard: Mapping[str, Any] = data["guard"]
        data["guard"] = {
            key: value.isoformat() if isinstance(value, datetime) else value for key, value in guard.items()
        }
        return data
