"""Real servers for tests: found or skipped on a laptop, demanded in CI; free ports on loopback; stopped by pid."""

import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


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
    """A port that nobody listens on."""
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind((address, 0))
        port: int = sock.getsockname()[1]
        return port


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
