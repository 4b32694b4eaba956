"""What follows from what was seen: the ladder, budgets, proof, and the outcomes at the end."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from unloop.model.host import Host
from unloop.model.host_run import End, Progress, Rung, Stage, Wait
from unloop.model.options import CampaignOptions
from unloop.model.outcome import Outcome
from unloop.model.power import BootIdentity
from unloop.model.report import CheckReport, RemedyReport, Verdict
from unloop.runner.cause import Cause, outcome_of
from unloop.runner.decide import Seen, after_checks, after_miss, after_report, after_silence, boot_changed, climb

NOW = datetime(2024, 7, 19, 6, 0, tzinfo=UTC)
HOST = Host("ws-1", "127.0.0.2")
OPTIONS = CampaignOptions(resets=3, silent_boots=2, verify=600, verify_poll=10)
RACING = Progress(rung=Rung.RACE, broken_evidence="reported broken")
OLD, NEW = BootIdentity("1", "smb"), BootIdentity("2", "smb")
LANDED = replace(
    RACING,
    stage=Stage.VERIFY,
    landed_at=NOW,
    landed_via="smb",
    landed_boot=OLD,
    verify_until=NOW + timedelta(seconds=600),
)
HOLDS = (CheckReport("file_absent x", True),)


def report(progress: Progress, verdict: Verdict) -> object:
    """What follows when a host answers with this verdict."""
    step = after_report(progress, RemedyReport(verdict), OLD, seen=Seen(HOST, "smb"), options=OPTIONS, now=NOW)
    return step.then.outcome if isinstance(step.then, End) else step.progress.stage


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (Verdict.LANDED, Stage.VERIFY),
        (Verdict.SENT, Stage.VERIFY),
        (Verdict.NO_MATCH, Outcome.NO_MATCH),
        (Verdict.NOT_APPLICABLE, Outcome.NOT_APPLICABLE),
        (Verdict.SUSPICIOUS, Outcome.NEEDS_HANDS),
        (Verdict.FAILED, Outcome.FAILED),
        (Verdict.IN_USE, Outcome.FAILED),
    ],
)
def test_a_verdict_leads_to_its_outcome(verdict: Verdict, expected: object) -> None:
    """Landed is never fixed by itself, and nothing matched is never a success."""
    assert report(RACING, verdict) == expected


def test_found_good_after_it_was_seen_broken_is_self_healed() -> None:
    """Good without our doing is told apart from never broken."""
    untouched = replace(RACING, broken_evidence="")

    assert report(RACING, Verdict.ALREADY_GOOD) is Outcome.SELF_HEALED
    assert report(untouched, Verdict.ALREADY_GOOD) is Outcome.ALREADY_GOOD


def test_not_found_after_our_own_landing_is_never_no_match() -> None:
    """The file that we moved is of course not found again: the proof is awaited."""
    assert report(LANDED, Verdict.NO_MATCH) is Stage.VERIFY


@pytest.mark.parametrize(
    ("verdict", "evidence", "leaves_traces", "expected"),
    [
        (Verdict.NO_MATCH, "reported broken", False, Stage.VERIFY),
        (Verdict.ALREADY_GOOD, "reported broken", False, Stage.VERIFY),
        (Verdict.NO_MATCH, "", False, Outcome.NO_MATCH),
        (Verdict.NO_MATCH, "", True, Stage.VERIFY),
        (Verdict.ALREADY_GOOD, "", True, Outcome.ALREADY_GOOD),
        (Verdict.FAILED, "reported broken", True, Outcome.FAILED),
    ],
)
def test_what_is_gone_after_an_attempt_that_was_cut_short_wants_proof(
    verdict: Verdict, evidence: str, leaves_traces: bool, expected: object
) -> None:
    """A strike without a record may have landed: a host that was broken is proven, of another the traces are sought."""
    seen = Seen(HOST, "smb", may_have_struck=True, leaves_traces=leaves_traces)
    progress = replace(RACING, broken_evidence=evidence)
    step = after_report(progress, RemedyReport(verdict), OLD, seen=seen, options=OPTIONS, now=NOW)

    assert (step.then.outcome if isinstance(step.then, End) else step.progress.stage) == expected


def test_the_race_climbs_when_its_budget_is_spent() -> None:
    """Three resets are permitted, so the third miss ends the race."""
    ends = []
    progress = RACING
    for _ in range(3):
        step = after_miss(progress, cause=Cause.BUDGET_SPENT, note="missed", host=HOST, options=OPTIONS, now=NOW)
        progress = step.progress
        ends.append(step.then.outcome if isinstance(step.then, End) else None)

    assert ends == [None, None, Outcome.NEEDS_HANDS]


def test_silent_boots_in_a_row_mean_parked() -> None:
    """A host that we booted twice and that never opened a port is parked, whatever the budget."""
    silent = replace(RACING, silent_boots=2)
    step = after_miss(silent, cause=Cause.BUDGET_SPENT, note="silent", host=HOST, options=OPTIONS, now=NOW)

    assert step.then == End(Outcome.NEEDS_HANDS, str(Cause.PARKED))


@pytest.mark.parametrize(
    ("cause", "bitlocker", "expected"),
    [
        (Cause.PARKED, True, Outcome.NEEDS_KEY),
        (Cause.PARKED, False, Outcome.NEEDS_HANDS),
        (Cause.SILENT, True, Outcome.UNREACHABLE),
        (Cause.DOORS_CLOSED, False, Outcome.UNREACHABLE),
        (Cause.NOTHING_ANSWERED, False, Outcome.UNREACHABLE),
        (Cause.BMC_MISMATCH, False, Outcome.NEEDS_HANDS),
        (Cause.LOGON_REFUSED, False, Outcome.NEEDS_HANDS),
        (Cause.REMEDY_FAILED, False, Outcome.FAILED),
    ],
)
def test_each_cause_has_its_outcome(cause: Cause, bitlocker: bool, expected: Outcome) -> None:
    """Locked, parked, unreachable and refused are different buckets."""
    assert outcome_of(cause, replace(HOST, bitlocker=bitlocker)) is expected


def test_a_climb_starts_the_next_rung_afresh() -> None:
    """Attempts and silent boots are counted for each rung."""
    looked = Progress(rung=Rung.IN_BAND, rung_attempts=1, silent_boots=1)
    step = climb(looked, Cause.SILENT, HOST, OPTIONS, NOW)

    assert (step.progress.rung, step.progress.rung_attempts, step.progress.silent_boots) == (Rung.RACE, 0, 0)
    assert (step.progress.rung_since, step.then) == (NOW, Wait(0.0))


def test_proof_needs_a_later_boot() -> None:
    """Checks that hold in the boot in which the remedy landed prove nothing."""
    step = after_checks(LANDED, HOLDS, OLD, up_for=60, options=OPTIONS, now=NOW)

    assert (step.then, step.progress.proof_since) == (Wait(10), None)


def test_proof_needs_the_same_boot_for_as_long_as_asked() -> None:
    """Fixed comes only after the second look, in the same later boot."""
    first = after_checks(LANDED, HOLDS, NEW, up_for=60, options=OPTIONS, now=NOW)
    early = after_checks(first.progress, HOLDS, NEW, up_for=60, options=OPTIONS, now=NOW + timedelta(seconds=59))
    done = after_checks(first.progress, HOLDS, NEW, up_for=60, options=OPTIONS, now=NOW + timedelta(seconds=60))

    assert (first.then, early.then) == (Wait(60), Wait(1))
    assert isinstance(done.then, End)
    assert done.then.outcome is Outcome.FIXED


def test_another_boot_between_two_looks_starts_the_proof_again() -> None:
    """A host that rebooted in the meantime was not up for the time asked."""
    first = after_checks(LANDED, HOLDS, NEW, up_for=60, options=OPTIONS, now=NOW)
    third = BootIdentity("3", "smb")
    later = NOW + timedelta(seconds=60)
    step = after_checks(first.progress, HOLDS, third, up_for=60, options=OPTIONS, now=later)

    assert (step.then, step.progress.proof_boot, step.progress.proof_since) == (Wait(60), third, later)


@pytest.mark.parametrize("holds", [False, None])
def test_a_check_that_fails_or_is_unknown_never_proves(holds: bool | None) -> None:
    """At the end of the patience the host is unverified, never fixed."""
    checks = (CheckReport("service_running csagent", holds, "stopped"),)
    late = NOW + timedelta(seconds=600)
    soon = after_checks(LANDED, checks, NEW, up_for=60, options=OPTIONS, now=NOW)
    end = after_checks(LANDED, checks, NEW, up_for=60, options=OPTIONS, now=late)

    assert soon.then == Wait(10)
    assert isinstance(end.then, End)
    assert end.then.outcome is Outcome.UNVERIFIED


def test_boots_are_compared_within_one_source_only() -> None:
    """Two ways of telling a boot can't be compared; a host seen to go down was in another boot afterwards."""
    other = BootIdentity("2", "windows:LastBootUpTime")

    assert [boot_changed(LANDED, boot) for boot in (OLD, NEW, other, None)] == [False, True, None, None]
    assert boot_changed(replace(LANDED, gone_at=NOW), None) is True


