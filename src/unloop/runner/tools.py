"""What a visit works with: the store, the clock, the prober, credentials and threads. Handed in, never global."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TypeVar

from unloop.clock import Clock
from unloop.model.host import Host
from unloop.model.host_run import HostRun
from unloop.model.options import CampaignOptions
from unloop.model.order import Order
from unloop.race.prober import Prober
from unloop.secrets.resolve import Credentials
from unloop.store.database import Database

T = TypeVar("T")


@dataclass(frozen=True)
class Tools:
    """Everything a visit needs besides the host run itself.

    ``strikes`` and ``power`` are thread pools for libraries that block; ``store`` is the one thread that writes.
    ``proven`` remembers accounts that logged on, so that the hot path need not ask the store.
    """

    database: Database
    clock: Clock
    prober: Prober
    credentials: Credentials
    options: CampaignOptions
    order_for: Callable[[Host], Order]
    cleanup_for: Callable[[Host], Order | None]
    instructions_for: Callable[[HostRun, str], str]
    strikes: Executor
    power: Executor
    store: Executor
    owner: str
    proven: set[str] = field(default_factory=set)

    async def in_store(self, work: Callable[[], T]) -> T:
        """Run a store operation on the writer's thread."""
        return await asyncio.get_running_loop().run_in_executor(self.store, work)

    def now(self) -> float:
        """Seconds since the epoch, as the store counts."""
        return self.clock.now().timestamp()
