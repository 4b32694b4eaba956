"""The accepting side of NTLM, against the examples of [MS-NLMP] and against pyspnego."""

import hashlib
import struct

import pytest
import spnego
from hypothesis import given
from hypothesis import strategies as st
from spnego.channel_bindings import GssChannelBindings

from unloop.channels.ntlm.seal import BadSignature, Sealer, can_seal
from unloop.rehearsal.ntlm import Acceptor, Account, LogonFailed, channel_bindings
from unloop.rehearsal.spnego import Negotiation

ACCOUNT = Account.of("Administrator", "right")
EXAMPLE_FLAGS = 0xE28A8233
EXAMPLE_KEY = b"\x55" * 16
HASH = hashlib.sha256(b"certificate").digest()


def logged_on(
    protocol: str, *, is_right: bool = True, bindings: bytes = b"", sent: bytes | None = None
) -> tuple[spnego.ContextProxy, Negotiation]:
    """A log-on by pyspnego, carried to its end; raises LogonFailed."""
    binding = None if sent is None else GssChannelBindings(application_data=b"tls-server-end-point:" + sent)
    password = "right" if is_right else "wrong"
    client = spnego.client("Administrator", password, protocol=protocol, channel_bindings=binding)
    accepted = Negotiation(Acceptor(ACCOUNT, "ws-1", bindings))
    token = client.step()
    while token is not None and not (accepted.acceptor.is_complete and client.complete):
        token = client.step(accepted.step(token) or None)
    return client, accepted


def test_sealing_is_that_of_the_example() -> None:
    """A message sealed as in [MS-NLMP] 4.2.4.4 has the signature and the bytes that stand there."""
    signature, sealed = Sealer(EXAMPLE_KEY, EXAMPLE_FLAGS, is_client=True).seal("Plaintext".encode("utf-16-le"))
    assert sealed.hex() == "54e50165bf1936dc996020c1811b0f06fb5f"
    assert signature.hex() == "010000007fb38ec5c55d497600000000"


def test_the_other_side_unseals_the_example() -> None:
    """The accepting side reads the message of [MS-NLMP] 4.2.4.4."""
    sealed = bytes.fromhex("54e50165bf1936dc996020c1811b0f06fb5f")
    signature = bytes.fromhex("010000007fb38ec5c55d497600000000")
    assert Sealer(EXAMPLE_KEY, EXAMPLE_FLAGS).unseal(signature, sealed) == "Plaintext".encode("utf-16-le")


@pytest.mark.parametrize("protocol", ["ntlm", "negotiate"])
def test_many_messages_go_both_ways(protocol: str) -> None:
    """Numbers and streams stay in step with pyspnego over several messages of any size, bare and in SPNEGO."""
    client, accepted = logged_on(protocol)
    sealer = accepted.sealer()
    for size in (0, 1, 100, 70_000, 3):
        wrapped = client.wrap_winrm(b"q" * size)
        assert sealer.unseal(wrapped.header, wrapped.data) == b"q" * size
        assert client.unwrap_winrm(*sealer.seal(b"a" * size)) == b"a" * size


def test_changed_or_repeated_messages_are_bad() -> None:
    """A changed byte, and a message that comes twice, don't pass."""
    client, accepted = logged_on("ntlm")
    wrapped = client.wrap_winrm(b"order")
    with pytest.raises(BadSignature):
        accepted.sealer().unseal(wrapped.header, b"\0" + wrapped.data[1:])
    sealer = accepted.sealer()
    sealer.unseal(wrapped.header, wrapped.data)
    with pytest.raises(BadSignature):
        sealer.unseal(wrapped.header, wrapped.data)


@pytest.mark.parametrize(
    ("expected", "sent", "passes"),
    [
        (b"", None, True),
        (b"", HASH, True),
        (channel_bindings(HASH), None, True),
        (channel_bindings(HASH), HASH, True),
        (channel_bindings(HASH), bytes(32), False),
    ],
)
def test_bindings_that_are_sent_must_agree(expected: bytes, sent: bytes | None, passes: bool) -> None:
    """A log-on that came through another TLS connection is refused; one that says nothing of TLS is not."""
    if passes:
        assert logged_on("ntlm", bindings=expected, sent=sent)[1].acceptor.is_complete
        return
    with pytest.raises(LogonFailed) as caught:
        logged_on("ntlm", bindings=expected, sent=sent)
    assert caught.value.account == "Administrator"


@pytest.mark.parametrize("protocol", ["ntlm", "negotiate"])
def test_a_refused_proof_names_its_account(protocol: str) -> None:
    """Who counts refused log-ons learns whose they were; a token without a proof names nobody."""
    with pytest.raises(LogonFailed) as caught:
        logged_on(protocol, is_right=False)
    assert caught.value.account == "Administrator"
    with pytest.raises(LogonFailed) as caught:
        Negotiation(Acceptor(ACCOUNT, "ws-1")).step(b"NTLMSSP\0\3\0\0\0")
    assert caught.value.account == ""


def test_a_client_without_unicode_gets_names_of_single_bytes() -> None:
    """Who asks for OEM characters is challenged in them, and one who wants neither kind is refused."""
    challenge = Acceptor(ACCOUNT, "ws-1").step(b"NTLMSSP\0" + struct.pack("<II", 1, 0x8202))
    length, _, place, flags = struct.unpack_from("<HHII", challenge, 12)
    assert (challenge[place : place + length], flags & 3) == (b"WS-1", 2)
    with pytest.raises(LogonFailed):
        Acceptor(ACCOUNT, "ws-1").step(b"NTLMSSP\0" + struct.pack("<II", 1, 0x8200))


@pytest.mark.parametrize(
    ("flags", "expected"),
    [(0x60080020, True), (0x80020, False), (0x60000020, False), (0x60080000, False), (0x20080020, False)],
)
def test_sealing_wants_its_whole_strength(flags: int, expected: bool) -> None:
    """Without sealing, with the session security of the nineties, or with a key that was made short, nothing is sealed."""
    assert can_seal(flags) is expected


@given(
    st.binary(max_size=200), st.sampled_from([b"", b"NTLMSSP\0\1\0\0\0", b"NTLMSSP\0\3\0\0\0", b"\x60\x40", b"\xa1"])
)
def test_tokens_of_any_kind_are_stood(data: bytes, head: bytes) -> None:
    """Garbage is an answer or a failed log-on, before and after a challenge."""
    for accepted in (Negotiation(Acceptor(ACCOUNT, "ws-1")), logged_on("ntlm")[1]):
        try:
            assert isinstance(accepted.step(head + data), bytes)
        except LogonFailed:
            continue
