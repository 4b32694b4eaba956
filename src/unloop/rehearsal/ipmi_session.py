"""An RMCP+ session as the BMC holds it: the RAKP exchange, its keys, and the sealing of messages.

IPMI 2.0 rev 1.1, sections 13.17-13.33. K1 and K2 come from constants of 20 bytes in every suite, also where the hash has
32: ipmitool and FreeIPMI hold it so, and judge this code in the tests.
"""

import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from unloop.rehearsal import rmcp

BLOCK = 16


@dataclass(frozen=True, slots=True)
class Suite:
    """One cipher suite: its algorithms' numbers, its hash and how much of a hash is sent."""

    number: int
    algorithms: tuple[int, int, int]
    digest: str
    sent: int

    @property
    def record(self) -> bytes:
        """The suite as Get Channel Cipher Suites lists it."""
        authentication, integrity, confidentiality = self.algorithms
        return bytes([0xC0, self.number, authentication, 0x40 | integrity, 0x80 | confidentiality])


SUITES = (Suite(3, (1, 1, 1), "sha1", 12), Suite(17, (3, 4, 1), "sha256", 16))


class Status(IntEnum):
    """RMCP+ status codes (table 13-15)."""

    GOOD = 0x00
    NO_RESOURCES = 0x01
    BAD_SESSION = 0x02
    BAD_ROLE = 0x09
    UNKNOWN_NAME = 0x0D
    BAD_CHECK_VALUE = 0x0F
    NO_SUITE = 0x11


@dataclass
class Session:
    """One session, from Open Session to Close Session. ``is_active`` once RAKP message 3 proved the password."""

    number: int
    console: int
    suite: Suite
    last_seen: float
    random: bytes = field(default_factory=lambda: os.urandom(16))
    console_random: bytes = b""
    who: bytes = b""
    """Role, name length and name as RAKP message 1 gave them: every hash of the exchange covers them."""
    key: bytes = b""
    privilege: int = 0x02
    limit: int = 0x04
    is_active: bool = False
    _sik: bytes = b""
    _sequence: int = 0

    def _hash(self, key: bytes, *parts: bytes) -> bytes:
        return hmac.digest(key, b"".join(parts), self.suite.digest)

    @property
    def _ids(self) -> tuple[bytes, bytes]:
        return self.console.to_bytes(4, "little"), self.number.to_bytes(4, "little")

    def rakp2(self, guid: bytes) -> bytes:
        """Random number, GUID and key exchange authentication code of RAKP message 2."""
        console, ours = self._ids
        code = self._hash(self.key, console, ours, self.console_random, self.random, guid, self.who)
        return self.random + guid + code

    def accepts(self, code: bytes) -> bool:
        """Whether RAKP message 3 proves the password; if so the session's keys are made."""
        console, _ = self._ids
        if not hmac.compare_digest(code, self._hash(self.key, self.random, console, self.who)):
            return False
        self._sik = self._hash(self.key, self.console_random, self.random, self.who)
        self.is_active = True
        return True

    def rakp4(self, guid: bytes) -> bytes:
        """The integrity check value of RAKP message 4."""
        _, ours = self._ids
        return self._hash(self._sik, self.console_random, ours, guid)[: self.suite.sent]

    def _sign(self, body: bytes) -> bytes:
        return self._hash(self._hash(self._sik, b"\x01" * 20), body)[: self.suite.sent]

    def _cipher(self, vector: bytes) -> Cipher[modes.CBC]:
        key = self._hash(self._sik, b"\x02" * 20)[:BLOCK]
        return Cipher(algorithms.AES(key), modes.CBC(vector))

    def unseal(self, packet: rmcp.Packet) -> bytes | None:
        """The IPMI message in a packet of this session; None unless signature and encryption are right."""
        if not (packet.is_authenticated and packet.is_encrypted and self.is_active):
            return None
        body, code = packet.body[: -self.suite.sent], packet.body[-self.suite.sent :]
        vector, text = packet.payload[:BLOCK], packet.payload[BLOCK:]
        if not hmac.compare_digest(code, self._sign(body)) or not text or len(text) % BLOCK:
            return None
        decryptor = self._cipher(vector).decryptor()
        clear = decryptor.update(text) + decryptor.finalize()
        return clear[: len(clear) - 1 - clear[-1]]

    def seal(self, message: bytes, entropy: Callable[[int], bytes] = os.urandom) -> bytes:
        """The packet that carries a message to the console."""
        padding = -(len(message) + 1) % BLOCK
        clear = message + bytes(range(1, padding + 1)) + bytes([padding])
        vector = entropy(BLOCK)
        encryptor = self._cipher(vector).encryptor()
        self._sequence += 1
        payload = vector + encryptor.update(clear) + encryptor.finalize()
        return rmcp.sealed(self.console, self._sequence, payload, self._sign)
