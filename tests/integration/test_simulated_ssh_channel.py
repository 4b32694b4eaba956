"""Our own SSH channel and strike on a simulated Linux host."""

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulated import MOMENT, PASSWORD, USERNAME, Served, machine_with, served
from sshd import make_key
from unloop.actions.compile import compile_order
from unloop.channels.base import Deadline, Target
from unloop.channels.ssh import SshChannel
from unloop.channels.strike.registry import strike_for
from unloop.errors import AccessDenied, LogonRefused, NotFound, UntrustedPeer
from unloop.model.host import System
from unloop.model.order import Order, Shell
from unloop.model.report import Verdict
from unloop.playbook.document import Playbook, Step
from unloop.rehearsal.boot_marks import BOOT_ID
from unloop.rehearsal.faults import registry_key
from unloop.rehearsal.ssh_host import make_ssh
from unloop.secrets.secret import Credential, Secret

CONTENT = b"faulty" + bytes(200_000)
IDENTITY = "0f1e2d3c-4b5a-4978-8796-a5b4c3d2e1f0"
FILES = {
    ("etc", "bad.conf"): CONTENT,
    ("etc", "other.conf"): b"o",
    BOOT_ID: f"{IDENTITY}\n".encode(),
    ("root", "x"): b"",
}


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The host's key."""
    return make_key(tmp_path_factory.mktemp("keys") / "host")


@pytest.fixture
def host(key: Path) -> Iterator[Served]:
    """A simulated Linux host."""
    machine = machine_with(FILES, system=System.LINUX)
    machine.state["ssh_host_key"] = key.read_text()
    with served(machine, make_ssh) as found:
        yield found


def target(host: Served, key: Path, directory: Path, *, password: str = PASSWORD, **options: str) -> Target:
    """The host with its key known, as our channel sees it."""
    known = directory / "known_hosts"
    known.write_text(f"[{host.address}]:{host.port} {key.with_suffix('.pub').read_text()}")
    credential = Credential("c", USERNAME, Secret(password), "a")
    return Target("host-1", host.address, host.port, credential, {"known_hosts": str(known), **options})


def order(*actions: Step) -> Order:
    """An order for a Linux host."""
    return compile_order(Playbook("p", "t", System.LINUX, actions=actions, path="p.yml"), campaign="c1")


def test_files_are_listed_read_hashed_moved_written_and_deleted(host: Served, key: Path, tmp_path: Path) -> None:
    """Every operation of the channel does what it says, and overwrites nothing."""
    with SshChannel(target(host, key, tmp_path), Deadline.after(20)) as ssh:
        found = {entry.name: entry for entry in ssh.list_directory("/etc")}
        assert (found["bad.conf"].size, found["bad.conf"].modified) == (len(CONTENT), MOMENT)
        assert ssh.read("/etc/bad.conf", limit=6) == b"faulty"
        assert ssh.sha256("/etc/bad.conf") == hashlib.sha256(CONTENT).hexdigest()
        ssh.move("/etc/bad.conf", "/var/q/1/bad.q")
        with pytest.raises(AccessDenied, match="nothing is overwritten"):
            ssh.move("/etc/other.conf", "/var/q/1/bad.q")
        ssh.write("/new/f", CONTENT)
        with pytest.raises(AccessDenied, match="nothing is overwritten"):
            ssh.write("/new/f", b"other")
        ssh.delete("/etc/other.conf")
        with pytest.raises(NotFound):
            ssh.delete("/etc/other.conf")
        assert ssh.boot_identity().value == IDENTITY
    assert (host.names("etc"), host.content("var", "q", "1", "bad.q")) == ([], CONTENT)
    assert host.content("new", "f") == CONTENT


def test_a_program_runs_to_its_end(host: Served, key: Path, tmp_path: Path) -> None:
    """Exit code, output and errors come back, and a long program goes through."""
    with SshChannel(target(host, key, tmp_path), Deadline.after(20)) as ssh:
        done = ssh.run(Shell.SH, f"# {'x' * 100_000}\necho out; echo err >&2; exit 3")
    assert (done.exit_code, done.stdout, done.stderr) == (3, "out\n", "err\n")


