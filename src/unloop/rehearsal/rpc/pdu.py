"""PDUs of connection-oriented RPC (C706, chapter 12), little-endian and without security of their own."""

import struct
from dataclasses import dataclass
from enum import IntEnum

HEADER = struct.Struct("<BBBBIHHI")
FIRST, LAST, HAS_OBJECT = 0x01, 0x02, 0x80
_LITTLE_ENDIAN = 0x10
LARGEST_FRAGMENT = 5840
"""What Windows takes and sends at most in one fragment ([MS-RPCE] 3.3.1.5.2)."""
SMALLEST_FRAGMENT = 1432
"""What every peer must be able to take (C706, 12.6.3.1)."""


class Broken(Exception):
    """The peer sent what is no RPC; the pipe is of no use any more."""


class Kind(IntEnum):
    """The kinds of PDU (C706, 12.6.4)."""

    REQUEST = 0
    RESPONSE = 2
    FAULT = 3
    BIND = 11
    BIND_ACK = 12
    BIND_NAK = 13
    ALTER_CONTEXT = 14
    ALTER_CONTEXT_RESPONSE = 15
    CANCEL = 18
    ORPHANED = 19


class FaultStatus(IntEnum):
    """Why a call was not carried out (C706, appendix E; [MS-RPCE] 3.1.1.5.5)."""

    ACCESS_DENIED = 5
    BAD_STUB_DATA = 0x6F7
    CONTEXT_MISMATCH = 0x1C00001A
    NO_SUCH_OPERATION = 0x1C010002
    UNKNOWN_INTERFACE = 0x1C010003


class Fault(Exception):
    """A call fails before or in its operation."""

    def __init__(self, status: FaultStatus) -> None:
        self.status = status
        super().__init__(status.name)


@dataclass(frozen=True, slots=True)
class Pdu:
    """One PDU as it came in."""

    kind: int
    flags: int
    call_id: int
    body: bytes
    has_security: bool = False


class Inbox:
    """Bytes of a pipe, cut into PDUs by the length that each of them states."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """What came in."""
        self._buffer += data

    def next(self) -> Pdu | None:
        """The next whole PDU; raises Broken."""
        if len(self._buffer) < HEADER.size:
            return None
        version, minor, kind, flags, order, length, security, call_id = HEADER.unpack_from(self._buffer)
        if version != 5 or minor > 1 or order & 0xFF != _LITTLE_ENDIAN:
            raise Broken("no RPC of version 5, little-endian")
        if not HEADER.size <= length <= LARGEST_FRAGMENT:
            raise Broken("a fragment of no possible length")
        if len(self._buffer) < length:
            return None
        body = bytes(self._buffer[HEADER.size : length])
        del self._buffer[:length]
        return Pdu(kind, flags, call_id, body, bool(security))


def packed(kind: Kind, call_id: int, body: bytes, flags: int = FIRST | LAST) -> bytes:
    """A PDU on the wire."""
    return HEADER.pack(5, 0, kind, flags, _LITTLE_ENDIAN, HEADER.size + len(body), 0, call_id) + body


def response(call_id: int, context: int, stub: bytes, room: int) -> list[bytes]:
    """The answer to a call in as many fragments as the peer's room asks for (C706, 12.6.4.10)."""
    step = (room - HEADER.size - 8) // 8 * 8
    pieces = [stub[start : start + step] for start in range(0, len(stub), step)] or [b""]
    fragments = []
    for index, piece in enumerate(pieces):
        flags = (FIRST if not index else 0) | (LAST if index == len(pieces) - 1 else 0)
        head = struct.pack("<IHBx", len(stub) - index * step, context, 0)
        fragments.append(packed(Kind.RESPONSE, call_id, head + piece, flags))
    return fragments


def fault(call_id: int, context: int, status: FaultStatus) -> bytes:
    """That a call failed (C706, 12.6.4.7)."""
    return packed(Kind.FAULT, call_id, struct.pack("<IHBxII", 0, context, 0, status, 0))
