"""The initiating side of NTLMv2 ([MS-NLMP] 3.1.5, 3.3.2): one message before the host is there, one after its challenge."""

import hmac
import os
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

from unloop.channels.filetime import filetime
from unloop.channels.ntlm.capitals import capitals
from unloop.channels.ntlm.md4 import md4
from unloop.channels.ntlm.seal import EXTENDED, KEY_56, KEY_128, KEY_EXCHANGE, SEAL, SIGN, Direction, Sealer, rc4
from unloop.errors import LogonUndecided, ProtocolError
from unloop.secrets.secret import Credential

SIGNATURE = b"NTLMSSP\0"
_UNICODE, _REQUEST_TARGET, _NTLM, _ALWAYS_SIGN, _TARGET_INFO = 0x1, 0x4, 0x200, 0x8000, 0x800000
_VERSION = 0x2000000
_WANTED = (
    _UNICODE | _REQUEST_TARGET | _NTLM | _ALWAYS_SIGN | EXTENDED | SIGN | SEAL | KEY_128 | KEY_56 | KEY_EXCHANGE
) | _VERSION
_NEEDED = _UNICODE | EXTENDED
_BUILD = bytes((10, 0)) + struct.pack("<H", 20348) + bytes((0, 0, 0, 15))
"""VERSION ([MS-NLMP] 2.2.2.10): informational only."""
_END, _FLAGS, _TIME, _TARGET_NAME, _BINDINGS = 0, 6, 7, 9, 10
_HAS_MIC = 0x2
_HEAD = struct.Struct("<8sI")
_AUTHENTICATE = 88
"""Bytes of the fixed part of an AUTHENTICATE_MESSAGE with version and MIC ([MS-NLMP] 2.2.1.3)."""
NEGOTIATE = SIGNATURE + struct.pack("<II", 1, _WANTED) + bytes(16) + _BUILD
"""The first message: it names nobody, so it is the same for every host and can be sent unasked."""


@dataclass(frozen=True, slots=True)
class NtlmAccount:
    """An account as NTLM proves it: ``key`` is NTOWFv2, which is all that is kept of the password."""

    username: str
    domain: str
    key: bytes = field(repr=False)

    @classmethod
    def of(cls, credential: Credential) -> "NtlmAccount":
        """The account of a credential: ``DOMAIN\\name``, ``name@realm``, ``.\\name`` or a bare name."""
        domain, _, username = credential.username.rpartition("\\")
        domain = "" if domain == "." else domain
        owner = (capitals(username) + domain).encode("utf-16-le")
        return cls(username, domain, hmac.digest(_nt_hash(credential.password.reveal()), owner, "md5"))


