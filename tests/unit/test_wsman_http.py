"""HTTP as our WinRM client speaks it: responses in any pieces, in chunks, too long, and garbled."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unloop.channels.strike.wsman import http
from unloop.channels.strike.wsman.http import LONGEST_BODY, HttpFramer, Response
from unloop.errors import ProtocolError
from unloop.rehearsal.http1 import RequestReader
from unloop.rehearsal.http1 import Response as Answer

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def responses(data: bytes, *cuts: int) -> list[Response]:
    """The responses in what arrives, cut at these places."""
    framer, found = HttpFramer(), []
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in itertools.pairwise(places):
        framer.feed(data[start:end])
        while (message := framer.next()) is not None:
            found.append(http.read(message))
    return found


@given(st.lists(st.integers(0, 500), max_size=12))
def test_responses_are_the_same_in_whatever_pieces_they_come(cuts: list[int]) -> None:
    """Lengths, chunks, extensions, trailers and interim responses are read, however the stream is cut."""
    chunks = CHUNKED + b'4;a="b"\r\nfour\r\n0A\r\n\r\n\r\n012345\r\n0\r\nX: y\r\n\r\n'
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    nothing = b'HTTP/1.1 401 \r\nWWW-Authenticate: Negotiate\r\nWWW-Authenticate: Basic realm="W"\r\n\r\n'
    found = responses(OK + interim + chunks + nothing + OK, *cuts)
    assert [(one.status, one.body) for one in found] == [
        (200, b"hello"),
        (200, b"four\r\n\r\n012345"),
        (401, b""),
        (200, b"hello"),
    ]
    assert found[2].fields == {"www-authenticate": ("Negotiate", 'Basic realm="W"')}


@pytest.mark.parametrize(
    "garbled",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 999 what\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1e3\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: ٣\r\n\r\n".encode(),
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (LONGEST_BODY + 1),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
        CHUNKED + b"g\r\n",
        CHUNKED + b"-1\r\n",
        CHUNKED + b"ffffffffffff\r\n",
        CHUNKED + b"7fffffff\r\n",
        CHUNKED + b"2\r\nhello\r\n",
        CHUNKED + b"5" * 2000,
    ],
)
def test_what_is_no_response_is_said_to_be_none(garbled: bytes) -> None:
    """Another protocol, lengths that make no sense or contradict each other, and broken chunks are one error of ours."""
    with pytest.raises(ProtocolError):
        responses(garbled)


@pytest.mark.parametrize(
    "line", [b"no colon", b" folded: x", b": nameless", b"na me: x", b"name : x", b"a: \0", b"a: x\ny"]
)
def test_a_garbled_field_is_an_error(line: bytes) -> None:
    """A head is read strictly: what could be read in two ways is not read at all."""
    with pytest.raises(ProtocolError):
        responses(b"HTTP/1.1 200 OK\r\n" + line + b"\r\nContent-Length: 0\r\n\r\n")


def fed(start: bytes, more: bytes) -> int:
    """How many bytes of an endless answer are taken before it is given up."""
    framer, taken = HttpFramer(), len(start)
    framer.feed(start)
    try:
        while framer.next() is None:
            framer.feed(more * 4096)
            taken += len(more) * 4096
    except ProtocolError:
        return taken
    raise AssertionError("it had an end")


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (b"", b"x"),
        (b"HTTP/1.1 200 OK\r\n", b"a: b\r\n"),
        (CHUNKED, b"1\r\nx\r\n"),
        (CHUNKED, b"1000\r\n" + b"x" * 4096 + b"\r\n"),
        (CHUNKED + b"0\r\n", b"a: b\r\n"),
    ],
)
def test_endless_answers_fill_no_memory(start: bytes, more: bytes) -> None:
    """A head without end, chunks without end and trailers without end are given up at a known size."""
    assert fed(start, more) <= 16 * LONGEST_BODY


@given(st.one_of(st.binary(max_size=400), st.binary(max_size=200).map(lambda data: OK[:40] + data)))
@settings(max_examples=300)
def test_garbage_is_an_error_of_ours_or_no_response_yet(garbage: bytes) -> None:
    """Whatever arrives, there is a response, none yet, or one error."""
    for data in (garbage, CHUNKED + garbage, b"HTTP/1.1 200 OK\r\n" + garbage):
        try:
            responses(data, 7, 50)
        except ProtocolError:
            continue


@pytest.mark.parametrize(
    ("value", "token"),
    [
        ("Negotiate", ""),
        ("negotiate TlRM", "TlRM"),
        ("Kerberos, Negotiate TlRMU1NQ==", "TlRMU1NQ=="),
        ('Basic realm="WSMAN", Negotiate', ""),
        ("Negotiates abc", None),
        ("Kerberos", None),
        ("", None),
    ],
)
def test_a_challenge_is_found_among_what_is_offered(value: str, token: str | None) -> None:
    """Several schemes may stand in one field, with or without a token, in any case."""
    response = Response(401, {"www-authenticate": (value,)}, b"", hangs_up=False)
    assert response.challenge("Negotiate") == token


@pytest.mark.parametrize(
    ("head", "hangs_up"),
    [
        ("HTTP/1.1 200 OK", False),
        ("HTTP/1.1 200 OK\r\nConnection: Close", True),
        ("HTTP/1.1 200 OK\r\nConnection: foo, close", True),
        ("HTTP/1.0 200 OK", True),
        ("HTTP/1.0 200 OK\r\nConnection: Keep-Alive", False),
    ],
)
def test_a_host_that_hangs_up_says_so(head: str, *, hangs_up: bool) -> None:
    """The connection's end is told by the version and by Connection."""
    assert http.read(f"{head}\r\n\r\n".encode()).hangs_up is hangs_up


def test_a_request_is_what_a_server_reads() -> None:
    """A server that is not this client's reads method, path, proof and body."""
    (request,) = RequestReader().feed(http.request("[::1]:5985", "Negotiate abc", "text/xml", b"<a/>"))
    assert (request.method, request.path, request.body) == ("POST", "/wsman", b"<a/>")
    assert request.headers == {
        "host": "[::1]:5985",
        "connection": "Keep-Alive",
        "authorization": "Negotiate abc",
        "content-type": "text/xml",
        "content-length": "4",
    }


def test_an_answer_of_the_simulated_host_is_read() -> None:
    """What the rehearsal's servers write is a response."""
    (found,) = responses(Answer(401, b"x", {"WWW-Authenticate": ("Negotiate", "Basic")}).to_bytes(keeps_alive=False))
    assert (found.status, found.body, found.hangs_up) == (401, b"x", True)
