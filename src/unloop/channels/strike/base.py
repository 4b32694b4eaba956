"""A strike: the least exchange that lands a remedy in a window. One class per channel that can strike."""

import asyncio
import socket
from abc import ABC, abstractmethod
from typing import ClassVar

from unloop.channels.base import Deadline, Target
from unloop.channels.strike.exchange import BeforeProof, allowed, at_once
from unloop.model.order import Order
from unloop.model.power import BootIdentity
from unloop.model.report import RemedyReport

_OUTSIDE = ("connect", "negotiate", "key exchange", "log on")
"""Steps, or how they begin, before which the host has not let us in."""
Landed = tuple[RemedyReport, BootIdentity | None]
"""What the host answered, and the boot in which it did where the same exchange can tell it."""


class Strike(ABC):
    """Lands one order on one host over one channel.

    Everything that needs no host is done when it is made. ``fire`` judges every guard before it moves anything, and raises
    ChannelError when the exchange broke off; then the host may have changed. ``step`` names what is in flight.
    ``has_ticket_to_get``: the log-on needs something of a third party, which ``prepare`` gets while the host is down.
    """

    channel: ClassVar[str]
    default_port: ClassVar[int]

    def __init__(self, target: Target, order: Order) -> None:
        self.target = target
        self.order = order
        self.step = ""

    @property
    def has_logged_on(self) -> bool:
        """Whether the host had let us in before what was in flight last; False where that isn't known."""
        return bool(self.step) and not self.step.startswith(_OUTSIDE)

    @property
    def has_ticket_to_get(self) -> bool:
        """Whether a third party has to be asked before the log-on, which proves the account to it."""
        return False

    async def prepare(self, deadline: Deadline) -> None:  # noqa: B027 - most log-ons need nobody else
        """Get what a third party gives; raises ChannelError."""

    @classmethod
    @abstractmethod
    def can_carry(cls, order: Order) -> bool:
        """Whether this channel has a form of the order that it can land."""

    @abstractmethod
    async def fire(self, sock: socket.socket | None, deadline: Deadline, before_proof: BeforeProof = at_once) -> Landed:
        """Land the order over a connection that is open already, or one of its own; the socket is closed in any case."""


class BlockingStrike(Strike):
    """A strike of libraries that block: it connects anew, in a thread of the event loop's executor."""

    async def fire(self, sock: socket.socket | None, deadline: Deadline, before_proof: BeforeProof = at_once) -> Landed:
        """Land the order in a thread; what it does there goes on to its end even if nobody waits for it any more."""
        if sock is not None:
            sock.close()
        await allowed(before_proof, deadline)
        self.step = "library exchange"
        return await asyncio.to_thread(self.strike, deadline)

    @property
    def has_logged_on(self) -> bool:
        """What the library is at is not known."""
        return False

    @abstractmethod
    def strike(self, deadline: Deadline) -> Landed:
        """Land the order; blocks."""
