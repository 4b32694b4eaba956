"""The strike over SSH: the order's file operations over SFTP where they carry it, else one of its programs."""

import asyncio
import concurrent.futures
import socket
from dataclasses import dataclass, field
from typing import ClassVar

from unloop.channels.answers import parse_report
from unloop.channels.base import Deadline
from unloop.channels.dialogue import carry_by
from unloop.channels.mapping import placed
from unloop.channels.perform import remedy
from unloop.channels.ssh import SshChannel
from unloop.channels.strike.base import Landed, Strike
from unloop.channels.strike.boot import boot_of
from unloop.channels.strike.exchange import BeforeProof, allowed, at_once
from unloop.channels.strike.link import connect
from unloop.errors import ChannelError, ConnectionLost, ProtocolError, Unsupported
from unloop.model.order import Order, Shell
from unloop.model.report import RemedyReport

SHELLS = (Shell.SH, Shell.POWERSHELL)
"""The shells whose programs report, over SSH."""


@dataclass
class _Turn:
    """The turn of the account, asked for by the thread of a strike and waited for on the event loop."""

    before_proof: BeforeProof
    deadline: Deadline
    is_called_off: bool = False
    asked: list[concurrent.futures.Future[None]] = field(default_factory=list)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    def wait(self) -> None:
        """Wait in the thread; raises ChannelError when it does not come."""
        self.asked.append(asyncio.run_coroutine_threadsafe(self._taken(), self.loop))
        try:
            self.asked[-1].result(timeout=self.deadline.left())
        except (concurrent.futures.CancelledError, TimeoutError) as error:
            raise ConnectionLost("the strike was called off before the log-on") from error

    async def _taken(self) -> None:
        if self.is_called_off:
            raise ConnectionLost("the strike was called off before the log-on")
        await allowed(self.before_proof, self.deadline)

    def call_off(self) -> None:
        """Nobody waits for the strike any more: no turn is taken for it."""
        self.is_called_off = True
        for future in self.asked:
            future.cancel()


class SshStrike(Strike):
    """Lands an order over SSH: by SFTP when file operations carry it, else by a program in the host's shell.

    paramiko blocks, so it runs in a thread, over a duplicate of the socket: whoever ends the connection ends the thread.
    """

    channel: ClassVar[str] = SshChannel.name
    default_port: ClassVar[int] = SshChannel.default_port

    @classmethod
    def can_carry(cls, order: Order) -> bool:
        """Whether the order has a form for files, sh or PowerShell."""
        return order.files is not None or any(shell in order.programs for shell in SHELLS)

    async def fire(self, sock: socket.socket | None, deadline: Deadline, before_proof: BeforeProof = at_once) -> Landed:
        """Land the order in a thread; raises ChannelError with the host's name."""
        turn, self.step = _Turn(before_proof, deadline), "connect"
        try:
            port = self.target.port or SshChannel.default_port
            sock = sock or await connect(self.target.address, port, deadline)
            return await asyncio.to_thread(self._strike, sock, deadline, turn)
        except ChannelError as error:
            raise placed(error, self.target, self.channel) from error
        finally:
            turn.call_off()
            if sock is not None:
                _end(sock)

    def _strike(self, sock: socket.socket, deadline: Deadline, turn: _Turn) -> Landed:
        """Log on, land the order, and ask for the boot."""
        channel = SshChannel(self.target, deadline)

        def before_log_on() -> None:
            self.step = "log on"
            turn.wait()

        self.step = "key exchange"
        try:
            channel.open_over(sock.dup, before_log_on)
            self.step = "remedy"
            return self._landed(channel)
        finally:
            channel.close()

    def _landed(self, channel: SshChannel) -> Landed:
        if self.order.files is None:
            return self._run(channel), boot_of(channel, channel.boot_identity)
        boot = channel.boot_meanwhile()
        return carry_by(remedy(self.order), channel.answers), boot_of(channel, boot)

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
                raise ProtocolError(f"{error.message}; it wrote: {said}" if said else error.message) from error
        raise Unsupported("the order has no form for this host's shell; see the option shell")


def _end(sock: socket.socket) -> None:
    """End a connection, whoever else holds it."""
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it has ended by itself
    finally:
        sock.close()
