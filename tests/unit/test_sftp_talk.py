"""Files over SFTP without a network: what lands, in how many flights, and what becomes of hosts that talk nonsense."""

import hashlib
import struct
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftp_host import EOF, VERSION, Line, SftpHost, attributes, packet, status, text
from unloop.channels import sftp
from unloop.channels.dialogue import carry_by
from unloop.channels.perform import remedy
from unloop.channels.sftp_talk import SftpTalks, Talk
from unloop.errors import AccessDenied, ChannelError, ConnectionLost, NotFound, ProtocolError, Unsupported
from unloop.model.files import Disposition, FileGuard, FileOrder
from unloop.model.order import Order
from unloop.model.report import ActionStatus, Verdict

MOMENT = datetime(2024, 7, 19, 4, 30, tzinfo=UTC)
TREE = {
    b"/": None,
    b"/etc": None,
    b"/etc/bad.conf": b"faulty" + bytes(100_000),
    b"/etc/good.conf": b"g",
    b"/etc/d": None,
}
QUARANTINE = "/var/q"
PLACE = f"{QUARANTINE}/{hashlib.sha256(b'/etc/bad.conf').hexdigest()}.q"


def host(**more: Any) -> SftpHost:
    """A host with a bad file."""
    return SftpHost(dict(TREE), **more)


def order(pattern: str, guard: FileGuard) -> Order:
    """Move files aside."""
    return Order("d", files=(FileOrder("quarantine_file", Disposition.QUARANTINE, pattern, guard, QUARANTINE),))


@pytest.mark.parametrize(
    ("pattern", "guard", "flights"),
    [
        ("/etc/bad.conf", FileGuard(), 3),
        ("/etc/bad.conf", FileGuard(modified_from=MOMENT), 3),
        ("/etc/bad*", FileGuard(modified_from=MOMENT), 4),
        ("/etc/bad*", FileGuard(header=b"faulty".hex()), 6),
    ],
)
def test_a_remedy_takes_few_flights(pattern: str, guard: FileGuard, flights: int) -> None:
    """An exact name is looked up and moved, a pattern listed in two flights, a header read in two; the last one syncs."""
    found = host()
    line = Line(found)
    report = carry_by(
        remedy(order(pattern, guard)),
        lambda asks: tuple(course.error or course.outcome() for course in line.together(*map(sftp.answered, asks))),
    )
    assert report.verdict is Verdict.LANDED
    assert found.files[PLACE.encode()] == TREE[b"/etc/bad.conf"]
    assert b"/etc/bad.conf" not in found.files
    assert line.flights == flights
    assert found.done[-2:] == [("sync", b"/var/q"), ("sync", b"/etc")]
    assert found.handles == {}


def test_what_is_no_plain_file_is_not_moved() -> None:
    """A directory with the very name stays, and so does what is neither."""
    found = host()
    report = carry_by(
        remedy(order("/etc/d", FileGuard())),
        lambda asks: tuple(course.outcome() for course in Line(found).together(*map(sftp.answered, asks))),
    )
    assert (report.actions[0].status, found.done) == (ActionStatus.NO_MATCH, [])


def test_directories_made_for_a_file_that_is_not_there_are_removed_again() -> None:
    """What this move made goes, what was there stays."""
    found = host()
    found.files[b"/var"] = None
    with pytest.raises(NotFound):
        Line(found).run(sftp.moved("/etc/none", PLACE))
    assert found.done == [("mkdir", b"/var/q"), ("rmdir", b"/var/q")]
    assert set(found.files) == {*TREE, b"/var"}
    assert found.handles == {}


def test_nothing_is_overwritten() -> None:
    """A bare failure is told to be a name that is taken; both files stay."""
    found = host()
    for talk in (sftp.moved("/etc/bad.conf", "/etc/good.conf"), sftp.written("/etc/good.conf", b"other")):
        with pytest.raises(AccessDenied, match="nothing is overwritten"):
            Line(found).run(talk)
    assert found.files == TREE


