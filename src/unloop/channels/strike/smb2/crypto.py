"""Keys, signatures and encryption of SMB2 sessions, as either side sees them ([MS-SMB2] 3.1.4)."""

import hashlib
import hmac
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from unloop.channels.strike.smb2.wire import FROM_SERVER, HEADER_SIZE, SEALED, SIGNED, Command

DIALECT_202, DIALECT_21, DIALECT_30, DIALECT_302, DIALECT_311 = 0x202, 0x210, 0x300, 0x302, 0x311
TRANSFORM = struct.Struct("<4s16s16sIHHQ")
_FLAGS_AT, _SIGNATURE_AT = 16, 48
_TAG = 16
_NO_TAG = bytes(_TAG)
_ROLES = tuple(bytes((role, 0, 0, 0)) for role in range(4))
_CANCEL = struct.pack("<H", Command.CANCEL)


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


class BadSeal(ValueError):
    """A message was not sealed with the key of this session."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one session."""

    signing: bytes = field(repr=False)
    algorithm: Signing
    to_server: bytes = field(default=b"", repr=False)
    to_client: bytes = field(default=b"", repr=False)
    cipher: Cipher | None = None


def derive(key: bytes, label: bytes, context: bytes, length: int = 16) -> bytes:
    """SP800-108 in counter mode with HMAC-SHA256 ([MS-SMB2] 3.1.4.2)."""
    given = b"\0\0\0\1" + label + b"\0" + context + struct.pack(">I", length * 8)
    return hmac.digest(key, given, "sha256")[:length]


def keys_for(session_key: bytes, dialect: int, *, preauth: bytes, algorithm: Signing, cipher: Cipher | None) -> Keys:
    """The keys of a session from the key that the log-on gave ([MS-SMB2] 3.2.5.3.1, 3.3.5.5.3)."""
    key = session_key[:16].ljust(16, b"\0")
    if dialect < DIALECT_30:
        return Keys(key, Signing.HMAC_SHA256)
    if dialect < DIALECT_311:
        signing = derive(key, b"SMB2AESCMAC\0", b"SmbSign\0")
        if cipher is None:
            return Keys(signing, algorithm)
        to_server = derive(key, b"SMB2AESCCM\0", b"ServerIn \0")
        return Keys(signing, algorithm, to_server, derive(key, b"SMB2AESCCM\0", b"ServerOut\0"), cipher)
    signing = derive(key, b"SMBSigningKey\0", preauth)
    if cipher is None:
        return Keys(signing, algorithm)
    full = key if cipher.key_length == 16 else session_key
    to_server = derive(full, b"SMBC2SCipherKey\0", preauth, cipher.key_length)
    return Keys(signing, algorithm, to_server, derive(full, b"SMBS2CCipherKey\0", preauth, cipher.key_length), cipher)


def preauth_hash(previous: bytes, message: bytes) -> bytes:
    """The pre-authentication integrity hash with one more message ([MS-SMB2] 3.1.4.4)."""
    return hashlib.sha512(previous + message).digest()


class Shield:
    """Signs and seals what one side sends, and checks what it gets."""

    def __init__(self, keys: Keys, *, is_client: bool) -> None:
        self._signature = _signer(keys)
        self._cipher = keys.cipher
        self._nonces = 0
        if keys.cipher is not None:
            ours, theirs = (keys.to_server, keys.to_client) if is_client else (keys.to_client, keys.to_server)
            self._out, self._in = _box(keys.cipher, ours), _box(keys.cipher, theirs)

    @property
    def can_seal(self) -> bool:
        """Whether a cipher was agreed on."""
        return self._cipher is not None

    def sign(self, message: bytes) -> bytes:
        """A message, whose signature is zero, with the flag and the signature put in ([MS-SMB2] 3.1.4.1)."""
        flags = message[_FLAGS_AT]
        if not flags & SIGNED:
            message = message[:_FLAGS_AT] + bytes((flags | SIGNED,)) + message[_FLAGS_AT + 1 :]
        return message[:_SIGNATURE_AT] + self._signature(message) + message[HEADER_SIZE:]

    def is_genuine(self, message: bytes) -> bool:
        """Whether a message's signature is right."""
        bare = message[:_SIGNATURE_AT] + _NO_TAG + message[HEADER_SIZE:]
        return hmac.compare_digest(self._signature(bare), message[_SIGNATURE_AT:HEADER_SIZE])

    def seal(self, session_id: int, message: bytes) -> bytes:
        """A message sealed ([MS-SMB2] 3.1.4.3); a nonce is never used twice, for the keys are this session's alone."""
        if self._cipher is None:
            raise BadSeal("no cipher was agreed on")
        nonce = self._nonces.to_bytes(self._cipher.nonce_length, "little")
        self._nonces += 1
        head = TRANSFORM.pack(SEALED, _NO_TAG, nonce, len(message), 0, 1, session_id)
        output = self._out.encrypt(nonce, message, head[20:])
        return head[:4] + output[-_TAG:] + head[20:] + output[:-_TAG]

    def unseal(self, sealed: bytes) -> bytes:
        """The message in a sealed one ([MS-SMB2] 3.2.5.1.1, 3.3.5.2.1.1); raises BadSeal."""
        if self._cipher is None or len(sealed) < TRANSFORM.size:
            raise BadSeal("sealed where it may not be")
        _, signature, nonce, size, _, flags, _ = TRANSFORM.unpack_from(sealed)
        body = sealed[TRANSFORM.size :]
        if flags != 1 or size != len(body):
            raise BadSeal("sealed where it may not be")
        try:
            return self._in.decrypt(nonce[: self._cipher.nonce_length], body + signature, sealed[20 : TRANSFORM.size])
        except (InvalidTag, ValueError) as error:
            raise BadSeal("sealed with another key") from error


def session_of(sealed: bytes) -> int:
    """Which session a sealed message belongs to; raises BadSeal."""
    if len(sealed) < TRANSFORM.size:
        raise BadSeal("shorter than a transform header")
    identity: int = TRANSFORM.unpack_from(sealed)[6]
    return identity


def _box(cipher: Cipher, key: bytes) -> AESCCM | AESGCM:
    return AESGCM(key) if cipher.nonce_length == 12 else AESCCM(key)


def _signer(keys: Keys) -> Callable[[bytes], bytes]:
    """What makes the signature over a message whose signature is zero ([MS-SMB2] 3.1.4.1)."""
    if keys.algorithm is Signing.HMAC_SHA256:
        return lambda bare: hmac.digest(keys.signing, bare, "sha256")[:_TAG]
    if keys.algorithm is Signing.AES_CMAC:
        fresh = CMAC(AES(keys.signing))
        return lambda bare: _cmac(fresh, bare)
    box = AESGCM(keys.signing)
    return lambda bare: box.encrypt(_nonce(bare), b"", bare)


def _cmac(fresh: CMAC, bare: bytes) -> bytes:
    code = fresh.copy()
    code.update(bare)
    return code.finalize()


def _nonce(bare: bytes) -> bytes:
    """The message's number, who sent it, and whether it cancels."""
    role = bare[_FLAGS_AT] & FROM_SERVER
    return bare[24:32] + _ROLES[role | 2 if bare[12:14] == _CANCEL else role]
