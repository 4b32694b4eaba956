"""The smallest window that a tool catches, and how soon after a host is up it is repaired: ours beside others' loops.

A simulated host on loopback drops every SYN while it is down, for about half a second, then is up for a window, over and
over, until its bad file is gone or it has booted ten times. A tool catches windows of a length when it repairs the host in 9
of 10 such trials, or 5 of 5 where one try takes a second. Up to fixed is measured in windows that are long enough for all.
Host and loop are processes of their own; ours run alone, others that mostly wait side by side. ``--quick`` is one
trial of each of two.
"""

import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Any

import one_job
from held_hosts import HeldHosts, held_hosts
from peers_trying import ANSWER, CONNECT, is_here
from results import quantile, save, show
from trying import OURS, Loop, loop

from unloop.dispatch.context import make_context
from unloop.rehearsal.addresses import Block, reserved_block
from unloop.rehearsal.inventory_file import Paths
from unloop.settings.load import load as load_settings

LADDER = (0.02, 0.04, 0.08, 0.12, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
DOWN = (0.4, 0.8)
BEGUN = 0.8
"""Seconds that a loop has been under way before the first boot, which then comes at any moment of the loop's cycle."""
LONG = 8.0
BOOTS = 10
TRIALS, SLOW_TRIALS = 10, 5
CATCHABLE = 0.2
"""A window that one boot in five is caught in is caught within ten boots nine times of ten: 1 - 0.8 ** 10 = 0.89."""
SECONDS = 60.0
"""After so long the ladder of one tool is left where it is."""
HOT = """\
[race]
interval = "5ms"
hot = "5ms"
cold = "5ms"
"""
GOAL = {"median ms": 20, "worst ms": 120}
Row = dict[str, Any]


@dataclass(frozen=True)
class Entrant:
    """A tool on a channel. ``settings`` are tables of unloop.toml, told apart by ``way``."""

    tool: str
    channels: tuple[str, ...]
    way: str
    settings: str = ""
    is_slow: bool = False

    @property
    def cycle(self) -> float:
        """Seconds between two tries, about: a program that starts, or a connection that is waited for."""
        return 2.5 if self.is_slow else CONNECT if self.tool != OURS else 0.25

    @property
    def trials(self) -> int:
        """In how many trials each window is tried."""
        return SLOW_TRIALS if self.is_slow else TRIALS

    @property
    def long_trials(self) -> int:
        """In how many it is measured how soon: more where it is a matter of milliseconds."""
        return 2 * TRIALS if self.tool == OURS else self.trials


OURSELVES = (
    *(Entrant(OURS, channels, "default settings") for channels in (("smb",), ("winrm",), ("ssh",), ("smb", "winrm"))),
    *(Entrant(OURS, (channel,), "probes every 5 ms", HOT) for channel in ("smb", "winrm")),
)
QUICK = (
    Entrant("smbprotocol", ("smb",), "rename"),
    Entrant("smbclient", ("smb",), "rename"),
    Entrant("pypsrp", ("winrm",), "WMI"),
    Entrant("pywinrm", ("winrm",), "cmd"),
    Entrant("paramiko", ("ssh",), "SFTP"),
)
SLOW = (
    Entrant("ansible psrp", ("winrm",), "ad-hoc raw", is_slow=True),
    Entrant("ansible winrm", ("winrm",), "ad-hoc raw", is_slow=True),
)


@dataclass
class Course:
    """A host and a loop that tries it."""

    hosts: HeldHosts
    loop: Loop
    cycle: float
    chance: random.Random

    def trial(self, window: float) -> float | None:
        """From up to fixed in the boot that was caught; None when none of ten was."""
        self.hosts.take_down()
        self.loop.go()
        seen = None
        for boot in range(BOOTS):
            down = self.chance.uniform(*DOWN) if boot else BEGUN + self.chance.uniform(0.0, self.cycle)
            self.hosts.begin([(0, down, window)])
            (seen,) = self.hosts.end()
            if seen.moved is not None:
                break
        self.loop.stop()
        return None if seen is None or seen.moved is None else seen.took


@dataclass
class Measured:
    """What came of one tool: seconds from up to fixed in long windows, and by window how many trials were caught."""

    entrant: Entrant
    first: float | None = None
    """Of the trial in which everything is cold."""
    took: list[float] = field(default_factory=list)
    caught: dict[float, tuple[int, int]] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def smallest(self) -> float | None:
        """The smallest window that was caught often enough, no window above it having been missed."""
        passed = [window for window, (hits, trials) in self.caught.items() if hits >= _needed(trials)]
        return min(passed, default=None)

    def row(self) -> Row:
        """For the table."""
        smallest = self.smallest
        return {
            "channel": " + ".join(self.entrant.channels),
            "tool": self.entrant.tool,
            "way": self.entrant.way,
            "smallest window ms": None if smallest is None else round(1000 * smallest),
            "median ms": round(1000 * median(self.took), 1) if self.took else None,
            "p90 ms": round(1000 * quantile(self.took, 90), 1) if self.took else None,
            "worst ms": round(1000 * max(self.took), 1) if self.took else None,
            "first ms": None if self.first is None else round(1000 * self.first, 1),
            "trials": len(self.took),
            "caught": {f"{1000 * window:g} ms": f"{hits}/{trials}" for window, (hits, trials) in self.caught.items()},
        }


def _needed(trials: int) -> int:
    return trials if trials < TRIALS else trials - 1


def measured(entrant: Entrant, *, number: int, block: Block, is_quick: bool) -> Measured:
    """Let one tool try."""
    began, found = monotonic(), Measured(entrant)
    with (
        tempfile.TemporaryDirectory(prefix="unloop-bench-") as name,
        _course(entrant, number, block, Path(name)) as course,
    ):
        found.first = course.trial(LONG)
        long_trials, trials = (1, 1) if is_quick else (entrant.long_trials, entrant.trials)
        found.took = [took for _ in range(long_trials) if (took := course.trial(LONG)) is not None]
        _climb(found, course, trials, until=monotonic() + (0.0 if is_quick else SECONDS))
    found.seconds = monotonic() - began
    return found


@contextmanager
def _course(entrant: Entrant, number: int, block: Block, directory: Path) -> Iterator[Course]:
    """Each course has an address of its own, since several are run at once."""
    hosts = one_job.specs(number + 1, entrant.channels, block)[number:]
    paths = one_job.write(directory / "host", hosts, entrant.settings)
    facts = {**one_job.facts(paths, hosts[0]), "campaign": _campaign(paths) if entrant.tool == OURS else ""}
    with held_hosts(paths.directory) as held, loop(entrant.tool, facts) as trying:
        yield Course(held, trying, entrant.cycle, random.Random(number))  # noqa: S311 - when a host boots


def _campaign(paths: Paths) -> str:
    context = make_context(load_settings(paths.settings))
    campaign = one_job.create(paths, context.database)
    context.database.close()
    return campaign.id


def _climb(found: Measured, course: Course, trials: int, *, until: float) -> None:
    """From the window that the long ones let expect, down as long as windows are caught, else up until one is."""
    expected = quantile(found.took, round(100 * CATCHABLE)) if found.took else LONG
    place = next((place for place, window in enumerate(LADDER) if window >= expected), len(LADDER) - 1)
    step = -1 if _is_caught(found, course, LADDER[place], trials) else 1
    while 0 <= place + step < len(LADDER) and monotonic() < until:
        place += step
        if _is_caught(found, course, LADDER[place], trials) is (step == 1):
            return


def _is_caught(found: Measured, course: Course, window: float, trials: int) -> bool:
    """Whether a window is caught often enough; no more trials than it takes to know."""
    hits = misses = 0
    while hits < _needed(trials) and misses <= trials - _needed(trials):
        if course.trial(window) is None:
            misses += 1
        else:
            hits += 1
    found.caught[window] = (hits, hits + misses)
    return hits >= _needed(trials)


def every(entrants: Sequence[Entrant], block: Block, *, is_quick: bool) -> list[Measured]:
    """Ours one by one, then those that mostly wait, then those that take a core for each try."""

    def run(entrant: Entrant) -> Measured:
        found = measured(entrant, number=entrants.index(entrant), block=block, is_quick=is_quick)
        print(f"{entrant.tool}, {' + '.join(entrant.channels)}, {entrant.way}: {found.seconds:.0f} s", flush=True)
        return found

    results: list[Measured] = []
    for some, at_once in ((OURSELVES, 1), (QUICK, len(QUICK)), (SLOW, 1)):
        with ThreadPoolExecutor(at_once) as pool:
            results += pool.map(run, [entrant for entrant in some if entrant in entrants])
    return sorted(results, key=lambda one: (one.entrant.channels, one.entrant.tool != OURS))


def main() -> None:
    """Print a table for people, and write results/smallest_window.json."""
    is_quick = "--quick" in sys.argv[1:]
    entrants = [one for one in (*OURSELVES, *QUICK, *SLOW) if is_here(one.tool)]
    missing = [one.tool for one in SLOW + QUICK if one not in entrants]
    if is_quick:
        entrants = [OURSELVES[0], *QUICK[:1]]
    with reserved_block() as block:
        found = every(entrants, block, is_quick=is_quick)
    rows = [one.row() for one in found]
    show(
        f"Caught within {BOOTS} boots; peers wait {CONNECT} s for a connection, {ANSWER} s for an answer",
        [{name: value for name, value in row.items() if name != "caught"} for row in rows],
    )
    ratios = _ratios(rows)
    show("Median from up to fixed: ours, default settings, beside the quickest peer", ratios)
    save(
        "smallest_window",
        {
            "quick": is_quick,
            "goal": GOAL,
            "down": DOWN,
            "boots": BOOTS,
            "rows": rows,
            "ratios": ratios,
            "missing": missing,
        },
    )


def _ratios(rows: Sequence[Row]) -> list[Row]:
    """For each channel, what part of the best peer's time ours takes."""
    ratios = []
    for channel in dict.fromkeys(row["channel"] for row in rows):
        here = [row for row in rows if row["channel"] == channel and row["median ms"] is not None]
        ours = [row["median ms"] for row in here if row["tool"] == OURS]
        peers = {row["median ms"]: row["tool"] for row in here if row["tool"] != OURS}
        if ours and peers:
            best = min(peers)
            ratios.append({"channel": channel, "peer": peers[best], "ratio": round(ours[0] / best, 3)})
    return ratios


if __name__ == "__main__":
    main()
