"""One host's way through one campaign: the record that the store keeps and every decision reads."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from unloop.model.host import Host
from unloop.model.outcome import Outcome
from unloop.model.power import BootIdentity
from unloop.model.state import State


class Rung(StrEnum):
    """The ways up, in their usual order."""

    IN_BAND = "in_band"
    RACE = "race"
    SAFE_MODE = "safe_mode"
    HANDS_ON = "hands_on"


class Stage(StrEnum):
    """What the current rung does next."""

    REPAIR = "repair"
    SAFE_BOOT = "safe_boot"
    """Repair the host in the safe mode into which its next boot goes."""
    VERIFY = "verify"
    CLOSE = "close"
    """Its outcome is decided; it ends when it has paid what it owes."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What is known of a host run so far. Every field is a column; decisions are functions from one to the next.

    ``attempt`` numbers every attempt of the host run, on whatever rung; ``rung_attempts`` counts those of this rung.
    ``broken_evidence`` says why we believe that the host crash-loops ('' when nothing shows it). ``silent_boots`` counts
    boots we caused in which no port ever opened. ``landed_boot`` is the boot in which the remedy landed, ``proof_boot``
    the later one that is being watched. Times are aware, in UTC.
    """

    rung: Rung
    stage: Stage = Stage.REPAIR
    attempt: int = 0
    rung_attempts: int = 0
    rung_since: datetime | None = None
    broken_evidence: str = ""
    silent_boots: int = 0
    refused_channels: str = ""
    slow_channels: str = ""
    landed_at: datetime | None = None
    landed_via: str = ""
    landed_boot: BootIdentity | None = None
    gone_at: datetime | None = None
    """When the host was seen to go down after the remedy had landed."""
    proof_boot: BootIdentity | None = None
    proof_since: datetime | None = None
    verify_until: datetime | None = None
    restarts: int = 0
    ending: str = ""
    """The outcome that was decided while something is still owed, '' before."""
    note: str = ""
    """One line for people: what happened last and what is next."""


class Queue(StrEnum):
    """Which kind of worker visits a host run next."""

    RACE = "race"
    """Watching for a window and striking in it: nothing there may block."""
    WORK = "work"
    """Everything else: looking at repaired hosts, paying debts, telling people."""


def queue_of(progress: Progress) -> Queue:
    """The queue of a host run's next visit."""
    return Queue.RACE if progress.stage in {Stage.REPAIR, Stage.SAFE_BOOT} else Queue.WORK


@dataclass(frozen=True, slots=True)
class HostRun:
    """A host run as it was claimed: its progress, and the fence that every write must carry."""

    id: int
    campaign: str
    host: Host
    wave: int
    state: State
    progress: Progress
    fence: int = 0
    owner: str = ""
    hold: str = ""
    outcome: Outcome | None = None
    cause: str = ""
    is_attempt_open: bool = False
    """An attempt was begun and has not ended: it is continued, not begun anew."""
    is_continued: bool = False
    """Its attempt was begun in an earlier visit, which may have left the host off."""
    is_draining: bool = False
    """It was claimed while the campaign did not run: only what it owes may be done."""
    may_have_struck: bool = False
    """An attempt was cut short, by a death or a drain: a strike of it may have landed without a record."""

    @property
    def begins_attempt(self) -> bool:
        """Whether whoever claims it begins an attempt."""
        repairs = self.progress.stage in {Stage.REPAIR, Stage.SAFE_BOOT} and self.progress.rung is not Rung.HANDS_ON
        return repairs and not self.is_attempt_open and not self.is_draining

    def in_next_attempt(self) -> "HostRun":
        """The same host run, in its next attempt."""
        progress = replace(self.progress, attempt=self.progress.attempt + 1)
        return replace(self, progress=progress, is_attempt_open=True)


@dataclass(frozen=True, slots=True)
class Wait:
    """Come back in that many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class End:
    """It is over: the outcome and, in one line, why."""

    outcome: Outcome
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """What one visit decided: the new progress, and what is next."""

    progress: Progress
    then: Wait | End
    event: str
    """Past tense, one or two words, for the event log."""
    detail: dict[str, object] = field(default_factory=dict)
