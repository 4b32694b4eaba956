"""The tick: every second, in every worker, what is due is told to the queues. Idempotent; any number may tick at once."""

import threading
from collections.abc import Callable
from math import ceil

from unloop.campaign.steer import steer_all
from unloop.dispatch.context import Context
from unloop.errors import StoreError
from unloop.log import get_logger
from unloop.store import campaigns

logger = get_logger(__name__)

TICK = 1.0
SHARE = 500
"""For so many due hosts one more engine is called."""
MOST_HINTS = 8
Hint = Callable[[str, str], object]
"""Tells one engine of a queue of a campaign that work is due; it may be lost, late or doubled."""


def tick(context: Context, hint: Hint) -> None:
    """Steer the campaigns, and give hints for what is due."""
    steer_all(context.database, now=context.now())
    for due in campaigns.due_queues(context.database, now=context.now()):
        if (due.campaign, due.queue) not in context.busy:
            for _ in range(min(MOST_HINTS, ceil(due.hosts / SHARE))):
                hint(due.campaign, due.queue)


class Ticker(threading.Thread):
    """Ticks until it is stopped; a store or broker that fails is tried again with the next tick."""

    def __init__(self, context: Context, hint: Hint) -> None:
        super().__init__(name="unloop-tick", daemon=True)
        self._context, self._hint = context, hint
        self._stopped = threading.Event()

    def run(self) -> None:
        """Tick."""
        while not self._stopped.wait(TICK):
            try:
                tick(self._context, self._hint)
            except StoreError as error:
                logger.warning("tick failed", extra={"reason": str(error)})
            except Exception as error:
                logger.warning("hint not sent", extra={"reason": type(error).__name__})

    def stop(self) -> None:
        """End with the tick that runs."""
        self._stopped.set()
