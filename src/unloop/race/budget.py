"""What a machine can carry: open files and processor time, reckoned before a race begins. Pure but for ``this_machine``."""

import os
import resource
from dataclasses import dataclass

from unloop.race.pace import PROBE_COST, SHARE, Pace
from unloop.race.repeats import even_repeats
from unloop.race.rhythm import Rhythm

KEEP = 0.3
"""Seconds that one probe waits for its answer: longer than any round trip to a host that is up."""
OF_PROCESS = 200
"""Open files of the process itself: store, event loop, BMC sockets, logs."""
LEAST_PROBES = 64
"""Probes that may wait at once on the smallest of machines."""
PER_HOST = 3
"""Open files that a host takes at least: one connect that waits at each of two doors, and one more in its window."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What counts of a machine: open files that one process may have, and how often its kernel repeats a SYN evenly."""

    files: int
    repeats: int = 1


@dataclass(frozen=True, slots=True)
class Budget:
    """How many hosts may be raced at once, and in one line what bounds it ('' when nothing does)."""

    hosts: int
    bound: str = ""


def this_machine() -> Machine:
    """This machine, with this process's limit of open files raised as far as it may be."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 1_048_576 if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return Machine(most, even_repeats())


def budget(wanted: int, machine: Machine, rhythm: Rhythm, *, keep: float = KEEP) -> Budget:
    """How many of the hosts that are wanted at once this machine can carry."""
    waiting = Pace(keep, machine.files, repeats=machine.repeats)
    waiting.ask(0.0, rhythm.warm)
    waiting.ask(0.0, max(rhythm.cold, rhythm.warm))
    by_files = room(machine)
    by_core = round(SHARE / (waiting.rate * PROBE_COST))
    if wanted <= min(by_files, by_core):
        return Budget(wanted)
    if by_files <= by_core:
        text = (
            f"{machine.files} open files carry {by_files} hosts at once, not {wanted}; "
            f"raise the limit to {wanted * PER_HOST + OF_PROCESS} (ulimit -n, or LimitNOFILE= of the service)"
        )
        return Budget(max(1, by_files), text)
    text = (
        f"one core probes {by_core} hosts every {rhythm.warm:g} s, not {wanted}; "
        "start more workers, or raise race.interval"
    )
    return Budget(by_core, text)


def room(machine: Machine) -> int:
    """For how many hosts at once there are open files."""
    return max(0, machine.files - OF_PROCESS) // PER_HOST


def sockets_for_probes(hosts: int, machine: Machine) -> int:
    """How many probes may wait for an answer at once, so that strikes at so many hosts still find open files."""
    return max(LEAST_PROBES, machine.files - OF_PROCESS - hosts // PER_HOST)


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0))
