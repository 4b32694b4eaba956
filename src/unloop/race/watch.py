"""Watching one boot of one host: fresh probes until ports open, and until the host is gone again."""

import asyncio
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self

from unloop.race.pinger import Pinger, can_be_pinged
from unloop.race.prober import Aim, Heard, Prober, Sign, discard
from unloop.race.pulse import Pulse
from unloop.race.rhythm import Rhythm, Wish
from unloop.race.sighting import PATIENCE, Sighting, Signs

Door = tuple[str, int]
"""IP address and port."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A port that was seen to be open, with the connection that saw it; whoever takes it closes it."""

    channel: str
    sock: socket.socket


class Watch:
    """Watches the in-band doors of one host, by channel, in the order in which they are expected to open.

    Until the host gives a first sign one door is probed at the full rhythm and the others now and then; from then on all are
    probed at the hot rate until they open. Doors that opened are looked at again and again, and tell when the
    host is gone. ``is_look``: it is over as soon as the host is seen to be down. An async context manager: leaving it
    ends every probe and closes what nobody took.
    """

    def __init__(
        self,
        prober: Prober,
        doors: Mapping[str, Door],
        rhythm: Rhythm,
        *,
        pinger: Pinger | None = None,
        is_look: bool = False,
    ) -> None:
        self._prober, self._rhythm = prober, rhythm
        addresses = {address for address, _ in doors.values()}
        self._pinger = pinger if pinger is not None and all(map(can_be_pinged, addresses)) else None
        self._pinged = tuple(addresses) if self._pinger is not None else ()
        self._loop, self._is_look = asyncio.get_running_loop(), is_look
        self.sighting = Sighting(
            self._loop.time(), signs={channel: Signs() for channel in doors}, patience=PATIENCE * rhythm.warm
        )
        self._pulse = Pulse(prober, rhythm.warm)
        self._is_awake = False
        self._opened: list[Opened] = []
        self._waiter: asyncio.Future[None] | None = None
        self._aims = {
            channel: Aim(
                *door, partial(self._heard, channel), self._first if index == 0 else self._other, is_fresh=is_look
            )
            for index, (channel, door) in enumerate(doors.items())
        }

    async def __aenter__(self) -> Self:
        self._listen()
        for aim in self._aims.values():
            self._prober.start(aim)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for aim in self._aims.values():
            self._prober.stop(aim)
        self._ping_no_more()
        self._pulse.close()
        while self._opened:
            discard(self._opened.pop(0).sock)
        self._aims.clear()  # an aim knows its watch: thousands of such circles would wait for the collector

    @property
    def gone(self) -> "asyncio.Future[float]":
        """When the host that had been seen was first found to be silent again."""
        return self._pulse.gone

    async def next_open(self, *, until: float) -> Opened | None:
        """The next door that opens, or None when the time (on the loop's clock) is up, or a look has seen the host down."""
        if not self._opened:
            self._waiter = self._loop.create_future()
            late = self._loop.call_at(until, self._answer)
            try:
                await self._waiter
            finally:
                late.cancel()
                self._waiter = None
        return self._opened.pop(0) if self._opened else None

    def again(self, channel: str) -> None:
        """Look at a door anew, after its connection broke."""
        self._prober.start(self._aims[channel], after=self._rhythm.hot)

    async def until_gone(self, *, until: float) -> float | None:
        """Wait until the host is gone; when that was first so, or None when the time is up.

        Every door counts from now on: a service that stops, while another door still answers, is no host that is gone.
        """
        for channel, aim in self._aims.items():
            self._prober.stop(aim)
            self._pulse.feel(channel, aim.address, aim.port)
        try:
            async with asyncio.timeout_at(until):
                return await asyncio.shield(self.gone)
        except TimeoutError:
            return None

    def _first(self, now: float) -> Wish:
        if self._is_look and self._pinger is not None:
            for address in self._pinged:
                self._pinger.send(address)
        return Wish(self._rhythm.hot) if self._is_awake else self._rhythm.first(now - self.sighting.started)

    def _other(self, now: float) -> Wish:
        return Wish(self._rhythm.hot) if self._is_awake else self._rhythm.other(now - self.sighting.started)

    def _heard(self, channel: str, heard: Heard) -> None:
        sighting = self.sighting
        sighting.signs[channel].count(heard)
        if heard.sock is not None:
            now = self._loop.time()
            if channel not in sighting.first_open:
                sighting.first_open[channel] = now
                sighting.lag[channel] = now - (sighting.started if heard.before is None else heard.before)
            aim = self._aims[channel]
            self._prober.stop(aim)
            self._opened.append(Opened(channel, heard.sock))
            self._answer()
            self._pulse.feel(channel, aim.address, aim.port, answered=True)
        if heard.sign is not Sign.SILENT and not self._is_awake:
            self._wake(channel)
        if self._is_look and sighting.is_down:
            self._answer()

    def _answer(self) -> None:
        """Wake up whoever waits for a door: one has opened, or none will in time."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _answered(self) -> None:
        """The host answered a ping: its ports may open any moment now, and it is not down."""
        if self.sighting.pinged is None:
            self.sighting.pinged = self._loop.time()
        if self._is_look:
            self._listen()
            for signs in self.sighting.signs.values():
                signs.in_a_row = 0
        if not self._is_awake:
            self._wake("")

    def _listen(self) -> None:
        """Hear the next answer to a ping; a look pings along with its probes."""
        if self._pinger is not None:
            for address in self._pinged:
                self._pinger.wait(address, self._answered, every=0.0 if self._is_look else self._rhythm.warm)

    def _ping_no_more(self) -> None:
        if self._pinger is not None:
            for address in self._pinged:
                self._pinger.forget(address, self._answered)

    def _wake(self, awake: str) -> None:
        """The first sign of the host: every other door is looked at right away."""
        self._is_awake = True
        if not self._is_look:
            self._ping_no_more()
        for channel, aim in self._aims.items():
            if channel != awake:
                self._prober.start(aim)
