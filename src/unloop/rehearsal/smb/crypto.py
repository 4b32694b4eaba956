"""Keys, signatures and encryption of SMB2 sessions ([MS-SMB2] 3.1.4)."""

import hashlib
import hmac
import os
import struct
from dataclasses import dataclass
from enum import IntEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from unloop.rehearsal.smb.status import Hangup
from unloop.rehearsal.smb.wire import FROM_SERVER, HEADER_SIZE, SEALED, SIGNED, Command

DIALECT_202, DIALECT_21, DIALECT_30, DIALECT_302, DIALECT_311 = 0x202, 0x210, 0x300, 0x302, 0x311
_TRANSFORM = struct.Struct("<4s16s16sIHHQ")
_FLAGS_AT, _SIGNATURE_AT = 16, 48


class Signing(IntEnum):
    """[MS-SMB2] 2.2.3.1.7."""

    HMAC_SHA256 = 0
    AES_CMAC = 1
    AES_GMAC = 2


class Cipher(IntEnum):
    """[MS-SMB2] 2.2.3.1.2."""

    AES_128_CCM = 1
    AES_128_GCM = 2
    AES_256_CCM = 3
    AES_256_GCM = 4

    @property
    def key_length(self) -> int:
        """In bytes."""
        return 32 if self in {Cipher.AES_256_CCM, Cipher.AES_256_GCM} else 16

    @property
    def nonce_length(self) -> int:
        """In bytes."""
        return 11 if self in {Cipher.AES_128_CCM, Cipher.AES_256_CCM} else 12


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one session."""

    signing: bytes
    algorithm: Signing
    unsealing: bytes = b""
    sealing: bytes = b""
    cipher: Cipher | None = None


def derive(key: bytes, label: bytes, context: bytes, length: int = 16) -> bytes:
    """SP800-108 in counter mode with HMAC-SHA256 ([MS-SMB2] 3.1.4.2)."""
    given = b"\0\0\0\1" + label + b"\0" + context + struct.pack(">I", length * 8)
    return hmac.digest(key, given, "sha256")[:length]


def keys_for(session_key: bytes, dialect: int, *, preauth: bytes, algorithm: Signing, cipher: Cipher | None) -> Keys:
    """The keys of a session from the key that the log-on gave ([MS-SMB2] 3.3.5.5.3)."""
    key = session_key[:16].ljust(16, b"\0")
    if dialect < DIALECT_30:
        return Keys(key, Signing.HMAC_SHA256)
    if dialect < DIALECT_311:
        signing = derive(key, b"SMB2AESCMAC\0", b"SmbSign\0")
        if cipher is None:
            return Keys(signing, algorithm)
        unsealing = derive(key, b"SMB2AESCCM\0", b"ServerIn \0")
        return Keys(signing, algorithm, unsealing, derive(key, b"SMB2AESCCM\0", b"ServerOut\0"), cipher)
    signing = derive(key, b"SMBSigningKey\0", preauth)
    if cipher is None:
        return Keys(signing, algorithm)
    full = key if cipher.key_length == 16 else session_key
    unsealing = derive(full, b"SMBC2SCipherKey\0", preauth, cipher.key_length)
    return Keys(signing, algorithm, unsealing, derive(full, b"SMBS2CCipherKey\0", preauth, cipher.key_length), cipher)


def sign(keys: Keys, message: bytes) -> bytes:
    """A message with the flag and the signature put in ([MS-SMB2] 3.1.4.1)."""
    flags = int.from_bytes(message[_FLAGS_AT : _FLAGS_AT + 4], "little") | SIGNED
    bare = message[:_FLAGS_AT] + flags.to_bytes(4, "little") + message[20:_SIGNATURE_AT] + bytes(16) + message[64:]
    return bare[:_SIGNATURE_AT] + _signature(keys, bare) + bare[HEADER_SIZE:]


def is_genuine(keys: Keys, message: bytes) -> bool:
    """Whether a message's signature is right."""
    bare = message[:_SIGNATURE_AT] + bytes(16) + message[HEADER_SIZE:]
    return hmac.compare_digest(_signature(keys, bare), message[_SIGNATURE_AT:HEADER_SIZE])


def _signature(keys: Keys, bare: bytes) -> bytes:
    if keys.algorithm is Signing.HMAC_SHA256:
        return hmac.digest(keys.signing, bare, "sha256")[:16]
    if keys.algorithm is Signing.AES_CMAC:
        code = CMAC(AES(keys.signing))
        code.update(bare)
        return code.finalize()
    role = int.from_bytes(bare[_FLAGS_AT : _FLAGS_AT + 4], "little") & FROM_SERVER
    is_cancel = int.from_bytes(bare[12:14], "little") == Command.CANCEL
    nonce = bare[24:32] + (role | (2 if is_cancel else 0)).to_bytes(4, "little")
    return AESGCM(keys.signing).encrypt(nonce, b"", bare)


def preauth_hash(previous: bytes, message: bytes) -> bytes:
    """The pre-authentication integrity hash with one more message ([MS-SMB2] 3.1.4.4)."""
    return hashlib.sha512(previous + message).digest()


def session_of(sealed: bytes) -> int:
    """Which session a sealed message belongs to; raises Hangup."""
    if len(sealed) < _TRANSFORM.size:
        raise Hangup("shorter than a transform header")
    identity: int = _TRANSFORM.unpack_from(sealed)[6]
    return identity


def unseal(keys: Keys, sealed: bytes) -> bytes:
    """The message in a sealed one ([MS-SMB2] 3.3.5.2.1.1); raises Hangup."""
    _, signature, nonce, size, _, flags, _ = _TRANSFORM.unpack_from(sealed)
    body = sealed[_TRANSFORM.size :]
    if keys.cipher is None or flags != 1 or size != len(body):
        raise Hangup("sealed where it may not be")
    try:
        box = _box(keys.cipher, keys.unsealing)
        return box.decrypt(nonce[: keys.cipher.nonce_length], body + signature, sealed[20 : _TRANSFORM.size])
    except (InvalidTag, ValueError) as error:
        raise Hangup("sealed with another key") from error


def seal(keys: Keys, session_id: int, message: bytes) -> bytes:
    """A message sealed ([MS-SMB2] 3.1.4.3)."""
    if keys.cipher is None:
        raise Hangup("no cipher was negotiated")
    nonce = os.urandom(keys.cipher.nonce_length)
    padded = nonce.ljust(16, b"\0")
    head = _TRANSFORM.pack(SEALED, bytes(16), padded, len(message), 0, 1, session_id)
    output = _box(keys.cipher, keys.sealing).encrypt(nonce, message, head[20:])
    return head[:4] + output[-16:] + head[20:] + output[:-16]


def _box(cipher: Cipher, key: bytes) -> AESCCM | AESGCM:
    return AESGCM(key) if cipher.nonce_length == 12 else AESCCM(key)
