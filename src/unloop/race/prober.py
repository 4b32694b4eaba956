"""Who is up, this millisecond: fresh non-blocking connects on one epoll, nested in the event loop.

A SYN that falls into the dark is retransmitted after 1, 3, 7 … seconds, so a connect that waits notices an opened port
seconds late. A fresh socket for every probe, given up after a short time, bounds the lag by the interval.
"""

import asyncio
import errno
import select
import socket
from dataclasses import dataclass
from enum import StrEnum

from unloop.errors import InputError


class Sign(StrEnum):
    """What one probe of one port saw."""

    OPEN = "open"
    REFUSED = "refused"
    """A reset came back: a live network stack and a closed port."""
    SILENT = "silent"
    """Nothing came back in time, or the network says that the host is not there."""


@dataclass(slots=True)
class _Probe:
    sock: socket.socket
    answer: asyncio.Future[Sign]
    timer: asyncio.TimerHandle


class Prober:
    """Probes TCP ports of any number of hosts from one event loop. Close it when done."""

    def __init__(self, *, keep: float = 0.3) -> None:
        self._keep = keep
        self._loop = asyncio.get_running_loop()
        self._epoll = select.epoll()
        self._probes: dict[int, _Probe] = {}
        self._loop.add_reader(self._epoll.fileno(), self._collect)

    def close(self) -> None:
        """Give up every probe; their answers become SILENT."""
        self._loop.remove_reader(self._epoll.fileno())
        for descriptor in list(self._probes):
            self._finish(descriptor, Sign.SILENT)
        self._epoll.close()

    async def probe(self, address: str, port: int) -> Sign:
        """One fresh probe of one port. ``address`` is an IP address; answers within the time a probe is kept."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        except OSError as error:
            if error.errno in {errno.EMFILE, errno.ENFILE}:
                raise InputError(
                    "no file descriptors left for probes; raise the limit (ulimit -n) or race fewer"
                ) from error
            raise
        code = sock.connect_ex((address, port))
        if code not in {0, errno.EINPROGRESS}:
            sock.close()
            return Sign.REFUSED if code == errno.ECONNREFUSED else Sign.SILENT
        descriptor = sock.fileno()
        answer: asyncio.Future[Sign] = self._loop.create_future()
        timer = self._loop.call_later(self._keep, self._finish, descriptor, Sign.SILENT)
        self._probes[descriptor] = _Probe(sock, answer, timer)
        self._epoll.register(descriptor, select.EPOLLOUT | select.EPOLLERR | select.EPOLLHUP)
        try:
            return await answer
        finally:
            if descriptor in self._probes and self._probes[descriptor].answer is answer:
                self._finish(descriptor, Sign.SILENT)

    def _collect(self) -> None:
        for descriptor, _ in self._epoll.poll(0):
            probe = self._probes.get(descriptor)
            if probe is None:
                continue
            code = probe.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            sign = {0: Sign.OPEN, errno.ECONNREFUSED: Sign.REFUSED}.get(code, Sign.SILENT)
            self._finish(descriptor, sign)

    def _finish(self, descriptor: int, sign: Sign) -> None:
        probe = self._probes.pop(descriptor)
        probe.timer.cancel()
        self._epoll.unregister(descriptor)
        probe.sock.close()
        if not probe.answer.done():
            probe.answer.set_result(sign)
