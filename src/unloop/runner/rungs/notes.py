"""What a watched boot teaches about a host, whatever the rung."""

from dataclasses import replace
from datetime import datetime

from unloop.model.attempt import AttemptResult
from unloop.model.host import Host
from unloop.model.host_run import HostRun, Progress, Step
from unloop.model.report import Verdict
from unloop.runner.decide import Seen, after_report
from unloop.runner.rungs.boot import Boot, Keep
from unloop.runner.strike import Struck
from unloop.runner.tools import Tools
from unloop.store.progress import Finding, Kept

_KEPT = {Verdict.LANDED: AttemptResult.LANDED, Verdict.SENT: AttemptResult.SENT}


def learned(progress: Progress, boot: Boot, now: datetime) -> Progress:
    """Remember channels that refused or were slow, and a crash that was seen."""
    if boot.salvo.strikes:
        refusing = _union(progress.refused_channels, boot.salvo.refused)
        progress = replace(progress, refused_channels=refusing, slow_channels=boot.salvo.slow)
    if boot.crashed and not progress.broken_evidence:
        seen = f"seen to go down {now:%Y-%m-%dT%H:%M:%SZ} after its ports had opened"
        progress = replace(progress, broken_evidence=seen)
    return progress


def reported(run: HostRun, tools: Tools, progress: Progress, boot: Boot) -> Step:
    """What follows when the host answered in this boot what the remedy came to."""
    if boot.struck is None or boot.struck.report is None:
        raise ValueError("nothing was reported in this boot")
    struck, report, now = boot.struck, boot.struck.report, tools.clock.now()
    step = after_report(progress, report, struck.boot, seen=_seen(run, tools, struck), options=tools.options, now=now)
    gone_at = now if boot.gone else step.progress.gone_at
    return replace(step, progress=replace(step.progress, gone_at=gone_at))


def keeping(run: HostRun, tools: Tools) -> Keep:
    """Writes a landing down as soon as the host has answered it, before the host is watched any longer."""

    async def keep(struck: Struck) -> bool:
        report, now = struck.report, tools.clock.now()
        if report is None or report.verdict not in _KEPT:
            return False
        seen = _seen(run, tools, struck)
        step = after_report(run.progress, report, struck.boot, seen=seen, options=tools.options, now=now)
        finding = Finding("remedy", report.to_json(), struck.channel)
        event = f"host answered {report.verdict}"
        await tools.writer.keep(Kept(run, step.progress, event, _KEPT[report.verdict], (finding,)))
        return True

    return keep


def _seen(run: HostRun, tools: Tools, struck: Struck) -> Seen:
    leaves_traces = run.may_have_struck and tools.traces_for(run.host) is not None
    return Seen(run.host, struck.channel, may_have_struck=run.may_have_struck, leaves_traces=leaves_traces)


def all_refused(progress: Progress, host: Host) -> bool:
    """Whether every in-band channel refused us for good."""
    refusing = progress.refused_channels.split()
    return bool(refusing) and all(endpoint.channel in refusing for endpoint in host.endpoints)


def _union(old: str, new: str) -> str:
    return " ".join(sorted({*old.split(), *new.split()}))
