"""Watching one boot of one host and striking in its window: what in_band and race have in common."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from unloop.model.attempt import AttemptResult, StrikeRecord, Window
from unloop.model.host import Endpoint
from unloop.model.host_run import HostRun
from unloop.model.report import RemedyReport, Verdict
from unloop.race.rhythm import Rhythm
from unloop.race.sighting import Sighting
from unloop.race.watch import Door, Opened, Watch
from unloop.runner.doors import doors_of
from unloop.runner.landing import Landing
from unloop.runner.salvo import fire_all
from unloop.runner.strike import Salvo, Struck
from unloop.runner.tools import Tools
from unloop.store.progress import Finding

Keep = Callable[[Struck], Awaitable[bool]]
"""Told of the strike whose report counts while the host is still watched; whether it has written the report down."""
PING = "ping"
"""The name of the first sign that is no channel's."""


@dataclass(frozen=True, slots=True)
class Boot:
    """What one watched boot came to. ``crashed`` is true when the host went away and stayed away for the time asked."""

    sighting: Sighting
    salvo: Salvo = field(default_factory=Salvo)
    windows: tuple[Window, ...] = ()
    gone: bool = False
    crashed: bool = False
    is_kept: bool = False
    """What the host answered has been written down already."""

    @property
    def struck(self) -> Struck | None:
        """The strike whose report counts."""
        return self.salvo.best

    @property
    def report(self) -> RemedyReport | None:
        """What the host answered, if it did."""
        return self.struck.report if self.struck else None

    @property
    def was_open(self) -> bool:
        """Whether any port ever opened."""
        return self.sighting.opened is not None

    def findings(self) -> tuple[Finding, ...]:
        """The evidence that this boot leaves, unless it has been written down already."""
        if self.struck is None or self.report is None or self.is_kept:
            return ()
        return (Finding("remedy", self.report.to_json(), self.struck.channel),)

    def result(self) -> AttemptResult:
        """How the attempt that was this boot ended."""
        if not self.was_open:
            return AttemptResult.SILENT
        if self.report is None:
            return AttemptResult.MISSED
        landed = {Verdict.LANDED: AttemptResult.LANDED, Verdict.SENT: AttemptResult.SENT}
        return landed.get(self.report.verdict, AttemptResult.JUDGED)


async def look_once(run: HostRun, tools: Tools, landing: Landing, *, keep: Keep | None = None) -> Boot:
    """Look before a reset: a host that is up is struck, never reset, and nothing but silence on every door is down.

    One of which that can't be told yet, and which is not seen to be up with its doors closed, is looked at for longer.
    """
    first = await observe_boot(run, tools, landing, seconds=tools.options.look, is_look=True, keep=keep)
    if first.was_open or first.sighting.is_down or first.sighting.is_closed:
        return first
    return await observe_boot(run, tools, landing, seconds=tools.options.watch, is_look=True, keep=keep)


def every_endpoint(run: HostRun, landing: Landing) -> tuple[Endpoint, ...]:
    """Where something can land, and then the other doors of the host: they show as well that it is up."""
    others = (one for one in run.host.endpoints if one.channel not in landing.shots)
    return (*landing.endpoints, *others)


async def is_still_down(run: HostRun, tools: Tools) -> bool:
    """Look once more, just before the host is ordered off: whether it keeps silent on every door."""
    doors = await doors_of(run.host.endpoints)
    return await _is_down(tools, doors)


async def _is_down(tools: Tools, doors: Mapping[str, Door]) -> bool:
    async with Watch(tools.prober, doors, _looking(tools), pinger=tools.pinger, is_look=True) as watch:
        opened = await watch.next_open(until=watch.sighting.started + tools.options.look)
        if opened is not None:
            opened.sock.close()
        return opened is None and watch.sighting.is_down


