"""The race of the channels in one window: strikes run side by side on whatever port opens, and the first landing wins.

The channel that is expected to land soonest has a small lead, so that what it does in time the others do not do as well.
"""

import asyncio
import socket
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from unloop.errors import ConnectionLost, Unreachable
from unloop.model.report import Verdict
from unloop.race.turns import Turns
from unloop.race.watch import Opened, Watch
from unloop.runner.landing import Landing
from unloop.runner.strike import Salvo, Struck

TRIES = 5
"""Strikes at one channel in one window, as long as connections merely break."""
DECISIVE = frozenset({Verdict.LANDED})
"""Reports after which no other channel could do better, whatever still runs there."""
OPEN = frozenset({Verdict.SENT, Verdict.IN_USE, Verdict.FAILED})
"""Reports after which another channel may still do better."""
GRACE = 0.2
"""Seconds that a strike whose connection was taken away has to say what it knows."""
LEAD = 0.1
"""Seconds after which a channel no longer waits for a quicker one that is at work; longer when strikes usually take long."""
CROWDED = 1.0
"""Seconds between two looks whether other hosts still wait, of a channel that waits for its host's second strike."""
MOMENT = 0.02
"""Seconds for which an open channel waits for a quicker one to open, which often is open already."""
RETRIED = (ConnectionLost, Unreachable)
"""Errors of a connection that merely broke."""


@dataclass(eq=False, slots=True)
class _Race:
    watch: Watch
    landing: Landing
    turns: Turns
    by: float
    """When the window is expected to close, on the loop's clock: who has least time left strikes first."""
    running: dict[asyncio.Task[Struck], Opened] = field(default_factory=dict)
    waiting: dict[str, tuple[float, Opened]] = field(default_factory=dict)
    """Doors that are open, and when to strike at them at the latest, on the loop's clock."""
    began: dict[str, float] = field(default_factory=dict)
    tries: Counter[str] = field(default_factory=Counter)
    done: list[Struck] = field(default_factory=list)

    def offer(self, opened: Opened) -> None:
        """A door opened; a strike at it may have to wait. Where nothing is to land, its connection is closed."""
        if opened.channel not in self.landing.shots:
            opened.sock.close()
            return
        self.waiting[opened.channel] = asyncio.get_running_loop().time() + self._lead_over(opened.channel), opened

    def start_due(self) -> float | None:
        """Start what no longer has to wait; when the next one is due, on the loop's clock."""
        now = asyncio.get_running_loop().time()
        busy = {opened.channel for opened in self.running.values()}
        for channel, (at, opened) in list(self.waiting.items()):
            if busy and self.turns.waiting:  # no host is struck twice at once while another waits to be struck at all
                self.waiting[channel] = max(at, now + CROWDED), opened
            elif at <= now or (not busy and self._lead_over(channel) == 0.0):
                del self.waiting[channel]
                self._start(opened)
        return min((at for at, _ in self.waiting.values()), default=None)

    def _lead_over(self, channel: str) -> float:
        """How long a channel leaves the field to quicker ones, which come first in the landing."""
        quicker = list(self.landing.shots)[: list(self.landing.shots).index(channel)]
        if any(opened.channel in quicker for opened in self.running.values()):
            return max(LEAD, 2 * self.turns.usual)
        moment = max(MOMENT, self.turns.usual / 2)
        return moment if any(name not in self.tries and name not in self.waiting for name in quicker) else 0.0

    def _start(self, opened: Opened) -> None:
        channel = opened.channel
        self.tries[channel] += 1
        self.began[channel] = asyncio.get_running_loop().time()
        self.running[asyncio.create_task(self._fire(opened))] = opened

    async def _fire(self, opened: Opened) -> Struck:
        try:
            async with self.turns.take(by=self.by):
                struck = await self.landing.shots[opened.channel].fire(opened.sock)
        except asyncio.CancelledError:
            opened.sock.close()
            raise
        if struck.report is not None and struck.report.verdict in DECISIVE:
            self._call_off()
        return struck

    def _call_off(self) -> None:
        """What waits for the account while another channel lands is not sent in the moment in which its turn comes."""
        for task, opened in self.running.items():
            if task is not asyncio.current_task() and not self.landing.shots[opened.channel].is_committed:
                task.cancel()

    def settle(self, task: asyncio.Task[Struck]) -> None:
        """Write a strike down that has ended, and look at its door anew where its connection merely broke."""
        channel = self.running.pop(task).channel
        struck = self._cut_off(channel) if task.cancelled() else task.result()
        self.done.append(struck)
        if isinstance(struck.error, RETRIED) and self.tries[channel] < TRIES:
            self.watch.again(channel)

    @property
    def is_decided(self) -> bool:
        """Whether a report came that no other channel could better, or could unless it is at work on it now."""
        verdicts = {struck.report.verdict for struck in self.done if struck.report is not None}
        return bool(verdicts & DECISIVE) or (bool(verdicts - OPEN) and not self.running)

    @property
    def is_spent(self) -> bool:
        """Whether nothing runs and no channel may be tried again."""
        ended = {struck.channel: struck for struck in self.done}
        return (
            not self.running
            and not self.waiting
            and all(
                channel in ended and (self.tries[channel] >= TRIES or not isinstance(ended[channel].error, RETRIED))
                for channel in self.landing.shots
            )
        )

    async def cut_off(self) -> None:
        """End what still runs: its connection is taken away, so that it tells what it knows; then it is cancelled."""
        for _, opened in self.waiting.values():
            opened.sock.close()
        self.waiting.clear()
        for opened in self.running.values():
            with suppress(OSError):
                opened.sock.shutdown(socket.SHUT_RDWR)
        try:
            if self.running:
                await asyncio.wait(self.running, timeout=GRACE)
        finally:
            for task in self.running:
                task.cancel()
        if self.running:
            await asyncio.wait(self.running)
        for task, opened in self.running.items():
            self.done.append(self._cut_off(opened.channel) if task.cancelled() else task.result())
        self.running.clear()

    def _cut_off(self, channel: str) -> Struck:
        return self.landing.shots[channel].cut_off(self.began[channel])


async def fire_all(watch: Watch, landing: Landing, first: Opened, turns: Turns, *, by: float, until: float) -> Salvo:
    """Strike at every door that opens until one report decides, nothing can be tried any more, or the host is gone."""
    race = _Race(watch, landing, turns, by)
    race.offer(first)
    opening = asyncio.create_task(watch.next_open(until=until))
    try:
        while not race.is_decided and not race.is_spent and not watch.gone.done():
            due = race.start_due()
            waiting: set[asyncio.Future[Any]] = {opening, watch.gone, *race.running}
            patience = None if due is None else max(0.0, due - asyncio.get_running_loop().time())
            await asyncio.wait(waiting, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            for task in [task for task in race.running if task.done()]:
                race.settle(task)
            if opening.done():
                opened = opening.result()
                if opened is None:
                    break
                race.offer(opened)
                opening = asyncio.create_task(watch.next_open(until=until))
    finally:
        await _close(opening)
        await race.cut_off()
    return Salvo(tuple(race.done))


async def _close(opening: asyncio.Task[Opened | None]) -> None:
    """Wait for no further door; one that opened in this moment is closed."""
    if not opening.done():
        opening.cancel()
        await asyncio.wait({opening})  # awaiting it would take a cancellation of ours for its own
    if not opening.cancelled():
        opened = opening.result()
        if opened is not None:
            opened.sock.close()
