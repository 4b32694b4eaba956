"""What a visit works with: the store, the clock, the prober, credentials and threads. Handed in, never global."""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TypeVar

from unloop.channels.switchboard import Switchboard
from unloop.clock import Clock
from unloop.model.host import Host
from unloop.model.host_run import HostRun
from unloop.model.options import CampaignOptions
from unloop.model.order import Order
from unloop.race.pacing import Pacer
from unloop.race.pinger import Pinger
from unloop.race.prober import Prober
from unloop.race.profile import Profiles
from unloop.race.turns import Turns
from unloop.runner.gate import Gate
from unloop.runner.writer import Writer
from unloop.secrets.resolve import Credentials
from unloop.store.database import Database

T = TypeVar("T")


@dataclass(frozen=True)
class Tools:
    """Everything a visit needs besides the host run itself.

    ``store`` is the one thread that writes, and ``writer`` what it writes for many visits at once. ``gate`` knows whose
    turn it is to log on, ``turns`` whose it is to strike; ``profiles`` is what was learned of the hosts' boots, ``pacer``
    spreads their resets. ``power`` is what all channels to BMCs of this process share.
    """

    database: Database
    clock: Clock
    prober: Prober
    credentials: Credentials
    options: CampaignOptions
    order_for: Callable[[Host], Order]
    cleanup_for: Callable[[Host], Order | None]
    traces_for: Callable[[Host], Order | None]
    instructions_for: Callable[[HostRun, str], str]
    store: Executor
    owner: str
    writer: Writer
    gate: Gate
    turns: Turns
    profiles: Profiles
    pacer: Pacer
    power: Switchboard
    pinger: Pinger | None = None
    broken: Counter[int] = field(default_factory=Counter)
    """How often in a row the visits of a host run broke off over a mistake of ours."""

    async def in_store(self, work: Callable[[], T]) -> T:
        """Run a store operation on the writer's thread."""
        return await asyncio.get_running_loop().run_in_executor(self.store, work)

    def now(self) -> float:
        """Seconds since the epoch, as the store counts."""
        return self.clock.now().timestamp()
