"""How densely all ports of a prober together are probed: more densely while there is little to do, evenly less under load.

Pure: it adds up what was asked for, and says what each port gets. The kernel repeats a connect that waits for its answer.
Where probes may be so far apart, some connects that began one after the other take turns, and each begins anew when the
kernel would no longer repeat it evenly.
"""

from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

from unloop.race.repeats import EVERY

PROBE_COST = 25e-6
"""Seconds of one core that a connect takes; bench/prober.py measures it."""
SHARE = 0.6
"""The part of a core that probing may take: the rest is for strikes and records."""
IDLE_SHARE = 0.02
"""The part of a core that probing takes where more than was asked for costs nobody anything."""
LEAST = 0.01
"""Seconds between two probes of one port at least."""
REPEAT = 0.2
"""What a repeat by the kernel costs, as a part of what a connect does."""
TURNS = 4
"""So many connects of one port take turns at most; probes that are to be closer together are connects of their own."""


class Beat(NamedTuple):
    """How a port is probed: so many ``connects`` begin in each ``cycle``, ``apart`` seconds from one to the next.

    With one connect for each probe, the cycle is the interval.
    """

    connects: int
    cycle: float
    apart: float


@dataclass(slots=True)
class Pace:
    """The probes that are asked for. Intervals are seconds, 0 for none; a probe waits ``keep`` seconds for its answer.

    ``files``: how many connects may wait at once. ``repeats``: how often the kernel repeats one evenly.
    """

    keep: float
    files: int
    cost: float = PROBE_COST
    repeats: int = 1
    rate: float = 0.0
    """Connects that all ports together begin in one second as asked for, the kernel's repeats counted for what they cost."""
    held: float = 0.0
    """Sockets that this takes."""

    def ask(self, before: float, interval: float, *, is_fresh: bool = False) -> None:
        """A port asks for another interval than before; ``is_fresh``: each probe is to be a connect of its own."""
        rate = self._rate(interval, is_fresh=is_fresh) - self._rate(before, is_fresh=is_fresh)
        held = self._held(interval, is_fresh=is_fresh) - self._held(before, is_fresh=is_fresh)
        self.rate, self.held = max(0.0, self.rate + rate), max(0.0, self.held + held)

    def beat(self, interval: float, *, is_fresh: bool = False) -> Beat:
        """What a port gets that asks for an interval: IDLE_SHARE is always used, and never more than SHARE.

        Who wants fresh probes gets no more of them than asked for.
        """
        if is_fresh:
            longer = max(interval, interval * self.load)
            return Beat(1, longer, longer)
        asked, load = self._rate(interval), self.load
        used = max(self.rate * self.cost / IDLE_SHARE, self.held / self.files)
        most = max(asked, 1 / min(interval, LEAST))
        granted = asked / load if load > 1 else min(most, asked / used) if used < 1 else asked
        return self._densest(granted)

    @property
    def load(self) -> float:
        """What is asked for in all, as a part of what can be done; above 1 everything is cut by it."""
        return max(self.rate * self.cost / SHARE, self.held / self.files)

    @property
    def _turn(self) -> float:
        """Seconds after which a connect is begun anew."""
        return (self.repeats + 1) * EVERY

    @property
    def _of_one(self) -> float:
        """Connects in a second that one in turn takes."""
        return 1 / self._turn + REPEAT / EVERY

    def _rate(self, interval: float, *, is_fresh: bool = False) -> float:
        """Connects in a second for probes so far apart."""
        return 0.0 if not interval else self._turns(interval, is_fresh=is_fresh) * self._of_one or 1 / interval

    def _held(self, interval: float, *, is_fresh: bool = False) -> float:
        return 0.0 if not interval else self._turns(interval, is_fresh=is_fresh) or self.keep / interval

    def _turns(self, interval: float, *, is_fresh: bool) -> int:
        """How many connects take turns so that probes are no further apart; 0 where each probe is better one of its own."""
        turns = ceil(EVERY / interval - 1e-6)
        return 0 if is_fresh or turns > TURNS or turns * self._of_one > 1 / interval else turns

    def _densest(self, rate: float) -> Beat:
        """The most probes for so many connects in a second."""
        turns = min(TURNS, int(rate / self._of_one + 1e-6))
        return (
            Beat(turns, self._turn, EVERY / turns)
            if turns and EVERY / turns < 1 / rate
            else Beat(1, 1 / rate, 1 / rate)
        )
