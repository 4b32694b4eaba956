"""HTTP/1.1 as the client of one connection needs it (RFC 9112): requests out, responses in, bounded in size."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from unloop.errors import ProtocolError

LONGEST_HEAD = 128 * 1024
"""A Kerberos ticket may have 48,000 bytes ([MS-KILE] 3.1.1.2), which base64 makes longer by a third."""
LONGEST_BODY = 1024 * 1024
"""Twice what the envelopes of Windows hold at most ([MS-WSMV] 2.2.4.10, MaxEnvelopeSizekb)."""
_LONGEST_LINE = 1024
_END = b"\r\n\r\n"
_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: [^\r\n]*)?(?=\r\n|\Z)")
_FIELD = re.compile(rb"\r\n([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*)")
_FRAMING = re.compile(rb"\r\n(?:(Content-Length)|Transfer-Encoding)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?")
_NO_BODY = frozenset({204, 304})
Fields = Mapping[str, tuple[str, ...]]
"""Values of header fields by names in lower case."""


@dataclass(frozen=True, slots=True)
class Response:
    """One response."""

    status: int
    fields: Fields
    body: bytes
    hangs_up: bool
    """The host closes the connection behind it."""

    def challenge(self, scheme: str) -> str | None:
        """The token that a 401 carries for a scheme: '' when it is offered without one, None when it is not offered."""
        found = None
        for value in self.fields.get("www-authenticate", ()):
            for match in re.finditer(rf"(?:^|,)\s*{scheme}(?:\s+([A-Za-z0-9+/]+=*))?\s*(?=,|$)", value, re.IGNORECASE):
                found = match[1] or found or ""
        return found

    @property
    def kind(self) -> str:
        """The Content-Type."""
        return ", ".join(self.fields.get("content-type", ()))


def request(host: str, authorization: str, kind: str, body: bytes) -> bytes:
    """One POST to the service of WS-Management ([MS-WSMV] 2.1); ``authorization`` '' is left out."""
    proof = f"Authorization: {authorization}\r\n" if authorization else ""
    return (
        f"POST /wsman HTTP/1.1\r\nHost: {host}\r\nConnection: Keep-Alive\r\n{proof}"
        f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode("ascii") + body


def read(message: bytes) -> Response:
    """What the framer has cut out; raises ProtocolError."""
    head, _, body = message.partition(_END)
    minor, status = _status(head)
    fields = _fields(head)
    connection = ",".join(fields.get("connection", ())).lower().replace(" ", "").split(",")
    hangs_up = "close" in connection or (minor == 0 and "keep-alive" not in connection)
    return Response(status, fields, body, hangs_up)


class HttpFramer:
    """Cuts what arrives into responses: the head as it came, and the body without the framing of its chunks.

    A body that only the end of the connection would end is taken for none: WinRM never sends one.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._head: bytes | None = None
        self._status = self._length = 0
        self._body: _Chunks | None = None

    def feed(self, data: bytes) -> None:
        """Take bytes as they come; raises ProtocolError when there are more than any response has."""
        self._buffer += data
        if len(self._buffer) > LONGEST_HEAD + LONGEST_BODY:
            raise ProtocolError("the host answers more than WinRM ever does")

    def next(self) -> bytes | None:
        """The next whole response, or None while it is not whole; raises ProtocolError."""
        while True:
            if self._head is None and not self._begin():
                return None
            body = self._end()
            if body is None or self._head is None:
                return None
            head, self._head = self._head, None
            if self._status >= 200:
                return head + body

    def _begin(self) -> bool:
        """Take the head, when it is there whole, and see how long the body is."""
        end = self._buffer.find(_END, self._searched)
        if end < 0:
            self._searched = max(0, len(self._buffer) - len(_END))
            if len(self._buffer) > LONGEST_HEAD:
                raise ProtocolError("the head of the host's answer has no end")
            return False
        end += len(_END)
        if end > LONGEST_HEAD:
            raise ProtocolError("the head of the host's answer is too long")
        head = bytes(self._buffer[:end])
        del self._buffer[:end]
        self._searched = 0
        _, self._status = _status(head)
        self._length = _length(head, self._status)
        self._body = _Chunks(self._buffer) if self._length < 0 else None
        self._head = head
        return True

    def _end(self) -> bytes | None:
        if self._body is not None:
            return self._body.taken()
        if len(self._buffer) < self._length:
            return None
        body = bytes(self._buffer[: self._length])
        del self._buffer[: self._length]
        return body


