"""What the errors of WinRM mean: of sockets and TLS, of HTTP, and the faults of WS-Management ([MS-WSMV] 2.2.4.43)."""

import ssl
from collections.abc import Iterator

import requests
from pypsrp.exceptions import WinRMError, WinRMTransportError, WSManFaultError
from spnego.exceptions import SpnegoError

from unloop.channels.kerberos import client_failure
from unloop.channels.mapping import connected, connecting
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
    UntrustedPeer,
)

DEPTH = 12
"""How many wrappers deep requests and urllib3 hide an error at most."""

_FAULTS: dict[int, tuple[type[ChannelError], str]] = {
    2: (NotFound, "not found"),
    5: (AccessDenied, "access denied"),
    995: (ConnectionLost, "the host aborted the operation"),
    1115: (ConnectionLost, "the host is shutting down"),
    1311: (LogonUndecided, "no log-on servers"),
    1326: (LogonRefused, "log-on failure"),
    1331: (LogonRefused, "account disabled"),
    1909: (LogonRefused, "account locked out"),
    0x80338029: (DeadlineExceeded, "the operation timed out on the host"),
    0x803380E4: (AccessDenied, "the plugin denies access"),
}
_STATUSES: dict[int, tuple[type[ChannelError], str]] = {
    403: (AccessDenied, "the host forbids it"),
    404: (Unsupported, "there is no WinRM at this address"),
    407: (Unreachable, "a proxy stands in between"),
    503: (ConnectionLost, "WinRM is not ready"),
}


def meaning_of(error: Exception) -> ChannelError:
    """What an error of pypsrp, or of what is below it, means; the log-on itself is judged elsewhere."""
    if isinstance(error, ImportError):
        return LogonUndecided(
            "this way to log on needs a library: install the extra unloop[credssp] or unloop[kerberos]"
        )
    if isinstance(error, WSManFaultError):
        return _fault(error)
    if isinstance(error, WinRMTransportError):
        kind, words = _STATUSES.get(error.code, (ProtocolError, "the host answered neither result nor fault"))
        return kind(f"{words} (HTTP {error.code})")
    if isinstance(error, requests.ReadTimeout):
        return DeadlineExceeded("no answer came within the time allowed")
    if isinstance(error, (requests.RequestException, OSError)):
        return _of_transport(error)
    if isinstance(error, SpnegoError):
        return client_failure(str(error))
    if isinstance(error, WinRMError):
        return ProtocolError(f"the host's answer fits no question ({type(error).__name__})")
    return ProtocolError(f"the peer does not speak WinRM, or its answer is garbled ({type(error).__name__})")


def _fault(error: WSManFaultError) -> ChannelError:
    code = error.code if isinstance(error.code, int) else 0
    kind, words = _FAULTS.get(code, (ProtocolError, ""))
    text = " ".join((words or error.reason or "a fault without a reason").split())
    return kind(f"{text} (WS-Management fault {code})")


def _of_transport(error: Exception) -> ChannelError:
    for inner in _roots(error):
        if isinstance(inner, ssl.SSLCertVerificationError):
            return UntrustedPeer(f"the certificate is not trusted: {inner.verify_message}")
        if isinstance(inner, ssl.SSLError):
            return ProtocolError("no TLS session came about; is this the port of HTTPS?")
    if isinstance(error, requests.ConnectTimeout):
        return Unreachable("nothing answered within the time allowed")
    causes = [inner for inner in _roots(error) if isinstance(inner, OSError) and inner.errno is not None]
    if any("NewConnectionError" in type(inner).__name__ for inner in _roots(error)):
        return connecting(causes[-1]) if causes else Unreachable("no connection came about")
    if causes:
        return connected(causes[-1])
    return ConnectionLost("the host closed the connection, or does not speak HTTP")


def _roots(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it was made from, outermost first."""
    inner: BaseException | None = error
    for _ in range(DEPTH):
        if inner is None:
            return
        yield inner
        hidden = [part for part in (*inner.args, getattr(inner, "reason", None)) if isinstance(part, BaseException)]
        inner = hidden[0] if hidden else inner.__cause__ or inner.__context__
