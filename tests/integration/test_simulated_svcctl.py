"""Service control over a simulated host's SMB server, judged by Samba's ``net rpc service`` and by our own client."""

import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from smbprotocol.connection import Connection
from smbprotocol.exceptions import SMBResponseException
from smbprotocol.open import CreateDisposition, CreateOptions, FilePipePrinterAccessMask, ImpersonationLevel, Open
from smbprotocol.session import Session
from smbprotocol.tree import TreeConnect

from servers import require, wait_until
from simulated import PASSWORD, USERNAME, Served, machine_with, served
from unloop.channels import safe_boot, svcctl
from unloop.channels.base import Deadline, Target
from unloop.channels.smb import SmbChannel
from unloop.channels.smb_service import ServicePipe
from unloop.channels.svcctl import Call
from unloop.errors import NotFound, Unsupported
from unloop.rehearsal.events import Happening
from unloop.rehearsal.powershell.registry import has_key
from unloop.rehearsal.smb_host import make_smb
from unloop.secrets.secret import Credential, Secret

NOTED = r'cmd.exe /d /c "bcdedit.exe /set {default} safeboot network & echo done > C:\Windows\Temp\note"'
PIPE_ACCESS = FilePipePrinterAccessMask.GENERIC_READ | FilePipePrinterAccessMask.GENERIC_WRITE


@pytest.fixture
def host() -> Iterator[Served]:
    """A simulated Windows host with two services."""
    machine = machine_with(
        {("Windows", "Temp", "kept"): b"", ("Windows", "System32", "x"): b"", ("svcctl",): b"a file"}
    )
    machine.state["services"] = {"Spooler": "running", "W32Time": "stopped"}
    with served(machine, make_smb) as found:
        yield found


