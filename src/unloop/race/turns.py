"""Whose turn it is to strike when more windows are open than can be served at once.

Of the windows that leave time enough for a strike, the one that closes first goes first. One that leaves too little is
overtaken by all others, and of those the last that came is tried first: a queue that is served in order when it is too long
serves everyone too late.
"""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

WEIGHT = 0.1
"""How much the last turn counts in what turns usually take."""
ENOUGH = 2.0
"""So many usual turns must fit into what is left of a window."""


class Turns:
    """At most ``limit`` at once. Times are seconds on the event loop's clock."""

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._timely: list[tuple[float, int, asyncio.Future[None]]] = []
        self._late: list[tuple[int, asyncio.Future[None]]] = []
        self._serial = 0
        self.usual = 0.0
        """How long a turn usually takes, as of late."""

    @property
    def waiting(self) -> int:
        """How many wait now."""
        waiting = [turn for *_, turn in self._timely] + [turn for _, turn in self._late]
        return sum(not turn.done() for turn in waiting)

    @asynccontextmanager
    async def take(self, *, by: float) -> AsyncIterator[None]:
        """A turn for the length of a with block; ``by`` is when the window is expected to close."""
        if self._free > 0:
            self._free -= 1
        else:
            await self._wait(by)
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            yield
        finally:
            took = loop.time() - began
            self.usual = took if not self.usual else (1 - WEIGHT) * self.usual + WEIGHT * took
            self._pass_on(loop.time())

    async def _wait(self, by: float) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._serial += 1
        heapq.heappush(self._timely, (by, self._serial, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._pass_on(asyncio.get_running_loop().time())
            raise

    def _pass_on(self, now: float) -> None:
        found = self._next_timely(now + ENOUGH * self.usual) or self._next_late()
        if found is None:
            self._free += 1
        else:
            found.set_result(None)

    def _next_timely(self, enough: float) -> "asyncio.Future[None] | None":
        while self._timely:
            by, serial, turn = heapq.heappop(self._timely)
            if turn.done():
                continue
            if by >= enough:
                return turn
            heapq.heappush(self._late, (-serial, turn))
        return None

    def _next_late(self) -> "asyncio.Future[None] | None":
        while self._late:
            _, turn = heapq.heappop(self._late)
            if not turn.done():
                return turn
        return None
