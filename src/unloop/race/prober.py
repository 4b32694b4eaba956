"""Who is up, this millisecond: fresh non-blocking connects on one epoll, nested in the event loop.

A SYN that falls into the dark is repeated by the kernel, evenly for a while and then after 2, 4, 8 … seconds, so a connect
that waits for long notices an opened port seconds late. Probes that are to be close together are connects of their own; for
others the kernel's even repeats are used (pace.py). A socket whose connect has waited long enough is used for the next one.
A probe that connects hands its socket over, so that the strike begins on the very connection that saw the port open.
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
from math import frexp, inf, ldexp
from typing import NamedTuple

from unloop.race.budget import KEEP
from unloop.race.dial import dial, hang_up, sockaddr_of
from unloop.race.pace import LEAST, Beat, Pace
from unloop.race.repeats import EVERY, can_prepare, even_repeats, prepare, restore
from unloop.race.rhythm import Wish

BATCH = 64
"""Probes started before whatever else waits on the event loop has its turn: strikes come before probes."""
EVENTS = 256
AGAIN = 5.0
"""Seconds after which it is asked anew how densely a port is to be probed, though no connect is due."""
GRAIN = 4
"""Probes are due at moments that lie an eighth to a sixteenth of their interval apart."""
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

    A connect that waits for long is told to be silent once, though it may still be answered. ``sock`` is the connected
    socket of an open port, which belongs to whoever hears of it.
    """

    sign: Sign
    sent: float
    before: float | None
    sock: socket.socket | None = None


_ONCE = Beat(1, EVERY, EVERY)


@dataclass(eq=False, slots=True)
class Aim:
    """One port of one host that is probed again and again. Times are those of the event loop's clock.

    ``wish`` says, at the time of a probe, how long after it the next one should follow; the prober probes more densely while
    it has little to do, and less when it has too much. Where ``is_fresh``, each probe is a connect of its own, and each that
    is not answered is told to be silent.
    """

    address: str
    port: int
    heard: Callable[[Heard], None]
    wish: Callable[[float], Wish]
    is_fresh: bool = False
    turn: int = field(default=0, init=False)
    wanted: float = field(default=0.0, init=False)
    """The interval that was asked for last, 0 while it is not probed."""
    is_asked_fresh: bool = field(default=False, init=False)
    is_cut_short: bool = field(default=False, init=False)
    """Whether the network ends its connects, so that the kernel repeats none."""
    beat: Beat = field(default=_ONCE, init=False)
    begun: int = field(default=0, init=False)
    """Connects of this cycle before the next one."""
    due: float = field(default=0.0, init=False)
    """When the next connect is to begin."""
    repeated: float = field(default=inf, init=False)
    """How far apart probes have been since the last connect, because the kernel repeats."""
    sent: float | None = field(default=None, init=False)
    under_way: list["_Probe"] = field(default_factory=list, init=False)
    """The oldest first, mostly one or two; a deque would take ten times the memory."""
    sockaddr: bytes = field(default=b"", init=False)

    @property
    def is_in_turns(self) -> bool:
        """Whether its connects are repeated by the kernel, and take turns."""
        return self.beat.cycle > self.beat.apart


@dataclass(slots=True)
class Counts:
    """What a prober has done. ``late`` is the sum of how much later than due its connects began, ``latest`` the worst."""

    connects: int = 0
    starved: int = 0
    """Connects that this machine did not send, for want of a descriptor, port, memory, route or permission."""
    late: float = 0.0
    latest: float = 0.0


@dataclass(eq=False, slots=True)
class _Probe:
    """One connect under way. ``is_given_up``: it was told to be silent, and may still be answered late, or dial anew.

    ``is_prepared``: the kernel repeats it evenly for as long as a turn lasts.
    """

    aim: Aim
    sock: _socket.socket
    descriptor: int
    sent: float = 0.0
    before: float | None = None
    is_given_up: bool = False
    is_prepared: bool = False
    is_over: bool = False


