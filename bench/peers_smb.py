"""How other people's clients repair a host over SMB: smbprotocol's smbclient, and Samba's program of that name."""

import fnmatch
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC
from typing import Any

import smbclient
from bad_file import AT, BEFORE, CONTENT, DRIVERS, NAME, PATTERN
from delayed_link import far
from tools import BY_HEADER, BY_TIMES, EXACT, Run, Told, Tool

SHARE = f"\\\\{far(0)}\\C$\\"
PLACE = SHARE + "\\".join(DRIVERS)


def peers_smb(servers: Mapping[str, Told]) -> list[Tool]:
    """Both clients; the program can't judge times or headers."""
    tools = []
    for server in ("smb", "smbd"):
        if told := servers.get(server):
            for task, way, work in (
                (EXACT, "rename", _rename),
                (EXACT, "remove", _remove),
                (BY_TIMES, "scandir", _by_times),
                (BY_HEADER, "scandir", _by_header),
            ):
                tools.append(Tool("smbprotocol", server, task, way, _smbprotocol(told, work)))
            if program := shutil.which("smbclient"):
                tools.append(Tool("smbclient", server, EXACT, "rename", _program(program, told)))
    return tools


def _smbprotocol(told: Told, work: Callable[[dict[str, Any]], None]) -> Any:
    @contextmanager
    def ready() -> Iterator[Run]:
        known = {"port": told["port"], "username": told["username"], "password": told["password"]}
        try:
            yield lambda: work({**known, "auth_protocol": "ntlm"})
        finally:
            smbclient.reset_connection_cache()

    return ready


def _rename(known: dict[str, Any]) -> None:
    smbclient.rename(f"{PLACE}\\{NAME}", f"{PLACE}\\{NAME}.q", **known)


def _remove(known: dict[str, Any]) -> None:
    smbclient.remove(f"{PLACE}\\{NAME}", **known)


def _by_times(known: dict[str, Any]) -> None:
    for name in _found(known):
        smbclient.rename(f"{PLACE}\\{name}", f"{PLACE}\\{name}.q", **known)


def _by_header(known: dict[str, Any]) -> None:
    for name in _found(known):
        with smbclient.open_file(f"{PLACE}\\{name}", mode="rb", buffering=0, share_access="rwd", **known) as file:
            head = file.read(8)
        if head == CONTENT[:8]:
            smbclient.rename(f"{PLACE}\\{name}", f"{PLACE}\\{name}.q", **known)


def _found(known: dict[str, Any]) -> list[str]:
    """The names that fit, by what the listing tells of their times."""
    found = []
    for entry in smbclient.scandir(PLACE, search_pattern=PATTERN, **known):
        if fnmatch.fnmatch(entry.name, PATTERN):
            modified = entry.smb_info.last_write_time.astimezone(UTC)
            if AT <= modified < BEFORE:
                found.append(entry.name)
    return found


def _program(program: str, told: Told) -> Any:
    command = [program, f"//{far(0)}/C$", "--port", str(told["port"]), "--debuglevel=0"]
    place = "\\".join(DRIVERS)
    words = ["--command", f'rename "{place}\\{NAME}" "{place}\\{NAME}.q"']
    environment = {**os.environ, "USER": told["username"], "PASSWD": told["password"]}

    @contextmanager
    def ready() -> Iterator[Run]:
        def run() -> None:
            subprocess.run([*command, *words], env=environment, check=True, capture_output=True)

        yield run

    return ready
