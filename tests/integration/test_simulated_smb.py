"""Our simulated SMB server, judged by clients that we did not write: Samba's smbclient and smbprotocol."""

import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from smbprotocol.connection import Connection, Dialects
from smbprotocol.exceptions import (
    AccessDenied,
    BadNetworkName,
    FileClosed,
    LogonFailure,
    NoMoreFiles,
    NoSuchFile,
    ObjectNameCollision,
    ObjectNameNotFound,
    ObjectPathNotFound,
    SMBResponseException,
)
from smbprotocol.file_info import (
    FileAttributes,
    FileEndOfFileInformation,
    FileInformationClass,
    FileRenameInformation,
    InfoType,
)
from smbprotocol.open import (
    CreateDisposition,
    CreateOptions,
    FilePipePrinterAccessMask,
    ImpersonationLevel,
    Open,
    ShareAccess,
    SMB2QueryInfoRequest,
    SMB2SetInfoRequest,
)
from smbprotocol.session import Session
from smbprotocol.tree import TreeConnect

from servers import require
from simulated import PASSWORD, USERNAME, Served, machine_with, served
from unloop.rehearsal.smb_host import make_smb

DRIVERS = ("Windows", "System32", "drivers", "CrowdStrike")
BAD, OTHER = "C-00000291-00000000-00000032.sys", "C-00000285-00000000-00000001.sys"
CONTENT = bytes.fromhex("aaaaaaaa01002301") + bytes(40996)
RELATIVE = "\\".join(DRIVERS)
DIALECTS = (
    Dialects.SMB_2_0_2,
    Dialects.SMB_2_1_0,
    Dialects.SMB_3_0_0,
    Dialects.SMB_3_0_2,
    Dialects.SMB_3_1_1,
)
READ, WRITE, DELETE = (
    FilePipePrinterAccessMask.GENERIC_READ,
    FilePipePrinterAccessMask.GENERIC_WRITE,
    FilePipePrinterAccessMask.DELETE,
)


@pytest.fixture
def host() -> Iterator[Served]:
    """A simulated Windows host with two content files."""
    files = {(*DRIVERS, BAD): CONTENT, (*DRIVERS, OTHER): b"other", ("pagefile.sys",): b""}
    with served(machine_with(files), make_smb) as found:
        yield found


def smbclient(
    host: Served, command: str, *options: str, share: str = "C$", password: str = PASSWORD
) -> subprocess.CompletedProcess[str]:
    """Run Samba's client once."""
    program = require("smbclient")
    arguments = [program, f"//{host.address}/{share}", f"--port={host.port}", f"--user={USERNAME}%{password}"]
    return subprocess.run(
        [*arguments, *options, f"--command={command}"], capture_output=True, text=True, check=False, timeout=60
    )


@contextmanager
def session(host: Served, dialect: int = Dialects.SMB_3_1_1, *, encrypts: bool = False) -> Iterator[Session]:
    """A log-on by smbprotocol, signed."""
    connection = Connection(uuid.uuid4(), host.address, host.port, require_signing=True)
    connection.connect(dialect, timeout=20)
    try:
        found = Session(connection, USERNAME, PASSWORD, require_encryption=encrypts, auth_protocol="ntlm")
        found.connect()
        yield found
    finally:
        connection.disconnect(close=False)


def share(found: Session, name: str = "C$") -> TreeConnect:
    """A share of a session."""
    tree = TreeConnect(found, rf"\\host\{name}")
    tree.connect(require_secure_negotiate=found.connection.dialect < Dialects.SMB_3_1_1)
    return tree


def opened(
    tree: TreeConnect,
    path: str,
    access: int = READ,
    *,
    disposition: int = CreateDisposition.FILE_OPEN,
    options: int = CreateOptions.FILE_NON_DIRECTORY_FILE,
) -> Any:
    """A file or directory opened by smbprotocol."""
    handle = Open(tree, path)
    kind = FileAttributes.FILE_ATTRIBUTE_NORMAL if options & CreateOptions.FILE_NON_DIRECTORY_FILE else 0
    everyone = ShareAccess.FILE_SHARE_READ | ShareAccess.FILE_SHARE_WRITE | ShareAccess.FILE_SHARE_DELETE
    handle.create(ImpersonationLevel.Impersonation, access, kind, everyone, disposition, options)
    return handle


