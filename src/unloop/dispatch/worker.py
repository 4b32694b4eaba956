"""A worker: processes that serve queues of a broker, each with a shift of its own, and the tick beside them."""

import logging
import os
import signal
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from celery import Celery
from celery.apps.worker import Worker
from celery.exceptions import SecurityWarning
from celery.signals import worker_process_init, worker_ready, worker_shutting_down

from unloop.dispatch.celery_app import MEMORY
from unloop.dispatch.context import Context, make_context
from unloop.dispatch.reach import reachable_app
from unloop.dispatch.stopping import EitherFlag, SharedFlag
from unloop.dispatch.tasks import hint, register
from unloop.dispatch.ticker import Ticker
from unloop.errors import InputError, Problem
from unloop.log import get_logger
from unloop.model.host_run import Queue
from unloop.settings.schema import Settings

logger = get_logger(__name__)

SHIFTS_PER_PROCESS = 50


@dataclass
class _Processes:
    """What each process of the pool works with: opened after the fork, so that no connection is shared."""

    settings: Settings
    parent: Context
    stopping: SharedFlag = field(default_factory=SharedFlag)
    _context: Context | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def context(self) -> Context:
        """The context of this process."""
        with self._lock:
            if self._context is None or self._context.pid != os.getpid():
                self.parent.database.forget()
                self._context = make_context(self.settings, stopping=self.stopping)
            return self._context

    def start(self, **_: object) -> None:
        """Get a new process ready."""
        self.context()

    def at_work(self) -> Context:
        """The context of this process, which has work now: a SIGTERM to it alone makes it hand back what is in work.

        An init system sends SIGTERM to the whole group of processes, and to end at once would leave hosts off.
        """
        context, own = self.context(), threading.Event()
        context.stopping = EitherFlag(own, self.stopping)
        signal.signal(signal.SIGTERM, lambda *_: own.set())
        return context

    def drain(self, **_: object) -> None:
        """Claim no more in any process, and finish or hand back what is in work."""
        if not self.stopping.is_set():
            logger.warning(
                "worker drains", extra={"seconds_at_most": self.settings.race.drain + self.settings.race.power}
            )
        self.stopping.set()


def run_worker(
    settings: Settings, *, queues: tuple[Queue, ...], processes: int, name: str, begins: Callable[[], None]
) -> int:
    """Serve queues until SIGTERM or Ctrl-C, which drain it: what is in mid-change is finished. Answers the exit code.

    ``begins`` is called when store and broker have been reached.
    """
    _hush()
    app = _app_of(settings)
    parent = make_context(settings)
    begins()
    pool = _Processes(settings, parent)
    register(app, pool.at_work, queues_of=lambda _: queues)
    ticker = Ticker(parent, partial(hint, app))
    worker_process_init.connect(pool.start, weak=False)
    worker_shutting_down.connect(pool.drain, weak=False)
    worker_ready.connect(_once(ticker.start), weak=False)
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
            max_tasks_per_child=SHIFTS_PER_PROCESS,
            quiet=True,
        )
        worker.start()
        return int(worker.exitcode or 0)
    finally:
        ticker.stop()
        parent.database.close()


def _hush() -> None:
    """Leave out what Celery warns everybody of: running as root matters where messages are pickled, ours are JSON."""
    warnings.filterwarnings("ignore", category=SecurityWarning)
    logging.getLogger("py.warnings").setLevel(logging.ERROR)


def _once(start: Callable[[], None]) -> Callable[..., None]:
    """A receiver of worker_ready, which comes again whenever the broker is back."""
    begun = threading.Event()

    def ready(**_: object) -> None:
        if not begun.is_set():
            begun.set()
            start()

    return ready


def _app_of(settings: Settings) -> Celery:
    """The application on the broker of the settings; raises InputError when there is none, or it can't be reached."""
    url = settings.broker.url
    if url.startswith(MEMORY):
        hint_text = "set broker.url in unloop.toml, for example redis://localhost:6379/0"
        raise InputError(Problem("a worker needs a broker that other processes reach", hint=hint_text))
    return reachable_app(settings)
