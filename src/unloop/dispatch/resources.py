"""What all engines of one event loop share: the thread that writes, the prober, and the room of this machine."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from unloop.dispatch.context import Context
from unloop.dispatch.owner import one_of
from unloop.dispatch.patience import PatientThread
from unloop.log import get_logger
from unloop.race.budget import Machine, budget, sockets_for_probes, this_machine
from unloop.race.pacing import Pacer
from unloop.race.pinger import Pinger, make_pinger
from unloop.race.prober import Prober
from unloop.race.rhythm import Rhythm
from unloop.race.turns import Turns
from unloop.runner.gate import Gate

logger = get_logger(__name__)

GARBAGE = 20_000
"""Objects made and not given back, after which the collector looks."""


def spare_collector() -> None:
    """Have the garbage collector look less often: what thousands of hosts in flight hold is in use, not garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE, 20, 50)


@dataclass
class Room:
    """How many hosts this machine carries at once, for all engines together."""

    machine: Machine
    taken: int = 0
    wanted: int = 0
    carries: int = 0

    def want(self, hosts: int, rhythm: Rhythm) -> None:
        """An engine would take so many at once; said where the machine can't carry them all."""
        self.wanted += hosts
        found = budget(self.wanted, self.machine, rhythm)
        self.carries = found.hosts
        if found.bound:
            logger.warning("fewer hosts at once than asked for", extra={"reason": found.bound})

    def leave(self, hosts: int) -> None:
        """An engine ends."""
        self.wanted -= hosts

    @property
    def left(self) -> int:
        """For how many hosts there is room."""
        return self.carries - self.taken


@dataclass
class Resources:
    """Made once for each event loop that serves queues; ``owner`` is the name under which it holds hosts and accounts."""

    owner: str
    store: PatientThread
    prober: Prober
    pinger: Pinger | None
    turns: Turns
    pacer: Pacer
    room: Room = field(default_factory=lambda: Room(this_machine()))
    gate: Gate = field(init=False)

    async def in_store(self, work: Callable[[], Any]) -> Any:
        """Run a store operation on the thread that writes."""
        return await asyncio.get_running_loop().run_in_executor(self.store, work)


@asynccontextmanager
async def resources_of(context: Context) -> AsyncIterator[Resources]:
    """The resources of the running loop for the length of a with block."""
    race = context.settings.race
    spare_collector()
    blocking = ThreadPoolExecutor(race.threads, "blocking")
    asyncio.get_running_loop().set_default_executor(blocking)
    store = PatientThread(context.stopping)
    prober = Prober(files=sockets_for_probes(context.settings.limits.in_flight, this_machine()))
    pinger = make_pinger() if race.ping else None
    try:
        shared = Resources(
            owner=one_of(context.owner),
            store=store,
            prober=prober,
            pinger=pinger,
            turns=Turns(race.strikes),
            pacer=Pacer(race.windows_per_second),
        )
        shared.gate = Gate(context.database, shared.in_store, context.clock, owner=shared.owner)
        yield shared
    finally:
        prober.close()
        if pinger is not None:
            pinger.close()
        context.power.leave()
        store.end()
