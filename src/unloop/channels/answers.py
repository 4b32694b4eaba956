"""Read what the programs print: one ``unloop-report`` or ``unloop-checks`` line, whole. Silence is never success."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from unloop.errors import ProtocolError
from unloop.model.order import Check, CheckKind
from unloop.model.power import BootIdentity
from unloop.model.report import CheckReport, RemedyReport

LANDED = "@unloop-landed@"
"""Stands in a verification program for the time at which the remedy landed; see verification()."""

JUDGED_BY_TIME = frozenset({CheckKind.BOOT_CHANGED, CheckKind.UP_FOR})
"""Checks that no program answers: whoever compares boots over time does."""

SHELL_EPOCHS: Mapping[str, datetime] = {
    "powershell": datetime(1, 1, 1, tzinfo=UTC),
    "sh": datetime(1970, 1, 1, tzinfo=UTC),
}


def parse_report(output: str) -> RemedyReport:
    """The report that a remedy program printed; raises ProtocolError when it is missing, doubled or garbled."""
    try:
        return RemedyReport.from_json(_document(output, "unloop-report"))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ProtocolError(f"the unloop-report line has another shape: {error!r}") from error


def parse_checks(output: str, checks: tuple[Check, ...] = ()) -> tuple[CheckReport, ...]:
    """The answers that a verification program printed; each of ``checks`` that a program can answer must have one."""
    document = _document(output, "unloop-checks")
    if not isinstance(document, list):
        raise ProtocolError("the unloop-checks line is no list")
    try:
        answers = tuple(_check(item) for item in document)
    except (KeyError, TypeError, ValueError) as error:
        raise ProtocolError(f"the unloop-checks line has another shape: {error!r}") from error
    answered = {answer.check for answer in answers}
    missing = [str(check) for check in checks if check.kind not in JUDGED_BY_TIME and str(check) not in answered]
    if missing:
        raise ProtocolError(f"the host left checks without an answer: {', '.join(missing)}")
    return answers


def parse_boot(output: str) -> BootIdentity | None:
    """The boot that a program named, None when it could not. Only comparable with what another program named."""
    for line in output.splitlines():
        word, _, value = line.strip().partition(" ")
        if word == "unloop-boot" and value.strip():
            return BootIdentity(value=value.strip(), source="program")
    return None


def verification(program: str, shell: str, *, landed: datetime | None) -> str:
    """A verification program with the time at which the remedy landed; None: the program looks at this boot alone."""
    if landed is None:
        return program
    since = landed - SHELL_EPOCHS[shell]
    units = since // timedelta(seconds=1) if shell == "sh" else since // timedelta(microseconds=1) * 10
    return program.replace(LANDED, str(units))


def _document(output: str, word: str) -> Any:
    lines = [line.strip() for line in output.splitlines()]
    found = [line[len(word) + 1 :] for line in lines if line.startswith(word + " ")]
    if len(found) != 1:
        raise ProtocolError(f"the host printed {len(found)} {word} lines instead of one")
    try:
        return json.loads(found[0])
    except ValueError as error:
        raise ProtocolError(f"the {word} line is garbled: {error}") from error


def _check(item: Mapping[str, Any]) -> CheckReport:
    holds = item["holds"]
    if holds is not None and not isinstance(holds, bool):
        raise ValueError(f"holds is {holds!r}")
    return CheckReport(check=str(item["check"]), holds=holds, message=str(item.get("message", "")))
