"""SFTP version 3 on the wire (draft-ietf-secsh-filexfer-02): requests, and what the answers to them hold. Pure, no IO."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from unloop.errors import AccessDenied, ChannelError, ConnectionLost, NotFound, ProtocolError, Unsupported

VERSION = 3
LARGEST = 1 << 20
"""No server sends a longer packet; OpenSSH's longest has 256 KiB."""
READ, CREATE_TO_WRITE = 0x01, 0x02 | 0x08 | 0x20
"""Ways to open a file (6.3); what is created to be written must not have been there."""
_INIT, _VERSION, _STATUS, _HANDLE, _DATA, _NAME, _ATTRIBUTES = 1, 2, 101, 102, 103, 104, 105
_HAS_SIZE, _HAS_OWNER, _HAS_MODE, _HAS_TIMES, _HAS_MORE = 0x1, 0x2, 0x4, 0x8, 0x80000000


class Status(IntEnum):
    """How a request ended (7)."""

    OK = 0
    EOF = 1
    NO_SUCH_FILE = 2
    PERMISSION_DENIED = 3
    FAILURE = 4
    BAD_MESSAGE = 5
    NO_CONNECTION = 6
    CONNECTION_LOST = 7
    UNSUPPORTED = 8


HELLO = struct.pack(">IBI", 5, _INIT, VERSION)
"""What is sent first; other requests may follow it at once, as they are taken in order."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Nobody waits for the answer to one that ``is_told``."""

    kind: int
    body: bytes
    is_told: bool = False

    def numbered(self, number: int) -> bytes:
        """The packet."""
        return struct.pack(">IBI", len(self.body) + 5, self.kind, number) + self.body


@dataclass(frozen=True, slots=True)
class Attributes:
    """What an answer says of a file (5); 0 where it says nothing."""

    size: int
    mode: int
    modified: int


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one request."""

    kind: int
    body: bytes

    @property
    def status(self) -> int:
        """How the request ended; an answer that holds something ended well."""
        return _Reader(self.body).number() if self.kind == _STATUS else Status.OK

    def failure(self, path: str) -> ChannelError | None:
        """What went wrong with a file, None when nothing did."""
        status = self.status
        if status == Status.OK:
            return None
        if status == Status.NO_SUCH_FILE:
            return NotFound(f"{path}: no such file")
        if status == Status.PERMISSION_DENIED:
            return AccessDenied(f"{path}: permission denied")
        if status == Status.UNSUPPORTED:
            return Unsupported(f"{path}: the host's SFTP can't do this")
        if status in {Status.NO_CONNECTION, Status.CONNECTION_LOST}:
            return ConnectionLost("the host's SFTP lost its connection")
        return AccessDenied(f"{path}: the host refused ({self._reason or status})")

    def check(self, path: str) -> None:
        """Raise what went wrong with a file."""
        failure = self.failure(path)
        if failure is not None:
            raise failure

    def handle(self, path: str) -> bytes:
        """The handle of what was opened; raises ChannelError."""
        return self._holding(_HANDLE, path).text()

    def data(self, path: str) -> bytes:
        """What was read, b'' at the end of the file; raises ChannelError."""
        return b"" if self.status == Status.EOF else self._holding(_DATA, path).text()

    def attributes(self, path: str) -> Attributes:
        """What a file is; raises ChannelError."""
        return self._holding(_ATTRIBUTES, path).attributes()

    def names(self, path: str) -> tuple[tuple[str, Attributes], ...]:
        """A part of a listing, empty at its end; raises ChannelError."""
        return () if self.status == Status.EOF else tuple(_names(self._holding(_NAME, path)))

    @property
    def _reason(self) -> str:
        """The host's own words, printable and short."""
        try:
            text = _Reader(self.body[4:]).text().decode("utf-8", "replace")
        except ProtocolError:
            return ""
        return "".join(character if character.isprintable() else " " for character in text)[:100].strip()

    def _holding(self, kind: int, path: str) -> "_Reader":
        self.check(path)
        if self.kind != kind:
            raise ProtocolError(f"the host's SFTP answered with a packet of type {self.kind}, not {kind}")
        return _Reader(self.body)


