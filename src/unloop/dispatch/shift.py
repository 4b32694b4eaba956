"""A shift: as long as there is work, an engine for each queue of each campaign, all on one event loop of one process.

So a campaign of a thousand hosts that race keeps no other campaign from this process.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from math import inf

from unloop.dispatch.context import Context
from unloop.dispatch.engine import Engine
from unloop.dispatch.resources import Resources, resources_of
from unloop.errors import UnloopError
from unloop.log import get_logger
from unloop.store import campaigns

logger = get_logger(__name__)

LOOK = 1.0
"""Seconds between two looks for campaigns that have begun."""
AGAIN = 15.0
"""Seconds after which an engine that broke off is started again."""
Key = tuple[str, str]


class Shift:
    """Serves queues for every campaign in which work may come due."""

    def __init__(self, context: Context, queues: Sequence[str]) -> None:
        self._context, self._queues = context, tuple(queues)
        self._engines: dict[Key, asyncio.Task[int]] = {}
        self._broken: dict[Key, float] = {}

    async def serve(self) -> None:
        """Serve until no campaign is open, or this process is to stop."""
        async with resources_of(self._context) as shared:
            while await self._starts(shared) or self._engines:
                await asyncio.wait(self._engines.values(), timeout=LOOK, return_when=asyncio.FIRST_COMPLETED)
                for key in [key for key, task in self._engines.items() if task.done()]:
                    self._ended(key, self._engines.pop(key))

    async def _starts(self, shared: Resources) -> bool:
        """Start the engines that are missing; whether any campaign wants one."""
        if self._context.stopping.is_set():
            return False
        look = partial(campaigns.open_campaigns, self._context.database)
        found = await shared.in_store(look)
        wanted = [(campaign, queue) for campaign in found for queue in self._queues if self._is_sound(campaign, queue)]
        for key in wanted:
            if key not in self._engines:
                self._engines[key] = asyncio.create_task(self._serve(key, shared))
        return bool(wanted)

    def _is_sound(self, campaign: str, queue: str) -> bool:
        return self._context.clock.monotonic() - self._broken.get((campaign, queue), -inf) >= AGAIN

    async def _serve(self, key: Key, shared: Resources) -> int:
        campaign_id, queue = key
        load = partial(campaigns.load, self._context.database, campaign_id)
        campaign = await shared.in_store(load)
        return await Engine(self._context, campaign, queue, shared).serve()

    def _ended(self, key: Key, task: asyncio.Task[int]) -> None:
        error = task.exception()
        if error is None:
            return
        self._broken[key] = self._context.clock.monotonic()
        campaign, queue = key
        extra = {"campaign": campaign, "queue": queue, "reason": str(error)}
        logger.error("engine stopped", extra=extra, exc_info=None if isinstance(error, UnloopError) else error)
