"""What the answers of WinRM mean that are no results: HTTP statuses, faults of WS-Management, and a 401."""

from unloop.errors import (
    AccessDenied,
    ChannelError,
    ConnectionLost,
    DeadlineExceeded,
    LogonRefused,
    LogonUndecided,
    NotFound,
    ProtocolError,
    Unreachable,
    Unsupported,
)
from unloop.secrets.secret import Credential

_FAULTS: dict[int, tuple[type[ChannelError], str]] = {
    2: (NotFound, "not found"),
    5: (AccessDenied, "access denied"),
    995: (ConnectionLost, "the host aborted the operation"),
    1115: (ConnectionLost, "the host is shutting down"),
    1311: (LogonUndecided, "no log-on servers"),
    1326: (LogonRefused, "log-on failure"),
    1331: (LogonRefused, "account disabled"),
    1909: (LogonRefused, "account locked out"),
    0x80338000: (NotFound, "no such resource"),
    0x80338029: (DeadlineExceeded, "the operation timed out on the host"),
    0x803380E4: (AccessDenied, "the plugin denies access"),
}
"""By the code of the WSManFault ([MS-WSMV] 2.2.4.43): Windows' own numbers ([MS-ERREF] 2.2, 2.1)."""
_STATUSES: dict[int, tuple[type[ChannelError], str]] = {
    403: (AccessDenied, "the host forbids it"),
    404: (Unsupported, "there is no WinRM at this address"),
    407: (Unreachable, "a proxy stands in between"),
    503: (ConnectionLost, "WinRM is not ready"),
}
LONGEST_REASON = 300


def of_fault(code: int, reason: str) -> ChannelError:
    """What a fault means; ``reason`` is the host's own text."""
    kind, words = _FAULTS.get(code, (ProtocolError, ""))
    text = " ".join((words or reason or "a fault without a reason").split())[:LONGEST_REASON]
    return kind(f"{text} (WS-Management fault {code})")


def of_status(status: int) -> ChannelError:
    """What an HTTP status means that comes without result or fault."""
    kind, words = _STATUSES.get(status, (ProtocolError, "the host answered neither result nor fault"))
    return kind(f"{words} (HTTP {status})")


def of_refusal(credential: Credential, mechanism: str, *, is_proven: bool) -> LogonRefused | LogonUndecided:
    """What a 401 means: only when the whole proof was sent did anybody judge it.

    For a domain account the host answers 401 also when no domain controller was there to ask; that is undecided.
    """
    if not is_proven:
        return LogonUndecided("the host broke off before the credential was shown (401)")
    if mechanism == "kerberos":
        return LogonUndecided("the host did not take the Kerberos ticket (401): another name, or clocks that differ")
    if not credential.is_local:
        return LogonUndecided("the log-on failed (401): refused, or no domain controller was there to judge it")
    return LogonRefused("the host refused the credential (401)")
