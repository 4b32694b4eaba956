"""So many at once, and so much time between two: over every event loop and thread of a process."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Places:
    """Room for so many at once; who finds none waits in turn, on whatever loop it runs."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._lock = threading.Lock()
        self._waiting: deque[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Hold a place for the length of a with block."""
        await self.take()
        try:
            yield
        finally:
            self.give()

    async def take(self) -> None:
        """Take a place as soon as there is one."""
        loop = asyncio.get_running_loop()
        with self._lock:
            if self._free > 0:
                self._free -= 1
                return
            turn: asyncio.Future[None] = loop.create_future()
            self._waiting.append((loop, turn))
        try:
            await turn
        except asyncio.CancelledError:
            self._withdraw(loop, turn)
            raise

    def give(self) -> None:
        """Give a place back: to whoever has waited longest."""
        with self._lock:
            self._pass_on()

    def _withdraw(self, loop: asyncio.AbstractEventLoop, turn: "asyncio.Future[None]") -> None:
        """Somebody no longer waits; a place that was on its way goes on to the next."""
        with self._lock:
            if (loop, turn) in self._waiting:
                self._waiting.remove((loop, turn))
            else:
                self._pass_on()

    def _pass_on(self) -> None:
        while self._waiting:
            loop, turn = self._waiting.popleft()
            try:
                loop.call_soon_threadsafe(_grant, turn)
            except RuntimeError:
                continue  # its loop has ended
            return
        self._free += 1


def _grant(turn: "asyncio.Future[None]") -> None:
    if not turn.done():
        turn.set_result(None)
