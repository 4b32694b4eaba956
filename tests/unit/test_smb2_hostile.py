"""Hosts that lie, garble and hang up: every exchange ends in a report or an error of ours, and nothing grows for ever."""

import struct
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smb2_peer import Landed, Peer, exact, exchange, guarded, hold, names, plain, quarantined, tree
from unloop.channels import spnego
from unloop.channels.ntlm.initiator import NtlmAccount
from unloop.channels.strike.authenticator import NtlmAuthenticator
from unloop.channels.strike.smb2 import answers
from unloop.channels.strike.smb2.logon import Logon
from unloop.channels.strike.smb2.negotiate import DIALECTS, Offer, choice
from unloop.channels.strike.smb2.wire import (
    FROM_SERVER,
    HEADER,
    LONGEST_FRAME,
    SIGNED,
    Answer,
    Command,
    DirectTcp,
    answers_in,
    framed,
)
from unloop.errors import Changed, ChannelError, ConnectionLost, ProtocolError, Unsupported
from unloop.model.order import Order
from unloop.model.report import Verdict
from unloop.secrets.secret import Credential, Secret

BAD = "C-00000291-1.sys"
WANTED = (exact(BAD), guarded(header=True))
ACCOUNT = NtlmAccount.of(Credential("c", "u", Secret("p"), "a"))


def answer(body: bytes, *, status: int = 0, command: int = 0) -> Answer:
    """An answer with this body."""
    head = HEADER.pack(b"\xfeSMB", 64, 0, status, command, 1, FROM_SERVER, 0, 0, 0, 0, 0, bytes(16))
    return next(answers_in(head + body))


def outcome(wanted: Order, peer: Peer, *, pipelines: bool) -> Landed | ChannelError:
    """What a strike comes to; any other exception fails the test."""
    try:
        return hold(exchange(wanted, pipelines=pipelines), peer)
    except ChannelError as error:
        return error


@settings(deadline=None, max_examples=150)
@given(
    number=st.integers(0, 20),
    mutation=st.sampled_from(["flip", "cut", "grow", "twice", "swallow", "garbage"]),
    place=st.integers(0, 400),
    bit=st.integers(0, 7),
    wanted=st.sampled_from(WANTED),
    pipelines=st.booleans(),
)
def test_whatever_happens_to_one_answer_the_exchange_ends(
    number: int, mutation: str, place: int, bit: int, wanted: Order, pipelines: bool
) -> None:
    """A changed bit, a cut, doubled, lost or foreign answer never lets a lie through, nor hangs, nor leaks another error."""
    seen = 0

    def edit(peer: Peer, answer: Answer) -> list[bytes]:
        nonlocal seen
        frame = peer.signed(answer.message)
        seen += 1
        if seen - 1 != number:
            return [frame]
        at = place % len(frame)
        changed = {
            "flip": [frame[:at] + bytes((frame[at] ^ (1 << bit),)) + frame[at + 1 :]],
            "cut": [frame[:at]],
            "grow": [frame + bytes(place)],
            "twice": [frame, frame],
            "swallow": [],
            "garbage": [bytes(range(256))[:place]],
        }
        return changed[mutation]

    peer = Peer(tree(BAD), edit)
    result = outcome(wanted, peer, pipelines=pipelines)
    if isinstance(result, ChannelError):
        assert str(result)
    else:
        assert result[0].verdict is Verdict.LANDED
        assert len(quarantined(peer.files)) == 1


@pytest.mark.parametrize("pipelines", [False, True])
@pytest.mark.parametrize("wanted", WANTED)
def test_a_host_that_hangs_up_at_any_point(wanted: Order, pipelines: bool) -> None:
    """The connection may end before any answer; what is said of it is never that a file moved which did not."""
    for last in range(24):
        answered = 0

        def edit(peer: Peer, answer: Answer, last: int = last) -> list[bytes]:
            nonlocal answered
            answered += 1
            return plain(peer, answer) if answered <= last else []

        peer = Peer(tree(BAD), edit)
        result = outcome(wanted, peer, pipelines=pipelines)
        if isinstance(result, Unsupported):
            assert (pipelines, names(peer.files)) == (True, [BAD])
        elif isinstance(result, ChannelError):
            assert isinstance(result, ConnectionLost)
        else:
            assert (result[0].verdict, names(peer.files)) == (Verdict.LANDED, [])


