"""The simulated SMB server without a socket: log-on, compounds, signatures, and no garbage that it can't stand."""

import random
import struct
from datetime import UTC, datetime

import pytest
import spnego
from hypothesis import given
from hypothesis import strategies as st

from unloop.channels.ntlm.md4 import md4
from unloop.channels.strike.smb2.wire import RELATED, Command, framed
from unloop.rehearsal.filetree import FileTree
from unloop.rehearsal.ntlm import Acceptor, Account, LogonFailed
from unloop.rehearsal.smb.patterns import fits
from unloop.rehearsal.smb.server import SmbServer
from unloop.rehearsal.smb.state import Host
from unloop.rehearsal.smb.status import Hangup, Status
from unloop.rehearsal.smb.wire import Header
from unloop.rehearsal.spnego import Negotiation

MOMENT = datetime(2024, 7, 19, tzinfo=UTC)
ACCOUNT = Account.of("Administrator", "right")
SAME = b"\xff" * 16


def server() -> tuple[SmbServer, FileTree]:
    """A server and its tree, with one file."""
    files = FileTree(case_sensitive=False)
    files.make_directory(("Windows",), modified=MOMENT)
    files.write(("Windows", "bad.sys"), b"bad", modified=MOMENT)
    return SmbServer(Host(files, ACCOUNT, "ws-1", bytes(16))), files


def message(command: Command, body: bytes, **more: int) -> bytes:
    """One request without its length."""
    return Header(command, more.pop("message_id", 1), **more).pack() + body


def negotiation(dialect: int = 0x210) -> bytes:
    """A NEGOTIATE for one dialect."""
    body = struct.pack("<HHHHI16sQH", 36, 1, 1, 0, 0, bytes(16), 0, dialect)
    return message(Command.NEGOTIATE, body, message_id=0)


def setup(token: bytes, session: int = 0) -> bytes:
    """A SESSION_SETUP with a token."""
    body = struct.pack("<HBBIIHHQ", 25, 0, 1, 0, 0, 88, len(token), 0) + token
    return message(Command.SESSION_SETUP, body, session_id=session)


def logged_on(found: SmbServer) -> int:
    """Log on without asking for signatures; answers the session's number."""
    found.feed(framed(negotiation()))
    client = spnego.client("Administrator", "right", protocol="ntlm")
    answer = found.feed(framed(setup(client.step() or b"")))[4:]
    session = header_of(answer).session_id
    found.feed(framed(setup(client.step(answer[72:]) or b"", session)))
    return session


def header_of(answer: bytes) -> Header:
    """The header of an answer, as a request's is read."""
    return Header.parse(answer[:16] + struct.pack("<I", 0) + answer[20:64] + answer[64:])


def statuses(answer: bytes) -> list[Status]:
    """The statuses of all answers in one frame."""
    found, rest = [], answer[4:]
    while rest:
        head = header_of(rest)
        found.append(Status(head.status))
        rest = rest[head.next_command :] if head.next_command else b""
    return found


def chained(*requests: bytes) -> bytes:
    """Requests as one compound."""
    padded = [request + bytes(-len(request) % 8) for request in requests[:-1]] + [requests[-1]]
    linked = [
        part[:20] + struct.pack("<I", len(part) if index < len(padded) - 1 else 0) + part[24:]
        for index, part in enumerate(padded)
    ]
    return framed(b"".join(linked))


def tree_connect(session: int) -> bytes:
    """A TREE_CONNECT to C$."""
    name = r"\\h\C$".encode("utf-16-le")
    return message(Command.TREE_CONNECT, struct.pack("<HHHH", 9, 0, 72, len(name)) + name, session_id=session)


def deleting_create(name: str) -> bytes:
    """A related CREATE that deletes on close."""
    raw = name.encode("utf-16-le")
    body = struct.pack("<HBBIQQIIIIIHHII", 57, 0, 0, 2, 0, 0, 0x10000, 0, 7, 1, 0x1040, 120, len(raw), 0, 0)
    return message(Command.CREATE, body + raw, flags=RELATED)


