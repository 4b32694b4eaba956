"""The same application on one machine: an in-process worker on the memory transport, and the tick. No servers."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from celery import Celery
from celery.worker import WorkController
from celery.worker import state as worker_state

from unloop.dispatch.celery_app import make_app
from unloop.dispatch.context import Context
from unloop.dispatch.drain import LETTING_GO
from unloop.dispatch.tasks import hint, register
from unloop.dispatch.ticker import Ticker
from unloop.model.host_run import Queue

THREADS = 4
"""One for the engine of each queue, and some to turn away hints that come while an engine runs."""


@contextmanager
def embedded(context: Context) -> Iterator[Celery]:
    """Run a worker in this process for the length of a with block; leaving it stops claiming and drains.

    It serves every open campaign of the store: hosts of others that are off by its hand are switched on before it ends.
    """
    app = make_app()
    register(app, lambda: context)
    worker_state.should_stop = None
    worker = WorkController(
        app=app,
        pool="threads",
        concurrency=THREADS,
        queues=list(Queue),
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        hostname="embedded@unloop",
        loglevel="ERROR",
    )
    thread = threading.Thread(target=worker.start, name="unloop-worker", daemon=True)
    ticker = Ticker(context, partial(hint, app))
    thread.start()
    ticker.start()
    try:
        yield app
    finally:
        context.stopping.set()
        ticker.stop()
        worker_state.should_stop = 0
        race = context.settings.race
        thread.join(timeout=race.drain + race.power + 2 * LETTING_GO)
