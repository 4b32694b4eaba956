"""What a worker process works with, made once when it starts and handed to every task."""

import os
import threading
from dataclasses import dataclass, field

from unloop.channels.switchboard import Switchboard
from unloop.clock import Clock, SystemClock
from unloop.dispatch.broker import with_password
from unloop.dispatch.owner import this_process
from unloop.dispatch.stopping import Flag
from unloop.secrets.resolve import Credentials, resolve
from unloop.settings.schema import Settings
from unloop.store.database import Database, open_database


@dataclass
class Context:
    """The store, the settings and the credentials of one process; ``busy`` holds the queues that are served now.

    ``power`` is what the channels to BMCs of all its engines share.
    """

    settings: Settings
    database: Database
    credentials: Credentials
    clock: Clock = field(default_factory=SystemClock)
    owner: str = field(default_factory=this_process)
    pid: int = field(default_factory=os.getpid)
    power: Switchboard = field(default_factory=Switchboard)
    busy: set[tuple[str, ...]] = field(default_factory=set)
    stopping: Flag = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(self, queues: tuple[str, ...]) -> bool:
        """Take queues for a shift of this process; False when another shift of it has them."""
        with self._lock:
            if queues in self.busy:
                return False
            self.busy.add(queues)
            return True

    def leave(self, queues: tuple[str, ...]) -> None:
        """Give queues back."""
        with self._lock:
            self.busy.discard(queues)

    def serves(self, queue: str) -> bool:
        """Whether a shift of this process serves a queue now."""
        with self._lock:
            return any(queue in queues for queues in self.busy)

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.clock.now().timestamp()


def store_url(settings: Settings) -> str:
    """The store's URL with its password, which stands in the settings as a reference only."""
    if not settings.store.password:
        return settings.store.url
    return with_password(settings.store.url, resolve(settings.store.password, meaning="the store's password").reveal())


def make_context(settings: Settings, *, stopping: Flag | None = None) -> Context:
    """Open the store and get everything ready that a worker needs; raises StoreError."""
    power = Switchboard(
        spacing=settings.limits.bmc_spacing, poll=settings.race.power_poll, at_once=settings.limits.power
    )
    return Context(
        settings=settings,
        database=open_database(store_url(settings)),
        credentials=Credentials(settings),
        power=power,
        stopping=stopping or threading.Event(),
    )
