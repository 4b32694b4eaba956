"""Power of a thousand BMCs: our client beside FreeIPMI's ipmipower and ipmitool, against the same simulators, with losses.

``power.py --quick`` takes a twentieth of the hosts, and loses less. The simulators run in other processes; their CPU is
reported apart. Ours is measured within a process that runs already, as a worker does; ipmipower and ipmitool begin anew, as
they do.
"""

import asyncio
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from bmcs import PASSWORD, USER, addresses
from results import save, show

import ipmisim
from servers import free_port
from unloop.channels.base import Deadline, Target
from unloop.channels.ipmi import IpmiChannel
from unloop.channels.reset import Pace, reset
from unloop.channels.switchboard import Switchboard
from unloop.clock import SystemClock
from unloop.errors import ChannelError
from unloop.model.power import BootDevice
from unloop.secrets.secret import Credential, Secret

HOSTS = 1000
AT_ONCE = 200
PACE = Pace(off=90, on=90, poll=0.25, again=3)
SPACING, POLL = 0.2, 0.25
LOSSES = (0.0, 0.05, 0.2)
IPMITOOL_SHARE, IPMITOOL_AT_ONCE = 10, 8
SECONDS = 170.0
FREEIPMI = ("-D", "LAN_2_0", "-W", "opensesspriv")
Work = Callable[[IpmiChannel], Awaitable[object]]
Row = dict[str, Any]


@dataclass(frozen=True)
class Bmcs:
    """Simulated BMCs under test: where they answer, what their processes used, and how often each host went down."""

    name: str
    hosts: Sequence[str]
    port: int
    cpu: Callable[[], float]
    downs: Callable[[], list[int]]


def _cpu_of(pids: Sequence[int]) -> float:
    """CPU seconds that processes have used so far, their children that have ended included (proc(5))."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        ticks += sum(int(fields[place]) for place in (11, 12, 13, 14))
    return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def openipmi(hosts: int) -> Iterator[Bmcs]:
    """OpenIPMI's simulator, a hundred BMCs a process."""
    near = addresses(0, hosts)
    port = free_port(near[0], socket.SOCK_DGRAM)
    with ExitStack() as stack:
        made = []
        for first in range(0, hosts, ipmisim.MOST):
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            some = near[first : first + ipmisim.MOST]
            one = ipmisim.simulated(directory, some, port, user=USER, password=PASSWORD)
            made.append(stack.enter_context(one))

        told = [0] * hosts

        def downs() -> list[int]:
            before = tuple(told)
            told[:] = (count for one in made for count in one.power_offs())
            return [now - then for now, then in zip(told, before, strict=True)]

        yield Bmcs("ipmi_sim", near, port, lambda: _cpu_of([one.process.pid for one in made]), downs)


