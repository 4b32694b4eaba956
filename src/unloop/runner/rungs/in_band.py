"""The rung in_band: the host answers right now, so the whole remedy is carried out with evidence."""

from unloop.model.attempt import AttemptResult
from unloop.model.host_run import HostRun, Step
from unloop.model.order import Order
from unloop.runner.cause import Cause
from unloop.runner.decide import climb, climb_to_hands
from unloop.runner.landing import remedy
from unloop.runner.rungs.boot import Boot, observe_boot
from unloop.runner.rungs.notes import all_refused, keeping, learned, reported
from unloop.runner.strike import striking_endpoints
from unloop.runner.tools import Tools
from unloop.store.progress import Visit


async def visit(run: HostRun, tools: Tools, order: Order) -> tuple[Step, Visit]:
    """Look for an open port, once; carry out the remedy when there is one, and climb when there is none."""
    if not striking_endpoints(run.host, order):
        return climb_to_hands(run.progress, Cause.NO_CHANNEL, run.host), Visit(AttemptResult.FAILED, Cause.NO_CHANNEL)
    landing, keep = remedy(run, tools, order), keeping(run, tools)
    boot = await observe_boot(run, tools, landing, seconds=tools.options.look, keep=keep)
    return fold(run, tools, boot), Visit(boot.result(), _detail(boot), boot.windows, boot.findings())


def fold(run: HostRun, tools: Tools, boot: Boot) -> Step:
    """What follows from one look."""
    now = tools.clock.now()
    progress = learned(run.progress, boot, now)
    if boot.report is not None:
        return reported(run, tools, progress, boot)
    if boot.was_open and not boot.gone and all_refused(progress, run.host):
        return climb_to_hands(progress, Cause.LOGON_REFUSED, run.host, boot.salvo.summary)
    cause = Cause.ELAPSED if boot.was_open else Cause.NO_ANSWER
    return climb(progress, cause, run.host, tools.options, now)


def _detail(boot: Boot) -> str:
    if not boot.was_open:
        return "no port was open"
    return boot.salvo.summary or (str(boot.report.verdict) if boot.report else "")
