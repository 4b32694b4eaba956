"""One visit to one host: what is owed first, then the rung at hand, then everything into the store under the fence."""

from dataclasses import replace

from unloop.errors import InputError, LeaseLost, StoreError, UnloopError
from unloop.log import get_logger
from unloop.model.host_run import End, HostRun, Rung, Stage, Step, Wait
from unloop.model.order import Order
from unloop.model.outcome import GOOD, Outcome
from unloop.runner.cause import Cause
from unloop.runner.debts import Debt, give_up, pay_debts
from unloop.runner.decide import climb_to_hands
from unloop.runner.ladder import rungs_for
from unloop.runner.rungs import in_band, race, safe_mode, verify
from unloop.runner.tools import Tools
from unloop.store.progress import Finding, Visit

logger = get_logger(__name__)

LEFT = "debt"
"""In a step's detail: that it ends a host run which can't pay what it owes."""
MOST_BROKEN = 3
BROKEN_WAIT = 5.0
VISITS = {Rung.IN_BAND: in_band.visit, Rung.RACE: race.visit, Rung.SAFE_MODE: safe_mode.visit}


async def visit(run: HostRun, tools: Tools) -> Step | None:
    """Visit one claimed host and save what came of it; None when the lease was lost on the way."""
    try:
        run, step, left = await _bounded(run, tools)
        await tools.writer.save(run, step, left)
        if LEFT in step.detail:
            await give_up(run, tools)
    except LeaseLost as error:
        logger.warning("lease lost", extra={"host": run.host.name, "campaign": run.campaign, "reason": str(error)})
        return None
    finally:
        tools.writer.forget(run)
    return step


async def _bounded(run: HostRun, tools: Tools) -> tuple[HostRun, Step, Visit]:
    """A visit that breaks off over a mistake of ours is tried again, and after some times ends the host: nothing hangs."""
    try:
        found = await _visited(run, tools)
    except (LeaseLost, StoreError):
        raise
    except Exception as error:
        run = tools.writer.as_kept(run)
        told = {"host": run.host.name, "campaign": run.campaign, "reason": str(error)}
        logger.warning("visit broke off", extra=told, exc_info=None if isinstance(error, UnloopError) else error)
        tools.broken[run.id] += 1
        why = str(error) if isinstance(error, UnloopError) else f"unloop made a mistake: {type(error).__name__}"
        if tools.broken[run.id] >= MOST_BROKEN:
            return run, *await _close(run, tools, Step(run.progress, End(Outcome.FAILED, why), "ended"), Visit())
        return run, Step(run.progress, Wait(BROKEN_WAIT), "visit broke off", {"why": why}), Visit()
    tools.broken.pop(run.id, None)
    return found


async def _visited(run: HostRun, tools: Tools) -> tuple[HostRun, Step, Visit]:
    if run.is_draining:
        return run, await _drain(run, tools), Visit()
    if run.progress.stage is Stage.CLOSE:
        decided = Step(run.progress, End(Outcome(run.progress.ending), run.progress.note), "ended")
        return run, *await _close(run, tools, decided, Visit())
    step, left = await _act(run, tools)
    return run, *await _close(run, tools, step, left)


async def _drain(run: HostRun, tools: Tools) -> Step:
    """Nothing but what is owed; what can't be paid any more is left to people."""
    debt = await pay_debts(run, tools)
    if debt is Debt.LEFT:
        return Step(run.progress, End(Outcome.NEEDS_HANDS, str(Cause.SAFE_BOOT_LEFT)), "ended", {LEFT: debt})
    return Step(run.progress, Wait(tools.options.verify_poll), f"debt {debt}")


async def _act(run: HostRun, tools: Tools) -> tuple[Step, Visit]:
    try:
        order = tools.order_for(run.host)
    except InputError as error:
        return climb_to_hands(run.progress, Cause.REMEDY_FAILED, run.host, str(error)), Visit()
    tools = _for_host(run, tools, order)
    if run.progress.stage is Stage.VERIFY:
        return await safe_mode.leave_first(run, tools) or await verify.visit(run, tools, order)
    act = VISITS.get(run.progress.rung)
    if act is None:
        return climb_to_hands(run.progress, Cause.BUDGET_SPENT, run.host), Visit()
    return await act(run, tools, order)


def _for_host(run: HostRun, tools: Tools, order: Order) -> Tools:
    """The ladder as this host can climb it."""
    ladder = rungs_for(run.host, order, tools.options)
    return tools if ladder == tools.options.ladder else replace(tools, options=replace(tools.options, ladder=ladder))


async def _close(run: HostRun, tools: Tools, step: Step, left: Visit) -> tuple[Step, Visit]:
    """Before a host run ends, what it owes is paid, and what people are to do where it came to no good end is written."""
    if not isinstance(step.then, End):
        return step, left
    end, debt = step.then, await pay_debts(run, tools)
    if debt is Debt.OWING:
        owing = replace(step.progress, stage=Stage.CLOSE, ending=end.outcome, note=end.cause)
        return Step(owing, Wait(tools.options.verify_poll), "debt outstanding", {"outcome": end.outcome}), left
    if debt is Debt.LEFT:
        end = End(Outcome.NEEDS_HANDS, f"{end.cause}; {Cause.SAFE_BOOT_LEFT}")
        step = replace(step, detail={**step.detail, LEFT: debt})
    if end.outcome in GOOD:
        return replace(step, then=end), left
    text = tools.instructions_for(run, end.cause)
    finding = Finding("instructions", {"outcome": end.outcome, "text": text})
    return replace(step, then=end), replace(left, findings=(*left.findings, finding))
