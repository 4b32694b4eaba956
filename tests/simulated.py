"""A simulated host's server on a loopback port, for clients that are not ours; the tree of files is at hand."""

import asyncio
import contextlib
import random
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from loops import LoopThread, loop_thread
from unloop.model.host import System
from unloop.rehearsal.filetree import FileTree
from unloop.rehearsal.gate import Serve
from unloop.rehearsal.machine import Kind, Machine, MachineSpec, Phase

USERNAME, PASSWORD = "Administrator", "canary-Passw0rd"
MOMENT = datetime(2024, 7, 19, 4, 30, tzinfo=UTC)


def machine_with(files: dict[tuple[str, ...], bytes], *, system: System = System.WINDOWS) -> Machine:
    """A machine that is up, with these files."""
    tree = FileTree(case_sensitive=system is System.LINUX)
    for path, content in files.items():
        tree.make_directory(path[:-1], modified=MOMENT)
        tree.write(path, content, modified=MOMENT)
    spec = MachineSpec(
        name="ws-1",
        address="127.0.0.9",
        bmc_address="",
        system=system,
        kind=Kind.HEALTHY,
        uuid="",
        bmc_uuid="",
        username=USERNAME,
        password=PASSWORD,
        services=(),
        boot_seconds=0.0,
        boot_jitter=0.0,
        window_seconds=0.0,
        window_jitter=0.0,
    )
    return Machine(spec, tree, lambda _: False, random.Random(1), phase=Phase.UP)  # noqa: S311 - a simulation


@dataclass(frozen=True)
class Served:
    """A server at work. Ask the tree through ``loop`` while clients are busy."""

    machine: Machine
    address: str
    port: int
    loop: LoopThread

    def names(self, *directory: str) -> list[str]:
        """The names in a directory of the machine."""
        return [node.name for node in self.machine.files.children(directory)]

    def content(self, *path: str) -> bytes:
        """What a file of the machine holds."""
        return self.machine.files.stat(path).content


@contextlib.contextmanager
def served(machine: Machine, make: Callable[[Machine], Serve]) -> Iterator[Served]:
    """Serve a machine for the length of a with block."""
    with loop_thread() as loop, socket.create_server((machine.spec.address, 0)) as listener:
        listener.setblocking(False)
        serve = make(machine)
        tasks: set[asyncio.Task[None]] = set()

        async def run(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError, EOFError):
                await serve(connection)

        async def accept() -> None:
            running = asyncio.get_running_loop()
            while True:
                connection, _ = await running.sock_accept(listener)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                tasks.add(asyncio.create_task(run(connection)))

        async def start() -> None:
            tasks.add(asyncio.create_task(accept()))

        async def stop() -> list[BaseException]:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            return [result for result in results if isinstance(result, Exception)]

        loop.run(start())
        try:
            yield Served(machine, machine.spec.address, listener.getsockname()[1], loop)
        finally:
            failures = loop.run(stop())
        assert failures == [], [repr(failure) for failure in failures]
