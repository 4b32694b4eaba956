"""A reset that can't happen twice: off, verified off, on, verified on, each step permitted before it is sent.

Every command in it is idempotent, so a lost or slow reply costs a look at the power state, never a second reset. A boot
override is set while the power is off: some BMCs refuse it while the host is in POST, where a crash-looping host always is.
"""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from unloop.channels.base import BootOnce, Power
from unloop.errors import Changed, ChannelError, DeadlineExceeded, LeftOff, Unsupported
from unloop.model.effect import EffectKind
from unloop.model.power import BootDevice, PowerState

Permit = Callable[[EffectKind], Awaitable[None] | None]
"""Raises NotPermitted to stop before a command is sent."""


class Ticks(Protocol):
    """The part of a clock that a reset needs."""

    def monotonic(self) -> float:
        """Seconds that only go forward."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait without blocking the loop."""
        ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How long each half may take, how often the state is read, and when a command is sent again, ``sends`` times in all.

    It is sent again after ``again`` seconds in which the power stayed where it was, and after ``poll`` when the BMC refused
    it, or did not answer.
    """

    off: float = 45.0
    on: float = 45.0
    poll: float = 1.0
    again: float = 12.0
    sends: int = 8


@dataclass(frozen=True, slots=True)
class ResetReport:
    """How a reset went. ``on_at`` is when the power was seen to be on, in seconds on the monotonic clock."""

    was_on: bool
    on_at: float


async def reset(
    power: Power, *, permit: Permit, clock: Ticks, pace: Pace | None = None, boot: BootDevice | None = None
) -> ResetReport:
    """Take a host down and up, with a one-time boot override where one is wanted.

    Raises LeftOff when it broke off after the host may have been ordered off, and ChannelError before that.
    """
    if boot is not None and not isinstance(power, BootOnce):
        raise Unsupported("this channel can't choose where the next boot comes from")
    drive = _Drive(power, permit, clock, pace or Pace())
    was_on = await power.power_state() is not PowerState.OFF
    try:
        if was_on:
            await drive.to(PowerState.OFF)
        if boot is not None and isinstance(power, BootOnce):
            await drive.override(power, boot)
        await drive.to(PowerState.ON)
    except ChannelError as error:
        if was_on and not drive.may_have_acted:
            raise
        raise LeftOff(f"broke off between off and on: {error}") from error
    return ResetReport(was_on, clock.monotonic())


LAG = 12.0
"""Seconds for which a BMC may still carry out an order to go off: until then a host that is on proves nothing."""


async def switch_on(
    power: Power, *, permit: Permit, clock: Ticks, pace: Pace | None = None, ordered: float = LAG
) -> bool:
    """Bring a host up that may be off; whether it was. Raises ChannelError when it can't be seen to be on.

    ``ordered``: how many seconds ago it was ordered off. Before LAG it is on only when it was seen to be off, or for
    as long as it takes until then.
    """
    pace = pace or Pace()
    drive, end = _Drive(power, permit, clock, pace), clock.monotonic() + LAG - ordered
    while True:
        state = await power.power_state()
        if state is not PowerState.ON:
            await drive.to(PowerState.ON)
        if state is PowerState.OFF or clock.monotonic() >= end:
            return state is PowerState.OFF
        await clock.sleep(pace.poll)


class _Drive:
    """One host driven to one power state after the other. ``may_have_acted``: a command may have reached the BMC."""

    def __init__(self, power: Power, permit: Permit, clock: Ticks, pace: Pace) -> None:
        self._power, self._clock, self._pace = power, clock, pace
        self._permit = permit
        self.may_have_acted = False

    async def to(self, wanted: PowerState) -> None:
        """Send the command, and again while the state has not moved; a lost reply is judged by the state alone."""
        is_off = wanted is PowerState.OFF
        command = self._power.power_off if is_off else self._power.power_on
        limit = self._pace.off if is_off else self._pace.on
        await self._permitted(EffectKind.POWER_OFF if is_off else EffectKind.POWER_ON)
        started = sent_at = self._clock.monotonic()
        sends, failure = 1, await self._send(command)
        while True:
            state = await self._look()
            if state is wanted:
                return
            now = self._clock.monotonic()
            if now - started > limit:
                raise failure or DeadlineExceeded(f"the power is not {wanted} after {limit:g} s, the BMC says {state}")
            waited = self._pace.poll if failure else self._pace.again
            is_still = state is not None and state is not PowerState.CHANGING
            if is_still and sends < self._pace.sends and now - sent_at > waited:
                failure, sent_at, sends = await self._send(command), now, sends + 1
            await self._clock.sleep(self._pace.poll)

    async def override(self, channel: BootOnce, device: BootDevice) -> None:
        """Set the override; setting it twice is setting it once, so a lost answer costs another try."""
        await self._permitted(EffectKind.BOOT_ONCE_SET)
        for left in reversed(range(self._pace.sends)):
            try:
                await channel.set_boot_once(device)
            except ChannelError as error:
                if not error.may_retry or not left:
                    raise
                await self._clock.sleep(self._pace.poll)
            else:
                return

    async def _permitted(self, kind: EffectKind) -> None:
        answer = self._permit(kind)
        if inspect.isawaitable(answer):
            await answer

    async def _send(self, command: Callable[[], Awaitable[None]]) -> ChannelError | None:
        """What the BMC had against the command, None for nothing; raises what another try can't change."""
        try:
            await command()
        except ChannelError as error:
            self.may_have_acted = self.may_have_acted or error.changed is Changed.MAYBE
            if not error.may_retry:
                raise
            return error
        self.may_have_acted = True
        return None

    async def _look(self) -> PowerState | None:
        try:
            return await self._power.power_state()
        except ChannelError as error:
            if not error.may_retry:
                raise
            return None