@contextmanager
def simulated(hosts: int, *, loss: float, processes: int = 2) -> Iterator[Bmcs]:
    """Our own simulated BMCs, in so many processes."""
    port = free_port(addresses(0, 1)[0], socket.SOCK_DGRAM)
    each = -(-hosts // processes)
    program = str(Path(__file__).with_name("bmcs.py"))
    with ExitStack() as stack:
        made = []
        for first in range(0, hosts, each):
            arguments = [sys.executable, program, str(first), str(min(each, hosts - first)), str(port), str(loss)]
            process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            made.append(stack.enter_context(process))
            assert process.stdin is not None
            stack.callback(process.stdin.close)
        for process in made:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"

        def report() -> list[dict[str, Any]]:
            return [_ask(process) for process in made]

        def downs() -> list[int]:
            return [count for told in report() for count in told["power_off"]]

        yield Bmcs("ours", addresses(0, hosts), port, lambda: _cpu_of([process.pid for process in made]), downs)


def _ask(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    told: dict[str, Any] = json.loads(process.stdout.readline())
    return told


def measured(what: str, client: str, bmcs: Bmcs, run: Callable[[Bmcs], tuple[int, int, float]], **more: Any) -> Row:
    """One row: ``run`` gives the hosts asked, those that ended right, and the client's CPU seconds."""
    bmcs.downs()
    simulators, start = bmcs.cpu(), time.perf_counter()
    hosts, good, cpu = run(bmcs)
    wall, simulators = time.perf_counter() - start, bmcs.cpu() - simulators
    return {
        "what": what,
        "client": client,
        "BMCs": bmcs.name,
        **more,
        "hosts": hosts,
        "right": good,
        "seconds": round(wall, 2),
        "hosts/s": round(hosts / wall),
        "client CPU ms/host": round(1000 * cpu / hosts, 2),
        "simulators' CPU s": round(simulators, 1),
        "went down twice": sum(count > 1 for count in bmcs.downs()),
    }


def ours(work: Work, suite: str) -> Callable[[Bmcs], tuple[int, int, float]]:
    """Our channel, as a worker runs it: AT_ONCE operations at a time on one loop and one socket."""

    async def one(host: str, bmcs: Bmcs, board: Switchboard) -> bool:
        credential = Credential("bmc", USER, Secret(PASSWORD), "bmc")
        target = Target(host, host, bmcs.port, credential, {"cipher_suite": suite})
        async with board.operation():
            try:
                async with IpmiChannel(target, Deadline.after(SECONDS), board) as channel:
                    await work(channel)
            except ChannelError as error:
                print(error, file=sys.stderr)
                return False
            return True

    async def every(bmcs: Bmcs) -> int:
        board = Switchboard(spacing=SPACING, poll=POLL, at_once=AT_ONCE)
        try:
            return sum(await asyncio.gather(*(one(host, bmcs, board) for host in bmcs.hosts)))
        finally:
            board.leave()

    def run(bmcs: Bmcs) -> tuple[int, int, float]:
        before = time.process_time()
        good = asyncio.run(every(bmcs))
        return len(bmcs.hosts), good, time.process_time() - before

    return run


async def _status(channel: IpmiChannel) -> None:
    await channel.power_state()


async def _off_and_on(channel: IpmiChannel) -> None:
    await reset(channel, permit=lambda _: None, clock=SystemClock(), pace=PACE, boot=BootDevice.NETWORK)


def ipmipower(
    directory: Path, suite: str, *orders: Sequence[str], wanted: str
) -> Callable[[Bmcs], tuple[int, int, float]]:
    """FreeIPMI's client, one process for all hosts and each order; the password is in a file."""
    config = directory / "freeipmi.conf"
    config.touch(mode=0o600)
    config.write_text(f'username {USER}\npassword "{PASSWORD}"\n')

    def run(bmcs: Bmcs) -> tuple[int, int, float]:
        names = ",".join(f"{host}:{bmcs.port}" for host in bmcs.hosts)
        before, output = resource.getrusage(resource.RUSAGE_CHILDREN), ""
        for order in orders:
            place = ["--config-file", str(config), *FREEIPMI, "-I", suite, "-h", names]
            done = subprocess.run(["ipmipower", *place, *order], capture_output=True, text=True, check=False)
            output = done.stdout
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        good = sum(line.rpartition(": ")[2] in wanted.split() for line in output.splitlines())
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return len(bmcs.hosts), good, cpu

    return run


def ipmitool(suite: str, *order: str) -> Callable[[Bmcs], tuple[int, int, float]]:
    """ipmitool, a process for each host of a share of them; the password is in its environment."""
    environment = {**os.environ, "IPMI_PASSWORD": PASSWORD}

    def one(host: str, port: int) -> bool:
        place = ["-I", "lanplus", "-C", suite, "-H", host, "-p", str(port), "-U", USER, "-E"]
        done = subprocess.run(["ipmitool", *place, *order], capture_output=True, env=environment, check=False)
        return done.returncode == 0

    def run(bmcs: Bmcs) -> tuple[int, int, float]:
        share = bmcs.hosts[: max(1, len(bmcs.hosts) // IPMITOOL_SHARE)]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with ThreadPoolExecutor(IPMITOOL_AT_ONCE) as pool:
            good = sum(pool.map(lambda host: one(host, bmcs.port), share))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return len(share), good, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return run


def status_rows(hosts: int, directory: Path) -> list[Row]:
    """The power state of every host: against OpenIPMI's simulator with suite 3, against ours with 17."""
    rows: list[Row] = []
    farms: list[tuple[str, Any]] = [("17", simulated(hosts, loss=0.0))]
    if shutil.which("ipmi_sim"):
        farms.insert(0, ("3", openipmi(hosts)))
    for suite, farm in farms:
        with farm as bmcs:
            rows.append(measured("status", "unloop", bmcs, ours(_status, suite), suite=suite))
            if shutil.which("ipmipower"):
                run = ipmipower(directory, suite, ["--stat"], wanted="on off")
                rows.append(measured("status", "ipmipower", bmcs, run, suite=suite))
            if shutil.which("ipmitool"):
                rows.append(measured("status", "ipmitool", bmcs, ipmitool(suite, "power", "status"), suite=suite))
    return rows


def reset_rows(hosts: int, directory: Path, losses: Sequence[float]) -> list[Row]:
    """Off, boot device, on, each seen to have happened. ipmipower sets no boot device."""
    rows: list[Row] = []
    if shutil.which("ipmi_sim"):
        with openipmi(hosts) as bmcs:
            rows += _reset_rows(bmcs, directory, suite="3", loss=0.0)
    for loss in losses:
        with simulated(hosts, loss=loss) as bmcs:
            rows += _reset_rows(bmcs, directory, suite="17", loss=loss)
    return rows


def _reset_rows(bmcs: Bmcs, directory: Path, *, suite: str, loss: float) -> list[Row]:
    rows = [measured("off, boot, on", "unloop", bmcs, ours(_off_and_on, suite), suite=suite, loss=loss)]
    if shutil.which("ipmipower"):
        orders = (["--off", "--wait-until-off"], ["--on", "--wait-until-on"])
        run = ipmipower(directory, suite, *orders, wanted="ok")
        rows.append(measured("off, on", "ipmipower", bmcs, run, suite=suite, loss=loss))
        if bmcs.name == "ours":
            cycle = ipmipower(directory, suite, ["--cycle"], wanted="ok")
            rows.append(measured("cycle", "ipmipower", bmcs, cycle, suite=suite, loss=loss))
    return rows


def ratios(rows: Sequence[Row]) -> dict[str, float]:
    """Our time over ipmipower's for the same work against the same BMCs."""
    found: dict[str, float] = {}
    for row in rows:
        for other in rows:
            same = all(row.get(key) == other.get(key) for key in ("BMCs", "suite", "loss", "hosts"))
            if same and (row["client"], other["client"]) == ("unloop", "ipmipower") and other["what"] != "cycle":
                name = f"{row['what']}, {row['BMCs']}, suite {row['suite']}, loss {row.get('loss', 0.0):.0%}"
                found[name] = round(row["seconds"] / other["seconds"], 2)
    return found


def main() -> None:
    """Print tables for people, and write results/power.json."""
    is_quick = "--quick" in sys.argv[1:]
    hosts = HOSTS // 20 if is_quick else HOSTS
    with tempfile.TemporaryDirectory() as directory:
        status = status_rows(hosts, Path(directory))
        show(f"Power state of {hosts} BMCs, {AT_ONCE} at once (unloop)", status)
        resets = reset_rows(hosts, Path(directory), LOSSES[:2] if is_quick else LOSSES)
        show("Taken down and up again", resets)
    compared = ratios([*status, *resets])
    show("Time of unloop over that of ipmipower", [{"what": name, "ratio": value} for name, value in compared.items()])
    found = {
        "quick": is_quick,
        "hosts": hosts,
        "at_once": AT_ONCE,
        "status": status,
        "resets": resets,
        "ratios": compared,
    }
    save("power", found)


if __name__ == "__main__":
    main()
