"""Who may talk over one HTTP connection: Negotiate, which proves the connection, and Basic, which proves a request."""

import base64
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from unloop.channels.ntlm.seal import Sealer, can_seal
from unloop.rehearsal.ntlm import Acceptor, Account, LogonFailed
from unloop.rehearsal.spnego import Negotiation

_REALM = 'Basic realm="WSMAN"'
_NEGOTIATED = frozenset({"negotiate", "ntlm"})


@dataclass(frozen=True, slots=True)
class Door:
    """How a service takes log-ons. ``basic`` is the password where Basic is taken, which is over TLS only."""

    account: Account
    computer: str
    bindings: bytes = b""
    basic: str = ""
    refused: Callable[[str], None] = lambda _: None
    """Is told the name of every account whose proof was refused."""

    @property
    def offers(self) -> tuple[str, ...]:
        """What an unproven client is offered."""
        return ("Negotiate", _REALM) if self.basic else ("Negotiate",)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a request: whether it is let in, what to tell the client, and whether to hang up on it."""

    is_granted: bool
    tells: tuple[str, ...] = ()
    hangs_up: bool = False


class Logon:
    """The log-on of one connection."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._negotiation: Negotiation | None = None
        self.sealer: Sealer | None = None
        """Seals and unseals once the log-on is complete, where that was negotiated."""

    def admit(self, headers: Mapping[str, str]) -> Verdict:
        """Judge a request by its Authorization header; a proven connection needs none."""
        scheme, _, text = headers.get("authorization", "").partition(" ")
        kind = scheme.lower()
        if not kind and self._is_proven:
            return Verdict(is_granted=True)
        try:
            if kind in _NEGOTIATED:
                return self._step(scheme, base64.b64decode(text, validate=True))
            if kind == "basic" and self._door.basic:
                return self._judge(base64.b64decode(text, validate=True).decode("utf-8"))
        except ValueError:
            self._forget()
        return self._refuse()

    @property
    def _is_proven(self) -> bool:
        return self._negotiation is not None and self._negotiation.acceptor.is_complete

    def _step(self, scheme: str, token: bytes) -> Verdict:
        if self._negotiation is None or self._is_proven:
            self._forget()
            door = self._door
            self._negotiation = Negotiation(Acceptor(door.account, door.computer, door.bindings))
        negotiation = self._negotiation
        try:
            reply = negotiation.step(token)
        except LogonFailed as error:
            self._forget()
            return self._refuse(error.account)
        tells = (f"{scheme} {base64.b64encode(reply).decode()}",) if reply else ()
        if not negotiation.acceptor.is_complete:
            return Verdict(is_granted=False, tells=tells)
        if can_seal(negotiation.acceptor.flags):
            self.sealer = negotiation.sealer()
        return Verdict(is_granted=True, tells=tells)

    def _judge(self, text: str) -> Verdict:
        name, _, password = text.partition(":")
        is_right = hmac.compare_digest(password.encode(), self._door.basic.encode())
        if is_right and self._door.account.is_named(name):
            return Verdict(is_granted=True)
        return self._refuse(name)

    def _refuse(self, account: str = "") -> Verdict:
        if account:
            self._door.refused(account)
        return Verdict(is_granted=False, tells=self._door.offers, hangs_up=True)

    def _forget(self) -> None:
        self._negotiation = self.sealer = None
