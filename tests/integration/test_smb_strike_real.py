"""Our own SMB exchange against Samba's smbd, over real sockets: what lands, in how many flights, and what is refused."""

import base64
import hashlib
import os
import shutil
import socket
import struct
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from smbprotocol.connection import Connection
from smbprotocol.open import CreateDisposition, CreateOptions, ImpersonationLevel, Open, ShareAccess
from smbprotocol.session import Session
from smbprotocol.tree import TreeConnect

import peers
from smb2_strike import Struck, carried_out
from smbd import Smbd, smbd
from unloop.channels.base import Deadline, Target
from unloop.channels.smb import SmbChannel
from unloop.channels.smb_options import SmbOptions
from unloop.channels.strike.smb2.exchange import SmbExchange
from unloop.errors import (
    AccessDenied,
    ChannelError,
    ConnectionLost,
    DeadlineExceeded,
    LogonRefused,
    NotFound,
    ProtocolError,
    Unsupported,
)
from unloop.model.files import Disposition, FileGuard, FileOrder
from unloop.model.order import Order
from unloop.model.report import Verdict
from unloop.secrets.secret import Credential, Secret

HEAD = bytes.fromhex("AAAAAAAA01002301")
FAULTY = HEAD + bytes(200_000)
AT = datetime(2024, 7, 19, 4, 30, tzinfo=UTC)
QUARANTINE = r"C:\unloop-quarantine\c1"


def target(server: Smbd, password: str = "") -> Target:
    """The server as a host."""
    credential = Credential("c", server.username, Secret(password or server.password), "a")
    return Target("host-1", server.address, server.port, credential)


def strike(server: Smbd, order: Order, *, password: str = "", share: str = "C$", **more: Any) -> Struck:
    """Strike over a socket of our own; raises ChannelError."""
    options = SmbOptions(share=share, require_encryption=more.pop("require_encryption", False))
    exchange = SmbExchange(target(server, password), order, options, **more)
    return carried_out(exchange, server.address, server.port)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Smbd]:
    """One smbd for most tests; each test works in a directory of its own."""
    settings = ("server min protocol = SMB2_02", "host msdfs = yes")
    with smbd(tmp_path_factory.mktemp("smb"), *settings, address="127.0.0.51") as running:
        (running.root / "pagefile.sys").touch()
        os.utime(running.root / "pagefile.sys", (AT.timestamp(), AT.timestamp()))
        yield running


@pytest.fixture
def place(server: Smbd, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A directory of this test's own within C:, and no quarantine from the test before."""
    directory = server.root / request.node.name.replace("[", "-").replace("]", "")
    directory.mkdir()
    yield directory
    shutil.rmtree(server.root / "unloop-quarantine", ignore_errors=True)


def plant(directory: Path, *names: str, content: bytes = FAULTY) -> None:
    """Put files there, of the right time."""
    directory.mkdir(exist_ok=True)
    for name in names:
        (directory / name).write_bytes(content)
        os.utime(directory / name, (AT.timestamp(), AT.timestamp()))


def exact(directory: Path, name: str = "bad.sys", disposition: Disposition = Disposition.QUARANTINE) -> Order:
    """Take one file away by its name."""
    return order(FileOrder("v", disposition, rf"C:\{directory.name}\{name}", quarantine=QUARANTINE))


def guarded(directory: Path, *, header: bool = True, pattern: str = "C-00000291*.sys") -> Order:
    """Quarantine what a pattern means and the guard accepts."""
    guard = FileGuard(header=HEAD.hex() if header else "", modified_from=AT, modified_before=AT.replace(hour=5))
    return order(
        FileOrder("v", Disposition.QUARANTINE, rf"C:\{directory.name}\{pattern}", guard, quarantine=QUARANTINE)
    )


def order(*orders: FileOrder) -> Order:
    """An order of file operations."""
    return Order(digest="d", files=orders)


def quarantined(server: Smbd) -> list[bytes]:
    """What lies in quarantine."""
    directory = server.root / "unloop-quarantine" / "c1"
    return [file.read_bytes() for file in directory.iterdir()] if directory.exists() else []


DIALECTS = {0x202: "2.0.2", 0x210: "2.1", 0x300: "3.0", 0x302: "3.0.2", 0x311: "3.1.1"}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("pipelines", [False, True])
def test_a_file_named_exactly_lands_in_the_fewest_flights(
    server: Smbd, place: Path, dialect: int, pipelines: bool
) -> None:
    """The fourth flight moves it, pipelined the second."""
    plant(place, "bad.sys", "other.sys")
    found = strike(server, exact(place), dialects=(dialect,), pipelines=pipelines)

    assert (found.report.verdict, found.flights) == (Verdict.LANDED, 2 if pipelines else 4)
    assert ([file.name for file in place.iterdir()], quarantined(server)) == (["other.sys"], [FAULTY])
    (evidence,) = found.report.actions[0].files
    assert (evidence.size, evidence.modified) == (len(FAULTY), AT.isoformat())
    assert (found.agreement.dialect, found.agreement.joins_tree, found.agreement.is_flushed) == (
        DIALECTS[dialect],
        True,
        True,
    )


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("header", "pipelines", "flights"), [(False, False, 5), (True, False, 6), (False, True, 3), (True, True, 4)]
)
def test_a_pattern_lands_in_the_fewest_flights(
    server: Smbd, place: Path, dialect: int, header: bool, pipelines: bool, flights: int
) -> None:
    """One flight more for the listing, one for headers, none for the boot, which is the one that the channel tells."""
    plant(place, "C-00000291-1.sys", "C-00000291-2.sys", "C-00000292-1.sys")
    found = strike(server, guarded(place, header=header), dialects=(dialect,), pipelines=pipelines)

    assert (found.report.verdict, found.flights) == (Verdict.LANDED, flights)
    assert ([file.name for file in place.iterdir()], quarantined(server)) == (["C-00000292-1.sys"], [FAULTY] * 2)
    with SmbChannel(target(server), Deadline.after(20)) as channel:
        assert found.boot == channel.boot_identity()


