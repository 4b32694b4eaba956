"""One simulated host: power, boots, windows, bugchecks and files; every protocol in front of it acts on this object."""

import asyncio
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from unloop.model.power import BootDevice, PowerState
from unloop.rehearsal.boot_marks import stamp
from unloop.rehearsal.events import EventLog, Happening
from unloop.rehearsal.filetree import FileTree
from unloop.rehearsal.gate import Gate
from unloop.rehearsal.spec import Kind, MachineSpec, Service

__all__ = ["BootOverride", "Kind", "Machine", "MachineSpec", "Phase", "Service"]


class Phase(StrEnum):
    """Where a machine is between power-on and crash."""

    OFF = "off"
    BOOTING = "booting"
    UP = "up"
    PARKED = "parked"


SILENT = frozenset({Kind.PARKED, Kind.LOCKED, Kind.WRONG_BMC})
"""Kinds that sit powered on and say nothing in band."""
CLOSED = frozenset({Kind.HEALTHY_CLOSED, Kind.UNREACHABLE})
"""Kinds that are up while none of their services can be reached."""
ABSENT_IN_SAFE_MODE = frozenset({"winrm"})


@dataclass(frozen=True, slots=True)
class BootOverride:
    """Where the next boot comes from; ``once`` means that this boot uses the override up."""

    device: BootDevice
    once: bool = True


