"""Round trips from connect() to the moved file, its guards judged: ours beside other clients, against the same servers.

The servers stand behind a link with a delay of 0, 5 and 20 ms each way. A time ends when the server has moved the file,
by its own clock: half a round trip before its answer is there. Round trips are the slope, (median at 20 ms - median at
0 ms) / 40 ms: what computers do meanwhile falls out of it. A goal is judged to a tenth, when the link's own error is taken
away. ``--quick`` is two runs of some, too few for that. Needs root or user namespaces, and TUN devices.
"""

import json
import logging
import math
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from delayed_link import Link, delayed_link, enter, far, go_first
from peers_ansible import peers_ansible
from peers_smb import peers_smb
from peers_ssh import peers_ssh
from peers_winrm import peers_winrm
from results import save, show
from tools import EXACT, Told, Tool, our_smb, our_ssh, our_winrm

DELAYS = (0.0, 0.005, 0.02)
QUICK_DELAYS = (0.0, 0.01)
OUR_RUNS, RUNS, SLOW_RUNS, QUICK_RUNS = 9, 5, 3, 2
QUICK_CLIENTS = ("unloop", "pypsrp", "smbprotocol", "paramiko")
TITLES = {
    "winrm": "WinRM over HTTP, simulated host",
    "winrm tls 1.3": "WinRM over TLS 1.3, simulated host",
    "winrm tls 1.2": "WinRM over TLS 1.2, simulated host",
    "smb": "SMB, simulated host",
    "smbd": "SMB, Samba's smbd",
    "ssh": "SSH, simulated host",
    "sshd": "SSH, OpenSSH's sshd",
}
Row = dict[str, Any]


@dataclass
class FarSide:
    """The process with the servers."""

    process: subprocess.Popen[str]
    servers: Mapping[str, Told] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)

    def ask(self, *order: str) -> float | None:
        """Give an order and have its answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        answer: float | None = json.loads(self.read())
        return answer

    def read(self) -> str:
        """Its next line."""
        assert self.process.stdout is not None
        return self.process.stdout.readline()


@contextmanager
def far_side(directory: Path) -> Iterator[tuple[FarSide, Link]]:
    """The servers at work, and the link to them."""
    command = ["unshare", "--net", sys.executable, str(Path(__file__).with_name("far_side.py")), str(directory)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        side = FarSide(process)
        try:
            assert side.read() == "here\n"
            with delayed_link(process.pid) as link:
                process.stdin.write("\n")
                process.stdin.flush()
                side.servers, side.missing = json.loads(side.read())
                yield side, link
        finally:
            process.stdin.close()


def one_run(tool: Tool, side: FarSide) -> tuple[float, float]:
    """Seconds until the file had moved, and until the tool was done."""
    side.ask("restore", tool.server)
    with tool.ready() as run:
        start = time.monotonic()
        run()
        end = time.monotonic()
    moved = side.ask("moved", tool.server)
    assert moved is not None, f"{tool.client} ({tool.way}) moved nothing on {tool.server}"
    return moved - start, end - start


@dataclass
class Times:
    """What one tool took, at each delay."""

    tool: Tool
    moved: dict[float, list[float]] = field(default_factory=dict)
    done: dict[float, list[float]] = field(default_factory=dict)

    def take(self, delay: float, side: FarSide) -> None:
        """Run it once more."""
        moved, done = one_run(self.tool, side)
        self.moved.setdefault(delay, []).append(moved)
        self.done.setdefault(delay, []).append(done)

    @property
    def group(self) -> tuple[str, str]:
        """The tools that are compared: the same work, on the same server."""
        return self.tool.server, self.tool.task

    @property
    def round_trips(self) -> float:
        """Until the file had moved."""
        return slope(self.moved)

    @property
    def median_between(self) -> float:
        """Seconds until then at the delay in the middle, which is that of a wide network."""
        return statistics.median(self.moved[sorted(self.moved)[len(self.moved) // 2]])


def slope(taken: Mapping[float, Sequence[float]]) -> float:
    """How many round trips are in times that were taken at several delays."""
    first, last = min(taken), max(taken)
    return (statistics.median(taken[last]) - statistics.median(taken[first])) / (2 * (last - first))


def every_tool(servers: Mapping[str, Told], directory: Path) -> list[Tool]:
    """Ours, and everybody else's."""
    ours = [*our_winrm(servers), *our_smb(servers), *our_ssh(servers, directory)]
    peers = [*peers_winrm(servers), *peers_smb(servers), *peers_ssh(servers, directory)]
    return [*ours, *peers, *peers_ansible(servers, directory)]


