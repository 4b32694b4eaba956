"""A PostgreSQL server of our own for tests, from Debian's package: a fresh cluster in a temporary directory."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from servers import answers, free_port, missing, running, wait_until


@contextmanager
def postgresql() -> Iterator[str]:
    """The URL of a running server; skips where PostgreSQL isn't installed, and fails in CI."""
    bin_directory = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)
    if bin_directory is None:
        missing("postgresql is not installed")
    directory = Path(tempfile.mkdtemp(prefix="unloop-postgres-"))
    prefix: list[str] = []
    if os.geteuid() == 0:
        account = pwd.getpwnam("postgres")
        os.chown(directory, account.pw_uid, account.pw_gid)
        prefix = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    port = free_port()
    data = directory / "data"
    try:
        subprocess.run(
            [
                *prefix,
                f"{bin_directory}/initdb",
                "-D",
                str(data),
                "-U",
                "unloop",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C",
            ],
            check=True,
            capture_output=True,
            cwd="/",
        )
        server = [*prefix, f"{bin_directory}/postgres", "-D", str(data), "-h", "127.0.0.1", "-p", str(port)]
        server += ["-k", str(directory), "-c", "fsync=off"]
        with running(server, log=directory / "log", cwd="/"):
            wait_until(lambda: answers("127.0.0.1", port) and _accepts(bin_directory, port), what="PostgreSQL")
            yield f"postgresql+psycopg://unloop@127.0.0.1:{port}/postgres"
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _accepts(bin_directory: Path | None, port: int) -> bool:
    ready = [f"{bin_directory}/pg_isready", "-h", "127.0.0.1", "-p", str(port), "-q"]
    return subprocess.run(ready, check=False).returncode == 0
