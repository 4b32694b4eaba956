"""The initiating side of NTLM, against the acceptor of pyspnego and that of the simulated hosts."""

from pathlib import Path

import pytest
import spnego
from hypothesis import given
from hypothesis import strategies as st

from unloop.channels.ntlm.capitals import capitals
from unloop.channels.ntlm.initiator import NEGOTIATE, Initiator, NtlmAccount
from unloop.errors import ChannelError
from unloop.rehearsal.ntlm import Acceptor, Account, LogonFailed, channel_bindings
from unloop.secrets.secret import Credential, Secret

PASSWORD = "canary-Passw0rd-é"


def credential(username: str, password: str = PASSWORD) -> Credential:
    """A credential of that name."""
    return Credential("c", username, Secret(password), account="a")


def initiator(username: str = "Administrator", password: str = PASSWORD, **more: bytes) -> Initiator:
    """One log-on of that account."""
    return Initiator(NtlmAccount.of(credential(username, password)), **more)  # type: ignore[arg-type]


@pytest.fixture
def known_to_pyspnego(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The account in the file from which pyspnego's acceptor takes its passwords."""
    file = tmp_path / "accounts"
    file.write_text(f"CORP:Administrator:{PASSWORD}\n:Administrator:{PASSWORD}\n", encoding="utf-8")
    monkeypatch.setenv("NTLM_USER_FILE", str(file))


@pytest.mark.usefixtures("known_to_pyspnego")
@pytest.mark.parametrize("username", ["CORP\\Administrator", "corp\\ADMINISTRATOR"])
def test_a_foreign_acceptor_is_satisfied_and_reads_what_is_sealed(username: str) -> None:
    """pyspnego proves the account, agrees on the key, and both directions of sealing work."""
    host = spnego.server(protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)
    ours = initiator(username)
    host.step(ours.authenticate(host.step(NEGOTIATE) or b""))
    sealer = ours.sealer()

    assert host.complete
    for size in (1, 100, 70_000):
        signature, sealed = sealer.seal(b"q" * size)
        assert host.unwrap_winrm(signature, sealed) == b"q" * size
        wrapped = host.wrap_winrm(b"a" * size)
        assert sealer.unseal(wrapped.header, wrapped.data) == b"a" * size


@pytest.mark.usefixtures("known_to_pyspnego")
def test_a_wrong_password_is_refused_by_a_foreign_acceptor() -> None:
    """What proves nothing is not taken."""
    host = spnego.server(protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)
    challenge = host.step(NEGOTIATE) or b""
    with pytest.raises(spnego.exceptions.SpnegoError):
        host.step(initiator("CORP\\Administrator", "wrong").authenticate(challenge))


@pytest.mark.parametrize(
    ("username", "domain", "name"),
    [
        ("Administrator", "", "Administrator"),
        (".\\admin", "", "admin"),
        ("CORP\\x", "CORP", "x"),
        ("x@c.d", "", "x@c.d"),
    ],
)
def test_an_account_is_told_by_its_name(username: str, domain: str, name: str) -> None:
    """A dot means the host itself; a name with a realm goes as it is."""
    account = NtlmAccount.of(credential(username))

    assert (account.domain, account.username) == (domain, name)


@pytest.mark.parametrize(
    ("name", "large"),
    [
        ("straße", "STRAßE"),
        ("Jürgen", "JÜRGEN"),
        ("ŉǰΐ", "ŉǰΐ"),
        ("ﬁx", "ﬁX"),
        ("я", "Я"),
        ("\U00010428", "\U00010428"),
    ],
)
def test_a_name_is_hashed_in_capitals_letter_by_letter(name: str, large: str) -> None:
    """What becomes two letters, or is beyond 16 bits, stays: each unit of UTF-16 is taken for itself."""
    assert capitals(name) == large
    assert NtlmAccount.of(credential(name)).key == NtlmAccount.of(credential(large)).key


def test_the_bindings_of_another_connection_are_refused() -> None:
    """A log-on that is bound to one TLS connection is of no use on another."""
    ours, theirs = channel_bindings(b"1" * 32), channel_bindings(b"2" * 32)
    for sent, expected in ((ours, ours), (ours, theirs)):
        host = Acceptor(Account.of("Administrator", PASSWORD), "ws-1", expected)
        token = initiator(bindings=sent).authenticate(host.step(NEGOTIATE))
        if sent == expected:
            host.step(token)
            assert host.is_complete
        else:
            with pytest.raises(LogonFailed):
                host.step(token)


def test_the_password_shows_nowhere() -> None:
    """Neither the account nor the initiator prints what it holds."""
    account = NtlmAccount.of(credential("x"))

    assert account.key.hex() not in repr(account)
    assert repr(account.key) not in repr(account)


@given(st.binary(max_size=300))
def test_garbage_is_an_error_of_ours(garbage: bytes) -> None:
    """Whatever comes instead of a challenge ends in one error, never in another exception."""
    for challenge in (garbage, b"NTLMSSP\0\x02\0\0\0" + garbage):
        try:
            initiator().authenticate(challenge)
        except ChannelError:
            continue


def test_every_log_on_has_a_key_of_its_own() -> None:
    """Two log-ons of one account share nothing."""
    keys = set()
    for _ in range(2):
        host = Acceptor(Account.of("Administrator", PASSWORD), "ws-1")
        ours = initiator()
        host.step(ours.authenticate(host.step(NEGOTIATE)))
        assert host.session_key == ours.session_key
        keys.add(ours.session_key)

    assert len(keys) == 2
