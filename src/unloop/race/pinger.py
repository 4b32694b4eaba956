"""The first sign of many hosts at once: ICMP echo (RFC 792) over one socket, where this machine permits it.

A host often answers a ping before any of its services does. No answer means nothing: firewalls drop pings.
"""

import asyncio
import heapq
import ipaddress
import os
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache

Heard = Callable[[], None]
_ECHO, _REPLY = 8, 0
_HEADER = struct.Struct("!BBHHH")
_MARK = os.urandom(8)
"""What tells our pings from those of other processes of this machine."""
COST, SHARE = 15e-6, 0.05
"""Seconds of a core that a ping takes, and the part of a core that pings may take."""
BATCH = 64
"""Pings sent before whatever else waits on the event loop has its turn."""


class Pinger:
    """Pings IPv4 hosts, and tells whoever waits when one answers. Close it when done."""

    def __init__(self, sock: socket.socket, *, is_raw: bool) -> None:
        self._sock, self._is_raw = sock, is_raw
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[str, dict[Heard, int]] = {}
        """Who waits for each address, and the number under which it is pinged for them."""
        self._due: list[tuple[float, int, str, Heard, float]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._number = 0
        self._loop.add_reader(sock.fileno(), self._collect)

    def close(self) -> None:
        """End it."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._sock.fileno())
        self._sock.close()

    def wait(self, address: str, heard: Heard, *, every: float = 0.0) -> None:
        """Call ``heard`` once, when the host answers a ping from now on; ping it so often, 0 where others see to that.

        The interval in seconds is stretched when all pings together would take more than their share of a core.
        """
        self._number += 1
        self._waiting.setdefault(address, {})[heard] = self._number
        if every:
            heapq.heappush(self._due, (self._loop.time(), self._number, address, heard, every))
            self._arm()

    def forget(self, address: str, heard: Heard) -> None:
        """This one waits for the host no more."""
        waiting = self._waiting.get(address, {})
        waiting.pop(heard, None)
        if not waiting:
            self._waiting.pop(address, None)

    def send(self, address: str) -> None:
        """Ping once; what can't be sent is a ping that was lost."""
        if address in self._waiting:
            self._number += 1
            with suppress(OSError):
                self._sock.sendto(_echo(os.getpid() & 0xFFFF, self._number & 0xFFFF), (address, 0))

    def _arm(self) -> None:
        if self._due and (self._timer is None or self._timer.when() > self._due[0][0]):
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(self._due[0][0], self._tick)

    def _tick(self) -> None:
        self._timer, now = None, self._loop.time()
        least = len(self._waiting) * COST / SHARE
        for _ in range(BATCH):
            if not self._due or self._due[0][0] > now:
                break
            _, number, address, heard, every = self._due[0]
            if self._waiting.get(address, {}).get(heard) != number:
                heapq.heappop(self._due)
                continue
            heapq.heapreplace(self._due, (now + max(every, least), number, address, heard, every))
            self.send(address)
        self._arm()

    def _collect(self) -> None:
        with suppress(BlockingIOError):
            while True:
                data, (address, _) = self._sock.recvfrom(256)
                if address in self._waiting and self._is_ours(data):
                    for heard in self._waiting.pop(address):
                        heard()

    def _is_ours(self, data: bytes) -> bool:
        """Whether it is the answer to a ping of ours; a raw socket gives the IP header too (raw(7))."""
        if self._is_raw:
            data = data[(data[0] & 0x0F) * 4 :] if data else b""
        return len(data) >= _HEADER.size and data[0] == _REPLY and data[_HEADER.size :] == _MARK


def make_pinger() -> Pinger | None:
    """A pinger, or None where neither ping sockets (icmp(7), ping_group_range) nor raw ones are permitted."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            sock = socket.socket(socket.AF_INET, kind | socket.SOCK_NONBLOCK, socket.IPPROTO_ICMP)
        except OSError:
            continue
        return Pinger(sock, is_raw=kind == socket.SOCK_RAW)
    return None


@lru_cache(maxsize=20_000)
def can_be_pinged(address: str) -> bool:
    """Whether a ping tells anything: of a loopback address this machine answers for itself."""
    found = ipaddress.ip_address(address)
    return found.version == 4 and not found.is_loopback


def _echo(identity: int, number: int) -> bytes:
    bare = _HEADER.pack(_ECHO, 0, 0, identity, number) + _MARK
    return _HEADER.pack(_ECHO, 0, _checksum(bare), identity, number) + _MARK


def _checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071) of an even number of bytes."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
