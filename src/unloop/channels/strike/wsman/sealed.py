"""Sealed bodies of HTTP messages ([MS-WSMV] 2.2.9.1.1), as a client makes and reads them."""

import re
import struct
from collections.abc import Callable

from unloop.errors import ProtocolError

SPNEGO, KERBEROS = "application/HTTP-SPNEGO-session-encrypted", "application/HTTP-Kerberos-session-encrypted"
LONGEST_SIGNATURE = 512
Seal = Callable[[bytes], tuple[bytes, bytes]]
"""The signature of a message, and the message sealed."""
Unseal = Callable[[bytes, bytes], bytes]
"""The message, of its signature and the sealed one; raises ProtocolError."""
_BOUNDARY = b"--Encrypted Boundary"
_PART = re.compile(
    rb"--[ ]?Encrypted Boundary\r\n[\t ]*Content-Type:[ ]*application/HTTP-[A-Za-z]{1,20}-session-encrypted[ ]*\r\n"
    rb"[\t ]*OriginalContent:[ ]*type=application/soap\+xml;[ ]*charset=([A-Za-z0-9-]{1,20});[ ]*Length=([0-9]{1,9})[ ]*\r\n"
    rb"--[ ]?Encrypted Boundary\r\n[\t ]*Content-Type:[ ]*application/octet-stream[ ]*\r\n",
    re.IGNORECASE,
)
_LAST = re.compile(rb"--[ ]?Encrypted Boundary--[ ]*(?:\r\n){0,2}", re.IGNORECASE)


def content_type(protocol: str) -> str:
    """The Content-Type of a sealed body."""
    return f'multipart/encrypted;protocol="{protocol}";boundary="Encrypted Boundary"'


def is_sealed(kind: str) -> bool:
    """Whether a Content-Type announces a sealed body."""
    return kind.partition(";")[0].strip().lower() == "multipart/encrypted"


def wrap(message: bytes, seal: Seal, protocol: str) -> bytes:
    """A message as a sealed body. Its length is that of what was sealed: some ciphers of Kerberos pad it."""
    signature, data = seal(message)
    meta = (
        f"\r\n\tContent-Type: {protocol}\r\n"
        f"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length={len(data)}\r\n"
    ).encode("ascii")
    head = _BOUNDARY + meta + _BOUNDARY + b"\r\n\tContent-Type: application/octet-stream\r\n"
    return b"".join((head, struct.pack("<I", len(signature)), signature, data, _BOUNDARY, b"--\r\n"))


def unwrap(body: bytes, unseal: Unseal) -> bytes:
    """The message in a sealed body of one part or more; raises ProtocolError."""
    messages, place = [], 0
    while _LAST.fullmatch(body, place) is None:
        signature, data, place = _part(body, place)
        messages.append(unseal(signature, data))
    if not messages:
        raise ProtocolError("the host's sealed answer holds nothing")
    return b"".join(messages)


def _part(body: bytes, place: int) -> tuple[bytes, bytes, int]:
    """The signature, what is sealed, and where the next part begins."""
    head = _PART.match(body, place)
    if head is None:
        raise ProtocolError("the host's sealed answer is framed in a way that we don't know")
    if head[1].upper() != b"UTF-8":
        raise ProtocolError("the host's sealed answer is not in UTF-8")
    if head.end() + 4 > len(body):
        raise ProtocolError("the host's sealed answer is cut short")
    (size,) = struct.unpack_from("<I", body, head.end())
    start = head.end() + 4
    end = start + size + int(head[2])
    if size > LONGEST_SIGNATURE or end > len(body):
        raise ProtocolError("the lengths in the host's sealed answer don't fit")
    return body[start : start + size], body[start + size : end], end
