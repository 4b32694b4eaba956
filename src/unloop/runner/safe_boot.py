"""Setting the safe boot flag in a window, and leaving safe mode: the flag is an obligation of the ledger."""

import asyncio
import socket
from contextlib import suppress
from dataclasses import dataclass, replace
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
from unloop.runner.doors import open_doors
from unloop.runner.ladder import safe_boot_endpoint
from unloop.runner.landing import Landing
from unloop.runner.logon import credentials_of, log_on_blocking
from unloop.runner.strike import Struck, target_of
from unloop.runner.tools import Tools
from unloop.secrets.secret import Credential
from unloop.store.ledger import Permission

STEP = "service control"
_MAY_SEND = frozenset({Permission.GRANTED, Permission.ALREADY})
"""Setting and clearing the flag is idempotent: once permitted for an attempt, it may be sent again."""


def mode_of(host: Host) -> str:
    """The safe mode in which a host is repaired: a domain controller has no local accounts in any other."""
    return "dsrepair" if host.role is Role.DOMAIN_CONTROLLER else "network"


def flag(run: HostRun, tools: Tools, endpoint: Endpoint) -> Landing:
    """What sets the flag in a window and has the host restart at once."""
    return Landing({endpoint.channel: _Arming(run, tools, endpoint)})


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
    if not await open_doors(tools, [endpoint], seconds=tools.options.look):
        raise Unreachable("no port is open", host=run.host.name, channel=endpoint.channel)
    await _permit(run, tools, EffectKind.SAFE_BOOT_CLEAR)
    work = partial(_leave, run.host, endpoint, tools.options.strike)
    boot = await log_on_blocking(tools, run.host, endpoint, work)
    await _settle(run, tools, EffectKind.SAFE_BOOT_CLEAR, "confirmed")
    return boot


@dataclass(frozen=True, slots=True)
class _Arming:
    """Setting the flag over one endpoint, in the place of a strike."""

    run: HostRun
    tools: Tools
    endpoint: Endpoint

    @property
    def is_committed(self) -> bool:
        """From the first moment: it can't be told when the library proves the account."""
        return True

    async def prepare(self) -> None:
        """Get the log-on ready."""
        found = credentials_of(self.tools, self.run.host, self.endpoint)
        await self.tools.gate.prepare(found, seconds=self.tools.options.watch + self.tools.options.strike)

    async def fire(self, sock: socket.socket | None) -> Struck:
        """Set the flag over a connection of the library's own."""
        if sock is not None:
            sock.close()
        run, tools, endpoint = self.run, self.tools, self.endpoint
        loop, began = asyncio.get_running_loop(), asyncio.get_running_loop().time()
        await _permit(run, tools, EffectKind.SAFE_BOOT_SET)
        work = partial(_set, run.host, endpoint, mode_of(run.host), tools.options.strike)
        try:
            await log_on_blocking(tools, run.host, endpoint, work)
        except ChannelError as error:
            result = "not_sent" if error.changed is Changed.NO else "unknown"
            await _settle(run, tools, EffectKind.SAFE_BOOT_SET, result)
            return Struck(endpoint.channel, began, loop.time(), error=error, step=STEP)
        await _settle(run, tools, EffectKind.SAFE_BOOT_SET, "confirmed")
        action = ActionReport("set_safe_boot", ActionStatus.CHANGED, f"safeboot {mode_of(run.host)}, and a restart")
        return Struck(endpoint.channel, began, loop.time(), RemedyReport(Verdict.SENT, (action,)), step=STEP)

    def cut_off(self, began: float) -> Struck:
        """The window closed over it: whether the flag was set is not known, and it stays owed."""
        return Struck(self.endpoint.channel, began, asyncio.get_running_loop().time(), step=STEP)


async def _permit(run: HostRun, tools: Tools, kind: EffectKind) -> None:
    answer = await tools.writer.permit(run, kind, attempt=run.progress.attempt)
    if answer is Permission.LEASE_LOST:
        raise LeaseLost(f"{run.host.name}: another worker took over")
    if answer not in _MAY_SEND:
        raise NotPermitted(f"{kind}: {str(answer).replace('_', ' ')}")


async def _settle(run: HostRun, tools: Tools, kind: EffectKind, result: str) -> None:
    await asyncio.shield(tools.writer.settle(run, kind, attempt=run.progress.attempt, result=result))


def _set(host: Host, endpoint: Endpoint, mode: str, seconds: float, credential: Credential) -> None:
    with _opened(host, endpoint, seconds, credential) as channel:
        safe_boot.change_flag(channel, mode)  # type: ignore[arg-type]
        with suppress(ChannelError):
            # It goes down by itself otherwise: a restart that was not taken costs time, no more. A host that is in safe
            # mode already (who set the flag died before that was written down) starts only the registered service.
            channel.run_service_command(safe_boot.RESTART, name=safe_boot.SERVICE)  # type: ignore[attr-defined]


def _leave(host: Host, endpoint: Endpoint, seconds: float, credential: Credential) -> BootIdentity | None:
    with _opened(host, endpoint, seconds, credential) as channel:
        boot: BootIdentity | None = None
        if isinstance(channel, Observe):
            with suppress(ChannelError):
                boot = channel.boot_identity()
        safe_boot.change_flag(channel, "")  # type: ignore[arg-type]
        channel.run_service_command(safe_boot.restart_for_good(), name=safe_boot.SERVICE)  # type: ignore[attr-defined]
        return boot


def _opened(host: Host, endpoint: Endpoint, seconds: float, credential: Credential) -> Channel:
    made = load("unloop.channels", endpoint.channel)(target_of(host, endpoint, credential), Deadline.after(seconds))
    if not (isinstance(made, Channel) and isinstance(made, ServiceCommand) and isinstance(made, Files)):
        raise InputError(f"{host.name}: channel {endpoint.channel} can't set the safe boot flag")
    return made
