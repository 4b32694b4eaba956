"""Sealed bodies of HTTP messages ([MS-WSMV] 2.2.9.1.1): framing only, the keys are the caller's."""

import re
import struct
from collections.abc import Callable

PROTOCOL = "application/HTTP-SPNEGO-session-encrypted"
CONTENT_TYPE = f'multipart/encrypted;protocol="{PROTOCOL}";boundary="Encrypted Boundary"'
_BOUNDARY = b"--Encrypted Boundary"
_META = re.compile(
    rb"--Encrypted Boundary\r\n\t?Content-Type: " + re.escape(PROTOCOL.encode()) + rb"\r\n"
    rb"\t?OriginalContent: type=application/soap\+xml;\s?charset=[-A-Za-z0-9]+;\s?Length=([0-9]{1,9})\r\n"
    rb"--Encrypted Boundary\r\n\t?Content-Type: application/octet-stream\r\n"
)
_LONGEST_SIGNATURE = 64
Unseal = Callable[[bytes, bytes], bytes]
Seal = Callable[[bytes], tuple[bytes, bytes]]


class Garbled(ValueError):
    """A body is not framed as sealed bodies are."""


def is_sealed(content_type: str) -> bool:
    """Whether a Content-Type announces a sealed body."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind in {"multipart/encrypted", "multipart/x-multi-encrypted"} and PROTOCOL.lower() in content_type.lower()


def unwrap(body: bytes, unseal: Unseal) -> bytes:
    """The message in one sealed part, or in several after each other; raises Garbled, and what ``unseal`` raises."""
    found, place = [], 0
    while not body.startswith(_BOUNDARY + b"--", place):
        meta = _META.match(body, place)
        if meta is None:
            raise Garbled("no part begins here")
        start, length = meta.end(), int(meta[1])
        if start + 4 > len(body):
            raise Garbled("cut short")
        size = struct.unpack_from("<I", body, start)[0]
        signature_end = start + 4 + size
        place = signature_end + length
        if size > _LONGEST_SIGNATURE or not body.startswith(_BOUNDARY, place):
            raise Garbled("the lengths don't fit")
        found.append(unseal(body[start + 4 : signature_end], body[signature_end:place]))
    if not found:
        raise Garbled("no part at all")
    return b"".join(found)


def wrap(message: bytes, seal: Seal) -> bytes:
    """A message as a sealed body."""
    signature, sealed = seal(message)
    meta = (
        f"\r\n\tContent-Type: {PROTOCOL}\r\n"
        f"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length={len(message)}\r\n"
    ).encode("ascii")
    head = _BOUNDARY + meta + _BOUNDARY + b"\r\n\tContent-Type: application/octet-stream\r\n"
    return head + struct.pack("<I", len(signature)) + signature + sealed + _BOUNDARY + b"--\r\n"
