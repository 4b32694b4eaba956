"""The accepting side of NTLMv2 for one account ([MS-NLMP] 3.2.5, 3.3.2, 3.4): tokens in, tokens and a key out."""

import hashlib
import hmac
import os
import struct
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext

from unloop.rehearsal.smb.md4 import md4
from unloop.rehearsal.smb.wire import filetime

SIGNATURE = b"NTLMSSP\0"
_UNICODE, _SIGN, _SEAL, _KEY_EXCHANGE, _KEY_56, _KEY_128 = 0x1, 0x10, 0x20, 0x40000000, 0x80000000, 0x20000000
_EXTENDED, _TARGET_INFO, _SERVER, _ALWAYS_SIGN, _VERSION = 0x80000, 0x800000, 0x20000, 0x8000, 0x2000000
_ACCEPTED = 0xE0000000 | _EXTENDED | _ALWAYS_SIGN | _SEAL | _SIGN | _UNICODE | _VERSION | 0x4 | 0x200
_TARGET_NAME, _DOMAIN, _FLAGS, _TIME = 1, 2, 6, 7
_HAS_MIC = 0x2
_BUILD = bytes((10, 0)) + struct.pack("<H", 20348) + bytes((0, 0, 0, 15))


class LogonFailed(Exception):
    """The tokens do not prove the account."""


@dataclass(frozen=True, slots=True)
class Account:
    """The one account of a host. ``nt_hash`` is kept so that a log-on costs no MD4."""

    username: str
    nt_hash: bytes

    @classmethod
    def of(cls, username: str, password: str) -> "Account":
        """The account of a user name and a password."""
        return cls(username.rpartition("\\")[2], md4(password.encode("utf-16-le")))


class Acceptor:
    """One log-on: give each token to ``step``; afterwards ``session_key`` is the exported session key."""

    def __init__(self, account: Account, computer: str) -> None:
        self._account, self._computer = account, computer.upper()[:15] or "HOST"
        self._transcript = b""
        self._challenge = b""
        self.flags = 0
        self.session_key = b""

    @property
    def is_complete(self) -> bool:
        """Whether the account is proven."""
        return bool(self.session_key)

    def step(self, token: bytes) -> bytes:
        """The answer to a token, empty when the log-on is complete; raises LogonFailed."""
        try:
            kind = struct.unpack_from("<I", token, 8)[0] if token.startswith(SIGNATURE) else 0
            if kind == 1:
                return self._challenge_for(token)
            if kind == 3 and self._challenge:
                self._authenticate(token)
                return b""
        except (struct.error, UnicodeDecodeError) as error:
            raise LogonFailed("garbled token") from error
        raise LogonFailed("unexpected token")

    def _challenge_for(self, token: bytes) -> bytes:
        wanted: int = struct.unpack_from("<I", token, 12)[0]
        if not wanted & _UNICODE:
            raise LogonFailed("no Unicode")
        flags = (wanted & _ACCEPTED) | _TARGET_INFO | _SERVER | _ALWAYS_SIGN
        name = self._computer.encode("utf-16-le")
        now = struct.pack("<Q", filetime(datetime.now(UTC)))
        info = _pair(_DOMAIN, name) + _pair(_TARGET_NAME, name) + _pair(_TIME, now) + _pair(0, b"")
        self._challenge = os.urandom(8)
        head = SIGNATURE + struct.pack("<IHHII", 2, len(name), len(name), 56, flags) + self._challenge + bytes(8)
        answer = head + struct.pack("<HHI", len(info), len(info), 56 + len(name)) + _BUILD + name + info
        self._transcript = token + answer
        return answer

    def _authenticate(self, token: bytes) -> None:
        response, domain, user, encrypted = (_field(token, place) for place in (20, 28, 36, 52))
        self.flags = struct.unpack_from("<I", token, 60)[0]
        proof, blob = response[:16], response[16:]
        if len(blob) < 32:
            raise LogonFailed("NTLMv2 alone is accepted")
        name = user.decode("utf-16-le")
        is_known = name.rpartition("\\")[2].casefold() == self._account.username.casefold()
        owner = (name.upper() + domain.decode("utf-16-le")).encode("utf-16-le")
        key = hmac.digest(self._account.nt_hash, owner, "md5")
        expected = hmac.digest(key, self._challenge + blob, "md5")
        if not hmac.compare_digest(expected, proof) or not is_known:
            raise LogonFailed("wrong user name or password")
        exchange = hmac.digest(key, proof, "md5")
        session_key = rc4(exchange).update(encrypted[:16]) if self.flags & _KEY_EXCHANGE else exchange
        if len(session_key) != 16:
            raise LogonFailed("no session key")
        self._check_mic(token, blob, session_key)
        self.session_key = session_key

    def _check_mic(self, token: bytes, blob: bytes, key: bytes) -> None:
        """Only a client that says so in its target information sends one ([MS-NLMP] 2.2.2.1, MsvAvFlags)."""
        flags = _pairs(blob[28:]).get(_FLAGS, bytes(4))
        if not struct.unpack("<I", flags)[0] & _HAS_MIC:
            return
        bare = token[:72] + bytes(16) + token[88:]
        if not hmac.compare_digest(hmac.digest(key, self._transcript + bare, "md5"), token[72:88]):
            raise LogonFailed("wrong MIC")

    def mic(self, message: bytes, *, from_client: bool) -> bytes:
        """The first signature of a side over a message ([MS-NLMP] 3.4.4.2), as SPNEGO wants it of its mechanisms."""
        side = b"client-to-server" if from_client else b"server-to-client"
        key = hashlib.md5(self.session_key + _magic(side, b"signing"), usedforsecurity=False).digest()
        code = hmac.digest(key, bytes(4) + message, "md5")[:8]
        if self.flags & _KEY_EXCHANGE:
            length = 16 if self.flags & _KEY_128 else 7 if self.flags & _KEY_56 else 5
            weak = self.session_key[:length] + _magic(side, b"sealing")
            code = rc4(hashlib.md5(weak, usedforsecurity=False).digest()).update(code)
        return struct.pack("<I", 1) + code + bytes(4)


def rc4(key: bytes) -> CipherContext:
    """An RC4 stream."""
    return Cipher(ARC4(key), mode=None).encryptor()


def _magic(side: bytes, use: bytes) -> bytes:
    return b"session key to " + side + b" " + use + b" key magic constant\0"


def _pair(kind: int, value: bytes) -> bytes:
    return struct.pack("<HH", kind, len(value)) + value


def _pairs(raw: bytes) -> dict[int, bytes]:
    """The AV_PAIRs of a response; raises struct.error."""
    found: dict[int, bytes] = {}
    place = 0
    while True:
        kind, length = struct.unpack_from("<HH", raw, place)
        if kind == 0:
            return found
        found[kind] = raw[place + 4 : place + 4 + length]
        place += 4 + length


def _field(token: bytes, place: int) -> bytes:
    length, _, start = struct.unpack_from("<HHI", token, place)
    return token[start : start + length]
