"""The state machine of a host run, as a table: pure, shared by store, runner and campaign, and drawn into the docs."""

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """Where a host run stands."""

    QUEUED = "queued"
    """In the plan, its wave not opened or nobody has taken it yet."""
    WORKING = "working"
    """An actor holds its lease and works on it."""
    WAITING = "waiting"
    """Something is due later; nobody holds it."""
    HELD = "held"
    """A person stopped it; only a person releases it."""
    ENDED = "ended"
    """It has an outcome."""


class Event(StrEnum):
    """What moves a host run from state to state."""

    CLAIM = "claim"
    """A worker takes it: a lease, with a new fence. A held one is taken only to pay what it owes."""
    RECLAIM = "reclaim"
    """Another worker takes it, because the lease ran out."""
    WAIT = "wait"
    """The visit is over and the next one is due later."""
    END = "end"
    """The outcome is known."""
    HOLD = "hold"
    """A person stops it."""
    RELEASE = "release"
    """A person lets it go on."""
    CANCEL = "cancel"
    """The campaign was aborted before it ended."""
    RETRY = "retry"
    """A person queues it again with a fresh budget."""


TABLE: Mapping[tuple[State, Event], State] = {
    (State.QUEUED, Event.CLAIM): State.WORKING,
    (State.WAITING, Event.CLAIM): State.WORKING,
    (State.HELD, Event.CLAIM): State.WORKING,
    (State.WORKING, Event.RECLAIM): State.WORKING,
    (State.WORKING, Event.WAIT): State.WAITING,
    (State.WORKING, Event.END): State.ENDED,
    (State.QUEUED, Event.HOLD): State.HELD,
    (State.WAITING, Event.HOLD): State.HELD,
    (State.WORKING, Event.HOLD): State.HELD,
    (State.HELD, Event.RELEASE): State.WAITING,
    (State.QUEUED, Event.CANCEL): State.ENDED,
    (State.WAITING, Event.CANCEL): State.ENDED,
    (State.HELD, Event.CANCEL): State.ENDED,
    (State.ENDED, Event.RETRY): State.QUEUED,
}


def after(state: State, event: Event) -> State:
    """The state that follows; raises ValueError when the table has no such move."""
    try:
        return TABLE[state, event]
    except KeyError:
        raise ValueError(f"a host run that is {state} can't {event}") from None


def diagram() -> str:
    """The table as a Mermaid state diagram, for the docs."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.QUEUED}"]
    lines += [f"    {source} --> {target}: {event}" for (source, event), target in TABLE.items()]
    return "\n".join([*lines, f"    {State.ENDED} --> [*]"])


class CampaignState(StrEnum):
    """Where a whole campaign stands. Only a running one permits opening effects."""

    RUNNING = "running"
    """Hosts are worked on."""
    PAUSED = "paused"
    """An operator paused it, or it was drained by Ctrl-C; nothing new starts."""
    STOPPED = "stopped"
    """A stop rule paused it; the reason says which."""
    ABORTED = "aborted"
    """An operator stopped it for good."""
    ENDED = "ended"
    """Every host has an outcome."""
