"""As much of SPNEGO as a log-on with one mechanism needs (RFC 4178, [MS-SPNG]), and the DER that it is written in."""

from dataclasses import dataclass
from enum import IntEnum

from unloop.errors import ProtocolError

SPNEGO = bytes.fromhex("06062b0601050502")
NTLM = bytes.fromhex("060a2b06010401823702020a")
KERBEROS = bytes.fromhex("06092a864886f712010202")
INIT, RESPONSE, SEQUENCE, OCTETS, ENUMERATED, APPLICATION = 0xA0, 0xA1, 0x30, 0x04, 0x0A, 0x60
"""Tags; those of numbered fields begin at INIT."""


class State(IntEnum):
    """RFC 4178 4.2.2."""

    COMPLETED = 0
    INCOMPLETE = 1
    REJECT = 2
    REQUEST_MIC = 3


@dataclass(frozen=True, slots=True)
class Reply:
    """What an acceptor says; empty where it does not."""

    mechanism: bytes = b""
    token: bytes = b""
    mic: bytes = b""


def mechanisms(mechanism: bytes) -> bytes:
    """The list of mechanisms, with one: what a MIC over the list signs."""
    return tag(SEQUENCE, mechanism)


def initial(mechanism: bytes, token: bytes) -> bytes:
    """The initiator's first message, with the first message of the one mechanism."""
    fields = tag(INIT, mechanisms(mechanism)) + tag(INIT + 2, tag(OCTETS, token))
    return tag(APPLICATION, SPNEGO + tag(INIT, tag(SEQUENCE, fields)))


def response(token: bytes, mic: bytes = b"") -> bytes:
    """A further message of either side's mechanism; without a state it is the initiator's."""
    fields = tag(INIT + 2, tag(OCTETS, token)) if token else b""
    fields += tag(INIT + 3, tag(OCTETS, mic)) if mic else b""
    return tag(RESPONSE, tag(SEQUENCE, fields))


def reply(message: bytes) -> Reply:
    """Read an acceptor's message; one that is not SPNEGO is the mechanism's own. Raises ProtocolError."""
    if not message.startswith(bytes((RESPONSE,))):
        return Reply(token=message)
    try:
        found = fields_of(message)
        return Reply(found.get(1, b""), inner(found, 2), inner(found, 3))
    except IndexError as error:
        raise ProtocolError("the host's answer to the log-on is garbled") from error


def tag(kind: int, content: bytes) -> bytes:
    """One element of DER."""
    length = len(content)
    if length < 0x80:
        return bytes((kind, length)) + content
    size = (length.bit_length() + 7) // 8
    return bytes((kind, 0x80 | size)) + length.to_bytes(size, "big") + content


def element(data: bytes) -> tuple[int, bytes, bytes]:
    """Tag, content and what follows; raises IndexError."""
    length, start = data[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(data[2:start], "big")
    if start + length > len(data):
        raise IndexError("cut short")
    return data[0], data[start : start + length], data[start + length :]


def fields_of(data: bytes) -> dict[int, bytes]:
    """The numbered fields of a [n] SEQUENCE; raises IndexError."""
    _, sequence, _ = element(data)
    _, rest, _ = element(sequence)
    found: dict[int, bytes] = {}
    while rest:
        kind, content, rest = element(rest)
        found[kind & 0x1F] = content
    return found


def inner(fields: dict[int, bytes], number: int) -> bytes:
    """What a numbered field wraps, b'' when it is missing; raises IndexError."""
    return element(fields[number])[1] if number in fields else b""
