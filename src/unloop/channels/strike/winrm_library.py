"""The strike over WinRM: the order's PowerShell program, through pypsrp."""

from typing import ClassVar

from unloop.channels.answers import parse_report
from unloop.channels.base import Deadline
from unloop.channels.mapping import placed
from unloop.channels.strike.base import BlockingStrike, Landed
from unloop.channels.strike.boot import boot_of
from unloop.channels.winrm import WinrmChannel
from unloop.errors import ProtocolError
from unloop.model.order import Order, Shell


class WinrmLibraryStrike(BlockingStrike):
    """Lands an order as one program that judges every guard itself and says what it did."""

    channel: ClassVar[str] = WinrmChannel.name
    default_port: ClassVar[int] = WinrmChannel.default_port

    @classmethod
    def can_carry(cls, order: Order) -> bool:
        """Whether the order has a PowerShell form."""
        return Shell.POWERSHELL in order.programs

    def strike(self, deadline: Deadline) -> Landed:
        """Log on, run the program, read its report, and ask for the boot."""
        with WinrmChannel(self.target, deadline) as channel:
            done = channel.run(Shell.POWERSHELL, self.order.programs[Shell.POWERSHELL])
            try:
                report = parse_report(done.stdout)
            except ProtocolError as error:
                said = " ".join(done.stderr.split())[:200]
                meant = ProtocolError(f"{error.message}; it wrote: {said}") if said else error
                raise placed(meant, self.target, self.channel) from error
            return report, boot_of(channel, channel.boot_identity)
