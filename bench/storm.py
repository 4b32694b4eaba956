"""Windows of hundreds of hosts that all open within one second: how many are hit, which, and in what order.

Windows are 1 to 8 s long, and a boot that was watched before tells how long each will be, to a tenth: of more windows than
can be served, those that close first are to be hit first. Beside ours, fifty threads with another client each try host after
host in one queue, as an administrator would write it. Simulators run in processes of their own on the same cores; their CPU
is reported apart. ``storm.py --quick`` is a storm of 40.
"""

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import one_job
import racing
from crowds import crowd
from held_hosts import HeldHosts, Seen, cpu_of, held_hosts
from results import busy, quantile, save, show
from sqlalchemy import func, select
from trying import OURS

from unloop.dispatch.context import make_context
from unloop.rehearsal.addresses import reserved_block
from unloop.rehearsal.inventory_file import Paths
from unloop.settings.load import load as load_settings
from unloop.store import queries, schema
from unloop.store.database import Database, open_database

SIZES = (500, 2_000)
CHANNELS = ("smb", "winrm")
PEERS = (("smbprotocol", "smb"), ("pypsrp", "winrm"))
LENGTHS = (1.0, 8.0)
KNOWN_TO = 0.1
SPREAD = 1.0
"""Seconds within which all windows open."""
PROCESSES = 2
QUIET, PATIENCE = 3.0, 60.0
SETTINGS = """\
[race]
window = "{window:g}s"
drain = "1s"
"""
Row = dict[str, Any]


