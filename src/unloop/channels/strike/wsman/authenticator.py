"""What proves an account over one HTTP connection, and seals what is said on it afterwards (RFC 4559, [MS-WSMV] 2.2.9)."""

import base64
from typing import Protocol

from unloop.channels.ntlm.initiator import NEGOTIATE, SIGNATURE, Initiator, NtlmAccount
from unloop.channels.ntlm.seal import BadSignature, Sealer, can_seal
from unloop.channels.strike.wsman import sealed
from unloop.channels.strike.wsman.bindings import for_ntlm
from unloop.errors import LogonUndecided, ProtocolError, Unsupported
from unloop.secrets.secret import Credential

MUTUAL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
"""DSP0226 annex C.3.4: the client's certificate is the proof."""


class Authenticator(Protocol):
    """One log-on over one connection."""

    mechanism: str
    """What the options call it."""
    scheme: str
    """What Authorization and WWW-Authenticate call it; '' when nothing is ever answered to it."""
    protocol: str
    """What sealed bodies call it; '' when it can't seal."""
    is_at_once: bool
    """Whether the first request carries the whole proof, and so the first message; else the host speaks first."""
    is_repeated: bool
    """Whether each request is proven by itself."""

    @property
    def is_ready(self) -> bool:
        """Whether nothing that others give is missing."""
        ...

    def prepare(self) -> None:
        """Get what others give, and wait for it; raises ChannelError."""
        ...

    def bind(self, bindings: bytes) -> None:
        """Bind the log-on to a TLS connection; ``bindings`` are the application data of RFC 5929."""
        ...

    def first(self) -> str:
        """The Authorization of the first request."""
        ...

    def second(self, challenge: bytes) -> str:
        """The Authorization that answers the host's challenge; raises ChannelError."""
        ...

    def can_seal(self) -> bool:
        """Whether messages can be sealed, as soon as the last Authorization is made."""
        ...

    def seal(self, message: bytes) -> tuple[bytes, bytes]:
        """Signature and sealed message."""
        ...

    def unseal(self, signature: bytes, data: bytes) -> bytes:
        """The message; raises ProtocolError."""
        ...


class Ntlm:
    """NTLMv2 without SPNEGO around it, as WinRM takes it: two messages, the first the same for every host."""

    mechanism, scheme, protocol = "ntlm", "Negotiate", sealed.SPNEGO
    is_at_once = is_repeated = False
    is_ready = True
    GREETING = f"{scheme} {base64.b64encode(NEGOTIATE).decode()}"

    def __init__(self, account: NtlmAccount) -> None:
        self._account = account
        self._bindings = b""
        self._sealer: Sealer | None = None

    def prepare(self) -> None:
        """Nobody is asked."""

    def bind(self, bindings: bytes) -> None:
        """Bind the log-on to a TLS connection."""
        self._bindings = for_ntlm(bindings)

    def first(self) -> str:
        """NEGOTIATE_MESSAGE."""
        return self.GREETING

    def second(self, challenge: bytes) -> str:
        """AUTHENTICATE_MESSAGE; raises Unsupported for a host that wants SPNEGO, and what the initiator raises."""
        if not challenge.startswith(SIGNATURE):
            raise Unsupported("the host does not take NTLM as it is")
        initiator = Initiator(self._account, bindings=self._bindings)
        token = initiator.authenticate(challenge)
        self._sealer = initiator.sealer() if can_seal(initiator.flags) else None
        return f"{self.scheme} {base64.b64encode(token).decode()}"

    def can_seal(self) -> bool:
        """Whether sealing was negotiated."""
        return self._sealer is not None

    def seal(self, message: bytes) -> tuple[bytes, bytes]:
        """Signature and sealed message."""
        return self._keys.seal(message)

    def unseal(self, signature: bytes, data: bytes) -> bytes:
        """The message; raises ProtocolError."""
        try:
            return self._keys.unseal(signature, data)
        except BadSignature as error:
            raise ProtocolError("the host's answer is not sealed with this log-on's key") from error

    @property
    def _keys(self) -> Sealer:
        if self._sealer is None:
            raise ProtocolError("no key was agreed on")
        return self._sealer


class Bare:
    """A proof that each request carries, and that only TLS hides: Basic (RFC 7617), or a certificate shown below."""

    scheme = protocol = ""
    is_at_once = is_repeated = is_ready = True

    def __init__(self, mechanism: str, proof: str) -> None:
        self.mechanism, self._proof = mechanism, proof

    @classmethod
    def basic(cls, credential: Credential) -> "Bare":
        """Name and password."""
        pair = f"{credential.username}:{credential.password.reveal()}".encode()
        return cls("basic", f"Basic {base64.b64encode(pair).decode()}")

    @classmethod
    def certificate(cls) -> "Bare":
        """What TLS has shown already."""
        return cls("certificate", MUTUAL)

    def prepare(self) -> None:
        """Nobody is asked."""

    def bind(self, bindings: bytes) -> None:
        """Nothing is bound."""

    def first(self) -> str:
        """The proof."""
        return self._proof

    def second(self, challenge: bytes) -> str:
        """Never asked for."""
        raise LogonUndecided("the host wants more than this log-on has")

    def can_seal(self) -> bool:
        """It has no key."""
        return False

    def seal(self, message: bytes) -> tuple[bytes, bytes]:
        """It has no key."""
        raise ProtocolError("no key was agreed on")

    def unseal(self, signature: bytes, data: bytes) -> bytes:
        """It has no key."""
        raise ProtocolError("no key was agreed on")