@dataclass
class Machine:
    """A machine in motion. All methods are called on the one asyncio loop of the simulation.

    ``is_broken`` tells whether the boot would crash, judged on the machine as it is: a playbook fixture's sick tree says
    which file is the fault. ``boot_time`` is that of the current boot. ``state`` holds what services keep beside files:

    - ``registry``: the full path of a value -> its content; ``registry_kinds``: the path as ``faults.registry_key`` folds
      it -> the kind that it was set with; ``registry_keys``: the full paths of keys that were made without a value
    - ``services``: a name -> running or stopped; ``service_records``: a folded name -> a Service of ``scm.database``
    - ``updates``: the KB numbers that are installed
    - ``scripts``: the SHA-256 of a script's body -> what it would do (an effect of a fixture)
    - ``safe_boot``: the mode of the next boot, '' for the usual one
    - ``boot_override``: a BootOverride, owned by the BMC
    - ``ssh_host_key``: the private key of its SSH server, in OpenSSH's format; known_hosts holds its public half
    - ``authorized_keys``: who may log on over SSH by a key, as a text of OpenSSH's
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
    log: EventLog = field(default_factory=lambda: EventLog(""))
    holds: Callable[["Machine"], Iterable[tuple[str, ...]]] = lambda _: ()
    """The files that a driver opens at every boot and does not let go of; in safe mode it is not loaded."""
    on_good_boot: Callable[["Machine"], None] | None = None
    """What a boot that will not crash brings of itself; the boot in which the simulation begins brings nothing."""
    safe_mode: str = ""
    """The safe mode that the current boot is in, '' for a normal boot."""
    _life: asyncio.Task[None] | None = None
    _switch: asyncio.Task[None] | None = None
    _was_broken: bool = False

    def __post_init__(self) -> None:
        self.log.host = self.spec.name

    def start(self, *, after: float = 0.0) -> None:
        """The simulation begins with the machine powered on; its boot begins that much later."""
        self.power = PowerState.ON
        self._was_broken = self.is_broken(self)
        self._begin_life(after)

    async def stop(self) -> None:
        """The simulation ends."""
        tasks = [task for task in (self._life, self._switch) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for gate in self.gates.values():
            gate.close()

    def note_refusal(self, account: str, channel: str) -> None:
        """A service refused the proof of an account; a domain in front of its name is left aside."""
        self.log.note(Happening.LOGON_REFUSED, account=account.rpartition("\\")[2], channel=channel)

    def set_safe_boot(self, mode: str) -> None:
        """Somebody changes the boot entry: the mode of the next boot, '' for the usual one."""
        self.state["safe_boot"] = mode
        self.log.note(Happening.SAFE_BOOT, mode=mode)

    def restart(self) -> None:
        """An orderly restart from inside (shutdown /r, systemctl reboot): one new boot, a moment from now."""
        self.log.note(Happening.RESTART)
        self._begin_life(self.spec.shutdown_seconds)

    def power_off(self) -> bool:
        """A forced power-off by the BMC; False when the host is off already or on its way there."""
        if not self._takes_power:
            return self._refuse("off")
        self._go_down("off")
        self._switch = asyncio.create_task(self._settle_off())
        return True

    def power_on(self) -> bool:
        """Power-on by the BMC; False when the host is on, or has not finished to go off."""
        if self.power is not PowerState.OFF:
            return self._refuse("on")
        self._cancel(self._switch)
        self._go_up()
        self._switch = asyncio.create_task(self._settle_on())
        return True

    def power_cycle(self) -> bool:
        """Off and on again by the BMC, as one command; False when the host is not on."""
        if self.power is not PowerState.ON:
            return self._refuse("cycle")
        self._go_down("cycle")
        self._switch = asyncio.create_task(self._settle_cycle())
        return True

    def hard_reset(self) -> bool:
        """A warm reset by the BMC, the power stays; False when the host is not on."""
        if self.power is not PowerState.ON:
            return self._refuse("reset")
        self._go_down("reset")
        self.power = PowerState.ON
        self._begin_life(0.0)
        return True

    @property
    def _takes_power(self) -> bool:
        return self.phase is not Phase.OFF or self.power is PowerState.ON

    def _refuse(self, command: str) -> bool:
        self.log.note(Happening.POWER_REFUSED, command=command, power=self.power)
        return False

    def _go_down(self, command: str) -> None:
        self._cancel(self._life, self._switch)
        self._life = self._switch = None
        self._shut_gates()
        self._note_repair()
        self.phase, self.power, self.crashes_in_a_row = Phase.OFF, PowerState.CHANGING, 0
        self.log.note(Happening.POWER_OFF, command=command)

    async def _settle_off(self) -> None:
        await asyncio.sleep(self.spec.off_seconds)
        self.power = PowerState.OFF

    def _go_up(self) -> None:
        self.phase, self.power = Phase.BOOTING, PowerState.CHANGING
        self.log.note(Happening.POWER_ON)

    async def _settle_on(self) -> None:
        await asyncio.sleep(self.spec.on_seconds)
        self.power = PowerState.ON
        self._begin_life(0.0)

    async def _settle_cycle(self) -> None:
        await self._settle_off()
        self._go_up()
        await self._settle_on()

    def _begin_life(self, after: float) -> None:
        self._cancel(self._life)
        self._life = asyncio.create_task(self._live(after))

    def _cancel(self, *tasks: asyncio.Task[None] | None) -> None:
        for task in tasks:
            if task is not None and task is not asyncio.current_task():
                task.cancel()

    def _shut_gates(self) -> None:
        for gate in self.gates.values():
            gate.shut()

    async def _live(self, after: float) -> None:
        """Boot, open the services, crash or stay up, and again."""
        await asyncio.sleep(after)
        self._shut_gates()
        while await self._boot():
            continue

    async def _boot(self) -> bool:
        """One boot to its end; True when it ended in a crash and the next one follows."""
        self._stamp()
        broken_at_start = self._was_broken = self.is_broken(self)
        if self.on_good_boot is not None and self.boots > 1 and not broken_at_start and not self.safe_mode:
            self.on_good_boot(self)
        await asyncio.sleep(self._vary(self.spec.boot_seconds, self.spec.boot_jitter))
        if self.spec.kind in SILENT:
            self._settle(Phase.PARKED)
            return False
        if self.spec.kind in CLOSED:
            self._settle(Phase.UP)
            return False
        self.phase = Phase.UP
        waiting = await self._window(self._vary(self.spec.window_seconds, self.spec.window_jitter))
        if self._crashes(broken_at_start):
            return self._bugcheck()
        self._settle(Phase.UP)
        await self._open_in_order(waiting, passed=self.spec.window_seconds)
        return False

    def _stamp(self) -> None:
        self.boots += 1
        self.boot_time = datetime.now(UTC)
        self.phase = Phase.BOOTING
        self.safe_mode = str(self.state.get("safe_boot", ""))
        self.files.hold(() if self.safe_mode else self.holds(self))
        override: BootOverride | None = self.state.get("boot_override")
        if override is not None and override.once:
            del self.state["boot_override"]
        stamp(self.files, self.spec.system, self.boot_time, self.random)
        self.log.note(
            Happening.BOOT,
            number=self.boots,
            device=override.device if override else BootDevice.DISK,
            safe_mode=self.safe_mode,
        )

    async def _window(self, seconds: float) -> tuple[Service, ...]:
        """Open the services that come up in time and wait for the window's end; those that are still to open."""
        services = sorted(self.spec.services, key=lambda service: service.delay)
        early = tuple(service for service in services if service.delay < seconds)
        passed = await self._open_in_order(early, passed=0.0)
        await asyncio.sleep(seconds - passed)
        return tuple(services[len(early) :])

    async def _open_in_order(self, services: tuple[Service, ...], *, passed: float) -> float:
        for service in services:
            await asyncio.sleep(max(0.0, service.delay - passed))
            passed = max(passed, service.delay)
            if self.safe_mode and service.channel in ABSENT_IN_SAFE_MODE:
                continue
            if service.channel in self.gates:
                self.gates[service.channel].open()
                self.log.note(Happening.OPEN, channel=service.channel)
        return passed

    def _crashes(self, broken_at_start: bool) -> bool:
        self._note_repair()
        if self.safe_mode:
            return False
        return self.is_broken(self) or (broken_at_start and self.spec.crashes_after_fix)

    def _bugcheck(self) -> bool:
        self._shut_gates()
        self.crashes += 1
        self.crashes_in_a_row += 1
        self.bugchecks.append(datetime.now(UTC))
        self.log.note(Happening.CRASH, in_a_row=self.crashes_in_a_row)
        if self.spec.park_after is not None and self.crashes_in_a_row >= self.spec.park_after:
            self._settle(Phase.PARKED)
            return False
        return True

    def _settle(self, phase: Phase) -> None:
        self.phase = phase
        if phase is Phase.UP:
            self.crashes_in_a_row = 0
        self.log.note(Happening.STAYED_UP if phase is Phase.UP else Happening.PARKED)

    def _note_repair(self) -> None:
        if self._was_broken and not self.is_broken(self):
            self._was_broken = False
            self.log.note(Happening.REPAIRED)

    def _vary(self, seconds: float, jitter: float) -> float:
        return max(0.0, seconds + self.random.uniform(-jitter, jitter))