def test_a_server_that_takes_requests_in_another_order_is_asked_again() -> None:
    """A rename that came before its directory was made is made good."""

    class Hasty(SftpHost):
        hasty = True

        def _rename(self, number: int, source: bytes, rest: bytes) -> bytes:
            if self.hasty:
                self.hasty = False
                return status(number, 2)
            return super()._rename(number, source, rest)

    found = Hasty(dict(TREE))
    Line(found).run(sftp.moved("/etc/bad.conf", PLACE))
    assert PLACE.encode() in found.files


def test_a_file_is_read_hashed_written_and_deleted() -> None:
    """Each operation does what it says, also of more than fits into one packet; what a host can't sync is left."""
    content = bytes(range(256)) * 8000
    line = Line(host(knows_sync=False))
    line.run(sftp.written("/new/deep/f", content))
    assert line.host.files[b"/new/deep/f"] == content
    assert line.run(sftp.hashed("/new/deep/f")) == hashlib.sha256(content).hexdigest()
    assert line.run(sftp.read("/new/deep/f", limit=100_000)) == content[:100_000]
    assert line.run(sftp.read("/etc/good.conf", limit=64)) == b"g"
    line.run(sftp.deleted("/new/deep/f"))
    with pytest.raises(NotFound):
        line.run(sftp.deleted("/new/deep/f"))
    assert b"/new/deep/f" not in line.host.files
    assert line.host.handles == {}


def test_a_file_that_can_t_be_written_whole_is_removed() -> None:
    """A full disk leaves no half of a file behind."""

    class Full(SftpHost):
        def _write(self, number: int, handle: bytes, rest: bytes) -> bytes:
            return status(number, 4)

    found = Full(dict(TREE))
    with pytest.raises(AccessDenied, match="said so"):
        Line(found).run(sftp.written("/etc/new", bytes(100_000)))
    assert found.files == TREE


def test_a_long_directory_is_listed_whole() -> None:
    """However many parts it comes in, in fewer flights than parts; entries have their sizes and times."""
    found = SftpHost({b"/": None, b"/d": None, **{b"/d/%d" % number: bytes(number) for number in range(300)}})
    line = Line(found)
    entries = line.run(sftp.listed("/d"))
    assert {entry.name: entry.size for entry in entries} == {str(number): number for number in range(300)}
    assert {entry.modified for entry in entries} == {MOMENT}
    assert line.flights < 10


def test_a_listing_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that always has more, files or not, is told so with the directory and the bound."""
    monkeypatch.setattr(sftp, "MOST_ENTRIES", 1000)
    link = struct.pack(">I", 100) + b"".join(text(b"l") + text(b"") + attributes(0o120777, 0, 0) for _ in range(100))

    class Endless(SftpHost):
        def _list(self, number: int, handle: bytes, rest: bytes) -> bytes:
            return packet(104, number, link)

    with pytest.raises(ProtocolError, match=r"/etc: the host lists more than 1,000 entries"):
        Line(Endless(dict(TREE))).run(sftp.listed("/etc"))


def test_talks_go_on_side_by_side() -> None:
    """Several files cost the flights of one; the error of one is its own."""
    line = Line(host())
    heads = line.together(*(sftp.read(path, limit=6) for path in ("/etc/bad.conf", "/etc/none", "/etc/good.conf")))
    assert [heads[0].outcome(), heads[2].outcome()] == [b"faulty", b"g"]
    assert isinstance(heads[1].error, NotFound)
    assert line.flights == 2 + 1  # a file shorter than what is wanted of it is asked once more


def test_windows_paths_are_spelled_as_openssh_wants_them() -> None:
    """A drive is a directory below the root, and is not made."""
    files: dict[bytes, bytes | None] = dict.fromkeys((b"/", b"/C:", b"/C:/Windows"))
    found = SftpHost({**files, b"/C:/Windows/x.sys": b"x"})
    Line(found).run(sftp.moved("C:\\Windows\\x.sys", "C:\\q\\c1\\x.q"))
    assert found.done == [("mkdir", b"/C:/q"), ("mkdir", b"/C:/q/c1"), ("rename", b"/C:/q/c1/x.q")]


def fed(talk: Talk[Any], *answers: Callable[[int], bytes], greeting: bytes = VERSION) -> Any:
    """Answer a talk's requests by number with whatever is given; raises what that leads to."""
    talks = SftpTalks()
    course = talks.start(talk)
    talks.feed(greeting)
    for number, answer in enumerate(answers, 1):
        talks.feed(answer(number))
    assert course.is_done
    return course.outcome()


