"""A host's power through its BMC: the channel to it, its state, and the way back for a host that is off by our hand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from unloop.channels.base import Deadline, Power
from unloop.channels.power import PowerChannel
from unloop.channels.reset import Pace, switch_on
from unloop.errors import ChannelError, InputError, NotPermitted
from unloop.model.effect import EffectKind
from unloop.model.host import Endpoint
from unloop.model.host_run import HostRun
from unloop.model.power import PowerState
from unloop.plugins import load
from unloop.runner.logon import log_on
from unloop.runner.strike import target_of
from unloop.runner.tools import Tools
from unloop.secrets.secret import Credential
from unloop.store import ledger
from unloop.store.ledger import Permission


class Refusal(NotPermitted):
    """The ledger does not permit an effect, and what it says instead."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission
        super().__init__(f"the ledger says {permission}")


@asynccontextmanager
async def open_power(run: HostRun, tools: Tools, bmc: Endpoint, *, seconds: float) -> AsyncIterator[PowerChannel]:
    """The channel to a host's BMC, as soon as there is room for one more power operation; raises ChannelError.

    The log-on alone is what proves the account: nobody has to wait for the end of the first reset.
    """
    channel_class = load("unloop.channels", bmc.channel)
    if not isinstance(channel_class, type) or not issubclass(channel_class, PowerChannel):
        raise InputError(f"{run.host.name}: channel {bmc.channel} does not control power")
    made: list[PowerChannel] = []

    async def opened(credential: Credential) -> PowerChannel:
        channel = channel_class(target_of(run.host, bmc, credential), Deadline.after(seconds), tools.power)
        made.append(channel)
        await channel.open()
        return channel

    async with tools.power.operation():
        try:
            yield await log_on(tools, run.host, bmc, opened)
        finally:
            for channel in made:
                await channel.close()


async def power_state(run: HostRun, tools: Tools) -> PowerState | None:
    """What the BMC says of the host's power, or None when it can't be asked."""
    bmc = run.host.bmc
    if bmc is None or not bmc.credentials:
        return None
    try:
        async with open_power(run, tools, bmc, seconds=tools.options.strike) as channel:
            return await channel.power_state()
    except ChannelError:
        return None


async def off_by_us(run: HostRun, tools: Tools) -> bool:
    """Whether this host owes a power-on: it may be off by our hand, and is to be switched on before anything else."""
    return EffectKind.POWER_ON in await tools.in_store(partial(ledger.owed, tools.database, run.id))


async def bring_up(run: HostRun, tools: Tools, channel: Power, *, since: float) -> bool:
    """Switch on a host for which an off was permitted at ``since`` (seconds since the epoch); whether it was off.

    What is owed is paid when the host is seen to be on and no order can be on its way any more: orders may have been sent
    until now, or for as long as a host is ordered off. Raises ChannelError or NotPermitted.
    """
    attempt = run.progress.attempt

    async def permit(kind: EffectKind) -> None:
        """A power-on that was permitted before may be sent again."""
        answer = await tools.writer.permit(run, kind, attempt=attempt)
        if answer not in {Permission.GRANTED, Permission.ALREADY}:
            raise Refusal(answer)

    pace = Pace(on=tools.options.power, poll=tools.options.power_poll)
    ordered = max(0.0, tools.now() - since - tools.options.power / 2)
    was_off = await switch_on(channel, permit=permit, clock=tools.clock, pace=pace, ordered=ordered)
    await tools.writer.settle(run, EffectKind.POWER_ON, attempt=attempt)
    return was_off
