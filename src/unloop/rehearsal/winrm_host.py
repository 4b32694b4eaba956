"""The WinRM server of a simulated Windows host: the sans-IO server of ``winrm`` on the connections of its gate."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from unloop.rehearsal.certificate import Tls
from unloop.rehearsal.gate import Serve
from unloop.rehearsal.machine import Machine
from unloop.rehearsal.ntlm import Account, channel_bindings
from unloop.rehearsal.this_boot import ThisBoot
from unloop.rehearsal.winrm.logon import Door
from unloop.rehearsal.winrm.remote_shell import Host
from unloop.rehearsal.winrm.server import WinrmServer
from unloop.rehearsal.winrm.wsman import WsMan


def make_winrm(machine: Machine, tls: Tls | None = None) -> Serve:
    """The server in front of a machine: HTTP with sealed messages, or HTTPS, where Basic is taken too."""
    spec = machine.spec
    door = Door(
        Account.of(spec.username, spec.password),
        spec.name,
        bindings=channel_bindings(tls.fingerprint) if tls is not None else b"",
        basic=spec.password if tls is not None else "",
        refused=lambda account: machine.note_refusal(account, "winrm"),
    )
    wsman = WsMan(Host(machine, lambda seconds: ThisBoot(machine).restart(seconds)), takes_basic=tls is not None)
    context = tls.context if tls is not None else None

    async def serve(connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        made = _Connection(lambda wake: WinrmServer(wsman, door, wake, is_secure=tls is not None))
        transport, _ = await loop.connect_accepted_socket(lambda: made, connection, ssl=context)
        try:
            await made.ended
        finally:
            transport.abort()

    return serve


class _Connection(asyncio.Protocol):
    """Bytes between a transport and a server, and the clock while a request waits."""

    def __init__(self, make: Callable[[Callable[[], None]], WinrmServer]) -> None:
        self._loop = asyncio.get_running_loop()
        self._server = make(self._wake)
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.ended: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._send(self._server.feed(data))

    def pause_writing(self) -> None:
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        if self._transport is not None:
            self._transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        self._server.lost()
        self._stop_clock()
        if not self.ended.done():
            self.ended.set_result(None)

    def _wake(self) -> None:
        """Another connection has changed what this one waits for; that one's step is finished first."""
        self._loop.call_soon(self._poll)

    def _poll(self) -> None:
        self._send(self._server.poll())

    def _send(self, data: bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if data:
            transport.write(data)
        if self._server.is_over:
            transport.close()
        self._stop_clock()
        due = self._server.due
        if due is not None:
            self._timer = self._loop.call_at(due, self._poll)

    def _stop_clock(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