class Initiator:
    """One log-on. Send ``NEGOTIATE``, give the challenge to ``authenticate``; afterwards the session key is known."""

    def __init__(self, account: NtlmAccount, *, target: str = "", bindings: bytes = b"") -> None:
        self._account, self._target, self._bindings = account, target, bindings
        self.session_key = b""
        self.flags = 0

    def authenticate(self, challenge: bytes) -> bytes:
        """The second message; raises ProtocolError for a challenge that makes no sense, LogonUndecided for old NTLM."""
        try:
            flags, nonce, info = _challenge(challenge)
        except struct.error as error:
            raise ProtocolError("the host's NTLM challenge is cut short") from error
        if flags & _NEEDED != _NEEDED or not info:
            raise LogonUndecided("the host offers NTLM of a kind that is not safe (no NTLMv2)")
        pairs = _pairs(info)
        self.flags = flags & _WANTED | _TARGET_INFO
        response, exchange = self._response(nonce, pairs)
        self.session_key = os.urandom(16) if flags & KEY_EXCHANGE else exchange
        encrypted = rc4(exchange).update(self.session_key) if flags & KEY_EXCHANGE else b""
        return self._message(challenge, response, encrypted, has_mic=_TIME in pairs)

    def sealer(self, *, sequence: int = 0) -> Sealer:
        """What seals and unseals messages after the log-on."""
        return Sealer(self.session_key, self.flags, is_client=True, sequence=sequence)

    def mic(self, message: bytes, *, from_client: bool) -> bytes:
        """The first signature of a side over a message, as SPNEGO wants it of its mechanisms."""
        return Direction(self.session_key, self.flags, from_client=from_client).sign(message)

    def _response(self, nonce: bytes, pairs: dict[int, bytes]) -> tuple[bytes, bytes]:
        """NTLMv2_RESPONSE and the key exchange key ([MS-NLMP] 3.3.2)."""
        told = dict(pairs)
        now = told.get(_TIME) or struct.pack("<Q", filetime(datetime.now(UTC)))
        if _TIME in told:
            told[_FLAGS] = struct.pack("<I", _HAS_MIC)
        if self._target:
            told[_TARGET_NAME] = self._target.encode("utf-16-le")
        if self._bindings:
            told[_BINDINGS] = self._bindings
        listed = b"".join(struct.pack("<HH", kind, len(value)) + value for kind, value in told.items())
        blob = b"\x01\x01" + bytes(6) + now + os.urandom(8) + bytes(4) + listed + bytes(4) + bytes(4)
        proof = hmac.digest(self._account.key, nonce + blob, "md5")
        return proof + blob, hmac.digest(self._account.key, proof, "md5")

    def _message(self, challenge: bytes, response: bytes, encrypted: bytes, *, has_mic: bool) -> bytes:
        lm_response = bytes(24)
        parts = (
            lm_response,
            response,
            self._account.domain.encode("utf-16-le"),
            self._account.username.encode("utf-16-le"),
            b"",
            encrypted,
        )
        place, fields = _AUTHENTICATE, b""
        for part in parts:
            fields += struct.pack("<HHI", len(part), len(part), place)
            place += len(part)
        head = _HEAD.pack(SIGNATURE, 3) + fields + struct.pack("<I", self.flags) + _BUILD
        body = b"".join(parts)
        bare = head + bytes(16) + body
        if not has_mic:
            return bare
        return head + hmac.digest(self.session_key, NEGOTIATE + challenge + bare, "md5") + body


@lru_cache(maxsize=1024)
def _nt_hash(password: str) -> bytes:
    """NTOWFv1 ([MS-NLMP] 3.3.1); MD4 in Python costs more than a whole log-on, and many hosts share a password."""
    return md4(password.encode("utf-16-le"))


def _challenge(message: bytes) -> tuple[int, bytes, bytes]:
    """Flags, nonce and target information of a CHALLENGE_MESSAGE ([MS-NLMP] 2.2.1.2); raises struct.error."""
    signature, kind = _HEAD.unpack_from(message)
    if signature != SIGNATURE or kind != 2:
        raise ProtocolError("the host's answer is no NTLM challenge")
    flags, nonce = struct.unpack_from("<I8s", message, 20)
    length, _, start = struct.unpack_from("<HHI", message, 40)
    info = message[start : start + length]
    if len(info) != length:
        raise ProtocolError("the host's NTLM challenge is cut short")
    return flags, nonce, info if flags & _TARGET_INFO else b""


def _pairs(info: bytes) -> dict[int, bytes]:
    """The AV_PAIRs of a challenge, in order ([MS-NLMP] 2.2.2.1)."""
    found: dict[int, bytes] = {}
    place = 0
    try:
        while True:
            kind, length = struct.unpack_from("<HH", info, place)
            if kind == _END:
                return found
            value = info[place + 4 : place + 4 + length]
            if len(value) != length:
                raise ProtocolError("the target information of the NTLM challenge is cut short")
            found[kind] = value
            place += 4 + length
    except struct.error as error:
        raise ProtocolError("the target information of the NTLM challenge has no end") from error
