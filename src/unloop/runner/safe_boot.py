"""Setting the safe boot flag in a window, and leaving safe mode: the flag is an obligation of the ledger."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from functools import partial

from unloop.channels import safe_boot
from unloop.channels.base import Channel, Deadline, Files, Observe, ServiceCommand
from unloop.errors import Changed, ChannelError, InputError, LeaseLost, NotPermitted, Unreachable
from unloop.model.effect import EffectKind
from unloop.model.host import Endpoint, Host, Role
from unloop.model.host_run import HostRun, Stage
from unloop.model.power import BootIdentity
from unloop.model.report import ActionReport, ActionStatus, RemedyReport, Verdict
from unloop.plugins import load
from unloop.race.watch import Watcher
from unloop.runner.account import log_on
from unloop.runner.doors import doors_of
from unloop.runner.ladder import safe_boot_endpoint
from unloop.runner.landing import Landing
from unloop.runner.strike import Struck, target_of
from unloop.runner.tools import Tools
from unloop.secrets.secret import Credential
from unloop.store import ledger
from unloop.store.ledger import Limits, Permission

_MAY_SEND = frozenset({Permission.GRANTED, Permission.ALREADY})
"""Setting and clearing the flag is idempotent: once permitted for an attempt, it may be sent again."""


def mode_of(host: Host) -> str:
    """The safe mode in which a host is repaired: a domain controller has no local accounts in any other."""
    return "dsrepair" if host.role is Role.DOMAIN_CONTROLLER else "network"


def flag(run: HostRun, tools: Tools, endpoint: Endpoint) -> Landing:
    """What sets the flag in a window and has the host restart at once."""
    return Landing((endpoint,), partial(_arm, run, tools))


def safe_endpoint(run: HostRun, endpoint: Endpoint) -> Endpoint:
    """The endpoint as it is in safe mode: a domain controller knows its DSRM account alone there."""
    if run.host.role is Role.DOMAIN_CONTROLLER and run.progress.stage is not Stage.REPAIR:
        return replace(endpoint, credentials=run.host.dsrm_credentials)
    return endpoint


async def leave(run: HostRun, tools: Tools) -> BootIdentity | None:
    """Take the flag off and restart the host into its usual mode; raises ChannelError while that can't be done.

    The boot that is left comes back where the host tells it: what counts as proof is a later one.
    """
    found = safe_boot_endpoint(run.host)
    if found is None:
        raise InputError(f"{run.host.name}: no channel can take the safe boot flag off")
    endpoint = safe_endpoint(run, found)
    watcher = Watcher(tools.prober, tools.clock, await doors_of([endpoint]), tools.options.interval)
    if not await watcher.until_open(watcher.start(), seconds=tools.options.look):
        raise Unreachable("no port is open", host=run.host.name, channel=endpoint.channel)
    await _permit(run, tools, EffectKind.SAFE_BOOT_CLEAR)
    work = partial(_leave, run.host, endpoint, tools.options.strike)
    boot = await log_on(tools, run.host, endpoint, seconds=tools.options.strike, work=work)
    await _settle(run, tools, EffectKind.SAFE_BOOT_CLEAR, "confirmed")
    return boot


async def _arm(run: HostRun, tools: Tools, endpoint: Endpoint) -> Struck:
    await _permit(run, tools, EffectKind.SAFE_BOOT_SET)
    work = partial(_set, run.host, endpoint, mode_of(run.host), tools.options.strike)
    try:
        await log_on(tools, run.host, endpoint, seconds=tools.options.strike, work=work)
    except ChannelError as error:
        await _settle(run, tools, EffectKind.SAFE_BOOT_SET, "not_sent" if error.changed is Changed.NO else "unknown")
        return Struck(None, None, "", tools.clock.monotonic(), {endpoint.channel: error})
    await _settle(run, tools, EffectKind.SAFE_BOOT_SET, "confirmed")
    action = ActionReport("set_safe_boot", ActionStatus.CHANGED, f"safeboot {mode_of(run.host)}, and a restart")
    report = RemedyReport(Verdict.SENT, (action,))
    return Struck(report, None, endpoint.channel, tools.clock.monotonic(), {})


async def _permit(run: HostRun, tools: Tools, kind: EffectKind) -> None:
    asked = partial(
        ledger.permit, tools.database, run, kind, attempt=run.progress.attempt, limits=Limits(), now=tools.now()
    )
    answer = await tools.in_store(asked)
    if answer is Permission.LEASE_LOST:
        raise LeaseLost(f"{run.host.name}: another worker took over")
    if answer not in _MAY_SEND:
        raise NotPermitted(f"{kind}: {str(answer).replace('_', ' ')}")


async def _settle(run: HostRun, tools: Tools, kind: EffectKind, result: str) -> None:
    told = partial(
        ledger.settle, tools.database, run, kind, attempt=run.progress.attempt, result=result, now=tools.now()
    )
    await asyncio.shield(tools.in_store(told))


def _set(host: Host, endpoint: Endpoint, mode: str, seconds: float, credential: Credential) -> None:
    with _opened(host, endpoint, seconds, credential) as channel:
        safe_boot.change_flag(channel, mode)  # type: ignore[arg-type]
        with suppress(ChannelError):
            # It goes down by itself otherwise: a restart that was not taken costs time, no more.
            channel.run_service_command(safe_boot.RESTART)  # type: ignore[attr-defined]


def _leave(host: Host, endpoint: Endpoint, seconds: float, credential: Credential) -> BootIdentity | None:
    with _opened(host, endpoint, seconds, credential) as channel:
        boot: BootIdentity | None = None
        if isinstance(channel, Observe):
            with suppress(ChannelError):
                boot = channel.boot_identity()
        safe_boot.change_flag(channel, "")  # type: ignore[arg-type]
        channel.run_service_command(safe_boot.RESTART)  # type: ignore[attr-defined]
        return boot


def _opened(host: Host, endpoint: Endpoint, seconds: float, credential: Credential) -> Channel:
    made = load("unloop.channels", endpoint.channel)(target_of(host, endpoint, credential), Deadline.after(seconds))
    if not (isinstance(made, Channel) and isinstance(made, ServiceCommand) and isinstance(made, Files)):
        raise InputError(f"{host.name}: channel {endpoint.channel} can't set the safe boot flag")
    return made