def unsigned(peer: Peer, answer: Answer) -> bytes:
    """An answer without its signature."""
    flags = struct.unpack_from("<I", answer.message, 16)[0] & ~SIGNED
    return peer.signed(answer.message[:16] + struct.pack("<I", flags) + answer.message[20:])


@pytest.mark.parametrize("command", [Command.TREE_CONNECT, Command.CREATE, Command.QUERY_DIRECTORY, Command.READ])
def test_an_answer_that_nobody_signed_is_not_believed(command: Command) -> None:
    """Without a signature anybody may have sent it: neither a success nor a failure counts."""

    def success(peer: Peer, answer: Answer) -> list[bytes]:
        return [unsigned(peer, answer)] if answer.command == command else plain(peer, answer)

    def failure(peer: Peer, answer: Answer) -> list[bytes]:
        if answer.command != command:
            return plain(peer, answer)
        (refused,) = answers_in(peer.refusal(answer, 0xC0000034))
        return [unsigned(peer, refused)]

    for edit in (success, failure):
        peer = Peer(tree(BAD), edit)
        assert isinstance(outcome(WANTED[1], peer, pipelines=False), ProtocolError)
        assert names(peer.files) == [BAD]


def test_a_host_that_does_not_sign_the_log_on_is_left_to_the_library() -> None:
    """Nothing was sent that changes anything."""

    def edit(peer: Peer, answer: Answer) -> list[bytes]:
        is_last = answer.command == Command.SESSION_SETUP and not answer.status
        return [unsigned(peer, answer)] if is_last else plain(peer, answer)

    peer = Peer(tree(BAD), edit)
    assert isinstance(outcome(WANTED[0], peer, pipelines=False), Unsupported)
    assert names(peer.files) == [BAD]


def test_a_refusal_of_what_ran_ahead_changes_nothing() -> None:
    """A host that answers what it has not let in yet without a signature has refused: the caller repeats it slowly."""

    def edit(peer: Peer, answer: Answer) -> list[bytes]:
        if answer.command in {Command.NEGOTIATE, Command.SESSION_SETUP}:
            return plain(peer, answer)
        (refused,) = answers_in(peer.refusal(answer, 0xC0000203))
        return [unsigned(peer, refused)]

    for wanted in WANTED:
        assert isinstance(outcome(wanted, Peer(tree(BAD), edit), pipelines=True), Unsupported)


def test_a_move_that_was_answered_is_never_called_undone() -> None:
    """When only what follows it comes without a signature, the host may have changed, and the error says so."""

    def edit(peer: Peer, answer: Answer) -> list[bytes]:
        if answer.command != Command.FLUSH:
            return plain(peer, answer)
        (refused,) = answers_in(peer.refusal(answer, 0xC0000203))
        return [unsigned(peer, refused)]

    for pipelines in (False, True):
        peer = Peer(tree(BAD), edit)
        found = outcome(WANTED[0], peer, pipelines=pipelines)
        assert isinstance(found, ChannelError)
        assert (found.changed, names(peer.files)) == (Changed.MAYBE, [])


def test_answers_to_nothing_are_an_error() -> None:
    """Another number, another command, or a second interim answer."""

    def other_number(peer: Peer, answer: Answer) -> list[bytes]:
        return [peer.signed(answer.message[:24] + struct.pack("<Q", answer.message_id + 100) + answer.message[32:])]

    def other_command(peer: Peer, answer: Answer) -> list[bytes]:
        return [peer.signed(answer.message[:12] + struct.pack("<H", Command.ECHO) + answer.message[14:])]

    def pending_for_ever(peer: Peer, answer: Answer) -> list[bytes]:
        fields = list(HEADER.unpack_from(answer.message))
        fields[3], fields[6] = 0x103, FROM_SERVER | 2
        return [HEADER.pack(*fields) + bytes(9)] * 2

    for edit in (other_number, other_command, pending_for_ever):
        assert isinstance(outcome(WANTED[0], Peer(tree(BAD), edit), pipelines=False), ProtocolError)


