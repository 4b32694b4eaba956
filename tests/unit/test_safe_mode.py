"""Safe mode: whom it is offered, what is ordered, what a note of bcdedit says, and when a host climbs there."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from unloop.channels.safe_boot import NOTE, SERVICE, change_flag, clear_flag, flag_in, set_flag
from unloop.errors import AccessDenied, Changed, ChannelError, ProtocolError
from unloop.model.files import Disposition, FileOrder
from unloop.model.host import Endpoint, Host, Role, System
from unloop.model.host_run import End, HostRun, Progress, Rung, Stage
from unloop.model.options import CampaignOptions
from unloop.model.order import Order, Shell
from unloop.model.outcome import Outcome
from unloop.model.report import ActionReport, ActionStatus, RemedyReport, Verdict
from unloop.model.state import State
from unloop.runner.cause import Cause
from unloop.runner.decide import Seen, after_report, climb, next_rung
from unloop.runner.ladder import rungs_for, why_no_safe_mode
from unloop.runner.safe_boot import mode_of, safe_endpoint

NOW = datetime(2024, 7, 19, 6, 0, tzinfo=UTC)
LADDER = ("in_band", "race", "safe_mode", "hands_on")
OPTIONS = CampaignOptions(ladder=LADDER, resets=1)
FILES = Order("0", files=(FileOrder("quarantine_file", Disposition.QUARANTINE, "C:\\x\\*.sys"),))
PROGRAM = Order("0", programs={Shell.POWERSHELL: "…"})
SMB = Endpoint("smb", "127.0.0.2", credentials=("admin",))
WINRM = Endpoint("winrm", "127.0.0.2", credentials=("admin",))
HOST = Host("ws-1", "127.0.0.2", endpoints=(SMB, WINRM))
CONTROLLER = replace(HOST, role=Role.DOMAIN_CONTROLLER, dsrm_credentials=("dsrm",))
RACING = Progress(rung=Rung.RACE, broken_evidence="reported broken")

NORMAL = """
Windows Boot Loader
-------------------
identifier              {current}
device                  partition=C:
path                    \\Windows\\system32\\winload.efi
description             Windows Server 2022
"""
SAFE = NORMAL + "safeboot                Network\r\n"
DENIED = "The boot configuration data store could not be opened.\nAccess is denied.\n"


@pytest.mark.parametrize(("note", "flag"), [(NORMAL, ""), (SAFE, "network"), (DENIED, None), ("", None)])
def test_a_note_tells_the_flag_or_that_it_tells_nothing(note: str, flag: str | None) -> None:
    """An error message of bcdedit is no boot entry without a flag."""
    assert flag_in(note) == flag


class Recorder:
    """A channel that takes commands and holds the note that a host would write."""

    def __init__(self, note: str) -> None:
        self.commands: list[str] = []
        self.deleted: list[str] = []
        self._note = note

    def run_service_command(self, command_line: str, *, name: str = "") -> None:
        """Take a command of the service that is registered for safe mode."""
        assert name == SERVICE
        self.commands.append(command_line)

    def read(self, path: str, *, limit: int) -> bytes:
        """The note."""
        return self._note.encode()[:limit] if path == NOTE else b""

    def delete(self, path: str) -> None:
        """Forget a file."""
        self.deleted.append(path)


def test_the_flag_counts_as_set_when_the_host_shows_it() -> None:
    """One command sets the flag and notes the boot entry; the note is read and taken away."""
    host = Recorder(SAFE)
    change_flag(host, "network")  # type: ignore[arg-type]

    assert (host.commands, host.deleted) == ([set_flag("network")], [NOTE])


@pytest.mark.parametrize(("mode", "note"), [("network", NORMAL), ("", SAFE), ("dsrepair", SAFE), ("network", DENIED)])
def test_a_flag_that_the_host_does_not_show_is_an_error(mode: str, note: str) -> None:
    """Neither silence nor another flag counts as done."""
    with pytest.raises(ProtocolError, match="after the order"):
        change_flag(Recorder(note), mode)  # type: ignore[arg-type]


def test_what_fails_after_the_order_may_have_set_the_flag() -> None:
    """The note can't be read: the flag may be set all the same, so it stays owed."""

    class Denying(Recorder):
        def read(self, path: str, *, limit: int) -> bytes:
            raise AccessDenied(path)

    with pytest.raises(ChannelError) as caught:
        change_flag(Denying(SAFE), "network")  # type: ignore[arg-type]
    assert caught.value.changed is Changed.MAYBE


