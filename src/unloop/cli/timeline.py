"""A host's timeline as people read it: what was said again and again stands there once, with how often and until when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from rich.table import Table
from rich.text import Text

LONGEST_ROUND = 4
"""Lines that one look at a host leaves at most: claimed, looked, found."""
INSTRUCTIONS = "evidence: instructions"
Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline, or several that said the same. Times in seconds since the epoch."""

    line: Line
    last: float
    times: int = 1

    @property
    def is_like(self) -> tuple[object, str, str]:
        """What has to be the same for two lines to say the same; which process claimed a host says nothing of the host."""
        what = self.line["what"]
        return self.line["attempt"], what, "" if what == "claimed" else in_short(self.line["data"])


def collapsed(lines: Sequence[Line]) -> tuple[Entry, ...]:
    """The timeline with each round of lines that follows itself told once."""
    left = [Entry(line, line["at"]) for line in lines]
    told: list[Entry] = []
    at = 0
    while at < len(left):
        size = _round_again(told, left[at:])
        for offset, again in enumerate(left[at : at + size]):
            before = told[offset - size]
            told[offset - size] = replace(before, last=again.last, times=before.times + 1)
        if not size:
            told.append(left[at])
        at += size or 1
    return tuple(told)


def _round_again(told: Sequence[Entry], coming: Sequence[Entry]) -> int:
    """How many of the coming lines say what the last ones that were told said; 0 for none."""
    for size in range(1, min(LONGEST_ROUND, len(told), len(coming)) + 1):
        before, after = told[-size:], coming[:size]
        alike = all(first.is_like == second.is_like for first, second in zip(before, after, strict=True))
        if alike and len({entry.times for entry in before}) == 1:
            return size
    return 0


def timeline_table(lines: Sequence[Line]) -> Table:
    """The timeline as a table that wraps and never cuts; instructions stand below it (instructions_of)."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("time (UTC)", no_wrap=True)
    table.add_column("attempt", no_wrap=True)
    table.add_column("what", overflow="fold")
    for entry in collapsed(lines):
        line = entry.line
        often = f" ({entry.times} times, last at {clock(entry.last)})" if entry.times > 1 else ""
        details = "below" if line["what"] == INSTRUCTIONS else in_short(line["data"])
        text = Text.assemble((line["what"], "bold"), often, "  " if details else "", details)
        table.add_row(clock(line["at"]), str(line["attempt"] or ""), text)
    return table


def instructions_of(lines: Sequence[Line]) -> str:
    """The newest instructions for people, '' when the host needs nobody."""
    found = [str(line["data"].get("text", "")) for line in lines if line["what"] == INSTRUCTIONS]
    return found[-1] if found else ""


def clock(seconds: float) -> str:
    """The time of day in UTC, to hundredths of a second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%H:%M:%S.%f")[:-4]


def in_short(data: Mapping[str, Any]) -> str:
    """The fields of an event in one line, without those that are empty."""
    if "text" in data:
        return str(data["text"])
    return "  ".join(f"{key}={_value(value)}" for key, value in data.items() if value not in (None, "", [], {}))


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, Mapping):
        return "{" + " ".join(f"{key}={_value(item)}" for key, item in value.items() if item not in ("", None)) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return str(value)
