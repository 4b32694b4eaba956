"""The one thread of a process that works on the store, and waits where the store can't be reached for a while."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

from unloop.dispatch.stopping import Flag
from unloop.errors import StoreUnavailable
from unloop.log import get_logger

logger = get_logger(__name__)

T = TypeVar("T")
P = ParamSpec("P")
PAUSE = 0.5
"""Seconds between two tries."""
LAST_TRIES = 10.0
"""Seconds for which a process that is to end still tries."""


class PatientThread(ThreadPoolExecutor):
    """One thread. Work that finds the store unavailable is done again until it is there, or until the process is to end.

    Every operation of the store is one transaction that judges fence, lease and ledger anew, so that doing it again is
    as good as doing it late, also where the answer to the first try was lost.
    """

    def __init__(self, stopping: Flag, *, pause: float = PAUSE) -> None:
        super().__init__(1, "store")
        self._stopping, self._ended, self._pause = stopping, threading.Event(), pause

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Put work into the queue."""
        return super().submit(self._patiently, partial(fn, *args, **kwargs))

    def end(self) -> None:
        """Take no more work, and let the one that waits give up."""
        self._ended.set()
        self.shutdown(wait=False, cancel_futures=True)

    def _patiently(self, work: Callable[[], Any]) -> Any:
        began, told = time.monotonic(), ""
        while True:
            try:
                result = work()
            except StoreUnavailable as error:
                if self._ended.is_set() or (self._stopping.is_set() and time.monotonic() - began > LAST_TRIES):
                    raise
                if str(error) != told:
                    told = str(error)
                    logger.warning("store unavailable; it is tried again", extra={"reason": told})
                self._ended.wait(self._pause)
            else:
                if told:
                    logger.warning("store is back", extra={"seconds": round(time.monotonic() - began, 1)})
                return result