def set_info(tree: TreeConnect, handle: Any, kind: int, information: Any) -> None:
    """Change something of an open file."""
    request = SMB2SetInfoRequest()
    request["info_type"] = InfoType.SMB2_0_INFO_FILE
    request["file_info_class"] = kind
    request["file_id"] = handle.file_id
    request["buffer"] = information
    connection = tree.session.connection
    connection.receive(connection.send(request, tree.session.session_id, tree.tree_connect_id))


def rename(tree: TreeConnect, handle: Any, name: str, *, replaces: bool = False) -> None:
    """Rename what is open."""
    information = FileRenameInformation()
    information["replace_if_exists"] = replaces
    information["file_name"] = name
    set_info(tree, handle, FileInformationClass.FILE_RENAME_INFORMATION, information)


def found_names(handle: Any, pattern: str) -> list[str]:
    """A whole listing by smbprotocol."""
    names: list[str] = []
    kind = FileInformationClass.FILE_ID_BOTH_DIRECTORY_INFORMATION
    while True:
        try:
            page = handle.query_directory(pattern, kind)
        except NoMoreFiles:
            return names
        names += [item["file_name"].get_value().decode("utf-16-le") for item in page]


CLIENT_OPTIONS = {
    "default": (),
    "SMB2": ("--max-protocol=SMB2",),
    "2.0.2": ("--max-protocol=SMB2_02",),
    "3.0": ("--max-protocol=SMB3_00",),
    "SMB3": ("--max-protocol=SMB3",),
    "signed": ("--client-protection=sign",),
    "sealed": ("--client-protection=encrypt",),
    "sealed 3.0": ("--max-protocol=SMB3_00", "--client-protection=encrypt"),
    "from SMB1": ("--option=client min protocol=NT1",),
}


@pytest.mark.parametrize("options", CLIENT_OPTIONS.values(), ids=CLIENT_OPTIONS.keys())
def test_smbclient_does_all_that_a_repair_needs(host: Served, options: tuple[str, ...], tmp_path: Path) -> None:
    """smbclient lists, reads, writes, renames and deletes in every dialect, signed and sealed, and the tree follows."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"content" * 50_000)
    commands = (
        f"cd {RELATIVE}; ls C-00000291*; get {BAD} {target}; put {source} new.bin; mkdir kept; "
        rf"rename new.bin kept\moved.bin; del {BAD}"
    )
    done = smbclient(host, commands, *options)
    assert (done.returncode, BAD in done.stdout) == (0, True), done.stdout + done.stderr
    assert OTHER not in done.stdout
    assert target.read_bytes() == CONTENT
    assert host.names(*DRIVERS) == [OTHER, "kept"]
    assert host.content(*DRIVERS, "kept", "moved.bin") == source.read_bytes()


@pytest.mark.parametrize(
    ("command", "meaning"),
    [
        (r"get Windows\nothing", "NT_STATUS_OBJECT_NAME_NOT_FOUND"),
        (r"get nowhere\nothing", "NT_STATUS_OBJECT_PATH_NOT_FOUND"),
        ("rmdir Windows", "NT_STATUS_DIRECTORY_NOT_EMPTY"),
        ("mkdir Windows", "NT_STATUS_OBJECT_NAME_COLLISION"),
        ("ls nothing*", "NT_STATUS_NO_SUCH_FILE"),
    ],
)
def test_smbclient_hears_what_is_wrong(host: Served, command: str, meaning: str) -> None:
    """What can't be done is refused by the status that Windows gives, and nothing changes."""
    done = smbclient(host, command)
    assert meaning in done.stdout + done.stderr
    assert host.names(*DRIVERS) == [OTHER, BAD]