def test_an_endless_listing_ends() -> None:
    """A host that never says that a listing is over is stopped at a number of entries."""

    def edit(peer: Peer, answer: Answer) -> list[bytes]:
        if answer.command != Command.QUERY_DIRECTORY:
            return plain(peer, answer)
        entry = struct.pack("<IIQQQQQQII", 72, 0, *[0] * 6, 0, 2) + b"a\0" + bytes(6)
        page = entry * 900
        page = page[:-72] + struct.pack("<I", 0) + page[-68:]
        head = answer.message[:8] + bytes(4) + answer.message[12:64]
        return [peer.signed(head + struct.pack("<HHI", 9, 72, len(page)) + page)]

    found = outcome(guarded(), Peer(tree(BAD), edit), pipelines=False)
    assert isinstance(found, ProtocolError)
    assert "entries" in found.message


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_frames_are_cut_however_they_arrive(chunks: list[bytes]) -> None:
    """Bytes of any kind make messages, or one error; what is kept is never more than came."""
    framer = DirectTcp(longest=64)
    try:
        for chunk in chunks:
            framer.feed(chunk)
            while (message := framer.next()) is not None:
                assert len(message) <= 60
    except ProtocolError:
        return


@pytest.mark.parametrize("length", [LONGEST_FRAME, 0xFFFFFF])
def test_an_absurd_length_is_an_error_before_anything_is_kept(length: int) -> None:
    """The length alone is enough to refuse it."""
    framer = DirectTcp()
    framer.feed(length.to_bytes(4, "big"))
    with pytest.raises(ProtocolError):
        framer.next()


def test_frames_come_apart_and_keep_alives_are_passed_over() -> None:
    """Two messages in pieces, with a keep-alive between them."""
    one, two = b"\xfeSMB-one", b"\xfdSMB-two"
    stream = framed(one) + b"\x85\0\0\0" + framed(two)
    framer, found = DirectTcp(), []
    for place in range(len(stream)):
        framer.feed(stream[place : place + 1])
        if (message := framer.next()) is not None:
            found.append(message)
    assert found == [one, two]


PARSERS: tuple[Callable[[Answer], object], ...] = (
    answers.tree,
    answers.opened,
    answers.data_read,
    answers.controlled,
    answers.listed,
    answers.written,
    lambda found: choice(found, Offer.of(DIALECTS)),
    lambda found: Logon(NtlmAuthenticator(ACCOUNT)).following(found),
)


@settings(max_examples=300)
@given(st.binary(max_size=200), st.sampled_from([0, 0xC0000016]))
def test_every_parser_stands_garbage(body: bytes, status: int) -> None:
    """Whatever an answer holds, reading it gives a value or an error of ours."""
    for parse in PARSERS:
        for prefix in (b"", struct.pack("<HHHH", 65, 3, 0x311, 3), struct.pack("<HHI", 9, 72, 64)):
            try:
                parse(answer(prefix + body, status=status))
            except ChannelError:
                continue


@given(st.binary(max_size=300))
def test_compounds_that_do_not_fit_are_an_error(data: bytes) -> None:
    """Headers with any lengths in them end."""
    for frame in (data, b"\xfeSMB" + data, answer(b"").message[:20] + data):
        try:
            assert len(list(answers_in(frame))) <= len(frame) // 64
        except ProtocolError:
            continue


@given(st.binary(max_size=120))
def test_garbled_log_on_tokens_are_an_error(token: bytes) -> None:
    """SPNEGO of any kind is read or refused."""
    for message in (token, b"\xa1" + token, spnego.response(token, token), b"\xa1\x84" + token):
        try:
            spnego.reply(message)
        except ProtocolError:
            continue
