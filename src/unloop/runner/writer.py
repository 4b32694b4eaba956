"""The one writer of a process: what many visits want written down at the same time goes into one transaction."""

from collections.abc import Sequence
from dataclasses import replace

from unloop.clock import Clock
from unloop.errors import LeaseLost
from unloop.model.effect import EffectKind
from unloop.model.host_run import HostRun, Progress, Step
from unloop.runner.together import LINGER, InStore, Together
from unloop.store import ledger
from unloop.store import progress as store_progress
from unloop.store.database import Database
from unloop.store.ledger import Limits, Permission, Settled, Wanted
from unloop.store.progress import Kept, Saved, Visit


class Writer:
    """Group commit: an item is answered when its transaction has been committed. Used by one event loop."""

    def __init__(self, database: Database, in_store: InStore, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._permits: Together[Wanted, Permission] = Together(self._permit_all, in_store)
        self._settlements: Together[Settled, None] = Together(self._settle_all, in_store)
        self._keeps: Together[Kept, bool] = Together(self._keep_all, in_store, linger=LINGER)
        self._kept: dict[tuple[int, int], Progress] = {}
        self._saves: Together[Saved, bool] = Together(self._save_all, in_store, linger=LINGER)

    async def permit(self, run: HostRun, kind: EffectKind, *, attempt: int, limits: Limits | None = None) -> Permission:
        """Ask for the permission to send an effect (see ledger.permit)."""
        return await self._permits.put(Wanted(run, kind, attempt, limits or Limits()))

    async def settle(self, run: HostRun, kind: EffectKind, *, attempt: int, result: str = "confirmed") -> None:
        """Record what came of an effect."""
        await self._settlements.put(Settled(run, kind, attempt, result))

    async def keep(self, kept: Kept) -> None:
        """Write down what a visit knows already; the visit goes on. Raises LeaseLost."""
        if await self._keeps.put(kept):
            raise LeaseLost(f"{kept.run.host.name}: another worker took over")
        self._kept[kept.run.id, kept.run.fence] = kept.progress

    def as_kept(self, run: HostRun) -> HostRun:
        """A host run with what its visit has kept by now, its attempt closed with that."""
        kept = self._kept.get((run.id, run.fence))
        return run if kept is None else replace(run, progress=kept, is_attempt_open=False)

    def forget(self, run: HostRun) -> None:
        """The visit is over."""
        self._kept.pop((run.id, run.fence), None)

    async def save(self, run: HostRun, step: Step, visit: Visit) -> None:
        """Save what a visit came to; raises LeaseLost."""
        if await self._saves.put(Saved(run, step, visit)):
            raise LeaseLost(f"{run.host.name}: another worker took over")

    async def flush(self) -> None:
        """Wait until everything that was to be written down is, or is known to be refused."""
        for waiting in (self._settlements, self._keeps, self._saves):
            await waiting.flush()

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
