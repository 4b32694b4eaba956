"""One visit to one host: what is owed first, then the rung at hand, then everything into the store under the fence."""

from dataclasses import replace
from functools import partial

from unloop.errors import InputError, LeaseLost
from unloop.log import get_logger
from unloop.model.host_run import End, HostRun, Rung, Stage, Step, Wait
from unloop.runner.cause import Cause
from unloop.runner.decide import climb_to_hands
from unloop.runner.reset import pay_debts
from unloop.runner.rungs import in_band, race, verify
from unloop.runner.tools import Tools
from unloop.store import progress as store_progress
from unloop.store.progress import Finding, Visit

logger = get_logger(__name__)

VISITS = {Rung.IN_BAND: in_band.visit, Rung.RACE: race.visit}


async def visit(run: HostRun, tools: Tools) -> Step | None:
    """Visit one claimed host and save what came of it; None when the lease was lost on the way."""
    try:
        run = await _begin(run, tools)
        step, left = await _act(run, tools)
        step, left = await _close(run, tools, step, left)
        await tools.in_store(partial(store_progress.save, tools.database, run, step, left, now=tools.now()))
    except LeaseLost as error:
        logger.warning("lease lost", extra={"host": run.host.name, "campaign": run.campaign, "reason": str(error)})
        return None
    return step


async def _begin(run: HostRun, tools: Tools) -> HostRun:
    """Write the attempt down before it begins; one that a predecessor left unfinished is continued."""
    if run.progress.stage is Stage.VERIFY or run.progress.rung is Rung.HANDS_ON:
        return run
    unfinished = await tools.in_store(partial(store_progress.open_attempt, tools.database, run.id))
    number = unfinished[0] if unfinished else run.progress.attempt + 1
    await tools.in_store(
        partial(store_progress.start_attempt, tools.database, run, number, run.progress.rung, now=tools.now())
    )
    return _in_attempt(run, number)


async def _act(run: HostRun, tools: Tools) -> tuple[Step, Visit]:
    try:
        order = tools.order_for(run.host)
    except InputError as error:
        return climb_to_hands(run.progress, Cause.REMEDY_FAILED, run.host, str(error)), Visit()
    if run.progress.stage is Stage.VERIFY:
        return await verify.visit(run, tools, order)
    act = VISITS.get(run.progress.rung)
    if act is None:
        return climb_to_hands(run.progress, Cause.BUDGET_SPENT, run.host), Visit()
    return await act(run, tools, order)


async def _close(run: HostRun, tools: Tools, step: Step, left: Visit) -> tuple[Step, Visit]:
    """Before a host run ends, what it owes is paid and the instructions for people are written down."""
    if not isinstance(step.then, End):
        return step, left
    if not await pay_debts(run, tools):
        owing = Step(step.progress, Wait(tools.options.verify_poll), "owes power-on", {"outcome": step.then.outcome})
        return owing, left
    text = tools.instructions_for(run, step.then.cause)
    finding = Finding("instructions", {"outcome": step.then.outcome, "text": text})
    return step, Visit(left.attempt_result, left.attempt_detail, left.windows, (*left.findings, finding))


def _in_attempt(run: HostRun, number: int) -> HostRun:
    """The same host run, in attempt ``number``."""
    return replace(run, progress=replace(run.progress, attempt=number))
