"""What a simulated SMB server knows of one connection: sessions, trees and opens ([MS-SMB2] 3.3.1)."""

import itertools
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from unloop.channels.strike.smb2.crypto import Cipher, Shield, Signing
from unloop.channels.strike.smb2.wire import HEADER_SIZE
from unloop.rehearsal.filetree import FileTree, Node
from unloop.rehearsal.ntlm import Account
from unloop.rehearsal.smb.pipes import MakeServer, Pipe
from unloop.rehearsal.smb.status import Refused, Status
from unloop.rehearsal.smb.wire import Header
from unloop.rehearsal.spnego import Negotiation

LARGEST = 1024 * 1024
"""The most that one read, write or query carries where credits are counted; 64 KiB before that."""
MOST_OPENS, MOST_TREES, MOST_SESSIONS = 1024, 64, 16

Path = tuple[str, ...]


class ShareKind(StrEnum):
    """What a share holds."""

    DISK = "disk"
    PIPE = "pipe"


@dataclass(frozen=True, slots=True)
class Host:
    """What the server serves: the volume, the one account, and the names it goes by.

    ``refused`` is told the name of every account whose proof was refused. ``pipes`` are there under their names in lower
    case; each open of one gets a server of its own.
    """

    files: FileTree
    account: Account
    name: str
    guid: bytes
    refused: Callable[[str], None] = lambda _: None
    pipes: Mapping[str, MakeServer] = field(default_factory=dict)


@dataclass(slots=True)
class Search:
    """How far a listing has come ([MS-SMB2] 3.3.5.18)."""

    pattern: str
    entries: Iterator[tuple[str, Path, Node]]
    pushed: tuple[str, Path, Node] | None = None
    has_found: bool = False


@dataclass(slots=True)
class Open:
    """An open file or directory, or a pipe, which has no path."""

    number: int
    tree: "Tree"
    path: Path
    is_directory: bool
    access: int
    deletes: bool = False
    search: Search | None = None
    pipe: Pipe | None = None

    @property
    def file_id(self) -> bytes:
        """Persistent and volatile part on the wire."""
        return struct.pack("<QQ", self.number, self.number)


@dataclass(slots=True)
class Tree:
    """A connected share; ``root`` is where it begins in the volume."""

    number: int
    share: str
    kind: ShareKind
    root: Path = ()


@dataclass(slots=True)
class Session:
    """A log-on, proven once it has a ``shield``."""

    number: int
    negotiation: Negotiation
    preauth: bytes
    requires_signing: bool
    shield: Shield | None = None
    trees: dict[int, Tree] = field(default_factory=dict)
    opens: dict[int, Open] = field(default_factory=dict)


@dataclass(slots=True)
class Client:
    """What the client said in its NEGOTIATE."""

    capabilities: int
    guid: bytes
    security_mode: int
    dialects: tuple[int, ...]


@dataclass(slots=True)
class Connection:
    """One connection of one client. Requests with numbers below the ``window`` have been granted ([MS-SMB2] 3.3.1.1)."""

    host: Host
    window: int = 1
    dialect: int = 0
    client: Client | None = None
    algorithm: Signing = Signing.AES_CMAC
    cipher: Cipher | None = None
    preauth: bytes = bytes(64)
    sessions: dict[int, Session] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def largest(self) -> int:
        """The most that one request may carry."""
        return LARGEST if self.dialect > 0x202 else 65536


@dataclass(slots=True)
class Call:
    """One request on its way to its handler. Related requests hand on session, tree and open."""

    connection: Connection
    header: Header
    message: bytes
    session: Session | None = None
    tree_id: int = 0
    is_protected: bool = False
    file_id: bytes = b""
    """That of the open which the compound works on, where it is known."""
    is_related: bool = False
    session_id: int = 0
    is_sealed: bool = False

    def unpack(self, layout: struct.Struct) -> tuple[Any, ...]:
        """The fixed part of the body, without its structure size; raises struct.error."""
        return layout.unpack_from(self.message, HEADER_SIZE)[1:]

    def buffer(self, offset: int, length: int) -> bytes:
        """The bytes at an offset from the header's start; raises Refused when they are not all there."""
        if length and (offset < HEADER_SIZE or offset + length > len(self.message)):
            raise Refused(Status.INVALID_PARAMETER)
        return self.message[offset : offset + length]

    @property
    def proven(self) -> Session:
        """The session; raises Refused when there is none."""
        if self.session is None or self.session.shield is None:
            raise Refused(Status.USER_SESSION_DELETED)
        return self.session

    @property
    def tree(self) -> Tree:
        """The tree; raises Refused when there is none."""
        try:
            return self.proven.trees[self.tree_id]
        except KeyError:
            raise Refused(Status.NETWORK_NAME_DELETED) from None

    def open_of(self, file_id: bytes, *, takes_pipe: bool = False) -> Open:
        """The open that a request names, which is no pipe unless the request is for one; raises Refused."""
        tree = self.tree
        if self.is_related and self.file_id:
            file_id = self.file_id
        number = int.from_bytes(file_id[8:], "little")
        found = self.proven.opens.get(number)
        if found is None or found.file_id != file_id or found.tree is not tree:
            raise Refused(Status.FILE_CLOSED)
        if found.pipe is not None and not takes_pipe:
            raise Refused(Status.INVALID_DEVICE_REQUEST)
        self.file_id = file_id
        return found
