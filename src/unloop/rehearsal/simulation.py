"""A simulated fleet in a process of its own, for the length of a with block."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unloop.errors import InputError, Problem

PATIENCE = 20.0
"""Seconds that a fleet may take to end before it is killed."""


@contextmanager
def simulated(directory: Path) -> Iterator[int]:
    """Run the fleet that inventory_file.write put into a directory; gives its process id. Raises InputError.

    The process ends with ours, however ours ends: its standard input is a pipe that only we hold.
    """
    log = directory / "simulation.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "unloop.rehearsal.serve", "--directory", str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
    try:
        line = process.stdout.readline() if process.stdout else b""
        if not line or not json.loads(line).get("ready"):
            process.wait(timeout=PATIENCE)
            told = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise InputError(Problem(f"the simulated fleet did not start: {told[-1] if told else 'no reason given'}"))
        yield process.pid
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin:
        process.stdin.close()
    process.terminate()
    try:
        process.wait(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()
