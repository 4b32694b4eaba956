"""The strike over SMB: the order's file operations, through smbprotocol."""

from typing import ClassVar

from unloop.channels.base import Deadline
from unloop.channels.perform import perform
from unloop.channels.smb import SmbChannel
from unloop.channels.strike.base import BlockingStrike, Landed
from unloop.channels.strike.boot import boot_of
from unloop.model.order import Order


class SmbLibraryStrike(BlockingStrike):
    """Lands file orders over SMB; every move was answered by the host and flushed, so what it reports has landed."""

    channel: ClassVar[str] = SmbChannel.name
    default_port: ClassVar[int] = SmbChannel.default_port

    @classmethod
    def can_carry(cls, order: Order) -> bool:
        """Whether file operations alone carry it."""
        return order.files is not None

    def strike(self, deadline: Deadline) -> Landed:
        """Log on, perform, and ask for the boot."""
        with SmbChannel(self.target, deadline) as channel:
            report = perform(self.order, channel)
            return report, boot_of(channel, channel.boot_identity)
