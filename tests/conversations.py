"""Conversations with a simulated BMC without a network, on a clock that only the conversation moves."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from unloop.channels.rmcp.rakp import Account
from unloop.channels.rmcp.script import Pause, Script
from unloop.errors import DeadlineExceeded
from unloop.model.host import System
from unloop.model.power import PowerState
from unloop.rehearsal.filetree import FileTree
from unloop.rehearsal.machine import Machine
from unloop.rehearsal.spec import Kind, MachineSpec

ResultT = TypeVar("ResultT")
Bmc = Callable[[bytes, float], bytes | None]
USER, PASSWORD, UUID = "keeper", "a right password", "8f14e45f-ceea-467f-a0e6-1d2c3b4a5968"
ACCOUNT = Account(USER.encode(), PASSWORD.encode())


def entropy(seed: int = 1) -> Callable[[int], bytes]:
    """Random bytes that are the same every time."""
    return random.Random(seed).randbytes  # noqa: S311


def machine() -> Machine:
    """A machine that is on, for BMCs that are asked without a loop."""
    spec = MachineSpec(
        name="a",
        address="127.0.0.1",
        bmc_address="127.0.0.1",
        system=System.WINDOWS,
        kind=Kind.LOOPING,
        uuid=UUID,
        bmc_uuid=UUID,
        username="u",
        password="p",
        services=(),
        boot_seconds=1,
        boot_jitter=0,
        window_seconds=1,
        window_jitter=0,
        bmc_username=USER,
        bmc_password=PASSWORD,
    )
    made = Machine(spec, FileTree(case_sensitive=False), lambda _: True, random.Random(1))  # noqa: S311
    made.power = PowerState.ON
    return made


@dataclass
class Network:
    """What lies between a script and a BMC: it loses what it is told to lose, by the number of the datagram.

    ``asks`` and ``replies`` are the numbers (from 0) of datagrams lost on their way there and back. ``late``: numbers of
    replies that come when the next thing is said. ``thinks`` says how long the BMC needs for a datagram; an answer after the
    wait is lost. ``time_out`` is when the one who runs the script loses patience.
    """

    bmc: Bmc
    asks: frozenset[int] = frozenset()
    replies: frozenset[int] = frozenset()
    late: frozenset[int] = frozenset()
    thinks: Callable[[bytes], float] = lambda _: 0.0
    time_out: float = 1e6
    round_trip: float = 0.01
    now: float = 0.0
    sent: list[bytes] = field(default_factory=list)
    _delayed: list[bytes] = field(default_factory=list)

    def run(self, script: Script[ResultT]) -> ResultT:
        """Carry a script out; raises what it raises."""
        try:
            step = next(script)
            while True:
                if self.now >= self.time_out and not (hasattr(step, "wait") and not step.wait):
                    step = script.throw(DeadlineExceeded("the time allowed is used up"))
                    continue
                step = script.send(self._carry(step))
        except StopIteration as end:
            result: ResultT = end.value
            return result

    def _carry(self, step: Any) -> object:
        if isinstance(step, Pause):
            self.now += step.seconds
            return None
        number = len(self.sent)
        self.sent.append(step.datagram)
        arrived, self._delayed = self._delayed, []
        reply = None if number in self.asks else self.bmc(step.datagram, self.now)
        if reply is not None and number in self.late:
            self._delayed.append(reply)
        elif reply is not None and number not in self.replies and self.thinks(step.datagram) <= step.wait:
            arrived.append(reply)
        for datagram in arrived:
            heard = step.hears(datagram)
            if heard is not None and step.wait:
                self.now += self.round_trip
                return heard
        self.now += step.wait
        return None
