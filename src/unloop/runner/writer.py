"""The one writer of a process: what many visits want written down at the same time goes into one transaction."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from unloop.clock import Clock
from unloop.errors import LeaseLost
from unloop.model.effect import EffectKind
from unloop.model.host_run import HostRun, Step
from unloop.store import ledger
from unloop.store import progress as store_progress
from unloop.store.database import Database
from unloop.store.ledger import Limits, Permission, Settled, Wanted
from unloop.store.progress import Kept, Saved, Visit

MOST = 200
"""Items of one transaction."""


@dataclass(eq=False)
class _Queue:
    """Items of one kind that wait, and how all of them are written at once."""

    write: Callable[[Sequence[Any]], Sequence[Any]]
    waiting: list[tuple[Any, asyncio.Future[Any]]] = field(default_factory=list)


class Writer:
    """Group commit: an item is answered when its transaction has been committed. Used by one event loop.

    What waits is not given up when whoever asked is cancelled: it may be on its way already.
    """

    def __init__(self, database: Database, executor: Executor, clock: Clock) -> None:
        self._database, self._executor, self._clock = database, executor, clock
        self._permits = _Queue(self._permit_all)
        self._settlements = _Queue(self._settle_all)
        self._keeps = _Queue(self._keep_all)
        self._saves = _Queue(self._save_all)
        self._task: asyncio.Task[None] | None = None

    async def permit(self, run: HostRun, kind: EffectKind, *, attempt: int, limits: Limits | None = None) -> Permission:
        """Ask for the permission to send an effect (see ledger.permit)."""
        answer: Permission = await self._put(self._permits, Wanted(run, kind, attempt, limits or Limits()))
        return answer

    async def settle(self, run: HostRun, kind: EffectKind, *, attempt: int, result: str = "confirmed") -> None:
        """Record what came of an effect."""
        await self._put(self._settlements, Settled(run, kind, attempt, result))

    async def keep(self, kept: Kept) -> None:
        """Write down what a visit knows already; the visit goes on. Raises LeaseLost."""
        if await self._put(self._keeps, kept):
            raise LeaseLost(f"{kept.run.host.name}: another worker took over")

    async def save(self, run: HostRun, step: Step, visit: Visit) -> None:
        """Save what a visit came to; raises LeaseLost."""
        if await self._put(self._saves, Saved(run, step, visit)):
            raise LeaseLost(f"{run.host.name}: another worker took over")

    async def _put(self, queue: _Queue, item: object) -> Any:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        queue.waiting.append((item, answer))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write())
        return await asyncio.shield(answer)

    async def _write(self) -> None:
        """Write until nothing waits; while one transaction is under way the next one fills up."""
        queues = (self._permits, self._settlements, self._keeps, self._saves)
        while any(queue.waiting for queue in queues):
            for queue in queues:
                if queue.waiting:
                    batch, queue.waiting = queue.waiting[:MOST], queue.waiting[MOST:]
                    await self._commit(queue, batch)

    async def _commit(self, queue: _Queue, batch: list[tuple[Any, asyncio.Future[Any]]]) -> None:
        work = partial(queue.write, [item for item, _ in batch])
        try:
            results = await asyncio.get_running_loop().run_in_executor(self._executor, work)
        except Exception as error:  # noqa: BLE001, RUF100 - handed to everyone who waits for it
            for _, answer in batch:
                answer.set_exception(error)
            return
        for (_, answer), result in zip(batch, results, strict=True):
            answer.set_result(result)

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _permit_all(self, wanted: Sequence[Wanted]) -> Sequence[Permission]:
        return ledger.permit_all(self._database, wanted, now=self._now())

    def _settle_all(self, settled: Sequence[Settled]) -> Sequence[None]:
        ledger.settle_all(self._database, settled, now=self._now())
        return [None] * len(settled)

    def _keep_all(self, kept: Sequence[Kept]) -> Sequence[bool]:
        lost = store_progress.keep_all(self._database, kept, now=self._now())
        return [item.run.id in lost for item in kept]

    def _save_all(self, saved: Sequence[Saved]) -> Sequence[bool]:
        lost = store_progress.save_all(self._database, saved, now=self._now())
        return [item.run.id in lost for item in saved]