def test_a_wrong_password_and_another_key_are_told_apart(host: Served, key: Path, tmp_path: Path) -> None:
    """The log-on is refused, or the host is not trusted."""
    with pytest.raises(LogonRefused), SshChannel(target(host, key, tmp_path, password="wrong"), Deadline.after(20)):
        pass
    other = make_key(tmp_path / "other")
    with pytest.raises(UntrustedPeer), SshChannel(target(host, other, tmp_path), Deadline.after(20)):
        pass


@pytest.mark.parametrize(
    ("action", "verdict"),
    [
        (Step("quarantine_file", {"path": "/etc/bad*.conf", "guard": {"header": CONTENT[:6].hex()}}), Verdict.LANDED),
        (Step("quarantine_file", {"path": "/etc/bad*.conf", "guard": {"header": "00"}}), Verdict.SUSPICIOUS),
        (
            Step("run_script", {"shell": "sh", "script": "mv /etc/bad.conf /etc/x && echo unloop-changed"}),
            Verdict.LANDED,
        ),
        (Step("run_script", {"shell": "sh", "script": "false"}), Verdict.FAILED),
    ],
)
def test_a_strike_lands(host: Served, key: Path, tmp_path: Path, action: Step, verdict: Verdict) -> None:
    """The strike carries the order as files or as a program, and comes back with the verdict and the boot."""
    strike = strike_for("ssh")
    assert strike is not None
    report, boot = asyncio.run(strike(target(host, key, tmp_path), order(action)).fire(None, Deadline.after(20)))
    assert report.verdict is verdict
    assert boot is not None
    assert boot.value == IDENTITY
    assert ("bad.conf" in host.names("etc")) is (verdict is not Verdict.LANDED)


DRIVERS = ("Windows", "System32", "drivers")
PAGE_FILE = ("pagefile.sys",)


@pytest.fixture
def windows(key: Path) -> Iterator[Served]:
    """A simulated Windows host with OpenSSH."""
    machine = machine_with({(*DRIVERS, "bad-ü.sys"): CONTENT, PAGE_FILE: b""})
    machine.state["ssh_host_key"] = key.read_text()
    with served(machine, make_ssh) as found:
        yield found


def test_powershell_runs_on_windows(windows: Served, key: Path, tmp_path: Path) -> None:
    """A program of any length goes in by the standard input; its text and its exit code come back."""
    program = f"# {'x' * 100_000}\nWrite-Output 'größe'; exit 3"
    with SshChannel(target(windows, key, tmp_path, shell="powershell"), Deadline.after(20)) as ssh:  # noqa: S604
        done = ssh.run(Shell.POWERSHELL, program)
        line = ssh.run(Shell.CMD, "echo out& exit 4")
        boot = ssh.boot_identity()
    assert (done.exit_code, done.stdout, done.stderr) == (3, "größe\r\n", "")
    assert (line.exit_code, line.stdout) == (4, "out\r\n")
    assert boot.source == "sftp:pagefile.sys"


@pytest.mark.parametrize(
    "action",
    [
        Step("quarantine_file", {"path": "C:\\Windows\\System32\\drivers\\bad-*.sys"}),
        Step("disable_driver", {"name": "baddrv"}),
    ],
)
def test_a_strike_lands_on_windows(windows: Served, key: Path, tmp_path: Path, action: Step) -> None:
    """Over SFTP, or by a PowerShell program where files do not carry the remedy."""
    windows.machine.state["registry"] = {registry_key("HKLM\\SYSTEM\\ControlSet001\\Services\\baddrv\\Start"): 1}
    found = compile_order(Playbook("p", "t", System.WINDOWS, actions=(action,), path="p.yml"), campaign="c1")
    strike = strike_for("ssh")
    assert strike is not None
    where = target(windows, key, tmp_path, shell="powershell")  # noqa: S604
    report, boot = asyncio.run(strike(where, found).fire(None, Deadline.after(20)))
    assert (report.verdict, boot is not None) == (Verdict.LANDED, True)
