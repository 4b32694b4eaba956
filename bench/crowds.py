"""Fifty threads that try host after host in one queue, each with a client of others: ``crowds.py TOOL DIRECTORY CHANNEL``.

A host that could not be repaired goes to the end of the queue. It says ``trying``, and ends with its standard input.
"""

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import one_job
from peers_trying import PEERS, Attempt

from unloop.rehearsal import spec_file
from unloop.rehearsal.inventory_file import Paths

THREADS = 50


@contextmanager
def crowd(tool: str, directory: Path, channel: str) -> Iterator[subprocess.Popen[str]]:
    """A process that tries all hosts of a directory over one channel, for the length of a with block."""
    command = [sys.executable, __file__, tool, str(directory), channel]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, text=True, **pipes) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "trying\n"
            yield process
        finally:
            process.stdin.close()


def _try_on(waiting: "SimpleQueue[Attempt]") -> None:
    while True:
        attempt = waiting.get()
        try:
            attempt()
        except Exception:
            waiting.put(attempt)


def _main(tool: str, directory: Path, channel: str) -> None:
    logging.disable(logging.CRITICAL)
    paths, waiting = Paths(directory), SimpleQueue[Attempt]()
    for spec in spec_file.read(paths.fleet).specs:
        waiting.put(PEERS[tool](one_job.facts(paths, spec, channel)))
    for _ in range(THREADS):
        threading.Thread(target=_try_on, args=(waiting,), daemon=True).start()
    print("trying", flush=True)
    sys.stdin.read()
    os._exit(0)  # threads that still try do not count


if __name__ == "__main__" and len(sys.argv) > 1:
    _main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