class _Chunks:
    """A body in chunks (RFC 9112, 7.1), taken from a buffer as it fills."""

    def __init__(self, buffer: bytearray) -> None:
        self._buffer = buffer
        self._body = bytearray()
        self._left = self._framing = 0
        self._is_last = False

    def taken(self) -> bytes | None:
        """The whole body, or None while the last chunk is not there."""
        while True:
            if self._left:
                if len(self._buffer) < self._left:
                    return None
                self._take_data()
            line = self._line()
            if line is None:
                return None
            if self._is_last:
                if not line:
                    return bytes(self._body)
                continue
            self._begin(line)

    def _take_data(self) -> None:
        data = self._buffer[: self._left]
        if data[-2:] != b"\r\n":
            raise ProtocolError("a chunk of the host's answer has another length than it says")
        self._body += data[:-2]
        del self._buffer[: self._left]
        self._left = 0

    def _line(self) -> bytes | None:
        end = self._buffer.find(b"\r\n", 0, _LONGEST_LINE)
        if end < 0:
            if len(self._buffer) >= _LONGEST_LINE:
                raise ProtocolError("the host's answer is not in chunks as it says")
            return None
        self._framing += end + 2
        if self._framing > LONGEST_HEAD:
            raise ProtocolError("the host's answer has more framing than content")
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    def _begin(self, line: bytes) -> None:
        match = _CHUNK.fullmatch(line)
        if match is None:
            raise ProtocolError("the host's answer is not in chunks as it says")
        size = int(match[1], 16)
        if len(self._body) + size > LONGEST_BODY:
            raise ProtocolError("the host answers more than WinRM ever does")
        self._is_last = not size
        self._left = size + 2 if size else 0


def _status(head: bytes) -> tuple[int, int]:
    """Minor version and status."""
    found = _STATUS.match(head)
    if found is None:
        raise ProtocolError("the peer does not speak HTTP")
    return int(found[1]), int(found[2])


def _fields(head: bytes) -> dict[str, tuple[str, ...]]:
    """The fields of a head, which ends without a line feed; every line behind the first is one."""
    fields: dict[str, tuple[str, ...]] = {}
    place = head.find(b"\r\n")
    while 0 <= place < len(head):
        field = _FIELD.match(head, place)
        if field is None:
            raise ProtocolError("the head of the host's answer is garbled")
        name, value = field[1].decode("ascii").lower(), field[2].decode("latin-1").rstrip(" \t")
        fields[name] = (*fields[name], value) if name in fields else (value,)
        place = field.end()
    return fields


def _length(head: bytes, status: int) -> int:
    """How many bytes the body has; -1 when it comes in chunks (RFC 9112, 6.3)."""
    if status < 200 or status in _NO_BODY:
        return 0
    found = {(bool(is_length), value.strip().lower()) for is_length, value in _FRAMING.findall(head)}
    if not found:
        return 0
    if found == {(False, b"chunked")}:
        return -1
    ((is_length, text),) = found if len(found) == 1 else ((False, b""),)
    if not (is_length and text.isdigit()):
        raise ProtocolError("the host's answer has no length that makes sense")
    if len(text) > 12 or int(text) > LONGEST_BODY:
        raise ProtocolError("the host answers more than WinRM ever does")
    return int(text)
