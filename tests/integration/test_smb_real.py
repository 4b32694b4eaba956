"""The SMB channel and its strike against Samba's smbd."""

import asyncio
import hashlib
import os
import resource
import subprocess
import time
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from servers import missing, require
from smbd import Smbd, smbd
from unloop.channels import svcctl
from unloop.channels.base import Deadline, Target
from unloop.channels.smb import SmbChannel
from unloop.channels.smb_service import ServicePipe
from unloop.channels.strike.base import Strike
from unloop.channels.strike.smb import SmbStrike
from unloop.channels.strike.smb_library import SmbLibraryStrike
from unloop.errors import AccessDenied, LogonRefused, LogonUndecided, NotFound, Unsupported
from unloop.model.files import Disposition, FileGuard, FileOrder
from unloop.model.order import Order
from unloop.model.report import Verdict
from unloop.secrets.secret import Credential, Secret

FAULTY = bytes.fromhex("AAAAAAAA01002301") + bytes(200_000)
AT = datetime(2024, 7, 19, 4, 30, tzinfo=UTC)
DRIVERS = "C:\\Windows\\System32\\drivers"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Smbd]:
    """One smbd for all tests; each test works in a directory of its own."""
    with smbd(tmp_path_factory.mktemp("smb")) as running:
        yield running


@pytest.fixture
def place(server: Smbd, request: pytest.FixtureRequest) -> Path:
    """A directory of this test's own within C:."""
    directory = server.root / str(request.node.name)
    directory.mkdir()
    return directory


def target(server: Smbd, *, password: str = "", **options: str) -> Target:
    """The server as a host."""
    credential = Credential("c", server.username, Secret(password or server.password), "a")
    return Target("host-1", server.address, server.port, credential, options)


def channel(server: Smbd, **options: str) -> SmbChannel:
    """A channel to the server."""
    return SmbChannel(target(server, **options), Deadline.after(20))


def windows(server: Smbd, place: Path, *names: str) -> str:
    """The path on drive C: of something in a test's directory."""
    return "C:\\" + "\\".join([*place.relative_to(server.root).parts, *names])


def test_a_listing_shows_names_sizes_and_times(server: Smbd, place: Path) -> None:
    """A directory listing shows files and directories with size and last write, in UTC."""
    (place / "sub").mkdir()
    file = place / "a.sys"
    file.write_bytes(b"12345")
    os.utime(file, (AT.timestamp(), AT.timestamp()))
    with channel(server) as smb:
        found = {entry.name: entry for entry in smb.list_directory(windows(server, place))}
    assert {"sub", "a.sys"} == set(found)
    assert (found["a.sys"].size, found["a.sys"].modified) == (5, AT)
    assert (found["a.sys"].is_directory, found["sub"].is_directory) == (False, True)
    assert found["a.sys"].path == windows(server, place, "a.sys")


def test_a_long_listing_is_whole(server: Smbd, place: Path) -> None:
    """A directory whose listing takes several answers is listed to its end."""
    wanted = {f"a-file-with-a-rather-long-name-{number:05}.sys" for number in range(1500)}
    for name in wanted:
        (place / name).touch()
    with channel(server) as smb:
        assert {entry.name for entry in smb.list_directory(windows(server, place))} == wanted


def test_files_are_read_and_hashed_whole(server: Smbd, place: Path) -> None:
    """The first bytes and the hash are those of the file, also beyond one block; an empty file reads as empty."""
    (place / "f").write_bytes(FAULTY)
    (place / "empty").write_bytes(b"")
    with channel(server) as smb:
        assert smb.read(windows(server, place, "f"), limit=8) == FAULTY[:8]
        assert smb.read(windows(server, place, "f"), limit=10**9) == FAULTY
        assert smb.read(windows(server, place, "empty"), limit=8) == b""
        assert smb.sha256(windows(server, place, "f")) == hashlib.sha256(FAULTY).hexdigest()


