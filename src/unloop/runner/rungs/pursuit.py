"""Pursuing one host for one attempt: reset it where that is due, catch its window, and land what is to land.

Without power control, or without evidence that a reset is due, the host's own crashes are raced instead.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from unloop.model.attempt import AttemptResult
from unloop.model.host_run import HostRun, Progress, Step, Wait
from unloop.model.power import PowerState
from unloop.runner.cause import Cause
from unloop.runner.decide import after_miss, climb, climb_to_hands
from unloop.runner.doors import doors_of
from unloop.runner.landing import Landing
from unloop.runner.logon import credentials_of
from unloop.runner.power import off_by_us, power_state
from unloop.runner.reset import ResetReport, ResetResult, SeenDown, bring_up_owed, reset_host
from unloop.runner.rungs.boot import Boot, Keep, every_endpoint, is_still_down, look_once, observe_boot
from unloop.runner.rungs.notes import all_refused, learned
from unloop.runner.tools import Tools
from unloop.store.progress import Finding, Visit

Reported = Callable[[HostRun, Tools, Progress, Boot], Step]
"""What follows when the host answered in a boot."""

_CAUSES = {
    ResetResult.MISMATCH: Cause.BMC_MISMATCH,
    ResetResult.ROLE: Cause.ROLE_NOT_NAMED,
    ResetResult.NO_BMC: Cause.NOTHING_ANSWERED,
    ResetResult.REFUSED: Cause.ELAPSED,
}
LATER = 1.0
FULL = 5.0
"""Seconds until a host asks again that could not be reset for want of room: each time costs a log-on at its BMC."""
NO_ACCOUNT = 30.0
"""Seconds until it is looked again whether an account may be tried, or a name can be resolved."""
_AGAIN = {
    ResetResult.LATER: ("reset deferred", "reset not permitted now", LATER),
    ResetResult.FULL: ("reset deferred", "reset not permitted now", FULL),
    ResetResult.BUSY: ("reset deferred", "the BMC can't be used now", NO_ACCOUNT),
    ResetResult.LEFT_OFF: ("left off", "interrupted between off and on", LATER),
}
"""Results after which the host is looked at anew: the event, what people are told, and seconds until then."""
ASSUMED = (60.0, 70.0)
"""When a window is due of which nothing is known: what counts is that hosts that are reset together come up together."""


async def pursue(
    run: HostRun,
    tools: Tools,
    landing: Landing,
    reported: Reported,
    *,
    keep: Keep | None = None,
    is_restarting: bool = False,
) -> tuple[Step, Visit]:
    """One attempt: a boot that we cause, or one of the host's own; ``keep`` is told at once what the host answered.

    ``is_restarting``: the host was told to restart and is on its way, so that boot is awaited instead of a reset.
    """
    return await _Pursuit(run, tools, landing, reported, keep, is_restarting).attempt()


@dataclass(frozen=True, slots=True)
class _Pursuit:
    run: HostRun
    tools: Tools
    landing: Landing
    reported: Reported
    keep: Keep | None
    is_restarting: bool

    async def attempt(self) -> tuple[Step, Visit]:
        run, tools = self.run, self.tools
        if all_refused(run.progress, run.host):
            return climb_to_hands(run.progress, Cause.LOGON_REFUSED, run.host), Visit(AttemptResult.REFUSED)
        if run.is_continued and await off_by_us(run, tools):
            return await self._bring_up()
        if not await self._can_be_seen():
            return self._unseen()
        before = await look_once(run, tools, self.landing, keep=self.keep)
        if any(channel in self.landing.shots for channel in before.sighting.first_open):
            return self._own_boot(before)
        if self.is_restarting:
            return await self._await_restart()
        if not before.sighting.is_down or not self._may_reset():
            return await self._observe_unreset(is_up=before.was_open)
        return await self._reset_when_due(SeenDown(tools.clock.monotonic(), partial(is_still_down, run, tools)))

    async def _reset_when_due(self, seen: SeenDown) -> tuple[Step, Visit]:
        run, tools = self.run, self.tools
        hindrance = await self._hindrance()
        if hindrance:
            return self._deferred(f"nobody could log on: {hindrance}")
        delay = self._put_off()
        if delay:
            note = "the reset waits until its window can be served"
            return Step(replace(run.progress, note=note), Wait(delay), "reset paced", {"seconds": delay}), Visit()
        report = await reset_host(run, tools, attempt=run.progress.attempt, seen=seen)
        if report.result is ResetResult.BUSY and self._spent() > tools.options.elapsed:
            report = replace(report, result=ResetResult.NO_BMC)
        if report.result in _AGAIN or report.result is ResetResult.CALLED_OFF:
            return self._again(report)
        if report.result in _CAUSES:
            return await self._without_power(report)
        return await self._after_reset(report)

    async def _bring_up(self) -> tuple[Step, Visit]:
        """The host may be off by our hand, and nothing else is done before it is on; that is tried for ever."""
        report = await bring_up_owed(self.run, self.tools)
        return await self._after_reset(report) if report.result is ResetResult.OBSERVED else self._again(report)

    def _again(self, report: ResetReport) -> tuple[Step, Visit]:
        """The host is looked at anew in the same attempt; where no boot was caused at all, that attempt is spent."""
        run, tools = self.run, self.tools
        if report.result is ResetResult.CALLED_OFF:
            note, cause, now = f"no reset: {report.detail}", Cause.BUDGET_SPENT, tools.clock.now()
            step = after_miss(run.progress, cause=cause, note=note, host=run.host, options=tools.options, now=now)
            return step, Visit(AttemptResult.MISSED, report.detail)
        event, note, wait = _AGAIN[report.result]
        progress = replace(run.progress, note=f"{note}: {report.detail}")
        return Step(progress, Wait(wait), event, {"why": report.detail}), Visit()

    def _spent(self) -> float:
        """Seconds for which the host has been on this rung."""
        now = self.tools.clock.now()
        return (now - (self.run.progress.rung_since or now)).total_seconds()

    async def _can_be_seen(self) -> bool:
        """Whether any door of the host has an address; with no door at all there is nothing to resolve."""
        endpoints = every_endpoint(self.run, self.landing)
        return not endpoints or bool(await doors_of(endpoints))

    def _unseen(self) -> tuple[Step, Visit]:
        """Names may be known again in a while; not for ever."""
        run, tools = self.run, self.tools
        if self._spent() <= tools.options.observe:
            return self._deferred("nobody could see the host come up: its address can't be resolved")
        step = climb(run.progress, Cause.NO_ADDRESS, run.host, tools.options, tools.clock.now())
        return step, Visit(AttemptResult.SILENT, str(Cause.NO_ADDRESS))

    def _deferred(self, why: str) -> tuple[Step, Visit]:
        note = f"no reset while {why}"
        return Step(replace(self.run.progress, note=note), Wait(NO_ACCOUNT), "reset deferred", {"why": note}), Visit()

    async def _hindrance(self) -> str:
        """Why a reset would be for nothing: no account may be tried for now. After the budget of time it goes ahead."""
        run, tools = self.run, self.tools
        if run.host.bmc is None:
            return ""
        if self._spent() > tools.options.elapsed:
            return ""
        endpoints = self.landing.endpoints or run.host.endpoints
        found = [one for endpoint in endpoints for one in credentials_of(tools, run.host, endpoint)]
        return await tools.gate.hindrance(found)

    def _put_off(self) -> float:
        """For how long the reset is put off, so that no more windows open at once than can be served."""
        run, tools = self.run, self.tools
        if run.host.bmc is None:
            return 0.0
        profile = tools.profiles.of(run.host.name, run.host.model)
        due = (profile.due() if profile else None) or ASSUMED
        delay = tools.pacer.delay(run.id, now=tools.clock.monotonic(), due=due)
        return delay if delay >= LATER else 0.0

    def _may_reset(self) -> bool:
        return bool(self.run.progress.broken_evidence) or self.tools.options.reset_silent

    def _own_boot(self, boot: Boot) -> tuple[Step, Visit]:
        """The host was up when we came, so nothing was reset: its own boot is the attempt."""
        detail = boot.salvo.summary
        visit = Visit(boot.result(), detail or "up without a reset", boot.windows, boot.findings())
        return self._fold(boot, PowerState.ON), visit

    async def _await_restart(self) -> tuple[Step, Visit]:
        """A forced reset now could undo what the host has just written, such as where it is to start."""
        seconds = self.tools.options.watch
        boot = await observe_boot(self.run, self.tools, self.landing, seconds=seconds, keep=self.keep)
        detail = boot.salvo.summary if boot.was_open else f"no port opened within {seconds:g} s of its restart"
        return self._fold(boot, None), Visit(boot.result(), detail, boot.windows, boot.findings())

    async def _after_reset(self, report: ResetReport) -> tuple[Step, Visit]:
        seconds = self.tools.options.watch
        boot = await observe_boot(self.run, self.tools, self.landing, seconds=seconds, boots=True, keep=self.keep)
        state = PowerState.ON if boot.was_open else await power_state(self.run, self.tools)
        detail = boot.salvo.summary if boot.was_open else f"no port opened; the BMC says {state or 'nothing'}"
        reset = Finding("reset", {"result": report.result, "detail": report.detail})
        return self._fold(boot, state), Visit(boot.result(), detail, boot.windows, (reset, *boot.findings()))

    def _fold(self, boot: Boot, state: PowerState | None) -> Step:
        run, options, now = self.run, self.tools.options, self.tools.clock.now()
        progress = learned(run.progress, boot, now)
        if not boot.was_open:
            progress = replace(progress, silent_boots=progress.silent_boots + (state is PowerState.ON))
            note = f"no port opened within {options.watch:g} s of its boot"
            return after_miss(progress, cause=Cause.PARKED, note=note, host=run.host, options=options, now=now)
        if boot.report is not None:
            return self.reported(run, self.tools, progress, boot)
        if all_refused(progress, run.host):
            return climb_to_hands(progress, Cause.LOGON_REFUSED, run.host, boot.salvo.summary)
        progress = replace(progress, silent_boots=0)
        if self._is_hopeless():
            return climb(progress, Cause.WINDOW_TOO_SHORT, run.host, options, now)
        note = boot.salvo.summary or "the window closed before a strike could land"
        return after_miss(progress, cause=Cause.BUDGET_SPENT, note=note, host=run.host, options=options, now=now)

    def _is_hopeless(self) -> bool:
        """Whether this host's windows have all been shorter than the fastest landing anywhere."""
        profiles, host = self.tools.profiles, self.run.host
        own = profiles.own(host.name)
        return own is not None and own.is_too_short(profiles.fastest_landing(tuple(self.landing.shots)))

    async def _without_power(self, report: ResetReport) -> tuple[Step, Visit]:
        step, visit = await self._observe(_CAUSES[report.result], self.tools.options.elapsed)
        reset = Finding("reset", {"result": report.result, "detail": report.detail})
        return step, replace(visit, findings=(reset, *visit.findings))

    async def _observe_unreset(self, *, is_up: bool) -> tuple[Step, Visit]:
        """Watch a host that is not reset now: it is up, or could not be judged, or nothing shows that it crash-loops.

        One that is known to crash is watched for as long as one without power control: it is merely not down just now.
        """
        options, is_known = self.tools.options, self._may_reset()
        cause = Cause.NO_WAY_IN if is_up else Cause.NOT_DOWN if is_known else Cause.SILENT
        return await self._observe(cause, options.elapsed if is_known else options.observe)

    async def _observe(self, cause: Cause, budget: float) -> tuple[Step, Visit]:
        """Race the host's own crashes for as long as the budget lasts."""
        run, tools = self.run, self.tools
        seconds = min(tools.options.watch, budget)
        boot = await observe_boot(run, tools, self.landing, seconds=seconds, keep=self.keep)
        detail = boot.salvo.summary if boot.was_open else "no port opened"
        visit = Visit(boot.result(), detail, boot.windows, boot.findings())
        progress = learned(run.progress, boot, tools.clock.now())
        if boot.report is not None:
            return self.reported(run, tools, progress, boot), visit
        return self._after_own_crash(boot, progress, cause, budget), visit

    def _after_own_crash(self, boot: Boot, progress: Progress, cause: Cause, budget: float) -> Step:
        run, now = self.run, self.tools.clock.now()
        if all_refused(progress, run.host):
            return climb_to_hands(progress, Cause.LOGON_REFUSED, run.host)
        if self._spent() < budget and not boot.sighting.is_closed:
            return Step(progress, Wait(0.0), "observed", {"crashed": boot.crashed})
        if progress.broken_evidence and not run.progress.broken_evidence and run.host.bmc is not None:
            return Step(progress, Wait(0.0), "crash seen")
        if boot.sighting.is_closed:
            cause = Cause.DOORS_CLOSED
        elif cause is Cause.NOTHING_ANSWERED and progress.broken_evidence and boot.was_open:
            cause = Cause.ELAPSED
        return climb(progress, cause, run.host, self.tools.options, now)
