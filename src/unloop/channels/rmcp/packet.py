"""Datagrams to and from a BMC: presence pings and RMCP+ packets, bytes to records and back (IPMI 2.0 rev. 1.1, 13)."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

_RMCP_VERSION = 0x06
_IPMI_CLASS = b"\x06\x00\xff\x07"
"""RMCP version 1.0, no RMCP sequence number (no acknowledgement wanted), class IPMI (table 13-8)."""
_ASF_CLASS = b"\x06\x00\xff\x06"
_ASF_ENTERPRISE = b"\x00\x00\x11\xbe"
_PING, _PONG = 0x80, 0x40
_SUPPORTS_IPMI = 0x80
_PLUS = 0x06
_ENCRYPTED, _AUTHENTICATED = 0x80, 0x40
_NEXT_HEADER = 0x07
_HEAD = 12
"""Bytes of the RMCP+ session header: format, payload type, session id, sequence number, length (table 13-8)."""


class Payload(IntEnum):
    """Payload types (table 13-16)."""

    IPMI = 0x00
    OPEN_REQUEST = 0x10
    OPEN_RESPONSE = 0x11
    RAKP1 = 0x12
    RAKP2 = 0x13
    RAKP3 = 0x14
    RAKP4 = 0x15


@dataclass(frozen=True, slots=True)
class Packet:
    """One RMCP+ packet. ``signed`` and ``code`` are what its integrity check covers and the check value, if it has one."""

    payload_type: int
    payload: bytes
    session: int = 0
    sequence: int = 0
    signed: bytes = b""
    code: bytes = b""


def ping(tag: int) -> bytes:
    """An ASF presence ping (13.2.3)."""
    return _ASF_CLASS + _ASF_ENTERPRISE + bytes([_PING, tag, 0, 0])


def is_pong(datagram: bytes, tag: int) -> bool:
    """Whether this is the answer to the ping with this tag, of a device that speaks IPMI (13.2.4)."""
    if len(datagram) < 28 or datagram[0] != _RMCP_VERSION or datagram[3] != _ASF_CLASS[3]:
        return False
    if datagram[4:8] != _ASF_ENTERPRISE or datagram[8] != _PONG or datagram[9] != tag or datagram[11] < 16:
        return False
    return bool(datagram[20] & _SUPPORTS_IPMI)


def outside(payload_type: int, payload: bytes) -> bytes:
    """A packet outside a session: neither encrypted nor signed."""
    return _IPMI_CLASS + _head(payload_type, 0, 0, payload)


def inside(session: int, sequence: int, payload: bytes, sign: Callable[[bytes], bytes]) -> bytes:
    """A packet of a session: its payload is encrypted already, signed here (13.28.4)."""
    body = _head(Payload.IPMI | _ENCRYPTED | _AUTHENTICATED, session, sequence, payload)
    padding = -(len(body) + 2) % 4
    signed = body + b"\xff" * padding + bytes([padding, _NEXT_HEADER])
    return _IPMI_CLASS + signed + sign(signed)


def parse_outside(datagram: bytes) -> Packet | None:
    """A packet outside a session, None for everything else."""
    body = _body(datagram)
    if body is None or body[1] & (_ENCRYPTED | _AUTHENTICATED) or body[2:10] != bytes(8):
        return None
    length = int.from_bytes(body[10:12], "little")
    if len(body) != _HEAD + length:
        return None
    return Packet(body[1], body[_HEAD:])


def parse_inside(datagram: bytes, session: int, code_length: int) -> Packet | None:
    """A signed and encrypted packet of one session, None for everything else. The check value is not looked at here."""
    body = _body(datagram)
    if body is None or body[1] != Payload.IPMI | _ENCRYPTED | _AUTHENTICATED:
        return None
    if int.from_bytes(body[2:6], "little") != session:
        return None
    end = _HEAD + int.from_bytes(body[10:12], "little")
    signed, code = body[:-code_length], body[-code_length:]
    trailer = signed[end:]
    if len(trailer) < 2 or trailer[-1] != _NEXT_HEADER or trailer[-2] != len(trailer) - 2:
        return None
    return Packet(Payload.IPMI, body[_HEAD:end], session, int.from_bytes(body[6:10], "little"), signed, code)


def _body(datagram: bytes) -> bytes | None:
    if len(datagram) < 4 + _HEAD or datagram[0] != _RMCP_VERSION or datagram[3] != _IPMI_CLASS[3]:
        return None
    return datagram[4:] if datagram[4] == _PLUS else None


def _head(payload_type: int, session: int, sequence: int, payload: bytes) -> bytes:
    numbers = session.to_bytes(4, "little") + sequence.to_bytes(4, "little") + len(payload).to_bytes(2, "little")
    return bytes([_PLUS, payload_type]) + numbers + payload
