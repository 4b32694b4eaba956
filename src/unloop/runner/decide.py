"""What follows from what was seen: pure functions from a host run's progress to its next step."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from unloop.model.host import Host
from unloop.model.host_run import End, Progress, Rung, Stage, Step, Wait
from unloop.model.options import CampaignOptions
from unloop.model.outcome import Outcome
from unloop.model.power import BootIdentity
from unloop.model.report import REFUSALS, CheckReport, RemedyReport, Verdict
from unloop.runner.cause import Cause, outcome_of

_GONE = frozenset({Verdict.NO_MATCH, Verdict.ALREADY_GOOD})
_SETTLED = {Verdict.NOT_APPLICABLE: Outcome.NOT_APPLICABLE, Verdict.NO_MATCH: Outcome.NO_MATCH}


_WINDOWLESS = frozenset(
    {
        Cause.DOORS_CLOSED,
        Cause.NO_ADDRESS,
        Cause.NO_WAY_IN,
        Cause.NOTHING_ANSWERED,
        Cause.PARKED,
        Cause.SILENT,
    }
)
"""A host that never opens a port can't be told to start into safe mode either."""


_IN_VAIN = frozenset({Cause.IN_USE, Cause.REMEDY_FAILED})
"""What the host refused it would refuse in every other window of the race too."""


def next_rung(progress: Progress, cause: Cause, options: CampaignOptions) -> Rung | None:
    """The rung above, or None at the top of the ladder. Safe mode is for hosts that are known to crash, and have windows."""
    ladder = [Rung(name) for name in options.ladder]
    above = ladder[ladder.index(progress.rung) + 1 :] if progress.rung in ladder else []
    if not progress.broken_evidence or cause in _WINDOWLESS or progress.landed_at is not None:
        above = [rung for rung in above if rung is not Rung.SAFE_MODE]
    if cause in _IN_VAIN and progress.broken_evidence:
        above = [rung for rung in above if rung is not Rung.RACE]
    return above[0] if above else None


def climb(
    progress: Progress, cause: Cause, host: Host, options: CampaignOptions, now: datetime, *, said: str = ""
) -> Step:
    """Go up one rung, or end when only people are left above; ``said`` is what the host said."""
    above, why = next_rung(progress, cause, options), f"{cause}: {said}" if said else str(cause)
    if above is None or above is Rung.HANDS_ON:
        outcome = Outcome.UNVERIFIED if progress.landed_at else outcome_of(cause, host)
        rung = Rung.HANDS_ON if above else progress.rung
        ended = replace(progress, rung=rung, note=why)
        return Step(ended, End(outcome, why), "ended")
    climbed = replace(
        progress, rung=above, stage=Stage.REPAIR, rung_attempts=0, rung_since=now, silent_boots=0, note=why
    )
    return Step(climbed, Wait(0.0), "climbed", {"to": above, "cause": why})


@dataclass(frozen=True, slots=True)
class Seen:
    """Which host answered, and over which channel.

    ``may_have_struck``: an attempt that was cut short may have struck it before; ``leaves_traces``: such a strike would
    have left something in quarantine.
    """

    host: Host
    via: str
    may_have_struck: bool = False
    leaves_traces: bool = False


def after_report(
    progress: Progress,
    report: RemedyReport,
    boot: BootIdentity | None,
    *,
    seen: Seen,
    options: CampaignOptions,
    now: datetime,
) -> Step:
    """What follows when the host answered what the remedy came to."""
    verdict, host = report.verdict, seen.host
    if progress.landed_at and verdict in {Verdict.NO_MATCH, Verdict.ALREADY_GOOD, Verdict.NOT_APPLICABLE}:
        return await_proof(progress, options, now)
    landed = replace(
        progress, landed_at=now, landed_via=seen.via, landed_boot=boot, gone_at=None, proof_boot=None, proof_since=None
    )
    if verdict in {Verdict.LANDED, Verdict.SENT}:
        return await_proof(landed, options, now, event=f"remedy {verdict}")
    if seen.may_have_struck and progress.broken_evidence and verdict in _GONE:
        # Known to crash, and nothing is wrong with it any more: what was cut short may have been our own strike.
        return await_proof(landed, options, now, event="found repaired")
    if seen.may_have_struck and seen.leaves_traces and verdict is Verdict.NO_MATCH:
        doubtful = await_proof(replace(landed, landed_via=""), options, now, event="in doubt")
        note = "an attempt was cut short: its traces are looked for"
        return replace(doubtful, progress=replace(doubtful.progress, note=note))
    if verdict is Verdict.ALREADY_GOOD:
        was_broken = bool(progress.broken_evidence)
        outcome = Outcome.SELF_HEALED if was_broken else Outcome.ALREADY_GOOD
        cause = "seen to be broken earlier, found good now" if was_broken else "found good on the host"
        return Step(replace(progress, note=cause), End(outcome, report.message or cause), "ended")
    if verdict in _SETTLED:
        return Step(progress, End(_SETTLED[verdict], report.message or str(verdict).replace("_", " ")), "ended")
    if verdict in REFUSALS:
        return _after_refusal(progress, report, host, options, now)
    return climb_to_hands(progress, Cause.SUSPICIOUS, host, report.why)