def opening_create(name: str, access: int, share: int) -> bytes:
    """A related CREATE of a file that is there."""
    raw = name.encode("utf-16-le")
    body = struct.pack("<HBBIQQIIIIIHHII", 57, 0, 0, 2, 0, 0, access, 0, share, 1, 0x40, 120, len(raw), 0, 0)
    return message(Command.CREATE, body + raw, flags=RELATED)


def related_close() -> bytes:
    """A related CLOSE of whatever was opened before."""
    return message(Command.CLOSE, struct.pack("<HHI16s", 24, 0, 0, SAME), flags=RELATED)


def test_md4_is_that_of_rfc_1320() -> None:
    """MD4 gives the digests of the RFC's test suite."""
    digests = [md4(text).hex() for text in (b"", b"abc", b"12345678901234567890" * 4)]
    assert digests == [
        "31d6cfe0d16ae931b73c59d7e0c089c0",
        "a448017aaf21d8525fc10ae87aa6729d",
        "e33b4ddc9c38f2199c3e7b164fcc0536",
    ]


@pytest.mark.parametrize(
    ("protocol", "password"), [("ntlm", "right"), ("negotiate", "right"), ("ntlm", "x"), ("negotiate", "x")]
)
def test_log_on_agrees_with_pyspnego(protocol: str, password: str) -> None:
    """Right passwords give both sides the same key, in SPNEGO and bare; wrong ones fail."""
    client = spnego.client("WORKGROUP\\administrator", password, protocol=protocol)
    accepted = Negotiation(Acceptor(ACCOUNT, "ws-1"))
    token = client.step()
    try:
        while token is not None and not (accepted.acceptor.is_complete and client.complete):
            token = client.step(accepted.step(token))
    except LogonFailed:
        assert password == "x"
        return
    assert (password, accepted.acceptor.session_key) == ("right", client.session_key)


@pytest.mark.parametrize(
    ("name", "pattern", "expected"),
    [
        ("bad.sys", "*", True),
        ("bad.sys", "BAD.*", True),
        ("bad.sys", "b?d.sys", True),
        ("bad", "bad.*", False),
        ("bad", 'bad"*', True),
        ("bad", "<", True),
        ("bad.sys", "<", False),
        ("a.b.sys", "<.sys", True),
        ("a.b.sys", "<b.sys", True),
        ("a.b.sys", "<.b", False),
        ("ab", ">>>>", True),
        ("ab.c", '>>>>"c', True),
        ("abc", ">>", False),
        ("", "*", True),
        ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "*a" * 60 + "c", False),
    ],
)
def test_patterns_are_those_of_ntfs(name: str, pattern: str, expected: bool) -> None:
    """Wildcards, the three of DOS too, choose as [MS-FSA] says."""
    assert fits(name, pattern) is expected


def test_connect_open_and_delete_in_one_compound() -> None:
    """A related compound from TREE_CONNECT to CLOSE deletes the file in one flight."""
    found, files = server()
    session = logged_on(found)
    answer = found.feed(chained(tree_connect(session), deleting_create(r"Windows\bad.sys"), related_close()))
    assert statuses(answer) == [Status.SUCCESS] * 3
    assert files.children(("Windows",)) == ()


@pytest.mark.parametrize(
    ("access", "share", "expected"),
    [
        (0x10000, 7, Status.SHARING_VIOLATION),
        (0x2, 7, Status.SHARING_VIOLATION),
        (0x1, 7, Status.SUCCESS),
        (0x1, 6, Status.SHARING_VIOLATION),
        (0x80, 0, Status.SUCCESS),
    ],
)
def test_a_held_file_can_be_read_and_no_more(access: int, share: int, expected: Status) -> None:
    """Its holder lets others read; who wants to write, to delete, or not to let the holder read, is refused."""
    found, files = server()
    files.hold([("windows", "BAD.sys")])
    session = logged_on(found)
    answer = found.feed(chained(tree_connect(session), opening_create(r"Windows\bad.sys", access, share)))
    assert (statuses(answer), files.exists(("Windows", "bad.sys"))) == ([Status.SUCCESS, expected], True)


