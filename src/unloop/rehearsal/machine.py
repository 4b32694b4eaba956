"""One simulated host: power, boots, windows, bugchecks and files; every protocol in front of it acts on this object."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from unloop.model.host import System
from unloop.model.power import PowerState
from unloop.rehearsal.filetree import FileTree
from unloop.rehearsal.gate import Gate


class Kind(StrEnum):
    """What is wrong with a simulated host, and so how it answers."""

    LOOPING = "looping"
    PARKED = "parked"
    LOCKED = "locked"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105
    UNREACHABLE = "unreachable"
    HEALTHY_CLOSED = "healthy_closed"
    WRONG_BMC = "wrong_bmc"
    TARPIT = "tarpit"
    HEALTHY = "healthy"


class Phase(StrEnum):
    """Where a machine is between power-on and crash."""

    OFF = "off"
    BOOTING = "booting"
    UP = "up"
    PARKED = "parked"


@dataclass(frozen=True, slots=True)
class Service:
    """One in-band service: its channel, its port, and how long after the network came up it opens (seconds)."""

    channel: str
    port: int
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class MachineSpec:
    """Everything that is fixed about a simulated host. Times in seconds."""

    name: str
    address: str
    bmc_address: str
    system: System
    kind: Kind
    uuid: str
    bmc_uuid: str
    username: str
    password: str
    services: tuple[Service, ...]
    boot_seconds: float
    boot_jitter: float
    window_seconds: float
    window_jitter: float
    off_seconds: float = 0.3
    park_after: int | None = None
    """Park in recovery after this many crashes in a row; a reset by hand starts the count anew."""
    crashes_after_fix: bool = False
    """The driver has read the bad file before the window: this boot ends in a crash even if the file is gone."""


@dataclass
class Machine:
    """A machine in motion. All methods are called on the one asyncio loop of the simulation.

    ``is_broken`` tells whether the boot would crash, judged on the files as they are: a playbook fixture's sick tree says
    which file is the fault. ``boot_time`` is that of the current boot. ``state`` holds what services keep beside files:
    registry, services, updates, boot flags (owned by whoever simulates them).
    """

    spec: MachineSpec
    files: FileTree
    is_broken: Callable[["Machine"], bool]
    random: random.Random
    phase: Phase = Phase.OFF
    power: PowerState = PowerState.OFF
    boots: int = 0
    crashes: int = 0
    crashes_in_a_row: int = 0
    boot_time: datetime = field(default_factory=lambda: datetime.now(UTC))
    bugchecks: list[datetime] = field(default_factory=list)
    state: dict[str, Any] = field(default_factory=dict)
    gates: dict[str, Gate] = field(default_factory=dict)
    _life: asyncio.Task[None] | None = None

    def restart(self) -> None:
        """An orderly restart from inside (shutdown /r, systemctl reboot): one new boot."""
        self._shut_gates()
        self._start_life()

    def _start_life(self) -> None:
        if self._life is not None:
            self._life.cancel()
        self._life = asyncio.create_task(self._live())

    def _shut_gates(self) -> None:
        for gate in self.gates.values():
            gate.shut()

    async def _live(self) -> None:
        """Boot, open the services, crash or stay up, and again; the owner of this file completes it."""
        raise NotImplementedError
