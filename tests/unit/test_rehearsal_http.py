"""The simulated web servers read requests as they trickle in and refuse what is none."""

from http import HTTPStatus

import pytest

from unloop.rehearsal.http1 import BadRequest, RequestReader, Response


def test_request_is_read_from_any_pieces() -> None:
    """A request is complete when its last byte came, however it was cut."""
    data = b"POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"
    reader = RequestReader()
    found = [request for index in range(len(data)) for request in reader.feed(data[index : index + 1])]
    assert [(item.method, item.path, item.body, item.keeps_alive) for item in found] == [("POST", "/a", b"abc", False)]


def test_requests_in_one_piece_are_told_apart() -> None:
    """Two requests that come together are two."""
    found = RequestReader().feed(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n")
    assert [request.path for request in found] == ["/", "/b"]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"GET / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
        (b"GET / HTTP/1.1\r\nContent-Length: " + b"9" * 9000 + b"\r\n\r\n", HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", HTTPStatus.LENGTH_REQUIRED),
        (b"GET / HTTP/1.1\r\n" + b"a" * 20_000, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE),
    ],
)
def test_what_is_no_request_is_refused(data: bytes, status: HTTPStatus) -> None:
    """Garbage, oversize and chunked bodies each get their status."""
    with pytest.raises(BadRequest) as caught:
        RequestReader().feed(data)
    assert caught.value.status == status


def test_response_without_content_has_no_length() -> None:
    """204 carries no Content-Length; others do."""
    assert b"Content-Length" not in Response(HTTPStatus.NO_CONTENT).to_bytes()
    assert b"Content-Length: 2\r\n" in Response(HTTPStatus.OK, b"ok").to_bytes()


def test_header_with_several_values_is_sent_as_often() -> None:
    """A server that takes two kinds of log-on offers both, each on a line of its own."""
    sent = Response(HTTPStatus.UNAUTHORIZED, headers={"WWW-Authenticate": ("Negotiate", "Basic")}).to_bytes()
    assert b"WWW-Authenticate: Negotiate\r\nWWW-Authenticate: Basic\r\n" in sent
