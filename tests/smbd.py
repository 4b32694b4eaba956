"""A real smbd of Samba's on a loopback address: own configuration, one user, no rights that the test has not."""

import contextlib
import getpass
import subprocess
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from servers import answers, free_port, require, running, wait_until

PASSWORD = "canary-Passw0rd"


@dataclass(frozen=True)
class Smbd:
    """A running smbd. ``root`` is what the share ``C$`` holds; ``denied`` is a share that lets nobody in."""

    address: str
    port: int
    root: Path
    username: str
    password: str = PASSWORD


@contextlib.contextmanager
def smbd(directory: Path, *settings: str, address: str = "127.0.0.8") -> Iterator[Smbd]:
    """Run smbd for the length of a with block; ``settings`` are further global lines of smb.conf."""
    program, smbpasswd = require("smbd"), require("pdbedit")
    root = directory / "c"
    root.mkdir(parents=True)
    state = directory / "state"
    state.mkdir()
    port, user = free_port(address), getpass.getuser()
    configuration = directory / "smb.conf"
    configuration.write_text(_configuration(state, root, address, user, settings))
    _add_user(smbpasswd, configuration, user)
    arguments = [program, "--foreground", "--no-process-group", "--debug-stdout", f"--configfile={configuration}"]
    with running([*arguments, f"--port={port}"], log=directory / "smbd.log", start_new_session=True):
        wait_until(lambda: answers(address, port), what="smbd")
        yield Smbd(address, port, root, user)


def _configuration(state: Path, root: Path, address: str, user: str, settings: tuple[str, ...]) -> str:
    directories = "\n".join(
        f"    {name} = {state}"
        for name in (
            "private dir",
            "lock directory",
            "state directory",
            "cache directory",
            "pid directory",
            "ncalrpc dir",
        )
    )
    head = f"""\
    [global]
        server role = standalone server
        security = user
        passdb backend = tdbsam:{state}/passdb.tdb
        interfaces = {address}/8
        bind interfaces only = yes
        disable netbios = yes
        load printers = no
        printcap name = /dev/null
        server signing = mandatory
        server min protocol = SMB2
        map to guest = never
        log level = 1
        store dos attributes = no
        map archive = no
    """
    shares = f"""
    [C$]
        path = {root}
        read only = no
        valid users = {user}
    [denied]
        path = {root}
        valid users = nobody
    [sealed]
        path = {root}
        read only = no
        server smb encrypt = required
    [fixed]
        path = {root}
        read only = yes
    """
    lines = "\n".join(f"    {line}" for line in settings)
    return "\n".join([textwrap.dedent(head), directories, lines, textwrap.dedent(shares)])


def _add_user(pdbedit: str, configuration: Path, user: str) -> None:
    subprocess.run(
        [pdbedit, f"--configfile={configuration}", "--create", f"--user={user}", "--password-from-stdin"],
        input=f"{PASSWORD}\n{PASSWORD}\n".encode(),
        check=True,
        capture_output=True,
    )
