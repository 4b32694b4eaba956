"""The error tree. Each error says two things: may it be tried again, and could the host have changed.

::

    UnloopError
    ├── InputError              bad input, every problem with its place (exit 2)
    ├── EmptySelection          the selection matched no host (exit 3)
    ├── StoreError              the store can't be read, written or understood (exit 2)
    │   ├── StoreUnavailable    it can't be reached or has no room just now; the same may be tried again
    │   └── LeaseLost           another actor holds the host now; nothing may be written
    ├── NotPermitted            the effect ledger refused; nothing was sent
    ├── SecretError             a credential reference can't be resolved
    └── ChannelError            one exchange with one host failed         may retry   host changed
        ├── Unreachable         no connection came about                  yes         no
        ├── Refused             the port answered with a reset            yes         no
        ├── ConnectionLost      the connection ended in mid-exchange      yes         maybe
        ├── DeadlineExceeded    no answer within the time allowed         yes         maybe
        ├── LogonRefused        the host judged the credential wrong      no          no
        ├── LogonUndecided      nobody could judge the credential         yes         no
        ├── AccessDenied        logged on, but not allowed to do this     no          no
        │   └── InUse           another process holds the file open       no          no
        ├── NotFound            the path, key or resource isn't there     no          no
        ├── UntrustedPeer       host key or certificate is not the one    no          no
        ├── Unsupported         the host can't do what was asked          no          no
        ├── Busy                it has no room or time for this now       yes         no
        ├── ProtocolError       the answer makes no sense                 yes         maybe
        └── LeftOff             a reset broke off, the host may be off    yes         maybe
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import ClassVar


class Changed(StrEnum):
    """Whether the host could have been changed by an exchange that failed."""

    NO = "no"
    MAYBE = "maybe"


class UnloopError(Exception):
    """Base of every error that unloop raises on purpose; its text is one line for a person."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input: what, where, and what to do next."""

    what: str
    path: str = ""
    line: int | None = None
    column: int | None = None
    hint: str = ""

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.path, self.line, self.column) if part not in ("", None))
        text = f"{place}: {self.what}" if place else self.what
        return f"{text}; {self.hint}" if self.hint else text


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The hint for a word that isn't known: the nearest one that is, or else all of them."""
    names = sorted(map(str, known))
    close = get_close_matches(word, names, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(names)}" if names else ""


class InputError(UnloopError):
    """Bad input: all its problems at once, each with its place."""

    def __init__(self, *problems: Problem | str) -> None:
        self.problems = tuple(Problem(p) if isinstance(p, str) else p for p in problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class EmptySelection(UnloopError):
    """The selection matched no host; nothing was done."""


class StoreError(UnloopError):
    """The store can't be read, written or understood."""


class StoreUnavailable(StoreError):
    """The store can't be reached, is locked or has no room: a restart or somebody's care mends that, then try again."""


class LeaseLost(StoreError):
    """The lease on a host run is not ours any more; whatever we know of it is stale."""


class NotPermitted(UnloopError):
    """The effect ledger refused this effect; nothing was sent."""


class SecretError(UnloopError):
    """A credential reference can't be resolved; the text never holds the secret."""


class ChannelError(UnloopError):
    """One exchange with one host failed."""

    may_retry: ClassVar[bool] = True
    changed: ClassVar[Changed] = Changed.MAYBE

    def __init__(self, message: str, *, host: str = "", channel: str = "") -> None:
        self.host, self.channel, self.message = host, channel, message
        place = " ".join(part for part in (host, channel) if part)
        super().__init__(f"{place}: {message}" if place else message)


class Unreachable(ChannelError):
    """No connection came about: nothing answered."""

    changed = Changed.NO


class Refused(Unreachable):
    """The port answered with a reset: a live network stack, a closed port."""


class ConnectionLost(ChannelError):
    """The connection ended in mid-exchange."""


class DeadlineExceeded(ChannelError):
    """No answer came within the time allowed."""


class LogonRefused(ChannelError):
    """The host judged the credential to be wrong. Trying it again would burn the account."""

    may_retry = False
    changed = Changed.NO


class LogonUndecided(ChannelError):
    """Nobody could judge the credential, for example because no domain controller was up."""

    changed = Changed.NO


class AccessDenied(ChannelError):
    """Logged on, but not allowed to do this."""

    may_retry = False
    changed = Changed.NO


class InUse(AccessDenied):
    """Another process of the host, or a driver, holds the file open: it stays as it is for as long as that runs."""


class NotFound(ChannelError):
    """The path, key or resource isn't there."""

    may_retry = False
    changed = Changed.NO


class UntrustedPeer(ChannelError):
    """The host key or certificate is not the expected one; nothing was sent to it."""

    may_retry = False
    changed = Changed.NO


class Unsupported(ChannelError):
    """The host or its firmware can't do what was asked."""

    may_retry = False
    changed = Changed.NO


class Busy(ChannelError):
    """The host is there, has no room or no time for this now, and did nothing of it."""

    changed = Changed.NO


class ProtocolError(ChannelError):
    """The answer makes no sense."""


class LeftOff(ChannelError):
    """A reset broke off between off and on: the host may be off, and whoever switched it off owes it a power-on."""
