"""Who is up, this millisecond: fresh non-blocking connects on one epoll, nested in the event loop.

A SYN that falls into the dark is retransmitted after 1, 3, 7 … seconds, so a connect that waits notices an opened port
seconds late. A fresh connect for every probe bounds the lag by the interval; a socket whose connect has waited long enough
is used for the next one. A probe that connects hands its socket over, so that the strike begins on the very connection that
saw the port open.
"""

import _socket
import asyncio
import errno
import heapq
import select
import socket
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from math import frexp, ldexp
from typing import NamedTuple

from unloop.race.budget import KEEP
from unloop.race.dial import dial, hang_up, sockaddr_of
from unloop.race.pace import Pace

BATCH = 64
"""Probes started before whatever else waits on the event loop has its turn: strikes come before probes."""
EVENTS = 256
GRAIN = 4
"""Probes of an interval are due at moments that lie an eighth to a sixteenth of it apart."""
QUANTUM = 0.004
"""Seconds between two turns of the prober at least: what is due in between is probed together."""
_READY = select.EPOLLOUT | select.EPOLLERR | select.EPOLLHUP | select.EPOLLONESHOT
_ANSWERS = frozenset({0, errno.ECONNREFUSED})
"""What a connect comes to at once where host and prober are one machine."""
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Sign(StrEnum):
    """What one probe of one port saw."""

    OPEN = "open"
    REFUSED = "refused"
    """A reset came back: a live network stack and a closed port."""
    SILENT = "silent"
    """Nothing came back in time, or the network says that the host is not there."""


class Heard(NamedTuple):
    """What came of one probe. ``sent`` is when it was sent, ``before`` when the one before it was (None for the first).

    ``sock`` is the connected socket of an open port, which belongs to whoever hears of it.
    """

    sign: Sign
    sent: float
    before: float | None
    sock: socket.socket | None = None


@dataclass(eq=False, slots=True)
class Aim:
    """One port of one host that is probed again and again. Times are those of the event loop's clock.

    ``interval`` says, at the time of a probe, how long after it the next one should follow; the prober shortens that while
    it has little to do, except where ``hurries`` is false, and stretches it when it has too much.
    """

    address: str
    port: int
    heard: Callable[[Heard], None]
    interval: Callable[[float], float]
    hurries: bool = True
    turn: int = field(default=0, init=False)
    wanted: float = field(default=0.0, init=False)
    """The interval that was asked for last, 0 while it is not probed."""
    sent: float | None = field(default=None, init=False)
    under_way: list["_Probe"] = field(default_factory=list, init=False)
    """The oldest first, one or two; a deque would take ten times the memory."""
    sockaddr: bytes = field(default=b"", init=False)


@dataclass(slots=True)
class Counts:
    """What a prober has done. ``late`` is the sum of how much later than due its probes were sent, ``latest`` the worst."""

    probes: int = 0
    starved: int = 0
    """Probes that this machine did not send, for want of a descriptor, port, memory, route or permission."""
    late: float = 0.0
    latest: float = 0.0


@dataclass(eq=False, slots=True)
class _Probe:
    """One connect under way. ``is_given_up``: it was told to be silent, and may still be answered late, or dial anew."""

    aim: Aim
    sock: _socket.socket
    descriptor: int
    sent: float = 0.0
    before: float | None = None
    is_given_up: bool = False
    is_over: bool = False


