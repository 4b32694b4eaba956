"""What blocks and can be done before a window: begun in a thread when a strike is made, and waited for when it is fired."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from unloop.channels.base import Deadline
from unloop.errors import LogonUndecided


class Background:
    """Work that was begun, or will be when it is needed."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._task: asyncio.Task[None] | None = None
        with suppress(RuntimeError):  # without a loop it is begun when it is used
            asyncio.get_running_loop()
            self._begin()

    async def had(self, deadline: Deadline) -> None:
        """Wait until it is done; raises what it raised, or LogonUndecided when it is not done in time."""
        task = self._task or self._begin()
        try:
            async with asyncio.timeout(deadline.left()):
                await asyncio.shield(task)
        except TimeoutError as error:
            raise LogonUndecided("nobody gave what the log-on needs within the time allowed") from error

    def _begin(self) -> "asyncio.Task[None]":
        task = self._task = asyncio.create_task(asyncio.to_thread(self._work))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())  # perhaps nobody will ask
        return task


def in_background(work: Callable[[], None]) -> Background:
    """Begin work that blocks."""
    return Background(work)
