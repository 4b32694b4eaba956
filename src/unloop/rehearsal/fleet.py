"""A whole simulated fleet in one process: machines, the ports in front of them, and their BMCs."""

import asyncio
import contextlib
import importlib
import importlib.util
import random
import socket
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from unloop.errors import InputError, Problem
from unloop.model.host import System
from unloop.rehearsal import addresses, faults, ipmi_bmc, redfish_bmc
from unloop.rehearsal.certificate import Tls, tls_of
from unloop.rehearsal.events import EventLog, MachineEvent
from unloop.rehearsal.faults import Cases
from unloop.rehearsal.gate import Gate, Serve, listen, swallow
from unloop.rehearsal.machine import CLOSED, SILENT, Machine
from unloop.rehearsal.spec import Kind, MachineSpec, Service

FACTORIES: Mapping[str, str] = {
    "smb": "unloop.rehearsal.smb_host:make_smb",
    "winrm": "unloop.rehearsal.winrm_host:make_winrm",
    "ssh": "unloop.rehearsal.ssh_host:make_ssh",
}
"""Per channel, who makes the server in front of a machine; loaded when a host of the fleet needs it."""

Closer = Callable[[], object]
Factory = Callable[..., Serve]
"""Takes a machine, and TLS where a service speaks through it."""
_KNOWS_TLS = frozenset({"winrm"})
_GOOD = frozenset({Kind.HEALTHY, Kind.HEALTHY_CLOSED, Kind.UNREACHABLE})


class Fleet:
    """Machines with everything in front of them. ``listener`` hears every event of every machine."""

    def __init__(
        self,
        specs: Iterable[MachineSpec],
        cases: Mapping[System, Cases],
        *,
        seed: int = 0,
        certificate: Path | None = None,
        ssh_host_key: str = "",
        listener: Callable[[MachineEvent], None] | None = None,
    ) -> None:
        self._specs = tuple(specs)
        self._tls = tls_of(certificate) if certificate is not None else None
        self._closers: list[Closer] = []
        self._random = random.Random(seed)  # noqa: S311 - a simulation must be the same for the same seed
        self.machines: dict[str, Machine] = {}
        factories = _factories(self._specs)
        _check_tls(self._specs, self._tls)
        for index, spec in enumerate(self._specs):
            machine = _machine(spec, index, cases, random.Random(f"{seed}/{spec.name}"), listener)  # noqa: S311
            machine.state["ssh_host_key"] = ssh_host_key
            self.machines[spec.name] = machine
        self._factories = factories

    async def start(self) -> None:
        """Take every port, then let the machines live, each at another point of its boot; raises InputError."""
        try:
            for marker in sorted({addresses.marker_of(spec.address) for spec in self._specs}):
                self._closers.append(addresses.mark(marker).close)
            for machine in self.machines.values():
                self._put_gates(machine)
                await self._put_bmc(machine)
        except OSError as error:
            await self.stop()
            hint = "another simulation uses these addresses, or the limit of open files is too low"
            raise InputError(Problem(f"can't open the simulated ports: {error}", hint=hint)) from error
        for machine in self.machines.values():
            machine.start(after=self._random.uniform(0.0, machine.spec.boot_seconds))

    async def stop(self) -> None:
        """End every machine and give every port back."""
        for machine in self.machines.values():
            await machine.stop()
        for close in reversed(self._closers):
            close()
        self._closers.clear()
        await asyncio.sleep(0)

    def _put_gates(self, machine: Machine) -> None:
        spec = machine.spec
        for service in spec.services:
            serve = _serve(machine, service, self._factories, self._tls)
            machine.gates[service.channel] = Gate(spec.address, service.port, serve, refuse_when_shut=spec.refuses)

    async def _put_bmc(self, machine: Machine) -> None:
        spec = machine.spec
        if not spec.bmc_channel:
            return
        if spec.kind is Kind.UNREACHABLE:
            self._closers.append(_silence(spec).close)
        elif spec.bmc_channel == "ipmi":
            transport = await ipmi_bmc.serve(machine, spec.bmc_address, spec.bmc_port)
            self._closers.append(transport.close)
        elif self._tls is None:
            raise InputError(Problem(f"{spec.name}: a Redfish BMC needs a certificate"))
        else:
            server = await redfish_bmc.serve(machine, spec.bmc_address, spec.bmc_port, self._tls.context)
            self._closers.append(server.close)


def _machine(
    spec: MachineSpec,
    index: int,
    cases: Mapping[System, Cases],
    chance: random.Random,
    listener: Callable[[MachineEvent], None] | None,
) -> Machine:
    if spec.system not in cases:
        hint = "name a playbook for this system too"
        raise InputError(Problem(f"{spec.name}: there is no fixture for a {spec.system} host", hint=hint))
    known = cases[spec.system]
    choice = known.healthy if spec.kind in _GOOD else known.sick
    case = choice[index % len(choice)]
    log = EventLog(spec.name, listener)
    machine = Machine(spec, faults.new_tree(spec.system), case.is_broken, chance, log=log)
    faults.put_on(machine, case)
    if spec.kind is Kind.HELD:
        machine.holds = case.files_at_fault
    after_boot = case.fixture.after_boot
    machine.on_good_boot = lambda booted: faults.apply(booted, after_boot)
    return machine


def _check_tls(specs: Iterable[MachineSpec], tls: Tls | None) -> None:
    for spec in specs:
        for service in spec.services:
            if service.is_tls and service.channel not in _KNOWS_TLS:
                raise InputError(Problem(f"{spec.name}: {service.channel} does not speak TLS"))
            if service.is_tls and tls is None:
                raise InputError(Problem(f"{spec.name}: {service.channel} through TLS needs a certificate"))


def _factories(specs: Iterable[MachineSpec]) -> dict[str, Factory]:
    """The factories that these hosts need; raises InputError for a channel that can't be simulated here."""
    needed = {
        service.channel for spec in specs if _is_served(spec) for service in spec.services if not service.is_tarpit
    }
    return {channel: _factory(channel) for channel in sorted(needed)}


def _factory(channel: str) -> Factory:
    module, _, name = FACTORIES.get(channel, "").partition(":")
    if not module or importlib.util.find_spec(module) is None:
        raise InputError(Problem(f"channel {channel} can't be simulated", hint=f"can be: {', '.join(FACTORIES)}"))
    try:
        found: Factory = getattr(importlib.import_module(module), name)
    except ImportError as error:
        hint = "pip install 'unloop[rehearsal]'"
        raise InputError(Problem(f"channel {channel} can't be simulated: {error}", hint=hint)) from error
    return found


def _is_served(spec: MachineSpec) -> bool:
    return spec.kind not in SILENT and spec.kind not in CLOSED


def _serve(machine: Machine, service: Service, factories: Mapping[str, Factory], tls: Tls | None) -> Serve:
    if service.is_tarpit or not _is_served(machine.spec):
        return tarpit
    make = factories[service.channel]
    return make(machine, tls) if service.is_tls else make(machine)


async def tarpit(connection: socket.socket) -> None:
    """Take whatever comes and never say a word, until the client goes away."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError):
        while await loop.sock_recv(connection, 4096):
            continue


def _silence(spec: MachineSpec) -> socket.socket:
    """A BMC that is there for no one: its port takes packets and drops them."""
    if spec.bmc_channel != "ipmi":
        listener = listen(spec.bmc_address, spec.bmc_port)
        swallow(listener)
        return listener
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.bind((spec.bmc_address, spec.bmc_port))
    except OSError:
        sock.close()
        raise
    return sock
