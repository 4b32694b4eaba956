"""How other people's clients repair a host over SSH: paramiko, asyncssh, and OpenSSH's own program."""

import asyncio
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import asyncssh
import paramiko
from bad_file import AT, BEFORE, CONTENT, DRIVERS, NAME, PATTERN
from delayed_link import far
from tools import BY_HEADER, BY_TIMES, EXACT, Run, Told, Tool, known_hosts


def peers_ssh(servers: Mapping[str, Told], directory: Path) -> list[Tool]:
    """Each client by SFTP, the program by a command."""
    tools = []
    for server in ("ssh", "sshd"):
        if told := servers.get(server):
            known = known_hosts(told, directory / f"known_to_peers_{server}")
            for task, work in ((EXACT, _rename), (BY_TIMES, _by_times), (BY_HEADER, _by_header)):
                tools.append(Tool("paramiko", server, task, "SFTP", _paramiko(told, known, work)))
            tools.append(Tool("asyncssh", server, EXACT, "SFTP", _asyncssh(told, known)))
            if program := shutil.which("ssh"):
                tools.append(Tool("ssh", server, EXACT, "mv", _program(program, told, known)))
    return tools


def place_of(told: Told) -> str:
    """Where the bad file lies."""
    return "/".join((told["root"].rstrip("/"), *DRIVERS))


def _paramiko(told: Told, known: Path, work: Callable[[paramiko.SFTPClient, str], None]) -> Any:
    @contextmanager
    def ready() -> Iterator[Run]:
        with paramiko.SSHClient() as client:
            client.load_host_keys(str(known))
            key = paramiko.Ed25519Key.from_private_key_file(told["key"])

            def run() -> None:
                account = {"username": told["username"], "pkey": key, "look_for_keys": False, "allow_agent": False}
                client.connect(far(0), told["port"], **account)
                work(client.open_sftp(), place_of(told))

            yield run

    return ready


def _rename(sftp: paramiko.SFTPClient, place: str) -> None:
    sftp.rename(f"{place}/{NAME}", f"{place}/{NAME}.q")


def _by_times(sftp: paramiko.SFTPClient, place: str) -> None:
    for name in _found(sftp, place):
        sftp.rename(f"{place}/{name}", f"{place}/{name}.q")


def _by_header(sftp: paramiko.SFTPClient, place: str) -> None:
    for name in _found(sftp, place):
        with sftp.open(f"{place}/{name}", "rb") as file:
            head = file.read(8)
        if head == CONTENT[:8]:
            sftp.rename(f"{place}/{name}", f"{place}/{name}.q")


def _found(sftp: paramiko.SFTPClient, place: str) -> list[str]:
    return [
        entry.filename
        for entry in sftp.listdir_attr(place)
        if fnmatch(entry.filename, PATTERN) and AT.timestamp() <= (entry.st_mtime or 0) < BEFORE.timestamp()
    ]


def _asyncssh(told: Told, known: Path) -> Any:
    async def work() -> None:
        place, account = place_of(told), {"username": told["username"], "client_keys": [told["key"]]}
        connecting = asyncssh.connect(far(0), told["port"], known_hosts=str(known), config=None, **account)
        async with connecting as connection, connection.start_sftp_client() as sftp:
            await sftp.rename(f"{place}/{NAME}", f"{place}/{NAME}.q")

    @contextmanager
    def ready() -> Iterator[Run]:
        with asyncio.Runner() as runner:
            runner.get_loop()
            yield lambda: runner.run(work())

    return ready


def _program(program: str, told: Told, known: Path) -> Any:
    options = [
        f"-oUserKnownHostsFile={known}",
        "-oBatchMode=yes",
        "-oIdentitiesOnly=yes",
        f"-i{told['key']}",
        "-F/dev/null",
    ]
    place = place_of(told)
    command = [program, *options, f"-p{told['port']}", f"{told['username']}@{far(0)}"]

    @contextmanager
    def ready() -> Iterator[Run]:
        def run() -> None:
            subprocess.run([*command, f"mv -n {place}/{NAME} {place}/{NAME}.q"], check=True, capture_output=True)

        yield run

    return ready
