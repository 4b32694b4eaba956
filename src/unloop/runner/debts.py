"""What a host run owes before it may end: a power-on after our power-off, and the way out of safe mode."""

import time
from enum import StrEnum
from functools import partial

from unloop.channels.base import Deadline
from unloop.errors import ChannelError
from unloop.model.effect import EffectKind
from unloop.model.host_run import HostRun
from unloop.model.power import PowerState
from unloop.plugins import load
from unloop.runner import safe_boot
from unloop.runner.logon import log_on_blocking
from unloop.runner.strike import target_of
from unloop.runner.tools import Tools
from unloop.secrets.secret import Credential
from unloop.store import ledger
from unloop.store.ledger import Limits, Permission


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
    if EffectKind.POWER_ON in owed and not await _switch_on(run, tools):
        return Debt.OWING
    if EffectKind.SAFE_BOOT_CLEAR in owed:
        try:
            await safe_boot.leave(run, tools)
        except ChannelError:
            is_late = tools.now() - owed[EffectKind.SAFE_BOOT_CLEAR] > tools.options.verify
            return Debt.LEFT if is_late else Debt.OWING
    return Debt.PAID


async def _switch_on(run: HostRun, tools: Tools) -> bool:
    """Switch on a host that may be off by our hand; whether it is on now."""
    bmc = run.host.bmc
    if bmc is None:
        return False

    def switch_on(credential: Credential) -> bool:
        channel = load("unloop.channels", bmc.channel)(
            target_of(run.host, bmc, credential), Deadline.after(tools.options.power)
        )
        attempt = run.progress.attempt
        with channel:
            if channel.power_state() is not PowerState.ON:
                answer = ledger.permit(
                    tools.database, run, EffectKind.POWER_ON, attempt=attempt, limits=Limits(), now=tools.now()
                )
                if answer not in {Permission.GRANTED, Permission.ALREADY}:
                    return False
                channel.power_on()
                deadline = time.monotonic() + tools.options.power
                while channel.power_state() is not PowerState.ON:
                    if time.monotonic() > deadline:
                        return False
                    time.sleep(1.0)
        on = EffectKind.POWER_ON
        ledger.settle(tools.database, run, on, attempt=attempt, result="confirmed", now=tools.now())
        return True

    try:
        return await log_on_blocking(tools, run.host, bmc, switch_on)
    except ChannelError:
        return False
