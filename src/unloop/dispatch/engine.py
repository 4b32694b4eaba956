"""The engine: one event loop that claims due hosts of a queue, visits many at once, and keeps their leases alive."""

import asyncio
import gc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

from unloop.dispatch.context import Context
from unloop.dispatch.remedy import Remedy
from unloop.errors import StoreError
from unloop.log import get_logger
from unloop.model.host_run import HostRun
from unloop.model.options import CampaignOptions
from unloop.model.state import CampaignState
from unloop.race.budget import budget, sockets_for_probes, this_machine
from unloop.race.pacing import Pacer
from unloop.race.pinger import Pinger, make_pinger
from unloop.race.prober import Prober
from unloop.race.profile import Profiles
from unloop.race.rhythm import Rhythm
from unloop.race.turns import Turns
from unloop.runner.gate import Gate
from unloop.runner.tools import Tools
from unloop.runner.visit import visit
from unloop.runner.writer import Writer
from unloop.store import campaigns, claims, queries
from unloop.store.campaigns import Campaign

logger = get_logger(__name__)

POLL = 0.2
"""Seconds between two looks for due work while the engine has room."""
GARBAGE = 20_000
"""Objects made and not given back, after which the collector looks."""
CLAIM = 250
"""Hosts taken at once: engines that start together share what is due."""


def spare_collector() -> None:
    """Have the garbage collector look less often: what thousands of hosts in flight hold is in use, not garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE, 20, 50)


class Engine:
    """Serves one queue of one campaign for a slice of time."""

    def __init__(self, context: Context, campaign: Campaign, queue: str) -> None:
        self._context, self._campaign, self._queue = context, campaign, queue
        self._options = CampaignOptions.from_json(campaign.options)
        self._race = context.settings.race
        self._room = self._options.in_flight
        self._working: dict[int, tuple[HostRun, asyncio.Task[object]]] = {}
        self._ended = asyncio.Event()

    async def serve(self, *, seconds: float) -> int:
        """Claim and visit until the slice is over or nothing is left; hosts in work are finished. Returns the visits."""
        spare_collector()
        prober = Prober(files=sockets_for_probes(self._options.in_flight, this_machine()))
        pinger = make_pinger() if self._race.ping else None
        store = ThreadPoolExecutor(1, "store")
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(self._race.threads, "blocking"))
        tools = self._tools(prober, pinger, store)
        await self._learn(tools)
        self._bound()
        keeper = asyncio.create_task(self._keep_leases(tools))
        visits = 0
        end = self._context.clock.monotonic() + seconds
        try:
            while self._working or self._may_claim(end):
                claimed = await self._claim(tools) if self._may_claim(end) else ()
                for run in claimed:
                    self._start(run, tools)
                visits += len(claimed)
                if not self._working and not claimed and not await self._is_pending(tools):
                    break
                await self._wait_for_any()
        finally:
            keeper.cancel()
            await tools.gate.flush()
            prober.close()
            if pinger is not None:
                pinger.close()
            self._context.power.leave()
            store.shutdown(wait=False, cancel_futures=True)
        return visits

    def _tools(self, prober: Prober, pinger: Pinger | None, store: ThreadPoolExecutor) -> Tools:
        remedy, context = Remedy(self._campaign), self._context

        async def in_store(work: Callable[[], object]) -> object:
            return await asyncio.get_running_loop().run_in_executor(store, work)

        return Tools(
            database=context.database,
            clock=context.clock,
            prober=prober,
            pinger=pinger,
            credentials=context.credentials,
            options=self._options,
            order_for=remedy.order,
            cleanup_for=remedy.cleanup,
            instructions_for=remedy.instructions,
            store=store,
            owner=context.owner,
            writer=Writer(context.database, in_store, context.clock),
            gate=Gate(context.database, in_store, context.clock, owner=context.owner),
            turns=Turns(self._race.strikes),
            profiles=Profiles(),
            pacer=Pacer(self._race.windows_per_second),
            power=context.power,
        )

    async def _learn(self, tools: Tools) -> None:
        """What earlier engines measured of the hosts of this campaign."""
        asked = partial(queries.boots_of, self._context.database, self._campaign.id)
        for boot in await tools.in_store(asked):
            tools.profiles.learn(boot.host, boot.model, (boot.window,), is_caused=boot.is_caused)

    def _bound(self) -> None:
        """Take no more hosts at once than this machine can carry, and say so."""
        options = self._options
        rhythm = Rhythm(hot=options.hot, warm=options.interval, cold=options.cold)
        wanted = min(options.in_flight, self._campaign.targets)
        found = budget(wanted, this_machine(), rhythm)
        if found.bound:
            logger.warning("fewer hosts at once than asked for", extra={"reason": found.bound})
        self._room = found.hosts

    def _may_claim(self, end: float) -> bool:
        return self._context.clock.monotonic() < end and not self._context.stopping.is_set()

    async def _claim(self, tools: Tools) -> tuple[HostRun, ...]:
        room = min(self._room - len(self._working), CLAIM)
        if room <= 0:
            return ()
        take = partial(
            claims.claim,
            self._context.database,
            campaign_id=self._campaign.id,
            queue=self._queue,
            owner=self._context.owner,
            limit=room,
            ttl=self._options.lease,
            now=self._context.now(),
        )
        return await tools.in_store(take)

    def _start(self, run: HostRun, tools: Tools) -> None:
        task = asyncio.create_task(visit(run, tools))
        self._working[run.id] = (run, task)
        task.add_done_callback(partial(self._finished, run))

    def _finished(self, run: HostRun, task: asyncio.Task[object]) -> None:
        self._ended.set()
        current = self._working.get(run.id)
        if current is not None and current[0].fence == run.fence:
            del self._working[run.id]
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("visit broke off", extra={"host": run.host.name, "error": str(error)}, exc_info=error)

    async def _wait_for_any(self) -> None:
        """Wait until a visit has ended, a moment at most: to look at thousands of tasks for that would take longer."""
        self._ended.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL):
                await self._ended.wait()
                await asyncio.sleep(POLL / 4)

    async def _is_pending(self, tools: Tools) -> bool:
        """Whether this queue may soon have something due, so that the engine stays."""
        asked = partial(campaigns.state_of, self._context.database, self._campaign.id)
        return await tools.in_store(asked) is CampaignState.RUNNING

    async def _keep_leases(self, tools: Tools) -> None:
        """Prolong the leases of hosts in work; a visit whose lease was lost is cancelled."""
        while True:
            await asyncio.sleep(self._options.lease / 3)
            held = {run.id: (run, task) for run, task in self._working.values()}
            leases = [(run.id, run.fence) for run, _ in held.values()]
            renewal = partial(
                claims.renew, self._context.database, leases, ttl=self._options.lease, now=self._context.now()
            )
            try:
                ours = await tools.in_store(renewal)
            except StoreError as error:
                logger.warning("leases not renewed", extra={"reason": str(error)})
                continue
            for run_id, (_, task) in held.items():
                if run_id not in ours and not task.done():
                    task.cancel()
