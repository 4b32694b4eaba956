"""The rung safe_mode: set the safe boot flag in a window, repair the host in safe mode, and bring it back.

For a host whose window is too short for the remedy, or whose faulty driver holds the file: setting the flag is one
command, and in safe mode the driver is not loaded. The flag is an obligation: nothing counts as proof while it is owed.
"""

from dataclasses import replace
from functools import partial

from unloop.errors import ChannelError, NotPermitted
from unloop.model.attempt import AttemptResult
from unloop.model.effect import EffectKind
from unloop.model.host_run import HostRun, Progress, Stage, Step, Wait
from unloop.model.order import Order
from unloop.runner import safe_boot
from unloop.runner.cause import Cause
from unloop.runner.decide import after_miss, after_silence, climb
from unloop.runner.ladder import safe_boot_endpoint
from unloop.runner.landing import Landing, of_order
from unloop.runner.rungs.boot import Boot
from unloop.runner.rungs.notes import keeping, reported
from unloop.runner.rungs.pursuit import LATER, pursue
from unloop.runner.tools import Tools
from unloop.store import ledger
from unloop.store.progress import Finding, Visit

_ANSWERED = frozenset({AttemptResult.LANDED, AttemptResult.SENT, AttemptResult.JUDGED})


async def visit(run: HostRun, tools: Tools, order: Order) -> tuple[Step, Visit]:
    """Set the flag, or with the flag set repair the host in safe mode."""
    endpoint = safe_boot_endpoint(run.host)
    if endpoint is None:
        return climb(run.progress, Cause.NO_CHANNEL, run.host, tools.options, tools.clock.now()), Visit()
    if run.progress.stage is Stage.SAFE_BOOT:
        return await _repair(run, tools, order)
    try:
        step, left = await pursue(run, tools, safe_boot.flag(run, tools, endpoint), _armed)
    except NotPermitted as refusal:
        return Step(run.progress, Wait(LATER), "safe boot deferred", {"why": str(refusal)}), Visit()
    if left.attempt_result is AttemptResult.SENT:
        left = replace(left, attempt_result=AttemptResult.ARMED)
    return step, left


async def leave_first(run: HostRun, tools: Tools) -> tuple[Step, Visit] | None:
    """Before anything is proven, bring a host out of safe mode; None when it owes nothing of that kind."""
    owed = await tools.in_store(partial(ledger.owed, tools.database, run.id))
    if EffectKind.SAFE_BOOT_CLEAR not in owed:
        return None
    try:
        return await _left(run, tools, run.progress), Visit()
    except ChannelError as error:
        note = f"still to be brought out of safe mode: {error}"
        step = after_silence(run.progress, run.host, tools.options, tools.clock.now())
        return replace(step, progress=replace(step.progress, note=note)), Visit()


async def _repair(run: HostRun, tools: Tools, order: Order) -> tuple[Step, Visit]:
    keep, is_first = keeping(run, tools), run.progress.rung_attempts == 0
    step, left = await pursue(run, tools, _remedy(run, tools, order), reported, keep=keep, is_restarting=is_first)
    if left.attempt_result not in _ANSWERED or step.progress.landed_at is None:
        return step, left
    try:
        return await _left(run, tools, step.progress), left
    except ChannelError as error:
        finding = Finding("safe mode not left yet", {"reason": str(error)})
        return step, replace(left, findings=(*left.findings, finding))


async def _left(run: HostRun, tools: Tools, progress: Progress) -> Step:
    """The host restarts out of safe mode; a boot after this one is what counts as proof."""
    boot = await safe_boot.leave(run, tools)
    note = "the remedy landed and the safe boot flag is off; proof on a later boot is awaited"
    restarted = replace(progress, landed_boot=boot, gone_at=None, proof_boot=None, proof_since=None, note=note)
    return Step(restarted, Wait(tools.options.verify_poll), "safe mode left")


def _remedy(run: HostRun, tools: Tools, order: Order) -> Landing:
    """The order over the one channel that is there in safe mode."""
    found = safe_boot_endpoint(run.host)
    endpoints = [safe_boot.safe_endpoint(run, found)] if found else []
    return replace(of_order(run, tools, order, endpoints), watches_crash=False)


def _armed(run: HostRun, tools: Tools, progress: Progress, boot: Boot) -> Step:
    """What follows when the flag is set: the next boot goes to safe mode, once this one is over."""
    if boot.gone:
        note = "the safe boot flag is set; the next boot goes to safe mode"
        armed = replace(progress, stage=Stage.SAFE_BOOT, rung_attempts=0, silent_boots=0, note=note)
        return Step(armed, Wait(0.0), "safe boot set", {"mode": safe_boot.mode_of(run.host)})
    note = "the safe boot flag is set, but the host did not restart"
    now = tools.clock.now()
    return after_miss(progress, cause=Cause.STILL_BROKEN, note=note, host=run.host, options=tools.options, now=now)
