"""Striking a real smbd with our own SMB exchange, over a socket of our own, with its flights counted."""

import asyncio
import socket
from dataclasses import dataclass

from unloop.channels.base import Deadline
from unloop.channels.strike.exchange import converse
from unloop.channels.strike.link import PlainLink
from unloop.channels.strike.smb2.exchange import Agreement, SmbExchange
from unloop.channels.strike.smb2.wire import DirectTcp
from unloop.model.power import BootIdentity
from unloop.model.report import RemedyReport


class CountingLink(PlainLink):
    """A link that counts flights: what is sent at once, before anything is waited for."""

    flights = 0

    async def send(self, data: bytes) -> None:
        """Count and send."""
        self.flights += 1
        await super().send(data)


@dataclass(frozen=True)
class Struck:
    """What a strike came to, its flights, and what was agreed."""

    report: RemedyReport
    boot: BootIdentity | None
    flights: int
    agreement: Agreement


def carried_out(exchange: SmbExchange, address: str, port: int, *, seconds: float = 20.0) -> Struck:
    """Connect and carry an exchange out; raises ChannelError."""

    async def run() -> Struck:
        with socket.socket() as sock:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await asyncio.get_running_loop().sock_connect(sock, (address, port))
            link = CountingLink(sock)
            report, boot = await converse(link, exchange, DirectTcp(), Deadline.after(seconds))
            assert exchange.agreement is not None
            return Struck(report, boot, link.flights, exchange.agreement)

    return asyncio.run(run())
