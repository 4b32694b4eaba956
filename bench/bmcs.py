"""Simulated BMCs in a process of their own, for benchmarks: ``bmcs.py FIRST HOSTS PORT LOSS``.

Prints ``ready``. For every line on standard input it prints one JSON line: how often each machine was taken down and
switched on since the last one, by the machines' own logs. It ends with its standard input. power.py starts it; without
arguments it does nothing.
"""

import asyncio
import json
import random
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from relay import relay
from unloop.model.host import System
from unloop.rehearsal.events import Happening
from unloop.rehearsal.filetree import FileTree
from unloop.rehearsal.ipmi_bmc import IpmiBmc, serve_with
from unloop.rehearsal.machine import Machine
from unloop.rehearsal.scenario import generate

USER, PASSWORD = "keeper", "right-password"
TRANSITION = 0.3
"""Seconds that a machine takes to go off, and to come on."""
FAR = 1
"""How far the port behind the relay lies from the one in front of it."""


def addresses(first: int, hosts: int) -> list[str]:
    """Addresses on loopback, from a number on."""
    return [f"127.20.{number // 250}.{number % 250 + 1}" for number in range(first, first + hosts)]


def _machines(hosts: int) -> list[Machine]:
    drawn = generate(1, 1, systems=(System.WINDOWS,))[0]
    spec = replace(
        drawn,
        services=(),
        bmc_username=USER,
        bmc_password=PASSWORD,
        off_seconds=TRANSITION,
        on_seconds=TRANSITION,
        boot_seconds=3600.0,
    )
    return [
        Machine(replace(spec, name=str(n)), FileTree(case_sensitive=False), lambda _: False, random.Random(n))  # noqa: S311
        for n in range(hosts)
    ]


async def serve(first: int, hosts: int, port: int, loss: float) -> None:
    """Serve until standard input ends."""
    machines = _machines(hosts)
    async with AsyncExitStack() as stack:
        near = addresses(first, hosts)
        for machine, address in zip(machines, near, strict=True):
            machine.start()
            stack.push_async_callback(machine.stop)
            stack.callback((await serve_with(IpmiBmc(machine, sessions=16), address, port + FAR * bool(loss))).close)
        if loss:
            routes = {(address, port): (address, port + FAR) for address in near}
            await stack.enter_async_context(relay(routes, loss=loss, seed=first + 1))
        print("ready", flush=True)
        since = time.monotonic()
        while await asyncio.to_thread(sys.stdin.readline):
            counts = {
                what: [sum(at > since for at in machine.log.times(what)) for machine in machines]
                for what in (Happening.POWER_OFF, Happening.POWER_ON)
            }
            since = time.monotonic()
            print(json.dumps(counts), flush=True)


if __name__ == "__main__" and len(sys.argv) > 1:
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
