"""The one task: to serve a queue. It may be asked for at any time, and twice."""

import asyncio
from collections.abc import Callable, Sequence

from celery import Celery

from unloop.dispatch.context import Context
from unloop.dispatch.shift import Shift
from unloop.errors import UnloopError
from unloop.log import get_logger

logger = get_logger(__name__)

WORK = "unloop.work"
HINT_EXPIRES = 15.0


def alone(queue: str) -> tuple[str, ...]:
    """A queue has a shift of its own."""
    return (queue,)


def register(
    app: Celery, context_of: Callable[[], Context], *, queues_of: Callable[[str], Sequence[str]] = alone
) -> None:
    """Add the task to an application.

    ``context_of`` gives what this process works with, ``queues_of`` the queues that whoever is told of one serves.
    """

    def work(queue: str) -> None:
        context, queues = context_of(), tuple(queues_of(queue))
        if context.stopping.is_set() or not context.enter(queues):
            return
        try:
            asyncio.run(Shift(context, queues).serve())
        except UnloopError as error:
            logger.error("shift ended", extra={"queues": " ".join(queues), "reason": str(error)})  # noqa: TRY400
        finally:
            context.leave(queues)

    app.task(name=WORK)(work)


def hint(app: Celery, queue: str) -> None:
    """Say that work is due: a message that carries no state, and expires."""
    app.send_task(WORK, (queue,), queue=queue, expires=HINT_EXPIRES)
