"""Campaigns handed to many workers over a real broker: deaths, restarts, drains, and kinds that don't hold each other up."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from fleets import (
    BRISK,
    NO_HARM,
    await_resets,
    configure,
    drawn,
    expected_of,
    fleet,
    harm,
    outcomes_of,
    resets,
    run_words,
    start_unloop,
    unloop,
    unrecorded_resets,
)
from postgres import cluster
from redis_server import redis_server
from servers import wait_until
from unloop.rehearsal.inventory_file import Paths
from unloop.rehearsal.spec import Kind
from unloop.store import campaigns, queries
from unloop.store.database import open_database

TEAM = {"race1": "race", "race2": "race", "work": "work"}
FLEET = {Kind.LOOPING: 16, Kind.PARKED: 1, Kind.HEALTHY: 2}
Workers = Mapping[str, "subprocess.Popen[bytes]"]


@contextmanager
def working(paths: Paths, directory: Path, team: Mapping[str, str]) -> Iterator[Workers]:
    """Workers by name, each of a kind and of one process, for the length of a with block."""
    started = {}
    for name, kind in team.items():
        words = ("worker", "--kind", kind, "--processes", "1", "--name", name, "-c", str(paths.settings))
        started[name] = start_unloop(*words, directory=directory, log=directory / f"{name}.log")
    try:
        yield started
    finally:
        for process in started.values():
            kill(process)


def kill(worker: "subprocess.Popen[bytes]") -> None:
    """Kill a worker as the kernel would; the processes that it forked die with it."""
    if worker.poll() is None:
        worker.kill()
        worker.wait()


def end(workers: Workers, *names: str) -> list[int]:
    """Tell workers to end; their exit codes."""
    for name in names:
        workers[name].send_signal(signal.SIGTERM)
    return [workers[name].wait(timeout=30) for name in names]


def owners(paths: Paths, url: str = "") -> set[str]:
    """The processes that hold a host now."""
    database = open_database(url or f"sqlite:///{paths.directory / 'unloop.db'}")
    try:
        rows = queries.host_rows(database, campaigns.load(database, "latest").id)
    finally:
        database.close()
    return {row.run.owner for row in rows if row.run.owner}


@pytest.mark.timeout(180)
def test_a_racer_dies_and_the_broker_loses_everything(tmp_path: Path) -> None:
    """Kill -9 a racer, kill -9 Redis: the other racer takes the hosts over, hints come anew, and all ends right."""
    with redis_server(tmp_path) as redis, fleet(tmp_path / "fleet", drawn(FLEET)) as paths:
        configure(paths, broker=redis.url, **BRISK)
        with working(paths, tmp_path, TEAM) as workers:
            run = start_unloop(*run_words(paths), directory=tmp_path, log=tmp_path / "run.log")
            await_resets(paths, 2)
            racing = owners(paths)
            victim = min(racing)
            kill(next(worker for worker in workers.values() if is_child(victim, worker.pid)))
            redis.kill()
            time.sleep(1.0)
            redis.start()
            code = run.wait(timeout=120)
            found = outcomes_of(paths, tmp_path)
            left = [name for name, worker in workers.items() if worker.poll() is None]
            codes = end(workers, *left)

        assert (code, found) == (1, expected_of(paths))
        assert (harm(paths), unrecorded_resets(paths)) == (NO_HARM, 0)
        assert (len(left), codes) == (2, [0, 0])


def is_child(owner: str, pid: int) -> bool:
    """Whether an owner's process is a child of this process."""
    status = Path(f"/proc/{owner.split('/')[1]}/status").read_text(encoding="ascii")
    return f"\nPPid:\t{pid}\n" in status


@pytest.mark.timeout(180)
def test_the_database_restarts_and_a_racer_is_told_to_end(tmp_path: Path) -> None:
    """PostgreSQL crashes and comes back, a racer drains: nobody else stops, and all ends right."""
    with cluster() as server, redis_server(tmp_path) as redis, fleet(tmp_path / "fleet", drawn(FLEET)) as paths:
        configure(paths, store=server.url, broker=redis.url, **BRISK)
        with working(paths, tmp_path, TEAM) as workers:
            run = start_unloop(*run_words(paths), directory=tmp_path, log=tmp_path / "run.log")
            await_resets(paths, 2)
            server.stop(signal.SIGQUIT)
            time.sleep(2.0)
            server.start()
            drained = end(workers, "race1")
            code = run.wait(timeout=120)
            found = outcomes_of(paths, tmp_path)
            codes = end(workers, "race2", "work")

        assert (code, found) == (1, expected_of(paths))
        assert (harm(paths), unrecorded_resets(paths)) == (NO_HARM, 0)
        assert (drained, codes) == ([0], [0, 0])
    assert "Traceback" not in "".join(log.read_text() for log in tmp_path.glob("*.log"))


@pytest.mark.timeout(180)
def test_hosts_that_race_hold_nobody_else_up(tmp_path: Path) -> None:
    """One racer, one for the rest: while a hundred hosts are raced, a second campaign of healthy hosts comes to its end."""
    specs = drawn({Kind.PARKED: 25, Kind.LOCKED: 25, Kind.WRONG_BMC: 25, Kind.UNREACHABLE: 25, Kind.HEALTHY: 20})
    with redis_server(tmp_path) as redis, fleet(tmp_path / "fleet", specs) as paths:
        configure(paths, broker=redis.url, **{**BRISK, "watch": "60s", "observe": "60s"})
        healthy = " or ".join(spec.name for spec in specs if spec.kind is Kind.HEALTHY)
        with working(paths, tmp_path, {"race": "race", "work": "work"}):
            racing = start_unloop(
                *run_words(paths, "-s", f"not ({healthy})"), directory=tmp_path, log=tmp_path / "a.log"
            )
            await_resets(paths, 10)
            done = unloop(*run_words(paths, "-s", healthy, "--name", "healthy"), directory=tmp_path)
            still_racing = racing.poll() is None
            racing.send_signal(signal.SIGINT)
            racing.wait(timeout=30)

    assert (done.returncode, still_racing) == (0, True)


@pytest.mark.timeout(180)
def test_a_worker_drains_within_a_bounded_time(tmp_path: Path) -> None:
    """SIGTERM to a whole group, as an init system sends it: hosts in work are handed back, and another continues them."""
    with redis_server(tmp_path) as redis, fleet(tmp_path / "fleet", drawn({Kind.LOOPING: 6, Kind.PARKED: 2})) as paths:
        configure(paths, broker=redis.url, **{**BRISK, "watch": "20s", "lease": "60s"})
        with working(paths, tmp_path, {"first": "all"}) as first:
            run = start_unloop(*run_words(paths), directory=tmp_path, log=tmp_path / "run.log")
            await_resets(paths, 2)
            os.killpg(first["first"].pid, signal.SIGTERM)
            began = time.monotonic()
            code = first["first"].wait(timeout=20)
            took = time.monotonic() - began
            held, before = owners(paths), resets(paths)
        configure(paths, watch="6s")
        with working(paths, tmp_path, {"second": "all"}) as second:
            wait_until(lambda: bool(owners(paths)), what="the successor")
            campaign_code = run.wait(timeout=120)
            end(second, "second")

        assert (code, held) == (0, set())
        assert took < 15
        assert (campaign_code, outcomes_of(paths, tmp_path)) == (1, expected_of(paths))
        assert (harm(paths), unrecorded_resets(paths), before > 0) == (NO_HARM, 0, True)
