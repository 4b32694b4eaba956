"""What the errors of WinRM mean: of sockets, of TLS, and what pypsrp makes of statuses and faults."""

import ssl
from collections.abc import Iterator

import requests
import urllib3
from pypsrp.exceptions import WinRMError, WinRMTransportError, WSManFaultError
from spnego.exceptions import SpnegoError

from unloop.channels.kerberos import client_failure
from unloop.channels.mapping import connected, connecting
from unloop.channels.winrm_faults import of_fault, of_status
from unloop.errors import (
    ChannelError,
    ConnectionLost,
    DeadlineExceeded,
    LogonUndecided,
    ProtocolError,
    Unreachable,
    UntrustedPeer,
)

DEPTH = 12
"""How many wrappers deep requests and urllib3 hide an error at most."""


def meaning_of(error: Exception) -> ChannelError:
    """What an error of pypsrp, or of what is below it, means; the log-on itself is judged elsewhere."""
    if isinstance(error, ImportError):
        return LogonUndecided(
            "this way to log on needs a library: install the extra unloop[credssp] or unloop[kerberos]"
        )
    if isinstance(error, WSManFaultError):
        return of_fault(error.code if isinstance(error.code, int) else 0, error.reason or "")
    if isinstance(error, WinRMTransportError):
        return of_status(error.code)
    if isinstance(error, requests.ReadTimeout):
        return DeadlineExceeded("no answer came within the time allowed")
    if isinstance(error, (requests.RequestException, OSError)):
        return _of_transport(error)
    if isinstance(error, SpnegoError):
        return client_failure(str(error))
    if isinstance(error, WinRMError):
        return ProtocolError(f"the host's answer fits no question ({type(error).__name__})")
    return ProtocolError(f"the peer does not speak WinRM, or its answer is garbled ({type(error).__name__})")


def _of_transport(error: Exception) -> ChannelError:
    for inner in _roots(error):
        if isinstance(inner, ssl.SSLCertVerificationError):
            return UntrustedPeer(f"the certificate is not trusted: {inner.verify_message}")
        if isinstance(inner, urllib3.exceptions.SSLError) and "fingerprint" in str(inner).lower():
            return UntrustedPeer("the certificate is not the one expected; nothing was sent")
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
