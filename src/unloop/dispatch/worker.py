"""A worker: processes that serve queues of a broker, each with an engine of its own, and the tick beside them."""

import os
import threading
from dataclasses import dataclass, field
from functools import partial

from celery.apps.worker import Worker
from celery.signals import worker_process_init, worker_process_shutdown

from unloop.dispatch.broker import broker_url
from unloop.dispatch.celery_app import MEMORY, make_app
from unloop.dispatch.context import Context, make_context
from unloop.dispatch.tasks import hint, register
from unloop.dispatch.ticker import Ticker
from unloop.errors import InputError, Problem
from unloop.model.host_run import Queue
from unloop.settings.schema import Settings

SLICE = 60.0
"""Seconds for which an engine claims hosts before its process takes another message; hosts in work are finished."""
TASKS_PER_PROCESS = 50


@dataclass
class _Processes:
    """What each process of the pool works with: opened after the fork, so that no connection is shared."""

    settings: Settings
    parent: Context
    _context: Context | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def context(self) -> Context:
        """The context of this process."""
        with self._lock:
            if self._context is None or self._context.pid != os.getpid():
                self.parent.database.forget()
                self._context = make_context(self.settings)
            return self._context

    def start(self, **_: object) -> None:
        """Get a new process ready."""
        self.context()

    def drain(self, **_: object) -> None:
        """Claim no more in this process."""
        if self._context is not None:
            self._context.stopping.set()


def run_worker(settings: Settings, *, queues: tuple[Queue, ...], processes: int, name: str) -> int:
    """Serve queues until SIGTERM or Ctrl-C, which drain it: what is in mid-change is finished. Answers the exit code."""
    if settings.broker.url.startswith(MEMORY):
        hint_text = "set broker.url in unloop.toml, for example redis://localhost:6379/0"
        raise InputError(Problem("a worker needs a broker that other processes reach", hint=hint_text))
    parent = make_context(settings)
    app = make_app(broker_url(settings))
    pool = _Processes(settings, parent)
    register(app, pool.context, slice_seconds=SLICE)
    worker_process_init.connect(pool.start, weak=False)
    worker_process_shutdown.connect(pool.drain, weak=False)
    ticker = Ticker(parent, partial(hint, app))
    ticker.start()
    try:
        worker = Worker(
            app=app,
            pool="prefork",
            concurrency=processes,
            queues=[str(queue) for queue in queues],
            hostname=f"{name}@%h",
            loglevel="WARNING",
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
            max_tasks_per_child=TASKS_PER_PROCESS,
            quiet=True,
        )
        worker.start()
        return int(worker.exitcode or 0)
    finally:
        ticker.stop()
        parent.database.close()