@pytest.mark.parametrize("pipelines", [False, True])
@pytest.mark.parametrize(
    ("setting", "options"),
    [
        *[(f"server smb3 signing algorithms = {name}", {}) for name in ("hmac-sha256", "aes-128-cmac", "aes-128-gmac")],
        *[
            (f"server smb3 encryption algorithms = {name}", {"require_encryption": True})
            for name in ("aes-128-ccm", "aes-128-gcm", "aes-256-ccm", "aes-256-gcm")
        ],
        ("server max protocol = SMB3_00", {"require_encryption": True}),
        ("server signing = disabled", {}),
    ],
)
def test_every_way_to_sign_and_to_seal(tmp_path: Path, setting: str, options: dict[str, Any], pipelines: bool) -> None:
    """Whatever smbd is set to, the remedy lands signed or sealed, in as many flights as ever."""
    with smbd(tmp_path, setting, address="127.0.0.52") as server:
        plant(server.root / "d", "C-00000291-1.sys")
        found = strike(server, guarded(server.root / "d"), pipelines=pipelines, **options)
    assert (found.report.verdict, found.flights) == (Verdict.LANDED, 4 if pipelines else 6)
    assert found.agreement.is_encrypted == bool(options)


def test_a_server_that_wants_everything_encrypted(tmp_path: Path) -> None:
    """The conservative way costs no flight more; a flight ahead of the answer is refused before anything was done."""
    with smbd(tmp_path, "server smb encrypt = required", address="127.0.0.53") as server:
        plant(server.root / "d", "C-00000291-1.sys")
        for wanted in (exact(server.root / "d", "C-00000291-1.sys"), guarded(server.root / "d")):
            with pytest.raises(Unsupported):
                strike(server, wanted, pipelines=True)
        assert quarantined(server) == []
        found = strike(server, guarded(server.root / "d"))
        assert (found.report.verdict, found.flights, found.agreement.is_encrypted) == (Verdict.LANDED, 6, True)


@pytest.mark.parametrize("pipelines", [False, True])
def test_a_share_that_wants_everything_encrypted(server: Smbd, place: Path, pipelines: bool) -> None:
    """It says so when it is opened; what went along is sent once more, sealed."""
    plant(place, "bad.sys")
    found = strike(server, exact(place), share="sealed", pipelines=pipelines)
    assert (found.report.verdict, found.flights) == (Verdict.LANDED, 3 if pipelines else 5)
    assert found.agreement.is_encrypted


def test_a_server_that_can_t_encrypt_is_refused_before_the_log_on(tmp_path: Path) -> None:
    """No proof is sent to it."""
    with smbd(tmp_path, "server smb encrypt = off", address="127.0.0.54") as server:
        plant(server.root / "d", "bad.sys")
        with pytest.raises(Unsupported, match="require_encryption"):
            strike(server, exact(server.root / "d"), require_encryption=True)
        assert strike(server, exact(server.root / "d")).report.verdict is Verdict.LANDED


