"""As much of SPNEGO as an acceptor of NTLM needs (RFC 4178, [MS-SPNG]); bare NTLM tokens pass through."""

import hmac
from enum import IntEnum

from unloop.rehearsal.ntlm import SIGNATURE, Acceptor, LogonFailed
from unloop.rehearsal.ntlm_seal import Sealer

_SPNEGO = bytes.fromhex("06062b0601050502")
_NTLM = bytes.fromhex("060a2b06010401823702020a")
_INIT, _RESPONSE, _SEQUENCE, _OCTETS, _ENUMERATED, _APPLICATION = 0xA0, 0xA1, 0x30, 0x04, 0x0A, 0x60


class State(IntEnum):
    """RFC 4178 4.2.2."""

    COMPLETED = 0
    INCOMPLETE = 1
    REJECT = 2
    REQUEST_MIC = 3


def hint() -> bytes:
    """What the server offers before the client has said anything ([MS-SPNG] 2.2.1, NegTokenInit2)."""
    mechanisms = _tag(_INIT, _tag(_SEQUENCE, _NTLM))
    return _tag(_APPLICATION, _SPNEGO + _tag(_INIT, _tag(_SEQUENCE, mechanisms)))


class Negotiation:
    """One log-on, in SPNEGO or bare, whichever the client speaks."""

    def __init__(self, acceptor: Acceptor) -> None:
        self.acceptor = acceptor
        self._mechanisms = b""
        self._wants_mic = False
        self._is_named = False
        self._has_signed = False

    def sealer(self) -> Sealer:
        """What seals and unseals messages after the log-on; the signatures of the mechanisms were messages number 0."""
        return self.acceptor.sealer(sequence=1 if self._has_signed else 0)

    def step(self, token: bytes) -> bytes:
        """The answer to a token; raises LogonFailed."""
        if token.startswith(SIGNATURE):
            return self.acceptor.step(token)
        try:
            return self._wrapped(token)
        except IndexError as error:
            raise LogonFailed("garbled token") from error

    def _wrapped(self, token: bytes) -> bytes:
        tag, content, _ = _read(token)
        if tag == _APPLICATION and content.startswith(_SPNEGO):
            fields = _fields(content[len(_SPNEGO) :])
            return self._begin(fields)
        if tag == _RESPONSE and self._mechanisms:
            fields = _fields(token)
            return self._go_on(_inner(fields, 2), _inner(fields, 3))
        raise LogonFailed("neither SPNEGO nor NTLM")

    def _begin(self, fields: dict[int, bytes]) -> bytes:
        self._mechanisms = fields.get(0, b"")
        offered = _oids(_read(self._mechanisms)[1])
        if _NTLM not in offered:
            raise LogonFailed("the client does not offer NTLM")
        if offered[0] != _NTLM:
            self._wants_mic = True
            return self._answer(State.REQUEST_MIC, b"")
        return self._go_on(_inner(fields, 2), b"")

    def _go_on(self, token: bytes, mic: bytes) -> bytes:
        answer = self.acceptor.step(token) if not self.acceptor.is_complete else b""
        if not self.acceptor.is_complete:
            return self._answer(State.INCOMPLETE, answer)
        if not mic and not self._wants_mic:
            return self._answer(State.COMPLETED, answer)
        if not hmac.compare_digest(mic, self.acceptor.mic(self._mechanisms, from_client=True)):
            raise LogonFailed("the list of mechanisms was changed on its way")
        self._has_signed = True
        return self._answer(State.COMPLETED, answer, self.acceptor.mic(self._mechanisms, from_client=False))

    def _answer(self, state: State, token: bytes, mic: bytes = b"") -> bytes:
        fields = _tag(0xA0, _tag(_ENUMERATED, bytes((state,))))
        if not self._is_named:
            fields += _tag(0xA1, _NTLM)
            self._is_named = True
        fields += _tag(0xA2, _tag(_OCTETS, token)) if token else b""
        fields += _tag(0xA3, _tag(_OCTETS, mic)) if mic else b""
        return _tag(_RESPONSE, _tag(_SEQUENCE, fields))


def _tag(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size, "big") + content


def _read(data: bytes) -> tuple[int, bytes, bytes]:
    """Tag, content and what follows; raises IndexError."""
    length, start = data[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(data[2:start], "big")
    if start + length > len(data):
        raise IndexError("cut short")
    return data[0], data[start : start + length], data[start + length :]


def _fields(data: bytes) -> dict[int, bytes]:
    """The numbered fields of a [n] SEQUENCE."""
    _, sequence, _ = _read(data)
    _, rest, _ = _read(sequence)
    found: dict[int, bytes] = {}
    while rest:
        tag, content, rest = _read(rest)
        found[tag & 0x1F] = content
    return found


def _inner(fields: dict[int, bytes], number: int) -> bytes:
    return _read(fields[number])[1] if number in fields else b""


def _oids(rest: bytes) -> list[bytes]:
    found = []
    while rest:
        tag, content, rest = _read(rest)
        found.append(_tag(tag, content))
    return found
