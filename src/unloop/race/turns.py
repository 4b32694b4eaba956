"""Whose turn it is to strike when more windows are open than can be served at once: the one that closes first."""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """At most ``limit`` at once; whoever has to wait is called in the order of the time by which it must be done."""

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._serial = 0

    @property
    def waiting(self) -> int:
        """How many wait now."""
        return sum(not turn.done() for _, _, turn in self._waiting)

    @asynccontextmanager
    async def take(self, *, by: float) -> AsyncIterator[None]:
        """A turn for the length of a with block; ``by`` is when it must be done, on any one clock."""
        if self._free > 0:
            self._free -= 1
        else:
            await self._wait(by)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, by: float) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._serial += 1
        heapq.heappush(self._waiting, (by, self._serial, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        while self._waiting:
            _, _, turn = heapq.heappop(self._waiting)
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