class Prober:
    """Probes TCP ports of any number of hosts from one event loop, in the order in which they are due."""

    def __init__(self, *, keep: float = KEEP, files: int = 1000) -> None:
        self._keep = keep
        self.pace = Pace(keep, files)
        self._loop = asyncio.get_running_loop()
        self._epoll = select.epoll()
        self._moments: list[float] = []
        self._due: dict[float, list[tuple[Aim, int]]] = {}
        """What is due at each of the moments, which are few."""
        self._ready: deque[tuple[float, Aim, int]] = deque()
        """What is due by now and did not fit into a turn."""
        self._probes: dict[int, _Probe] = {}
        self._sent: deque[_Probe] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = self._ticked = 0.0
        self.counts = Counts()
        self._loop.add_reader(self._epoll.fileno(), self._collect)

    def close(self) -> None:
        """Give up every probe."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._epoll.fileno())
        for probe in self._probes.values():
            probe.sock.close()
        self._sent.clear()
        self._probes.clear()
        self._due.clear()
        self._ready.clear()
        self._epoll.close()

    @property
    def in_flight(self) -> int:
        """Sockets that wait for an answer now."""
        return len(self._probes)

    def start(self, aim: Aim, *, after: float = 0.0) -> None:
        """Probe a port from now on; one that is probed already is due anew."""
        aim.turn += 1
        self._push(aim, self._loop.time() + after)
        self._arm()

    def stop(self, aim: Aim) -> None:
        """Probe a port no more; answers on their way are dropped."""
        aim.turn += 1
        self.pace.ask(aim.wanted, 0.0)
        aim.wanted = 0.0
        while aim.under_way:
            self._end(aim.under_way.pop(0)).close()

    def _push(self, aim: Aim, at: float) -> None:
        company = self._due.get(at)
        if company is None:
            heapq.heappush(self._moments, at)
            self._due[at] = [(aim, aim.turn)]
        else:
            company.append((aim, aim.turn))

    def _arm(self) -> None:
        """Wake up when the next probe is due or the oldest one is given up."""
        at = self._ready[0][0] if self._ready else self._moments[0] if self._moments else None
        if self._sent and (at is None or self._sent[0].sent + self._keep < at):
            at = self._sent[0].sent + self._keep
        if at is None or (self._timer is not None and self._timer_at <= at):
            return
        if self._timer is not None:
            self._timer.cancel()
        at = max(at, self._ticked + QUANTUM)
        self._timer_at = at
        self._timer = self._loop.call_at(at, self._tick)

    def _tick(self) -> None:
        self._timer = None
        now = self._ticked = self._loop.time()
        self._give_up(now - self._keep)
        ready = self._ready
        while self._moments and self._moments[0] <= now:
            at = heapq.heappop(self._moments)
            ready.extend((at, aim, turn) for aim, turn in self._due.pop(at))
        started, counts = 0, self.counts
        while ready and started < BATCH:
            at, aim, turn = ready.popleft()
            if aim.turn != turn:
                continue
            late = now - at
            counts.late += late
            if late > counts.latest:
                counts.latest = late
            self._push(aim, together(now, self._interval(aim, now)))
            self._send(aim, now)
            started += 1
        self._arm()

    def _interval(self, aim: Aim, now: float) -> float:
        wanted = aim.interval(now)
        if wanted != aim.wanted:
            self.pace.ask(aim.wanted, wanted)
            aim.wanted = wanted
        given = self.pace.interval(wanted)
        return given if aim.hurries else max(given, wanted)

    def _give_up(self, before: float) -> None:
        """Tell of the probes that were sent before a time that nothing came; the queue is in the order of sending."""
        while self._sent and self._sent[0].sent <= before:
            probe = self._sent.popleft()
            if not probe.is_over:
                probe.is_given_up = True
                probe.aim.heard(Heard(Sign.SILENT, probe.sent, probe.before))

    def _send(self, aim: Aim, now: float) -> None:
        probe = self._again(aim)
        if probe is None:
            try:
                probe = self._new(aim)
            except OSError:  # of this one address, or for want of a descriptor: the others are probed all the same
                self.counts.starved += 1
                return
        self.counts.probes += 1
        probe.sent, probe.before, aim.sent = now, aim.sent, now
        aim.under_way.append(probe)
        code = dial(probe.descriptor, aim.sockaddr)
        if code == errno.EINPROGRESS:
            self._sent.append(probe)
            return
        if code not in _ANSWERS:  # this machine did not even send it, so that it says nothing of the host
            self.counts.starved += 1
            aim.under_way.remove(probe)
            self._end(probe).close()
            return
        self._conclude(probe, code)

    def _again(self, aim: Aim) -> "_Probe | None":
        """The oldest probe of a port, when it was given up and can dial anew."""
        if not aim.under_way or not aim.under_way[0].is_given_up:
            return None
        probe = aim.under_way.pop(0)
        if hang_up(probe.descriptor):
            probe.is_given_up = False
            return probe
        self._end(probe).close()
        return None

    def _new(self, aim: Aim) -> "_Probe":
        """A probe with a socket of its own; raises OSError."""
        if not aim.sockaddr:
            aim.sockaddr = sockaddr_of(aim.address, aim.port)
        family = socket.AF_INET6 if ":" in aim.address else socket.AF_INET
        sock = _socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        probe = _Probe(aim, sock, sock.fileno())
        self._epoll.register(probe.descriptor, _READY)
        self._probes[probe.descriptor] = probe
        return probe

    def _collect(self) -> None:
        for descriptor, events in self._epoll.poll(0, EVENTS):
            probe = self._probes.get(descriptor)
            if probe is None:
                continue
            code = probe.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code == 0 and events & select.EPOLLHUP:
                self._epoll.modify(descriptor, _READY)  # it was hung up and dials again; that is no answer
                continue
            self._conclude(probe, code)

    def _conclude(self, probe: _Probe, code: int) -> None:
        aim = probe.aim
        aim.under_way.remove(probe)
        sock = self._end(probe)
        if code == 0:
            self._epoll.unregister(sock.fileno())
            aim.heard(Heard(Sign.OPEN, probe.sent, probe.before, socket.socket(fileno=sock.detach())))
            return
        sock.close()
        if not probe.is_given_up or code == errno.ECONNREFUSED:
            sign = Sign.REFUSED if code == errno.ECONNREFUSED else Sign.SILENT
            aim.heard(Heard(sign, probe.sent, probe.before))

    def _end(self, probe: _Probe) -> _socket.socket:
        """A probe is over; its socket."""
        probe.is_over = True
        del self._probes[probe.descriptor]
        return probe.sock


def together(now: float, interval: float) -> float:
    """When the next probe is due: at one of few moments, so that probes go out in company, in a cache that is warm."""
    grain = _grain(interval)
    return round((now + interval) / grain) * grain


@lru_cache
def _grain(interval: float) -> float:
    return ldexp(1.0, frexp(interval)[1] - GRAIN)


def discard(sock: socket.socket) -> None:
    """Close a connection with a reset, so that nothing of it is left on either side."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    sock.close()
