"""Real servers for tests: found or skipped on a laptop, demanded in CI; free ports on loopback; stopped by pid."""

import atexit
import contextlib
import functools
import importlib.util
import itertools
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PORTS, PER_PROCESS = (10_000, 32_000), 500
"""Below the ports that Linux gives to clients (ip_local_port_range, ip(7)), in shares: one for each test process."""


def require(program: str, *more_places: str) -> str:
    """The path of a program; skips the test when it is missing, and fails it in CI."""
    places = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", *more_places])
    found = shutil.which(program, path=places)
    if found is None:
        missing(f"{program} is not installed")
    assert found is not None
    return found


def require_library(module: str, reason: str) -> None:
    """See that a library can be imported; skips the test when it can't, and fails it in CI."""
    if importlib.util.find_spec(module) is None:
        missing(reason)


def missing(reason: str) -> None:
    """Skip for want of a real server; in CI that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def free_port(address: str = "127.0.0.1", kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port that nobody listens on, and that no other test process is given, so that it stays free until it is used."""
    for port in itertools.islice(_own_ports(), PER_PROCESS):
        with socket.socket(socket.AF_INET, kind) as sock, contextlib.suppress(OSError):
            sock.bind((address, port))
            return port
    pytest.fail(f"{address} has no free port among those of this process")


@functools.cache
def _own_ports() -> Iterator[int]:
    """The ports of this process, over and over; it holds the one before them for as long as it lives."""
    for first in range(*PORTS, PER_PROCESS):
        holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            holder.bind(("127.0.0.1", first))
        except OSError:
            holder.close()
            continue
        atexit.register(holder.close)
        return itertools.cycle(range(first + 1, first + PER_PROCESS))
    pytest.fail("too many test processes on this machine")


def wait_until(ready: Callable[[], bool], *, seconds: float = 20.0, what: str = "the server") -> None:
    """Wait until something is so; fails the test when it never is."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            pytest.fail(f"{what} was not ready within {seconds:g} s")
        time.sleep(0.05)


def answers(address: str, port: int) -> bool:
    """Whether a TCP port accepts a connection now."""
    with contextlib.suppress(OSError), socket.create_connection((address, port), timeout=0.5):
        return True
    return False


@contextlib.contextmanager
def running(arguments: list[str], *, log: Path, **options: object) -> Iterator[subprocess.Popen[bytes]]:
    """A server process for the length of a with block; its output goes to ``log``."""
    with log.open("wb") as output:
        process = subprocess.Popen(arguments, stdout=output, stderr=subprocess.STDOUT, **options)  # type: ignore[call-overload]
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=10)
