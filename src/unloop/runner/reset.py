"""Resetting one host for one attempt: identity first, the ledger's permission for every step, and never twice."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from unloop.channels.base import Power
from unloop.channels.power import PowerChannel
from unloop.channels.reset import LAG, Pace, reset
from unloop.channels.uuid import same_uuid
from unloop.clock import Clock
from unloop.errors import Busy, ChannelError, LeaseLost, LeftOff, LogonRefused, LogonUndecided, NotPermitted
from unloop.model.effect import EffectKind
from unloop.model.host import Endpoint, Role
from unloop.model.host_run import HostRun
from unloop.model.power import PowerState
from unloop.runner.power import Refusal, bring_up, off_by_us, open_power
from unloop.runner.tools import Tools
from unloop.store import ledger
from unloop.store.ledger import Limits, Permission

STALE = 2.0
"""Seconds after which a look at a host says nothing of it any more: a boot may have come to its ports since."""


@dataclass(slots=True)
class SeenDown:
    """When a host was last seen to be down, on the monotonic clock, and how to look again."""

    at: float
    again: Callable[[], Awaitable[bool]]

    async def holds(self, clock: Clock) -> bool:
        """Whether it can still be taken for down; it is looked at once more where that was long ago."""
        if clock.monotonic() - self.at <= STALE:
            return True
        is_down = await self.again()
        self.at = clock.monotonic()
        return is_down


class ResetResult(StrEnum):
    """What came of wanting to reset a host."""

    DONE = "done"
    """It was taken down and is on again, or was off and is on now."""
    OBSERVED = "observed"
    """The ledger holds an order of a predecessor; nothing was sent, the boot is observed."""
    LATER = "later"
    """Not permitted now: too soon, or the campaign does not run, or a person holds the host."""
    FULL = "full"
    """So many hosts of its group are off already as may be."""
    BUSY = "busy"
    """The BMC has no time for us, or nobody could judge our account there."""
    CALLED_OFF = "called off"
    """The host is not seen to be down any more, or an order of a predecessor never came about: no boot was caused."""
    MISMATCH = "mismatch"
    ROLE = "role"
    NO_BMC = "no_bmc"
    REFUSED = "refused"
    LEFT_OFF = "left_off"
    """Something broke between off and on: the host may be off, and we owe it a power-on."""


@dataclass(frozen=True, slots=True)
class ResetReport:
    """The result with one line on it, and the BMC's word on power where it was heard."""

    result: ResetResult
    detail: str = ""
    state: PowerState | None = None


class _SeenUp(NotPermitted):
    """The host is not down any more."""


async def reset_host(run: HostRun, tools: Tools, *, attempt: int, seen: SeenDown) -> ResetReport:
    """Take the host down and up for this attempt, at most once. Raises LeaseLost when the host is not ours any more.

    The BMC, the store or the queue before both may take long: ``seen`` is asked right before the host is ordered off.
    """
    bmc = run.host.bmc
    if bmc is None:
        return ResetReport(ResetResult.NO_BMC, "the inventory names no BMC")
    if run.host.role is not Role.PLAIN and run.host.role not in tools.options.reset_roles:
        return ResetReport(ResetResult.ROLE, f"role {run.host.role}")
    if not bmc.credentials:
        return ResetReport(ResetResult.REFUSED, "no credential is named for the BMC")
    return await _with_power(run, tools, bmc, partial(_cycle, run, tools, attempt=attempt, seen=seen))


async def bring_up_owed(run: HostRun, tools: Tools) -> ResetReport:
    """Switch on a host that may be off by our hand: OBSERVED when it was, CALLED_OFF when it never was, else LEFT_OFF."""
    bmc = run.host.bmc
    if bmc is None:
        return ResetReport(ResetResult.LEFT_OFF, "the inventory names no BMC any more")
    report = await _with_power(run, tools, bmc, partial(_paid, run, tools))
    if report.result in {ResetResult.OBSERVED, ResetResult.CALLED_OFF}:
        return report
    return ResetReport(ResetResult.LEFT_OFF, report.detail)


