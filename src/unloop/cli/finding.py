"""What the doctor finds: one line each, with how it is meant and what to do."""

from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    """How a finding is meant."""

    OK = "ok"
    NOTE = "note"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's."""

    mark: Mark
    about: str
    text: str