def test_wrong_password_and_unknown_share_are_refused(host: Served) -> None:
    """A wrong password is a failed log-on; an unknown share has no name."""
    wrong, unknown = smbclient(host, "ls", password="wrong"), smbclient(host, "ls", share="nope")
    assert "NT_STATUS_LOGON_FAILURE" in wrong.stdout + wrong.stderr
    assert "NT_STATUS_BAD_NETWORK_NAME" in unknown.stdout + unknown.stderr


def test_smb1_alone_is_refused(host: Served) -> None:
    """A client that knows nothing but SMB1 is hung up on, and the next one is served."""
    done = smbclient(host, "ls", "--option=client min protocol=NT1", "--max-protocol=NT1")
    assert done.returncode == 1
    assert smbclient(host, "ls").returncode == 0


def test_smbclient_knows_volume_and_attributes(host: Served) -> None:
    """The volume has a name, and what is made read-only can't be deleted."""
    done = smbclient(host, rf"volume; setmode {RELATIVE}\{BAD} +r; del {RELATIVE}\{BAD}")
    assert "Volume: |Windows|" in done.stdout
    assert "NT_STATUS_CANNOT_DELETE" in done.stdout + done.stderr
    assert host.machine.files.stat((*DRIVERS, BAD)).read_only


@pytest.mark.parametrize("dialect", DIALECTS)
def test_smbprotocol_reads_signed_in_every_dialect(host: Served, dialect: int) -> None:
    """Log-on, signature and validated negotiation are right for smbprotocol in every dialect."""
    with session(host, dialect) as found:
        tree = share(found)
        assert tree.session.signing_required
        assert opened(tree, rf"{RELATIVE}\{BAD}").read(0, 8) == CONTENT[:8]


@pytest.mark.parametrize("dialect", [Dialects.SMB_3_0_0, Dialects.SMB_3_1_1])
def test_smbprotocol_reads_sealed(host: Served, dialect: int) -> None:
    """Sealed sessions work in both generations of keys."""
    with session(host, dialect, encrypts=True) as found:
        assert opened(share(found), rf"{RELATIVE}\{BAD}").read(0, 65536) == CONTENT


def test_smbprotocol_renames_through_to_the_disk(host: Served) -> None:
    """A rename with write-through and flush moves the file, and does not replace unless told to."""
    with session(host) as found:
        tree = share(found)
        options = CreateOptions.FILE_NON_DIRECTORY_FILE | CreateOptions.FILE_WRITE_THROUGH
        handle = opened(tree, rf"{RELATIVE}\{BAD}", DELETE | WRITE, options=options)
        with pytest.raises(ObjectNameCollision):
            rename(tree, handle, rf"{RELATIVE}\{OTHER}")
        with pytest.raises(ObjectPathNotFound):
            rename(tree, handle, r"nowhere\x")
        rename(tree, handle, r"kept.q")
        handle.flush()
        handle.close()
        assert (host.content("kept.q"), host.names(*DRIVERS)) == (CONTENT, [OTHER])
        again = opened(tree, "kept.q", DELETE | WRITE)
        rename(tree, again, rf"{RELATIVE}\{OTHER}", replaces=True)
        again.close()
        assert host.content(*DRIVERS, OTHER) == CONTENT


def test_smbprotocol_lists_with_patterns(host: Served) -> None:
    """Patterns choose, page by page, and say when nothing fits."""
    many = [f"many-{number:03}.txt" for number in range(600)]
    for name in many:
        host.machine.files.write((*DRIVERS, name), b"", modified=datetime.now(UTC))
    with session(host) as found:
        tree = share(found)

        def listing(pattern: str) -> list[str]:
            options = CreateOptions.FILE_DIRECTORY_FILE
            return found_names(opened(tree, RELATIVE, options=options), pattern)

        assert listing("c-00000291*.SYS") == [BAD]
        assert listing("many-*") == many
        assert listing("many-00?.txt") == many[:10]
        assert listing('many-00>"txt') == many[:10]
        assert listing("C-<.sys") == [OTHER, BAD]
        assert listing("*")[:4] == [".", "..", OTHER, BAD]
        with pytest.raises(NoSuchFile):
            listing("x*")