async def _with_power(
    run: HostRun, tools: Tools, bmc: Endpoint, work: Callable[[PowerChannel], Awaitable[ResetReport]]
) -> ResetReport:
    """Work with a host's BMC, and what its failure means; raises LeaseLost."""
    try:
        async with open_power(run, tools, bmc, seconds=tools.options.power + LAG) as channel:
            return await work(channel)
    except _SeenUp as seen:
        return ResetReport(ResetResult.CALLED_OFF, str(seen))
    except Refusal as refusal:
        return _refused(run, refusal.permission)
    except LeftOff as error:
        return ResetReport(ResetResult.LEFT_OFF, str(error))
    except LogonRefused as error:
        return ResetReport(ResetResult.REFUSED, str(error))
    except (Busy, LogonUndecided) as error:
        return ResetReport(ResetResult.BUSY, str(error))
    except ChannelError as error:
        return ResetReport(ResetResult.NO_BMC, str(error))


def _refused(run: HostRun, permission: Permission) -> ResetReport:
    if permission is Permission.LEASE_LOST:
        raise LeaseLost(f"{run.host.name}: another worker took over")
    if permission is Permission.ALREADY:
        return ResetReport(ResetResult.CALLED_OFF, "it was ordered off before in this attempt")
    result = ResetResult.FULL if permission is Permission.LIMIT else ResetResult.LATER
    return ResetReport(result, str(permission).replace("_", " "))


async def _cycle(run: HostRun, tools: Tools, channel: PowerChannel, *, attempt: int, seen: SeenDown) -> ResetReport:
    mismatch = await _mismatch(run, channel)
    if mismatch:
        return ResetReport(ResetResult.MISMATCH, mismatch)
    if await off_by_us(run, tools):
        return await _paid(run, tools, channel)
    permitted: list[EffectKind] = []

    async def permit(kind: EffectKind) -> None:
        is_off = kind is EffectKind.POWER_OFF
        if is_off and not await seen.holds(tools.clock):
            raise _SeenUp("it was not seen to be down any more when its BMC was ready")
        answer = await tools.writer.permit(run, kind, attempt=attempt, limits=_limits(tools))
        if answer is Permission.ALREADY and kind is EffectKind.POWER_ON:
            return
        if answer is not Permission.GRANTED:
            raise Refusal(answer)
        permitted.append(kind)
        if is_off and not await seen.holds(tools.clock):
            raise _SeenUp("it was not seen to be down any more when the order was written down")

    half = tools.options.power / 2
    pace = Pace(off=half, on=half, poll=tools.options.power_poll)
    try:
        await reset(channel, permit=permit, clock=tools.clock, pace=pace)
    except LeftOff:
        raise
    except (ChannelError, _SeenUp):
        if EffectKind.POWER_OFF in permitted:  # and no order has reached the BMC: nothing is owed for it
            await tools.writer.settle(run, EffectKind.POWER_OFF, attempt=attempt, result="not_sent")
        raise
    if EffectKind.POWER_OFF in permitted:
        await tools.writer.settle(run, EffectKind.POWER_OFF, attempt=attempt)
    await tools.writer.settle(run, EffectKind.POWER_ON, attempt=attempt)
    return ResetReport(ResetResult.DONE, "off, verified off, on, verified on", PowerState.ON)


async def _paid(run: HostRun, tools: Tools, channel: PowerChannel) -> ResetReport:
    owed = await tools.in_store(partial(ledger.owed, tools.database, run.id))
    since = owed.get(EffectKind.POWER_ON)
    if since is not None and await bring_up(run, tools, channel, since=since):
        return ResetReport(ResetResult.OBSERVED, "it was off by an order from before, and is on", PowerState.ON)
    return ResetReport(ResetResult.CALLED_OFF, "an order from before never switched it off")


async def _mismatch(run: HostRun, channel: Power) -> str:
    """One line when the BMC is not proven to be this host's; '' when it is, or the operator accepted it."""
    if run.host.bmc_accepted:
        return ""
    told = await channel.system_uuid()
    if not run.host.uuid:
        return "the inventory holds no UUID to compare with the BMC's; fill it in or accept the BMC (bmc_accepted)"
    if not told:
        return "the BMC tells no system UUID; accept it (bmc_accepted) if you know that it is this host's"
    return "" if same_uuid(told, run.host.uuid) else f"the BMC says {told}, the inventory {run.host.uuid}"


def _limits(tools: Tools) -> Limits:
    return Limits(spacing=tools.options.spacing, per_group=dict(tools.options.limits))
