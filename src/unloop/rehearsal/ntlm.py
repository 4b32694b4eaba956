"""The accepting side of NTLMv2 for one account ([MS-NLMP] 3.2.5, 3.3.2): tokens in, tokens and a key out.

Capitals, MD4 and seals are those of the initiating side: the examples of [MS-NLMP] and pyspnego judge them, not one side
the other.
"""

import hashlib
import hmac
import os
import struct
from dataclasses import dataclass
from datetime import UTC, datetime

from unloop.channels.filetime import filetime
from unloop.channels.ntlm.capitals import capitals
from unloop.channels.ntlm.md4 import md4
from unloop.channels.ntlm.seal import EXTENDED, KEY_EXCHANGE, SEAL, SIGN, Direction, Sealer, rc4

SIGNATURE = b"NTLMSSP\0"
_UNICODE, _OEM, _ALWAYS_SIGN, _SERVER, _TARGET_INFO, _VERSION = 0x1, 0x2, 0x8000, 0x20000, 0x800000, 0x2000000
_ACCEPTED = 0xE0000000 | EXTENDED | _ALWAYS_SIGN | SEAL | SIGN | _UNICODE | _VERSION | 0x4 | 0x200
_TARGET_NAME, _DOMAIN, _FLAGS, _TIME, _BINDINGS = 1, 2, 6, 7, 10
_HAS_MIC = 0x2
_BUILD = bytes((10, 0)) + struct.pack("<H", 20348) + bytes((0, 0, 0, 15))


class LogonFailed(Exception):
    """The tokens do not prove the account; ``account`` is whose proof was judged, '' when there was none."""

    def __init__(self, reason: str, account: str = "") -> None:
        self.account = account
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Account:
    """The one account of a host. ``nt_hash`` is kept so that a log-on costs no MD4."""

    username: str
    nt_hash: bytes

    @classmethod
    def of(cls, username: str, password: str) -> "Account":
        """The account of a user name and a password."""
        return cls(username.rpartition("\\")[2], md4(password.encode("utf-16-le")))

    def is_named(self, username: str) -> bool:
        """Whether a user name means this account, a domain in front of it left aside."""
        return username.rpartition("\\")[2].casefold() == self.username.casefold()


class Acceptor:
    """One log-on: give each token to ``step``; afterwards ``session_key`` is the exported session key.

    ``bindings`` are those of the TLS connection underneath (see channel_bindings); a client that sends any must agree.
    """

    def __init__(self, account: Account, computer: str, bindings: bytes = b"") -> None:
        self._account, self._computer = account, computer.upper()[:15] or "HOST"
        self._bindings = bindings
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
        if not wanted & (_UNICODE | _OEM):
            raise LogonFailed("neither Unicode nor OEM")
        flags = (wanted & _ACCEPTED) | (0 if wanted & _UNICODE else _OEM) | _TARGET_INFO | _SERVER | _ALWAYS_SIGN
        name, target = self._computer.encode("utf-16-le"), self._computer.encode(_encoding(flags), "replace")
        now = struct.pack("<Q", filetime(datetime.now(UTC)))
        info = _pair(_DOMAIN, name) + _pair(_TARGET_NAME, name) + _pair(_TIME, now) + _pair(0, b"")
        self._challenge = os.urandom(8)
        head = SIGNATURE + struct.pack("<IHHII", 2, len(target), len(target), 56, flags) + self._challenge + bytes(8)
        answer = head + struct.pack("<HHI", len(info), len(info), 56 + len(target)) + _BUILD + target + info
        self._transcript = token + answer
        return answer

    def _authenticate(self, token: bytes) -> None:
        response, domain, user, encrypted = (_field(token, place) for place in (20, 28, 36, 52))
        self.flags = struct.unpack_from("<I", token, 60)[0]
        proof, blob = response[:16], response[16:]
        if len(blob) < 32:
            raise LogonFailed("NTLMv2 alone is accepted")
        name = user.decode(_encoding(self.flags))
        owner = (capitals(name) + domain.decode(_encoding(self.flags))).encode("utf-16-le")
        key = hmac.digest(self._account.nt_hash, owner, "md5")
        expected = hmac.digest(key, self._challenge + blob, "md5")
        if not hmac.compare_digest(expected, proof) or not self._account.is_named(name):
            raise LogonFailed("wrong user name or password", name)
        exchange = hmac.digest(key, proof, "md5")
        session_key = rc4(exchange).update(encrypted[:16]) if self.flags & KEY_EXCHANGE else exchange
        if len(session_key) != 16:
            raise LogonFailed("no session key", name)
        pairs = _pairs(blob[28:])
        if not self._is_sealed_right(token, pairs, session_key):
            raise LogonFailed("wrong MIC", name)
        if not self._is_bound_right(pairs):
            raise LogonFailed("bound to another TLS connection", name)
        self.session_key = session_key

    def _is_sealed_right(self, token: bytes, pairs: dict[int, bytes], key: bytes) -> bool:
        """Only a client that says so in its target information sends a MIC ([MS-NLMP] 2.2.2.1, MsvAvFlags)."""
        flags = pairs.get(_FLAGS, bytes(4))
        if not struct.unpack("<I", flags)[0] & _HAS_MIC:
            return True
        bare = token[:72] + bytes(16) + token[88:]
        return hmac.compare_digest(hmac.digest(key, self._transcript + bare, "md5"), token[72:88])

    def _is_bound_right(self, pairs: dict[int, bytes]) -> bool:
        """Bindings of zeros are none ([MS-NLMP] 2.2.2.1, MsvAvChannelBindings)."""
        sent = pairs.get(_BINDINGS, b"").strip(b"\0")
        return not self._bindings or not sent or hmac.compare_digest(pairs[_BINDINGS], self._bindings)

    def mic(self, message: bytes, *, from_client: bool) -> bytes:
        """The first signature of a side over a message, as SPNEGO wants it of its mechanisms."""
        return Direction(self.session_key, self.flags, from_client=from_client).sign(message)

    def sealer(self, *, sequence: int = 0) -> Sealer:
        """What seals and unseals messages after the log-on."""
        return Sealer(self.session_key, self.flags, sequence=sequence)


def channel_bindings(certificate_sha256: bytes) -> bytes:
    """The bindings of a TLS connection by its server's certificate (RFC 5929 4, RFC 2744 3.11, [MS-NLMP] 2.2.2.1)."""
    data = b"tls-server-end-point:" + certificate_sha256
    structure = bytes(16) + struct.pack("<I", len(data)) + data
    return hashlib.md5(structure, usedforsecurity=False).digest()


def _encoding(flags: int) -> str:
    """Of names on the wire; what a client hashes is Unicode in any case."""
    return "utf-16-le" if flags & _UNICODE else "cp437"


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
