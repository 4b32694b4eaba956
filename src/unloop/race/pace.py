"""How densely all ports of a prober together are probed: more densely while there is little to do, evenly less under load.

Pure: it adds up the intervals that were asked for, and says by how much they are to be shortened or stretched.
"""

from dataclasses import dataclass

from unloop.race.budget import PROBE_COST, SHARE

IDLE_SHARE = 0.02
"""The part of a core that probing takes where more than was asked for costs nobody anything."""
LEAST = 0.01
"""Seconds between two probes of one port at least."""


@dataclass(slots=True)
class Pace:
    """The probes that are asked for. Intervals are seconds, 0 for none; a probe waits ``keep`` seconds for its answer.

    ``files``: how many probes may wait at once.
    """

    keep: float
    files: int
    cost: float = PROBE_COST
    rate: float = 0.0
    """Probes in one second that all ports together ask for."""

    def ask(self, before: float, interval: float) -> None:
        """A port asks for another interval than before."""
        rate = self.rate - (1 / before if before else 0.0) + (1 / interval if interval else 0.0)
        self.rate = max(0.0, rate)

    def interval(self, wanted: float) -> float:
        """The interval that a port gets: IDLE_SHARE is always used, and never more than SHARE."""
        least = min(wanted, LEAST)
        return max(least, min(wanted, wanted * self.rate * self.cost / IDLE_SHARE), wanted * self.load)

    @property
    def load(self) -> float:
        """What is asked for in all, as a part of what can be done; above 1 every interval is stretched by it."""
        return max(self.rate * self.cost / SHARE, self.rate * self.keep / self.files)
