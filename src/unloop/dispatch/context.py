"""What a worker process works with, made once when it starts and handed to every task."""

import os
import threading
from dataclasses import dataclass, field

from unloop.channels.switchboard import Switchboard
from unloop.clock import Clock, SystemClock
from unloop.dispatch.broker import with_password
from unloop.dispatch.owner import this_process
from unloop.secrets.resolve import Credentials, resolve
from unloop.settings.schema import Settings
from unloop.store.database import Database, open_database


@dataclass
class Context:
    """The store, the settings and the credentials of one process; ``busy`` holds the queues that an engine serves now.

    ``power`` is what the channels to BMCs of all its engines share.
    """

    settings: Settings
    database: Database
    credentials: Credentials
    clock: Clock = field(default_factory=SystemClock)
    owner: str = field(default_factory=this_process)
    pid: int = field(default_factory=os.getpid)
    power: Switchboard = field(default_factory=Switchboard)
    busy: set[tuple[str, str]] = field(default_factory=set)
    stopping: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(self, key: tuple[str, str]) -> bool:
        """Take a queue for an engine of this process; False when another engine of it has it."""
        with self._lock:
            if key in self.busy:
                return False
            self.busy.add(key)
            return True

    def leave(self, key: tuple[str, str]) -> None:
        """Give a queue back."""
        with self._lock:
            self.busy.discard(key)

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.clock.now().timestamp()


def store_url(settings: Settings) -> str:
    """The store's URL with its password, which stands in the settings as a reference only."""
    if not settings.store.password:
        return settings.store.url
    return with_password(settings.store.url, resolve(settings.store.password, meaning="the store's password").reveal())


def make_context(settings: Settings) -> Context:
    """Open the store and get everything ready that a worker needs; raises StoreError."""
    power = Switchboard(
        spacing=settings.limits.bmc_spacing, poll=settings.race.power_poll, at_once=settings.limits.power
    )
    return Context(
        settings=settings,
        database=open_database(store_url(settings)),
        credentials=Credentials(settings),
        power=power,
    )
