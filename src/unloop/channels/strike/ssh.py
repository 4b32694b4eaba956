"""The strike over SSH: the order's file operations over SFTP where they carry it, else one of its programs."""

from typing import ClassVar

from unloop.channels.answers import parse_report
from unloop.channels.base import Deadline
from unloop.channels.mapping import placed
from unloop.channels.perform import perform
from unloop.channels.ssh import SshChannel
from unloop.channels.strike.base import BlockingStrike, Landed
from unloop.channels.strike.boot import boot_of
from unloop.errors import ProtocolError, Unsupported
from unloop.model.order import Order, Shell
from unloop.model.report import RemedyReport

SHELLS = (Shell.SH, Shell.POWERSHELL)
"""The shells whose programs report, over SSH."""


class SshStrike(BlockingStrike):
    """Lands an order over SSH: by SFTP when file operations carry it, else by a program in the host's shell."""

    channel: ClassVar[str] = SshChannel.name

    @classmethod
    def can_carry(cls, order: Order) -> bool:
        """Whether the order has a form for files, sh or PowerShell."""
        return order.files is not None or any(shell in order.programs for shell in SHELLS)

    def strike(self, deadline: Deadline) -> Landed:
        """Log on, land the order, and ask for the boot."""
        with SshChannel(self.target, deadline) as channel:
            report = perform(self.order, channel) if self.order.files is not None else self._run(channel)
            return report, boot_of(channel)

    def _run(self, channel: SshChannel) -> RemedyReport:
        for shell in channel.shells():
            program = self.order.programs.get(shell)
            if program is None or shell not in SHELLS:
                continue
            done = channel.run(shell, program)
            try:
                return parse_report(done.stdout)
            except ProtocolError as error:
                said = " ".join(done.stderr.split())[:200]
                meant = ProtocolError(f"{error.message}; it wrote: {said}") if said else error
                raise placed(meant, self.target, self.channel) from error
        what = "the order has no form for this host's shell; see the option shell"
        raise Unsupported(what, host=self.target.host, channel=self.channel)
