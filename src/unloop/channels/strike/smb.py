"""The strike over SMB by our own exchange; what it can't do safely is left to the library's."""

import socket
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from unloop.channels.base import Deadline, Target, parse_options
from unloop.channels.mapping import placed
from unloop.channels.smb_options import PORT, SmbOptions
from unloop.channels.strike.base import Landed, Strike
from unloop.channels.strike.drive import drive
from unloop.channels.strike.exchange import BeforeProof, allowed, at_once
from unloop.channels.strike.kerberos import KerberosAuthenticator
from unloop.channels.strike.link import connect
from unloop.channels.strike.smb2.exchange import SmbExchange
from unloop.channels.strike.smb2.wire import DirectTcp
from unloop.channels.strike.tickets import get_ticket
from unloop.errors import ChannelError, Unsupported
from unloop.model.order import Order


@dataclass(eq=False)
class _Known:
    """What earlier exchanges with one host showed that it can do."""

    joins: bool = True
    pipelines: bool = False
    refuses_ahead: bool = False
    """It has refused requests ahead of its answers once: it is not tried again."""


class SmbStrike(Strike):
    """Lands file orders over SMB 2 and 3; every move was answered by the host, so what it reports has landed."""

    channel: ClassVar[str] = "smb"
    default_port: ClassVar[int] = PORT

    def __init__(self, target: Target, order: Order) -> None:
        super().__init__(target, order)
        self._options: SmbOptions = parse_options(self.channel, SmbOptions, target)
        self._port = target.port or self.default_port
        self._known = _known_of(target.address, self._port)
        self._authenticator = self._kerberos() if self._options.auth == "kerberos" else None
        self._exchange: SmbExchange | None = self._made()

    @classmethod
    def can_carry(cls, order: Order) -> bool:
        """Whether file operations alone carry it."""
        return order.files is not None

    @property
    def has_ticket_to_get(self) -> bool:
        """Whether the log-on is by Kerberos and the ticket is not here."""
        return self._authenticator is not None and not self._authenticator.is_ready

    async def prepare(self, deadline: Deadline) -> None:
        """Get the ticket."""
        if self._authenticator is not None:
            await get_ticket(self._authenticator.prepare, deadline)

    async def fire(self, sock: socket.socket | None, deadline: Deadline, before_proof: BeforeProof = at_once) -> Landed:
        """Land the order; raises ChannelError with the host's name."""
        try:
            return await self._fire(sock, deadline, before_proof)
        except ChannelError as error:
            raise placed(error, self.target, self.channel) from error

    async def _fire(self, sock: socket.socket | None, deadline: Deadline, before_proof: BeforeProof) -> Landed:
        """Where a host does not take requests ahead after all, the same is asked once more, one after the other."""
        was_ahead = self._known.pipelines
        try:
            return await self._once(sock, deadline, before_proof)
        except Unsupported:
            if not was_ahead:
                raise
            self._known.pipelines, self._known.refuses_ahead = False, True
        return await self._once(None, deadline, before_proof)

    async def _once(self, sock: socket.socket | None, deadline: Deadline, before_proof: BeforeProof) -> Landed:
        try:
            exchange, self._exchange = self._exchange or self._made(), None
            if self.has_ticket_to_get:
                await allowed(before_proof, deadline)
                await self.prepare(deadline)
            sock = sock or await connect(self.target.address, self._port, deadline)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                return await drive(sock, exchange, DirectTcp(), deadline, before_proof)
            finally:
                self.step = exchange.step
                self._learn(exchange)
        finally:
            if sock is not None:
                sock.close()

    def _kerberos(self) -> KerberosAuthenticator | None:
        credential = self.target.credential
        return (
            KerberosAuthenticator(credential, self._options.server_name or self.target.address) if credential else None
        )

    def _made(self) -> SmbExchange:
        known = self._known
        return SmbExchange(
            self.target,
            self.order,
            self._options,
            pipelines=known.pipelines,
            joins=known.joins,
            authenticator=self._authenticator,
        )

    def _learn(self, exchange: SmbExchange) -> None:
        """Remember what the host showed that it can do, for the next window."""
        agreement = exchange.agreement
        if agreement is not None:
            self._known.joins = agreement.joins_tree
            takes_ahead = agreement.can_pipeline and agreement.joins_tree
            self._known.pipelines = takes_ahead and not self._known.refuses_ahead


@lru_cache(maxsize=20_000)
def _known_of(address: str, port: int) -> _Known:
    """What is known of a host, for as long as this process runs."""
    return _Known()