def test_smbprotocol_deletes_on_close(host: Served) -> None:
    """A file opened to be deleted is there until it is closed, and gone then; without the right it is not opened so."""
    with session(host) as found:
        tree = share(found)
        options = CreateOptions.FILE_NON_DIRECTORY_FILE | CreateOptions.FILE_DELETE_ON_CLOSE
        handle = opened(tree, rf"{RELATIVE}\{BAD}", DELETE, options=options)
        assert host.names(*DRIVERS) == [OTHER, BAD]
        handle.close()
        assert host.names(*DRIVERS) == [OTHER]
        with pytest.raises(SMBResponseException):
            opened(tree, rf"{RELATIVE}\{OTHER}", READ, options=options)
        assert host.names(*DRIVERS) == [OTHER]


def test_lost_connection_closes_what_was_open(host: Served) -> None:
    """A client that goes away without a word has its files closed, and with that deleted."""
    with session(host) as found:
        options = CreateOptions.FILE_NON_DIRECTORY_FILE | CreateOptions.FILE_DELETE_ON_CLOSE
        opened(share(found), rf"{RELATIVE}\{BAD}", DELETE, options=options)
    assert smbclient(host, "ls").returncode == 0
    assert host.names(*DRIVERS) == [OTHER]


def test_smbprotocol_writes_in_parts_and_resizes(host: Served) -> None:
    """Writes land at their offsets, holes are zeros, and the end can be set."""
    with session(host) as found:
        tree = share(found)
        handle = opened(tree, "new.bin", READ | WRITE, disposition=CreateDisposition.FILE_CREATE)
        handle.write(b"cd", 4)
        handle.write(b"ab", 0)
        information = FileEndOfFileInformation()
        information["end_of_file"] = 5
        set_info(tree, handle, FileInformationClass.FILE_END_OF_FILE_INFORMATION, information)
        handle.close()
        assert host.content("new.bin") == b"ab\0\0c"


def test_rights_not_asked_for_are_not_there(host: Served) -> None:
    """A handle opened to read can neither write nor flush nor rename."""
    with session(host) as found:
        tree = share(found)
        handle = opened(tree, rf"{RELATIVE}\{BAD}")
        for attempt in (lambda: handle.write(b"x", 0), handle.flush, lambda: rename(tree, handle, "x")):
            with pytest.raises(AccessDenied):
                attempt()
        handle.close()
        assert host.content(*DRIVERS, BAD) == CONTENT


def test_shares_and_handles_that_are_gone(host: Served) -> None:
    """ADMIN$ is the Windows directory, IPC$ holds no files, and a closed handle stays closed."""
    with session(host) as found:
        assert opened(share(found, "ADMIN$"), rf"System32\drivers\CrowdStrike\{OTHER}").read(0, 5) == b"other"
        with pytest.raises(ObjectNameNotFound):
            opened(share(found, "IPC$"), "x")
        with pytest.raises(BadNetworkName):
            share(found, "D$")
        tree = share(found)
        handle = opened(tree, rf"{RELATIVE}\{OTHER}")
        file_id = handle.file_id
        handle.close()
        request = SMB2QueryInfoRequest()
        request["info_type"] = InfoType.SMB2_0_INFO_FILE
        request["file_info_class"] = FileInformationClass.FILE_STANDARD_INFORMATION
        request["output_buffer_length"] = 24
        request["file_id"] = file_id
        connection = found.connection
        with pytest.raises(FileClosed):
            connection.receive(connection.send(request, found.session_id, tree.tree_connect_id))


def test_wrong_password_is_refused_to_smbprotocol(host: Served) -> None:
    """Neither a wrong password nor a wrong user name logs on; the right one does afterwards."""
    for username, password in ((USERNAME, "wrong"), ("nobody", PASSWORD)):
        connection = Connection(uuid.uuid4(), host.address, host.port)
        connection.connect(timeout=20)
        with pytest.raises(LogonFailure):
            Session(connection, username, password, auth_protocol="ntlm").connect()
        connection.disconnect(close=False)
    with session(host) as found:
        assert found.session_id
