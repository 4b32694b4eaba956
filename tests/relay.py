"""A UDP relay on loopback that loses a share of all datagrams, in either direction; it needs no privileges."""

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator, Mapping

Address = tuple[str, int]
_AT_ONCE = 256


class Relay:
    """Datagrams to one of its addresses go on to another; each client has a socket of its own on the far side."""

    def __init__(self, routes: Mapping[Address, Address], *, loss: float, seed: int = 1) -> None:
        self.dropped = self.passed = 0
        self._loop = asyncio.get_running_loop()
        self._loss, self._random = loss, random.Random(seed)  # noqa: S311
        self._far: dict[tuple[Address, Address], socket.socket] = {}
        self._near = {near: self._listen(near) for near in routes}
        for near, far in routes.items():
            self._loop.add_reader(self._near[near].fileno(), self._from_client, near, far)

    def close(self) -> None:
        """Give every socket back."""
        for sock in (*self._near.values(), *self._far.values()):
            self._loop.remove_reader(sock.fileno())
            sock.close()

    def _listen(self, near: Address) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.bind(near)
        return sock

    def _from_client(self, near: Address, far: Address) -> None:
        for _ in range(_AT_ONCE):
            try:
                datagram, client = self._near[near].recvfrom(4096)
            except OSError:
                return
            if self._passes():
                with contextlib.suppress(OSError):
                    self._upstream(near, far, client).send(datagram)

    def _from_server(self, near: Address, client: Address, sock: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                datagram = sock.recv(4096)
            except OSError:
                return
            if self._passes():
                with contextlib.suppress(OSError):
                    self._near[near].sendto(datagram, client)

    def _upstream(self, near: Address, far: Address, client: Address) -> socket.socket:
        known = self._far.get((near, client))
        if known is not None:
            return known
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.connect(far)
        self._far[near, client] = sock
        self._loop.add_reader(sock.fileno(), self._from_server, near, client, sock)
        return sock

    def _passes(self) -> bool:
        is_lost = self._random.random() < self._loss
        self.dropped += is_lost
        self.passed += not is_lost
        return not is_lost


@contextlib.asynccontextmanager
async def relay(routes: Mapping[Address, Address], *, loss: float, seed: int = 1) -> AsyncIterator[Relay]:
    """Relay for the length of a with block."""
    made = Relay(routes, loss=loss, seed=seed)
    try:
        yield made
    finally:
        made.close()
