"""The life of a simulated host, in tiny times: boots, windows, crashes, parking, power and repair."""

import asyncio
import random
import socket
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from servers import free_port
from unloop.model.host import System
from unloop.model.power import PowerState
from unloop.rehearsal import fleet
from unloop.rehearsal.boot_marks import PAGEFILE
from unloop.rehearsal.events import Happening
from unloop.rehearsal.faults import new_tree
from unloop.rehearsal.fleet import tarpit
from unloop.rehearsal.gate import Gate, listen
from unloop.rehearsal.machine import Machine, Phase
from unloop.rehearsal.scenario import generate
from unloop.rehearsal.spec import Kind, MachineSpec, Service

ADDRESS = "127.0.9.2"
FAULT = ("Windows", "System32", "drivers", "bad.sys")


def _spec(kind: Kind = Kind.LOOPING, **values: Any) -> MachineSpec:
    quick = {
        "kind": kind,
        "address": ADDRESS,
        "services": (),
        "boot_seconds": 0.03,
        "boot_jitter": 0.0,
        "window_seconds": 0.05,
        "window_jitter": 0.0,
        "off_seconds": 0.05,
        "on_seconds": 0.02,
        "shutdown_seconds": 0.02,
        "park_after": None,
        "crashes_after_fix": False,
    }
    return replace(generate(1, 1, systems=(System.WINDOWS,))[0], **(quick | values))


def _is_broken(machine: Machine) -> bool:
    return machine.files.exists(FAULT)


def _machine(spec: MachineSpec, *, is_sick: bool = True) -> Machine:
    machine = Machine(spec, new_tree(System.WINDOWS), _is_broken, random.Random(1))  # noqa: S311
    if is_sick:
        machine.files.write(FAULT, b"bad", modified=machine.boot_time)
    return machine


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.005)


