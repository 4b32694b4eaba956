"""The service control protocol without a wire: what answers mean, and what broken ones are."""

import struct

import pytest

from unloop.channels import svcctl
from unloop.errors import AccessDenied, ChannelError, NotFound, ProtocolError, Unsupported


def answer(kind: int, body: bytes, *, flags: int = 3) -> bytes:
    """A PDU as a host would send it."""
    return svcctl.HEADER.pack(5, 0, kind, flags, 0x10, svcctl.HEADER.size + len(body), 0, 1) + body


def bound(result: int, address: bytes = b"\\PIPE\\svcctl\0") -> bytes:
    """An answer to a bind with one result."""
    head = struct.pack("<HHIH", 4280, 4280, 1, len(address)) + address
    head += bytes(-len(head) % 4)
    return answer(svcctl.Kind.BIND_ACK, head + struct.pack("<BxxxHH", 1, result, result) + svcctl.NDR)


@pytest.mark.parametrize("address", [b"", b"\0", b"\\PIPE\\svcctl\0", b"\\PIPE\\ntsvcs\0\0"])
def test_a_bind_is_read_whatever_the_length_of_the_address(address: bytes) -> None:
    """The result of a bind stands after an address of any length."""
    svcctl.check_bound(bound(0, address))
    with pytest.raises(Unsupported):
        svcctl.check_bound(bound(2, address))


@pytest.mark.parametrize(
    ("code", "error"),
    [(5, AccessDenied), (1060, NotFound), (1084, Unsupported), (1072, ProtocolError), (1053, ProtocolError)],
)
def test_a_win32_error_is_one_of_ours(code: int, error: type[ChannelError]) -> None:
    """A refused call raises what its Win32 error means, with the number in the text."""
    with pytest.raises(error, match=str(code)):
        svcctl.check(struct.pack("<I", code), "start")


def test_a_start_that_timed_out_is_accepted_where_asked() -> None:
    """A program that is no service answers the start with 1053, which counts as started."""
    svcctl.check(struct.pack("<I", 1053), "start", svcctl.ERROR_SERVICE_REQUEST_TIMEOUT)


def test_a_handle_follows_the_tag_in_the_answer_to_a_creation() -> None:
    """The handle of a new service stands after the tag pointer."""
    handle = bytes(range(1, 21))
    assert svcctl.handle_in(bytes(4) + handle + bytes(4), "create", offset=4) == handle


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        answer(svcctl.Kind.RESPONSE, b"", flags=1),
        answer(svcctl.Kind.BIND_ACK, b"\0\0"),
        answer(svcctl.Kind.RESPONSE, bytes(8))[:-1],
    ],
)
def test_a_broken_answer_is_a_protocol_error(broken: bytes) -> None:
    """Bytes that are no answer are a ProtocolError, never an error of struct's."""
    with pytest.raises(ProtocolError):
        svcctl.check_bound(broken)
    with pytest.raises(ProtocolError):
        svcctl.check(svcctl.response(broken), "call")


@pytest.mark.parametrize(
    ("status", "error"), [(5, AccessDenied), (0x1C010002, Unsupported), (0x1C010003, ProtocolError)]
)
def test_a_fault_is_one_of_ours(status: int, error: type[ChannelError]) -> None:
    """A fault says that the host denied the call, does not offer it, or did not understand it."""
    with pytest.raises(error):
        svcctl.response(answer(svcctl.Kind.FAULT, struct.pack("<IHBxII", 0, 0, 0, status, 0)))


def test_text_is_padded_to_four_bytes() -> None:
    """A string has its three counts, its terminator, and padding."""
    assert svcctl.text("ab") == struct.pack("<III", 3, 0, 3) + b"a\0b\0\0\0\0\0"