@dataclass(frozen=True)
class Storm:
    """The hosts, and how long their windows will be."""

    paths: Paths
    lengths: Sequence[float]
    parts: Sequence[HeldHosts]

    @classmethod
    @contextmanager
    def of(cls, hosts: int, directory: Path) -> Iterator["Storm"]:
        """So many hosts, all down."""
        chance = random.Random(hosts)  # noqa: S311 - how long windows are
        with ExitStack() as stack:
            specs = one_job.specs(hosts, CHANNELS, stack.enter_context(reserved_block()))
            paths = one_job.write(directory / "hosts", specs, SETTINGS.format(window=LENGTHS[1] + 2 * SPREAD))
            each = -(-hosts // PROCESSES)
            parts = [
                stack.enter_context(held_hosts(paths.directory, first=first, count=min(each, hosts - first)))
                for first in range(0, hosts, each)
            ]
            yield cls(paths, [chance.uniform(*LENGTHS) for _ in range(hosts)], parts)

    @property
    def cpu(self) -> float:
        """CPU seconds of the simulators so far."""
        return sum(part.cpu for part in self.parts)

    def break_loose(self) -> list[Seen]:
        """Open every window within a second; what became of each, in the order of the hosts."""
        chance = random.Random(1)  # noqa: S311 - in which order they open
        windows = [(number, chance.uniform(0.0, SPREAD), length) for number, length in enumerate(self.lengths)]
        each = -(-len(windows) // len(self.parts))
        for number, part in enumerate(self.parts):
            part.begin(windows[number * each : (number + 1) * each])
        return [seen for part in self.parts for seen in part.end()]


@dataclass
class Outcome:
    """What came of a storm for one client. Times in seconds."""

    client: str
    lengths: Sequence[float]
    seen: Sequence[Seen]
    cpu: float
    simulators_cpu: float
    others_cpu: float
    """What the machine did besides: it was taken from both."""
    lags: list[float] = field(default_factory=list)
    """From up to the sight of the open port."""
    waits: list[float] = field(default_factory=list)
    """From that to the beginning of the strike."""
    strikes: list[float] = field(default_factory=list)

    def row(self) -> Row:
        """For the table."""
        took, hosts = [seen.took for seen in self.seen if seen.moved is not None], len(self.seen)
        return {
            "windows": hosts,
            "client": self.client,
            "hit": len(took),
            "hit %": round(100 * len(took) / hosts, 1),
            **{f"{name} %": percent for name, percent in zip(QUARTILES, self._by_quartile(), strict=True)},
            "fixed p50 ms": _ms(took, 50),
            "fixed p99 ms": _ms(took, 99),
            "client CPU s": round(self.cpu, 1),
            "sim. CPU s": round(self.simulators_cpu, 1),
            "other CPU s": round(self.others_cpu, 1),
        }

    def ours(self) -> Row:
        """What only our own store tells."""
        return {
            "windows": len(self.seen),
            **{
                f"{name} p{percent} ms": _ms(times, percent)
                for name, times in (("lag", self.lags), ("wait", self.waits), ("strike", self.strikes))
                for percent in (50, 99)
            },
        }

    def order(self) -> list[Row]:
        """In what order the quartiles were served."""
        began = min(seen.opened for seen in self.seen)
        served = sorted((number for number, seen in enumerate(self.seen) if seen.moved), key=self._moved)
        place = {number: index + 1 for index, number in enumerate(served)}
        rows = []
        for name, some in zip(QUARTILES, self._quartiles(), strict=True):
            hit = [number for number in some if number in place]
            rows.append(
                {
                    "windows": len(self.seen),
                    "quartile": name,
                    "lengths s": f"{self.lengths[some[0]]:.1f} to {self.lengths[some[-1]]:.1f}",
                    "hit": f"{len(hit)} of {len(some)}",
                    "median place": round(median(place[number] for number in hit)) if hit else None,
                    "median moment s": round(median(self._moved(n) - began for n in hit), 2) if hit else None,
                }
            )
        return rows

    def _moved(self, number: int) -> float:
        return self.seen[number].moved or float("inf")

    def _quartiles(self) -> list[list[int]]:
        """The hosts by the length of their windows, the shortest first."""
        ordered = sorted(range(len(self.lengths)), key=self.lengths.__getitem__)
        each = len(ordered) / 4
        return [ordered[round(part * each) : round((part + 1) * each)] for part in range(4)]

    def _by_quartile(self) -> list[float]:
        hits = [[self.seen[number].moved is not None for number in some] for some in self._quartiles()]
        return [round(100 * sum(some) / len(some), 1) for some in hits]


QUARTILES = ("shortest", "short", "long", "longest")


def _ms(times: Sequence[float], percent: int) -> float | None:
    return round(1000 * quantile(times, percent), 1) if times else None


def ours(storm: Storm) -> Outcome:
    """The engine of a worker, in a process of its own."""
    context = make_context(load_settings(storm.paths.settings))
    campaign = one_job.create(storm.paths, context.database)
    chance = random.Random(2)  # noqa: S311 - how well lengths are known
    known = {
        f"host-{number + 1:05d}": length * chance.uniform(1 - KNOWN_TO, 1 + KNOWN_TO)
        for number, length in enumerate(storm.lengths)
    }
    one_job.tell_windows(context.database, campaign.id, known)
    context.database.close()
    words = [str(storm.paths.directory), campaign.id, "600"]
    with subprocess.Popen([sys.executable, str(racing.RACER), *words], stdout=subprocess.DEVNULL) as racer:
        try:
            return _raced(storm, racer.pid, campaign.id)
        finally:
            racer.terminate()


def _raced(storm: Storm, pid: int, campaign: str) -> Outcome:
    database = open_database(load_settings(storm.paths.settings).store.url)
    run = schema.host_run
    claimed = select(func.count()).where(run.c.campaign_id == campaign, run.c.owner != "")
    _until(lambda: _count(database, claimed) == len(storm.lengths))
    time.sleep(QUIET)
    found = _measured(OURS, storm, lambda: cpu_of(pid))
    since = time.time() - time.monotonic() + min(seen.opened for seen in found.seen)
    recorded = select(func.count()).select_from(schema.window).where(schema.window.c.opened_at >= since - SPREAD)
    _until(lambda: _count(database, recorded) >= len(storm.lengths), demand=False)
    _add_times(found, database, campaign, since)
    database.close()
    return found


def _add_times(found: Outcome, database: Database, campaign: str, since: float) -> None:
    """What the store knows of each window."""
    offset = time.time() - time.monotonic()
    for window in queries.windows_of(database, campaign):
        if window["opened_at"] < since - SPREAD:
            continue
        seen = found.seen[int(window["name"].rpartition("-")[2]) - 1]
        found.lags.append(max(0.0, window["opened_at"] - offset - seen.opened))
        landed = [strike for strike in window["strikes"] if strike["came_to"] == "landed"]
        found.waits += [strike["began_after"] - window["opened_after"] for strike in landed]
        found.strikes += [strike["ended_after"] - strike["began_after"] for strike in landed]


def peer(storm: Storm, tool: str, channel: str) -> Outcome:
    """A crowd of threads with another client."""
    with crowd(tool, storm.paths.directory, channel) as process:
        time.sleep(QUIET)
        return _measured(tool, storm, lambda: cpu_of(process.pid))


def _measured(client: str, storm: Storm, cpu: Callable[[], float]) -> Outcome:
    own, simulators, everybody = cpu(), storm.cpu, busy()
    seen = storm.break_loose()
    own, simulators = cpu() - own, storm.cpu - simulators
    return Outcome(client, storm.lengths, seen, own, simulators, max(0.0, busy() - everybody - own - simulators))


def _count(database: Database, query: Any) -> int:
    with database.read() as connection:
        return int(connection.execute(query).scalar_one())


def _until(is_so: Callable[[], bool], *, demand: bool = True) -> None:
    end = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > end:
            if demand:
                raise SystemExit("the racer did not get ready in time")
            return
        time.sleep(0.5)


def stormed(hosts: int, tool: str, channel: str) -> Outcome:
    """One storm for one client, with hosts of its own."""
    with tempfile.TemporaryDirectory(prefix="unloop-bench-") as name, Storm.of(hosts, Path(name)) as storm:
        return ours(storm) if tool == OURS else peer(storm, tool, channel)


def main() -> None:
    """Print tables for people, and write results/storm.json."""
    is_quick = "--quick" in sys.argv[1:]
    rows, details, orders, ratios = list[Row](), list[Row](), list[Row](), list[Row]()
    for hosts in (40,) if is_quick else SIZES:
        mine, *others = [stormed(hosts, tool, channel) for tool, channel in ((OURS, ""), *PEERS)]
        rows += [one.row() for one in (mine, *others)]
        details.append(mine.ours())
        orders += mine.order()
        best = max(rows[-len(others) :], key=lambda row: row["hit"])
        ratio = round(rows[-len(others) - 1]["hit"] / max(1, best["hit"]), 2)
        ratios.append({"windows": hosts, "peer": best["client"], "hits of ours to its": ratio})
    show(f"Windows of {LENGTHS[0]:g} to {LENGTHS[1]:g} s that open within {SPREAD:g} s: hit, by length", rows)
    show("Ours: until an open port is seen, until its turn to be struck, until the file is moved", details)
    show("Ours: who was served when", orders)
    show("Beside the best peer", ratios)
    save("storm", {"quick": is_quick, "storms": rows, "ours": details, "order": orders, "ratios": ratios})


if __name__ == "__main__":
    main()
