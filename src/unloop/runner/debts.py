"""What a host run owes before it may end: a power-on after our power-off, and the way out of safe mode."""

from enum import StrEnum
from functools import partial

from unloop.channels.reset import LAG
from unloop.errors import ChannelError, NotPermitted
from unloop.model.effect import EffectKind
from unloop.model.host_run import HostRun
from unloop.runner import safe_boot
from unloop.runner.power import bring_up, open_power
from unloop.runner.tools import Tools
from unloop.store import ledger


class Debt(StrEnum):
    """How a host run stands with what it owes."""

    PAID = "paid"
    OWING = "owing"
    """It could not be paid now; it is tried again."""
    LEFT = "left"
    """It was tried for as long as a proof may take; a person has to do it."""


async def pay_debts(run: HostRun, tools: Tools) -> Debt:
    """Discharge what this host run still owes.

    A host that is off by our hand is tried for ever: nobody else knows that it is. A host that can't be brought out of
    safe mode is up or parked where a person finds it, so it is given up after the time that a proof may take.
    """
    owed = await tools.in_store(partial(ledger.owed, tools.database, run.id))
    if EffectKind.POWER_ON in owed and not await _switch_on(run, tools, owed[EffectKind.POWER_ON]):
        return Debt.OWING
    if EffectKind.SAFE_BOOT_CLEAR in owed:
        try:
            await safe_boot.leave(run, tools)
        except (ChannelError, NotPermitted):
            is_late = tools.now() - owed[EffectKind.SAFE_BOOT_CLEAR] > tools.options.verify
            return Debt.LEFT if is_late else Debt.OWING
    return Debt.PAID


async def give_up(run: HostRun, tools: Tools) -> None:
    """A person has been told to do what could not be paid: it is owed no more. After that was saved, not before."""
    await tools.writer.settle(run, EffectKind.SAFE_BOOT_CLEAR, attempt=run.progress.attempt, result="given_up")


async def _switch_on(run: HostRun, tools: Tools, since: float) -> bool:
    """Switch on a host that may be off by our hand; whether it is on now."""
    bmc = run.host.bmc
    if bmc is None:
        return False
    try:
        async with open_power(run, tools, bmc, seconds=tools.options.power + LAG) as channel:
            await bring_up(run, tools, channel, since=since)
    except (ChannelError, NotPermitted):
        return False
    return True