def _after_refusal(
    progress: Progress, report: RemedyReport, host: Host, options: CampaignOptions, now: datetime
) -> Step:
    """Safe mode may help a host that is known to crash; another is watched for a crash first, as long as it may be."""
    cause = Cause.IN_USE if report.verdict is Verdict.IN_USE else Cause.REMEDY_FAILED
    above = next_rung(progress, cause, options)
    if above is Rung.SAFE_MODE:
        return climb(progress, cause, host, options, now, said=report.why)
    if progress.broken_evidence or Rung.SAFE_MODE not in options.ladder:
        return climb_to_hands(progress, cause, host, report.why)
    if above is Rung.RACE:
        return climb(progress, cause, host, options, now, said=report.why)
    since = progress.rung_since
    if progress.rung is Rung.RACE and since and (now - since).total_seconds() < options.observe:
        note = f"{cause}: {report.why}; watched for a crash, after which safe mode may help"
        return Step(replace(progress, note=note), Wait(0.0), "crash awaited", {"cause": note})
    return climb_to_hands(progress, cause, host, report.why)


def climb_to_hands(progress: Progress, cause: Cause, host: Host, message: str = "") -> Step:
    """End where trying again would change nothing."""
    text = f"{cause}: {message}" if message else str(cause)
    return Step(replace(progress, note=text), End(outcome_of(cause, host), text), "ended")


def await_proof(progress: Progress, options: CampaignOptions, now: datetime, *, event: str = "proof awaited") -> Step:
    """Turn to verification."""
    until = now + timedelta(seconds=options.verify)
    note = "the remedy landed; proof on a later boot is awaited"
    waiting = replace(progress, stage=Stage.VERIFY, verify_until=until, silent_boots=0, note=note)
    return Step(waiting, Wait(min(1.0, options.verify_poll)), event, {"via": progress.landed_via})


def after_miss(
    progress: Progress, *, cause: Cause, note: str, host: Host, options: CampaignOptions, now: datetime
) -> Step:
    """What follows a race attempt that caught nothing: the next one, or a climb when the budget is spent."""
    counted = replace(progress, rung_attempts=progress.rung_attempts + 1, note=note)
    if counted.silent_boots >= options.silent_boots:
        return climb(counted, Cause.PARKED, host, options, now)
    if counted.rung_attempts >= options.resets:
        return climb(counted, cause, host, options, now)
    return Step(counted, Wait(0.0), "attempt missed", {"note": note})


def boot_changed(progress: Progress, boot: BootIdentity | None) -> bool | None:
    """Whether the host is in a later boot than the one in which the remedy landed; None when that can't be told."""
    if boot is None or progress.landed_boot is None or boot.source != progress.landed_boot.source:
        return True if progress.gone_at is not None else None
    return boot.value != progress.landed_boot.value


def after_checks(
    progress: Progress,
    checks: tuple[CheckReport, ...],
    boot: BootIdentity | None,
    *,
    up_for: float,
    options: CampaignOptions,
    now: datetime,
) -> Step:
    """What follows a look at a host whose remedy has landed."""
    failed = [check for check in checks if check.holds is False]
    if failed:
        note = f"not proven: {failed[0].check}: {failed[0].message or 'does not hold'}"
        return _not_proven(progress, note, options, now)
    if boot_changed(progress, boot) is not True:
        return _not_proven(progress, "still in the boot in which the remedy landed", options, now)
    unknown = [check.check for check in checks if check.holds is None]
    if unknown:
        return _not_proven(progress, f"could not be asked: {', '.join(unknown)}", options, now)
    if boot is None:
        return _not_proven(progress, "good, but no channel tells in which boot it is", options, now)
    if progress.proof_since is not None and progress.proof_boot != boot and _is_late(progress, now):
        return _not_proven(progress, "good, but in another boot at every look", options, now)
    if progress.proof_boot != boot or progress.proof_since is None:
        proving = replace(progress, proof_boot=boot, proof_since=now, note=f"good; must stay up for {up_for:g} s")
        return Step(proving, Wait(up_for), "proof begun", {"up_for": up_for})
    stayed = (now - progress.proof_since).total_seconds()
    if stayed < up_for:
        return Step(progress, Wait(up_for - stayed), "proof continued", {"stayed": stayed})
    note = f"proven: every check holds, new boot, up for {stayed:.0f} s"
    return Step(replace(progress, note=note), End(Outcome.FIXED, note), "ended")


def _not_proven(progress: Progress, note: str, options: CampaignOptions, now: datetime) -> Step:
    reset = replace(progress, proof_boot=None, proof_since=None, note=note)
    if _is_late(progress, now):
        return Step(reset, End(Outcome.UNVERIFIED, note), "ended")
    return Step(reset, Wait(options.verify_poll), "proof outstanding", {"note": note})


def _is_late(progress: Progress, now: datetime) -> bool:
    """Whether the time that a proof may take is over."""
    return progress.verify_until is not None and now >= progress.verify_until


def after_silence(progress: Progress, host: Host, options: CampaignOptions, now: datetime) -> Step:
    """What follows a look at a host whose remedy has landed and that does not answer."""
    reset = replace(progress, proof_boot=None, proof_since=None, note="the remedy landed; no answer yet")
    if progress.verify_until is None or now < progress.verify_until:
        return Step(reset, Wait(options.verify_poll), "proof outstanding", {"note": reset.note})
    if progress.rung is Rung.RACE and progress.rung_attempts + 1 < options.resets:
        again = replace(reset, stage=Stage.REPAIR, rung_attempts=progress.rung_attempts + 1, silent_boots=0)
        return Step(again, Wait(0.0), "race resumed", {"note": "it did not come back by itself"})
    return climb(reset, Cause.STILL_BROKEN, host, options, now)
