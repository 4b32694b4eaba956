"""The same application on one machine: an in-process worker on the memory transport, and a beat thread. No servers."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from celery import Celery, beat
from celery.worker import WorkController
from celery.worker import state as worker_state

from unloop.dispatch.celery_app import make_app
from unloop.dispatch.context import Context
from unloop.dispatch.tasks import register

THREADS = 4


@contextmanager
def embedded(context: Context) -> Iterator[Celery]:
    """Run worker and beat in this process for the length of a with block; leaving it stops claiming and drains."""
    app = make_app()
    register(app, context)
    worker_state.should_stop = None
    worker = WorkController(
        app=app,
        pool="threads",
        concurrency=THREADS,
        queues=["ctl"],
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        hostname="embedded@unloop",
        loglevel="ERROR",
    )
    thread = threading.Thread(target=worker.start, name="unloop-worker", daemon=True)
    thread.start()
    clock = beat.EmbeddedService(app, thread=True, scheduler_cls=beat.Scheduler)
    clock.daemon = True
    clock.start()
    try:
        yield app
    finally:
        context.stopping.set()
        clock.stop()
        worker_state.should_stop = 0
        thread.join(timeout=10.0)
