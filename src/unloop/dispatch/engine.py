"""The engine: it claims due hosts of one queue of one campaign, visits many at once, and keeps their leases alive."""

import asyncio
from contextlib import AsyncExitStack, suppress
from functools import partial
from math import inf

from unloop.dispatch.context import Context
from unloop.dispatch.drain import LETTING_GO, Drain
from unloop.dispatch.remedy import Remedy
from unloop.dispatch.resources import Resources, resources_of
from unloop.errors import StoreError
from unloop.log import get_logger
from unloop.model.host_run import HostRun
from unloop.model.options import CampaignOptions
from unloop.model.state import CampaignState
from unloop.race.profile import Profiles
from unloop.race.rhythm import Rhythm
from unloop.runner.tools import Tools
from unloop.runner.visit import visit
from unloop.runner.writer import Writer
from unloop.store import campaigns, claims, queries
from unloop.store.campaigns import Campaign

logger = get_logger(__name__)

POLL = 0.2
"""Seconds between two looks for due work while the engine has room."""
LOOK = 0.8
"""Seconds between two looks at whether the campaign still runs."""
CLAIM = 250
"""Hosts taken at once: engines that start together share what is due."""


class Engine:
    """Serves one queue of one campaign, on the running loop, with what the engines of that loop share."""

    def __init__(self, context: Context, campaign: Campaign, queue: str, shared: Resources | None = None) -> None:
        self._context, self._campaign, self._queue, self._shared = context, campaign, queue, shared
        self._options = CampaignOptions.from_json(campaign.options)
        self._clock = context.clock
        self._working: dict[int, tuple[HostRun, asyncio.Task[object]]] = {}
        self._ended = asyncio.Event()
        self._state, self._looked = CampaignState.RUNNING, -inf
        self._claimed, self._is_drained = -inf, False
        """When hosts were last claimed, and whether that left none that was due."""

    async def serve(self, *, seconds: float = inf) -> int:
        """Claim and visit until the time is over, or the campaign stops; what is in work is finished or handed back.

        Answers how many visits were begun.
        """
        async with AsyncExitStack() as stack:
            shared = self._shared
            if shared is None:
                shared = await stack.enter_async_context(resources_of(self._context))
            wanted = min(self._options.in_flight, self._campaign.targets)
            shared.room.want(wanted, self._rhythm())
            tools = self._tools(shared)
            await self._learn(tools)
            keeper = asyncio.create_task(self._keep_leases(tools))
            try:
                return await self._serve(tools, shared, self._clock.monotonic() + seconds)
            finally:
                keeper.cancel()
                await self._break_off()
                await tools.writer.flush()
                await tools.gate.flush()
                shared.room.leave(wanted)

    async def _serve(self, tools: Tools, shared: Resources, end: float) -> int:
        visits, drain = 0, Drain(self._context, self._options)
        while self._working or self._may_claim(end):
            claimed = await self._claim(tools, shared) if self._may_claim(end) else ()
            for run in claimed:
                self._start(run, tools, shared)
            visits += len(claimed)
            await self._look(tools)
            is_stopped = self._state is not CampaignState.RUNNING
            if is_stopped and not self._working and not claimed:
                break
            await drain.step(tools, self._working, is_stopped=is_stopped)
            await self._wait_for_any()
        return visits

    def _tools(self, shared: Resources) -> Tools:
        remedy, context = Remedy(self._campaign), self._context

        return Tools(
            database=context.database,
            clock=context.clock,
            prober=shared.prober,
            pinger=shared.pinger,
            credentials=context.credentials,
            options=self._options,
            order_for=remedy.order,
            cleanup_for=remedy.cleanup,
            traces_for=remedy.traces,
            instructions_for=remedy.instructions,
            store=shared.store,
            owner=shared.owner,
            writer=Writer(context.database, shared.in_store, context.clock),
            gate=shared.gate,
            turns=shared.turns,
            profiles=Profiles(),
            pacer=shared.pacer,
            power=context.power,
        )

    async def _learn(self, tools: Tools) -> None:
        """What earlier engines measured of the hosts of this campaign."""
        asked = partial(queries.boots_of, self._context.database, self._campaign.id)
        for boot in await tools.in_store(asked):
            tools.profiles.learn(boot.host, boot.model, (boot.window,), is_caused=boot.is_caused)

    def _rhythm(self) -> Rhythm:
        options = self._options
        return Rhythm(hot=options.hot, warm=options.interval, cold=options.cold)

    def _may_claim(self, end: float) -> bool:
        return self._clock.monotonic() < end and not self._context.stopping.is_set()

    async def _claim(self, tools: Tools, shared: Resources) -> tuple[HostRun, ...]:
        room = min(self._options.in_flight - len(self._working), shared.room.left, CLAIM)
        now = self._clock.monotonic()
        is_too_soon = self._is_drained and now - self._claimed < POLL and self._state is CampaignState.RUNNING
        if room <= 0 or is_too_soon:
            return ()
        take = partial(
            claims.claim,
            self._context.database,
            campaign_id=self._campaign.id,
            queue=self._queue,
            owner=shared.owner,
            limit=room,
            ttl=self._options.lease,
            now=self._context.now(),
        )
        taken: tuple[HostRun, ...] = await tools.in_store(take)
        self._claimed, self._is_drained = now, len(taken) < room
        return taken

    def _start(self, run: HostRun, tools: Tools, shared: Resources) -> None:
        task = asyncio.create_task(visit(run, tools))
        before = self._working.get(run.id)
        if before is None:
            shared.room.taken += 1
        else:  # its lease ran out, as when the clock was set, and was taken anew by ourselves
            before[1].cancel()
        self._working[run.id] = (run, task)
        task.add_done_callback(partial(self._finished, run, shared))

    def _finished(self, run: HostRun, shared: Resources, task: asyncio.Task[object]) -> None:
        self._ended.set()
        current = self._working.get(run.id)
        if current is not None and current[0].fence == run.fence:
            del self._working[run.id]
            shared.room.taken -= 1
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("visit broke off", extra={"host": run.host.name, "error": str(error)}, exc_info=error)

    async def _break_off(self) -> None:
        """End every visit; nothing is left where the engine came to its own end. Leases run out by themselves."""
        tasks = [task for _, task in self._working.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=LETTING_GO)

    async def _wait_for_any(self) -> None:
        """Wait until a visit has ended, a moment at most: to look at thousands of tasks for that would take longer."""
        self._ended.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL):
                await self._ended.wait()
                await asyncio.sleep(POLL / 4)

    async def _look(self, tools: Tools) -> None:
        """Learn now and then whether the campaign runs; one that does may soon have something due."""
        now = self._clock.monotonic()
        if now - self._looked >= LOOK or not self._working:
            self._looked = now
            self._state = await tools.in_store(partial(campaigns.state_of, self._context.database, self._campaign.id))

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
