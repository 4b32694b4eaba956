"""What goes wrong between us and a Redfish service, as errors of ours: connections, and answers that refuse."""

import ssl
from dataclasses import dataclass

import httpx

from unloop.channels.redfish_quirks import NOT_NOW
from unloop.channels.tls import WrongCertificate
from unloop.errors import (
    AccessDenied,
    Busy,
    ChannelError,
    ConnectionLost,
    DeadlineExceeded,
    LogonRefused,
    LogonUndecided,
    NotFound,
    ProtocolError,
    Refused,
    Unreachable,
    Unsupported,
    UntrustedPeer,
)

PRECONDITION_FAILED, BAD_REQUEST = 412, 400
_NOT_JUDGED = (
    "the BMC refused the log-on: a wrong password, no right to log on there, or no directory that it could ask"
)


@dataclass(frozen=True, slots=True)
class Told:
    """What the service says of a refusal (DSP0266, extended information): message ids, and its first words."""

    identifiers: tuple[str, ...]
    text: str


class Rejected(ProtocolError):
    """The service took the request, and refused it: nothing was changed. ``status`` is HTTP's."""

    status = 0


def of_transport(error: httpx.TransportError) -> ChannelError:
    """What a failed exchange means; a certificate that is not trusted is an UntrustedPeer."""
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return Unreachable("nothing answered within the time allowed")
    if isinstance(error, httpx.TimeoutException):
        return DeadlineExceeded("no answer came within the time allowed")
    if isinstance(error, httpx.ConnectError):
        return _of_connect(error)
    return ConnectionLost(f"the connection broke: {type(error).__name__}")


def _of_connect(error: httpx.ConnectError) -> ChannelError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, WrongCertificate):
            return UntrustedPeer(f"the certificate's SHA-256 is {cause.seen}, not the one expected; nothing was sent")
        if isinstance(cause, ssl.SSLCertVerificationError):
            return UntrustedPeer(f"the certificate is not trusted ({cause.verify_message})")
        if isinstance(cause, OSError):
            return of_os(cause)
        cause = cause.__cause__ or cause.__context__
    return Unreachable("no connection came about")


def of_os(error: OSError) -> ChannelError:
    """What the operating system says of a connection that did not come about."""
    if isinstance(error, ssl.SSLError):
        return ProtocolError(f"TLS failed: {error.reason or 'no TLS there'}")
    if isinstance(error, ConnectionRefusedError):
        return Refused("the port is closed")
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return ConnectionLost("the connection was reset")
    return Unreachable(f"no connection came about: {(error.strerror or type(error).__name__).lower()}")


def of_response(response: httpx.Response, path: str, *, is_local: bool = True) -> ChannelError | None:
    """What an answer that refuses means; None for one that does not.

    A refused account that is not the BMC's own (``is_local``) may only lack a right there, or the BMC a directory to ask.
    """
    status = response.status_code
    if status < httpx.codes.MULTIPLE_CHOICES:
        return None
    told = told_by(response)
    text = f"{path}: {status}: {told.text}"
    if status == httpx.codes.UNAUTHORIZED:
        return LogonRefused("the BMC refused the log-on") if is_local else LogonUndecided(_NOT_JUDGED)
    if status in _MEANINGS:
        return _MEANINGS[status](text)
    if any(word in identifier for identifier in told.identifiers for word in NOT_NOW):
        return Busy(text)
    rejected = Rejected(text)
    rejected.status = status
    return rejected


def told_by(response: httpx.Response) -> Told:
    """The service's own words, cut short."""
    try:
        error = response.json()["error"]
        extended = error.get("@Message.ExtendedInfo") or [{}]
        identifiers = tuple(str(info.get("MessageId", "")) for info in (*extended, {"MessageId": error.get("code")}))
        text = f"{identifiers[0]} {extended[0].get('Message') or error.get('message', '')}"
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        identifiers, text = (), response.reason_phrase
    return Told(identifiers, " ".join(text.split())[:200])


_MEANINGS: dict[int, type[ChannelError]] = {
    httpx.codes.FORBIDDEN: AccessDenied,
    httpx.codes.NOT_FOUND: NotFound,
    httpx.codes.METHOD_NOT_ALLOWED: Unsupported,
    httpx.codes.NOT_IMPLEMENTED: Unsupported,
    httpx.codes.SERVICE_UNAVAILABLE: Busy,
    httpx.codes.TOO_MANY_REQUESTS: Busy,
}
