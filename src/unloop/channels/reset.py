"""A reset that can't happen twice: off, verified off, on, verified on, each step permitted before it is sent.

Every command in it is idempotent, so a lost or slow reply costs a look at the power state, never a second reset.
"""

from collections.abc import Callable
from dataclasses import dataclass

from unloop.channels.base import Power
from unloop.errors import ChannelError, DeadlineExceeded, LeftOff
from unloop.model.effect import EffectKind
from unloop.model.power import PowerState

Permit = Callable[[EffectKind], None]


@dataclass(frozen=True, slots=True)
class Pace:
    """How long each half may take, how often the state is read, and after which time a command is sent once more."""

    off: float = 45.0
    on: float = 45.0
    poll: float = 1.0
    again: float = 12.0


@dataclass(frozen=True, slots=True)
class ResetReport:
    """How a reset went. ``on_at`` is when the power was seen to be on, in seconds on the monotonic clock."""

    was_on: bool
    on_at: float


def reset(
    power: Power,
    *,
    permit: Permit,
    monotonic: Callable[[], float],
    sleep: Callable[[float], None],
    pace: Pace | None = None,
) -> ResetReport:
    """Take a host down and up. ``permit`` raises NotPermitted to stop before a command is sent.

    Raises LeftOff when it broke off after the host had been ordered off, and ChannelError before that.
    """
    pace = pace or Pace()
    was_on = power.power_state() is not PowerState.OFF
    if was_on:
        permit(EffectKind.POWER_OFF)
    try:
        if was_on:
            _drive(power, power.power_off, PowerState.OFF, monotonic, sleep, (pace.off, pace.poll, pace.again))
        permit(EffectKind.POWER_ON)
        _drive(power, power.power_on, PowerState.ON, monotonic, sleep, (pace.on, pace.poll, pace.again))
    except ChannelError as error:
        raise LeftOff(f"broke off between off and on: {error}") from error
    return ResetReport(was_on, monotonic())


def _drive(
    power: Power,
    command: Callable[[], None],
    wanted: PowerState,
    monotonic: Callable[[], float],
    sleep: Callable[[float], None],
    times: tuple[float, float, float],
) -> None:
    """Send a command, and once more if the state has not moved; a reply that was lost is judged by the state alone."""
    limit, poll, again = times
    started = sent_at = monotonic()
    sends, failure = 1, _send(command)
    while True:
        state = _look(power)
        if state is wanted:
            return
        now = monotonic()
        if now - started > limit:
            raise failure or DeadlineExceeded(f"the power is not {wanted} after {limit:g} s, the BMC says {state}")
        waited = poll if failure else again
        if state is not None and state is not PowerState.CHANGING and sends < 3 and now - sent_at > waited:
            failure, sent_at, sends = _send(command), now, sends + 1
        sleep(poll)


def _send(command: Callable[[], None]) -> ChannelError | None:
    try:
        command()
    except ChannelError as error:
        return error
    return None


def _look(power: Power) -> PowerState | None:
    try:
        return power.power_state()
    except ChannelError as error:
        if not error.may_retry:
            raise
        return None
