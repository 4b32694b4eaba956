"""Our IPMI channel against a BMC that we did not write: OpenIPMI's ipmi_sim, with cipher suite 3."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipmisim import Simulator, simulated
from servers import free_port
from unloop.channels.base import Deadline, Target
from unloop.channels.ipmi import IpmiChannel
from unloop.channels.reset import Pace, reset
from unloop.channels.rmcp import chassis
from unloop.channels.rmcp.failures import PrivilegeTooLow, SuiteRefused, UnknownUser, WrongPassword
from unloop.channels.rmcp.talk import order
from unloop.channels.switchboard import Switchboard
from unloop.clock import SystemClock
from unloop.errors import ChannelError
from unloop.model.power import BootDevice, PowerState
from unloop.secrets.secret import Credential, Secret

USER, PASSWORD = "keeper", "right-password"
ADDRESSES = tuple(f"127.0.12.{number}" for number in range(1, 21))
PACE = Pace(off=20, on=20, poll=0.05, again=2)


@pytest.fixture
def bmcs(tmp_path: Path) -> Iterator[Simulator]:
    """Twenty BMCs in one process."""
    port = free_port(ADDRESSES[0], socket.SOCK_DGRAM)
    with simulated(tmp_path, ADDRESSES, port, user=USER, password=PASSWORD) as made:
        yield made


def _channel(
    bmcs: Simulator, address: str, board: Switchboard, *, user: str = USER, password: str = PASSWORD, **options: str
) -> IpmiChannel:
    credential = Credential("c", user, Secret(password), "account")
    return IpmiChannel(Target(address, address, bmcs.port, credential, options), Deadline.after(30), board)


def _board() -> Switchboard:
    return Switchboard(spacing=0.05, poll=0.05)


async def _failure(channel: IpmiChannel) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        async with channel:
            await channel.power_off()
    return caught.value


def test_all_bmcs_are_asked_over_one_socket(bmcs: Simulator) -> None:
    """Twenty BMCs at once tell their power and their UUID, which ipmi_sim makes of the number that it was given."""

    async def ask(address: str, board: Switchboard) -> tuple[PowerState, str]:
        async with _channel(bmcs, address, board) as channel:
            return await channel.power_state(), await channel.system_uuid()

    async def main() -> list[tuple[PowerState, str]]:
        board = _board()
        try:
            return await asyncio.gather(*(ask(address, board) for address in ADDRESSES))
        finally:
            assert len(board._ports) == 1
            board.leave()

    answers = asyncio.run(main())
    assert [state for state, _ in answers] == [PowerState.ON] * len(ADDRESSES)
    numbers = [int(uuid.partition("-")[0], 16) for _, uuid in answers]
    assert [number >> 24 for number in numbers] == [number + 1 for number in range(len(ADDRESSES))]


def test_every_host_is_taken_down_and_up_once(bmcs: Simulator) -> None:
    """Off, boot device, on: the simulator's log shows each once, in this order, and every host is on."""

    async def work(address: str, board: Switchboard) -> None:
        async with _channel(bmcs, address, board) as channel:
            await reset(channel, permit=lambda _: None, clock=SystemClock(), pace=PACE, boot=BootDevice.NETWORK)

    async def main() -> None:
        board = _board()
        await asyncio.gather(*(work(address, board) for address in ADDRESSES))
        board.leave()

    asyncio.run(main())
    assert [bmcs.log(address) for address in ADDRESSES] == [["power 0", "boot pxe", "power 1"]] * len(ADDRESSES)
    assert bmcs.power_offs() == [1] * len(ADDRESSES)


def test_suite_17_is_given_up_where_a_real_bmc_refuses_it(bmcs: Simulator) -> None:
    """ipmi_sim does not know suite 17 and says so: 3 is used then, and nothing when 17 was demanded."""

    async def main() -> tuple[PowerState, ChannelError]:
        board = _board()
        async with _channel(bmcs, ADDRESSES[0], board) as channel:
            state = await channel.power_state()
        refused = await _failure(_channel(bmcs, ADDRESSES[0], board, cipher_suite="17"))
        board.leave()
        return state, refused

    state, refused = asyncio.run(main())
    assert (state, type(refused)) == (PowerState.ON, SuiteRefused)


def test_a_real_bmc_tells_a_wrong_password_from_an_unknown_user(bmcs: Simulator) -> None:
    """Both end the log-on at once, and nothing was changed."""

    async def main() -> list[type[ChannelError]]:
        board = _board()
        failures = [
            await _failure(_channel(bmcs, ADDRESSES[0], board, password="wrong")),
            await _failure(_channel(bmcs, ADDRESSES[0], board, user="nobody")),
        ]
        board.leave()
        return [type(failure) for failure in failures]

    assert asyncio.run(main()) == [WrongPassword, UnknownUser]
    assert bmcs.log(ADDRESSES[0]) == []


def test_sessions_are_given_back(bmcs: Simulator) -> None:
    """More log-ons, one after the other, than the BMC's user may have sessions at once: none is refused."""

    async def main() -> int:
        board, count = _board(), 0
        for _ in range(70):
            async with _channel(bmcs, ADDRESSES[0], board) as channel:
                count += await channel.power_state() is PowerState.ON
        board.leave()
        return count

    assert asyncio.run(main()) == 70


def test_an_order_without_the_privilege_is_refused(bmcs: Simulator) -> None:
    """A session that stays at the level of a user is told that this is too low, and nothing is changed."""

    async def main() -> None:
        board = _board()
        async with _channel(bmcs, ADDRESSES[0], board) as channel:
            with pytest.raises(PrivilegeTooLow, match="0xd4"):
                await channel._run(order(channel._standing, chassis.POWER_DOWN, level=0x02))
        board.leave()

    asyncio.run(main())
    assert bmcs.log(ADDRESSES[0]) == []


def test_an_ipv4_address_in_the_clothes_of_ipv6_is_answered(bmcs: Simulator) -> None:
    """The answers come from the plain address, and are heard."""

    async def ask() -> PowerState:
        board = _board()
        try:
            async with _channel(bmcs, f"::ffff:{ADDRESSES[0]}", board) as channel:
                return await channel.power_state()
        finally:
            board.leave()

    assert asyncio.run(ask()) in {PowerState.ON, PowerState.OFF}
