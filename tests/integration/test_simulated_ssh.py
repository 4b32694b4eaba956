"""Our simulated SSH server, judged by clients that we did not write: OpenSSH's ssh, sftp and scp, and paramiko."""

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import paramiko
import pytest
from paramiko.sftp import CMD_EXTENDED

from peers import GARBAGE
from servers import require, wait_until
from simulated import MOMENT, PASSWORD, USERNAME, Served, machine_with, served
from sshd import make_key
from unloop.model.host import System
from unloop.rehearsal.events import Happening
from unloop.rehearsal.machine import Machine
from unloop.rehearsal.ssh_host import make_ssh

CONTENT = b"faulty" + bytes(200_000)
FILES = {("etc", "bad.conf"): CONTENT, ("etc", "other.conf"): b"other", ("root", "home.txt"): b"home"}


@dataclass(frozen=True)
class Keys:
    """The host's key, the user's key that it takes, and a file of known hosts."""

    host: Path
    user: Path
    known_hosts: Path


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """Key pairs for all tests."""
    directory = tmp_path_factory.mktemp("keys")
    host, user = make_key(directory / "host"), make_key(directory / "user")
    known = directory / "known_hosts"
    known.write_text(f"* {host.with_suffix('.pub').read_text()}")
    return Keys(host, user, known)


def machine(keys: Keys, files: dict[tuple[str, ...], bytes], *, system: System = System.LINUX) -> Machine:
    """A machine with an SSH server's keys."""
    made = machine_with(files, system=system)
    made.state["ssh_host_key"] = keys.host.read_text()
    made.state["authorized_keys"] = keys.user.with_suffix(".pub").read_text()
    return made


@pytest.fixture
def host(keys: Keys) -> Iterator[Served]:
    """A simulated Linux host."""
    with served(machine(keys, FILES), make_ssh) as found:
        yield found


def options(keys: Keys, *, key: Path | None) -> list[str]:
    """The options of OpenSSH's programs: nothing from this machine's own configuration, and the host's key must be known."""
    given = {
        "UserKnownHostsFile": keys.known_hosts,
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "IdentitiesOnly": "yes",
        "PreferredAuthentications": "publickey" if key else "password",
        "NumberOfPasswordPrompts": 1,
        "User": USERNAME,
    }
    return [
        "-F",
        "/dev/null",
        *(["-i", str(key)] if key else []),
        *(f"-o{name}={value}" for name, value in given.items()),
    ]


def client(
    program: str,
    arguments: list[str],
    given: bytes = b"",
    *,
    askpass: Path | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run a program of OpenSSH's; ``askpass`` is a program that says the password."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    if askpass is not None:
        environment |= {"SSH_ASKPASS": str(askpass), "SSH_ASKPASS_REQUIRE": "force"}
    return subprocess.run(
        [require(program), *arguments], input=given, capture_output=True, check=False, timeout=60, env=environment
    )


def ssh(host: Served, keys: Keys, *command: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """OpenSSH's ssh, logged on by key."""
    return client("ssh", [*options(keys, key=keys.user), "-p", str(host.port), host.address, *command], given)


def sftp(host: Served, keys: Keys, *commands: str) -> subprocess.CompletedProcess[bytes]:
    """OpenSSH's sftp with a batch; it ends at the first command that fails, unless that begins with a dash."""
    arguments = [*options(keys, key=keys.user), "-b", "-", "-P", str(host.port), host.address]
    return client("sftp", arguments, "\n".join(commands).encode() + b"\n")


@contextlib.contextmanager
def transport(host: Served) -> Iterator[paramiko.Transport]:
    """A log-on by paramiko, by password."""
    link = paramiko.Transport((host.address, host.port))
    try:
        link.start_client(timeout=20)
        link.auth_password(USERNAME, PASSWORD, fallback=False)
        yield link
    finally:
        link.close()


@contextlib.contextmanager
def files(host: Served) -> Iterator[paramiko.SFTPClient]:
    """SFTP by paramiko."""
    with transport(host) as link:
        found = paramiko.SFTPClient.from_transport(link)
        assert found is not None
        with found:
            yield found


def ask_password(directory: Path, password: str) -> Path:
    """A program that says a password."""
    program = directory / "askpass"
    program.write_text(f"#!/bin/sh\necho '{password}'\n")
    program.chmod(0o700)
    return program


def test_a_password_logs_on(host: Served, keys: Keys, tmp_path: Path) -> None:
    """The account's password lets ssh in, which runs a command to its end."""
    arguments = [*options(keys, key=None), "-p", str(host.port), host.address, "cat /etc/other.conf; exit 3"]
    done = client("ssh", arguments, askpass=ask_password(tmp_path, PASSWORD))
    assert (done.returncode, done.stdout) == (3, b"other")


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD.lower()])
def test_a_wrong_password_is_refused(host: Served, keys: Keys, tmp_path: Path, password: str) -> None:
    """Another password lets nobody in, and is noted once."""
    arguments = [*options(keys, key=None), "-p", str(host.port), host.address, "true"]
    done = client("ssh", arguments, askpass=ask_password(tmp_path, password))
    assert (done.returncode, b"Permission denied" in done.stderr) == (255, True)
    assert len(host.machine.log.times(Happening.LOGON_REFUSED)) == 1


