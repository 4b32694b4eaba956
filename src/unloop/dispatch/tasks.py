"""The tasks: a tick that says where work is due, and work that serves a queue for a slice; both idempotent."""

import asyncio

from celery import Celery

from unloop.campaign.steer import steer_all
from unloop.dispatch.context import Context
from unloop.dispatch.engine import Engine
from unloop.errors import StoreError, UnloopError
from unloop.log import get_logger
from unloop.store import campaigns

logger = get_logger(__name__)

HINT_EXPIRES = 5.0
SLICE = 300.0


def register(app: Celery, context: Context, *, queue: str = "ctl", slice_seconds: float = SLICE) -> None:
    """Add the tasks to an application; ``queue`` is where hints are published on a single machine."""

    def tick() -> None:
        try:
            steer_all(context.database, now=context.now())
            for campaign_id, host_queue in campaigns.due_queues(context.database, now=context.now()):
                if (campaign_id, host_queue) not in context.busy:
                    app.send_task("unloop.work", (campaign_id, host_queue), queue=queue, expires=HINT_EXPIRES)
        except StoreError as error:
            logger.warning("tick failed", extra={"reason": str(error)})

    def work(campaign_id: str, host_queue: str) -> None:
        key = (campaign_id, host_queue)
        if context.stopping.is_set() or not context.enter(key):
            return
        try:
            campaign = campaigns.load(context.database, campaign_id)
            asyncio.run(Engine(context, campaign, host_queue).serve(seconds=slice_seconds))
        except UnloopError as error:
            logger.error("engine stopped", extra={"campaign": campaign_id, "reason": str(error)})  # noqa: TRY400
        finally:
            context.leave(key)

    app.task(name="unloop.tick")(tick)
    app.task(name="unloop.work")(work)
