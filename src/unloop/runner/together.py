"""Group commit: what many want of the store at the same time goes into one transaction."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

ItemT = TypeVar("ItemT")
AnswerT = TypeVar("AnswerT")
InStore = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Runs a store operation on the store's thread."""
MOST = 200
"""Items of one transaction."""
LINGER = 0.25
"""Seconds that a transaction which nobody is in a hurry for waits for company: its fixed cost is that of ten items."""


class Together(Generic[ItemT, AnswerT]):
    """Items of one kind that wait, and how all of them are carried out at once, with an answer for each.

    While one transaction is under way the next one fills up; ``linger`` is how long the first item waits for others. What
    waits is not given up when whoever asked is cancelled: it may be on its way already. Used by one event loop.
    """

    def __init__(
        self, carry_out: Callable[[Sequence[ItemT]], Sequence[AnswerT]], in_store: InStore, *, linger: float = 0.0
    ) -> None:
        self._carry_out, self._in_store, self._linger = carry_out, in_store, linger
        self._waiting: list[tuple[ItemT, asyncio.Future[AnswerT]]] = []
        self._task: asyncio.Task[None] | None = None

    async def put(self, item: ItemT) -> AnswerT:
        """Have one item carried out; raises what its transaction raised."""
        return await asyncio.shield(self.post(item))

    def post(self, item: ItemT) -> "asyncio.Future[AnswerT]":
        """The same for whoever does not wait for it."""
        answer: asyncio.Future[AnswerT] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return answer

    async def flush(self) -> None:
        """Wait until nothing waits any more."""
        while self._task is not None and not self._task.done():
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while self._waiting:
            if self._linger and len(self._waiting) < MOST:
                await asyncio.sleep(self._linger)
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            await self._run_batch(batch)

    async def _run_batch(self, batch: "Sequence[tuple[ItemT, asyncio.Future[AnswerT]]]") -> None:
        """Carry a batch out; one that fails is carried out item by item, so that none fails for another."""
        try:
            answers = await self._in_store(partial(self._carry_out, [item for item, _ in batch]))
        except Exception as error:  # noqa: BLE001, RUF100 - handed to whoever waits for it
            if len(batch) == 1:
                batch[0][1].set_exception(error)
                return
            for one in batch:
                await self._run_batch([one])
            return
        for (_, answer), told in zip(batch, answers, strict=True):
            answer.set_result(told)
