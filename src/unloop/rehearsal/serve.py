"""Carry a simulated fleet in this process: ``python -m unloop.rehearsal.serve --directory D``.

It prints one JSON line when everything answers, and ends on SIGTERM or SIGINT, or when its standard input is a pipe that
closes: give it /dev/null to outlive whoever started it.
"""

import argparse
import asyncio
import json
import os
import resource
import signal
import stat
import sys
from collections.abc import Iterable
from pathlib import Path

from unloop.errors import InputError, Problem, UnloopError
from unloop.rehearsal import faults, spec_file
from unloop.rehearsal.fleet import Fleet
from unloop.rehearsal.inventory_file import Paths
from unloop.rehearsal.spec import MachineSpec
from unloop.rehearsal.spec_file import FleetFile
from unloop.rehearsal.witness import Witness

_CONNECTIONS, _SPARE = 6, 100
"""File descriptors that a host's clients may take at once, and those of the process itself."""


def descriptors(specs: Iterable[MachineSpec]) -> int:
    """How many files a process that carries these hosts may have open."""
    return _SPARE + sum(len(spec.services) + 1 + _CONNECTIONS for spec in specs)


def raise_limit(needed: int) -> None:
    """Raise this process's limit of open files as far as it may; raises InputError when that is too low."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        what = f"this fleet needs {needed} open files, and the limit is {hard}"
        raise InputError(Problem(what, hint=f"raise it (ulimit -Hn {needed}) or simulate fewer hosts"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def carry(file: FleetFile) -> None:
    """Carry a fleet until it is told to end."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    _end_with_stdin(loop, ended)
    cases = {found.system: found for found in map(faults.load_cases, file.playbooks)}
    with Witness(file.witness) as witness:
        fleet = Fleet(
            file.specs,
            cases,
            seed=file.seed,
            certificate=file.certificate,
            ssh_host_key=file.ssh_host_key.read_text(encoding="ascii"),
            listener=witness,
        )
        await fleet.start()
        try:
            ready = {"ready": True, "hosts": len(file.specs), "witness": str(file.witness), "pid": os.getpid()}
            sys.stdout.write(json.dumps(ready) + "\n")
            sys.stdout.flush()
            await ended.wait()
        finally:
            await fleet.stop()


def _end_with_stdin(loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    try:
        is_pipe = stat.S_ISFIFO(os.fstat(0).st_mode) or stat.S_ISSOCK(os.fstat(0).st_mode)
    except OSError:
        return

    def hear() -> None:
        if not os.read(0, 4096):
            loop.remove_reader(0)
            ended.set()

    if is_pipe:
        loop.add_reader(0, hear)


def main(arguments: list[str] | None = None) -> int:
    """The command line; answers the exit code."""
    parser = argparse.ArgumentParser(prog="python -m unloop.rehearsal.serve", description="Carry a simulated fleet.")
    parser.add_argument("--directory", type=Path, required=True, help="where inventory_file.write put the fleet")
    directory: Path = parser.parse_args(arguments).directory
    try:
        file = spec_file.read(Paths(directory).fleet)
        raise_limit(descriptors(file.specs))
        asyncio.run(carry(file))
    except UnloopError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
