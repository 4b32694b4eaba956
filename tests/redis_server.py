"""A Redis server of our own for tests: it keeps nothing on disk, and may be killed and started anew on its port."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from servers import answers, free_port, require, wait_until

ADDRESS = "127.0.0.1"


class Redis:
    """One server, by the process that it is."""

    def __init__(self, program: str, directory: Path) -> None:
        self._port, self._log = free_port(ADDRESS), directory / "redis.log"
        told = {"port": str(self._port), "bind": ADDRESS, "save": "", "appendonly": "no", "dir": str(directory)}
        self._words = [program, *(word for name, value in told.items() for word in (f"--{name}", value))]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is, for unloop.toml."""
        return f"redis://{ADDRESS}:{self._port}/0"

    def start(self) -> None:
        """Start it, empty."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._words, stdout=log, stderr=subprocess.STDOUT)
        wait_until(lambda: answers(ADDRESS, self._port), what="Redis")

    def kill(self) -> None:
        """End it as a power failure would; everything that it held is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def redis_server(directory: Path) -> Iterator[Redis]:
    """A server for the length of a with block; skips where Redis isn't installed, and fails in CI."""
    server = Redis(require("redis-server"), directory)
    server.start()
    try:
        yield server
    finally:
        server.kill()
