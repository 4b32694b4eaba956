"""SMB2 on the wire: frames, headers, names and times ([MS-SMB2] 2.1, 2.2.1)."""

import struct
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from unloop.rehearsal.filetime import EPOCH
from unloop.rehearsal.smb.status import Hangup, Refused, Status

LONGEST_FRAME = 2 * 1024 * 1024
HEADER_SIZE = 64
SMB1, SMB2, SEALED = b"\xffSMB", b"\xfeSMB", b"\xfdSMB"
FROM_SERVER, RELATED, SIGNED = 0x1, 0x4, 0x8
_HEADER = struct.Struct("<4sHHIHHIIQIIQ16s")
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


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a message ([MS-SMB2] 2.2.1.2)."""

    command: int
    message_id: int
    flags: int = 0
    status: int = 0
    credits: int = 1
    credit_charge: int = 0
    next_command: int = 0
    process_id: int = 0
    tree_id: int = 0
    session_id: int = 0
    signature: bytes = bytes(16)

    @classmethod
    def parse(cls, message: bytes) -> "Header":
        """Read a request's header; raises Hangup."""
        if len(message) < HEADER_SIZE:
            raise Hangup("shorter than a header")
        magic, size, charge, status, command, granted, flags, following, number, process, tree, session, signature = (
            _HEADER.unpack_from(message)
        )
        if magic != SMB2 or size != HEADER_SIZE or flags & FROM_SERVER:
            raise Hangup("no SMB2 request")
        return cls(
            command, number, flags, status, granted, charge, following, process, tree, session, signature
        )  # fmt: skip

    def pack(self) -> bytes:
        """The header on the wire."""
        return _HEADER.pack(
            SMB2,
            HEADER_SIZE,
            self.credit_charge,
            self.status,
            self.command,
            self.credits,
            self.flags,
            self.next_command,
            self.message_id,
            self.process_id,
            self.tree_id,
            self.session_id,
            self.signature,
        )


class Frames:
    """Collects bytes until they make whole messages ([MS-SMB2] 2.1: a zero byte, three bytes of length)."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are complete now; raises Hangup."""
        self._buffer += data
        found = []
        while len(self._buffer) >= 4:
            length = int.from_bytes(self._buffer[1:4], "big")
            if self._buffer[0] not in {0, _KEEP_ALIVE} or length > LONGEST_FRAME:
                raise Hangup("no frame of direct TCP")
            if len(self._buffer) < 4 + length:
                break
            if self._buffer[0] == 0:
                found.append(bytes(self._buffer[4 : 4 + length]))
            del self._buffer[: 4 + length]
        return found


def framed(message: bytes) -> bytes:
    """A message with its length in front."""
    return len(message).to_bytes(4, "big") + message


def text_of(raw: bytes) -> str:
    """A name on the wire; raises Refused."""
    try:
        return raw.decode("utf-16-le")
    except UnicodeDecodeError as error:
        raise Refused(Status.OBJECT_NAME_INVALID) from error


def moment_of(ticks: int) -> datetime:
    """The time that a FILETIME stands for; raises Refused."""
    try:
        return EPOCH + timedelta(microseconds=ticks // 10)
    except OverflowError as error:
        raise Refused(Status.INVALID_PARAMETER) from error
