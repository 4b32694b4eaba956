"""How a host run ends: the closed list of outcomes, and the exit code they add up to."""

from collections.abc import Mapping
from enum import IntEnum, StrEnum


class Outcome(StrEnum):
    """Every targeted host ends in exactly one of these."""

    FIXED = "fixed"
    """Repaired by us, proven on a later boot."""
    SELF_HEALED = "self_healed"
    """It was broken and came back without us."""
    ALREADY_GOOD = "already_good"
    """It never needed the remedy, and that was seen on the host."""
    NOT_APPLICABLE = "not_applicable"
    """The playbook says that this kind of host is not meant."""
    NO_MATCH = "no_match"
    """Nothing on the host matched the remedy: not a success."""
    UNVERIFIED = "unverified"
    """The remedy landed; the proof is outstanding."""
    UNREACHABLE = "unreachable"
    """No channel to the host ever answered."""
    NEEDS_KEY = "needs_key"
    """Its disk is locked and only a recovery key opens it."""
    NEEDS_HANDS = "needs_hands"
    """A person must go there; the instructions say what to do."""
    FAILED = "failed"
    """Harm or a hard error; the cause says which."""
    CANCELLED = "cancelled"
    """Stopped by an operator or a rule before it ended."""


GOOD = frozenset({Outcome.FIXED, Outcome.SELF_HEALED, Outcome.ALREADY_GOOD, Outcome.NOT_APPLICABLE})


class ExitCode(IntEnum):
    """What the process answers to its caller."""

    GOOD = 0
    """Every host ended good, or what was asked for was done."""
    NOT_ALL_GOOD = 1
    """Some hosts did not end good, a proof does not hold, or the doctor found something to put right."""
    USAGE = 2
    """Bad usage, bad input, or a failed --expect; nothing was started."""
    NOTHING_MATCHED = 3
    """The selection is empty, or every host ended no_match."""
    STOPPED = 4
    """Stopped by a rule or an operator."""


def exit_code(counts: Mapping[Outcome, int], *, stopped: bool) -> ExitCode:
    """The exit code for a campaign's counts per outcome."""
    total = sum(counts.values())
    if stopped:
        return ExitCode.STOPPED
    if total == 0 or counts.get(Outcome.NO_MATCH, 0) == total:
        return ExitCode.NOTHING_MATCHED
    good = sum(count for outcome, count in counts.items() if outcome in GOOD)
    return ExitCode.GOOD if good == total else ExitCode.NOT_ALL_GOOD
