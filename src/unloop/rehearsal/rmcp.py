"""RMCP and IPMI packets as a BMC reads and writes them: bytes to records and back (IPMI 2.0 rev 1.1, sections 13.1-13.8)."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

_ASF, _IPMI = 0x06, 0x07
_RMCP_PLUS = 0x06
_ENCRYPTED, _AUTHENTICATED = 0x80, 0x40
_ASF_IANA = bytes.fromhex("000011be")
_NEXT_HEADER = 0x07


class Payload(IntEnum):
    """The payload types that a login needs (table 13-16)."""

    IPMI = 0x00
    OPEN_REQUEST = 0x10
    OPEN_RESPONSE = 0x11
    RAKP1 = 0x12
    RAKP2 = 0x13
    RAKP3 = 0x14
    RAKP4 = 0x15


@dataclass(frozen=True, slots=True)
class Ping:
    """An ASF presence ping."""

    tag: int


@dataclass(frozen=True, slots=True)
class Packet:
    """One IPMI packet. ``is_plus`` tells the RMCP+ format from that of IPMI 1.5; ``body`` is all after the RMCP header."""

    payload: bytes
    body: bytes
    is_plus: bool
    payload_type: int = Payload.IPMI
    is_encrypted: bool = False
    is_authenticated: bool = False
    session: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """One IPMI request (section 13.8)."""

    network_function: int
    command: int
    data: bytes
    head: bytes
    """The first six bytes as received: addresses and sequence, which the response mirrors."""


def parse(datagram: bytes) -> Ping | Packet | None:
    """What a datagram is, or None when a BMC would not answer it."""
    if len(datagram) < 8 or datagram[0] != 0x06:
        return None
    body = datagram[4:]
    if datagram[3] == _ASF:
        is_ping = len(body) >= 6 and body[:4] == _ASF_IANA and body[4] == 0x80
        return Ping(tag=body[5]) if is_ping else None
    if datagram[3] != _IPMI:
        return None
    return _parse_plus(body) if body[0] == _RMCP_PLUS else _parse_plain(body)


def _parse_plain(body: bytes) -> Packet | None:
    """IPMI 1.5 outside a session; log-ons of that age are not offered."""
    if len(body) < 10 or body[0] != 0 or len(body) < 10 + body[9]:
        return None
    return Packet(payload=body[10 : 10 + body[9]], body=body, is_plus=False)


def _parse_plus(body: bytes) -> Packet | None:
    if len(body) < 12:
        return None
    length = int.from_bytes(body[10:12], "little")
    if len(body) < 12 + length:
        return None
    return Packet(
        payload=body[12 : 12 + length],
        body=body,
        is_plus=True,
        payload_type=body[1] & 0x3F,
        is_encrypted=bool(body[1] & _ENCRYPTED),
        is_authenticated=bool(body[1] & _AUTHENTICATED),
        session=int.from_bytes(body[2:6], "little"),
    )


def pong(ping: Ping) -> bytes:
    """The answer to a presence ping: IPMI is supported."""
    return b"\x06\x00\xff\x06" + _ASF_IANA + bytes([0x40, ping.tag, 0, 16]) + _ASF_IANA + bytes(4) + b"\x81" + bytes(7)


def plain(payload: bytes) -> bytes:
    """An IPMI 1.5 packet outside a session."""
    return b"\x06\x00\xff\x07" + bytes(9) + bytes([len(payload)]) + payload


def plus(payload_type: int, payload: bytes) -> bytes:
    """An RMCP+ packet outside a session."""
    return b"\x06\x00\xff\x07" + _plus_head(payload_type, 0, 0, payload)


def sealed(session: int, sequence: int, payload: bytes, sign: Callable[[bytes], bytes]) -> bytes:
    """An RMCP+ packet of a session: its payload encrypted already, signed here (section 13.28.4)."""
    body = _plus_head(_ENCRYPTED | _AUTHENTICATED, session, sequence, payload)
    padding = -(len(body) + 2) % 4
    body += b"\xff" * padding + bytes([padding, _NEXT_HEADER])
    return b"\x06\x00\xff\x07" + body + sign(body)


def _plus_head(payload_type: int, session: int, sequence: int, payload: bytes) -> bytes:
    numbers = session.to_bytes(4, "little") + sequence.to_bytes(4, "little") + len(payload).to_bytes(2, "little")
    return bytes([_RMCP_PLUS, payload_type]) + numbers + payload


def parse_message(payload: bytes) -> Message | None:
    """The request in an IPMI payload; None when a checksum is wrong."""
    if len(payload) < 7 or sum(payload[:3]) & 0xFF or sum(payload[3:]) & 0xFF:
        return None
    return Message(network_function=payload[1] >> 2, command=payload[5], data=payload[6:-1], head=payload[:6])


def response(request: Message, answer: bytes) -> bytes:
    """The response to a request; ``answer`` is the completion code and what follows."""
    responder, _, _, requester, sequence, command = request.head
    first = bytes([requester, (request.network_function | 1) << 2 | sequence & 0x03])
    second = bytes([responder, sequence & 0xFC, command]) + answer
    return first + _checksum(first) + second + _checksum(second)


def _checksum(data: bytes) -> bytes:
    return bytes([-sum(data) & 0xFF])
