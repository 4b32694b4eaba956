"""As much of SPNEGO as an acceptor of NTLM needs (RFC 4178, [MS-SPNG]); bare NTLM tokens pass through."""

import hmac

from unloop.channels.ntlm.seal import Sealer
from unloop.channels.spnego import (
    APPLICATION,
    ENUMERATED,
    INIT,
    NTLM,
    OCTETS,
    RESPONSE,
    SEQUENCE,
    SPNEGO,
    State,
    element,
    fields_of,
    inner,
    mechanisms,
    tag,
)
from unloop.rehearsal.ntlm import SIGNATURE, Acceptor, LogonFailed


def hint() -> bytes:
    """What the server offers before the client has said anything ([MS-SPNG] 2.2.1, NegTokenInit2)."""
    offered = tag(INIT, mechanisms(NTLM))
    return tag(APPLICATION, SPNEGO + tag(INIT, tag(SEQUENCE, offered)))


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
        kind, content, _ = element(token)
        if kind == APPLICATION and content.startswith(SPNEGO):
            fields = fields_of(content[len(SPNEGO) :])
            return self._begin(fields)
        if kind == RESPONSE and self._mechanisms:
            fields = fields_of(token)
            return self._go_on(inner(fields, 2), inner(fields, 3))
        raise LogonFailed("neither SPNEGO nor NTLM")

    def _begin(self, fields: dict[int, bytes]) -> bytes:
        self._mechanisms = fields.get(0, b"")
        offered = _oids(element(self._mechanisms)[1])
        if NTLM not in offered:
            raise LogonFailed("the client does not offer NTLM")
        if offered[0] != NTLM:
            self._wants_mic = True
            return self._answer(State.REQUEST_MIC, b"")
        return self._go_on(inner(fields, 2), b"")

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
        fields = tag(0xA0, tag(ENUMERATED, bytes((state,))))
        if not self._is_named:
            fields += tag(0xA1, NTLM)
            self._is_named = True
        fields += tag(0xA2, tag(OCTETS, token)) if token else b""
        fields += tag(0xA3, tag(OCTETS, mic)) if mic else b""
        return tag(RESPONSE, tag(SEQUENCE, fields))


def _oids(rest: bytes) -> list[bytes]:
    found = []
    while rest:
        kind, content, rest = element(rest)
        found.append(tag(kind, content))
    return found
