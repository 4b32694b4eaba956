"""Watching one boot of one host and striking in its window: what in_band and race have in common."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from unloop.errors import ChannelError
from unloop.model.attempt import AttemptResult, Window
from unloop.model.host_run import HostRun
from unloop.model.report import RemedyReport, Verdict
from unloop.race.watch import Sighting, Watcher
from unloop.runner.doors import doors_of
from unloop.runner.landing import Landing
from unloop.runner.strike import Struck, refused, slow
from unloop.runner.tools import Tools
from unloop.store.progress import Finding

TRIES = 5
"""Strikes at one channel in one window, as long as connections merely break."""


@dataclass(frozen=True, slots=True)
class Boot:
    """What one watched boot came to. ``crashed`` is true when the host went away and stayed away for the time asked."""

    sighting: Sighting
    struck: Struck | None = None
    windows: tuple[Window, ...] = ()
    gone: bool = False
    crashed: bool = False

    @property
    def report(self) -> RemedyReport | None:
        """What the host answered, if it did."""
        return self.struck.report if self.struck else None

    def findings(self) -> tuple[Finding, ...]:
        """The evidence that this boot leaves."""
        if self.struck is None or self.struck.report is None:
            return ()
        return (Finding("remedy", self.struck.report.to_json(), self.struck.channel),)

    def result(self) -> AttemptResult:
        """How the attempt that was this boot ended."""
        if self.struck is None:
            return AttemptResult.SILENT
        report = self.struck.report
        if report is None:
            return AttemptResult.MISSED
        landed = {Verdict.LANDED: AttemptResult.LANDED, Verdict.SENT: AttemptResult.SENT}
        return landed.get(report.verdict, AttemptResult.JUDGED)


async def look_once(run: HostRun, tools: Tools, landing: Landing) -> Boot:
    """Look before a reset: a host that is up is struck, never reset; one that only refuses is looked at for longer."""
    first = await observe_boot(run, tools, landing, seconds=tools.options.interval)
    if first.sighting.is_only_refused:
        return await observe_boot(run, tools, landing, seconds=tools.options.look)
    return first


async def observe_boot(run: HostRun, tools: Tools, landing: Landing, *, seconds: float) -> Boot:
    """Watch for the first open port, strike at once, then watch until the host is gone or stays up."""
    doors = await doors_of(landing.endpoints or run.host.endpoints)
    watcher = Watcher(tools.prober, tools.clock, doors, tools.options.interval)
    sighting = watcher.start()
    opened = await watcher.until_open(sighting, seconds=seconds)
    if not opened:
        return Boot(sighting)
    struck = await _strike_while_up(tools, landing, watcher, sighting)
    if struck.report is not None and not landing.watches_crash:
        return Boot(sighting, struck, (_window(tools, sighting, struck, None),))
    gone_at = await watcher.until_gone(sighting, seconds=_rest_of_window(tools, sighting))
    window = _window(tools, sighting, struck, gone_at)
    crashed = gone_at is not None and await _stays_silent(tools, watcher)
    return Boot(sighting, struck, (window,), gone=gone_at is not None, crashed=crashed)


async def _strike_while_up(tools: Tools, landing: Landing, watcher: Watcher, sighting: Sighting) -> Struck:
    """Strike at whatever is open, again as ports open or connections break, until a report comes or the host is gone."""
    endpoints = landing.endpoints
    tries: Counter[str] = Counter()
    failures: dict[str, ChannelError] = {}
    opened = tuple(sighting.first_open)
    while opened:
        ready = [endpoint for endpoint in endpoints if endpoint.channel in opened and tries[endpoint.channel] < TRIES]
        if not ready:
            if all(tries[endpoint.channel] >= TRIES for endpoint in endpoints):
                break
            await tools.clock.sleep(watcher.interval)
        else:
            struck = await landing.fire(ready[0])
            if struck.report is not None:
                return Struck(struck.report, struck.boot, struck.channel, struck.at, failures)
            failures |= struck.failures
            given_up = bool(refused(struck) or slow(struck))
            tries[ready[0].channel] += TRIES if given_up else 1
        opened = await watcher.until_open(sighting, seconds=watcher.interval)
    return Struck(None, None, "", tools.clock.monotonic(), failures)


async def _stays_silent(tools: Tools, watcher: Watcher) -> bool:
    """Whether no port opens for as long as a crash must look like one."""
    return not await watcher.until_open(watcher.start(), seconds=tools.options.crash_silence)


def _rest_of_window(tools: Tools, sighting: Sighting) -> float:
    opened = sighting.opened or sighting.started
    return max(tools.options.interval * 4, tools.options.window - (tools.clock.monotonic() - opened))


def _window(tools: Tools, sighting: Sighting, struck: Struck, gone_at: float | None) -> Window:
    opened = sighting.opened or sighting.started
    ago = timedelta(seconds=tools.clock.monotonic() - opened)
    landed = struck.report is not None and struck.report.verdict in {Verdict.LANDED, Verdict.SENT}
    return Window(
        opened_at=tools.clock.now() - ago,
        opened_after=opened - sighting.started,
        closed_after=None if gone_at is None else gone_at - sighting.started,
        struck_after=struck.at - sighting.started if landed else None,
        channel=struck.channel,
        caught=struck.report is not None,
        first_ports={channel: at - sighting.started for channel, at in sighting.first_open.items()},
    )
