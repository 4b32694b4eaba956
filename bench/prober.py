"""What a probe of a silent port costs: ours beside a connection of asyncio's that is given up, at the same hosts and rate.

The ports are real ones of loopback that drop every SYN. A probe is a SYN, whether a connect sent it or the kernel repeated
it, which the machine as a whole pays for. ``prober.py --quick`` probes 50 of them for a moment.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from results import busy, save, show

from unloop.race.budget import KEEP, this_machine
from unloop.race.pace import PROBE_COST
from unloop.race.prober import Prober
from unloop.race.rhythm import Rhythm
from unloop.race.watch import Door, Watch
from unloop.rehearsal.addresses import reserved_block
from unloop.rehearsal.gate import listen, swallow

HOSTS, SECONDS, QUICK_SECONDS = (500, 2_000, 5_000), 8.0, 1.5
INTERVAL = 1.0
"""Seconds between two probes of one port: what the slowest of the two can do for all hosts."""
PORT = 4450
Probing = Callable[[Sequence[Door], float], Coroutine[Any, Any, int]]


@contextmanager
def silent(count: int) -> Iterator[list[Door]]:
    """So many ports that drop every SYN."""
    with ExitStack() as stack:
        block = stack.enter_context(reserved_block())
        doors = [(block.host(number), PORT) for number in range(count)]
        for address, port in doors:
            swallow(stack.enter_context(listen(address, port)))
        yield doors


async def ours(doors: Sequence[Door], seconds: float) -> int:
    """A watch on each, as a race has it; how many connects began."""
    prober = Prober(keep=KEEP, files=len(doors) * 4)
    rhythm = Rhythm(hot=INTERVAL, warm=INTERVAL, cold=INTERVAL)
    watches = [Watch(prober, {"smb": door}, rhythm) for door in doors]
    for watch in watches:
        await watch.__aenter__()
    await asyncio.sleep(seconds)
    for watch in watches:
        await watch.__aexit__(None, None, None)
    prober.close()
    return prober.counts.connects


async def asyncios(doors: Sequence[Door], seconds: float) -> int:
    """A task for each that connects, waits as long as ours does, and gives up; how many connections were tried."""
    tried = 0

    async def probe(number: int, address: str, port: int) -> None:
        nonlocal tried
        await asyncio.sleep(INTERVAL * number / len(doors))
        while True:
            tried += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.open_connection(address, port), KEEP)
            await asyncio.sleep(INTERVAL - KEEP)

    tasks = [asyncio.create_task(probe(number, *door)) for number, door in enumerate(doors)]
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return tried


def repeats() -> int:
    """SYNs that the kernel of this machine has repeated so far (TcpExt TCPSynRetrans, proc(5))."""
    names, values = (
        line.split()
        for line in Path("/proc/net/netstat").read_text(encoding="ascii").splitlines()
        if line.startswith("TcpExt")
    )
    return int(values[names.index("TCPSynRetrans")])


def measured(client: str, probing: Probing, doors: Sequence[Door], seconds: float) -> dict[str, Any]:
    """One row."""
    start, before, machine, repeated = time.perf_counter(), time.process_time(), busy(), repeats()
    connects = asyncio.run(probing(doors, seconds))
    cpu, wall, all_cpu = time.process_time() - before, time.perf_counter() - start, busy() - machine
    probes = connects + repeats() - repeated
    return {
        "hosts": len(doors),
        "client": client,
        "connects": connects,
        "probes": probes,
        "probes/s": round(probes / wall),
        "µs CPU per probe": round(1e6 * cpu / probes, 1),
        "share of a core": round(cpu / wall, 3),
        "the machine's": round(all_cpu / wall, 3),
    }


def main() -> None:
    """Print a table for people, and write results/prober.json."""
    is_quick = "--quick" in sys.argv[1:]
    this_machine()  # raises the limit of open files
    rows, ratios, seconds = [], [], QUICK_SECONDS if is_quick else SECONDS
    for hosts in (50,) if is_quick else HOSTS:
        with silent(hosts) as doors:
            mine = measured("unloop", ours, doors, seconds)
            other = measured("asyncio", asyncios, doors, seconds)
        rows += [mine, other]
        ratios.append({"hosts": hosts, "ratio": round(mine["µs CPU per probe"] / other["µs CPU per probe"], 3)})
    show(f"Probing silent ports every {INTERVAL:g} s for {seconds:g} s", rows)
    show("CPU of a probe of ours over that of asyncio", ratios)
    save("prober", {"quick": is_quick, "goal": {"µs CPU per probe": 1e6 * PROBE_COST}, "rows": rows, "ratios": ratios})


if __name__ == "__main__":
    main()