def test_the_commands_name_the_default_entry_and_the_running_one() -> None:
    """A host that is in safe mode gets out of it also where its entry is not the default."""
    assert "/set {default} safeboot dsrepair" in set_flag("dsrepair")
    assert all(f"/deletevalue {entry} safeboot" in clear_flag() for entry in ("{default}", "{current}"))


def test_the_service_that_takes_the_flag_off_is_registered_before_the_flag_is_set() -> None:
    """A host whose registry refuses the registration is not sent into a safe mode that it could not leave."""
    registering, _, setting = set_flag("network").partition(" && ")

    assert f"SafeBoot\\Network\\{SERVICE} /ve /d Service" in registering
    assert setting.startswith("bcdedit.exe /set {default} safeboot network")


@pytest.mark.parametrize(
    ("host", "order", "options", "why"),
    [
        (HOST, FILES, OPTIONS, ""),
        (replace(HOST, system=System.LINUX), FILES, OPTIONS, "Windows"),
        (replace(HOST, endpoints=(WINRM,)), FILES, OPTIONS, "no channel"),
        (replace(HOST, endpoints=(replace(SMB, credentials=()), WINRM)), FILES, OPTIONS, "no channel"),
        (HOST, PROGRAM, OPTIONS, "can't carry"),
        (CONTROLLER, FILES, OPTIONS, "dsrepair"),
        (replace(CONTROLLER, dsrm_credentials=()), FILES, replace(OPTIONS, dsrepair=True), "DSRM"),
        (CONTROLLER, FILES, replace(OPTIONS, dsrepair=True), ""),
    ],
)
def test_safe_mode_is_offered_only_where_it_can_be_done_and_undone(
    host: Host, order: Order, options: CampaignOptions, why: str
) -> None:
    """Without a way to set the flag, or to log on in that mode, the rung is not in the host's ladder."""
    found = why_no_safe_mode(host, order, options)

    assert (why in found, bool(found)) == (True, bool(why))
    assert (Rung.SAFE_MODE in rungs_for(host, order, options)) is not bool(why)


@pytest.mark.parametrize(
    ("progress", "cause", "above"),
    [
        (RACING, Cause.BUDGET_SPENT, Rung.SAFE_MODE),
        (RACING, Cause.REMEDY_FAILED, Rung.SAFE_MODE),
        (replace(RACING, rung=Rung.IN_BAND), Cause.IN_USE, Rung.SAFE_MODE),
        (replace(RACING, rung=Rung.IN_BAND), Cause.NO_ANSWER, Rung.RACE),
        (replace(RACING, rung=Rung.IN_BAND, broken_evidence=""), Cause.IN_USE, Rung.RACE),
        (RACING, Cause.PARKED, Rung.HANDS_ON),
        (replace(RACING, broken_evidence=""), Cause.BUDGET_SPENT, Rung.HANDS_ON),
        (replace(RACING, landed_at=NOW), Cause.STILL_BROKEN, Rung.HANDS_ON),
        (replace(RACING, rung=Rung.SAFE_MODE), Cause.BUDGET_SPENT, Rung.HANDS_ON),
    ],
)
def test_only_a_crashing_host_with_windows_climbs_to_safe_mode(progress: Progress, cause: Cause, above: Rung) -> None:
    """A parked host can't be told to start into safe mode, and a healthy one is never sent there."""
    assert next_rung(progress, cause, OPTIONS) is above


