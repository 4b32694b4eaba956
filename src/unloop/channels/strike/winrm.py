"""The strike over WinRM by our own exchange; what it can't do safely is left to the library's."""

import asyncio
import socket
from contextlib import suppress
from typing import ClassVar

from unloop.channels.base import Deadline, Target, parse_options
from unloop.channels.mapping import placed, unusable
from unloop.channels.strike.base import Landed, Strike
from unloop.channels.strike.drive import drive
from unloop.channels.strike.exchange import BeforeProof, allowed, at_once, converse
from unloop.channels.strike.link import connect
from unloop.channels.strike.tickets import get_ticket
from unloop.channels.strike.wsman.authenticator import Authenticator
from unloop.channels.strike.wsman.conversation import Door
from unloop.channels.strike.wsman.exchange import WsmanExchange
from unloop.channels.strike.wsman.http import HttpFramer
from unloop.channels.strike.wsman.logon import authenticator_of, credential_of
from unloop.channels.strike.wsman.secure import TlsDoor, context_of, door_to
from unloop.channels.strike.wsman.way import way_of
from unloop.channels.winrm_options import HTTP_PORT, WinrmOptions
from unloop.errors import ChannelError, DeadlineExceeded, InputError
from unloop.model.order import Order


class WinrmStrike(Strike):
    """Lands an order over WS-Management: by WMI's answer for each file, or by a process that tells what it came to."""

    channel: ClassVar[str] = "winrm"
    default_port: ClassVar[int] = HTTP_PORT

    def __init__(self, target: Target, order: Order) -> None:
        super().__init__(target, order)
        self._options: WinrmOptions = parse_options(self.channel, WinrmOptions, target)
        self._port = self._options.port(target)
        self._is_secure = self._options.encrypts(self._port)
        self._prepared: tuple[WsmanExchange, Authenticator] | None = None
        with suppress(ChannelError):  # it is raised again when the window is open and somebody listens
            self._prepared = self._made()

    @classmethod
    def can_carry(cls, order: Order) -> bool:
        """Whether WMI or one command line carries it."""
        return way_of(order) is not None

    @property
    def has_ticket_to_get(self) -> bool:
        """Whether the log-on is by Kerberos and the ticket is not here."""
        return self._prepared is not None and not self._prepared[1].is_ready

    async def prepare(self, deadline: Deadline) -> None:
        """Get the ticket."""
        if self._prepared is not None:
            await get_ticket(self._prepared[1].prepare, deadline)

    async def fire(self, sock: socket.socket | None, deadline: Deadline, before_proof: BeforeProof = at_once) -> Landed:
        """Land the order; raises ChannelError with the host's name."""
        try:
            return await self._fire(sock, deadline, before_proof)
        except ChannelError as error:
            raise placed(error, self.target, self.channel) from error

    async def _fire(self, sock: socket.socket | None, deadline: Deadline, before_proof: BeforeProof) -> Landed:
        try:
            (exchange, authenticator), self._prepared = self._prepared or self._made(), None
            if not authenticator.is_ready:
                await allowed(before_proof, deadline)
                await get_ticket(authenticator.prepare, deadline)
            sock = sock or await connect(self.target.address, self._port, deadline)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                return await self._landed(sock, exchange, deadline, before_proof)
            finally:
                self.step = exchange.step
        finally:
            if sock is not None:
                sock.close()

    async def _landed(
        self, sock: socket.socket, exchange: WsmanExchange, deadline: Deadline, before_proof: BeforeProof
    ) -> Landed:
        if not self._is_secure:
            return await drive(sock, exchange, HttpFramer(), deadline, before_proof)
        door = self._tls()
        try:
            async with asyncio.timeout(deadline.left()):
                link = await door.open(sock)
        except TimeoutError as error:
            raise DeadlineExceeded("no TLS came about within the time allowed") from error
        exchange.bind(link.certificate)
        try:
            return await converse(link, exchange, HttpFramer(), deadline, before_proof)
        finally:
            door.keep(link)

    def _made(self) -> tuple[WsmanExchange, Authenticator]:
        """A new exchange and its log-on; the context of its TLS takes longer to make than a strike."""
        if self._is_secure:
            self._tls()
        address = f"[{self.target.address}]" if ":" in self.target.address else self.target.address
        door = Door(f"{address}:{self._port}", is_secure=self._is_secure, credential=credential_of(self.target))
        authenticator = authenticator_of(self.target, self._options)
        return WsmanExchange(door, self.order, authenticator), authenticator

    def _tls(self) -> TlsDoor:
        trust, shows = self._options.trust, self._options.auth == "certificate"
        try:
            context = context_of(trust, credential_of(self.target), shows_certificate=shows)
        except InputError as error:
            raise unusable(error) from error
        return door_to((self.target.address, self._port), self._options.server_name, trust.fingerprint, context)