@pytest.mark.parametrize(
    ("greeting", "error"),
    [
        (struct.pack(">IBI", 5, 2, 2), Unsupported),
        (struct.pack(">IBI", 5, 101, 3), ProtocolError),
        (b"\xff\xff\xff\xff", ProtocolError),
        (b"\0\0\0\0\0", ProtocolError),
        (b"HTTP/1.1 400 Bad Request\r\n", ProtocolError),
    ],
)
def test_a_host_that_does_not_begin_sftp_is_told_apart(greeting: bytes, error: type[ChannelError]) -> None:
    """An old version can't be used; anything else is no SFTP."""
    with pytest.raises(error):
        fed(sftp.read("/x", limit=1), greeting=greeting)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda number: packet(103, number, text(b"x")), ProtocolError),
        (lambda number: packet(102, number, b"\0\0\0\x09x"), ProtocolError),
        (lambda number: packet(101, number, b""), ProtocolError),
        (lambda number: packet(102, number + 7, text(b"h")), ProtocolError),
        (lambda number: status(number, 7), ConnectionLost),
        (lambda number: status(number, 3), AccessDenied),
        (lambda number: status(number, 8), Unsupported),
        (lambda number: status(number, EOF), AccessDenied),
    ],
)
def test_a_wrong_answer_is_a_channel_error(answer: Callable[[int], bytes], error: type[ChannelError]) -> None:
    """Another kind of packet, one that ends too early, a number that nobody gave, and every status but the good one."""
    with pytest.raises(error) as caught:
        fed(sftp.read("/x", limit=1), answer)
    assert len(str(caught.value).splitlines()) == 1


def test_links_and_devices_are_no_files() -> None:
    """They are left out of a listing, as are the dots; an answer without a mode is none either."""
    modes = {b".": 0o040755, b"link": 0o120777, b"tty": 0o020600, b"plain": 0o100644, b"odd": 0}
    lines = b"".join(text(name) + text(b"") + attributes(mode, 1, 2) for name, mode in modes.items())

    def listing(number: int) -> bytes:
        return packet(104, number, struct.pack(">I", len(modes)) + lines)

    def end(number: int) -> bytes:
        return status(number, EOF)

    found = fed(sftp.listed("/d"), lambda number: packet(102, number, text(b"h")), listing, end, end, end)
    assert [entry.name for entry in found] == ["plain"]


@given(st.lists(st.tuples(st.integers(100, 106), st.binary(max_size=60)), max_size=8), st.binary(max_size=20))
def test_nonsense_ends_in_an_error_of_ours(bodies: list[tuple[int, bytes]], rest: bytes) -> None:
    """Whatever a host answers, nothing but a ChannelError comes of it."""
    talks = SftpTalks()
    for talk in (sftp.listed("/d"), sftp.moved("/a", "/b/c"), sftp.hashed("/a"), sftp.looked_up("/", "x")):
        talks.start(talk)
    try:
        talks.feed(VERSION)
        for number, (kind, body) in enumerate(bodies, 1):
            talks.feed(packet(kind, number, body))
        talks.feed(rest)
    except ChannelError:
        pass
