"""What a host answered when a remedy, an assessment or a verification was carried out on it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Self


class ActionStatus(StrEnum):
    """How one action ended."""

    CHANGED = "changed"
    """The host answered that this very thing was changed."""
    SENT = "sent"
    """The host took the order but did not say what came of it."""
    ALREADY = "already"
    """Nothing to do: the host is already as the action wants it."""
    NO_MATCH = "no_match"
    """Nothing matched: not a success."""
    SUSPICIOUS = "suspicious"
    """Something matched in part; it was left alone and must be looked at."""
    IN_USE = "in_use"
    """The file is held open by another process of the host, or a driver, so it could not be touched."""
    FAILED = "failed"
    """The host refused or broke off; the message says how."""
    UNSUPPORTED = "unsupported"
    """This way can't carry out this action."""


STOPPING = frozenset({ActionStatus.IN_USE, ActionStatus.FAILED, ActionStatus.SUSPICIOUS, ActionStatus.UNSUPPORTED})
"""After these, the actions that follow are not carried out: they were written for a host that took the one before."""


@dataclass(frozen=True, slots=True)
class FileEvidence:
    """One file that an action looked at. ``modified`` is ISO 8601 in UTC; ``moved_to`` is '' when it was not moved."""

    path: str
    size: int
    modified: str
    judgement: str
    header: str = ""
    sha256: str = ""
    moved_to: str = ""


_FILE_KEYS = tuple(one.name for one in fields(FileEvidence))


@dataclass(frozen=True, slots=True)
class ActionReport:
    """How one action ended on one host."""

    verb: str
    status: ActionStatus
    message: str = ""
    files: tuple[FileEvidence, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """JSON types only."""
        files = [{name: getattr(file, name) for name in _FILE_KEYS} for file in self.files]
        return {"verb": self.verb, "status": self.status, "message": self.message, "files": files}


class Verdict(StrEnum):
    """What a whole remedy came to on one host, in one visit."""

    LANDED = "landed"
    """At least one action changed the host and none failed."""
    SENT = "sent"
    """The host took the order; only a later look tells."""
    ALREADY_GOOD = "already_good"
    NOT_APPLICABLE = "not_applicable"
    NO_MATCH = "no_match"
    SUSPICIOUS = "suspicious"
    IN_USE = "in_use"
    """A file is held open, so the remedy can't land while its holder runs."""
    FAILED = "failed"


REFUSALS = frozenset({Verdict.FAILED, Verdict.IN_USE})
"""Verdicts of a host that did not take the remedy, or not all of it."""


@dataclass(frozen=True, slots=True)
class RemedyReport:
    """What a whole remedy came to: the verdict and every action's report."""

    verdict: Verdict
    actions: tuple[ActionReport, ...] = ()
    message: str = ""

    @property
    def why(self) -> str:
        """The message, or that of the action which stopped the remedy."""
        stopped = (report.message for report in self.actions if report.status in STOPPING and report.message)
        return self.message or next(stopped, "")

    def to_json(self) -> dict[str, Any]:
        """JSON types only, for the store."""
        return {
            "verdict": self.verdict,
            "actions": [action.to_json() for action in self.actions],
            "message": self.message,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of to_json; raises KeyError, TypeError or ValueError on a document of another shape."""
        return cls(
            verdict=Verdict(data["verdict"]),
            actions=tuple(_action(item) for item in data["actions"]),
            message=str(data.get("message", "")),
        )

    @classmethod
    def of(cls, actions: tuple[ActionReport, ...]) -> Self:
        """Fold the reports of all actions into one verdict; the worst wins, and 'changed' beats 'already'."""
        return cls(verdict=fold(tuple(report.status for report in actions)), actions=actions)


def fold(statuses: tuple[ActionStatus, ...]) -> Verdict:
    """The verdict over a remedy's actions: failed > in_use > suspicious > landed > sent > no_match > already_good."""
    order = (
        (ActionStatus.FAILED, Verdict.FAILED),
        (ActionStatus.UNSUPPORTED, Verdict.FAILED),
        (ActionStatus.IN_USE, Verdict.IN_USE),
        (ActionStatus.SUSPICIOUS, Verdict.SUSPICIOUS),
        (ActionStatus.CHANGED, Verdict.LANDED),
        (ActionStatus.SENT, Verdict.SENT),
        (ActionStatus.NO_MATCH, Verdict.NO_MATCH),
        (ActionStatus.ALREADY, Verdict.ALREADY_GOOD),
    )
    return next((verdict for status, verdict in order if status in statuses), Verdict.NO_MATCH)


def _action(data: Mapping[str, Any]) -> ActionReport:
    return ActionReport(
        verb=str(data["verb"]),
        status=ActionStatus(data["status"]),
        message=str(data.get("message", "")),
        files=tuple(FileEvidence(**item) for item in data.get("files", ())),
    )


@dataclass(frozen=True, slots=True)
class CheckReport:
    """One verification or assessment check: ``holds`` is None when the host could not be asked (unknown)."""

    check: str
    holds: bool | None
    message: str = ""
