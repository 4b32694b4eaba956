"""A PostgreSQL server of our own for tests, from Debian's package: a fresh cluster in a temporary directory."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from servers import answers, free_port, missing, wait_until

ADDRESS = "127.0.0.1"


class Cluster:
    """One server, by the process that it is. PostgreSQL does not run as root, so root starts it as ``postgres``."""

    def __init__(self, programs: Path, directory: Path) -> None:
        self._programs, self._directory, self._port = programs, directory, free_port(ADDRESS)
        self._prefix: list[str] = []
        self._process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(directory, account.pw_uid, account.pw_gid)
            self._prefix = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]

    @property
    def url(self) -> str:
        """Where it is, for unloop.toml."""
        return f"postgresql+psycopg://unloop@{ADDRESS}:{self._port}/postgres"

    def initialise(self) -> None:
        """Make an empty cluster."""
        options = ["-U", "unloop", "-A", "trust", "-E", "UTF8", "--locale=C"]
        words = [*self._prefix, f"{self._programs}/initdb", "-D", str(self._directory / "data"), *options]
        subprocess.run(words, check=True, capture_output=True, cwd="/")

    def start(self) -> None:
        """Start it and wait until it accepts connections."""
        server = [*self._prefix, f"{self._programs}/postgres", "-D", str(self._directory / "data")]
        server += ["-h", ADDRESS, "-p", str(self._port), "-k", str(self._directory), "-c", "fsync=off"]
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(server, stdout=log, stderr=subprocess.STDOUT, cwd="/")
        wait_until(lambda: answers(ADDRESS, self._port) and self._accepts(), what="PostgreSQL")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it. SIGINT is its fast shutdown: it cuts every connection; SIGQUIT stops at once, as a crash does."""
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(timeout=10)
        self._process = None

    def _accepts(self) -> bool:
        ready = [f"{self._programs}/pg_isready", "-h", ADDRESS, "-p", str(self._port), "-q"]
        return subprocess.run(ready, check=False).returncode == 0


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A running server that may be restarted; skips where PostgreSQL isn't installed, and fails in CI."""
    programs = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)
    if programs is None:
        missing("postgresql is not installed")
    assert programs is not None
    directory = Path(tempfile.mkdtemp(prefix="unloop-postgres-"))
    try:
        server = Cluster(programs, directory)
        server.initialise()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def postgresql() -> Iterator[str]:
    """The URL of a running server."""
    with cluster() as server:
        yield server.url
