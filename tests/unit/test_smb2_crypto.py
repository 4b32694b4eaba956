"""Keys, signatures and seals of SMB2 sessions, against messages that Windows hosts really exchanged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smb2_vectors import (
    READ_ANSWER,
    SEALED_KEY,
    SEALED_SESSION,
    SEALED_SIGNING,
    WALK,
    WRITE_REQUEST,
    Pair,
)
from unloop.channels.strike.smb2.answers import data_read
from unloop.channels.strike.smb2.crypto import (
    DIALECT_21,
    DIALECT_30,
    DIALECT_311,
    BadSeal,
    Cipher,
    Keys,
    Shield,
    Signing,
    keys_for,
    preauth_hash,
    session_of,
)
from unloop.channels.strike.smb2.wire import SIGNED, answers_in

OLD = keys_for(SEALED_KEY, DIALECT_30, preauth=b"", algorithm=Signing.AES_CMAC, cipher=Cipher.AES_128_CCM)
MESSAGE = WALK.messages[0]


def keys(algorithm: Signing = Signing.AES_GMAC, cipher: Cipher = Cipher.AES_128_GCM) -> Keys:
    """Keys of a 3.1.1 session."""
    return keys_for(bytes(range(32)), DIALECT_311, preauth=bytes(64), algorithm=algorithm, cipher=cipher)


def test_the_hash_over_negotiation_and_log_on_is_windows_own() -> None:
    """After each message of a published log-on the hash is the published one."""
    hashes, value = [], bytes(64)
    for message in WALK.messages:
        value = preauth_hash(value, message)
        hashes.append(value)
    assert tuple(hashes) == WALK.hashes


def test_the_keys_of_3_1_1_are_windows_own() -> None:
    """Signing and both sealing keys come out as published."""
    found = keys_for(
        WALK.session_key,
        DIALECT_311,
        preauth=WALK.hashes[-1],
        algorithm=Signing.AES_CMAC,
        cipher=Cipher.AES_128_GCM,
    )
    assert (found.signing, found.to_server, found.to_client) == (WALK.signing, WALK.to_server, WALK.to_client)


def test_the_keys_of_3_0_are_windows_own() -> None:
    """Another label, no hash; the published keys."""
    assert (OLD.signing, OLD.to_server) == (SEALED_SIGNING, bytes.fromhex("261B72350558F2E9DCF613070383EDBF"))
    assert OLD.to_client == bytes.fromhex("8FE2B57EC34D2DB5B1A9727F526BBDB5")


def test_the_signature_under_a_windows_log_on_is_right() -> None:
    """The last answer of the published log-on is genuine, and with one bit changed it is not."""
    shield = Shield(Keys(WALK.signing, Signing.AES_CMAC), is_client=True)
    assert shield.is_genuine(WALK.last)
    assert not shield.is_genuine(WALK.last[:-1] + b"\x01")


@pytest.mark.parametrize(("pair", "is_client"), [(WRITE_REQUEST, False), (READ_ANSWER, True)])
def test_what_windows_sealed_is_unsealed(pair: Pair, is_client: bool) -> None:
    """Both directions of a published exchange open, and not with a byte changed."""
    shield = Shield(OLD, is_client=is_client)
    assert shield.unseal(pair.sealed) == pair.plain
    assert session_of(pair.sealed) == SEALED_SESSION
    with pytest.raises(BadSeal):
        shield.unseal(pair.sealed[:-1] + bytes((pair.sealed[-1] ^ 1,)))


def test_a_windows_answer_to_read_is_read() -> None:
    """The data of the published READ."""
    (answer,) = answers_in(READ_ANSWER.plain)
    assert data_read(answer) == b"Smb3 encryption testing"


@pytest.mark.parametrize("algorithm", Signing)
def test_a_signature_is_made_and_checked_by_either_side(algorithm: Signing) -> None:
    """What one side signs the other takes; the flag is part of what is signed."""
    ours, theirs = (Shield(keys(algorithm), is_client=side) for side in (True, False))
    signed = ours.sign(MESSAGE)
    assert theirs.is_genuine(signed)
    assert signed[16] & SIGNED
    assert not theirs.is_genuine(signed[:16] + bytes((signed[16] ^ SIGNED,)) + signed[17:])


@pytest.mark.parametrize("cipher", Cipher)
def test_a_seal_is_made_and_opened_by_the_other_side_alone(cipher: Cipher) -> None:
    """Each direction has its key, and no two messages the same nonce."""
    ours, theirs = (Shield(keys(cipher=cipher), is_client=side) for side in (True, False))
    first, second = ours.seal(7, MESSAGE), ours.seal(7, MESSAGE)
    assert first != second
    assert [theirs.unseal(first), theirs.unseal(second)] == [MESSAGE, MESSAGE]
    with pytest.raises(BadSeal):
        ours.unseal(first)


def test_old_sessions_sign_with_the_session_key_itself() -> None:
    """SMB 2.1 has no derivation, no cipher, and HMAC."""
    found = keys_for(SEALED_KEY, DIALECT_21, preauth=b"", algorithm=Signing.AES_CMAC, cipher=None)
    assert found == Keys(SEALED_KEY, Signing.HMAC_SHA256)
    assert not Shield(found, is_client=True).can_seal
    with pytest.raises(BadSeal):
        Shield(found, is_client=True).seal(1, MESSAGE)


def test_keys_do_not_show() -> None:
    """A record of keys prints none of them."""
    assert SEALED_SIGNING.hex() not in repr(OLD).lower()
    assert repr(SEALED_SIGNING) not in repr(OLD)


@given(st.binary(max_size=200))
def test_garbage_is_never_unsealed(garbage: bytes) -> None:
    """Whatever comes sealed with no key of ours is a bad seal."""
    shield = Shield(OLD, is_client=True)
    for sealed in (garbage, b"\xfdSMB" + garbage, READ_ANSWER.sealed[: len(garbage)]):
        with pytest.raises(BadSeal):
            shield.unseal(sealed)
