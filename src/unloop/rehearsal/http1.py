"""As much of HTTP/1.1 as simulated web servers need: bytes in, requests out; responses in, bytes out (RFC 9112)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

LONGEST_HEAD, LONGEST_BODY = 16_384, 65_536
_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names are in lowercase."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def keeps_alive(self) -> bool:
        """Whether the client wants to send more on this connection."""
        return self.headers.get("connection", "").lower() != "close"


@dataclass(frozen=True, slots=True)
class Response:
    """One response; a header with several values is sent as often."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)

    def to_bytes(self, *, keeps_alive: bool = True) -> bytes:
        """The response on the wire."""
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}"]
        for name, value in self.headers.items():
            lines += [f"{name}: {one}" for one in ((value,) if isinstance(value, str) else value)]
        if self.status != HTTPStatus.NO_CONTENT:
            lines.append(f"Content-Length: {len(self.body)}")
        lines.append(f"Connection: {'keep-alive' if keeps_alive else 'close'}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


class BadRequest(ValueError):
    """The bytes are no request that this server takes; the connection is of no more use."""

    def __init__(self, status: HTTPStatus) -> None:
        self.status = status
        super().__init__(status.phrase)


class RequestReader:
    """Collects bytes until they make a request; a body may have ``longest_body`` bytes."""

    def __init__(self, longest_body: int = LONGEST_BODY) -> None:
        self._buffer = b""
        self._longest_body = longest_body

    def feed(self, data: bytes) -> list[Request]:
        """The requests that are complete now; raises BadRequest."""
        self._buffer += data
        found: list[Request] = []
        while request := self._next():
            found.append(request)
        return found

    def _next(self) -> Request | None:
        end = self._buffer.find(_END)
        if end < 0:
            if len(self._buffer) > LONGEST_HEAD:
                raise BadRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            return None
        method, path, headers = _head(self._buffer[:end])
        length = _length(headers, self._longest_body)
        start = end + len(_END)
        if len(self._buffer) < start + length:
            return None
        body, self._buffer = self._buffer[start : start + length], self._buffer[start + length :]
        return Request(method, path, headers, body)


def _head(head: bytes) -> tuple[str, str, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadRequest(HTTPStatus.BAD_REQUEST)
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise BadRequest(HTTPStatus.BAD_REQUEST)
        headers[name.lower()] = value.strip()
    return words[0], words[1].partition("?")[0], headers


def _length(headers: Mapping[str, str], longest: int) -> int:
    if "transfer-encoding" in headers:
        raise BadRequest(HTTPStatus.LENGTH_REQUIRED)
    text = headers.get("content-length", "0")
    if not (text.isascii() and text.isdigit()):
        raise BadRequest(HTTPStatus.BAD_REQUEST)
    if len(text) > 18 or int(text) > longest:
        raise BadRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return int(text)