@pytest.mark.parametrize("protocol", ["SMB2_02", "SMB2_10", "SMB3_00", "SMB3_02", "SMB3_11"])
def test_servers_of_every_age(tmp_path: Path, protocol: str) -> None:
    """A server that speaks one dialect alone is spoken to in it; one that speaks none of those offered is Unsupported."""
    settings = (f"server min protocol = {protocol}", f"server max protocol = {protocol}")
    with smbd(tmp_path, *settings, address="127.0.0.55") as server:
        plant(server.root / "d", "bad.sys")
        other = 0x202 if protocol != "SMB2_02" else 0x311
        with pytest.raises(Unsupported):
            strike(server, exact(server.root / "d"), dialects=(other,))
        assert strike(server, exact(server.root / "d")).report.verdict is Verdict.LANDED


@pytest.mark.parametrize("most", [1, 2, 3, 5, 8, 12])
def test_flights_are_split_to_the_credits_of_the_server(tmp_path: Path, most: int) -> None:
    """smbd hangs up on a client that sends more than it granted; running ahead is refused before anything was moved."""
    with smbd(tmp_path, f"smb2 max credits = {most}", address="127.0.0.56") as server:
        directory = server.root / "d"
        plant(directory, "bad.sys", "C-00000291-1.sys")
        if most < 8:
            with pytest.raises(Unsupported):
                strike(server, exact(directory), pipelines=True)
            assert (directory / "bad.sys").exists()
        found = strike(server, exact(directory, disposition=Disposition.DELETE))
        assert found.report.verdict is Verdict.LANDED
        assert not found.agreement.can_pipeline
        assert strike(server, guarded(directory)).report.verdict is Verdict.LANDED
        assert "more credits than granted" not in (tmp_path / "smbd.log").read_text() or most < 8


@pytest.mark.parametrize("pipelines", [False, True])
def test_a_wrong_password_is_refused_by_exactly_one_log_on(tmp_path: Path, pipelines: bool) -> None:
    """LogonRefused, after one authentication, and nothing was moved."""
    with smbd(tmp_path, "log level = 1 auth_audit:3", address="127.0.0.57") as server:
        plant(server.root / "d", "bad.sys")
        with pytest.raises(LogonRefused) as caught:
            strike(server, exact(server.root / "d"), password="canary-wrong", pipelines=pipelines)
        assert "canary-wrong" not in str(caught.value)
        assert (server.root / "d" / "bad.sys").exists()
    assert (tmp_path / "smbd.log").read_text().count("NT_STATUS_WRONG_PASSWORD") == 1


@pytest.mark.parametrize("pipelines", [False, True])
def test_a_guest_is_no_log_on(tmp_path: Path, pipelines: bool) -> None:
    """A server that turns a wrong name into a guest has refused the credential."""
    with smbd(tmp_path, "map to guest = bad user", address="127.0.0.58") as server:
        plant(server.root / "d", "bad.sys")
        with pytest.raises(LogonRefused):
            strike(replace(server, username="nobody-knows-me"), exact(server.root / "d"), pipelines=pipelines)
        assert (server.root / "d" / "bad.sys").exists()


@pytest.mark.parametrize("pipelines", [False, True])
def test_shares_that_deny_or_are_not_there(server: Smbd, place: Path, pipelines: bool) -> None:
    """The log-on was good, and the error is the share's."""
    plant(place, "bad.sys")
    for share, kind in (("denied", AccessDenied), ("nowhere", NotFound)):
        with pytest.raises(kind):
            strike(server, exact(place), share=share, pipelines=pipelines)
    assert (place / "bad.sys").exists()


def test_a_share_that_only_reads(server: Smbd, place: Path) -> None:
    """The move is refused, the file stays, and the report says why."""
    plant(place, "bad.sys")
    found = strike(server, exact(place), share="fixed")
    assert (found.report.verdict, (place / "bad.sys").exists()) == (Verdict.FAILED, True)
    assert "access denied" in found.report.actions[0].message


