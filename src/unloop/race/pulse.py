"""Whether a host that was seen to be up still is: fresh connects while it is young, then one connection that is kept.

One door is felt as long as it opens, and every door once it does not. A connection that is kept alive (RFC 9293, 3.8.4)
costs nothing until the host is silent: the kernel asks for a sign of life each second. When it breaks, fresh connects tell
whether the host is gone, or only this connection.
"""

import asyncio
import errno
import socket
import struct
from contextlib import suppress
from functools import partial

from unloop.race.prober import Aim, Heard, Prober, Sign, discard
from unloop.race.rhythm import Wish
from unloop.race.sighting import GONE_AFTER

YOUNG = 10.0
"""Seconds for which a host is felt by fresh connects, whose moment is known better."""
PATIENCE = 5.0
"""Seconds at most for which a host must be silent to be gone: a tenth of the time for which it was up."""
KEPT_FOR = 60.0
"""Seconds after which a connection is exchanged for a new one: services end those that never log on, and sshd holds it
against whoever leaves that to it (sshd_config(5), LoginGraceTime and PerSourcePenalties)."""
ALIVE = 1
"""Seconds between two signs of life of a connection that is kept (tcp(7), TCP_KEEPIDLE and TCP_KEEPINTVL)."""
_UNHEARD = frozenset({errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH})
"""What a connection ends with whose host has not answered, rather than ended it."""
_LAST_ACK = struct.Struct("=56xI")
"""tcpi_last_ack_recv of struct tcp_info (linux/tcp.h), milliseconds."""


class Pulse:
    """Feels the doors of one host. ``gone`` is when it was first found to be silent on every door that it had answered.

    ``warm`` is the interval of fresh connects in seconds.
    """

    def __init__(self, prober: Prober, warm: float) -> None:
        self._prober, self._warm = prober, warm
        self._loop = asyncio.get_running_loop()
        self.gone: asyncio.Future[float] = self._loop.create_future()
        self._since = 0.0
        self._doors: dict[str, Aim] = {}
        self._missed: dict[str, int] = {}
        """Of each door that has given a sign of the host: how many probes in a row were silent since."""
        self._silent_since: float | None = None
        self._signed = 0.0
        """When the last probe was sent that was answered."""
        self._feels_all = False
        self._kept: socket.socket | None = None
        self._exchange: asyncio.TimerHandle | None = None

    def feel(self, channel: str, address: str, port: int, *, answered: bool = False) -> None:
        """Look at a door again and again from now on; ``answered``: it has just given a sign of the host."""
        if answered:
            self._missed[channel], self._signed, self._silent_since = 0, self._loop.time(), None
        if channel in self._doors:
            return
        if not self._doors:
            self._since = self._loop.time()
        self._doors[channel] = Aim(address, port, partial(self._felt, channel), self._wish, is_fresh=True)
        if self._feels_all or len(self._doors) == 1:
            self._prober.start(self._doors[channel], after=self._warm)

    def close(self) -> None:
        """Feel nothing any more."""
        self._let_go()
        for aim in self._doors.values():
            self._prober.stop(aim)
        self._doors.clear()
        self.gone.cancel()

    def _wish(self, now: float) -> Wish:
        """When the host goes down is known to a tenth of the time for which it was up, and soon once it is in doubt."""
        return Wish(self._warm if self._silent_since is not None else max(self._warm, (now - self._since) / 10))

    def _felt(self, channel: str, heard: Heard) -> None:
        if heard.sign is Sign.SILENT:
            if not self._feels_all:
                self._feel_all(but=channel)
            if self._silent_since is None:
                self._silent_since = max(heard.sent, self._signed)
                for aim in self._doors.values():
                    if aim.wanted > self._warm:
                        self._prober.start(aim, after=self._warm)
            self._miss(channel, heard.sent)
            return
        self._signed, self._silent_since = heard.sent, None
        if heard.sock is not None:
            self._opened(channel, heard.sock)
        else:  # this door has closed, and the host is up
            self._missed[channel] = 0
            if not self._feels_all:
                self._feel_all(but=channel)

    def _miss(self, channel: str, at: float) -> None:
        if channel not in self._missed or self._silent_since is None:
            return
        self._missed[channel] += 1
        patience = min(PATIENCE, (self._silent_since - self._since) / 10)
        is_gone = at - self._silent_since >= patience and all(missed >= GONE_AFTER for missed in self._missed.values())
        if is_gone and not self.gone.done():
            self.gone.set_result(self._silent_since)

    def _opened(self, channel: str, sock: socket.socket) -> None:
        """The host is up: this door is felt alone, or its connection kept, once the host is not young any more."""
        self._missed = dict.fromkeys(self._missed, 0) | {channel: 0}
        keeps = self._kept is None and self._loop.time() - self._since >= YOUNG and _keep_alive(sock)
        for name, aim in self._doors.items():
            if keeps or name != channel:
                self._prober.stop(aim)
        self._feels_all = False
        if keeps:
            self._kept = sock
            self._loop.add_reader(sock.fileno(), self._stirred)
            self._exchange = self._loop.call_later(KEPT_FOR, self._renew, channel)
        else:
            discard(sock)

    def _feel_all(self, *, after: float = 0.0, but: str = "") -> None:
        self._feels_all = True
        for name, aim in self._doors.items():
            if name != but:
                self._prober.start(aim, after=after)

    def _stirred(self) -> None:
        """The host has said something, which means nothing; or the connection has ended."""
        sock = self._kept
        if sock is None:
            return
        silent_for, after = _silent_for(sock), self._warm
        try:
            if sock.recv(4096):
                return
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno in _UNHEARD:
                self._silent_since, after = self._loop.time() - silent_for + ALIVE / 2, 0.0
        self._let_go()
        self._feel_all(after=after)

    def _renew(self, channel: str) -> None:
        self._let_go()
        self._prober.start(self._doors[channel])

    def _let_go(self) -> None:
        if self._exchange is not None:
            self._exchange.cancel()
        if self._kept is not None:
            self._loop.remove_reader(self._kept.fileno())
            discard(self._kept)
            self._kept = None


def _keep_alive(sock: socket.socket) -> bool:
    """Have the kernel ask for signs of life; whether it does."""
    try:
        for option, value in ((socket.TCP_KEEPIDLE, ALIVE), (socket.TCP_KEEPINTVL, ALIVE), (socket.TCP_KEEPCNT, 1)):
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    except OSError:
        return False
    return True


def _silent_for(sock: socket.socket) -> float:
    """Seconds since the last sign of life."""
    with suppress(OSError, struct.error):
        return float(_LAST_ACK.unpack(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAST_ACK.size))[0]) / 1000
    return 0.0
