"""Verification: after the remedy has landed, the host itself must show on a later boot that it is good and stays up."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from unloop.channels.base import Deadline, Programs
from unloop.errors import ChannelError, Unsupported
from unloop.model.effect import EffectKind
from unloop.model.host import Endpoint, Host
from unloop.model.host_run import End, HostRun, Step, Wait
from unloop.model.options import CampaignOptions
from unloop.model.order import CheckKind, Order, Shell
from unloop.model.outcome import Outcome
from unloop.model.power import BootIdentity
from unloop.model.report import REFUSALS
from unloop.plugins import load
from unloop.runner.decide import after_checks, after_silence, boot_changed
from unloop.runner.ladder import abilities_of
from unloop.runner.landing import of_order
from unloop.runner.logon import log_on_blocking
from unloop.runner.rungs import doubt
from unloop.runner.rungs.looking import Look, look_at, open_endpoints
from unloop.runner.strike import striking_endpoints, target_of
from unloop.runner.tools import Tools
from unloop.secrets.secret import Credential
from unloop.store.ledger import Permission
from unloop.store.progress import Finding, Visit

RESTART = {Shell.POWERSHELL: "shutdown.exe /r /t 0 /f", Shell.CMD: "shutdown /r /t 0 /f", Shell.SH: "systemctl reboot"}


async def visit(run: HostRun, tools: Tools, order: Order) -> tuple[Step, Visit]:
    """Look at the host over the channel that landed the remedy, and over others for what it can't tell."""
    if not run.progress.landed_via:
        return await doubt.visit(run, tools, order)
    endpoints = await open_endpoints(run, tools)
    found, failures = await look_at(run, tools, order, endpoints, is_enough=lambda look: look.is_whole(run.progress))
    if found is not None:
        return await _judged(run, tools, order, endpoints, found)
    step = after_silence(run.progress, run.host, tools.options, tools.clock.now())
    return step, Visit(findings=(Finding("no answer", {"failures": failures}),) if failures else ())


async def _judged(
    run: HostRun, tools: Tools, order: Order, endpoints: list[Endpoint], look: Look
) -> tuple[Step, Visit]:
    up_for = max((check.seconds for check in order.checks if check.kind is CheckKind.UP_FOR), default=0.0)
    boot, now = look.boot, tools.clock.now()
    step = after_checks(run.progress, look.checks, boot, up_for=up_for, options=tools.options, now=now)
    data = {
        "boot": None if boot is None else {"value": boot.value, "source": boot.source},
        "checks": [{"check": report.check, "holds": report.holds, "message": report.message} for report in look.checks],
    }
    if isinstance(step.then, End) and step.then.outcome is Outcome.FIXED:
        step = await _clean_up(run, tools, step, endpoints)
    elif _restart_is_due(run, tools.options, boot, now.timestamp()):
        step = await _restart(run, tools, endpoints, step)
    return step, Visit(findings=(Finding("verification", data, " ".join(look.via)),))


async def _clean_up(run: HostRun, tools: Tools, step: Step, endpoints: Sequence[Endpoint]) -> Step:
    """Run the playbook's cleanup on the proven host; while that can't be done, the host run goes on."""
    order = tools.cleanup_for(run.host)
    if order is None:
        return step
    can_carry = [endpoint for endpoint in striking_endpoints(run.host, order) if endpoint in endpoints]
    detail = "no channel can carry it"
    for shot in of_order(run, tools, order, can_carry).shots.values():
        struck = await shot.fire(None)
        if struck.report is not None and struck.report.verdict not in REFUSALS:
            return step
        detail = struck.report.why if struck.report else struck.came_to
    note = f"proven, but the cleanup is outstanding: {detail}"
    progress = replace(step.progress, note=note)
    until = progress.verify_until
    if until is not None and tools.clock.now() >= until:
        return Step(progress, End(Outcome.FIXED, note), "ended")
    return Step(progress, Wait(tools.options.verify_poll), "cleanup outstanding", {"note": note})


def _restart_is_due(run: HostRun, options: CampaignOptions, boot: BootIdentity | None, now: float) -> bool:
    landed_at = run.progress.landed_at
    if landed_at is None or run.progress.restarts:
        return False
    return boot_changed(run.progress, boot) is False and now - landed_at.timestamp() > options.restart_after


async def _restart(run: HostRun, tools: Tools, endpoints: list[Endpoint], step: Step) -> Step:
    """An orderly restart from inside, once: the proof wants a later boot, and this host stays up by itself."""
    endpoint = next((item for item in endpoints if "programs" in abilities_of(item)), None)
    attempt = run.progress.attempt
    if endpoint is None:
        return step
    if await tools.writer.permit(run, EffectKind.RESTART, attempt=attempt) is not Permission.GRANTED:
        return step
    work = partial(_order_restart, run.host, endpoint, tools.options.strike)
    try:
        await log_on_blocking(tools, run.host, endpoint, work)
        result = "confirmed"
    except Unsupported as error:
        await asyncio.shield(tools.writer.settle(run, EffectKind.RESTART, attempt=attempt, result="refused"))
        note = f"{step.progress.note}; {error.message}"
        return replace(step, progress=replace(step.progress, restarts=run.progress.restarts + 1, note=note))
    except ChannelError:
        result = "unknown"
    await asyncio.shield(tools.writer.settle(run, EffectKind.RESTART, attempt=attempt, result=result))
    return replace(step, progress=replace(step.progress, restarts=run.progress.restarts + 1))


def _order_restart(host: Host, endpoint: Endpoint, seconds: float, credential: Credential) -> None:
    channel = load("unloop.channels", endpoint.channel)(target_of(host, endpoint, credential), Deadline.after(seconds))
    with channel:
        if isinstance(channel, Programs):
            shell = next(shell for shell in channel.shells() if shell in RESTART)
            done = channel.run(shell, RESTART[shell])
            if done.exit_code:
                said = " ".join(done.stderr.split())[:200]
                what = f"the restart ended with {done.exit_code}: {said}"
                raise Unsupported(what, host=host.name, channel=endpoint.channel)
