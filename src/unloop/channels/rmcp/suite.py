"""Cipher suites 17 and 3: which hash, how much of it is sent, and a session's keys (IPMI 2.0, 13.28-13.32, table 22-20)."""

import hmac
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 16
_CONSTANT = 20
"""K1 and K2 come from constants of 20 bytes in every suite, also where the hash has 32: so do ipmitool and FreeIPMI."""


@dataclass(frozen=True, slots=True)
class Suite:
    """One cipher suite. ``algorithms``: authentication, integrity, confidentiality; ``sent``: bytes of a check value."""

    number: int
    algorithms: tuple[int, int, int]
    digest: str
    size: int
    sent: int

    def hash(self, key: bytes, text: bytes) -> bytes:
        """The keyed hash."""
        return hmac.digest(key, text, self.digest)

    def check_value(self, key: bytes, text: bytes) -> bytes:
        """As much of the keyed hash as is sent for integrity (HMAC-SHA1-96, HMAC-SHA256-128)."""
        return hmac.digest(key, text, self.digest)[: self.sent]


SUITE_17 = Suite(17, (0x03, 0x04, 0x01), "sha256", 32, 16)
"""RAKP-HMAC-SHA256, HMAC-SHA256-128, AES-CBC-128."""
SUITE_3 = Suite(3, (0x01, 0x01, 0x01), "sha1", 20, 12)
"""RAKP-HMAC-SHA1, HMAC-SHA1-96, AES-CBC-128."""


class Keys:
    """The keys of one session: for check values, and for encryption."""

    __slots__ = ("_aes", "_k1", "suite")

    def __init__(self, suite: Suite, session_integrity_key: bytes) -> None:
        self.suite = suite
        self._k1 = suite.hash(session_integrity_key, b"\x01" * _CONSTANT)
        self._aes = algorithms.AES(suite.hash(session_integrity_key, b"\x02" * _CONSTANT)[:BLOCK])

    def sign(self, signed: bytes) -> bytes:
        """The check value of a packet."""
        return self.suite.check_value(self._k1, signed)

    def is_signed(self, signed: bytes, code: bytes) -> bool:
        """Whether this is the check value of what it is said to cover."""
        return hmac.compare_digest(code, self.sign(signed))

    def encrypt(self, clear: bytes, vector: bytes) -> bytes:
        """The encrypted payload, its initialization vector first; padded as 13.29 says: 1, 2, 3, ... and how many."""
        padding = -(len(clear) + 1) % BLOCK
        encryptor = Cipher(self._aes, modes.CBC(vector)).encryptor()
        return vector + encryptor.update(clear + bytes(range(1, padding + 1)) + bytes([padding])) + encryptor.finalize()

    def decrypt(self, payload: bytes) -> bytes | None:
        """The clear payload; None when length or padding are wrong."""
        vector, text = payload[:BLOCK], payload[BLOCK:]
        if not text or len(text) % BLOCK:
            return None
        decryptor = Cipher(self._aes, modes.CBC(vector)).decryptor()
        clear = decryptor.update(text) + decryptor.finalize()
        padding = clear[-1]
        if padding >= BLOCK or clear[-1 - padding : -1] != bytes(range(1, padding + 1)):
            return None
        return clear[: -1 - padding]