async def observe_boot(
    run: HostRun,
    tools: Tools,
    landing: Landing,
    *,
    seconds: float,
    boots: bool = False,
    is_look: bool = False,
    keep: Keep | None = None,
) -> Boot:
    """Watch for the first open port, strike at once, then watch until the host is gone or stays up.

    ``boots``: a boot begins now, so that what is known of the host's boots says when to look. ``is_look``: it is over when
    the host is seen to be down. ``keep`` is told what the host answered at once: watching it until it is gone may take
    minutes, in which this process may die.
    """
    doors = await doors_of(every_endpoint(run, landing))
    ordered, rhythm = (doors, _looking(tools)) if is_look else _expectation(run, tools, doors, boots=boots)
    await asyncio.gather(*(shot.prepare() for shot in landing.shots.values()))
    loop = asyncio.get_running_loop()
    async with Watch(tools.prober, ordered, rhythm, pinger=tools.pinger, is_look=is_look) as watch:
        sighting = watch.sighting
        first = await _first_of(watch, landing, until=sighting.started + seconds)
        if first is None:
            return Boot(sighting)
        window_end = loop.time() + tools.options.window
        by = loop.time() + tools.profiles.shortest(run.host.name, run.host.model)
        salvo = await fire_all(watch, landing, first, tools.turns, by=by, until=window_end)
        is_kept = keep is not None and salvo.best is not None and await keep(salvo.best)
        if salvo.best is not None and not landing.watches_crash:
            return Boot(sighting, salvo, (_window(tools, sighting, salvo, None),), is_kept=is_kept)
        gone_at = await watch.until_gone(until=max(window_end, loop.time() + 4 * rhythm.warm))
    window = _window(tools, sighting, salvo, gone_at)
    tools.profiles.learn(run.host.name, run.host.model, (window,), is_caused=boots)
    crashed = gone_at is not None and (bool(run.progress.broken_evidence) or await _stays_silent(tools, doors, rhythm))
    return Boot(sighting, salvo, (window,), gone=gone_at is not None, crashed=crashed, is_kept=is_kept)


async def _first_of(watch: Watch, landing: Landing, *, until: float) -> Opened | None:
    """The first door to open on which something can be fired."""
    while (opened := await watch.next_open(until=until)) is not None and opened.channel not in landing.shots:
        opened.sock.close()
    return opened


def _expectation(
    run: HostRun, tools: Tools, doors: Mapping[str, Door], *, boots: bool
) -> tuple[dict[str, Door], Rhythm]:
    """The doors in the order in which they are expected to open, and how densely to look when."""
    options = tools.options
    profile = tools.profiles.of(run.host.name, run.host.model) if boots else None
    if profile is None:
        return dict(doors), Rhythm(hot=options.hot, warm=options.interval, cold=options.cold)
    ordered = {channel: doors[channel] for channel in profile.order(tuple(doors))}
    return ordered, Rhythm(hot=options.hot, warm=options.interval, cold=options.cold, due=profile.due())


def _looking(tools: Tools) -> Rhythm:
    """Every door alike: a host is down when all of them are silent."""
    options = tools.options
    return Rhythm(hot=options.hot, warm=options.interval, cold=options.interval)


async def _stays_silent(tools: Tools, doors: Mapping[str, Door], rhythm: Rhythm) -> bool:
    """Whether no port opens for as long as a crash must look like one."""
    async with Watch(tools.prober, doors, rhythm) as watch:
        opened = await watch.next_open(until=watch.sighting.started + tools.options.crash_silence)
        if opened is None:
            return True
        opened.sock.close()
        return False


def _has_landed(salvo: Salvo) -> bool:
    best = salvo.best
    return best is not None and best.report is not None and best.report.verdict in {Verdict.LANDED, Verdict.SENT}


def _first_signs(sighting: Sighting) -> dict[str, float]:
    """When each port opened, and the host first answered a ping, after the start."""
    signs = {channel: at - sighting.started for channel, at in sighting.first_open.items()}
    return signs if sighting.pinged is None else {PING: sighting.pinged - sighting.started, **signs}


def _window(tools: Tools, sighting: Sighting, salvo: Salvo, gone_at: float | None) -> Window:
    opened = sighting.opened or sighting.started
    ago = timedelta(seconds=asyncio.get_running_loop().time() - opened)
    best, start = salvo.best, sighting.started
    first = min(sighting.first_open, key=sighting.first_open.__getitem__, default="")
    return Window(
        opened_at=tools.clock.now() - ago,
        opened_after=opened - start,
        closed_after=None if gone_at is None else gone_at - start,
        struck_after=best.ended - start if best is not None and _has_landed(salvo) else None,
        channel=best.channel if best is not None else "",
        caught=best is not None,
        first_ports=_first_signs(sighting),
        lag=sighting.lag.get(first),
        strikes=tuple(
            StrikeRecord(struck.channel, struck.began - start, struck.ended - start, struck.came_to, struck.step)
            for struck in salvo.strikes
        ),
    )
