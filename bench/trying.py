"""Loops that try one host again and again until it is repaired: ours, and those that administrators write with other tools.

``trying.py TOOL FACTS`` is the process of one loop; FACTS is JSON. For every line ``go`` on standard input it says
``trying`` and begins. A peer's loop ends with success, each with ``stop``, after which it says ``over``.
"""

import asyncio
import json
import logging
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from peers_trying import PEERS, Attempt, Facts

from unloop.dispatch.context import make_context
from unloop.dispatch.engine import Engine
from unloop.model.host_run import Queue
from unloop.rehearsal.inventory_file import STORE, Paths
from unloop.settings.load import load as load_settings
from unloop.store import campaigns

OURS = "unloop"


@dataclass(frozen=True)
class Loop:
    """The process of one loop."""

    process: subprocess.Popen[str]

    def go(self) -> None:
        """Begin to try; returns when the first try is under way."""
        self._say("go")
        assert self._hear() == "trying\n"

    def stop(self) -> None:
        """Try no more; returns when the last try is over."""
        self._say("stop")
        assert self._hear() == "over\n"

    def _say(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()

    def _hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()


@contextmanager
def loop(tool: str, facts: Facts) -> Iterator[Loop]:
    """A loop that does not try yet."""
    command = [sys.executable, __file__, tool, json.dumps(facts)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, text=True, **pipes) as process:
        assert process.stdin is not None
        try:
            yield Loop(process)
        finally:
            process.stdin.close()


class _Ours:
    """The engine of a worker, with a store of its own for each trial."""

    def __init__(self, facts: Facts) -> None:
        self._paths, self._campaign = Paths(Path(facts["directory"])), facts["campaign"]
        self._store = self._paths.directory / STORE
        self._first = self._store.with_suffix(".first")
        shutil.copy(self._store, self._first)

    def run(self, stopped: threading.Event) -> None:
        """Race the host's queue until we are told that it is repaired."""
        for path in self._store.parent.glob(f"{STORE}-*"):
            path.unlink()
        shutil.copy(self._first, self._store)
        asyncio.run(self._race(stopped))

    async def _race(self, stopped: threading.Event) -> None:
        context = make_context(load_settings(self._paths.settings))
        campaign = campaigns.load(context.database, self._campaign)
        racing = asyncio.create_task(Engine(context, campaign, Queue.RACE).serve())
        print("trying", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, stopped.wait)
        racing.cancel()
        with suppress(asyncio.CancelledError):
            await racing
        context.database.close()


class _Peer:
    """``while ! try; do :; done``."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt

    def run(self, stopped: threading.Event) -> None:
        """Try until it succeeds."""
        print("trying", flush=True)
        while not stopped.is_set():
            with suppress(Exception):
                self._attempt()
                break


def _serve(runs: _Ours | _Peer) -> None:
    """Begin and end as we are told."""
    logging.disable(logging.CRITICAL)  # clients that are cut off say so
    orders: SimpleQueue[str] = SimpleQueue()
    stopped = threading.Event()

    def listen() -> None:
        for line in sys.stdin:
            if line.strip() == "stop":
                stopped.set()
            orders.put(line.strip())
        stopped.set()
        orders.put("")

    threading.Thread(target=listen, daemon=True).start()
    while orders.get():
        runs.run(stopped)
        orders.get()
        stopped.clear()
        print("over", flush=True)


if __name__ == "__main__" and len(sys.argv) > 1:
    given = json.loads(sys.argv[2])
    _serve(_Ours(given) if sys.argv[1] == OURS else _Peer(PEERS[sys.argv[1]](given)))
