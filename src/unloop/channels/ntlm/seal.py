"""Signing and sealing of messages with the key of an NTLM log-on ([MS-NLMP] 3.4.3, 3.4.4.2, 3.4.5)."""

import hashlib
import hmac
import struct

from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext

SIGN, SEAL, EXTENDED = 0x10, 0x20, 0x80000
KEY_128, KEY_EXCHANGE, KEY_56 = 0x20000000, 0x40000000, 0x80000000


class BadSignature(ValueError):
    """A message was not sealed with the key of this log-on, or not in this order."""


class Direction:
    """One direction of a log-on: its two keys, its RC4 stream, and the number of the next message."""

    def __init__(self, key: bytes, flags: int, *, from_client: bool, sequence: int = 0) -> None:
        side = b"client-to-server" if from_client else b"server-to-client"
        self._signing = _md5(key + _magic(side, b"signing"))
        self._stream = rc4(_md5(_weakened(key, flags) + _magic(side, b"sealing")))
        self._seals_checksum = bool(flags & KEY_EXCHANGE)
        self._sequence = sequence

    def crypt(self, message: bytes) -> bytes:
        """A message sealed or unsealed: RC4 is its own reverse."""
        return self._stream.update(message)

    def sign(self, message: bytes) -> bytes:
        """The signature of the next message, given in the clear; to be asked for after ``crypt``."""
        number = struct.pack("<I", self._sequence)
        self._sequence = (self._sequence + 1) & 0xFFFFFFFF
        checksum = hmac.digest(self._signing, number + message, "md5")[:8]
        if self._seals_checksum:
            checksum = self._stream.update(checksum)
        return struct.pack("<I", 1) + checksum + number


class Sealer:
    """Both directions as one side sees them. ``sequence`` is 1 after a log-on that exchanged signatures already."""

    def __init__(self, key: bytes, flags: int, *, is_client: bool = False, sequence: int = 0) -> None:
        self._out = Direction(key, flags, from_client=is_client, sequence=sequence)
        self._in = Direction(key, flags, from_client=not is_client, sequence=sequence)

    def seal(self, message: bytes) -> tuple[bytes, bytes]:
        """The signature and the sealed message."""
        sealed = self._out.crypt(message)
        return self._out.sign(message), sealed

    def unseal(self, signature: bytes, sealed: bytes) -> bytes:
        """The message; raises BadSignature, after which the direction is of no more use."""
        message = self._in.crypt(sealed)
        if not hmac.compare_digest(self._in.sign(message), signature):
            raise BadSignature("wrong signature")
        return message


def can_seal(flags: int) -> bool:
    """Whether sealing was negotiated, with the session security and the 128 bits that every Windows since 2000 has.

    Somebody in between could take the strength out of the challenge, which is not signed.
    """
    needed = SEAL | EXTENDED | KEY_128 | KEY_EXCHANGE
    return flags & needed == needed


def rc4(key: bytes) -> CipherContext:
    """An RC4 stream."""
    return Cipher(ARC4(key), mode=None).encryptor()


def _weakened(key: bytes, flags: int) -> bytes:
    """SEALKEY ([MS-NLMP] 3.4.5.3) takes less of the key where 128 bits were not negotiated."""
    return key[: 16 if flags & KEY_128 else 7 if flags & KEY_56 else 5]


def _magic(side: bytes, use: bytes) -> bytes:
    return b"session key to " + side + b" " + use + b" key magic constant\0"


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()
