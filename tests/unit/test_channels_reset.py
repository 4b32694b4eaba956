"""The reset: off, verified off, on, verified on, whatever a BMC answers or loses."""

import asyncio

import pytest

from unloop.channels.reset import LAG, Pace, reset, switch_on
from unloop.channels.uuid import canonical, same_uuid
from unloop.errors import AccessDenied, ConnectionLost, LeftOff, NotPermitted, Refused, Unsupported
from unloop.model.effect import EffectKind
from unloop.model.power import BootDevice, PowerState

PACE = Pace(off=20, on=20, poll=1, again=5, sends=4)


class Bmc:
    """A BMC on a fake clock: power moves ``delay`` seconds after a command; listed replies are lost after they acted."""

    def __init__(self, state: PowerState = PowerState.ON, *, delay: float = 2.0, lose: tuple[int, ...] = ()) -> None:
        self.state, self.delay, self.lose = state, delay, lose
        self.time = 0.0
        self.commands: list[str] = []
        self.took_down = 0
        self._moves: list[tuple[float, PowerState]] = []

    def monotonic(self) -> float:
        """The fake time."""
        return self.time

    async def sleep(self, seconds: float) -> None:
        """Let the fake time pass."""
        self.time += seconds

    async def power_state(self) -> PowerState:
        """The state at the fake time."""
        for at, state in self._moves:
            if at <= self.time:
                self.state = state
        return self.state

    async def power_off(self) -> None:
        """Order off."""
        if await self.power_state() is PowerState.ON:
            self.took_down += 1
        self._order("off", PowerState.OFF)

    async def power_on(self) -> None:
        """Order on."""
        self._order("on", PowerState.ON)

    async def system_uuid(self) -> str:
        """Not asked here."""
        return ""

    def _order(self, name: str, state: PowerState) -> None:
        self.commands.append(name)
        self._moves = [(self.time + self.delay, state)]
        self._answer()

    def _answer(self) -> None:
        if len(self.commands) in self.lose:
            raise ConnectionLost("the reply was lost")


class BootingBmc(Bmc):
    """A BMC that can choose the next boot's device, while the host is off."""

    async def set_boot_once(self, device: BootDevice) -> None:
        """Set it, or refuse as one does whose host is in POST."""
        if await self.power_state() is not PowerState.OFF:
            raise Unsupported("the host is in POST")
        self.commands.append(f"boot {device}")
        self._answer()

    async def clear_boot_once(self) -> None:
        """Not asked here."""


def run(bmc: Bmc, permitted: list[EffectKind] | None = None, boot: BootDevice | None = None) -> None:
    """Reset it and note what was asked for."""
    asked = permitted if permitted is not None else []
    asyncio.run(reset(bmc, permit=asked.append, clock=bmc, pace=PACE, boot=boot))


def state_of(bmc: Bmc) -> PowerState:
    """The state at the fake time."""
    return asyncio.run(bmc.power_state())


def test_a_host_that_is_on_goes_down_once_and_comes_up() -> None:
    """Each command is sent once, and each was permitted first."""
    bmc, asked = Bmc(), []
    run(bmc, asked)

    assert (bmc.commands, asked) == (["off", "on"], [EffectKind.POWER_OFF, EffectKind.POWER_ON])
    assert state_of(bmc) is PowerState.ON


def test_a_host_that_is_off_is_only_switched_on() -> None:
    """No power-off is asked for when there is nothing to take down."""
    bmc, asked = Bmc(PowerState.OFF), []
    run(bmc, asked)

    assert (bmc.commands, asked) == (["on"], [EffectKind.POWER_ON])


@pytest.mark.parametrize("lose", [(1,), (2,), (1, 2), (1, 2, 3)])
def test_a_lost_reply_never_takes_the_host_down_twice(lose: tuple[int, ...]) -> None:
    """The state is looked at before a command is sent again."""
    bmc = Bmc(lose=lose)
    run(bmc)

    assert (bmc.took_down, state_of(bmc)) == (1, PowerState.ON)


def test_nothing_is_sent_without_permission() -> None:
    """A refusal of the ledger stops the reset before the first command."""
    bmc = Bmc()

    def refuse(kind: EffectKind) -> None:
        raise NotPermitted(str(kind))

    with pytest.raises(NotPermitted, match="power_off"):
        asyncio.run(reset(bmc, permit=refuse, clock=bmc, pace=PACE))
    assert bmc.commands == []


def test_a_bmc_that_never_moves_leaves_the_host_owed() -> None:
    """A reset that breaks off after the order says that the host may be off."""
    bmc = Bmc(delay=1000)
    with pytest.raises(LeftOff, match="the power is not off after 20 s"):
        run(bmc)