@pytest.mark.parametrize("verdict", [Verdict.FAILED, Verdict.IN_USE])
def test_a_remedy_that_the_host_refused_is_tried_again_in_safe_mode(verdict: Verdict) -> None:
    """A file that a running driver holds can be moved where the driver is not loaded; there a refusal is the end."""
    refused = RemedyReport(verdict, (ActionReport("quarantine_file", ActionStatus.IN_USE, "x.sys: in use"),))
    climbed = after_report(RACING, refused, None, seen=Seen(HOST, "smb"), options=OPTIONS, now=NOW)
    again = after_report(climbed.progress, refused, None, seen=Seen(HOST, "smb"), options=OPTIONS, now=NOW)

    assert (climbed.progress.rung, climbed.progress.stage) == (Rung.SAFE_MODE, Stage.REPAIR)
    assert isinstance(again.then, End)
    assert again.then.outcome is Outcome.FAILED


def test_a_file_in_use_ends_the_race_after_one_window_and_says_why() -> None:
    """No number of resets lets go of it: the climb names the file, and why the other resets are not spent."""
    held = RemedyReport(Verdict.IN_USE, (ActionReport("quarantine_file", ActionStatus.IN_USE, "x.sys: in use"),))
    options = replace(OPTIONS, resets=15)
    step = after_report(RACING, held, None, seen=Seen(HOST, "smb"), options=options, now=NOW)
    cause = f"{Cause.IN_USE}: x.sys: in use"

    assert (step.event, step.detail) == ("climbed", {"to": Rung.SAFE_MODE, "cause": cause})
    assert step.progress.note == cause


def test_a_host_that_is_not_known_to_crash_is_watched_for_a_crash_first() -> None:
    """A held file alone sends nobody into safe mode; what shows no crash in the time allowed ends as refused."""
    held = RemedyReport(Verdict.IN_USE, (ActionReport("quarantine_file", ActionStatus.IN_USE, "x.sys: in use"),))
    unknown = Progress(rung=Rung.IN_BAND, rung_since=NOW)
    seen, late = Seen(HOST, "smb"), NOW + timedelta(seconds=OPTIONS.observe)

    climbed = after_report(unknown, held, None, seen=seen, options=OPTIONS, now=NOW)
    watched = after_report(climbed.progress, held, None, seen=seen, options=OPTIONS, now=NOW)
    crashing = replace(watched.progress, broken_evidence="seen to go down")
    known = after_report(crashing, held, None, seen=seen, options=OPTIONS, now=NOW)
    given_up = after_report(watched.progress, held, None, seen=seen, options=OPTIONS, now=late)

    assert [step.progress.rung for step in (climbed, watched, known)] == [Rung.RACE, Rung.RACE, Rung.SAFE_MODE]
    assert (watched.event, watched.progress.rung_attempts) == ("crash awaited", 0)
    assert isinstance(given_up.then, End)
    assert given_up.then == End(Outcome.FAILED, f"{Cause.IN_USE}: x.sys: in use")


def test_climbing_past_safe_mode_keeps_the_cause() -> None:
    """A parked host ends as parked, not as one that safe mode could not help."""
    step = climb(RACING, Cause.PARKED, HOST, OPTIONS, NOW)

    assert step.then == End(Outcome.NEEDS_HANDS, str(Cause.PARKED))


def test_a_domain_controller_is_reached_as_dsrm_in_safe_mode_only() -> None:
    """Setting the flag takes the usual account; in repair mode only DSRM's logs on."""
    run = _run(Stage.REPAIR)

    assert (mode_of(HOST), mode_of(CONTROLLER)) == ("network", "dsrepair")
    assert safe_endpoint(run, SMB).credentials == ("admin",)
    assert safe_endpoint(_run(Stage.SAFE_BOOT), SMB).credentials == ("dsrm",)


def _run(stage: Stage) -> HostRun:

    progress = replace(RACING, rung=Rung.SAFE_MODE, stage=stage)
    return HostRun(1, "c1", CONTROLLER, 0, State.WORKING, progress)
