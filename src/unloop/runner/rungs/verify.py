"""Verification: after the remedy has landed, the host itself must show on a later boot that it is good and stays up."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from unloop.channels.answers import JUDGED_BY_TIME, parse_checks, verification
from unloop.channels.base import Channel, Deadline, Files, Observe, Programs
from unloop.channels.perform import check_files
from unloop.errors import ChannelError, Unsupported
from unloop.model.effect import EffectKind
from unloop.model.host import Endpoint, Host
from unloop.model.host_run import End, HostRun, Progress, Step, Wait
from unloop.model.options import CampaignOptions
from unloop.model.order import Check, CheckKind, Order, Shell
from unloop.model.outcome import Outcome
from unloop.model.power import BootIdentity
from unloop.model.report import CheckReport, Verdict
from unloop.plugins import load
from unloop.runner.decide import after_checks, after_silence, boot_changed
from unloop.runner.doors import open_doors
from unloop.runner.ladder import abilities_of
from unloop.runner.landing import of_order
from unloop.runner.logon import log_on_blocking
from unloop.runner.strike import striking_endpoints, target_of
from unloop.runner.tools import Tools
from unloop.secrets.secret import Credential
from unloop.store.ledger import Permission
from unloop.store.progress import Finding, Visit

RESTART = {Shell.POWERSHELL: "shutdown.exe /r /t 0 /f", Shell.CMD: "shutdown /r /t 0 /f", Shell.SH: "systemctl reboot"}


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a host gave, over one channel or several: every check's answer, and the boot."""

    checks: tuple[CheckReport, ...]
    boot: BootIdentity | None
    via: tuple[str, ...]

    def joined(self, other: "Look", progress: Progress) -> "Look":
        """Both looks: an answer beats none, and the boot that compares with the landing's beats one that does not."""
        told = {report.check: report for report in other.checks if report.holds is not None}
        checks = tuple(told.get(report.check, report) if report.holds is None else report for report in self.checks)
        ours = self.boot is not None and boot_changed(progress, self.boot) is not None
        boot = self.boot if ours or other.boot is None else other.boot
        return Look(checks, boot, (*self.via, *other.via))

    def is_whole(self, progress: Progress) -> bool:
        """Whether no other channel could add anything."""
        answered = all(report.holds is not None for report in self.checks)
        return answered and self.boot is not None and boot_changed(progress, self.boot) is not None


async def visit(run: HostRun, tools: Tools, order: Order) -> tuple[Step, Visit]:
    """Look at the host over the channel that landed the remedy, and over others for what it can't tell."""
    opened = await open_doors(tools, run.host.endpoints, seconds=tools.options.look)
    endpoints = _preferred(run, opened)
    found: Look | None = None
    failures = []
    for endpoint in endpoints:
        work = partial(_look, run, order, endpoint, tools.options.strike)
        try:
            look = await log_on_blocking(tools, run.host, endpoint, work)
        except ChannelError as error:
            failures.append(str(error))
            continue
        found = look if found is None else found.joined(look, run.progress)
        if found.is_whole(run.progress):
            break
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
        if struck.report is not None and struck.report.verdict is not Verdict.FAILED:
            return step
        detail = struck.report.message if struck.report else struck.came_to
    note = f"proven, but the cleanup is outstanding: {detail}"
    progress = replace(step.progress, note=note)
    until = progress.verify_until
    if until is not None and tools.clock.now() >= until:
        return Step(progress, End(Outcome.FIXED, note), "ended")
    return Step(progress, Wait(tools.options.verify_poll), "cleanup outstanding", {"note": note})


def _preferred(run: HostRun, opened: tuple[str, ...]) -> list[Endpoint]:
    """The endpoints whose port is open; the channel that landed the remedy first: its boot identity compares."""
    open_now = [endpoint for endpoint in run.host.endpoints if endpoint.channel in opened]
    return sorted(open_now, key=lambda endpoint: endpoint.channel != run.progress.landed_via)


def _look(run: HostRun, order: Order, endpoint: Endpoint, seconds: float, credential: Credential) -> Look:
    target = target_of(run.host, endpoint, credential)
    channel = load("unloop.channels", endpoint.channel)(target, Deadline.after(seconds))
    asked = tuple(check for check in order.checks if check.kind not in JUDGED_BY_TIME)
    with channel:
        boot = _boot_of(channel)
        return Look(_ask(channel, order, asked, run.progress.landed_at), boot, (endpoint.channel,))


def _boot_of(channel: Channel) -> BootIdentity | None:
    """The boot that a host is in, None where this channel can't tell."""
    if not isinstance(channel, Observe):
        return None
    try:
        return channel.boot_identity()
    except Unsupported:
        return None


def _ask(channel: Channel, order: Order, asked: tuple[Check, ...], landed: datetime | None) -> tuple[CheckReport, ...]:
    if isinstance(channel, Programs):
        for shell in channel.shells():
            if shell in order.verifications:
                program = verification(order.verifications[shell], shell, landed=landed)
                return parse_checks(channel.run(shell, program).stdout, order.checks)
    files_only = tuple(check for check in asked if check.needs_files_only)
    others = tuple(check for check in asked if not check.needs_files_only)
    unknown = tuple(CheckReport(str(check), None, "this channel can't tell") for check in others)
    if not isinstance(channel, Files):
        return tuple(CheckReport(str(check), None, "this channel can't tell") for check in asked)
    return (*check_files(files_only, channel), *unknown)


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