def test_a_key_logs_on_and_another_does_not(host: Served, keys: Keys, tmp_path: Path) -> None:
    """A key that is authorized lets ssh in; another key and another name do not."""
    assert ssh(host, keys, "echo in").stdout == b"in\n"
    arguments = ["-p", str(host.port), host.address, "true"]
    other = client("ssh", [*options(keys, key=make_key(tmp_path / "other")), *arguments])
    someone = client("ssh", ["-l", "someone", *options(keys, key=keys.user)[:-1], *arguments])
    assert (other.returncode, someone.returncode) == (255, 255)


def test_the_host_key_is_that_of_the_machine(host: Served, keys: Keys, tmp_path: Path) -> None:
    """A client that knows the key comes in; one that knows another key does not."""
    known = tmp_path / "known"
    known.write_text(f"* {make_key(tmp_path / 'other').with_suffix('.pub').read_text()}")
    wrong = Keys(keys.host, keys.user, known)
    assert ssh(host, keys, "true").returncode == 0
    assert b"Host key verification failed" in ssh(host, wrong, "true").stderr


def test_a_machine_without_a_key_makes_one_and_keeps_it(keys: Keys) -> None:
    """The key of a machine is the same over all its boots."""
    made = machine_with({}, system=System.LINUX)
    shown = []
    for _ in range(2):
        with served(made, make_ssh) as found, transport(found) as link:
            shown.append(link.get_remote_server_key().asbytes())
    assert shown[0] == shown[1]


def test_a_program_on_standard_input_is_run(host: Served, keys: Keys) -> None:
    """sh -s and a log-on shell take their program from the input; output and errors come apart, of any length."""
    program = (
        b"echo out; echo err >&2\ni=0; while [ $i -lt 99 ]; do i=$((i+1)); cat /etc/bad.conf; done >/dev/null\nexit 7\n"
    )
    for command in (("sh -s",), ("-T",)):
        done = ssh(host, keys, *command, given=program)
        assert (done.returncode, done.stdout, done.stderr) == (7, b"out\n", b"err\n")
    assert ssh(host, keys, "cat /etc/bad.conf /etc/bad.conf").stdout == CONTENT * 2


def test_a_command_that_wants_no_input_waits_for_none(host: Served) -> None:
    """A client that keeps its side open gets its answer all the same; a hidden wish for input is refused."""
    with transport(host) as link:
        for command, code in (("echo now", 0), ("sleep 0; true && cat", 2)):
            channel = link.open_session()
            channel.settimeout(20)
            channel.exec_command(command)
            assert channel.recv_exit_status() == code


def test_what_is_not_understood_is_said(host: Served, keys: Keys) -> None:
    """A program beyond the simulated shell ends with an error that says so."""
    done = ssh(host, keys, "awk 1 /etc/other.conf")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"this simulated host does not understand: the program awk" in done.stderr


def test_a_restart_is_ordered_over_ssh(host: Served, keys: Keys) -> None:
    """The machine restarts once, after the answer has come home."""
    done = ssh(host, keys, "nohup sh -c 'sleep 0.3; systemctl reboot' >/dev/null 2>&1 </dev/null & echo ordered")
    assert (done.stdout, host.machine.boots) == (b"ordered\n", 0)
    wait_until(lambda: host.machine.boots == 1, what="the restart")
    assert len(host.machine.log.times(Happening.RESTART)) == 1


def test_an_order_dies_with_its_boot(host: Served) -> None:
    """A program that was still coming in when the host crashed is not run, and a restart does not reach the next boot."""
    with transport(host) as link:
        channel = link.open_session()
        channel.exec_command("sh -s")
        channel.sendall(b"mv /etc/other.conf /etc/moved\n")
        soon = link.open_session()
        soon.exec_command("sleep 0.2; PATH=/sbin; reboot")
        link.open_session().close()
        host.loop.run(crash(host.machine))
        channel.shutdown_write()
        assert b"other.conf" in command(link, "sleep 0.4; ls /etc")
    assert host.machine.log.times(Happening.RESTART) == ()


def command(link: paramiko.Transport, text: str) -> bytes:
    """What a command says."""
    channel = link.open_session()
    channel.settimeout(20)
    channel.exec_command(text)
    return channel.makefile("rb").read()


