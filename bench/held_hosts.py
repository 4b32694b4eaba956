"""Simulated hosts in a process of their own, whose windows open and shut as they are told.

``held_hosts.py DIRECTORY FIRST COUNT`` serves hosts of the fleet that inventory_file.write put into a directory, with the
bad file on them. Every line on standard input is a JSON list of ``[host, seconds until its ports open, seconds until they
shut]``, and is answered by one line when all that is over: for each when its ports opened, when the bad file went, and when
they shut; None where the file went first, since the host stays up then. An empty list takes every host down and makes it
sick again. Times are CLOCK_MONOTONIC's.
"""

import asyncio
import json
import logging
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from bad_file import AGENT, AGENT_NAME, AT, CONTENT, NAME
from timed_files import TimedTree

from unloop.model.host import System
from unloop.rehearsal import spec_file
from unloop.rehearsal.boot_marks import stamp
from unloop.rehearsal.gate import Gate
from unloop.rehearsal.inventory_file import Paths
from unloop.rehearsal.machine import Machine, Phase
from unloop.rehearsal.serve import raise_limit
from unloop.rehearsal.smb_host import make_smb
from unloop.rehearsal.spec import MachineSpec
from unloop.rehearsal.ssh_host import make_ssh
from unloop.rehearsal.winrm_host import make_winrm

MAKERS = {"smb": make_smb, "winrm": make_winrm, "ssh": make_ssh}
LINE = 2**20
FILES = 16
"""Descriptors that one host may need."""


class Seen(NamedTuple):
    """What became of one window."""

    opened: float
    moved: float | None
    shut: float | None

    @property
    def took(self) -> float:
        """Seconds from up to fixed."""
        return float("inf") if self.moved is None else self.moved - self.opened


@dataclass(frozen=True)
class HeldHosts:
    """The process with the hosts."""

    process: subprocess.Popen[str]

    def begin(self, windows: Sequence[tuple[int, float, float]]) -> None:
        """Let windows open and shut: the host's number, after how long, for how long."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(windows) + "\n")
        self.process.stdin.flush()

    def end(self) -> list[Seen]:
        """What became of them, when all are over."""
        assert self.process.stdout is not None
        return [Seen(*one) for one in json.loads(self.process.stdout.readline())]

    def take_down(self) -> None:
        """Take every host down, and put its bad file back."""
        self.begin([])
        self.end()

    @property
    def cpu(self) -> float:
        """CPU seconds that it has used so far."""
        return cpu_of(self.process.pid)


def cpu_of(pid: int) -> float:
    """CPU seconds that a process has used so far (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def held_hosts(directory: Path, *, first: int = 0, count: int = 1) -> Iterator[HeldHosts]:
    """Some of the hosts of a directory, all down, for the length of a with block."""
    command = [sys.executable, __file__, str(directory), str(first), str(count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n", "the simulated hosts did not start"
            yield HeldHosts(process)
        finally:
            process.stdin.close()


class _Tree(TimedTree):
    """Files that say at once when the bad one goes."""

    def __init__(self, *, case_sensitive: bool) -> None:
        super().__init__(case_sensitive=case_sensitive)
        self.make_directory(AGENT, modified=AT)
        self.write((*AGENT, AGENT_NAME), CONTENT, modified=AT)
        self.gone = asyncio.Event()

    def restore(self) -> None:
        """Make it what it was when this was first called."""
        super().restore()
        self.gone.clear()

    def _note(self, path: tuple[str, ...]) -> None:
        super()._note((NAME,) if path[-1] == AGENT_NAME else path)
        if self.moved() is not None:
            self.gone.set()


class _Host:
    """One host."""

    def __init__(self, spec: MachineSpec, ssh_host_key: str) -> None:
        self._tree = _Tree(case_sensitive=spec.system is System.LINUX)
        chance = random.Random(spec.name)  # noqa: S311 - a simulation
        self._machine = Machine(spec, self._tree, lambda _: False, chance, phase=Phase.UP)
        self._machine.state["ssh_host_key"] = ssh_host_key
        self._gates = [
            Gate(spec.address, service.port, MAKERS[service.channel](self._machine)) for service in spec.services
        ]
        self._tree.restore()

    def take_down(self) -> None:
        """It is down, and its boots will crash."""
        for gate in self._gates:
            gate.shut()
        self._tree.restore()

    async def window(self, after: float, length: float) -> Seen:
        """One window."""
        await asyncio.sleep(after)
        self._machine.boot_time = datetime.now(UTC)
        stamp(self._tree, self._machine.spec.system, self._machine.boot_time, self._machine.random)
        opened = time.monotonic()
        for gate in self._gates:
            gate.open()
        try:
            async with asyncio.timeout(length):
                await self._tree.gone.wait()
        except TimeoutError:
            for gate in self._gates:
                gate.shut()
            return Seen(opened, self._tree.moved(), time.monotonic())
        return Seen(opened, self._tree.moved(), None)

    def close(self) -> None:
        """The end."""
        for gate in self._gates:
            gate.close()


async def _carry(hosts: Mapping[int, _Host]) -> None:
    reader = asyncio.StreamReader(limit=LINE)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    print("ready", flush=True)
    while line := await reader.readline():
        windows = json.loads(line)
        for host in () if windows else hosts.values():
            host.take_down()
        seen = await asyncio.gather(*(hosts[number].window(after, length) for number, after, length in windows))
        print(json.dumps(seen), flush=True)
    for host in hosts.values():
        host.close()
    await asyncio.sleep(0)


async def _main(directory: Path, first: int, count: int) -> None:
    logging.disable(logging.CRITICAL)  # clients that go away are no news
    file = spec_file.read(Paths(directory).fleet)
    key = file.ssh_host_key.read_text(encoding="ascii")
    raise_limit(FILES * count)
    await _carry({number: _Host(file.specs[number], key) for number in range(first, first + count)})


if __name__ == "__main__" and len(sys.argv) > 1:
    asyncio.run(_main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
