"""HTTP to a Redfish service: one log-on, one connection, GET alone is repeated, and every failure is one of ours."""

import asyncio
import base64
import json
from collections.abc import Mapping
from typing import Any

import httpx

from unloop.channels.base import Deadline
from unloop.channels.redfish_errors import of_response, of_transport
from unloop.channels.tls import TlsPolicy, context_for, fingerprint_of
from unloop.errors import Busy, ChannelError, ConnectionLost, DeadlineExceeded, ProtocolError, UntrustedPeer
from unloop.secrets.secret import Credential

GET_TRIES = 4
LONGEST_WAIT = 10.0
REQUEST_SECONDS = 30.0
LATE = 0.2
"""So much later than the last read may end, the whole answer must have ended."""
MOST_REDIRECTS = 3
LONGEST = 4 * 1024 * 1024
"""Bytes of one answer; what we ask for takes some kilobytes."""
_KEEPS_METHOD = frozenset({httpx.codes.TEMPORARY_REDIRECT, httpx.codes.PERMANENT_REDIRECT})
"""Redirects after which the same request is to be made elsewhere; nothing was done where it was sent first."""


class RedfishHttp:
    """A client of one service. POST and PATCH are sent once: whoever lost the answer looks at what came of it."""

    def __init__(
        self,
        address: str,
        port: int,
        *,
        credential: Credential | None,
        policy: TlsPolicy,
        deadline: Deadline,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._address, self._port, self._policy, self._deadline = address, port, policy, deadline
        self._is_local = credential is None or credential.is_local
        host = f"[{address}]" if ":" in address else address
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "OData-Version": "4.0"}
        if credential is not None:
            pair = f"{credential.username}:{credential.password.reveal()}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        self._client = httpx.AsyncClient(
            base_url=f"https://{host}:{port}",
            headers=headers,
            verify=context_for(policy),
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1),
            trust_env=False,
            follow_redirects=False,
            transport=transport,
        )

    async def get(self, path: str) -> tuple[dict[str, Any], str]:
        """A resource and its ETag ('' when it has none); repeated while the service is busy or the connection breaks."""
        for left in reversed(range(GET_TRIES)):
            try:
                response = await self._send("GET", path)
            except (ConnectionLost, ProtocolError):
                if not left:
                    raise
                await self._wait(0.5)
                continue
            failure = self._failure(response, path)
            if isinstance(failure, Busy) and left:
                await self._wait(_retry_after(response))
                continue
            if failure is not None:
                raise failure
            return _document(response), response.headers.get("ETag", "")
        raise Busy("the service stays busy")

    async def send_once(
        self, method: str, path: str, body: Mapping[str, Any], *, etag: str = "", waits: bool = False
    ) -> None:
        """Change something. Raises ChannelError; after ConnectionLost or DeadlineExceeded it may have been done.

        ``waits``: when the service says that it will take a while (202), wait for the end.
        """
        headers = {"If-Match": etag} if etag else {}
        response = await self._send(method, path, json=dict(body), headers=headers)
        failure = self._failure(response, path)
        if failure is not None:
            raise failure
        while waits and response.status_code == httpx.codes.ACCEPTED and "Location" in response.headers:
            await self._wait(_retry_after(response))
            monitor = response.headers["Location"]
            response = await self._send("GET", monitor)
            failure = self._failure(response, monitor)
            if failure is not None:
                raise failure

    async def close(self) -> None:
        """End the connection."""
        await self._client.aclose()

    def _failure(self, response: httpx.Response, path: str) -> ChannelError | None:
        return of_response(response, path, is_local=self._is_local)

    async def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request. What was not found is asked for once more with a slash at its end: some services want one."""
        response = await self._follow(method, path, **options)
        if response.status_code == httpx.codes.NOT_FOUND and not path.endswith("/"):
            return await self._follow(method, f"{path}/", **options)
        return response

    async def _follow(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request, and where the service redirects it to; never to another service."""
        response = await self._request(method, path, **options)
        for _ in range(MOST_REDIRECTS):
            if not response.has_redirect_location:
                return response
            if method != "GET" and response.status_code not in _KEEPS_METHOD:
                raise ProtocolError(f"{path}: the service redirects a {method} ({response.status_code})")
            response = await self._request(method, response.headers["Location"], **options)
        return response

    async def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        seconds = min(REQUEST_SECONDS, self._deadline.left())
        try:
            async with asyncio.timeout(seconds + LATE):  # httpx bounds each read, and a service may trickle for ever
                return await self._answer(method, self._own_path(path), timeout=httpx.Timeout(seconds), **options)
        except TimeoutError as error:
            raise DeadlineExceeded(f"{path}: the answer did not come to its end in time") from error
        except httpx.TransportError as error:
            raise await self._explained(of_transport(error)) from error

    async def _answer(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One answer, as long as it may be; a packed one, which we asked not to get, could grow without end."""
        async with self._client.stream(method, path, **options) as response:
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise ProtocolError(f"{path}: the service packs its answer, unasked")
            body = bytearray()
            async for part in response.aiter_bytes():
                body += part
                if len(body) > LONGEST:
                    raise ProtocolError(f"{path}: the answer is longer than {LONGEST} bytes")
        return httpx.Response(
            response.status_code, headers=response.headers, content=bytes(body), request=response.request
        )

    async def _explained(self, error: ChannelError) -> ChannelError:
        """The same error; what to do about a certificate that no authority of ours signed is added."""
        if not isinstance(error, UntrustedPeer) or self._policy.fingerprint:
            return error
        try:
            seen = await fingerprint_of(self._address, self._port, timeout=self._deadline.left())
        except OSError:
            return error
        return UntrustedPeer(f"{error.message}; if you know it, set trust.tls_ca, or pin its SHA-256 {seen}")

    def _own_path(self, told: str) -> str:
        """A URI that the service gave as a path of this very service: elsewhere our password is not sent."""
        here = self._client.base_url
        try:
            there = here.join(told)
        except httpx.InvalidURL as error:
            raise ProtocolError("the service gave an address that is none") from error
        if (there.scheme, there.host, there.port) != (here.scheme, here.host, here.port):
            raise ProtocolError("the service sends us to another one; nothing was sent there")
        return there.raw_path.decode("ascii")

    async def _wait(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, LONGEST_WAIT, self._deadline.left()))


def _document(response: httpx.Response) -> dict[str, Any]:
    try:
        document = json.loads(response.content)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("the service answered something that is not JSON") from error
    if not isinstance(document, dict):
        raise ProtocolError("the service answered something that is no resource")
    return document


def _retry_after(response: httpx.Response) -> float:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else 1.0
