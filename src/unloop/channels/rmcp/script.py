"""Conversations with a BMC as generators without IO: what is said, how long an answer is waited for, and what counts as one.

A script yields one step at a time and is sent what was heard, or None when nothing was. Whoever runs it throws
DeadlineExceeded in when the time is up; what it yields then are farewells.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class Say:
    """Send one datagram, and wait until something is heard or ``wait`` is over; 0 means that no answer is expected.

    ``hears`` gives what a datagram says as an answer to this one, or None for one that is none. It never raises.
    ``heeds_errors``: an ICMP error ends the script. Anybody can send one, so none is heeded once the BMC was heard.
    """

    datagram: bytes
    wait: float
    hears: Callable[[bytes], Any]
    heeds_errors: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """Say nothing for some seconds."""

    seconds: float


Script = Generator[Say | Pause, Any, ResultT]

FIRST_WAIT, GROWTH, LONGEST_WAIT = 0.5, 1.3, 2.0


def waits(tries: int, first: float = FIRST_WAIT) -> Iterator[float]:
    """How long an answer is waited for, try after try."""
    wait = first
    for _ in range(tries):
        yield min(wait, LONGEST_WAIT)
        wait *= GROWTH


def farewell(datagram: bytes) -> Say:
    """A datagram that nobody answers."""
    return Say(datagram, 0.0, lambda _: None)