def test_a_move_makes_directories_and_never_overwrites(server: Smbd, place: Path) -> None:
    """A move makes the directories it needs; onto a taken name it is refused, and both files stay as they were."""
    (place / "a").write_bytes(b"a")
    (place / "b").write_bytes(b"b")
    with channel(server) as smb:
        smb.move(windows(server, place, "a"), windows(server, place, "x", "y", "a.q"))
        with pytest.raises(AccessDenied, match="nothing is overwritten"):
            smb.move(windows(server, place, "b"), windows(server, place, "x", "y", "a.q"))
        with pytest.raises(NotFound):
            smb.move(windows(server, place, "gone"), windows(server, place, "x", "z"))
    assert (place / "x/y/a.q").read_bytes() == b"a"
    assert (place / "b").read_bytes() == b"b"
    assert not (place / "a").exists()


def test_a_read_only_file_can_be_moved(server: Smbd, place: Path) -> None:
    """A file that may not be written, as a driver in use, is moved all the same."""
    (place / "ro").write_bytes(b"1")
    (place / "ro").chmod(0o444)
    with channel(server) as smb:
        smb.move(windows(server, place, "ro"), windows(server, place, "q"))
    assert (place / "q").read_bytes() == b"1"


def test_write_and_delete(server: Smbd, place: Path) -> None:
    """A new file is written whole, an existing one never replaced; a deleted one is gone."""
    path = windows(server, place, "new", "f")
    with channel(server) as smb:
        smb.write(path, FAULTY)
        with pytest.raises(AccessDenied):
            smb.write(path, b"other")
        assert (place / "new/f").read_bytes() == FAULTY
        smb.delete(path)
        with pytest.raises(NotFound):
            smb.delete(path)
    assert not (place / "new/f").exists()


def test_what_is_missing_or_elsewhere_is_said(server: Smbd, place: Path) -> None:
    """A missing directory is NotFound, another drive Unsupported; the connection goes on."""
    with channel(server) as smb:
        with pytest.raises(NotFound):
            smb.list_directory(windows(server, place, "none"))
        with pytest.raises(NotFound):
            smb.read(windows(server, place, "none", "f"), limit=1)
        with pytest.raises(Unsupported):
            smb.list_directory("D:\\x")
        assert smb.list_directory(windows(server, place)) == ()


def test_the_boot_is_the_page_file_s_last_write(server: Smbd) -> None:
    """Without a page file the boot can't be told; with one, a later write of it is another boot."""
    page_file = server.root / "pagefile.sys"
    with channel(server) as smb:
        with pytest.raises(Unsupported):
            smb.boot_identity()
        page_file.touch()
        os.utime(page_file, (AT.timestamp(), AT.timestamp()))
        first = smb.boot_identity()
        os.utime(page_file, (AT.timestamp() + 60, AT.timestamp() + 60))
        second = smb.boot_identity()
    page_file.unlink()
    assert first.source == second.source == "smb:pagefile.sys"
    assert first.value != second.value


def test_a_symbolic_link_is_not_followed_out(server: Smbd, place: Path, tmp_path: Path) -> None:
    """A link that leads out of the share gives nothing away."""
    (tmp_path / "outside").write_bytes(b"secret")
    (place / "link").symlink_to(tmp_path / "outside")
    with channel(server) as smb, pytest.raises((AccessDenied, NotFound, Unsupported)):
        smb.read(windows(server, place, "link"), limit=6)


@pytest.mark.parametrize("share", ["denied", "nowhere"])
def test_a_share_that_lets_nobody_in(server: Smbd, share: str) -> None:
    """A share that denies is AccessDenied, one that isn't there NotFound: the log-on itself was good."""
    with pytest.raises(AccessDenied if share == "denied" else NotFound), channel(server, share=share):
        pass


def test_a_share_that_only_reads(server: Smbd, place: Path) -> None:
    """A share without the right to write refuses a move and leaves the file."""
    (place / "f").write_bytes(b"1")
    with channel(server, share="fixed") as smb, pytest.raises(AccessDenied):
        smb.move(windows(server, place, "f"), windows(server, place, "g"))
    assert (place / "f").exists()


