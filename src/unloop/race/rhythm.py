"""How densely a host is probed at each moment of its boot: pure."""

from dataclasses import dataclass


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

    def interval(self, elapsed: float) -> float:
        """The interval after a probe that is sent so long after the start of the watch."""
        if self.due is None:
            return self.warm
        earliest, latest = self.due
        if elapsed < earliest:
            return min(self.cold, max(self.hot, earliest - elapsed))
        return self.hot if elapsed <= latest else self.warm

    def other_interval(self, elapsed: float) -> float:
        """The same for the ports that are not expected to open first, as long as there is no sign of the host."""
        return max(self.cold, self.interval(elapsed))
