"""Who may talk to a simulated Redfish service: Basic log-on, and a few sessions that outlive their clients."""

import base64
import binascii
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

IDLE = 300.0


@dataclass
class RedfishSession:
    """One session: its number, its token, and when it was last used."""

    number: str
    token: str
    last_seen: float


@dataclass
class Sessions:
    """The sessions of one BMC; it holds no more than ``most`` of them."""

    username: str
    password: str
    most: int = 6
    held: dict[str, RedfishSession] = field(default_factory=dict)
    _count: int = 0

    def matches(self, username: object, password: object) -> bool:
        """Whether this is the account."""
        given, wanted = f"{username}\0{password}", f"{self.username}\0{self.password}"
        return hmac.compare_digest(given.encode(), wanted.encode())

    def open(self, now: float) -> RedfishSession | None:
        """A new session, or None when all places are taken."""
        self._forget(now)
        if len(self.held) >= self.most:
            return None
        self._count += 1
        session = RedfishSession(str(self._count), secrets.token_hex(16), now)
        self.held[session.number] = session
        return session

    def close(self, number: str) -> bool:
        """End a session; False when there is none of that number."""
        return self.held.pop(number, None) is not None

    def permits(self, headers: Mapping[str, str], now: float) -> bool:
        """Whether a request with these headers is let in."""
        self._forget(now)
        token = headers.get("x-auth-token")
        if token is not None:
            session = next((held for held in self.held.values() if hmac.compare_digest(held.token, token)), None)
            if session is not None:
                session.last_seen = now
            return session is not None
        scheme, _, encoded = headers.get("authorization", "").partition(" ")
        return scheme.lower() == "basic" and self._basic(encoded)

    def _basic(self, encoded: str) -> bool:
        try:
            username, _, password = base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        return self.matches(username, password)

    def _forget(self, now: float) -> None:
        for number in [number for number, held in self.held.items() if now - held.last_seen > IDLE]:
            del self.held[number]
