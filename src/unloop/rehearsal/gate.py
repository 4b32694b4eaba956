"""A listening port of a simulated host that is open, silent or refusing, as its machine's network is.

While the host is down the port must swallow SYNs as a dead machine does. A listening socket with a socket filter that
accepts no packet does just that on Linux, without privileges (socket(7), SO_ATTACH_FILTER). A crash leaves connections
open and silent; they are reset when the host's network comes up again, as a fresh TCP stack would answer.
"""

import asyncio
import contextlib
import ctypes
import socket
import struct
import sys
from collections.abc import Awaitable, Callable

CAN_DROP = sys.platform == "linux"
_SO_ATTACH_FILTER, _SO_DETACH_FILTER = 26, 27
_RETURN_ZERO = struct.pack("HBBI", 0x06, 0, 0, 0)

Serve = Callable[[socket.socket], Awaitable[None]]


def swallow(sock: socket.socket) -> None:
    """Drop every packet that arrives for this socket from now on."""
    program = ctypes.create_string_buffer(_RETURN_ZERO)
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(program)))


def listen(address: str, port: int) -> socket.socket:
    """A non-blocking listening socket; raises OSError, and leaves none behind, when the port is taken."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setblocking(False)
        sock.bind((address, port))
        sock.listen(64)
    except OSError:
        sock.close()
        raise
    return sock


class Gate:
    """One TCP port of one simulated host. It starts shut; ``serve`` gets each accepted, non-blocking connection."""

    def __init__(self, address: str, port: int, serve: Serve, *, refuse_when_shut: bool = False) -> None:
        self._address, self._port, self._serve = address, port, serve
        self._drops = CAN_DROP and not refuse_when_shut
        self._listener: socket.socket | None = None
        self._is_open = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._silent: list[socket.socket] = []
        self._open: set[socket.socket] = set()
        if self._drops:
            self._listener = listen(address, port)
            swallow(self._listener)

    def open(self) -> None:
        """The service answers from now on; connections left over from before a crash are reset."""
        self._reset_silent()
        if self._listener is None:
            self._listener = listen(self._address, self._port)
        elif self._drops:
            self._listener.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)
        self._is_open = True
        asyncio.get_running_loop().add_reader(self._listener, self._accept, self._listener)

    def shut(self) -> None:
        """The host is gone: nothing answers any more, and what was connected stays connected to silence."""
        if not self._is_open or self._listener is None:
            return
        self._is_open = False
        asyncio.get_running_loop().remove_reader(self._listener)
        if self._drops:
            swallow(self._listener)
        else:
            self._listener.close()
            self._listener = None
        for connection in self._open:
            if connection.fileno() < 0:  # whoever served it has closed it, and is about to end
                continue
            kept = connection.dup()
            if self._drops:
                swallow(kept)
            self._silent.append(kept)
        for task in tuple(self._tasks):
            task.cancel()

    def close(self) -> None:
        """The simulation ends."""
        self.shut()
        self._reset_silent()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _reset_silent(self) -> None:
        for connection in self._silent:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        self._silent.clear()

    def _accept(self, listener: socket.socket) -> None:
        """Called when a connection waits; one that is gone again is passed over."""
        try:
            connection, _ = listener.accept()
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            return
        self._open.add(connection)
        task = asyncio.create_task(self._run(connection))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._ended(done, connection))

    def _ended(self, task: asyncio.Task[None], connection: socket.socket) -> None:
        """Called for every connection, also for one that was cancelled before it was served."""
        self._tasks.discard(task)
        self._open.discard(connection)
        connection.close()

    async def _run(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError):
            await self._serve(connection)