async def crash(machine: Machine) -> None:
    """What a crash changes that others see."""
    machine.boots += 1


def test_forwarding_and_terminals_are_refused(host: Served, keys: Keys) -> None:
    """Nothing of the operator's network can be reached through a simulated host."""
    arguments = [*options(keys, key=keys.user), "-p", str(host.port)]
    through = client("ssh", [*arguments, "-W", f"{host.address}:{host.port}", host.address])
    assert (through.returncode != 0, b"open failed" in through.stderr) == (True, True)
    back = client("ssh", [*arguments, "-oExitOnForwardFailure=yes", "-R", "0:127.0.0.1:1", host.address, "true"])
    assert back.returncode != 0
    assert ssh(host, keys, "-A", "echo $SSH_AUTH_SOCK").stdout == b"\n"


def test_files_by_sftp(host: Served, keys: Keys, tmp_path: Path) -> None:
    """OpenSSH's sftp lists, gets, puts, renames, makes and removes."""
    (tmp_path / "local").write_bytes(CONTENT)
    done = sftp(
        host,
        keys,
        "pwd",
        "ls -l /etc",
        f"get -p /etc/bad.conf {tmp_path}/got",
        "mkdir /etc/new",
        f"put -f {tmp_path}/local /etc/new/put",
        "rename /etc/other.conf /etc/new/renamed",
        "rm /etc/bad.conf",
        "mkdir sub",
        "rmdir sub",
        f"get home.txt {tmp_path}/home",
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"Remote working directory: /root" in done.stdout
    assert b"200006 Jul 19" in done.stdout
    assert (tmp_path / "got").read_bytes() == CONTENT
    assert (tmp_path / "got").stat().st_mtime == MOMENT.timestamp()
    assert (tmp_path / "home").read_bytes() == b"home"
    assert (host.names("etc"), host.names("etc", "new"), host.names("root")) == (
        ["new"],
        ["put", "renamed"],
        ["home.txt"],
    )
    assert host.content("etc", "new", "put") == CONTENT


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("get /etc/none", b"not found"),
        ("rename -l /etc/bad.conf /etc/other.conf", b"Failure"),
        ("rename /etc/none /etc/x", b"No such file"),
        ("rename /etc /etc/below", b"Bad message"),
        ("rm /etc", b"Failure"),
        ("rm /none", b"No such file"),
        ("rmdir /etc", b"Failure"),
        ("rmdir /etc/bad.conf", b"No such file"),
        ("mkdir /etc", b"Failure"),
        ("mkdir /none/x", b"No such file"),
        ("mkdir /etc/bad.conf/x", b"No such file"),
        ("ls /none", b"not found"),
        ("ln -s /etc/bad.conf /etc/link", b"unsupported"),
        ("ln /etc/bad.conf /etc/link", b"unsupported"),
        ("chown 7 /etc/bad.conf", b"unsupported"),
        ("df /", b""),
    ],
)
def test_what_sftp_can_not_do_is_told(host: Served, keys: Keys, command: str, reason: bytes) -> None:
    """Each refusal comes with the status that OpenSSH's server has for it, and changes nothing."""
    done = sftp(host, keys, command)
    assert (done.returncode, reason.lower() in done.stderr.lower()) == (1, True), done.stderr
    assert (host.names("etc"), host.content("etc", "other.conf")) == (["bad.conf", "other.conf"], b"other")


def test_scp_copies_over_sftp_alone(host: Served, keys: Keys, tmp_path: Path) -> None:
    """Today's scp goes over SFTP; the old protocol is a program that this host has not."""
    arguments = [*options(keys, key=keys.user), "-P", str(host.port), f"{host.address}:/etc/other.conf", str(tmp_path)]
    assert (client("scp", arguments).returncode, (tmp_path / "other.conf").read_bytes()) == (0, b"other")
    assert client("scp", ["-O", *arguments]).returncode != 0


def test_paramiko_sees_the_same_files(host: Served) -> None:
    """Sizes, times, parts of files, appending, truncating and protection, by another client."""
    with files(host) as client:
        found = {item.filename: item for item in client.listdir_attr("/etc")}
        assert (found["bad.conf"].st_size, found["bad.conf"].st_mtime) == (len(CONTENT), int(MOMENT.timestamp()))
        with client.open("/etc/bad.conf", "rb") as file:
            file.seek(3)
            assert file.read(5) == b"lty\0\0"
            file.seek(len(CONTENT))
            assert file.read(5) == b""
        with client.open("/etc/other.conf", "a") as file:
            file.write(b"+")
        with client.open("/etc/other.conf", "r+") as file:
            file.seek(8)
            file.write(b"!")
        assert host.content("etc", "other.conf") == b"other+\0\0!"
        client.truncate("/etc/other.conf", 2)
        client.utime("/etc/other.conf", (0, 86400))
        client.chmod("/etc/other.conf", 0o444)
        client.chmod("/etc", 0o500)
    node = host.machine.files.stat(("etc", "other.conf"))
    assert (node.content, node.modified, node.read_only) == (b"ot", datetime.fromtimestamp(86400, UTC), True)


