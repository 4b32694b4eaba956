"""Who proves an account to a host, whatever carries the messages: NTLM here, Kerberos beside it."""

import hmac
from typing import Protocol

from unloop.channels.ntlm.initiator import NEGOTIATE, Initiator, NtlmAccount
from unloop.channels.ntlm.seal import SIGN
from unloop.channels.spnego import NTLM


class Authenticator(Protocol):
    """One log-on, prepared: nothing it does waits for anybody. ``session_key`` is known when it is done."""

    @property
    def mechanism(self) -> bytes:
        """The object identifier (DER) by which SPNEGO knows it."""
        ...

    @property
    def session_key(self) -> bytes:
        """The key that both sides share now; b'' before."""
        ...

    def start(self) -> bytes:
        """The first message."""
        ...

    def step(self, token: bytes) -> bytes:
        """The answer to a message of the host, b'' when none is due; raises ProtocolError or LogonUndecided."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Our signature over the list of mechanisms; b'' where the mechanism needs none."""
        ...

    def is_signed(self, message: bytes, signature: bytes) -> bool:
        """Whether the host's signature over the list of mechanisms is right."""
        ...


class NtlmAuthenticator:
    """NTLMv2. ``target`` is the host's service principal."""

    mechanism = NTLM

    def __init__(self, account: NtlmAccount, target: str = "") -> None:
        self._initiator = Initiator(account, target=target)

    @property
    def session_key(self) -> bytes:
        """Known once the challenge was answered, before the host has judged it."""
        return self._initiator.session_key

    def start(self) -> bytes:
        """The same for every host."""
        return NEGOTIATE

    def step(self, token: bytes) -> bytes:
        """The proof."""
        return self._initiator.authenticate(token)

    def sign(self, message: bytes) -> bytes:
        """Every Windows client signs the list, and hosts may insist ([MS-SPNG] 3.3.5.1)."""
        return self._initiator.mic(message, from_client=True) if self._initiator.flags & SIGN else b""

    def is_signed(self, message: bytes, signature: bytes) -> bool:
        """Whether the host knows the key."""
        return hmac.compare_digest(self._initiator.mic(message, from_client=False), signature)