def held(server: Smbd, name: str, share: int) -> Connection:
    """Another client that has a file open and lets others do so much with it."""
    connection = Connection(uuid.uuid4(), server.address, server.port)
    connection.connect(timeout=20)
    session = Session(connection, server.username, server.password, auth_protocol="ntlm")
    session.connect()
    tree = TreeConnect(session, rf"\\{server.address}\C$")
    tree.connect()
    handle = Open(tree, name)
    options = CreateOptions.FILE_NON_DIRECTORY_FILE
    handle.create(ImpersonationLevel.Impersonation, 0x81, 0, share, CreateDisposition.FILE_OPEN, options)
    return connection


@pytest.mark.parametrize(
    ("share", "verdict", "is_flushed"),
    [
        (0, Verdict.IN_USE, True),
        (ShareAccess.FILE_SHARE_READ, Verdict.IN_USE, True),
        (ShareAccess.FILE_SHARE_READ | ShareAccess.FILE_SHARE_DELETE, Verdict.LANDED, False),
        (7, Verdict.LANDED, True),
    ],
)
def test_a_file_in_use_is_moved_as_far_as_its_user_lets_us(
    server: Smbd, place: Path, share: int, verdict: Verdict, is_flushed: bool
) -> None:
    """Who shares deletion lets it be moved; who does not share writing keeps it from being flushed."""
    plant(place, "bad.sys")
    other = held(server, rf"{place.name}\bad.sys", share)
    try:
        found = strike(server, exact(place))
    finally:
        other.disconnect(close=False)
    assert (found.report.verdict, found.agreement.is_flushed) == (verdict, is_flushed)
    assert (place / "bad.sys").exists() is (verdict is Verdict.IN_USE)


def test_a_read_only_file_is_moved(server: Smbd, place: Path) -> None:
    """A file that may not be written is moved all the same."""
    plant(place, "bad.sys")
    (place / "bad.sys").chmod(0o444)
    assert strike(server, exact(place)).report.verdict is Verdict.LANDED
    assert quarantined(server) == [FAULTY]


def test_links_that_lead_out_of_the_share_are_not_followed(server: Smbd, place: Path, tmp_path: Path) -> None:
    """Neither a file nor a directory outside is listed, read or moved."""
    plant(tmp_path / "outside", "C-00000291-1.sys")
    (place / "out").symlink_to(tmp_path / "outside")
    (place / "link.sys").symlink_to(tmp_path / "outside" / "C-00000291-1.sys")
    wanted = (exact(place, "link.sys"), exact(place, r"out\C-00000291-1.sys"), guarded(place, pattern=r"out\C*.sys"))
    for one in wanted:
        assert strike(server, one).report.verdict is Verdict.NO_MATCH
    assert (tmp_path / "outside" / "C-00000291-1.sys").read_bytes() == FAULTY
    assert not (server.root / "unloop-quarantine").exists()


def test_a_path_in_dfs_is_left_to_the_library(tmp_path: Path) -> None:
    """The host says that the path leads elsewhere; nothing was changed."""
    with smbd(tmp_path, "host msdfs = yes", "msdfs root = yes", address="127.0.0.60") as server:
        plant(server.root / "d", "bad.sys")
        (server.root / "dfs").symlink_to("msdfs:other\\share")
        for wanted in (guarded(server.root / "dfs"), exact(server.root / "dfs")):
            with pytest.raises(Unsupported, match="DFS"):
                strike(server, wanted)
        assert strike(server, exact(server.root / "d")).report.verdict is Verdict.LANDED


def test_a_remedy_that_matches_nothing_touches_nothing(server: Smbd, place: Path) -> None:
    """Where the file is missing, no directory is left; the one flight that made some on good faith is taken back."""
    for wanted, flights in (
        (exact(place), 5),
        (guarded(place), 4),
        (exact(place, r"none\x"), 5),
        (guarded(place, pattern=r"none\x*"), 4),
    ):
        found = strike(server, wanted)
        assert (found.report.verdict, found.flights, found.boot is not None) == (Verdict.NO_MATCH, flights, True)
        assert not (server.root / "unloop-quarantine").exists()


def test_a_name_that_is_taken_in_quarantine_is_another_s(server: Smbd, place: Path) -> None:
    """The second file of that path gets a name of its own; nothing is overwritten."""
    for content in (b"first", b"second"):
        plant(place, "bad.sys", content=content)
        assert strike(server, exact(place)).report.verdict is Verdict.LANDED
    assert sorted(quarantined(server)) == [b"first", b"second"]