@pytest.mark.parametrize("options", [{"share": "sealed"}, {"require_encryption": "true"}])
def test_encryption(server: Smbd, place: Path, options: dict[str, str]) -> None:
    """A share that demands encryption, and a session that demands it, both work."""
    (place / "f").write_bytes(FAULTY)
    with channel(server, **options) as smb:
        assert smb.sha256(windows(server, place, "f")) == hashlib.sha256(FAULTY).hexdigest()


def test_a_host_that_can_t_encrypt_is_refused(tmp_path: Path) -> None:
    """require_encryption refuses a host that speaks SMB 2 only, before any file is asked for."""
    with smbd(tmp_path, "server max protocol = SMB2_10", address="127.0.0.11") as old:
        with pytest.raises(Unsupported), channel(old, require_encryption="true"):
            pass
        with channel(old) as smb:
            smb.write("C:\\f", b"1")
        assert (old.root / "f").read_bytes() == b"1"


def test_an_old_dialect_and_no_signing_demand_still_sign(tmp_path: Path) -> None:
    """SMB 3.0 on a server that does not demand signing: we do."""
    settings = ("server signing = disabled", "server max protocol = SMB3_00")
    with smbd(tmp_path, *settings, address="127.0.0.12") as server, channel(server) as smb:
        smb.write("C:\\f", b"1")
    assert (server.root / "f").read_bytes() == b"1"


def test_a_wrong_password_is_refused_by_exactly_one_log_on(tmp_path: Path) -> None:
    """A wrong password is LogonRefused after one authentication, and stands in no text of the error."""
    with smbd(tmp_path, "log level = 1 auth_audit:3", address="127.0.0.13") as server:
        wrong = SmbChannel(target(server, password="canary-wrong"), Deadline.after(20))
        with pytest.raises(LogonRefused) as caught:
            wrong.open()
        wrong.close()
        assert "canary-wrong" not in "".join(traceback.format_exception(caught.value))
        log = (tmp_path / "smbd.log").read_text()
        assert log.count("NT_STATUS_WRONG_PASSWORD") == 1


def test_a_guest_is_no_log_on(tmp_path: Path) -> None:
    """A server that turns a wrong name into a guest has refused the credential."""
    with smbd(tmp_path, "map to guest = bad user", address="127.0.0.14") as server:
        stranger = Credential("c", "nobody-knows-me", Secret("canary"), "a")
        known = Target("h", server.address, server.port, stranger)
        with pytest.raises(LogonRefused), SmbChannel(known, Deadline.after(20)):
            pass


def test_no_credential_is_undecided(server: Smbd) -> None:
    """Without a credential nobody is asked to log on."""
    nobody = Target("h", server.address, server.port)
    with pytest.raises(LogonUndecided), SmbChannel(nobody, Deadline.after(20)):
        pass


def order(server: Smbd, place: Path) -> Order:
    """Quarantine the faulty files of a test's directory."""
    guard = FileGuard(header=FAULTY[:8].hex(), modified_from=AT, modified_before=AT.replace(hour=5))
    files = FileOrder(
        verb="quarantine_file",
        disposition=Disposition.QUARANTINE,
        pattern=windows(server, place, "C-00000291*.sys"),
        guard=guard,
        quarantine=windows(server, place, "unloop-quarantine", "c1"),
    )
    return Order(digest="d", files=(files,))


