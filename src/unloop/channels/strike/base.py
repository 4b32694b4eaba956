"""A strike: the least exchange that lands a remedy in a window. One class per channel that can strike."""

from abc import ABC, abstractmethod
from typing import ClassVar

from unloop.channels.base import Deadline, Target
from unloop.model.order import Order
from unloop.model.power import BootIdentity
from unloop.model.report import RemedyReport


class Strike(ABC):
    """Lands one order on one host over one channel.

    Everything that needs no host is done when it is made. ``fire`` blocks (it runs in a worker thread), judges every
    guard before it moves anything, and raises ChannelError when the exchange broke off; then the host may have changed.
    """

    channel: ClassVar[str]

    def __init__(self, target: Target, order: Order) -> None:
        self.target = target
        self.order = order

    @classmethod
    @abstractmethod
    def can_carry(cls, order: Order) -> bool:
        """Whether this channel has a form of the order that it can land."""

    @abstractmethod
    def fire(self, deadline: Deadline) -> tuple[RemedyReport, BootIdentity | None]:
        """Land the order; the boot in which it landed comes along where the same exchange can tell it."""
