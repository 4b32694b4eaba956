"""A race that is measured: simulated hosts in processes of their own, and one racer (racer.py) in another."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from unloop.campaign import control
from unloop.campaign.prepare import prepare
from unloop.cli.run import options_of, playbook_columns
from unloop.dispatch.context import make_context
from unloop.inventory.read import read
from unloop.model.host import System
from unloop.model.host_run import Queue
from unloop.playbook.load import load
from unloop.playbook.shipped import locate
from unloop.rehearsal import inventory_file
from unloop.rehearsal.addresses import Block, reserved_block
from unloop.rehearsal.simulation import simulated
from unloop.rehearsal.spec import Kind, MachineSpec, Service
from unloop.settings.load import load as load_settings
from unloop.store import queries, schema
from unloop.store.database import Database, open_database

PLAYBOOK = "channel-file-291"
RACER = Path(__file__).with_name("racer.py")
PER_PROCESS = 500
SETTINGS = """\
[race]
watch = "120s"
interval = "500ms"
hot = "100ms"
cold = "2s"
window = "{window}s"
strike = "10s"
crash_silence = "2s"
elapsed = "1h"
lease = "30s"

[limits]
in_flight = {hosts}
"""


@dataclass(frozen=True)
class Scene:
    """Hosts that crash-loop by themselves: how long they boot, how long their windows are, and how much both vary."""

    hosts: int
    window: float
    boot: float
    boot_jitter: float

    @property
    def processes(self) -> int:
        """How many simulate it."""
        return -(-self.hosts // PER_PROCESS)

    def parts(self, blocks: Sequence[Block]) -> tuple[tuple[MachineSpec, ...], ...]:
        """Windows hosts with SMB and WinRM, for one process each part.

        None has power control, so that its own crashes are raced.
        """
        indices = range(self.hosts)
        return tuple(
            tuple(self._spec(index, block) for index in indices[number * PER_PROCESS : (number + 1) * PER_PROCESS])
            for number, block in enumerate(blocks)
        )

    def _spec(self, index: int, block: Block) -> MachineSpec:
        services = (Service("smb", 4450), Service("winrm", 5985, 0.2))
        return MachineSpec(
            name=f"host-{index + 1:05d}",
            address=block.host(index % PER_PROCESS),
            bmc_address="",
            system=System.WINDOWS,
            kind=Kind.LOOPING,
            uuid="",
            bmc_uuid="",
            username="rehearsal-admin",
            password="Host-0123456789abcdef",
            services=services,
            boot_seconds=self.boot,
            boot_jitter=self.boot_jitter,
            window_seconds=self.window,
            window_jitter=self.window * 0.1,
            bmc_channel="",
            reported_broken_at="2024-07-19T05:00:00Z",
        )


@dataclass(frozen=True)
class Raced:
    """What came of a race. Times in seconds; ``windows`` are the store's, ``opened`` the witnesses' by host."""

    scene: Scene
    landed: int
    windows: Sequence[Mapping[str, Any]]
    opened: Mapping[str, Sequence[float]]
    attempts: int
    seconds: float
    cpu: float
    megabytes: float
    idle_megabytes: float
    simulator_cpu: float

    @property
    def first_hits(self) -> int:
        """Hosts whose first window that we were there for was caught."""
        first: dict[str, Mapping[str, Any]] = {}
        for window in sorted(self.windows, key=lambda one: one["opened_at"]):
            first.setdefault(window["name"], window)
        return sum(bool(window["caught"]) for window in first.values())

    @property
    def lags(self) -> list[float]:
        """How much later than it opened each host was seen to be open, by the witness's clock.

        A window that had opened before the watch began is none that was waited for.
        """
        found = []
        for window in self.windows:
            before = [at for at in self.opened[window["name"]] if at <= window["opened_at"] + 0.002]
            lag = max(0.0, window["opened_at"] - before[-1]) if before else 0.0
            if before and lag <= window["opened_after"]:
                found.append(lag)
        return found

    @property
    def struck(self) -> list[float]:
        """From the sight of the open port to the answer that the file is moved."""
        return [
            window["struck_after"] - window["opened_after"]
            for window in self.windows
            if window["struck_after"] is not None
        ]

    @property
    def boots_needed(self) -> float:
        """Windows for each host that landed."""
        return len(self.windows) / self.landed if self.landed else float("inf")


def race(scene: Scene, *, seconds: float) -> Raced:
    """Simulate, race until every host has landed or the time is up, and take down what it took."""
    with tempfile.TemporaryDirectory(prefix="unloop-bench-") as made, ExitStack() as stack:
        directory = Path(made)
        blocks = [stack.enter_context(reserved_block()) for _ in range(scene.processes)]
        parts = scene.parts(blocks)
        campaign = _campaign(directory / "campaign", [spec for part in parts for spec in part], scene)
        pids = _simulate(stack, directory, parts)
        url = load_settings(directory / "campaign" / "unloop.toml").store.url
        before, began = sum(map(_cpu_of, pids)), time.monotonic()
        told = _raced(directory / "campaign", url, campaign, seconds)
        elapsed, simulators = time.monotonic() - began, sum(map(_cpu_of, pids)) - before
        database = open_database(url)
        rows = queries.host_rows(database, campaign)
        windows = queries.windows_of(database, campaign)
        attempts = len(queries.attempts_of(database, campaign))
        database.close()
        return Raced(
            scene=scene,
            landed=sum(row.run.progress.landed_at is not None for row in rows),
            windows=windows,
            opened=_opened(directory),
            attempts=attempts,
            seconds=elapsed,
            cpu=told["cpu"],
            megabytes=told["megabytes"],
            idle_megabytes=told["idle_megabytes"],
            simulator_cpu=simulators,
        )


def _campaign(directory: Path, specs: Sequence[MachineSpec], scene: Scene) -> str:
    playbook = load(locate(PLAYBOOK))
    paths = inventory_file.write(directory, specs, playbooks=[Path(playbook.path)])
    text = paths.settings.read_text(encoding="utf-8")
    head, _, rest = text.partition(inventory_file.PACE)
    paced = SETTINGS.format(hosts=scene.hosts, window=scene.window * 3)
    paths.settings.write_text(f"{head}{paced}{rest}", encoding="utf-8")
    settings = load_settings(paths.settings)
    context = make_context(settings)
    options = replace(options_of(settings), ladder=("race", "hands_on"))
    raced_alone = replace(playbook, ladder=tuple(rung for rung in playbook.ladder if rung.name in options.ladder))
    variables = {"stable_for": "10s"}
    hosts = read(str(paths.inventory), settings).hosts
    prepared = prepare(raced_alone, hosts, variables=variables, options=options, waves=("rest",))
    campaign = control.create(
        context.database,
        prepared.plan,
        name="bench",
        playbook=playbook_columns(prepared),
        variables=variables,
        origin={"inventory": str(paths.inventory), "selection": ""},
        now=datetime.now(UTC),
    )
    context.database.close()
    return campaign.id


def _simulate(stack: ExitStack, directory: Path, parts: Sequence[Sequence[MachineSpec]]) -> list[int]:
    """One process for each part; their ids."""
    playbook = Path(load(locate(PLAYBOOK)).path)
    pids = []
    for number, specs in enumerate(parts):
        part = directory / f"simulation-{number}"
        inventory_file.write(part, specs, playbooks=[playbook], seed=number)
        pids.append(stack.enter_context(simulated(part)))
    return pids


def _raced(directory: Path, url: str, campaign: str, seconds: float) -> dict[str, float]:
    """Let the racer race until no host is left in the queue, or the time is up; what it used."""
    arguments = [sys.executable, str(RACER), str(directory), campaign, str(seconds)]
    end = time.monotonic() + seconds
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as racer:
        database = open_database(url)
        while time.monotonic() < end and racer.poll() is None and _racing(database, campaign):
            time.sleep(1.0)
        database.close()
        racer.terminate()
        output, _ = racer.communicate(timeout=180)
    told: dict[str, float] = json.loads(output.splitlines()[-1])
    return told


def _racing(database: Database, campaign: str) -> int:
    """How many hosts are still in the race's queue."""
    run = schema.host_run
    query = select(func.count()).where(
        run.c.campaign_id == campaign, run.c.queue == str(Queue.RACE), run.c.outcome.is_(None)
    )
    with database.read() as connection:
        return int(connection.execute(query).scalar_one())


def _opened(directory: Path) -> dict[str, list[float]]:
    """When each host's first port of each boot opened, by the wall clock, as the witnesses say."""
    found: dict[str, list[float]] = {}
    for path in directory.glob("simulation-*/witness.jsonl"):
        waiting: set[str] = set()
        for line in path.read_text(encoding="utf-8").splitlines():
            event = json.loads(line)
            host = event["host"]
            if event["what"] == "boot":
                waiting.add(host)
            elif event["what"] == "open" and host in waiting:
                waiting.discard(host)
                found.setdefault(host, []).append(event["wall"])
    return found


def _cpu_of(pid: int) -> float:
    """CPU seconds that a process has used so far (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
