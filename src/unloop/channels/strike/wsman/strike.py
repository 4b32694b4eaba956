"""The strike over WinRM by our own exchange; what it can't do safely is left to the library's."""

import asyncio
import socket
from contextlib import suppress
from typing import ClassVar

from unloop.channels.base import Deadline, Target, parse_options
from unloop.channels.mapping import connecting, placed
from unloop.channels.strike.base import Landed, Strike
from unloop.channels.strike.exchange import converse
from unloop.channels.strike.link import PlainLink
from unloop.channels.strike.winrm import WinrmStrike
from unloop.channels.strike.wsman.authenticator import Authenticator
from unloop.channels.strike.wsman.conversation import Door
from unloop.channels.strike.wsman.exchange import WsmanExchange
from unloop.channels.strike.wsman.http import HttpFramer
from unloop.channels.strike.wsman.logon import authenticator_of, credential_of
from unloop.channels.strike.wsman.secure import TlsDoor, context_of, door_to
from unloop.channels.strike.wsman.way import way_of
from unloop.channels.winrm import WinrmChannel
from unloop.channels.winrm_options import WinrmOptions
from unloop.errors import ChannelError, DeadlineExceeded, LogonUndecided
from unloop.model.order import Order

MARGIN = 0.25
"""Seconds by which the exchange ends before its deadline, so that what it knows by then gets home."""


class WsmanStrike(Strike):
    """Lands an order over WS-Management: by WMI's answer for each file, or by a process that tells what it came to."""

    channel: ClassVar[str] = WinrmChannel.name
    library = WinrmStrike

    def __init__(self, target: Target, order: Order) -> None:
        super().__init__(target, order)
        self._options: WinrmOptions = parse_options(WinrmChannel, target)
        self._port = self._options.port(target)
        self._is_secure = self._options.encrypts(self._port)
        self._prepared: _Prepared | None = None
        with suppress(ChannelError):  # it is raised again when the window is open and somebody listens
            self._prepared = self._made()

    @classmethod
    def can_carry(cls, order: Order) -> bool:
        """Whether WMI or one command line carries it."""
        return way_of(order) is not None

    async def fire(self, sock: socket.socket | None, deadline: Deadline) -> Landed:
        """Land the order; raises ChannelError with the host's name."""
        try:
            return await self._fire(sock, Deadline(deadline.at - MARGIN))
        except ChannelError as error:
            raise placed(error, self.target, self.channel) from error

    async def _fire(self, sock: socket.socket | None, deadline: Deadline) -> Landed:
        try:
            prepared, self._prepared = self._prepared or self._made(), None
            sock = sock or await self._connected(deadline)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                await prepared.finished(deadline)
                return await self._landed(sock, prepared.exchange, deadline)
            finally:
                self.step = prepared.exchange.step
        finally:
            if sock is not None:
                sock.close()

    async def _landed(self, sock: socket.socket, exchange: WsmanExchange, deadline: Deadline) -> Landed:
        if not self._is_secure:
            return await converse(PlainLink(sock), exchange, HttpFramer(), deadline)
        door = self._tls()
        try:
            async with asyncio.timeout(deadline.left()):
                link = await door.open(sock)
        except TimeoutError as error:
            raise DeadlineExceeded("no TLS came about within the time allowed") from error
        exchange.bind(link.certificate)
        try:
            return await converse(link, exchange, HttpFramer(), deadline)
        finally:
            door.keep(link)

    async def _connected(self, deadline: Deadline) -> socket.socket:
        """A connection of our own."""
        address = self.target.address
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        try:
            async with asyncio.timeout(deadline.left()):
                await asyncio.get_running_loop().sock_connect(sock, (address, self._port))
        except OSError as error:
            sock.close()
            raise connecting(error) from error
        except BaseException:
            sock.close()
            raise
        return sock

    def _made(self) -> "_Prepared":
        """A new exchange, and the context of its TLS, which takes longer to make than a whole strike."""
        if self._is_secure:
            self._tls()
        address = f"[{self.target.address}]" if ":" in self.target.address else self.target.address
        door = Door(f"{address}:{self._port}", is_secure=self._is_secure, credential=credential_of(self.target))
        authenticator = authenticator_of(self.target, self._options)
        return _Prepared(WsmanExchange(door, self.order, authenticator), authenticator)

    def _tls(self) -> TlsDoor:
        trust, shows = self._options.trust, self._options.auth == "certificate"
        context = context_of(trust, credential_of(self.target), shows_certificate=shows)
        return door_to((self.target.address, self._port), self._options.server_name, trust.fingerprint, context)


class _Prepared:
    """An exchange, and what its log-on waits for in the meantime."""

    def __init__(self, exchange: WsmanExchange, authenticator: Authenticator) -> None:
        self.exchange, self._authenticator = exchange, authenticator
        self._waiting: asyncio.Task[None] | None = None
        with suppress(RuntimeError):  # without a loop it is prepared when it is used
            asyncio.get_running_loop()
            self._waiting = self._begin()

    async def finished(self, deadline: Deadline) -> None:
        """Raises ChannelError when the log-on can't be had, or not in time."""
        waiting = self._waiting or self._begin()
        if waiting is None:
            return
        try:
            async with asyncio.timeout(deadline.left()):
                await waiting
        except TimeoutError as error:
            raise LogonUndecided("nobody gave what the log-on needs within the time allowed") from error

    def _begin(self) -> "asyncio.Task[None] | None":
        if self._authenticator.is_ready:
            return None
        task = asyncio.create_task(asyncio.to_thread(self._authenticator.prepare))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())  # perhaps nobody will ask
        return task