def _live(machine: Machine, story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def whole() -> None:
        machine.start()
        try:
            await story()
        finally:
            await machine.stop()

    asyncio.run(whole())


def _count(machine: Machine, what: Happening) -> int:
    return len(machine.log.times(what))


def test_broken_host_loops_until_it_is_repaired_in_a_window() -> None:
    """A host crashes at the end of every window while it is broken, and stays up when it no longer is."""
    machine = _machine(_spec())

    async def story() -> None:
        await _until(lambda: machine.crashes >= 2 and machine.phase is Phase.UP)
        machine.files.remove(FAULT)
        await _until(lambda: _count(machine, Happening.STAYED_UP) == 1)

    _live(machine, story)
    assert machine.boots == machine.crashes + 1
    assert _count(machine, Happening.REPAIRED) == 1
    assert machine.crashes_in_a_row == 0
    assert len(machine.bugchecks) == machine.crashes


def test_boot_that_has_read_the_bad_file_crashes_once_more() -> None:
    """With ``crashes_after_fix`` the boot of the repair ends in a crash, and the next one stays up."""
    machine = _machine(_spec(crashes_after_fix=True))

    async def story() -> None:
        await _until(lambda: machine.phase is Phase.UP)
        assert machine.crashes == 0
        machine.files.remove(FAULT)
        await _until(lambda: _count(machine, Happening.STAYED_UP) == 1)

    _live(machine, story)
    assert (machine.boots, machine.crashes) == (2, 1)


def test_host_parks_after_crashes_in_a_row_and_a_reset_unparks_it() -> None:
    """After so many crashes nothing moves any more until somebody resets the host; then the count starts anew."""
    machine = _machine(_spec(park_after=2))

    async def story() -> None:
        await _until(lambda: machine.phase is Phase.PARKED)
        boots = machine.boots
        await asyncio.sleep(0.2)
        assert (machine.boots, machine.power) == (boots, PowerState.ON)
        assert machine.power_cycle()
        await _until(lambda: machine.boots > boots and machine.phase is Phase.PARKED)

    _live(machine, story)
    assert machine.crashes == 4


@pytest.mark.parametrize("kind", [Kind.PARKED, Kind.LOCKED, Kind.WRONG_BMC])
def test_silent_kinds_stay_powered_on_and_silent_after_every_reset(kind: Kind) -> None:
    """They boot to where a person is needed, and never open a port."""
    machine = _machine(_spec(kind))

    async def story() -> None:
        await _until(lambda: machine.phase is Phase.PARKED)
        assert machine.hard_reset()
        await _until(lambda: machine.boots == 2 and machine.phase is Phase.PARKED)

    _live(machine, story)
    assert machine.power is PowerState.ON
    assert _count(machine, Happening.OPEN) == 0


def test_power_is_counted_once_however_often_it_is_ordered() -> None:
    """Off while off and on while on change nothing; on is refused until the host is off."""
    machine = _machine(_spec())

    async def story() -> None:
        await _until(lambda: machine.phase is Phase.UP)
        assert machine.power_off()
        assert machine.power is PowerState.CHANGING
        assert not machine.power_off()
        assert not machine.power_on()
        await _until(lambda: machine.power is PowerState.OFF)
        assert not machine.power_off()
        assert not machine.power_cycle()
        assert not machine.hard_reset()
        boots = machine.boots
        assert machine.power_on()
        assert not machine.power_on()
        await _until(lambda: machine.boots == boots + 1)

    _live(machine, story)
    assert _count(machine, Happening.POWER_OFF) == 1
    assert _count(machine, Happening.POWER_ON) == 1


def test_host_that_is_off_stays_off() -> None:
    """No boot goes on behind a host that was switched off, whatever it was doing."""
    machine = _machine(_spec())

    async def story() -> None:
        await _until(lambda: machine.phase is Phase.BOOTING)
        machine.power_off()
        await _until(lambda: machine.power is PowerState.OFF)
        boots = machine.boots
        await asyncio.sleep(0.2)
        assert (machine.boots, machine.phase) == (boots, Phase.OFF)

    _live(machine, story)


def test_orderly_restart_is_a_new_boot_and_no_reset() -> None:
    """A restart from inside changes the boot's marks and counts as no power-off."""
    machine = _machine(_spec(), is_sick=False)

    async def story() -> None:
        await _until(lambda: _count(machine, Happening.STAYED_UP) == 1)
        before = machine.files.stat(PAGEFILE).modified
        machine.restart()
        await _until(lambda: _count(machine, Happening.STAYED_UP) == 2)
        assert machine.files.stat(PAGEFILE).modified > before

    _live(machine, story)
    assert machine.boots == 2
    assert _count(machine, Happening.POWER_OFF) == 0


def test_safe_mode_boot_does_not_crash_and_has_no_winrm() -> None:
    """The driver is not loaded in safe mode: a broken host stays up there, with SMB alone."""
    services = (Service("smb", free_port(ADDRESS)), Service("winrm", free_port(ADDRESS)))
    machine = _machine(_spec(services=services))
    machine.state["safe_boot"] = "network"

    async def story() -> None:
        machine.gates = {item.channel: Gate(ADDRESS, item.port, tarpit) for item in services}
        await _until(lambda: _count(machine, Happening.STAYED_UP) == 1)

    _live(machine, story)
    assert [event.detail["channel"] for event in machine.log.events if event.what is Happening.OPEN] == ["smb"]


def test_a_driver_holds_its_file_but_in_safe_mode() -> None:
    """From boot to boot: in safe mode the driver is not loaded, and its file can be moved."""
    machine = _machine(_spec())
    machine.holds = lambda _: (FAULT,)
    held: list[bool] = []

    async def story() -> None:
        await _until(lambda: machine.boots == 2)
        held.append(machine.files.is_held(FAULT))
        machine.set_safe_boot("network")
        machine.restart()
        await _until(lambda: _count(machine, Happening.STAYED_UP) == 1)
        held.append(machine.files.is_held(FAULT))
        machine.files.remove(FAULT)
        machine.set_safe_boot("")
        machine.restart()
        await _until(lambda: _count(machine, Happening.STAYED_UP) == 2)

    _live(machine, story)
    assert held == [True, False]
    flags = [event.detail["mode"] for event in machine.log.events if event.what is Happening.SAFE_BOOT]
    assert (flags, machine.safe_mode) == (["network", ""], "")


async def _connects(port: int) -> str:
    loop = asyncio.get_running_loop()
    with socket.socket() as sock:
        sock.setblocking(False)
        try:
            async with asyncio.timeout(0.15):
                await loop.sock_connect(sock, (ADDRESS, port))
        except TimeoutError:
            return "silent"
        except ConnectionRefusedError:
            return "refused"
        return "open"


def test_ports_open_in_order_and_go_silent_with_the_crash() -> None:
    """A second service opens later than the first, and after the crash both swallow what comes."""
    smb, winrm = free_port(ADDRESS), free_port(ADDRESS)
    services = (Service("smb", smb), Service("winrm", winrm, delay=0.2))
    machine = _machine(_spec(services=services, boot_seconds=0.5, window_seconds=0.6))

    async def story() -> None:
        machine.gates = {item.channel: Gate(ADDRESS, item.port, tarpit) for item in services}
        assert await _connects(smb) == "silent"
        await _until(lambda: _count(machine, Happening.OPEN) == 1)
        assert (await _connects(smb), await _connects(winrm)) == ("open", "silent")
        await _until(lambda: _count(machine, Happening.OPEN) == 2)
        assert await _connects(winrm) == "open"
        await _until(lambda: machine.crashes == 1)
        assert await _connects(smb) == "silent"

    _live(machine, story)


@pytest.mark.parametrize(("refuses", "sign"), [(True, "refused"), (False, "silent")])
def test_healthy_host_with_closed_ports_refuses_or_is_silent(refuses: bool, sign: str) -> None:
    """Up for good with every door closed: a reset comes back, or nothing, as its firewall has it."""
    port = free_port(ADDRESS)
    machine = _machine(_spec(Kind.HEALTHY_CLOSED, services=(Service("smb", port),), refuses=refuses), is_sick=False)

    async def story() -> None:
        machine.gates = {"smb": Gate(ADDRESS, port, tarpit, refuse_when_shut=refuses)}
        await _until(lambda: _count(machine, Happening.STAYED_UP) == 1)
        assert await _connects(port) == sign

    _live(machine, story)
    assert machine.phase is Phase.UP


def _silent_bmc(address: str, port: int) -> socket.socket:
    return fleet._silence(_spec(bmc_channel="ipmi", bmc_address=address, bmc_port=port))


@pytest.mark.parametrize(("kind", "take"), [(socket.SOCK_STREAM, listen), (socket.SOCK_DGRAM, _silent_bmc)])
def test_a_port_that_is_taken_leaves_no_socket_behind(
    kind: socket.SocketKind, take: Callable[[str, int], socket.socket]
) -> None:
    """What can't be bound is closed at once, not when it happens to be collected."""
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind((ADDRESS, 0))
        before = sorted(Path("/proc/self/fd").iterdir())
        with pytest.raises(OSError, match="in use"):
            take(ADDRESS, taken.getsockname()[1])
        assert sorted(Path("/proc/self/fd").iterdir()) == before


def test_tarpit_accepts_and_says_nothing() -> None:
    """A connection comes about, and no byte ever comes back."""
    port = free_port(ADDRESS)
    machine = _machine(_spec(services=(Service("smb", port, is_tarpit=True),), window_seconds=1.0))

    async def story() -> None:
        machine.gates = {"smb": Gate(ADDRESS, port, tarpit)}
        await _until(lambda: _count(machine, Happening.OPEN) == 1)
        reader, writer = await asyncio.open_connection(ADDRESS, port)
        writer.write(b"hello")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await reader.read(1)
        writer.close()

    _live(machine, story)


def test_a_connection_that_its_server_has_closed_does_not_hinder_the_crash() -> None:
    """The service ends a connection, lingers, and the host goes down just then: nothing is left open, nothing fails."""
    port = free_port(ADDRESS)

    async def story() -> bytes:
        closed = asyncio.Event()

        async def serve(connection: socket.socket) -> None:
            connection.close()
            closed.set()
            await asyncio.sleep(60)

        gate = Gate(ADDRESS, port, serve)
        gate.open()
        reader, writer = await asyncio.open_connection(ADDRESS, port)
        await asyncio.wait_for(closed.wait(), 10)
        gate.shut()
        gate.close()
        told = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        await asyncio.sleep(0)
        return told

    assert asyncio.run(story()) == b""
