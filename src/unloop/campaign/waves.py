"""Waves: a few hosts first, proven, then more. Which host goes in which, and when the next one opens: pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from unloop.errors import InputError, Problem
from unloop.model.host import Host
from unloop.model.outcome import GOOD, Outcome
from unloop.model.state import State
from unloop.store.campaigns import Count

REST = "rest"
MOST_WITHOUT_PROOF = 32
"""So many hosts without one success stop a campaign that still holds hosts back."""
_REACHED = frozenset({Outcome.FAILED, Outcome.NO_MATCH, Outcome.UNVERIFIED})
"""Outcomes of hosts that the remedy reached without doing good."""


def sizes(words: Sequence[str], total: int) -> tuple[int, ...]:
    """How many hosts each wave takes, from words such as ``1``, ``10%`` and ``rest``; they add up to ``total``."""
    taken: list[int] = []
    for word in words:
        _size(word, total, total)  # also of a wave for which no host is left
    for word in words:
        left = total - sum(taken)
        if left <= 0:
            break
        taken.append(min(left, _size(word, total, left)))
    if sum(taken) < total:
        taken.append(total - sum(taken))
    return tuple(taken)


def _size(word: str, total: int, left: int) -> int:
    text = word.strip()
    if text == REST:
        return left
    number = text.removesuffix("%")
    is_share = text.endswith("%")
    if not number.isdecimal() or int(number) == 0 or (is_share and int(number) > 100):
        raise InputError(Problem(f"a wave is a number, a share such as 10% (100% at most), or {REST!r}, not {word!r}"))
    return max(1, total * int(number) // 100) if is_share else int(number)


def assign(hosts: Sequence[Host], words: Sequence[str]) -> tuple[tuple[Host, int], ...]:
    """Each host with its wave: lower tiers first, then one of each site before the second of any, then by name."""
    order = sorted(hosts, key=lambda host: (99 if host.tier is None else host.tier, host.name))
    seen: dict[tuple[int | None, str], int] = {}
    turns = []
    for host in order:
        key = (host.tier, host.site)
        seen[key] = seen.get(key, 0) + 1
        turns.append((99 if host.tier is None else host.tier, seen[key], host.site, host.name, host))
    sequence = [turn[-1] for turn in sorted(turns, key=lambda turn: turn[:-1])]
    wave_of = [wave for wave, size in enumerate(sizes(words, len(sequence))) for _ in range(size)]
    return tuple(zip(sequence, wave_of, strict=True))


class Ruling(StrEnum):
    """What the counts of a running campaign call for."""

    GO_ON = "go_on"
    OPEN_WAVE = "open_wave"
    WIDEN = "widen"
    """The hosts opened so far prove nothing, good or bad: take as many again into the same wave."""
    STOP = "stop"
    END = "end"


@dataclass(frozen=True, slots=True)
class Decision:
    """A ruling, with its reason in one line; ``hosts`` is how many WIDEN takes in."""

    ruling: Ruling
    reason: str = ""
    hosts: int = 0


def rule(counts: Sequence[Count], *, wave: int, waves: int, max_failed: int) -> Decision:
    """Decide over a campaign: stop on harm, end when all is over, open the next wave on proven successes."""
    failed = sum(count.hosts for count in counts if count.outcome is Outcome.FAILED)
    if max_failed and failed >= max_failed:
        return Decision(Ruling.STOP, f"{failed} hosts ended failed; the limit is {max_failed}")
    if all(count.state is State.ENDED for count in counts):
        return Decision(Ruling.END)
    opened = [count for count in counts if count.wave <= wave]
    if wave + 1 >= waves or any(count.state is not State.ENDED for count in opened):
        return Decision(Ruling.GO_ON)
    good = sum(count.hosts for count in opened if count.outcome in GOOD)
    if good == 0:
        return _without_proof(opened)
    return Decision(Ruling.OPEN_WAVE, f"{good} hosts of the waves before came good")


def _without_proof(opened: Sequence[Count]) -> Decision:
    """Hosts that can't be reached are the normal state of an outage; what was reached and is not good is a warning."""
    ended = sum(count.hosts for count in opened)
    reached = sum(count.hosts for count in opened if count.outcome in _REACHED)
    if reached or ended >= MOST_WITHOUT_PROOF:
        return Decision(Ruling.STOP, f"none of the first {ended} hosts came good; look at them, then resume")
    return Decision(Ruling.WIDEN, f"none of the first {ended} hosts could be reached", ended)
