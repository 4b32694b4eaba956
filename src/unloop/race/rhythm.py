"""How densely a host is probed at each moment of its boot: pure."""

from dataclasses import dataclass
from math import inf
from typing import NamedTuple


class Wish(NamedTuple):
    """The interval that is wanted between two probes, and for how long it stays so; seconds."""

    interval: float
    lasts: float = inf


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Intervals between two probes of one port, in seconds.

    ``due`` is when the first port is expected, as the earliest and latest time after the start of the watch; None where
    nothing is known of the host's boot. ``warm`` holds where nothing is known, ``hot`` while the port is due and once the
    host has given a sign, ``cold`` while it can't be there yet.
    """

    hot: float = 0.05
    warm: float = 0.25
    cold: float = 1.0
    due: tuple[float, float] | None = None

    def first(self, elapsed: float) -> Wish:
        """The wish for the port that is expected to open first, so long after the start of the watch."""
        if self.due is None:
            return Wish(self.warm)
        earliest, latest = self.due
        if elapsed < earliest:
            return Wish(self.cold, earliest - elapsed)
        return Wish(self.hot, latest - elapsed) if elapsed < latest else Wish(self.warm)

    def other(self, elapsed: float) -> Wish:
        """The same for the ports that are not expected to open first, as long as there is no sign of the host."""
        wish = self.first(elapsed)
        return Wish(max(self.cold, wish.interval), wish.lasts)
