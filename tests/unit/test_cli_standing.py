"""What a campaign's standing tells people to do next."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from campaigns import campaign_with, claim, host
from unloop.cli.follow import standing
from unloop.cli.standing import left_alone, tell_what_is_next
from unloop.dispatch.owner import is_dead, one_of, process_of, this_process
from unloop.store.database import Database, open_database
from unloop.store.queries import host_rows
from unloop.store.retries import hold

GONE = f"{socket.gethostname()}/999999999/1"
"""A process of this machine that is not there: no pid is so large (proc(5), pid_max)."""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A store with a running campaign of two hosts."""
    opened = open_database(f"sqlite:///{tmp_path / 'unloop.db'}")
    campaign_with(opened, host("a"), host("b"))
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("owner", "alone"),
    [(GONE, 2), (one_of(GONE), 2), (one_of(this_process()), 0)],
    ids=["dead", "a loop of a dead one", "alive"],
)
def test_hosts_of_a_dead_process_are_left_alone(database: Database, owner: str, alone: int) -> None:
    """It is known at once, long before its leases run out; whoever lives holds his."""
    claim(database, owner=owner, now=time.time())

    assert left_alone(database, "c1") == alone


def test_a_process_that_ended_is_dead_before_anybody_has_waited_for_it() -> None:
    """Its number still stands in the list of processes (a zombie), and nobody works under it."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        started = Path(f"/proc/{child.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[19]
        owner = f"{socket.gethostname()}/{child.pid}/{started}"
        alive = is_dead(owner)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        ended = is_dead(owner)

    assert (alive, ended, process_of(owner)) == (False, True, str(child.pid))


def test_held_hosts_are_told_with_what_lets_them_go_on(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing goes on with the waves after theirs, and nobody would know why."""
    hold(database, [row.run.id for row in host_rows(database, "c1")][:1], reason="staff on site", now=time.time())
    tell_what_is_next(standing(database, "c1"))

    assert "1 hosts are held, and the waves after theirs wait" in capsys.readouterr().err


def test_a_running_campaign_on_which_nobody_works_does_not_go_on(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever looks at it in the morning is told to resume it, instead of to watch it."""
    tell_what_is_next(standing(database, "c1"), alone=left_alone(database, "c1"))
    told = capsys.readouterr().err

    assert "2 hosts are due and nobody works on them. Go on with: unloop campaign resume c1" in told
    assert "It goes on" not in told