def test_names_are_never_overwritten_unless_asked(host: Served) -> None:
    """SFTP's rename and an exclusive open refuse a name that is taken; OpenSSH's posix-rename replaces it."""
    with files(host) as client:
        with pytest.raises(OSError, match="ailure"):
            client.rename("/etc/bad.conf", "/etc/other.conf")
        with pytest.raises(OSError, match="ailure"):
            client.open("/etc/other.conf", "wx")
        assert host.content("etc", "other.conf") == b"other"
        client.posix_rename("/etc/bad.conf", "/etc/other.conf")
        with pytest.raises(OSError, match="ailure"):
            client.posix_rename("/etc/other.conf", "/root")
    assert (host.names("etc"), host.content("etc", "other.conf")) == (["other.conf"], CONTENT)


def test_root_is_not_stopped_by_protection(host: Served) -> None:
    """What may not be written is written, replaced and deleted all the same, as root does on Linux."""
    host.machine.files.change(("etc", "other.conf"), modified=MOMENT, read_only=True)
    host.machine.files.change(("etc", "bad.conf"), modified=MOMENT, read_only=True)
    with files(host) as client:
        with client.open("/etc/other.conf", "w") as file:
            file.write(b"new")
        client.posix_rename("/etc/other.conf", "/etc/bad.conf")
        assert host.content("etc", "bad.conf") == b"new"
        client.remove("/etc/bad.conf")
    assert host.names("etc") == []


def test_files_and_directories_can_be_synced(host: Served) -> None:
    """fsync@openssh.com is answered, for directories too; statvfs and a file that is too large are refused."""
    with files(host) as client:
        for path in ("/etc/bad.conf", "/etc"):
            with client.open(path, "r") as file:
                client._request(CMD_EXTENDED, "fsync@openssh.com", file.handle)
        with pytest.raises(OSError, match="no such thing here"):
            client._request(CMD_EXTENDED, "statvfs@openssh.com", "/etc")
        with pytest.raises(OSError, match="ailure"):
            client.truncate("/etc/bad.conf", 1 << 40)
        with client.open("/etc/large", "w", 0) as file:
            file.seek(1 << 40)
            with pytest.raises(OSError, match="ailure"):
                file.write(b"x")
        with client.open("/etc", "r") as file, pytest.raises(OSError, match="ailure"):
            file.read(1)
    assert host.content("etc", "large") == b""


def test_a_windows_host_has_its_drive(keys: Keys) -> None:
    """Paths are /C:/... without regard to case; read-only files are protected, and commands are cmd's."""
    driver = ("Windows", "System32", "drivers", "bad.sys")
    with served(
        machine(keys, {driver: CONTENT, ("Users", "Administrator", "x"): b""}, system=System.WINDOWS), make_ssh
    ) as found:
        found.machine.files.change(driver, modified=MOMENT, read_only=True)
        with files(found) as client:
            assert client.normalize(".") == "/C:/Users/Administrator"
            assert client.listdir("/c:/windows/system32/DRIVERS") == ["bad.sys"]
            assert client.stat("C:\\Windows\\System32\\drivers\\bad.sys").st_size == len(CONTENT)
            with pytest.raises(PermissionError):
                client.remove("/C:/Windows/System32/drivers/bad.sys")
            with pytest.raises(FileNotFoundError):
                client.stat("/D:/x")
            client.chmod("/C:/Windows/System32/drivers/bad.sys", 0o666)
            client.remove("/C:/Windows/System32/drivers/bad.sys")
        assert ssh(found, keys, r"echo a> C:\Windows\note & type C:\Windows\note").stdout == b"a \r\n"
        assert ssh(found, keys, "powershell -NoProfile -Command -", given=b"'in'; exit 3\n").returncode == 3
        assert ssh(found, keys, "-T").returncode == 1


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"SSH-2.0-x\r\n",
        b"SSH-1.5-x\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"SSH-2.0-x\r\n\0\0\x00\x0c\x0a\x14",
        b"\xff" * 70000,
    ],
)
def test_garbage_harms_nobody(host: Served, keys: Keys, start: bytes) -> None:
    """Whoever talks garbage is hung up on, or ignored; the next client is served."""
    with socket.create_connection((host.address, host.port), timeout=20) as peer, contextlib.suppress(ConnectionError):
        peer.sendall(start + GARBAGE)
        peer.shutdown(socket.SHUT_WR)
        while peer.recv(65536):
            pass
    assert ssh(host, keys, "echo still here").stdout == b"still here\n"