@pytest.mark.parametrize("strike", [SmbStrike, SmbLibraryStrike])
def test_the_strike_lands_and_is_idempotent(server: Smbd, place: Path, strike: type[Strike]) -> None:
    """A strike moves the faulty file alone and says so; a second one finds nothing to do."""
    for name, content in (("C-00000291-1.sys", FAULTY), ("C-00000290-1.sys", FAULTY)):
        (place / name).write_bytes(content)
        os.utime(place / name, (AT.timestamp(), AT.timestamp()))
    assert strike.can_carry(order(server, place))
    report, boot = asyncio.run(strike(target(server), order(server, place)).fire(None, Deadline.after(20)))
    assert (report.verdict, boot) == (Verdict.LANDED, None)
    (moved,) = report.actions[0].files
    assert moved.path == windows(server, place, "C-00000291-1.sys")
    assert [file.read_bytes() for file in (place / "unloop-quarantine/c1").iterdir()] == [FAULTY]
    assert (place / "C-00000290-1.sys").exists()
    again, _ = asyncio.run(strike(target(server), order(server, place)).fire(None, Deadline.after(20)))
    assert again.verdict == Verdict.NO_MATCH


def test_service_control_speaks_rpc_and_samba_refuses_creation(server: Smbd) -> None:
    """Samba's svcctl takes our bind and our calls; creating a service it does not offer, which is Unsupported."""
    with channel(server) as smb:
        with ServicePipe(smb.connect_tree("IPC$")) as pipe:
            opened = pipe.call(svcctl.Call.OPEN_MANAGER, svcctl.open_manager())
            manager = svcctl.handle_in(opened, "open the manager")
            found = pipe.call(svcctl.Call.OPEN_SERVICE, svcctl.open_service(manager, "Spooler"))
            service = svcctl.handle_in(found, "open a service")
            svcctl.check(pipe.call(svcctl.Call.CLOSE_HANDLE, service), "close")
            missing = pipe.call(svcctl.Call.OPEN_SERVICE, svcctl.open_service(manager, "no-such-service"))
            with pytest.raises(NotFound):
                svcctl.handle_in(missing, "open a service")
            svcctl.check(pipe.call(svcctl.Call.CLOSE_HANDLE, manager), "close")
        with pytest.raises(Unsupported, match="0x1c010002"):
            smb.run_service_command("cmd.exe /c ver")


DECODE = """
import sys
from samba.dcerpc import svcctl
from samba.ndr import ndr_unpack_in
def show(kind, text):
    call = kind()
    ndr_unpack_in(call, bytes.fromhex(text))
    return call
create = show(svcctl.CreateServiceW, sys.argv[1])
print(create.in_ServiceName, create.in_DisplayName, create.in_type, create.in_start_type, create.in_binary_path, sep="|")
start = show(svcctl.StartServiceW, sys.argv[2])
print(start.in_NumArgs)
"""


def test_samba_s_own_decoder_reads_our_calls() -> None:
    """The calls that smbd does not offer are read by Samba's NDR decoder as what we meant."""
    python = require("python3", "/usr/bin")
    system_python = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else python
    handle = bytes(range(20))
    create = svcctl.create_service(handle, "unloop-1", "cmd.exe /c bcdedit /deletevalue safeboot")
    arguments = [system_python, "-c", DECODE, create.hex(), svcctl.start_service(handle).hex()]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if "No module named 'samba'" in done.stderr:
        missing("Samba's Python bindings are not installed")
    assert done.stdout.splitlines() == ["unloop-1|unloop-1|16|3|cmd.exe /c bcdedit /deletevalue safeboot", "0"], (
        done.stderr
    )


def test_more_than_a_thousand_open_files_are_no_obstacle(server: Smbd, place: Path) -> None:
    """A worker that holds thousands of sockets still speaks SMB: no select() stands in the way."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 1500:
        pytest.skip("this machine allows too few open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1500), hard))
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    try:
        (place / "f").write_bytes(b"1")
        with channel(server) as smb:
            assert smb.read(windows(server, place, "f"), limit=1) == b"1"
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_channel_can_be_given_another_deadline(server: Smbd, place: Path) -> None:
    """What is asked afterwards has the new time, although the thread that receives began to wait with the old one."""
    with SmbChannel(target(server), Deadline.after(2)) as smb:
        smb.until(Deadline.after(20))
        time.sleep(2.2)
        assert smb.list_directory(windows(server, place)) == ()
