"""The one task: to serve a queue of a campaign for a slice of time. It may be asked for at any time, and twice."""

import asyncio
from collections.abc import Callable

from celery import Celery

from unloop.dispatch.context import Context
from unloop.dispatch.engine import Engine
from unloop.errors import UnloopError
from unloop.log import get_logger
from unloop.store import campaigns

logger = get_logger(__name__)

WORK = "unloop.work"
HINT_EXPIRES = 15.0
SLICE = 300.0


def register(app: Celery, context_of: Callable[[], Context], *, slice_seconds: float = SLICE) -> None:
    """Add the task to an application; ``context_of`` gives what this process works with."""

    def work(campaign_id: str, queue: str) -> None:
        context, key = context_of(), (campaign_id, queue)
        if context.stopping.is_set() or not context.enter(key):
            return
        try:
            campaign = campaigns.load(context.database, campaign_id)
            asyncio.run(Engine(context, campaign, queue).serve(seconds=slice_seconds))
        except UnloopError as error:
            logger.error("engine stopped", extra={"campaign": campaign_id, "reason": str(error)})  # noqa: TRY400
        finally:
            context.leave(key)

    app.task(name=WORK)(work)


def hint(app: Celery, campaign_id: str, queue: str) -> None:
    """Say that work is due: a message that carries no state, and expires."""
    app.send_task(WORK, (campaign_id, queue), queue=queue, expires=HINT_EXPIRES)
