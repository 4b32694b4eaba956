"""Who holds a lease: machine, process and its start, so that a dead owner on this machine is known at once."""

import itertools
import os
import socket
from pathlib import Path


def this_process() -> str:
    """The owner name of this process: ``host/pid/start``."""
    return f"{socket.gethostname()}/{os.getpid()}/{_started(os.getpid())}"


_SERIAL = itertools.count(1)


def one_of(process: str) -> str:
    """The owner name of one event loop among those of a process: what they hold they hold apart from each other."""
    return f"{process}.{next(_SERIAL)}"


def process_of(owner: str) -> str:
    """The process behind an owner, for people: its number, and its machine where that is another."""
    machine, _, pid = owner.rpartition("/")[0].rpartition("/")
    return pid if machine == socket.gethostname() else f"{pid} on {machine}"


def is_dead(owner: str) -> bool:
    """Whether an owner was a process of this machine that is gone. Owners elsewhere are never known to be dead."""
    host, _, rest = owner.rpartition("/")[0].rpartition("/")
    start = owner.rpartition("/")[2].partition(".")[0]
    if host != socket.gethostname() or not rest.isdigit():
        return False
    return _started(int(rest)) != start


def _started(pid: int) -> str:
    """The start time of a process in clock ticks since boot (proc(5), stat field 22), '' when there is none any more.

    One that has ended and that nobody has waited for yet (a zombie, state Z) is none.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]
