"""Draining an engine within a bounded time: what is in work ends, or is handed back for others to continue."""

import asyncio
from collections.abc import Mapping
from functools import partial

from unloop.dispatch.context import Context
from unloop.log import get_logger
from unloop.model.host_run import HostRun
from unloop.model.options import CampaignOptions
from unloop.runner.tools import Tools
from unloop.store import claims, ledger

logger = get_logger(__name__)

LETTING_GO = 5.0
"""Seconds in which a visit that is cancelled lets go of its connections."""


class _Span:
    """For how long something has been so."""

    def __init__(self) -> None:
        self._since: float | None = None

    def length(self, now: float, *, since: bool) -> float:
        """Seconds, 0 when it is not so."""
        self._since = (now if self._since is None else self._since) if since else None
        return 0.0 if self._since is None else now - self._since


Working = Mapping[int, tuple[HostRun, "asyncio.Task[object]"]]


class Drain:
    """Of one engine: for how long its campaign has been stopped, or its process is to end, and what may still go on.

    For ``race.drain`` seconds everything may end by itself. After that only hosts that are off by our hand are kept until
    they are on, for as long as a reset may take. Whoever claims the others next continues their attempts.
    """

    def __init__(self, context: Context, options: CampaignOptions) -> None:
        self._context = context
        self._grace = context.settings.race.drain
        self._most = self._grace + options.power
        self._stopped, self._ending = _Span(), _Span()

    async def step(self, tools: Tools, working: Working, *, is_stopped: bool) -> None:
        """Called again and again; ``is_stopped`` is whether the campaign does not run."""
        now = self._context.clock.monotonic()
        ending = self._ending.length(now, since=self._context.stopping.is_set())
        waited = max(ending, self._stopped.length(now, since=is_stopped))
        if waited < self._grace:
            return
        late = {
            number: found
            for number, found in working.items()
            if (ending >= self._most if found[0].is_draining else waited >= self._grace)
        }
        if not late:
            return
        if waited < self._most:
            off = await tools.in_store(partial(ledger.off_by_us, self._context.database, sorted(late)))
            late = {number: found for number, found in late.items() if number not in off}
        await self._hand_back(tools, late)

    async def _hand_back(self, tools: Tools, working: Working) -> None:
        if not working:
            return
        for _, task in working.values():
            task.cancel()
        await asyncio.wait([task for _, task in working.values()], timeout=LETTING_GO)
        await tools.writer.flush()  # what a host has answered counts under the lease that is given back now
        runs = [run for run, _ in working.values()]
        await tools.in_store(partial(claims.give_back, self._context.database, runs, now=self._context.now()))
        logger.warning("hosts in work were handed back", extra={"hosts": len(runs)})
