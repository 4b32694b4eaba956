"""NEGOTIATE: what we offer, and what the host chose of it ([MS-SMB2] 2.2.3, 2.2.4, 3.2.5.2)."""

import os
import struct
from dataclasses import dataclass

from unloop.channels.smb_status import STATUS_NOT_SUPPORTED, from_status
from unloop.channels.strike.smb2.crypto import (
    DIALECT_21,
    DIALECT_30,
    DIALECT_202,
    DIALECT_302,
    DIALECT_311,
    Cipher,
    Signing,
)
from unloop.channels.strike.smb2.requests import BLOCK, Request
from unloop.channels.strike.smb2.wire import HEADER_SIZE, Answer, Command
from unloop.errors import ProtocolError, Unsupported

DIALECTS = (DIALECT_202, DIALECT_21, DIALECT_30, DIALECT_302, DIALECT_311)
SIGNS = 0x3
"""Our security mode: signing is enabled and required."""
PREAUTH, ENCRYPTION, SIGNING = 1, 2, 8
"""The kinds of negotiate contexts that we know ([MS-SMB2] 2.2.3.1)."""
SHA_512 = 1
CIPHERS = (Cipher.AES_128_GCM, Cipher.AES_128_CCM, Cipher.AES_256_GCM, Cipher.AES_256_CCM)
SIGNINGS = (Signing.AES_GMAC, Signing.AES_CMAC, Signing.HMAC_SHA256)
_LARGE_MTU, _ENCRYPTS = 0x4, 0x40
_REQUEST = struct.Struct("<HHHHI16sIHH")
_RESPONSE = struct.Struct("<HHHH16sIIIIQQHHI")
_MOST_CONTEXTS = 32
_SALT = 32


@dataclass(frozen=True, slots=True)
class Offer:
    """What we offer one host."""

    dialects: tuple[int, ...]
    guid: bytes
    capabilities: int

    @classmethod
    def of(cls, dialects: tuple[int, ...]) -> "Offer":
        """An offer of these dialects, under a name that is used once."""
        is_new = max(dialects) >= DIALECT_30
        return cls(dialects, os.urandom(16), _LARGE_MTU | _ENCRYPTS if is_new else 0)

    def request(self) -> Request:
        """The NEGOTIATE."""
        listed = struct.pack(f"<{len(self.dialects)}H", *self.dialects)
        fixed = (36, len(self.dialects), SIGNS, 0, self.capabilities, self.guid)
        if DIALECT_311 not in self.dialects:
            return Request(Command.NEGOTIATE, _REQUEST.pack(*fixed, 0, 0, 0) + listed, "negotiate")
        gap = bytes(-(_REQUEST.size + len(listed)) % 8)
        start = HEADER_SIZE + _REQUEST.size + len(listed) + len(gap)
        contexts = (
            _context(PREAUTH, struct.pack("<HHH", 1, _SALT, SHA_512) + os.urandom(_SALT)),
            _context(ENCRYPTION, struct.pack(f"<{1 + len(CIPHERS)}H", len(CIPHERS), *CIPHERS)),
            _context(SIGNING, struct.pack(f"<{1 + len(SIGNINGS)}H", len(SIGNINGS), *SIGNINGS)),
        )
        body = _REQUEST.pack(*fixed, start, len(contexts), 0) + listed + gap + b"".join(contexts)
        return Request(Command.NEGOTIATE, body, "negotiate")

    def validation(self) -> bytes:
        """The same once more, for VALIDATE_NEGOTIATE_INFO ([MS-SMB2] 2.2.31.4)."""
        count = len(self.dialects)
        return struct.pack(f"<I16sHH{count}H", self.capabilities, self.guid, SIGNS, count, *self.dialects)


@dataclass(frozen=True, slots=True)
class Choice:
    """What the host chose."""

    dialect: int
    guid: bytes
    capabilities: int
    security_mode: int
    algorithm: Signing
    cipher: Cipher | None

    @property
    def name(self) -> str:
        """The dialect in words."""
        return {DIALECT_202: "2.0.2", DIALECT_302: "3.0.2", DIALECT_311: "3.1.1"}.get(
            self.dialect, f"{self.dialect >> 8}.{self.dialect >> 4 & 0xF}"
        )

    def validation(self) -> bytes:
        """What the host's answer to VALIDATE_NEGOTIATE_INFO must be ([MS-SMB2] 2.2.32.6)."""
        return struct.pack("<I16sHH", self.capabilities, self.guid, self.security_mode, self.dialect)


def choice(answer: Answer, offer: Offer) -> Choice:
    """Read the host's answer; raises Unsupported when it chose what we did not offer."""
    if answer.status == STATUS_NOT_SUPPORTED:
        raise Unsupported("the host speaks none of the SMB dialects that we know")
    if answer.status:
        raise from_status(answer.status, "negotiation")
    fields = answer.unpack(_RESPONSE)
    _, mode, dialect, count, guid, capabilities, transact, reading, writing, *_, contexts_at = fields
    if dialect not in offer.dialects:
        raise Unsupported(f"the host chose SMB dialect 0x{dialect:04x}, which was not offered")
    if min(transact, reading, writing) < BLOCK:
        raise Unsupported("the host takes too little in one message")
    algorithm, cipher = (Signing.AES_CMAC if dialect >= DIALECT_30 else Signing.HMAC_SHA256), None
    if dialect == DIALECT_311:
        algorithm, cipher = _agreed(_contexts(answer, contexts_at, count))
    elif dialect >= DIALECT_30 and capabilities & _ENCRYPTS:
        cipher = Cipher.AES_128_CCM
    return Choice(dialect, guid, capabilities, mode, algorithm, cipher)


def _agreed(contexts: dict[int, bytes]) -> tuple[Signing, Cipher | None]:
    """How 3.1.1 signs and seals; raises when the host chose what we did not offer."""
    if _one(contexts, PREAUTH, 4) != SHA_512:
        raise Unsupported("the host hashes the negotiation in a way that we don't know")
    signing, cipher = Signing.AES_CMAC, 0
    if SIGNING in contexts:
        number = _one(contexts, SIGNING, 2)
        if number not in set(SIGNINGS):
            raise Unsupported("the host signs in a way that we did not offer")
        signing = Signing(number)
    if ENCRYPTION in contexts:
        cipher = _one(contexts, ENCRYPTION, 2)
        if cipher and cipher not in set(CIPHERS):
            raise Unsupported("the host encrypts in a way that we did not offer")
    return signing, Cipher(cipher) if cipher else None


def _one(contexts: dict[int, bytes], kind: int, place: int) -> int:
    """The one value that a context of an answer names."""
    data = contexts.get(kind, b"")
    try:
        if struct.unpack_from("<H", data)[0] != 1:
            raise ProtocolError("the host chose more than one")
        return int(struct.unpack_from("<H", data, place)[0])
    except struct.error as error:
        raise ProtocolError("the host's negotiation is cut short") from error


def _contexts(answer: Answer, place: int, count: int) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    if count > _MOST_CONTEXTS:
        raise ProtocolError("the host's negotiation is garbled")
    for _ in range(count):
        kind, length = struct.unpack("<HH", answer.buffer(place, 4))
        if kind in found:
            raise ProtocolError("the host chose twice")
        found[kind] = answer.buffer(place + 8, length)
        place += -(-(8 + length) // 8) * 8
    return found


def _context(kind: int, data: bytes) -> bytes:
    """One context; all are filled up to eight bytes, which the last need not be."""
    return (struct.pack("<HHI", kind, len(data), 0) + data).ljust(-(-(8 + len(data)) // 8) * 8, b"\0")
