"""The witness of a simulation: a file of what really happened to each host, read without sight of any store."""

import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from unloop.rehearsal.events import Happening, MachineEvent

_ENDS = frozenset({Happening.CRASH, Happening.POWER_OFF, Happening.RESTART, Happening.STAYED_UP})


class Witness:
    """Writes one JSON line for every event, at once, so that nothing is lost whoever dies."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def __call__(self, event: MachineEvent) -> None:
        """Write one event."""
        line = {"host": event.host, "what": event.what, "at": round(event.at, 6), "wall": round(time.time(), 3)}
        self._file.write(json.dumps({**line, **event.detail}) + "\n")

    def close(self) -> None:
        """The simulation ends."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass
class WitnessedHost:
    """What the witness saw of one host. Times are seconds on the simulation's monotonic clock.

    ``resets`` are the commands that took the powered-on host down. ``windows`` are from the first open port to the crash,
    or to whatever else ended it.
    """

    host: str
    resets: list[float] = field(default_factory=list)
    power_ons: list[float] = field(default_factory=list)
    boots: int = 0
    crashes: int = 0
    windows: list[tuple[float, float]] = field(default_factory=list)
    repaired_at: float | None = None
    restarts: int = 0
    is_parked: bool = False
    is_up: bool = False
    is_left_off: bool = False
    """It was switched off and never on again."""
    safe_boot: str = ""
    """The safe mode that its next boot goes to, '' for none."""
    safe_mode: str = ""
    """The safe mode that its last boot went to, '' for none."""
    safe_boots: int = 0
    refused_logons: Counter[str] = field(default_factory=Counter)
    """How often the proof of an account was refused, by the account's name in lower case."""
    _opened: float | None = None

    @property
    def is_left_in_safe_mode(self) -> bool:
        """It is in safe mode, or its next boot would go there."""
        return bool(self.safe_boot or self.safe_mode)

    def double_resets(self, spacing: float) -> int:
        """How many resets followed another by less than the least spacing."""
        return sum(later - earlier < spacing for earlier, later in zip(self.resets, self.resets[1:], strict=False))

    def hear(self, what: Happening, at: float, detail: Mapping[str, Any]) -> None:
        """Take in the next event."""
        if what in _ENDS and self._opened is not None:
            if what is not Happening.STAYED_UP:
                self.windows.append((self._opened, at))
            self._opened = None
        if what is Happening.POWER_OFF:
            self.resets.append(at)
            self.is_left_off, self.is_up = detail.get("command") == "off", False
        elif what is Happening.POWER_ON:
            self.power_ons.append(at)
            self.is_left_off = False
        elif what is Happening.BOOT:
            self.boots += 1
            self.is_parked = self.is_up = False
            self.safe_mode = str(detail.get("safe_mode", ""))
            self.safe_boots += bool(self.safe_mode)
        elif what is Happening.SAFE_BOOT:
            self.safe_boot = str(detail.get("mode", ""))
        elif what is Happening.OPEN and self._opened is None and not self.is_up:
            self._opened = at
        elif what is Happening.CRASH:
            self.crashes += 1
        elif what is Happening.REPAIRED:
            self.repaired_at = at
        elif what is Happening.RESTART:
            self.restarts += 1
        elif what is Happening.LOGON_REFUSED:
            self.refused_logons[str(detail.get("account", "")).lower()] += 1
        self.is_parked = self.is_parked or what is Happening.PARKED
        self.is_up = self.is_up or what is Happening.STAYED_UP


def witnessed(lines: Iterable[str]) -> dict[str, WitnessedHost]:
    """What the witness's lines say, by host. A last line that was cut off is left out."""
    heard: dict[str, WitnessedHost] = {}
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        seen = heard.setdefault(event["host"], WitnessedHost(event["host"]))
        seen.hear(Happening(event["what"]), float(event["at"]), event)
    return heard


def read(path: Path) -> dict[str, WitnessedHost]:
    """What a witness file says, by host."""
    with path.open(encoding="utf-8") as file:
        return witnessed(file)
