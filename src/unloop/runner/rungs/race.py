"""The rung race: reset the host, catch its window, land the remedy; again until the budget is spent.

Without power control, or without evidence that a reset is due, the host's own crashes are raced instead.
"""

from dataclasses import replace

from unloop.model.attempt import AttemptResult
from unloop.model.host_run import HostRun, Step, Wait
from unloop.model.order import Order
from unloop.model.power import PowerState
from unloop.runner.cause import Cause
from unloop.runner.decide import after_miss, climb, climb_to_hands
from unloop.runner.reset import ResetReport, ResetResult, power_state, reset_host
from unloop.runner.rungs.boot import Boot, look_once, observe_boot
from unloop.runner.rungs.notes import all_refused, learned, reported
from unloop.runner.tools import Tools
from unloop.store.progress import Finding, Visit

_CAUSES = {
    ResetResult.MISMATCH: Cause.BMC_MISMATCH,
    ResetResult.ROLE: Cause.ROLE_NOT_NAMED,
    ResetResult.NO_BMC: Cause.NOTHING_ANSWERED,
    ResetResult.REFUSED: Cause.ELAPSED,
}
LATER = 1.0


async def visit(run: HostRun, tools: Tools, order: Order) -> tuple[Step, Visit]:
    """One attempt: a boot that we cause, or one of the host's own."""
    if all_refused(run.progress, run.host):
        return climb_to_hands(run.progress, Cause.LOGON_REFUSED, run.host), Visit(AttemptResult.REFUSED)
    before = await look_once(run, tools, order)
    if before.sighting.opened is not None:
        return _of_own_boot(run, tools, before)
    if not _may_reset(run, tools) or before.sighting.is_only_refused:
        return await _observe(run, tools, order, Cause.SILENT, tools.options.observe)
    report = await reset_host(run, tools, attempt=run.progress.attempt)
    if report.result is ResetResult.LATER:
        note = f"reset not permitted now: {report.detail}"
        return Step(replace(run.progress, note=note), Wait(LATER), "reset deferred", {"why": report.detail}), Visit()
    if report.result is ResetResult.LEFT_OFF:
        note = f"interrupted between off and on: {report.detail}"
        return Step(replace(run.progress, note=note), Wait(LATER), "left off", {"why": report.detail}), Visit()
    if report.result in _CAUSES:
        return await _without_power(run, tools, order, report)
    return await _attempt(run, tools, order, report)


def _of_own_boot(run: HostRun, tools: Tools, boot: Boot) -> tuple[Step, Visit]:
    """The host was up when we came, so nothing was reset: its own boot is the attempt."""
    step = _fold(run, tools, boot, PowerState.ON)
    detail = boot.struck.summary if boot.struck else ""
    return step, Visit(boot.result(), detail or "up without a reset", boot.windows, boot.findings())


def _may_reset(run: HostRun, tools: Tools) -> bool:
    return bool(run.progress.broken_evidence) or tools.options.reset_silent or run.progress.landed_at is not None


async def _attempt(run: HostRun, tools: Tools, order: Order, report: ResetReport) -> tuple[Step, Visit]:
    boot = await observe_boot(run, tools, order, seconds=tools.options.watch)
    state = await power_state(run, tools) if boot.struck is None else PowerState.ON
    step = _fold(run, tools, boot, state)
    detail = boot.struck.summary if boot.struck else f"no port opened; the BMC says {state or 'nothing'}"
    reset = Finding("reset", {"result": report.result, "detail": report.detail})
    return step, Visit(boot.result(), detail, boot.windows, (reset, *boot.findings()))


def _fold(run: HostRun, tools: Tools, boot: Boot, state: PowerState | None) -> Step:
    now = tools.clock.now()
    progress = learned(run.progress, boot, now)
    if boot.struck is None:
        progress = replace(progress, silent_boots=progress.silent_boots + (state is PowerState.ON))
        note = f"no port opened within {tools.options.watch:g} s of the power-on"
        return after_miss(progress, cause=Cause.PARKED, note=note, host=run.host, options=tools.options, now=now)
    if boot.report is not None:
        return reported(run, tools, progress, boot)
    if all_refused(progress, run.host):
        return climb_to_hands(progress, Cause.LOGON_REFUSED, run.host, boot.struck.summary)
    progress = replace(progress, silent_boots=0)
    note = boot.struck.summary or "the window closed before a strike could land"
    return after_miss(progress, cause=Cause.BUDGET_SPENT, note=note, host=run.host, options=tools.options, now=now)


async def _without_power(run: HostRun, tools: Tools, order: Order, report: ResetReport) -> tuple[Step, Visit]:
    step, visit_ = await _observe(run, tools, order, _CAUSES[report.result], tools.options.elapsed)
    reset = Finding("reset", {"result": report.result, "detail": report.detail})
    return step, replace(visit_, findings=(reset, *visit_.findings))


async def _observe(run: HostRun, tools: Tools, order: Order, cause: Cause, budget: float) -> tuple[Step, Visit]:
    """Race the host's own crashes for as long as the budget lasts."""
    since = run.progress.rung_since or tools.clock.now()
    left = max(tools.options.look, budget - (tools.clock.now() - since).total_seconds())
    boot = await observe_boot(run, tools, order, seconds=min(tools.options.watch, left))
    now = tools.clock.now()
    progress = learned(run.progress, boot, now)
    visit_ = Visit(
        boot.result(), boot.struck.summary if boot.struck else "no port opened", boot.windows, boot.findings()
    )
    if boot.report is not None:
        return reported(run, tools, progress, boot), visit_
    if all_refused(progress, run.host):
        return climb_to_hands(progress, Cause.LOGON_REFUSED, run.host), visit_
    if (now - since).total_seconds() < budget and not boot.sighting.is_only_refused:
        return Step(progress, Wait(0.0), "observed", {"crashed": boot.crashed}), visit_
    if progress.broken_evidence and cause is Cause.SILENT:
        return Step(progress, Wait(0.0), "crash seen"), visit_
    if boot.sighting.is_only_refused:
        cause = Cause.DOORS_CLOSED
    elif cause is Cause.NOTHING_ANSWERED and progress.broken_evidence and boot.struck is not None:
        cause = Cause.ELAPSED
    return climb(progress, cause, run.host, tools.options, now), visit_
