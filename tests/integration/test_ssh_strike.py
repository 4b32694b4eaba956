"""The strike over SSH on connections and turns that are given to it: one connection, one log-on, none when called off."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import peers
from servers import free_port, wait_until
from simulated import PASSWORD, USERNAME, Served, machine_with, served
from sshd import Sshd, make_key, sshd
from unloop.channels.base import Deadline, Target
from unloop.channels.strike.base import Landed
from unloop.channels.strike.ssh import SshStrike
from unloop.errors import ConnectionLost, LogonUndecided, Unsupported
from unloop.model.files import Disposition, FileGuard, FileOrder
from unloop.model.host import System
from unloop.model.order import Order
from unloop.model.report import Verdict
from unloop.rehearsal.ssh_host import make_ssh
from unloop.secrets.secret import Credential, Secret

BAD = ("etc", "bad.conf")


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The key of the simulated host."""
    return make_key(tmp_path_factory.mktemp("keys") / "host")


@pytest.fixture
def host(key: Path) -> Iterator[Served]:
    """A simulated Linux host with a bad file."""
    machine = machine_with({BAD: b"faulty", ("root", "x"): b""}, system=System.LINUX)
    machine.state["ssh_host_key"] = key.read_text()
    with served(machine, make_ssh) as found:
        yield found


def strike(host: Served, key: Path, directory: Path, *, password: str = PASSWORD, port: int = 0) -> SshStrike:
    """A strike at the bad file, of a host that the inventory may know by another port."""
    known, port = directory / "known_hosts", port or host.port
    known.write_text(f"[{host.address}]:{port} {key.with_suffix('.pub').read_text()}")
    credential = Credential("c", USERNAME, Secret(password), "a")
    target = Target("host-1", host.address, port, credential, {"known_hosts": str(known)})
    return SshStrike(target, order("/etc/bad*.conf"))


def order(pattern: str, quarantine: str = "/var/q") -> Order:
    """Move a file aside that begins as the bad one does."""
    guard = FileGuard(header=b"faulty".hex())
    return Order("d", files=(FileOrder("quarantine_file", Disposition.QUARANTINE, pattern, guard, quarantine),))


def opened(address: str, port: int) -> socket.socket:
    """A connection as a probe hands it over."""
    sock = socket.create_connection((address, port))
    sock.setblocking(False)
    return sock


def no_thread_is_left() -> bool:
    """Whether paramiko's threads have ended."""
    return not any("aramiko" in type(thread).__module__ for thread in threading.enumerate())


def test_the_open_connection_is_used_and_closed(host: Served, key: Path, tmp_path: Path) -> None:
    """The strike lands over the socket that it is given, connects to nobody, and leaves no thread behind."""
    sock = opened(host.address, host.port)
    made = strike(host, key, tmp_path, port=free_port(host.address))
    report, _ = asyncio.run(made.fire(sock, Deadline.after(20)))
    assert (report.verdict, sock.fileno()) == (Verdict.LANDED, -1)
    assert not host.machine.files.exists(BAD)
    wait_until(no_thread_is_left, what="the end of every thread")


def test_the_turn_is_taken_right_before_the_log_on(host: Served, key: Path, tmp_path: Path) -> None:
    """Nothing of the account was shown before it came, and the strike says what it waits for."""
    made, seen = strike(host, key, tmp_path), list[str]()

    async def turn() -> None:
        seen.append(made.step)
        await asyncio.sleep(0)

    asyncio.run(made.fire(opened(host.address, host.port), Deadline.after(20), turn))
    assert seen == ["log on"]


def test_a_turn_that_does_not_come_is_the_strike_s_error(host: Served, key: Path, tmp_path: Path) -> None:
    """Nobody logged on, so a wrong password was not judged either."""

    async def turn() -> None:
        raise LogonUndecided("not now")

    made = strike(host, key, tmp_path, password="wrong")
    with pytest.raises(LogonUndecided, match="not now") as caught:
        asyncio.run(made.fire(None, Deadline.after(20), turn))
    assert (caught.value.host, host.machine.log.events) == ("host-1", [])


@pytest.mark.parametrize("calls_off", [True, False])
def test_a_strike_that_is_called_off_logs_nobody_on(
    host: Served, key: Path, tmp_path: Path, *, calls_off: bool
) -> None:
    """Whether it is cancelled while it waits for its turn, or its connection is taken away."""
    made, sock = strike(host, key, tmp_path, password="wrong"), opened(host.address, host.port)

    async def run() -> Landed:
        waiting, never = asyncio.Event(), asyncio.Event()

        async def turn() -> None:
            waiting.set()
            await never.wait()

        task = asyncio.create_task(made.fire(sock, Deadline.after(20), turn))
        await waiting.wait()
        if calls_off:
            task.cancel()
        else:
            sock.shutdown(socket.SHUT_RDWR)
            never.set()
        return await task

    with pytest.raises((asyncio.CancelledError, ConnectionLost)):
        asyncio.run(run())
    wait_until(no_thread_is_left, what="the end of every thread")
    assert (sock.fileno(), host.machine.log.events) == (-1, [])


def test_a_connection_that_is_taken_away_ends_the_strike(tmp_path: Path) -> None:
    """A host that keeps silent costs no more than the window."""
    target = Target("host-1", "127.0.0.10", 0, Credential("c", "u", Secret("p"), "a"), {"known_hosts": "/none"})
    with peers.peer(peers.silent, "127.0.0.10") as port:
        sock = opened("127.0.0.10", port)

        async def run() -> Landed:
            task = asyncio.create_task(SshStrike(target, order("/x")).fire(sock, Deadline.after(20)))
            await asyncio.sleep(0.1)
            sock.shutdown(socket.SHUT_RDWR)
            return await task

        with pytest.raises(ConnectionLost):
            asyncio.run(run())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A real sshd."""
    with sshd(tmp_path_factory.mktemp("sshd"), address="127.0.0.12") as running:
        yield running


def test_an_exact_name_moves_a_plain_file_only(server: Sshd, tmp_path: Path) -> None:
    """A link of that name stays where it is, and so does a directory; a file moves, with its size and time told."""
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "directory").mkdir()
    (tmp_path / "file").write_bytes(b"faulty")
    credential = Credential("c", server.username, Secret(""), "a", key=Secret(server.key.read_text()))
    target = Target("host-1", server.address, server.port, credential, {"known_hosts": str(server.known_hosts)})
    verdicts = {}
    for name in ("link", "directory", "none", "file"):
        what = order(f"{tmp_path}/{name}", f"{tmp_path}/q/c1")
        report, boot = asyncio.run(SshStrike(target, what).fire(None, Deadline.after(20)))
        verdicts[name] = report.verdict
        assert boot is not None
        assert boot.source == "linux:boot_id"
    none = Verdict.NO_MATCH
    assert verdicts == {"link": none, "directory": none, "none": none, "file": Verdict.LANDED}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["directory", "link", "q"]
    assert report.actions[0].files[0].size == len(b"faulty")


def test_an_order_without_a_form_is_unsupported_with_the_host_s_name(server: Sshd) -> None:
    """It is said after the log-on only, as the host's shell is an option."""
    credential = Credential("c", server.username, Secret(""), "a", key=Secret(server.key.read_text()))
    target = Target("host-1", server.address, server.port, credential, {"known_hosts": str(server.known_hosts)})
    with pytest.raises(Unsupported) as caught:
        asyncio.run(SshStrike(target, Order("d")).fire(None, Deadline.after(20)))
    assert caught.value.host == "host-1"