class Packets:
    """Cuts what arrives into the first packet, which tells the version, and numbered replies."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._is_greeted = False

    def feed(self, data: bytes) -> Iterator[tuple[int, Reply]]:
        """Take bytes as they come; the replies that are whole by now. Raises ProtocolError, or Unsupported."""
        self._buffer += data
        while len(self._buffer) >= 4:
            length = int.from_bytes(self._buffer[:4], "big")
            if not 5 <= length <= LARGEST:
                raise ProtocolError(f"the host's SFTP announces a packet of {length} bytes")
            if len(self._buffer) < 4 + length:
                return
            kind, number, body = self._buffer[4], self._buffer[5:9], bytes(self._buffer[9 : 4 + length])
            del self._buffer[: 4 + length]
            if self._is_greeted:
                yield int.from_bytes(number, "big"), Reply(kind, body)
            else:
                self._greet(kind, int.from_bytes(number, "big"))

    def _greet(self, kind: int, version: int) -> None:
        if kind != _VERSION:
            raise ProtocolError("the host does not begin SFTP with its version")
        if version < VERSION:
            raise Unsupported(f"the host speaks SFTP version {version}, not {VERSION}")
        self._is_greeted = True


def open_file(path: bytes, how: int = READ) -> Request:
    """Open a file, or on Linux also a directory, to sync it (6.3)."""
    return Request(3, _text(path) + struct.pack(">II", how, 0))


def close(handle: bytes) -> Request:
    """Close what was opened (6.3); nobody waits for that."""
    return Request(4, _text(handle), is_told=True)


def read(handle: bytes, offset: int, length: int) -> Request:
    """Read a part of a file (6.4)."""
    return Request(5, _text(handle) + struct.pack(">QI", offset, length))


def write(handle: bytes, offset: int, data: bytes) -> Request:
    """Write a part of a file (6.4)."""
    return Request(6, _text(handle) + struct.pack(">Q", offset) + _text(data))


def look(path: bytes) -> Request:
    """What a path is, links not followed: LSTAT (6.8)."""
    return Request(7, _text(path))


def open_directory(path: bytes) -> Request:
    """Begin a listing (6.7)."""
    return Request(11, _text(path))


def list_on(handle: bytes) -> Request:
    """The next part of a listing (6.7)."""
    return Request(12, _text(handle))


def remove(path: bytes) -> Request:
    """Delete a file (6.5)."""
    return Request(13, _text(path))


def make_directory(path: bytes) -> Request:
    """Make one directory, with the rights that the host gives by itself (6.6)."""
    return Request(14, _text(path) + struct.pack(">I", 0))


def remove_directory(path: bytes) -> Request:
    """Remove a directory if it is empty (6.6)."""
    return Request(15, _text(path))


def rename(source: bytes, destination: bytes) -> Request:
    """Rename; fails where the new name is taken (6.5)."""
    return Request(18, _text(source) + _text(destination))


def sync(handle: bytes) -> Request:
    """Through to the disk, where the host knows fsync@openssh.com (OpenSSH's PROTOCOL, 4.5)."""
    return Request(200, _text(b"fsync@openssh.com") + _text(handle))


def _text(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _names(reader: "_Reader") -> Iterator[tuple[str, Attributes]]:
    for _ in range(reader.number()):
        name, _ = reader.text(), reader.text()
        yield name.decode("utf-8", "surrogateescape"), reader.attributes()


class _Reader:
    """Reads a body from its start; raises ProtocolError where it ends too early."""

    def __init__(self, body: bytes) -> None:
        self._body, self._place = body, 0

    def number(self) -> int:
        return int.from_bytes(self._take(4), "big")

    def text(self) -> bytes:
        return self._take(self.number())

    def attributes(self) -> Attributes:
        flags = self.number()
        size = int.from_bytes(self._take(8), "big") if flags & _HAS_SIZE else 0
        self._take(8 if flags & _HAS_OWNER else 0)
        mode = self.number() if flags & _HAS_MODE else 0
        _, modified = (self.number(), self.number()) if flags & _HAS_TIMES else (0, 0)
        for _ in range(2 * self.number() if flags & _HAS_MORE else 0):
            self.text()
        return Attributes(size, mode, modified)

    def _take(self, length: int) -> bytes:
        part = self._body[self._place : self._place + length]
        if len(part) < length:
            raise ProtocolError("an answer of the host's SFTP ends too early")
        self._place += length
        return part
