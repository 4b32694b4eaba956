"""Verification: after the remedy has landed, the host itself must show on a later boot that it is good and stays up."""

from dataclasses import replace
from functools import partial

from unloop.channels.answers import JUDGED_BY_TIME, parse_checks, verification
from unloop.channels.base import Channel, Deadline, Files, Observe, Programs
from unloop.channels.perform import check_files
from unloop.errors import ChannelError
from unloop.model.effect import EffectKind
from unloop.model.host import Endpoint, Host
from unloop.model.host_run import End, HostRun, Step, Wait
from unloop.model.options import CampaignOptions
from unloop.model.order import Check, CheckKind, Order, Shell
from unloop.model.outcome import Outcome
from unloop.model.power import BootIdentity
from unloop.model.report import CheckReport, Verdict
from unloop.plugins import load
from unloop.race.watch import Watcher
from unloop.runner.account import log_on
from unloop.runner.decide import after_checks, after_silence, boot_changed
from unloop.runner.rungs.boot import doors_of
from unloop.runner.strike import fire, striking_endpoints, target_of
from unloop.runner.tools import Tools
from unloop.secrets.secret import Credential
from unloop.store import ledger
from unloop.store.ledger import Limits, Permission
from unloop.store.progress import Finding, Visit

RESTART = {Shell.POWERSHELL: "shutdown.exe /r /t 0 /f", Shell.CMD: "shutdown /r /t 0 /f", Shell.SH: "systemctl reboot"}


async def visit(run: HostRun, tools: Tools, order: Order) -> tuple[Step, Visit]:
    """Look at the host over the channel that landed the remedy, or another, and judge what it answers."""
    watcher = Watcher(tools.prober, tools.clock, await doors_of(run.host.endpoints), tools.options.interval)
    sighting = watcher.start()
    opened = await watcher.until_open(sighting, seconds=tools.options.look)
    failures = []
    for endpoint in _preferred(run, opened):
        work = partial(_look, run.host, order, endpoint, tools.options.strike)
        try:
            checks, boot = await log_on(tools, run.host, endpoint, seconds=tools.options.strike, work=work)
        except ChannelError as error:
            failures.append(str(error))
            continue
        return await _judged(run, tools, order, endpoint, checks, boot)
    step = after_silence(run.progress, run.host, tools.options, tools.clock.now())
    return step, Visit(findings=(Finding("no answer", {"failures": failures}),) if failures else ())


async def _judged(
    run: HostRun,
    tools: Tools,
    order: Order,
    endpoint: Endpoint,
    checks: tuple[CheckReport, ...],
    boot: BootIdentity | None,
) -> tuple[Step, Visit]:
    up_for = max((check.seconds for check in order.checks if check.kind is CheckKind.UP_FOR), default=0.0)
    step = after_checks(run.progress, checks, boot, up_for=up_for, options=tools.options, now=tools.clock.now())
    data = {
        "boot": None if boot is None else {"value": boot.value, "source": boot.source},
        "checks": [{"check": report.check, "holds": report.holds, "message": report.message} for report in checks],
    }
    if isinstance(step.then, End) and step.then.outcome is Outcome.FIXED:
        step = await _clean_up(run, tools, step)
    if _restart_is_due(run, tools.options, boot, tools.clock.now().timestamp()):
        step = await _restart(run, tools, endpoint, step)
    return step, Visit(findings=(Finding("verification", data, endpoint.channel),))


async def _clean_up(run: HostRun, tools: Tools, step: Step) -> Step:
    """Run the playbook's cleanup on the proven host; while that can't be done, the host run goes on."""
    order = tools.cleanup_for(run.host)
    if order is None:
        return step
    struck = await fire(tools, run.host, order, striking_endpoints(run.host, order))
    if struck.report is not None and struck.report.verdict is not Verdict.FAILED:
        return step
    detail = struck.report.message if struck.report else struck.summary
    note = f"proven, but the cleanup is outstanding: {detail or 'no channel can carry it'}"
    progress = replace(step.progress, note=note)
    until = progress.verify_until
    if until is not None and tools.clock.now() >= until:
        return Step(progress, End(Outcome.FIXED, note), "ended")
    return Step(progress, Wait(tools.options.verify_poll), "cleanup outstanding", {"note": note})


def _preferred(run: HostRun, opened: tuple[str, ...]) -> list[Endpoint]:
    """The endpoints whose port is open; the channel that landed the remedy first: its boot identity compares."""
    open_now = [endpoint for endpoint in run.host.endpoints if endpoint.channel in opened]
    return sorted(open_now, key=lambda endpoint: endpoint.channel != run.progress.landed_via)


def _look(
    host: Host, order: Order, endpoint: Endpoint, seconds: float, credential: Credential
) -> tuple[tuple[CheckReport, ...], BootIdentity | None]:
    channel = load("unloop.channels", endpoint.channel)(target_of(host, endpoint, credential), Deadline.after(seconds))
    asked = tuple(check for check in order.checks if check.kind not in JUDGED_BY_TIME)
    with channel:
        boot = channel.boot_identity() if isinstance(channel, Observe) else None
        return _ask(channel, order, asked), boot


def _ask(channel: Channel, order: Order, asked: tuple[Check, ...]) -> tuple[CheckReport, ...]:
    if isinstance(channel, Programs):
        for shell in channel.shells():
            if shell in order.verifications:
                program = verification(order.verifications[shell], shell, landed=None)
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


async def _restart(run: HostRun, tools: Tools, endpoint: Endpoint, step: Step) -> Step:
    """An orderly restart from inside, once: the proof wants a later boot, and this host stays up by itself."""
    asked = partial(
        ledger.permit,
        tools.database,
        run,
        EffectKind.RESTART,
        attempt=run.progress.attempt,
        limits=Limits(),
        now=tools.now(),
    )
    if not issubclass(load("unloop.channels", endpoint.channel), Programs):  # type: ignore[arg-type]
        return step
    if await tools.in_store(asked) is not Permission.GRANTED:
        return step
    work = partial(_order_restart, run.host, endpoint, tools.options.strike)
    try:
        await log_on(tools, run.host, endpoint, seconds=tools.options.strike, work=work)
        result = "confirmed"
    except ChannelError:
        result = "unknown"
    settled = partial(
        ledger.settle,
        tools.database,
        run,
        EffectKind.RESTART,
        attempt=run.progress.attempt,
        result=result,
        now=tools.now(),
    )
    await tools.in_store(settled)
    return replace(step, progress=replace(step.progress, restarts=run.progress.restarts + 1))


def _order_restart(host: Host, endpoint: Endpoint, seconds: float, credential: Credential) -> None:
    channel = load("unloop.channels", endpoint.channel)(target_of(host, endpoint, credential), Deadline.after(seconds))
    with channel:
        if isinstance(channel, Programs):
            shell = next(shell for shell in channel.shells() if shell in RESTART)
            channel.run(shell, RESTART[shell])