def test_compound_fails_from_the_first_failure_on() -> None:
    """What hangs on a failed request fails by the same status."""
    found, files = server()
    session = logged_on(found)
    answer = found.feed(chained(tree_connect(session), deleting_create(r"Windows\none"), related_close()))
    assert statuses(answer) == [Status.SUCCESS, Status.OBJECT_NAME_NOT_FOUND, Status.OBJECT_NAME_NOT_FOUND]
    assert len(files.children(("Windows",))) == 1


def test_nothing_is_served_before_the_log_on() -> None:
    """Requests without a session are refused, and those without a negotiation end the connection."""
    found, _ = server()
    with pytest.raises(Hangup):
        found.feed(framed(tree_connect(0)))
    found, _ = server()
    found.feed(framed(negotiation()))
    assert statuses(found.feed(framed(tree_connect(7)))) == [Status.USER_SESSION_DELETED]


def test_wrong_signature_is_denied() -> None:
    """A request that claims to be signed, and is not, is denied and does nothing."""
    found, _ = server()
    session = logged_on(found)
    forged = message(Command.LOGOFF, struct.pack("<HH", 4, 0), session_id=session, flags=8)
    assert statuses(found.feed(framed(forged))) == [Status.ACCESS_DENIED]
    assert statuses(found.feed(framed(tree_connect(session)))) == [Status.SUCCESS]


@given(st.binary(max_size=300))
def test_garbage_ends_the_connection_at_worst(data: bytes) -> None:
    """Bytes of any kind give an answer, nothing yet, or the end of the connection."""
    for sent in (data, framed(data), framed(b"\xfeSMB" + data), framed(b"\xfdSMB" + data), framed(b"\xffSMBr" + data)):
        found, _ = server()
        try:
            assert isinstance(found.feed(sent), bytes)
        except Hangup:
            continue


@given(st.binary(max_size=200), st.sampled_from([0x202, 0x210, 0x300, 0x302]))
def test_garbled_negotiation_and_log_on_are_stood(data: bytes, dialect: int) -> None:
    """A log-on with any token, and a negotiation with any contexts, end in a status or a closed connection."""
    for sent in (setup(data), setup(b"NTLMSSP\0" + data), setup(b"NTLMSSP\0\1\0\0\0" + data), setup(b"\x60" + data)):
        found, _ = server()
        found.feed(framed(negotiation(dialect)))
        assert found.feed(framed(sent))
    found, _ = server()
    head = struct.pack("<HHHHI16sIHHHH", 36, 1, 1, 0, 0, bytes(16), 104, 2, 0, 0x311, 0)
    assert found.feed(framed(message(Command.NEGOTIATE, head + data, message_id=0)))


@given(st.binary(min_size=0, max_size=120), st.integers(0, 2**32))
def test_garbled_requests_of_a_session_are_stood(data: bytes, seed: int) -> None:
    """Every command with any body gets an answer, and the session goes on or the connection ends."""
    found, _ = server()
    session = logged_on(found)
    tree = header_of(found.feed(framed(tree_connect(session)))[4:]).tree_id
    chance = random.Random(seed)  # noqa: S311 - a test
    for command in Command:
        if command in {Command.LOGOFF, Command.TREE_DISCONNECT, Command.CANCEL}:
            continue
        mixed = bytes(chance.choice((byte, 0, 88)) for byte in data)
        try:
            opening = deleting_create("Windows").replace(struct.pack("<I", 0x1040), struct.pack("<I", 0))
            begin = message(Command.ECHO, struct.pack("<HH", 4, 0), session_id=session, tree_id=tree)
            asked = message(command, mixed, flags=RELATED)
            assert len(statuses(found.feed(chained(begin, opening, asked)))) == 3
        except Hangup:
            return
