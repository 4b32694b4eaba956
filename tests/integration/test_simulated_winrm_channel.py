"""Our WinRM channel against our simulated WinRM server: over HTTP and HTTPS, refused, and crashed in mid-exchange."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from loops import loop_thread
from servers import free_port, wait_until
from simulated import PASSWORD, USERNAME, Served, machine_with, served
from unloop.channels.base import Completed, Deadline, Target
from unloop.channels.winrm import WinrmChannel
from unloop.errors import ConnectionLost, DeadlineExceeded, LogonRefused, UntrustedPeer
from unloop.model.order import Shell
from unloop.rehearsal.certificate import issue, tls_of
from unloop.rehearsal.events import Happening
from unloop.rehearsal.gate import Gate
from unloop.rehearsal.winrm_host import make_winrm
from unloop.secrets.secret import Credential, Secret

ADDRESS = "127.0.0.9"
DRIVERS = ("Windows", "System32", "drivers", "CrowdStrike")
BAD = "C-00000291-00000000-00000032.sys"
BAD_FILE = "\\".join(("C:", *DRIVERS, BAD))


@pytest.fixture
def host() -> Iterator[Served]:
    """A simulated Windows host with two files."""
    with served(machine_with({(*DRIVERS, BAD): bytes(16), (*DRIVERS, "kept.sys"): b""}), make_winrm) as found:
        yield found


def channel(port: int, *, password: str = PASSWORD, seconds: float = 20, **options: str) -> WinrmChannel:
    """Our channel to the host."""
    credential = Credential("c", USERNAME, Secret(password), "a")
    return WinrmChannel(Target("ws-1", ADDRESS, port, credential, options), Deadline.after(seconds))


def test_the_channel_runs_programs_and_tells_the_boot(host: Served) -> None:
    """PowerShell and cmd run on the files of the machine, and the boot is told as the machine's clock has it."""
    with channel(host.port) as opened:
        deleted = opened.run(Shell.POWERSHELL, f"Remove-Item -LiteralPath '{BAD_FILE}'; Write-Output done")
        listed = opened.run(Shell.CMD, "dir /b " + "\\".join(("C:", *DRIVERS)))
        boot = opened.boot_identity()
    assert (deleted.exit_code, deleted.stdout, deleted.stderr) == (0, "done\n", "")
    assert (listed.exit_code, listed.stdout) == (0, "kept.sys\r\n")
    assert boot.value.startswith(host.machine.boot_time.strftime("%Y-%m-%dT%H:%M:%S"))


def test_the_channel_hears_errors(host: Served) -> None:
    """A program that throws has an exit code of its own, and what it wrote before."""
    with channel(host.port) as opened:
        done = opened.run(Shell.POWERSHELL, "Write-Output before; throw 'nothing doing'")
        command = opened.run(Shell.CMD, "nothing-like-this")
    assert (done.exit_code, done.stdout, done.stderr) == (1, "before\n", "nothing doing\n")
    assert (command.exit_code, "not recognized" in command.stderr) == (1, True)


def test_a_wrong_password_is_refused_once(host: Served) -> None:
    """The channel says that the credential was judged, and the host has counted one refusal."""
    with pytest.raises(LogonRefused), channel(host.port, password="wrong"):
        pass
    assert len(host.machine.log.times(Happening.LOGON_REFUSED)) == 1


@pytest.mark.parametrize("auth", ["negotiate", "basic"])
def test_the_channel_speaks_https(tmp_path: Path, auth: str) -> None:
    """Over HTTPS with the fleet's authority it logs on by NTLM or Basic; without the authority it trusts nobody."""
    issued = issue([ADDRESS])
    (tmp_path / "server.pem").write_bytes(issued.server)
    (tmp_path / "authority.pem").write_bytes(issued.authority)
    tls = tls_of(tmp_path / "server.pem")
    with served(machine_with({}), lambda machine: make_winrm(machine, tls)) as host:
        options = {"ssl": "true", "auth": auth}
        with channel(host.port, cert_validation=str(tmp_path / "authority.pem"), **options) as opened:
            assert opened.run(Shell.CMD, "echo hello").stdout == "hello\r\n"
        with pytest.raises(UntrustedPeer), channel(host.port, **options):
            pass


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_a_crash_in_mid_exchange_leaves_nothing_behind(tmp_path: Path, *, secure: bool) -> None:
    """What the program did is done, the client hears nothing until the reset, no task stays, and the host serves on."""
    (tmp_path / "server.pem").write_bytes(issue([ADDRESS]).server)
    machine, port = machine_with({(*DRIVERS, BAD): b""}), free_port(ADDRESS)
    options = {"ssl": "true", "cert_validation": "false"} if secure else {}
    program = f"Remove-Item -LiteralPath '{BAD_FILE}'; Start-Sleep -Seconds 60"
    with loop_thread() as loop, ThreadPoolExecutor(1) as pool:
        gate = Gate(ADDRESS, port, make_winrm(machine, tls_of(tmp_path / "server.pem") if secure else None))

        async def do(step: Callable[[], None]) -> int:
            """How many tasks there are afterwards, but for this one."""
            step()
            await asyncio.sleep(0.05)
            return len(asyncio.all_tasks()) - 1

        loop.run(do(gate.open))
        client = pool.submit(_run, port, program, options)
        wait_until(lambda: not machine.files.exists((*DRIVERS, BAD)), what="the program")
        assert loop.run(do(gate.shut)) == 0
        assert not client.done()
        loop.run(do(gate.open))
        assert isinstance(client.exception(timeout=20), ConnectionLost)
        assert _run(port, "'alive'", options).stdout == "alive\n"
        assert loop.run(do(gate.close)) == 0


def _run(port: int, program: str, options: dict[str, str]) -> Completed:
    with channel(port, **options) as opened:
        return opened.run(Shell.POWERSHELL, program)


def test_a_channel_can_be_given_another_deadline(host: Served) -> None:
    """What is asked afterwards has the new time: more than the old one, or less."""
    with channel(host.port, seconds=3) as opened:
        opened.until(Deadline.after(20))
        assert opened.run(Shell.POWERSHELL, "Start-Sleep -Seconds 4; 'done'").stdout == "done\n"
        opened.until(Deadline.after(0.3))
        with pytest.raises(DeadlineExceeded):
            opened.run(Shell.POWERSHELL, "Start-Sleep -Seconds 60")
