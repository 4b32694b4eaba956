"""In doubt: an attempt was cut short, nothing matches any more, and nothing shows that the host was ever broken.

If it was our strike, the file lies in this campaign's quarantine on the host. If it does not, nothing of ours is there.
"""

from dataclasses import replace

from unloop.model.host_run import End, HostRun, Step, Wait
from unloop.model.order import Order
from unloop.model.outcome import Outcome
from unloop.runner.decide import after_silence
from unloop.runner.rungs.looking import Look, look_at, open_endpoints
from unloop.runner.tools import Tools
from unloop.store.progress import Finding, Visit

NOTHING = "nothing matched, and nothing of this host is in quarantine"


async def visit(run: HostRun, tools: Tools, order: Order) -> tuple[Step, Visit]:
    """Look for the traces of a strike that has no record; what is found counts as its landing."""
    traces = tools.traces_for(run.host) or order
    look, failures = await look_at(run, tools, traces, await open_endpoints(run, tools), is_enough=_is_known)
    if look is None or not _is_known(look):
        step = after_silence(run.progress, run.host, tools.options, tools.clock.now())
        return step, Visit(findings=(Finding("no answer", {"failures": failures}),) if failures else ())
    there = [report.check for report in look.checks if report.holds]
    finding = Finding("traces", {"found": there}, " ".join(look.via))
    if not there:
        return Step(run.progress, End(Outcome.NO_MATCH, NOTHING), "ended"), Visit(findings=(finding,))
    note = "the remedy had landed when its attempt was cut short; proof on a later boot is awaited"
    landed = replace(run.progress, landed_via=look.via[-1], note=note)
    return Step(landed, Wait(0.0), "traces found"), Visit(findings=(finding,))


def _is_known(look: Look) -> bool:
    """Whether a trace was found, or every place was looked at."""
    told = [report.holds for report in look.checks]
    return any(told) or None not in told
