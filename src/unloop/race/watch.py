"""Watching one boot: fresh probes until a port opens, and until the host is gone again."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from unloop.clock import Clock
from unloop.race.prober import Prober, Sign

GONE_AFTER = 3
"""So many rounds of probes in a row without an open port mean that the host is down."""


@dataclass
class Sighting:
    """What a watch has seen so far. Times are seconds on the monotonic clock.

    ``signs`` counts every answer; a host whose ports were refused throughout is up with its doors closed.
    """

    started: float
    first_open: dict[str, float] = field(default_factory=dict)
    last_open: float | None = None
    signs: Counter[Sign] = field(default_factory=Counter)

    @property
    def is_only_refused(self) -> bool:
        """Whether every probe was answered, and none by an open port."""
        return bool(self.signs[Sign.REFUSED]) and not self.signs[Sign.OPEN] and not self.signs[Sign.SILENT]

    @property
    def opened(self) -> float | None:
        """When the first port opened."""
        return min(self.first_open.values(), default=None)


@dataclass(frozen=True, slots=True)
class Watcher:
    """Watches the in-band doors of one host, (address, port) by channel, with one round of fresh probes per interval."""

    prober: Prober
    clock: Clock
    doors: Mapping[str, tuple[str, int]]
    interval: float = 0.25

    def start(self) -> Sighting:
        """Begin a sighting now."""
        return Sighting(started=self.clock.monotonic())

    async def until_open(self, sighting: Sighting, *, seconds: float) -> tuple[str, ...]:
        """Probe until a port is open; the channels that are, or nothing when the time is up."""
        end = self.clock.monotonic() + seconds
        while True:
            opened = await self._round(sighting)
            if opened or self.clock.monotonic() >= end:
                return opened
            await self.clock.sleep(self.interval)

    async def until_gone(self, sighting: Sighting, *, seconds: float) -> float | None:
        """Probe until no port is open any more; when that was first so, or None when the host still answers."""
        end = self.clock.monotonic() + seconds
        missed, gone_at = 0, 0.0
        while self.clock.monotonic() < end:
            began = self.clock.monotonic()
            if await self._round(sighting):
                missed = 0
            else:
                gone_at = began if not missed else gone_at
                missed += 1
                if missed >= GONE_AFTER:
                    return gone_at
            await self.clock.sleep(self.interval)
        return None

    async def _round(self, sighting: Sighting) -> tuple[str, ...]:
        channels = tuple(self.doors)
        signs = await asyncio.gather(*(self.prober.probe(*self.doors[channel]) for channel in channels))
        now = self.clock.monotonic()
        sighting.signs.update(signs)
        opened = tuple(channel for channel, sign in zip(channels, signs, strict=True) if sign is Sign.OPEN)
        for channel in opened:
            sighting.first_open.setdefault(channel, now)
        if opened:
            sighting.last_open = now
        return opened
