"""Reading what programs print: whole, or an error."""

from datetime import UTC, datetime

import pytest

from unloop.channels.answers import LANDED, parse_boot, parse_checks, parse_report, verification
from unloop.errors import ProtocolError
from unloop.model.order import Check, CheckKind
from unloop.model.report import ActionReport, ActionStatus, CheckReport, FileEvidence, RemedyReport, Verdict

REPORT = (
    'unloop-report {"verdict":"landed","actions":[{"verb":"v","status":"changed","message":"","files":[{"path":"p",'
    '"size":1,"modified":"m","judgement":"match","header":"","sha256":"","moved_to":"q"}]}],"message":""}'
)


def test_report_is_found_among_other_lines() -> None:
    """Banners and blank lines around the report do not matter."""
    evidence = FileEvidence("p", 1, "m", "match", moved_to="q")
    expected = RemedyReport(Verdict.LANDED, (ActionReport("v", ActionStatus.CHANGED, "", (evidence,)),))
    assert expected == parse_report(f"Welcome\r\n{REPORT}\r\nunloop-boot x\r\n")


@pytest.mark.parametrize(
    "output",
    [
        "",
        "unloop-report",
        f"{REPORT}\n{REPORT}",
        REPORT[:-9],
        "unloop-report []",
        'unloop-report {"verdict":"fine","actions":[]}',
        'unloop-report {"verdict":"landed"}',
        'unloop-report {"verdict":"landed","actions":[{"verb":"v","status":"changed","files":[{"path":"p"}]}]}',
    ],
)
def test_missing_or_garbled_report_is_an_error(output: str) -> None:
    """Silence, two reports, half a report or another shape is never success."""
    with pytest.raises(ProtocolError):
        parse_report(output)


def test_checks_are_read_with_unknown_ones() -> None:
    """A check that the host could not answer is unknown, neither true nor false."""
    output = 'unloop-checks [{"check":"a","holds":true,"message":""},{"check":"b","holds":null,"message":"why"}]'
    assert (CheckReport("a", holds=True), CheckReport("b", holds=None, message="why")) == parse_checks(output)


@pytest.mark.parametrize("document", ["{}", '[{"check":"a","holds":1}]', '[{"holds":true}]', "[3]", ""])
def test_garbled_checks_are_an_error(document: str) -> None:
    """Answers of another shape are an error."""
    with pytest.raises(ProtocolError):
        parse_checks(f"unloop-checks {document}")


def test_check_without_an_answer_is_an_error() -> None:
    """Every check that a program can answer must have an answer."""
    checks = (Check(CheckKind.SERVICE_RUNNING, name="x"), Check(CheckKind.UP_FOR, seconds=3))
    with pytest.raises(ProtocolError, match="service_running x"):
        parse_checks("unloop-checks []", checks)


def test_boot_is_optional() -> None:
    """A host that could not name its boot says so with an empty line."""
    assert (parse_boot("unloop-boot\n"), getattr(parse_boot("x\nunloop-boot b1\n"), "value", "")) == (None, "b1")


def test_time_of_landing_is_told_in_the_shells_units() -> None:
    """PowerShell counts ticks since the year 1, sh seconds since 1970."""
    moment = datetime(2024, 7, 19, 4, 9, tzinfo=UTC)
    assert (
        verification(LANDED, "powershell", landed=moment),
        verification(LANDED, "sh", landed=moment),
        verification(LANDED, "sh", landed=None),
    ) == ("638569589400000000", "1721362140", LANDED)
