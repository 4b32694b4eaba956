"""SMB2 on the wire: frames, headers, names and times ([MS-SMB2] 2.1, 2.2.1, [MS-DTYP] 2.3.3)."""

import struct
from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any, NamedTuple

from unloop.channels.filetime import EPOCH
from unloop.errors import ProtocolError

HEADER = struct.Struct("<4sHHIHHIIQIIQ16s")
HEADER_SIZE = HEADER.size
SMB1, SMB2, SEALED = b"\xffSMB", b"\xfeSMB", b"\xfdSMB"
FROM_SERVER, ASYNC, RELATED, SIGNED = 0x1, 0x2, 0x4, 0x8
LONGEST_FRAME = 2 * 1024 * 1024
"""More than anything that we ask for comes to; the transport itself would allow 16 MiB."""
_KEEP_ALIVE = 0x85


class Command(IntEnum):
    """[MS-SMB2] 2.2.1.2."""

    NEGOTIATE = 0
    SESSION_SETUP = 1
    LOGOFF = 2
    TREE_CONNECT = 3
    TREE_DISCONNECT = 4
    CREATE = 5
    CLOSE = 6
    FLUSH = 7
    READ = 8
    WRITE = 9
    LOCK = 10
    IOCTL = 11
    CANCEL = 12
    ECHO = 13
    QUERY_DIRECTORY = 14
    CHANGE_NOTIFY = 15
    QUERY_INFO = 16
    SET_INFO = 17
    OPLOCK_BREAK = 18


class Answer(NamedTuple):
    """One message of the host. ``message`` begins with the header; ``is_proven``: its signature or seal was right."""

    command: int
    status: int
    credits: int
    flags: int
    message_id: int
    tree_id: int
    session_id: int
    message: bytes
    is_proven: bool = False

    def unpack(self, layout: struct.Struct) -> tuple[Any, ...]:
        """The fixed part of the body; raises ProtocolError."""
        try:
            return layout.unpack_from(self.message, HEADER_SIZE)
        except struct.error as error:
            raise ProtocolError("the host's answer is cut short") from error

    def buffer(self, start: int, length: int) -> bytes:
        """The bytes at an offset from the header's start; raises ProtocolError when they are not all there."""
        if length and (start < HEADER_SIZE or start + length > len(self.message)):
            raise ProtocolError("the host's answer points beyond its end")
        return self.message[start : start + length]


class DirectTcp:
    """Cuts what arrives into messages ([MS-SMB2] 2.1: a zero byte, three bytes of length)."""

    def __init__(self, longest: int = LONGEST_FRAME) -> None:
        self._buffer = bytearray()
        self._longest = longest

    def feed(self, data: bytes) -> None:
        """Take bytes as they come."""
        self._buffer += data

    def next(self) -> bytes | None:
        """The next whole message; raises ProtocolError for what is no frame, or an absurdly long one."""
        buffer = self._buffer
        while len(buffer) >= 4:
            end = 4 + int.from_bytes(buffer[1:4], "big")
            if buffer[0] not in {0, _KEEP_ALIVE} or end > self._longest:
                raise ProtocolError("the peer does not speak SMB")
            if buffer[0] == 0 and len(buffer) >= 8 and end >= 8 and buffer[5:8] != b"SMB":
                raise ProtocolError("the peer does not speak SMB")
            if len(buffer) < end:
                return None
            kind, message = buffer[0], bytes(memoryview(buffer)[4:end])
            del buffer[:end]
            if kind == 0:
                return message
        return None


def framed(message: bytes) -> bytes:
    """A message with its length in front."""
    return len(message).to_bytes(4, "big") + message


def answers_in(frame: bytes) -> Iterator[Answer]:
    """The answers of one frame that is not sealed, or not any more; raises ProtocolError."""
    while True:
        if len(frame) < HEADER_SIZE:
            raise ProtocolError("the host's answer is shorter than a header")
        magic, size, _, status, command, granted, flags, following, number, _, tree, session, _ = HEADER.unpack_from(
            frame
        )
        if magic != SMB2 or size != HEADER_SIZE or not flags & FROM_SERVER:
            raise ProtocolError("the peer does not speak SMB 2 or 3")
        if following and (following % 8 or not HEADER_SIZE <= following <= len(frame) - HEADER_SIZE):
            raise ProtocolError("the host's answers do not follow each other")
        message = frame[:following] if following else frame
        yield Answer(command, status, granted, flags, number, tree, session, message)
        if not following:
            return
        frame = frame[following:]


def moment_of(ticks: int) -> datetime:
    """The time that a FILETIME stands for; raises ProtocolError for one that no calendar holds."""
    try:
        return EPOCH + timedelta(microseconds=ticks // 10)
    except OverflowError as error:
        raise ProtocolError("the host's answer holds a time beyond all calendars") from error


def encoded(name: str) -> bytes:
    """A name as it stands on the wire."""
    return name.encode("utf-16-le", "surrogatepass")


def decoded(raw: bytes) -> str:
    """A name from the wire; what is no Unicode is replaced, so that nothing of that name can be opened by mistake."""
    return raw.decode("utf-16-le", "replace")
