"""HTTP to a Redfish service: one log-on, GET alone is repeated, and every failure is one of ours."""

import base64
import json
import ssl
import time
from collections.abc import Mapping
from typing import Any

import httpx

from unloop.channels.base import Deadline
from unloop.channels.tls import TlsPolicy, context_for, fingerprint_of, normal_fingerprint
from unloop.errors import (
    AccessDenied,
    ChannelError,
    ConnectionLost,
    DeadlineExceeded,
    LogonRefused,
    NotFound,
    ProtocolError,
    Refused,
    Unreachable,
    Unsupported,
    UntrustedPeer,
)
from unloop.secrets.secret import Credential

GET_TRIES = 4
LONGEST_WAIT = 10.0
REQUEST_SECONDS = 30.0


class RedfishHttp:
    """A client of one service. POST and PATCH are sent once: whoever lost the answer looks at what came of it."""

    def __init__(
        self, address: str, port: int, *, credential: Credential | None, policy: TlsPolicy, deadline: Deadline
    ) -> None:
        self._address, self._port, self._policy, self._deadline = address, port, policy, deadline
        host = f"[{address}]" if ":" in address else address
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "OData-Version": "4.0"}
        if credential is not None:
            pair = f"{credential.username}:{credential.password.reveal()}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        self._client = httpx.Client(
            base_url=f"https://{host}:{port}",
            headers=headers,
            verify=context_for(policy),
            trust_env=False,
            follow_redirects=False,
        )

    def check_peer(self) -> None:
        """Compare the certificate with the pinned fingerprint, before a password is sent to whoever answers."""
        if not self._policy.fingerprint:
            return
        try:
            seen = fingerprint_of(self._address, self._port, timeout=self._deadline.left())
        except OSError as error:
            raise _meaning_of_os(error) from error
        if seen != normal_fingerprint(self._policy.fingerprint):
            raise UntrustedPeer(f"the certificate's SHA-256 is {seen}, not the one expected; nothing was sent")

    def get(self, path: str) -> tuple[dict[str, Any], str]:
        """A resource and its ETag ('' when it has none); repeated while the service is busy or the connection breaks."""
        for left in reversed(range(GET_TRIES)):
            try:
                response = self._send("GET", path)
            except (ConnectionLost, ProtocolError):
                if not left:
                    raise
                self._wait(0.5)
                continue
            if response.status_code == httpx.codes.SERVICE_UNAVAILABLE and left:
                self._wait(_retry_after(response))
                continue
            return _document(_checked(response, path)), response.headers.get("ETag", "")
        raise ProtocolError("the service stays busy")

    def send_once(self, method: str, path: str, body: Mapping[str, Any], *, etag: str = "") -> None:
        """Change something. Raises ChannelError; after ConnectionLost or DeadlineExceeded it may have been done."""
        headers = {"If-Match": etag} if etag else {}
        _checked(self._send(method, path, json=dict(body), headers=headers), path)

    def close(self) -> None:
        """End the connection."""
        self._client.close()

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        timeout = httpx.Timeout(min(REQUEST_SECONDS, self._deadline.left()))
        try:
            return self._client.request(method, path, timeout=timeout, **options)
        except httpx.ConnectTimeout as error:
            raise Unreachable("nothing answered within the time allowed") from error
        except httpx.TimeoutException as error:
            raise DeadlineExceeded("no answer came within the time allowed") from error
        except httpx.ConnectError as error:
            raise self._meaning_of_connect(error) from error
        except httpx.TransportError as error:
            raise ConnectionLost(f"the connection broke: {type(error).__name__}") from error

    def _meaning_of_connect(self, error: httpx.ConnectError) -> ChannelError:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLCertVerificationError):
                return self._untrusted(cause)
            if isinstance(cause, ssl.SSLError):
                return ProtocolError(f"TLS failed: {cause.reason or 'no TLS there'}")
            if isinstance(cause, OSError):
                return _meaning_of_os(cause)
            cause = cause.__cause__ or cause.__context__
        return Unreachable("no connection came about")

    def _untrusted(self, error: ssl.SSLCertVerificationError) -> UntrustedPeer:
        try:
            seen = fingerprint_of(self._address, self._port, timeout=self._deadline.left())
        except OSError:
            seen = "unknown"
        hint = f"if you know it, set trust.tls_ca, or pin its SHA-256 {seen}"
        return UntrustedPeer(f"the certificate is not trusted ({error.verify_message}); {hint}")

    def _wait(self, seconds: float) -> None:
        time.sleep(min(seconds, LONGEST_WAIT, self._deadline.left()))


def _meaning_of_os(error: OSError) -> ChannelError:
    if isinstance(error, ssl.SSLError):
        return ProtocolError(f"TLS failed: {error.reason or 'no TLS there'}")
    if isinstance(error, ConnectionRefusedError):
        return Refused("the port is closed")
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return ConnectionLost("the connection was reset")
    return Unreachable(f"no connection came about: {(error.strerror or type(error).__name__).lower()}")


def _checked(response: httpx.Response, path: str) -> httpx.Response:
    status = response.status_code
    if status < httpx.codes.MULTIPLE_CHOICES:
        return response
    told = f"{path}: {status}: {_told(response)}"
    if status == httpx.codes.UNAUTHORIZED:
        return _raise(LogonRefused("the BMC refused the log-on"))
    if status == httpx.codes.FORBIDDEN:
        return _raise(AccessDenied(told))
    if status == httpx.codes.NOT_FOUND:
        return _raise(NotFound(told))
    if status in {httpx.codes.METHOD_NOT_ALLOWED, httpx.codes.NOT_IMPLEMENTED}:
        return _raise(Unsupported(told))
    return _raise(ProtocolError(told))


def _raise(error: ChannelError) -> httpx.Response:
    raise error


def _told(response: httpx.Response) -> str:
    """The service's own words (DSP0266, 8.6, extended information), cut short."""
    try:
        error = response.json()["error"]
        extended = error.get("@Message.ExtendedInfo") or [{}]
        text = f"{extended[0].get('MessageId', '')} {extended[0].get('Message') or error.get('message', '')}"
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        text = response.reason_phrase
    return " ".join(text.split())[:200]


def _document(response: httpx.Response) -> dict[str, Any]:
    try:
        document = json.loads(response.content)
    except ValueError as error:
        raise ProtocolError("the service answered something that is not JSON") from error
    if not isinstance(document, dict):
        raise ProtocolError("the service answered something that is no resource")
    return document


def _retry_after(response: httpx.Response) -> float:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isdigit() else 1.0
