"""Sealed bodies as our WinRM client makes and reads them, against pypsrp's framing and that of the simulated hosts."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypsrp.encryption import WinRMEncryption

from unloop.channels.strike.wsman import sealed
from unloop.channels.strike.wsman.authenticator import Ntlm
from unloop.errors import ProtocolError
from unloop.rehearsal.winrm import multipart
from winrm_client import Turning
from wsman_host import ntlm_of

SIGNATURE = b"0123456789abcdef"


def seal(message: bytes) -> tuple[bytes, bytes]:
    """A toy that turns messages round."""
    return SIGNATURE, message[::-1]


def unseal(signature: bytes, data: bytes) -> bytes:
    """Its reverse."""
    if signature != SIGNATURE:
        raise ProtocolError("wrong seal")
    return data[::-1]


@given(st.binary(max_size=300).map(lambda data: data.replace(b"-", b"+")))
def test_a_foreign_client_s_framing_agrees_in_both_directions(message: bytes) -> None:
    """pypsrp reads what we wrap, and we read what it wraps."""
    theirs = WinRMEncryption(Turning(), sealed.SPNEGO)
    assert sealed.unwrap(theirs.wrap_message(message)[1], unseal) == message
    assert theirs.unwrap_message(sealed.wrap(message, seal, sealed.SPNEGO), "Encrypted Boundary") == message


@given(st.binary(max_size=30), st.binary(max_size=30))
def test_what_looks_like_the_framing_is_no_framing(before: bytes, after: bytes) -> None:
    """Only the lengths say where a part ends."""
    message = before + b"--Encrypted Boundary--\r\n"[::-1] + after
    assert sealed.unwrap(sealed.wrap(message, seal, sealed.SPNEGO), unseal) == message


@given(st.binary(max_size=300))
def test_the_simulated_host_agrees_in_both_directions(message: bytes) -> None:
    """What one side of ours wraps, the other reads."""
    assert multipart.unwrap(sealed.wrap(message, seal, sealed.SPNEGO), unseal) == message
    assert sealed.unwrap(multipart.wrap(message, seal), unseal) == message
    assert multipart.is_sealed(sealed.content_type(sealed.SPNEGO))
    assert sealed.is_sealed(multipart.CONTENT_TYPE)


def test_what_servers_do_otherwise_is_read() -> None:
    """Several parts, a blank before the boundary's name (Exchange), no tabs and an empty line at the end (OMI)."""
    one = multipart.wrap(b"first", seal).removesuffix(b"--Encrypted Boundary--\r\n")
    assert sealed.unwrap(one + multipart.wrap(b"second", seal), unseal) == b"firstsecond"
    whole = multipart.wrap(b"first", seal)
    for other in (whole.replace(b"--Encrypted", b"-- Encrypted"), whole.replace(b"\t", b""), whole + b"\r\n"):
        assert sealed.unwrap(other, unseal) == b"first"


@pytest.mark.parametrize(
    "change",
    [
        lambda body: b"",
        lambda body: b"--Encrypted Boundary--\r\n",
        lambda body: body[:-30],
        lambda body: body + b"more",
        lambda body: body.replace(b"UTF-8", b"UTF-16"),
        lambda body: body.replace(b"Length=5", b"Length=4"),
        lambda body: body.replace(b"Length=5", b"Length=999999999"),
        lambda body: body.replace(b"Length=5", b"Length=-5"),
        lambda body: body.replace(struct.pack("<I", 16), struct.pack("<I", 0xFFFFFFFF)),
        lambda body: body.replace(struct.pack("<I", 16), struct.pack("<I", 17)),
        lambda body: body.replace(SIGNATURE, SIGNATURE[::-1]),
    ],
)
def test_a_body_that_does_not_fit_is_an_error(change: object) -> None:
    """Cut short, with other lengths, another encoding or another seal: one error, and nothing is taken of it."""
    with pytest.raises(ProtocolError):
        sealed.unwrap(change(multipart.wrap(b"hello", seal)), unseal)  # type: ignore[operator]


@given(st.binary(max_size=300), st.integers(0, 400), st.binary(max_size=5))
@settings(max_examples=300)
def test_garbage_is_an_error_of_ours(message: bytes, place: int, change: bytes) -> None:
    """Whatever is done to a body, it is the message, or one error."""
    body = multipart.wrap(message, seal)
    for garbled in (message, body[:place] + change + body[place + len(change) :], body[:place], body + message):
        try:
            sealed.unwrap(garbled, unseal)
        except ProtocolError:
            continue


def test_a_log_on_without_a_key_seals_nothing() -> None:
    """Before the challenge was answered there is no key, and that is an error of ours too."""
    proof: Ntlm = ntlm_of()
    assert not proof.can_seal()
    with pytest.raises(ProtocolError):
        proof.seal(b"x")
