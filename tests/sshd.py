"""A real OpenSSH sshd on a loopback address, with host and user keys of its own, started without rights."""

import contextlib
import getpass
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from servers import answers, free_port, require, running, wait_until


@dataclass(frozen=True)
class Sshd:
    """A running sshd. ``known_hosts`` holds its host key, ``key`` the private key that it lets in."""

    address: str
    port: int
    username: str
    key: Path
    known_hosts: Path


@contextlib.contextmanager
def sshd(directory: Path, *, address: str = "127.0.0.9", host_key: Path | None = None) -> Iterator[Sshd]:
    """Run sshd for the length of a with block. Password log-on needs root, so it is switched off."""
    program = require("sshd", "/usr/sbin")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # sshd wants it when it runs as root, and only then
    directory.mkdir(parents=True, exist_ok=True)
    host_key, key = host_key or make_key(directory / "host_key"), make_key(directory / "user_key")
    port = free_port(address)
    authorized = directory / "authorized_keys"
    authorized.write_text(key.with_suffix(".pub").read_text())
    known = directory / "known_hosts"
    known.write_text(f"[{address}]:{port} {host_key.with_suffix('.pub').read_text()}")
    configuration = directory / "sshd_config"
    lines = {
        "ListenAddress": f"{address}:{port}",
        "HostKey": host_key,
        "AuthorizedKeysFile": authorized,
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "Subsystem": "sftp internal-sftp",
        "LogLevel": "VERBOSE",
    }
    configuration.write_text("".join(f"{name} {value}\n" for name, value in lines.items()))
    with running([program, "-D", "-e", "-f", str(configuration)], log=directory / "sshd.log"):
        wait_until(lambda: answers(address, port), what="sshd")
        yield Sshd(address, port, getpass.getuser(), key, known)


def make_key(path: Path, kind: str = "ed25519") -> Path:
    """A new key pair without a passphrase."""
    program = require("ssh-keygen")
    subprocess.run(
        [program, "-q", "-t", kind, "-N", "", "-C", path.name, "-f", str(path)], check=True, capture_output=True
    )
    return path
