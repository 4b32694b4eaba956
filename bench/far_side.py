"""The servers of round_trips.py, in the far namespace of a delayed link: ``far_side.py DIRECTORY``.

It says ``here``, waits for a line, and then prints one JSON line: what a client must know of each server, or why there is
none. After that every JSON line is answered by one: ``["restore", NAME]`` makes a server's files what they were, and
``["moved", NAME]`` tells when the bad one went.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from ssl import TLSVersion
from typing import Any, TextIO

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import pytest
from bad_file import AT
from delayed_link import far, settle_far_side
from timed_files import TimedDirectory, TimedFiles, TimedTree

from simulated import PASSWORD, USERNAME, machine_with, served
from smbd import smbd
from sshd import make_key, sshd
from unloop.model.host import System
from unloop.rehearsal.boot_marks import stamp
from unloop.rehearsal.certificate import issue, tls_of
from unloop.rehearsal.gate import Serve
from unloop.rehearsal.machine import Machine
from unloop.rehearsal.smb_host import make_smb
from unloop.rehearsal.ssh_host import make_ssh
from unloop.rehearsal.winrm_host import make_winrm

ANY = "0.0.0.0"  # noqa: S104 - the namespace has no network but the delayed link
PATIENCE = 5.0
Told = dict[str, Any]


@dataclass(frozen=True)
class Server:
    """A server at work: what a client must know of it, its files, and how to do something while it does nothing."""

    told: Told
    files: TimedFiles
    between: Callable[[Callable[[], Any]], Any] = lambda work: work()


@contextmanager
def simulated(make: Callable[[Machine], Serve], system: System = System.WINDOWS, **told: Any) -> Iterator[Server]:
    """A simulated host, the same at every address."""
    machine = machine_with({}, system=system)
    machine.spec = replace(machine.spec, address=ANY)
    tree = machine.files = TimedTree(case_sensitive=system is System.LINUX)
    stamp(tree, system, AT, machine.random)
    machine.state.update(told.pop("state", {}))
    with served(machine, make) as found:

        async def do(work: Callable[[], Any]) -> Any:
            return work()

        account = {"username": USERNAME, "password": PASSWORD}
        yield Server({"port": found.port, **account, **told}, tree, lambda work: found.loop.run(do(work)))


@contextmanager
def simulated_tls(directory: Path, most: TLSVersion) -> Iterator[Server]:
    """A simulated WinRM host that speaks HTTPS up to a version, with a certificate for the first address."""
    tls = tls_of(directory / "server.pem")
    tls.context.maximum_version = most
    with simulated(lambda machine: make_winrm(machine, tls), authority=str(directory / "authority.pem")) as server:
        yield server


@contextmanager
def simulated_ssh(directory: Path) -> Iterator[Server]:
    """A simulated Linux host."""
    host_key, key = make_key(directory / "simulated_host_key"), make_key(directory / "simulated_user_key")
    state = {"ssh_host_key": host_key.read_text(), "authorized_keys": key.with_suffix(".pub").read_text()}
    told = {"host_key": host_key.with_suffix(".pub").read_text(), "key": str(key), "root": "/"}
    with simulated(make_ssh, System.LINUX, state=state, **told) as server:
        yield server


@contextmanager
def samba(directory: Path) -> Iterator[Server]:
    """Samba's smbd, at every address."""
    _demand_users()
    with smbd(directory / "smbd", "bind interfaces only = no", address=far(0)) as server:
        files = TimedDirectory(server.root)
        (server.root / "pagefile.sys").touch()
        yield Server({"port": server.port, "username": server.username, "password": server.password}, files)


@contextmanager
def openssh(directory: Path) -> Iterator[Server]:
    """OpenSSH's sshd, at the first address."""
    _demand_users()
    with sshd(directory / "sshd", address=far(0)) as server:
        root = directory / "root"
        told = {"port": server.port, "username": server.username, "key": str(server.key), "root": str(root)}
        host_key = (directory / "sshd" / "host_key.pub").read_text()
        yield Server({**told, "host_key": host_key}, TimedDirectory(root))


def _demand_users() -> None:
    """Real servers change to users of fewer rights; a namespace that is not root's has none (user_namespaces(7))."""
    if int(Path("/proc/self/uid_map").read_text(encoding="ascii").split()[2]) == 1:
        pytest.skip("it needs more than one user, so run this as root")


def servers(directory: Path) -> dict[str, Callable[[], AbstractContextManager[Server]]]:
    """Every server, by name."""
    issued = issue([far(0)])
    (directory / "server.pem").write_bytes(issued.server)
    (directory / "authority.pem").write_bytes(issued.authority)
    return {
        "winrm": lambda: simulated(make_winrm),
        "winrm tls 1.3": lambda: simulated_tls(directory, TLSVersion.TLSv1_3),
        "winrm tls 1.2": lambda: simulated_tls(directory, TLSVersion.TLSv1_2),
        "smb": lambda: simulated(make_smb),
        "smbd": lambda: samba(directory),
        "ssh": lambda: simulated_ssh(directory),
        "sshd": lambda: openssh(directory),
    }


def answered(server: Server, what: str) -> float | None:
    """Carry out one order."""
    if what == "restore":
        server.between(server.files.restore)
        return None
    end = time.monotonic() + PATIENCE
    while (moved := server.files.moved()) is None and time.monotonic() < end:
        time.sleep(0.01)
    return moved


def orders() -> TextIO:
    """Standard input, kept from the servers: smbd in the foreground would read it."""
    kept = os.fdopen(os.dup(0))
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), 0)
    return kept


def main(directory: Path) -> None:
    """Serve until standard input ends."""
    given = orders()
    print("here", flush=True)
    given.readline()
    settle_far_side()
    with ExitStack() as stack:
        found: dict[str, Server] = {}
        missing: dict[str, str] = {}
        for name, start in servers(directory).items():
            try:
                found[name] = stack.enter_context(start())
            except (pytest.skip.Exception, pytest.fail.Exception) as error:
                missing[name] = str(error)
        print(json.dumps([{name: server.told for name, server in found.items()}, missing]), flush=True)
        for line in given:
            what, name = json.loads(line)
            print(json.dumps(answered(found[name], what)), flush=True)


if __name__ == "__main__" and len(sys.argv) > 1:
    main(Path(sys.argv[1]))
