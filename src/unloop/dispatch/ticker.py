"""The tick: every second, in every worker, what is due is told to the queues. Idempotent; any number may tick at once."""

import threading
from collections import Counter
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
"""For so many due hosts one more process is called."""
MOST_HINTS = 8
Hint = Callable[[str], object]
"""Tells one process that work is due in a queue; it may be lost, late or doubled."""


def tick(context: Context, hint: Hint) -> None:
    """Steer the campaigns, and give hints for what is due."""
    steer_all(context.database, now=context.now())
    due: Counter[str] = Counter()
    for found in campaigns.due_queues(context.database, now=context.now()):
        due[found.queue] += found.hosts
    for queue, hosts in due.items():
        if not context.serves(queue):
            for _ in range(min(MOST_HINTS, ceil(hosts / SHARE))):
                hint(queue)


class Ticker(threading.Thread):
    """Ticks until it is stopped; a store or broker that fails is tried again with the next tick, and told of once."""

    def __init__(self, context: Context, hint: Hint) -> None:
        super().__init__(name="unloop-tick", daemon=True)
        self._context, self._hint = context, hint
        self._stopped = threading.Event()
        self._told = ""

    def run(self) -> None:
        """Tick."""
        while not self._stopped.wait(TICK):
            try:
                tick(self._context, self._hint)
            except StoreError as error:
                self._tell(f"tick failed: {error}")
            except Exception as error:
                self._tell(f"the broker can't be reached, hints are not sent: {type(error).__name__}: {error}")
            else:
                self._tell("")

    def stop(self) -> None:
        """End with the tick that runs."""
        self._stopped.set()

    def _tell(self, trouble: str) -> None:
        """Say what is wrong when it begins, and when it is over."""
        if trouble != self._told:
            logger.warning(trouble or "ticks and hints go on")
        self._told = trouble