class Prober:
    """Probes TCP ports of any number of hosts from one event loop, in the order in which they are due."""

    def __init__(self, *, keep: float = KEEP, files: int = 1000) -> None:
        self._keep = keep
        self.pace = Pace(keep, files, repeats=even_repeats())
        self._prepares = can_prepare()
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
        aim.begun, aim.due = 0, self._loop.time() + after
        self._push(aim, aim.due)
        self._arm()

    def stop(self, aim: Aim) -> None:
        """Probe a port no more; answers on their way are dropped."""
        aim.turn += 1
        self._ask(aim, 0.0)
        while aim.under_way:
            self._end(aim.under_way.pop()).close()

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
            if self._judge(aim, now):
                self._send(aim, now)
                started += 1
        self._arm()

    def _judge(self, aim: Aim, now: float) -> bool:
        """Say when to come back to a port; whether a connect is to begin now."""
        interval, lasts = aim.wish(now)
        self._ask(aim, interval)
        beat, before = self.pace.beat(interval, is_fresh=aim.is_asked_fresh), aim.beat
        if beat == before and aim.is_in_turns and now < aim.due - LEAST:
            self._push(aim, together(now, min(aim.due - now, lasts, AGAIN), beat.apart))
            return False
        aim.beat, aim.begun = beat, aim.begun + 1 if beat == before else 1
        wait = beat.apart if aim.begun < beat.connects else max(beat.apart, beat.cycle - (aim.begun - 1) * beat.apart)
        if aim.begun >= beat.connects:
            aim.begun = 0
        aim.due = now + wait
        self._push(aim, together(now, max(LEAST, min(wait, lasts, AGAIN)) if wait > LEAST else wait, beat.apart))
        return True

    def _ask(self, aim: Aim, interval: float) -> None:
        is_fresh = aim.is_fresh or aim.is_cut_short
        if interval != aim.wanted or is_fresh is not aim.is_asked_fresh:
            self.pace.ask(aim.wanted, 0.0, is_fresh=aim.is_asked_fresh)
            self.pace.ask(0.0, interval, is_fresh=is_fresh)
            aim.wanted, aim.is_asked_fresh = interval, is_fresh

    def _give_up(self, before: float) -> None:
        """Tell of the probes that were sent before a time that nothing came; the queue is in the order of sending."""
        while self._sent and self._sent[0].sent <= before:
            probe = self._sent.popleft()
            if not probe.is_over:
                probe.is_given_up = True
                probe.aim.is_cut_short = False
                probe.aim.heard(Heard(Sign.SILENT, probe.sent, probe.before))

    def _send(self, aim: Aim, now: float) -> None:
        probe = self._again(aim)
        if probe is None:
            try:
                probe = self._new(aim)
            except OSError:  # of this one address, or for want of a descriptor: the others are probed all the same
                self._starve(aim)
                return
        self.counts.connects += 1
        before = None if aim.sent is None else max(aim.sent, now - aim.repeated)
        probe.sent, probe.before, aim.sent = now, before, now
        aim.repeated = aim.beat.apart if aim.is_in_turns else inf
        aim.under_way.append(probe)
        if aim.is_in_turns and self._prepares and not probe.is_prepared:
            probe.is_prepared = prepare(probe.sock)
        code = dial(probe.descriptor, aim.sockaddr)
        if code == errno.EINPROGRESS:
            self._sent.append(probe)
            return
        if code not in _ANSWERS:  # this machine did not even send it, so that it says nothing of the host
            aim.under_way.remove(probe)
            self._end(probe).close()
            self._starve(aim)
            return
        self._conclude(probe, code)

    def _starve(self, aim: Aim) -> None:
        self.counts.starved += 1
        self.start(aim, after=aim.beat.apart)

    def _again(self, aim: Aim) -> "_Probe | None":
        """The oldest connect of a port, when it was given up and can begin anew; those that are too many are ended."""
        waiting, connects = aim.under_way, aim.beat.connects
        while len(waiting) >= connects and waiting[0].is_given_up:
            probe = waiting.pop(0)
            if len(waiting) < connects and hang_up(probe.descriptor):
                probe.is_given_up = False
                return probe
            self._end(probe).close()
        return None

    def _new(self, aim: Aim) -> "_Probe":
        """A probe with a socket of its own; raises OSError."""
        if len(self._probes) >= self.pace.files:
            raise OSError(errno.EMFILE, "as many connects wait as may")
        if not aim.sockaddr:
            aim.sockaddr = sockaddr_of(aim.address, aim.port)
        family = socket.AF_INET6 if ":" in aim.address else socket.AF_INET
        sock = _socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        probe = self._probes[sock.fileno()] = _Probe(aim, sock, sock.fileno())
        self._epoll.register(probe.descriptor, _READY)
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
        sent, before = probe.sent, probe.before
        if probe.is_given_up and self._loop.time() - sent >= EVERY:  # what is answered is a repeat
            sent = self._loop.time()
            before = sent - min(aim.repeated, EVERY)
        if code == 0:
            self._epoll.unregister(sock.fileno())
            if probe.is_prepared:
                restore(sock)
            aim.heard(Heard(Sign.OPEN, sent, before, socket.socket(fileno=sock.detach())))
            return
        sock.close()
        aim.is_cut_short = code != errno.ECONNREFUSED
        if aim.is_in_turns:  # the kernel repeats it no more
            self.start(aim, after=aim.beat.apart)
        if not probe.is_given_up or code == errno.ECONNREFUSED:
            sign = Sign.REFUSED if code == errno.ECONNREFUSED else Sign.SILENT
            aim.heard(Heard(sign, sent, before))

    def _end(self, probe: _Probe) -> _socket.socket:
        """A probe is over; its socket."""
        probe.is_over = True
        self._probes.pop(probe.descriptor, None)
        return probe.sock


def together(now: float, wait: float, interval: float) -> float:
    """When what waits so long is due: at one of few moments, so that probes go out in company, in a cache that is warm."""
    grain = _grain(min(wait, interval))
    return round((now + wait) / grain) * grain


@lru_cache
def _grain(interval: float) -> float:
    return ldexp(1.0, frexp(interval)[1] - GRAIN)


def discard(sock: socket.socket) -> None:
    """Close a connection with a reset, so that nothing of it is left on either side."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    sock.close()
