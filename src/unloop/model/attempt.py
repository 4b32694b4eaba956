"""One attempt and the window it saw: measured, kept per host, never estimated."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class AttemptResult(StrEnum):
    """How one pass at a rung ended."""

    LANDED = "landed"
    SENT = "sent"
    MISSED = "missed"
    """A window was seen, nothing landed in it."""
    SILENT = "silent"
    """No port opened before the watch ended."""
    ARMED = "armed"
    """The safe boot flag was set; the next boot goes to safe mode."""
    JUDGED = "judged"
    """The host was reached and needs nothing from us (good, not meant, or nothing matched)."""
    REFUSED = "refused"
    """The host refused the log-on."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class StrikeRecord:
    """One strike in a window. Offsets in seconds as in Window; ``step`` is what was in flight when it ended.

    ``came_to`` is the verdict that the host gave, else the name of the error in words.
    """

    channel: str
    began_after: float
    ended_after: float
    came_to: str
    step: str = ""

    def to_json(self) -> dict[str, Any]:
        """JSON types only."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Window:
    """From the first open port to the crash. Offsets in seconds from the power-on (or from the start of the watch).

    ``closed_after`` is None while the host still answered when the watch ended. ``struck_after`` is when the landing was
    confirmed. ``first_ports`` maps each channel to its first sign. ``lag`` bounds how long the first port was open before
    it was seen.
    """

    opened_at: datetime
    opened_after: float
    closed_after: float | None
    struck_after: float | None
    channel: str = ""
    caught: bool = False
    first_ports: dict[str, float] = field(default_factory=dict)
    lag: float | None = None
    strikes: tuple[StrikeRecord, ...] = ()

    @property
    def length(self) -> float | None:
        """Seconds from first open port to crash, None when it never closed."""
        return None if self.closed_after is None else self.closed_after - self.opened_after