def net(host: Served, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Samba's tool for services."""
    where = ["-S", host.address, "-I", host.address, "-p", str(host.port), "-U", f"{USERNAME}%{PASSWORD}"]
    return subprocess.run(
        [require("net"), "rpc", "service", *arguments, *where], capture_output=True, text=True, check=False, timeout=60
    )


def channel(host: Served) -> SmbChannel:
    """Our own channel."""
    credential = Credential("c", USERNAME, Secret(PASSWORD), "a")
    return SmbChannel(Target("host-1", host.address, host.port, credential), Deadline.after(20))


@contextmanager
def pipes(host: Served) -> Iterator[TreeConnect]:
    """IPC$ by smbprotocol."""
    connection = Connection(uuid.uuid4(), host.address, host.port, require_signing=True)
    connection.connect(timeout=20)
    try:
        session = Session(connection, USERNAME, PASSWORD, require_encryption=False, auth_protocol="ntlm")
        session.connect()
        tree = TreeConnect(session, r"\\host\IPC$")
        tree.connect()
        yield tree
    finally:
        connection.disconnect(close=False)


def opened(tree: TreeConnect, name: str = "svcctl", disposition: int = CreateDisposition.FILE_OPEN) -> Any:
    """A pipe opened by smbprotocol."""
    pipe = Open(tree, name)
    pipe.create(ImpersonationLevel.Impersonation, PIPE_ACCESS, 0, 7, disposition, CreateOptions.FILE_NON_DIRECTORY_FILE)
    return pipe


def test_samba_lists_the_services(host: Served) -> None:
    """Every service is listed, also where one answer can't hold them all."""
    assert net(host, "list").stdout.split() == ["Spooler", '"Spooler"', "W32Time", '"W32Time"']
    host.machine.state["services"] |= {f"service-{number:04d}": "running" for number in range(250)}
    assert len(net(host, "list").stdout.splitlines()) == 252


def test_samba_starts_and_stops_a_service(host: Served) -> None:
    """The state is that of the machine, before and after."""
    assert "Spooler service is running." in net(host, "status", "Spooler").stdout
    assert "Successfully started service: W32Time" in net(host, "start", "W32Time").stdout
    assert "Spooler service is stopped." in net(host, "stop", "Spooler").stdout
    assert host.machine.state["services"] == {"Spooler": "stopped", "W32Time": "running"}
    assert "WERR_SERVICE_ALREADY_RUNNING" in net(host, "start", "W32Time").stderr
    assert "WERR_SERVICE_NOT_ACTIVE" in net(host, "stop", "Spooler").stderr
    assert "WERR_SERVICE_DOES_NOT_EXIST" in net(host, "status", "nothing").stderr


def test_samba_runs_a_command_as_a_service(host: Served) -> None:
    """A service is made, shown as it was made, started, whose command runs and times out, and deleted."""
    assert "Successfully created" in net(host, "create", "unloop-1", "Shown", NOTED).stdout
    assert f"Executable Path      = {NOTED}\n" in net(host, "status", "unloop-1").stdout
    assert "WERR_SERVICE_REQUEST_TIMEOUT" in net(host, "start", "unloop-1").stderr
    assert (host.machine.state["safe_boot"], host.names("Windows", "Temp")) == ("network", ["kept", "note"])
    assert "WERR_SERVICE_EXISTS" in net(host, "create", "unloop-1", "Other", NOTED).stderr
    assert "Successfully deleted" in net(host, "delete", "unloop-1").stdout
    assert "unloop-1" not in net(host, "list").stdout


def test_our_channel_sets_the_flag_and_takes_it_off(host: Served) -> None:
    """Each change is read back from the note that the host leaves, and nothing else stays behind."""
    with channel(host) as smb:
        safe_boot.change_flag(smb, "network")
        assert host.machine.state["safe_boot"] == "network"
        safe_boot.change_flag(smb, "")
    assert host.machine.state.get("safe_boot", "") == ""
    assert host.names("Windows", "Temp") == ["kept"]
    assert [name for name in host.machine.state["service_records"] if name.startswith("unloop")] == []


def test_our_channel_restarts_the_host(host: Served) -> None:
    """The order comes home before the host goes down, and the next boot is in safe mode."""
    host.machine.state["safe_boot"] = "network"
    with channel(host) as smb:
        smb.run_service_command(safe_boot.RESTART)
    wait_until(lambda: host.machine.boots == 1, what="the restart")
    assert (len(host.machine.log.times(Happening.RESTART)), host.machine.safe_mode) == (1, "network")


def test_in_safe_mode_an_unregistered_service_does_not_start(host: Served) -> None:
    """As on Windows: the host refuses, our channel says why, and no service stays behind."""
    host.machine.safe_mode = "network"
    with channel(host) as smb, pytest.raises(Unsupported, match="registered"):
        smb.run_service_command(safe_boot.RESTART)
    assert [name for name in host.machine.state["service_records"] if name.startswith("unloop")] == []


def test_our_channel_leaves_safe_mode_by_the_service_that_it_registered(host: Served) -> None:
    """Set the flag, restart, take the flag off and restart: the host is in its usual mode, and no registration is left."""
    with channel(host) as smb:
        safe_boot.change_flag(smb, "network")
    host.machine.safe_mode = "network"
    with channel(host) as smb:
        safe_boot.change_flag(smb, "")
        smb.run_service_command(safe_boot.restart_for_good(), name=safe_boot.SERVICE)
    wait_until(lambda: host.machine.boots == 1, what="the restart")
    assert (host.machine.safe_mode, host.machine.state.get("safe_boot", "")) == ("", "")
    assert not has_key(host.machine, f"SYSTEM\\CurrentControlSet\\Control\\SafeBoot\\Network\\{safe_boot.SERVICE}")


def test_a_service_that_a_cut_connection_left_is_replaced(host: Served) -> None:
    """The old one's command does not run again; the new one's does."""
    with pipes(host) as tree, ServicePipe(tree) as pipe:
        manager = svcctl.handle_in(pipe.call(Call.OPEN_MANAGER, svcctl.open_manager()), "open")
        made = pipe.call(Call.CREATE_SERVICE, svcctl.create_service(manager, safe_boot.SERVICE, r"C:\nothing.exe"))
        pipe.call(Call.CLOSE_HANDLE, svcctl.handle_in(made, "create", offset=4))
    with channel(host) as smb:
        safe_boot.change_flag(smb, "network")
    assert host.machine.state["safe_boot"] == "network"


def test_a_program_that_is_not_there_is_told(host: Served) -> None:
    """The start fails, and says so."""
    with channel(host) as smb, pytest.raises(Exception, match="start the service"):
        smb.run_service_command(r"C:\nothing.exe")


def test_a_pipe_is_written_and_read(host: Served) -> None:
    """A message may be written, and its answer read in pieces; the pipe is empty then."""
    with pipes(host) as tree:
        pipe = opened(tree)
        pipe.write(svcctl.bind(1))
        with pytest.raises(SMBResponseException) as cut:
            pipe.read(0, 30)
        assert cut.value.status == 0x80000005
        rest = pipe.read(0, 4096)
        assert rest.endswith(svcctl.NDR)
        with pytest.raises(SMBResponseException) as empty:
            pipe.read(0, 4096)
        assert empty.value.status == 0xC00000D9
        pipe.flush()
        pipe.close()


def test_a_pipe_is_no_file(host: Served) -> None:
    """Other names are no pipes, pipes can't be made, and a file of the same name is out of reach."""
    with pipes(host) as tree:
        for name, disposition, status in (
            ("spoolss", CreateDisposition.FILE_OPEN, 0xC0000034),
            ("Windows", CreateDisposition.FILE_OPEN, 0xC0000034),
            ("svcctl", CreateDisposition.FILE_CREATE, 0xC0000022),
        ):
            with pytest.raises(SMBResponseException) as refused:
                opened(tree, name, disposition)
            assert refused.value.status == status
        opened(tree).close()
    assert host.content("svcctl") == b"a file"


@pytest.mark.parametrize(
    "garbage", [b"\0" * 64, b"GET / HTTP/1.1\r\n\r\n", bytes(range(256)) * 8, svcctl.bind(1)[:8] + b"\xff" * 60]
)
def test_garbage_ends_the_pipe_and_nothing_else(host: Served, garbage: bytes) -> None:
    """Bytes that are no RPC disconnect this pipe; the next one is served, on the same connection too."""
    with pipes(host) as tree:
        pipe = opened(tree)
        with pytest.raises(SMBResponseException) as ended:
            pipe.write(garbage)
        assert ended.value.status == 0xC00000B0
        with ServicePipe(tree) as again:
            assert svcctl.handle_in(again.call(Call.OPEN_MANAGER, svcctl.open_manager()), "open")


def test_what_is_not_offered_is_told(host: Served) -> None:
    """A call that the simulated manager does not know is a fault, which our client names; so is a missing service."""
    with pipes(host) as tree, ServicePipe(tree) as pipe:
        manager = svcctl.handle_in(pipe.call(Call.OPEN_MANAGER, svcctl.open_manager()), "open")
        with pytest.raises(Unsupported):
            pipe.call(3, manager)  # type: ignore[arg-type]
        with pytest.raises(NotFound):
            svcctl.handle_in(pipe.call(Call.OPEN_SERVICE, svcctl.open_service(manager, "nothing")), "open a service")