def test_a_bmc_that_refuses_before_the_first_order_left_nothing() -> None:
    """An error before anything was sent is no LeftOff."""

    class Dead(Bmc):
        async def power_state(self) -> PowerState:
            raise Refused("nobody there")

    with pytest.raises(Refused):
        run(Dead())


def test_a_command_that_is_forbidden_left_nothing() -> None:
    """A power-off that the BMC will never take is no LeftOff: the host is on as before."""

    class Forbidding(Bmc):
        async def power_off(self) -> None:
            raise AccessDenied("not with this account")

    bmc = Forbidding()
    with pytest.raises(AccessDenied):
        run(bmc)
    assert bmc.commands == []


def test_a_permission_may_be_waited_for() -> None:
    """The ledger answers on the event loop: permit may be a coroutine function."""
    bmc, asked = Bmc(), []

    async def permit(kind: EffectKind) -> None:
        await asyncio.sleep(0)
        asked.append((kind, tuple(bmc.commands)))

    asyncio.run(reset(bmc, permit=permit, clock=bmc, pace=PACE))
    assert asked == [(EffectKind.POWER_OFF, ()), (EffectKind.POWER_ON, ("off",))]


@pytest.mark.parametrize("lose", [(), (2,), (2, 3)])
def test_the_boot_device_is_chosen_while_the_power_is_off(lose: tuple[int, ...]) -> None:
    """A BMC that refuses boot changes in POST takes them between off and on; a lost answer costs another try."""
    bmc, asked = BootingBmc(lose=lose), []
    run(bmc, asked, BootDevice.NETWORK)

    assert bmc.commands == ["off", *["boot network"] * (len(lose) + 1), "on"]
    assert asked == [EffectKind.POWER_OFF, EffectKind.BOOT_ONCE_SET, EffectKind.POWER_ON]
    assert bmc.took_down == 1


def test_a_channel_without_boot_devices_is_not_switched_off_for_one() -> None:
    """What the channel can't do is said before the host goes down."""
    bmc = Bmc()
    with pytest.raises(Unsupported, match="can't choose"):
        run(bmc, boot=BootDevice.NETWORK)
    assert bmc.commands == []


@pytest.mark.parametrize(("state", "sent"), [(PowerState.ON, []), (PowerState.OFF, ["on"])])
def test_a_host_that_is_owed_a_power_on_gets_one(state: PowerState, sent: list[str]) -> None:
    """switch_on() sends nothing to a host that is on, and asks for permission first."""
    bmc, asked = Bmc(state), []
    asyncio.run(switch_on(bmc, permit=asked.append, clock=bmc, pace=PACE, ordered=LAG))

    assert (bmc.commands, asked) == (sent, [EffectKind.POWER_ON] * len(sent))


def test_a_host_that_was_ordered_off_just_now_is_not_on_because_it_still_is() -> None:
    """The BMC carries an order out late: the host goes down while it is watched, and is switched on."""
    bmc = Bmc(PowerState.ON, delay=5.0)
    asyncio.run(bmc.power_off())
    bmc.commands.clear()
    asyncio.run(switch_on(bmc, permit=lambda _: None, clock=bmc, pace=PACE, ordered=0.5))

    assert (bmc.commands, state_of(bmc)) == (["on"], PowerState.ON)


def test_a_host_that_never_goes_down_is_on_when_the_order_is_too_old_to_come() -> None:
    """It was never sent, because who was about to send it died: the host is watched for as long as it could take."""
    bmc = Bmc(PowerState.ON)
    asyncio.run(switch_on(bmc, permit=lambda _: None, clock=bmc, pace=PACE, ordered=0.5))

    assert bmc.commands == []
    assert bmc.monotonic() >= LAG - 0.5


def test_uuids_match_in_either_byte_order() -> None:
    """The same machine is recognised whatever order firmware uses, and another one is not."""
    smbios = "4c4c4544-0034-3910-8051-b4c04f503432"
    mixed = "44454c4c-3400-1039-8051-b4c04f503432"

    assert [same_uuid(smbios, other) for other in (smbios.upper(), mixed)] == [True, True]
    assert same_uuid(smbios, "3234504f-c0b4-5180-1039-340044454c4c")
    assert not same_uuid(smbios, "4c4c4544-0034-3910-8051-b4c04f503433")
    assert [canonical(text) for text in ("0" * 32, "f" * 32, "Not Settable")] == ["", "", ""]
    assert not same_uuid("0" * 32, "0" * 32)