def test_a_quarantine_that_can_not_be_made_fails_the_action(server: Smbd, place: Path) -> None:
    """A file where a directory should be: the faulty file stays."""
    plant(place, "bad.sys")
    (server.root / "unloop-quarantine").touch()
    try:
        assert strike(server, exact(place)).report.verdict is Verdict.FAILED
        assert (place / "bad.sys").exists()
    finally:
        (server.root / "unloop-quarantine").unlink()


@pytest.mark.parametrize("size", [0, 1, 65536, 65537, 1_000_000, 3_000_000])
def test_files_of_any_size_are_deleted_with_their_hash(server: Smbd, place: Path, size: int) -> None:
    """Moved, hashed to the end over as many flights as it takes, and deleted."""
    content = os.urandom(size)
    plant(place, "bad.sys", content=content)
    found = strike(server, exact(place, disposition=Disposition.DELETE))
    (evidence,) = found.report.actions[0].files
    assert (found.report.verdict, evidence.sha256) == (Verdict.LANDED, hashlib.sha256(content).hexdigest())
    assert (quarantined(server), list(place.iterdir())) == ([], [])


@pytest.mark.parametrize("size", [0, 1, 65536, 2_000_000])
def test_files_of_any_size_are_written(server: Smbd, place: Path, size: int) -> None:
    """With their directories; another file of that name is left alone."""
    content = os.urandom(size)
    path = rf"C:\{place.name}\new\deep\f"
    put = FileOrder("put_file", Disposition.PUT, path, content=base64.b64encode(content).decode())
    assert strike(server, order(put)).report.verdict is Verdict.LANDED
    assert (place / "new/deep/f").read_bytes() == content
    assert strike(server, order(put)).report.verdict is Verdict.ALREADY_GOOD
    other = replace(put, content=base64.b64encode(b"other").decode())
    assert strike(server, order(other)).report.verdict is Verdict.SUSPICIOUS


def test_a_file_is_restored_where_it_was(server: Smbd, place: Path) -> None:
    """Its directories are made when they are missed."""
    plant(place, "kept.sys")
    path = rf"C:\{place.name}\a\b\it.sys"
    restore = FileOrder("restore_file", Disposition.RESTORE, path, source=rf"C:\{place.name}\*.sys")
    assert strike(server, order(restore)).report.verdict is Verdict.LANDED
    assert (place / "a/b/it.sys").read_bytes() == FAULTY


def test_a_long_listing_is_whole(server: Smbd, place: Path) -> None:
    """A directory whose listing takes many pages is judged to its end."""
    for number in range(2500):
        (place / f"C-00000291-a-rather-long-name-of-a-file-{number:05}.sys").touch()
    found = strike(server, guarded(place, header=False))
    assert len(found.report.actions[0].files) == 2500


def test_names_beyond_ascii_are_found_and_moved(server: Smbd, place: Path) -> None:
    """What a listing names is moved by that name."""
    plant(place, "C-00000291-Müller-𝄞.sys")
    assert strike(server, guarded(place)).report.verdict is Verdict.LANDED
    assert quarantined(server) == [FAULTY]


def refuse_to_talk(connection: socket.socket, _: object) -> None:
    """Hang up in order on whatever comes first."""
    connection.recv(65536)


def absurd(connection: socket.socket, _: object) -> None:
    """Announce a message of sixteen megabytes."""
    connection.recv(65536)
    connection.sendall(struct.pack(">I", 0xFFFFFF))
    connection.recv(65536)


@pytest.mark.parametrize("pipelines", [False, True])
@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        (peers.garbage, ProtocolError),
        (peers.resetting, ConnectionLost),
        (refuse_to_talk, ConnectionLost),
        (absurd, ProtocolError),
        (peers.silent, DeadlineExceeded),
    ],
)
def test_peers_that_are_no_server_end_the_exchange(
    behaviour: peers.Behaviour, kind: type[ChannelError], pipelines: bool
) -> None:
    """Garbage, resets, silence and absurd lengths end in an error of ours, within the deadline."""
    expected = Unsupported if pipelines and kind is ConnectionLost else kind
    with peers.peer(behaviour, "127.0.0.59") as port:
        exchange = SmbExchange(
            Target("h", "127.0.0.59", port, Credential("c", "u", Secret("p"), "a")),
            order(FileOrder("v", Disposition.QUARANTINE, r"C:\x", quarantine=QUARANTINE)),
            SmbOptions(),
            pipelines=pipelines,
        )

        with pytest.raises(expected):
            carried_out(exchange, "127.0.0.59", port, seconds=0.5)
        assert exchange.step == "negotiate"
