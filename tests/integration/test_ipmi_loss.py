"""Our IPMI channel and our simulated BMCs with a network between them that loses packets: nothing happens twice."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from relay import relay
from servers import free_port
from unloop.channels.base import Deadline, Target
from unloop.channels.ipmi import IpmiChannel
from unloop.channels.reset import Pace, reset
from unloop.channels.switchboard import Switchboard
from unloop.clock import SystemClock
from unloop.errors import Busy, Refused, Unreachable
from unloop.model.host import System
from unloop.model.power import BootDevice, PowerState
from unloop.rehearsal.events import Happening
from unloop.rehearsal.filetree import FileTree
from unloop.rehearsal.ipmi_bmc import IpmiBmc, serve_with
from unloop.rehearsal.machine import Machine
from unloop.rehearsal.scenario import generate
from unloop.secrets.secret import Credential, Secret

USER, PASSWORD = "keeper", "a right password"
HOSTS = 24
PACE = Pace(off=60, on=60, poll=0.1, again=2)


@dataclass
class Farm:
    """Machines, the BMCs in front of them, and where the relay takes packets for them."""

    machines: list[Machine]
    bmcs: list[IpmiBmc]
    addresses: list[str]
    port: int

    def times(self, what: Happening) -> list[int]:
        """How often it happened to each machine, by the machine's own log."""
        return [len(machine.log.times(what)) for machine in self.machines]


def _machine(number: int) -> Machine:
    spec = replace(
        generate(1, 1, systems=(System.WINDOWS,))[0],
        name=f"h{number}",
        services=(),
        bmc_username=USER,
        bmc_password=PASSWORD,
        off_seconds=0.2,
        on_seconds=0.2,
    )
    return Machine(spec, FileTree(case_sensitive=False), lambda _: False, random.Random(number))  # noqa: S311


@asynccontextmanager
async def _farm(loss: float) -> AsyncIterator[Farm]:
    machines = [_machine(number) for number in range(HOSTS)]
    addresses = [f"127.0.13.{number + 1}" for number in range(HOSTS)]
    near, far = (free_port(addresses[0], socket.SOCK_DGRAM) for _ in range(2))
    farm = Farm(machines, [IpmiBmc(machine) for machine in machines], addresses, near)
    transports = []
    for machine, bmc, address in zip(farm.machines, farm.bmcs, farm.addresses, strict=True):
        machine.start()
        transports.append(await serve_with(bmc, address, far))
    try:
        async with relay({(a, near): (a, far) for a in farm.addresses}, loss=loss):
            yield farm
    finally:
        for transport in transports:
            transport.close()
        for machine in farm.machines:
            await machine.stop()


def _channel(address: str, port: int, board: Switchboard, **options: str) -> IpmiChannel:
    credential = Credential("c", USER, Secret(PASSWORD), "account")
    return IpmiChannel(Target(address, address, port, credential, options), Deadline.after(110), board)


@pytest.mark.parametrize(("loss", "suite"), [(0.0, "17"), (0.0, "3"), (0.05, "3"), (0.2, "17")])
def test_every_host_goes_down_once_whatever_is_lost(loss: float, suite: str) -> None:
    """Status, off, boot device, on over a lossy network: all end right, and no machine was taken down twice."""

    async def work(address: str, port: int, board: Switchboard) -> PowerState:
        async with _channel(address, port, board, cipher_suite=suite) as channel:
            assert await channel.power_state() is PowerState.ON
            await reset(channel, permit=lambda _: None, clock=SystemClock(), pace=PACE, boot=BootDevice.NETWORK)
            return await channel.power_state()

    async def main() -> tuple[list[PowerState], Farm]:
        board = Switchboard(spacing=0.05, poll=0.05)
        async with _farm(loss) as farm:
            try:
                working = (work(address, farm.port, board) for address in farm.addresses)
                return list(await asyncio.gather(*working)), farm
            finally:
                board.leave()

    states, farm = asyncio.run(main())
    assert states == [PowerState.ON] * HOSTS
    assert farm.times(Happening.POWER_OFF) == [1] * HOSTS
    assert farm.times(Happening.POWER_ON) == [1] * HOSTS
    devices = [machine.log.events[-1].detail.get("device") for machine in farm.machines]
    assert loss or devices == [BootDevice.NETWORK] * HOSTS
    assert loss or [bmc.open_sessions for bmc in farm.bmcs] == [0] * HOSTS


def test_a_channel_that_is_cancelled_gives_its_session_back() -> None:
    """Cancelled at any point of the log-on or after it: no session stands at the BMC.

    One whose number we never heard stays half open there until the BMC forgets it by itself.
    """

    async def hold(address: str, port: int, board: Switchboard) -> None:
        async with _channel(address, port, board):
            await asyncio.sleep(3600)

    async def main() -> tuple[list[bool], list[int]]:
        board = Switchboard()
        async with _farm(0.0) as farm:
            for number, address in enumerate(farm.addresses):
                task = asyncio.create_task(hold(address, farm.port, board))
                for _ in range(2 * number):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait([task])
            await asyncio.sleep(0.1)
            board.leave()
            left = [session for bmc in farm.bmcs for session in bmc._sessions.values()]
            return [session.is_active for session in left], [bmc.open_sessions for bmc in farm.bmcs]

    active, held = asyncio.run(main())
    assert (any(active), max(held)) == (False, 1)


def test_a_session_that_the_bmc_forgot_is_replaced() -> None:
    """The BMC restarted and knows no session: the query is answered over a new one."""

    async def main() -> tuple[PowerState, int]:
        board = Switchboard(poll=0.05)
        async with _farm(0.0) as farm:
            async with _channel(farm.addresses[0], farm.port, board) as channel:
                farm.bmcs[0]._sessions.clear()
                state = await channel.power_state()
            board.leave()
            return state, farm.bmcs[0].open_sessions

    assert asyncio.run(main()) == (PowerState.ON, 0)


def test_a_bmc_with_two_names_has_one_session_of_ours() -> None:
    """Known by address and by name, it is one BMC: the second channel is told Busy, and the first goes on."""

    async def main() -> PowerState:
        board = Switchboard(poll=0.0)
        port = free_port(kind=socket.SOCK_DGRAM)
        bmc = await serve_with(IpmiBmc(_machine(0)), "127.0.0.1", port)
        try:
            async with _channel("127.0.0.1", port, board) as channel:
                with pytest.raises(Busy):
                    async with _channel("127.1", port, board):
                        pass
                return await channel.power_state()
        finally:
            bmc.close()
            board.leave()

    assert asyncio.run(main()) is PowerState.OFF


def test_a_closed_port_and_a_silent_address_are_told_apart() -> None:
    """A closed port is refused at once; where nothing answers at all, the BMC counts as dead within seconds."""

    async def open_one(address: str, port: int) -> Exception:
        board = Switchboard()
        with pytest.raises(Unreachable) as caught:
            async with _channel(address, port, board):
                pass
        board.leave()
        return caught.value

    async def main() -> list[type[Exception]]:
        async with _farm(1.0) as farm:
            closed = free_port(farm.addresses[0], socket.SOCK_DGRAM)
            found = await asyncio.gather(open_one(farm.addresses[0], closed), open_one(farm.addresses[1], farm.port))
            return [type(error).__mro__[1] if type(error) is not Refused else Refused for error in found]

    assert asyncio.run(main()) == [Refused, Unreachable]