def test_an_equal_boot_outranks_that_it_seemed_gone() -> None:
    """A network that failed for a moment is no reboot: the host says that it is in the boot in which it was repaired."""
    seemed_gone = replace(LANDED, gone_at=NOW)

    assert boot_changed(seemed_gone, LANDED.landed_boot) is False
    assert boot_changed(seemed_gone, None) is True


@pytest.mark.parametrize("boot", [None, BootIdentity("3", NEW.source)])
def test_a_proof_that_never_holds_ends_in_time(boot: BootIdentity | None) -> None:
    """Neither a host whose boot can't be told nor one that is in another boot at every look is asked without end."""
    late = NOW + timedelta(seconds=OPTIONS.verify + 1)
    begun = replace(
        LANDED, gone_at=NOW, proof_boot=NEW, proof_since=NOW, verify_until=NOW + timedelta(seconds=OPTIONS.verify)
    )
    step = after_checks(begun, HOLDS, boot, up_for=60, options=OPTIONS, now=late)

    assert isinstance(step.then, End)
    assert step.then.outcome is Outcome.UNVERIFIED


def test_a_silent_host_after_landing_is_raced_again_then_unverified() -> None:
    """Silence after landing is no proof: resets that are left are used, then the outcome says what is known."""
    late = NOW + timedelta(seconds=600)
    again = after_silence(LANDED, HOST, OPTIONS, late)
    spent = after_silence(replace(LANDED, rung_attempts=2), HOST, OPTIONS, late)

    assert (again.progress.stage, again.then) == (Stage.REPAIR, Wait(0.0))
    assert isinstance(spent.then, End)
    assert spent.then.outcome is Outcome.UNVERIFIED