def measured(tools: Sequence[Tool], side: FarSide, link: Link, *, is_quick: bool) -> tuple[list[Times], float]:
    """Run every tool in turn, at every delay in turn, so that whatever else the machine does comes to all alike."""
    times, connects = [Times(tool) for tool in tools], dict[float, list[float]]()
    link.delay(0.0)
    for tool in tools:
        for _ in range(tool.warm):
            one_run(tool, side)
    for number in range(QUICK_RUNS if is_quick else OUR_RUNS):
        for delay in QUICK_DELAYS if is_quick else DELAYS:
            link.delay(delay)
            connects.setdefault(delay, []).extend(connect_alone(side) for _ in range(5))
            for one in times:
                if number < runs_of(one.tool):
                    one.take(delay, side)
    return times, round(slope(connects), 3)


def runs_of(tool: Tool) -> int:
    """How often a tool runs at each delay."""
    return OUR_RUNS if tool.is_ours else SLOW_RUNS if tool.is_slow else RUNS


def connect_alone(side: FarSide) -> float:
    """What the link itself takes for one round trip."""
    port = next(told["port"] for name, told in side.servers.items() if name in {"smb", "winrm"})
    start = time.monotonic()
    with socket.create_connection((far(0), port)):
        return time.monotonic() - start


def rows_of(times: Sequence[Times], unit: float | None) -> list[Row]:
    """The figures, group by group, ours first; with a word on each goal where it is known what one round trip counts."""
    groups = list(dict.fromkeys(one.group for one in times))
    ordered = sorted(times, key=lambda one: (groups.index(one.group), not one.tool.is_ours))
    rows = [_row(one, [other for other in times if other.group == one.group]) for one in ordered]
    return [{**row, "goal met": _verdict(row, unit)} for row in rows]


def _verdict(row: Row, unit: float | None) -> str | None:
    if row["goal"] is None or unit is None:
        return None
    return "yes" if round(row["round trips"] / unit, 1) <= row["goal"] else "MISSED"


def _row(one: Times, group: Sequence[Times]) -> Row:
    tool, peers = one.tool, [other for other in group if not other.tool.is_ours]
    best = min((other.round_trips for other in peers), default=math.nan)
    quickest = min((other.median_between for other in peers), default=math.nan)
    return {
        "server": tool.server,
        "task": tool.task,
        "client": tool.client,
        "way": tool.way,
        **{f"ms at {1000 * delay:g}": round(1000 * statistics.median(taken), 1) for delay, taken in one.moved.items()},
        "round trips": round(one.round_trips, 2),
        "to return": round(slope(one.done), 2),
        "goal": tool.goal,
        "of best peer's": round(one.round_trips / best, 2) if tool.is_ours and peers else None,
        "of best time": round(one.median_between / quickest, 2) if tool.is_ours and peers else None,
    }


def main() -> int:
    """Print a table for people, and write results/round_trips.json."""
    code = enter(__file__, sys.argv[1:])
    if code is not None:
        return code
    logging.disable(logging.CRITICAL)  # clients that are closed say so
    go_first()
    is_quick = "--quick" in sys.argv[1:]
    with tempfile.TemporaryDirectory() as name, far_side(Path(name)) as (side, link):
        tools = every_tool(side.servers, Path(name))
        if is_quick:
            tools = [tool for tool in tools if tool.task == EXACT and tool.client in QUICK_CLIENTS]
        times, check = measured(tools, side, link, is_quick=is_quick)
        rows, missing = rows_of(times, None if is_quick else check), dict(side.missing)
    for server in dict.fromkeys(row["server"] for row in rows):
        some = [
            {name: value for name, value in row.items() if name != "server"} for row in rows if row["server"] == server
        ]
        show(f"{TITLES[server]}: until the file had moved, its guards judged", some)
    for server, reason in missing.items():
        print(f"not measured: {server}: {reason}")
    print(f"the link itself: connect() alone counts as {check} round trips")
    save("round_trips", {"quick": is_quick, "connect() alone": check, "missing": missing, "rows": rows})
    return 0


if __name__ == "__main__":
    sys.exit(main())
